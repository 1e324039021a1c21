//! The agents of an application: which are connected, which executors each runs, where their files are served, and how those end that
//! go.
//!
//! An agent's connection is its life: when it ends, for whatever reason, the agent's executors are lost, and they do not come back
//! under the same ids. So a process that was frozen and declared lost finds its connection closed, and ends. An *address* is where files
//! are served: by an agent itself, or by a process that serves those of several and outlives them.
//!
//! Pure: [`Application`](crate::Application) asks and turns the answers into events of the scheduler and effects.

mod migrations;
mod newcomers;

pub(crate) use migrations::{Migrations, Step};

use crate::application::{AgentId, Registration};
use firesteel_types::{ExecutorId, ExecutorLossReason, Millis};
use newcomers::Newcomers;
use std::collections::{BTreeMap, BTreeSet};

/// The rules for agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetSettings {
    /// The hash of the object file that holds the code of tasks: an agent runs the same, or is refused.
    pub program: [u8; 32],
    /// Whether executors are worker processes (Python's) or threads.
    pub has_processes: bool,
    /// How long migrating what an agent has may take once none of its tasks runs, in milliseconds.
    pub decommission_within_ms: u64,
    /// How long the cluster may take to tell how an agent ended whose connection has ended, in milliseconds; 0 where it never tells.
    pub end_within_ms: u64,
}

impl Default for FleetSettings {
    fn default() -> Self {
        FleetSettings {
            program: [0; 32],
            has_processes: false,
            decommission_within_ms: 60_000,
            end_within_ms: 2_000,
        }
    }
}

/// An agent that is connected.
#[derive(Clone, Debug)]
pub struct Agent {
    /// How it introduced itself.
    pub registration: Registration,
    /// Its executors, ready or not.
    pub executors: Vec<ExecutorId>,
    /// Those that are ready.
    pub ready: BTreeSet<ExecutorId>,
    decommission: Option<Decommission>,
    /// It has said that it ends as it was told to.
    is_leaving: bool,
    /// The cluster was told that it runs.
    is_announced: bool,
}

/// How an agent is being decommissioned.
#[derive(Clone, Copy, Debug, Default)]
struct Decommission {
    /// The process that serves its files goes as well.
    with_files: bool,
    /// It was told to end.
    leave_sent: bool,
}

/// An agent whose connection has ended, while the cluster may still tell how its process did.
#[derive(Debug)]
struct Departed {
    agent: Agent,
    deadline: Millis,
}

/// The answer to a registration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The agent runs these executors.
    Welcome(Vec<ExecutorId>),
    /// It waits until its worker processes can be given their setting.
    Waits,
    /// It is turned away, and why.
    Refused(String),
    /// It is to be closed without a word: the application has ended.
    Closed,
    /// It is registered already: the message came twice.
    Known,
}

/// The agent that a name stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It runs executors.
    Agent(AgentId),
    /// It has connected, and waits to be welcomed.
    Waiting(AgentId),
    /// It is not connected.
    Nothing,
}

/// What is lost with an agent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) executors: Vec<ExecutorId>,
    pub(crate) reason: ExecutorLossReason,
    /// The address that is gone with it, and all other executors whose files were there.
    pub(crate) address: Option<(String, Vec<ExecutorId>)>,
}

/// All agents of an application.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    settings: FleetSettings,
    agents: BTreeMap<AgentId, Agent>,
    owners: BTreeMap<ExecutorId, AgentId>,
    /// Where the files of executors are served, also of those that are gone, for as long as they are served.
    addresses: BTreeMap<ExecutorId, String>,
    /// Addresses whose files go with the last agent there, since one of them was decommissioned with its files.
    closing: BTreeSet<String>,
    next_executor: u32,
    newcomers: Newcomers,
    /// When each agent was last heard of that has no executor whose silence the scheduler would notice.
    unwatched: BTreeMap<AgentId, Millis>,
    setting: Option<String>,
    /// Agents that wait for the setting of their worker processes.
    waiting: Vec<(AgentId, Registration)>,
    /// How agents ended whose connections have not ended yet, by name.
    ends: BTreeMap<String, ExecutorLossReason>,
    departed: BTreeMap<AgentId, Departed>,
    pub(crate) migrations: Migrations,
    is_stopped: bool,
}

impl Fleet {
    pub(crate) fn set(&mut self, settings: FleetSettings) {
        self.settings = settings;
    }

    pub(crate) fn agents(&self) -> &BTreeMap<AgentId, Agent> {
        &self.agents
    }

    /// The agent that runs an executor, while it is connected.
    pub(crate) fn owner(&self, executor: ExecutorId) -> Option<AgentId> {
        self.owners.get(&executor).copied()
    }

    pub(crate) fn address_of(&self, executor: ExecutorId) -> Option<&str> {
        self.addresses.get(&executor).map(String::as_str)
    }

    pub(crate) fn decommission_within_ms(&self) -> u64 {
        self.settings.decommission_within_ms
    }

    /// An agent introduces itself.
    pub(crate) fn register(&mut self, now: Millis, id: AgentId, registration: Registration) -> Admission {
        if self.is_stopped {
            return Admission::Closed;
        }
        if !self.newcomers.introduce(id) {
            return Admission::Known;
        }
        if let Err(why) = self.check(&registration) {
            return Admission::Refused(why);
        }
        if self.newcomers.forget(&registration.name) {
            return Admission::Refused("it was decommissioned before it came".into());
        }
        if registration.has_processes && self.setting.is_none() {
            self.waiting.push((id, registration));
            return Admission::Waits;
        }
        Admission::Welcome(self.admit(now, id, registration))
    }

    fn admit(&mut self, now: Millis, id: AgentId, registration: Registration) -> Vec<ExecutorId> {
        let wanted = if registration.has_processes { registration.slots } else { 1 };
        let executors: Vec<ExecutorId> =
            (0..wanted).map(|_| self.new_executor(id, registration.address.clone())).collect();
        let agent = Agent {
            registration,
            executors: executors.clone(),
            ready: BTreeSet::new(),
            decommission: None,
            is_leaving: false,
            is_announced: false,
        };
        self.agents.insert(id, agent);
        self.watch(now, id);
        executors
    }

    fn new_executor(&mut self, owner: AgentId, address: String) -> ExecutorId {
        let executor = ExecutorId(self.next_executor);
        self.next_executor += 1;
        self.owners.insert(executor, owner);
        self.addresses.insert(executor, address);
        executor
    }

    fn check(&self, registration: &Registration) -> Result<(), String> {
        let hex = |hash: &[u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let settings = &self.settings;
        if registration.program != settings.program {
            return Err(format!(
                "its program is another one: the driver's file hashes to {}, the executor's to {}. Both must run the same file",
                hex(&settings.program),
                hex(&registration.program)
            ));
        }
        match (settings.has_processes, registration.has_processes) {
            (true, false) => Err("the program is a Python program; start its executors from Python".into()),
            (false, true) => Err("the program is no Python program".into()),
            _ if registration.slots == 0 => {
                Err("it has no slots: a task takes more cores than it has (`firesteel.task.cpus`)".into())
            }
            _ => Ok(()),
        }
    }

    /// The connection of an agent has ended before it was welcomed.
    pub(crate) fn waits_no_more(&mut self, id: AgentId) {
        self.waiting.retain(|(waiting, _)| *waiting != id);
    }

    pub(crate) fn setting(&self) -> Option<String> {
        self.setting.clone()
    }

    /// The setting of worker processes changes; gives the agents that have waited for the first, with their executors.
    pub(crate) fn set_workers(&mut self, now: Millis, setting: String) -> Vec<(AgentId, Vec<ExecutorId>)> {
        self.setting = Some(setting);
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().map(|(id, registration)| (id, self.admit(now, id, registration))).collect()
    }

    /// An executor of an agent is ready. False when it is not one of the agent's, or was ready before.
    pub(crate) fn ready(&mut self, id: AgentId, executor: ExecutorId) -> bool {
        let Some(agent) = self.agents.get_mut(&id) else { return false };
        agent.executors.contains(&executor) && agent.ready.insert(executor)
    }

    /// Returns the name under which the cluster is told, once, that an agent runs.
    pub(crate) fn announce(&mut self, id: AgentId) -> Option<String> {
        let agent = self.agents.get_mut(&id)?;
        let is_first = !std::mem::replace(&mut agent.is_announced, true);
        Some(agent.registration.name.clone()).filter(|name| is_first && !name.is_empty())
    }

    /// Watches an agent that has no executor whose silence the scheduler would notice: one that hangs before it is ready.
    pub(crate) fn watch(&mut self, now: Millis, id: AgentId) {
        self.unwatched.insert(id, now);
    }

    /// Leaves it to the scheduler to notice the silence of an agent.
    pub(crate) fn leave_to_scheduler(&mut self, id: AgentId) {
        self.unwatched.remove(&id);
    }

    /// Notes a sign of life.
    pub(crate) fn heard(&mut self, now: Millis, id: AgentId) {
        if let Some(heard) = self.unwatched.get_mut(&id) {
            *heard = now;
        }
    }

    /// Returns the watched agents that were silent for the timeout, each once.
    pub(crate) fn silent(&mut self, now: Millis, timeout_ms: u64) -> Vec<AgentId> {
        let is_silent = |(_, heard): &(&AgentId, &Millis)| **heard + timeout_ms <= now;
        let silent: Vec<AgentId> = self.unwatched.iter().filter(is_silent).map(|(id, _)| *id).collect();
        silent.iter().for_each(|id| self.leave_to_scheduler(*id));
        silent
    }

    /// An agent has lost a worker process; gives the executor that takes its place. None when it was not one of the agent's.
    pub(crate) fn replace(&mut self, id: AgentId, lost: ExecutorId) -> Option<ExecutorId> {
        let agent = self.agents.get_mut(&id)?;
        let at = agent.executors.iter().position(|executor| *executor == lost)?;
        agent.executors.swap_remove(at);
        agent.ready.remove(&lost);
        self.owners.remove(&lost);
        // The files of the lost one are still served at the address, so the address is remembered.
        let address = agent.registration.address.clone();
        let next = self.new_executor(id, address);
        self.agents.get_mut(&id)?.executors.push(next);
        Some(next)
    }

    /// An agent says that it ends as it was told to: the loss of its executors is not a failure.
    pub(crate) fn leaves(&mut self, id: AgentId) {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.is_leaving = true;
        }
    }

    /// The cluster tells how an agent's process ended. Gives the loss if its connection has ended before.
    pub(crate) fn ended(&mut self, name: &str, reason: ExecutorLossReason) -> Option<Loss> {
        if name.is_empty() || self.is_stopped {
            return None;
        }
        let is_it = |(_, departed): &(&AgentId, &Departed)| departed.agent.registration.name == name;
        let found = self.departed.iter().find(is_it).map(|(id, _)| *id);
        let Some(departed) = found.and_then(|id| self.departed.remove(&id)) else {
            // Of one whose loss was told already, nothing more is to be said.
            if self.agents.values().any(|agent| agent.registration.name == name) {
                self.ends.insert(name.into(), reason);
            }
            self.newcomers.forget(name);
            return None;
        };
        Some(self.loss(departed.agent, reason))
    }

    /// An agent's connection has ended. Gives the loss, unless the cluster may still tell how its process did.
    pub(crate) fn disconnected(&mut self, now: Millis, id: AgentId) -> Option<Loss> {
        let agent = self.agents.remove(&id)?;
        for executor in &agent.executors {
            self.owners.remove(executor);
        }
        self.unwatched.remove(&id);
        self.migrations.agent_gone(id);
        let known = self.ends.remove(&agent.registration.name);
        if agent.is_leaving || agent.decommission.is_some() {
            return Some(self.loss(agent, ExecutorLossReason::Decommissioned));
        }
        match known {
            Some(reason) => Some(self.loss(agent, reason)),
            None if self.settings.end_within_ms == 0 || agent.registration.name.is_empty() => {
                Some(self.loss(agent, ExecutorLossReason::Exited { code: None }))
            }
            None => {
                let deadline = now + self.settings.end_within_ms;
                self.departed.insert(id, Departed { agent, deadline });
                None
            }
        }
    }

    /// The losses of agents about which the cluster has said nothing in time.
    pub(crate) fn overdue(&mut self, now: Millis) -> Vec<Loss> {
        let is_due = |(_, departed): &(&AgentId, &Departed)| departed.deadline <= now;
        let due: Vec<AgentId> = self.departed.iter().filter(is_due).map(|(id, _)| *id).collect();
        let departed: Vec<Departed> = due.into_iter().filter_map(|id| self.departed.remove(&id)).collect();
        let unknown = ExecutorLossReason::Exited { code: None };
        departed.into_iter().map(|departed| self.loss(departed.agent, unknown.clone())).collect()
    }

    fn loss(&mut self, agent: Agent, reason: ExecutorLossReason) -> Loss {
        let Agent { registration, executors, .. } = agent;
        let is_served = registration.outputs_survive && !self.closing.contains(&registration.address);
        let address = if is_served { None } else { self.address_gone(&registration.address) };
        let others = address.map(|all| {
            let others = all.into_iter().filter(|executor| !executors.contains(executor)).collect();
            (registration.address, others)
        });
        Loss { executors, reason, address: others }
    }

    /// All executors whose files were at an address that is gone. None while another agent has its files there.
    fn address_gone(&mut self, address: &str) -> Option<Vec<ExecutorId>> {
        let departed = self.departed.values().map(|departed| &departed.agent);
        if self.agents.values().chain(departed).any(|agent| agent.registration.address == address) {
            return None;
        }
        self.closing.remove(address);
        let there = self.executors_at(address);
        self.addresses.retain(|_, at| at != address);
        Some(there.into_iter().collect())
    }

    /// Returns the executors that had files at an address and whose agents are going or gone.
    pub(crate) fn going_from(&self, address: &str) -> BTreeSet<ExecutorId> {
        let stays = |executor: &ExecutorId| self.owner(*executor).is_some_and(|id| !self.is_going(id));
        self.executors_at(address).into_iter().filter(|executor| !stays(executor)).collect()
    }

    fn is_going(&self, id: AgentId) -> bool {
        self.agents.get(&id).is_none_or(|agent| agent.decommission.is_some() || agent.is_leaving)
    }

    /// All executors that ever had files at an address.
    pub(crate) fn executors_at(&self, address: &str) -> BTreeSet<ExecutorId> {
        let there = self.addresses.iter().filter(|(_, at)| *at == address);
        there.map(|(executor, _)| *executor).collect()
    }

    /// An agent is to go.
    pub(crate) fn decommission(&mut self, name: &str, with_files: bool) -> Found {
        if name.is_empty() || self.is_stopped {
            return Found::Nothing;
        }
        if let Some((id, agent)) = self.agents.iter_mut().find(|(_, agent)| agent.registration.name == name) {
            let decommission = agent.decommission.get_or_insert_default();
            decommission.with_files |= with_files || !agent.registration.outputs_survive;
            if with_files {
                self.closing.insert(agent.registration.address.clone());
            }
            return Found::Agent(*id);
        }
        // An agent that waits for its setting was not admitted yet, and will not be.
        if let Some(at) = self.waiting.iter().position(|(_, registration)| registration.name == name) {
            return Found::Waiting(self.waiting.remove(at).0);
        }
        // One that was there and is gone needs nothing; any other is refused when it comes.
        if !self.departed.values().any(|departed| departed.agent.registration.name == name) {
            self.newcomers.refuse(name);
        }
        Found::Nothing
    }

    /// The address to migrate from before an agent that is decommissioned may end; none when its files stay.
    pub(crate) fn address_to_clear(&self, id: AgentId) -> Option<String> {
        let agent = self.agents.get(&id)?;
        agent.decommission.filter(|it| it.with_files).map(|_| agent.registration.address.clone())
    }

    /// An agent is told to end now. False when it was told before.
    pub(crate) fn release(&mut self, id: AgentId) -> bool {
        let agent = self.agents.get_mut(&id);
        let Some(decommission) = agent.and_then(|agent| agent.decommission.as_mut()) else { return false };
        !std::mem::replace(&mut decommission.leave_sent, true)
    }

    /// Whether an agent is being decommissioned.
    pub(crate) fn is_decommissioned(&self, id: AgentId) -> bool {
        self.agents.get(&id).is_some_and(|agent| agent.decommission.is_some())
    }

    /// The agents with files at an address that are to end and were not told to yet.
    pub(crate) fn to_release(&self, address: &str) -> Vec<AgentId> {
        let waits = |agent: &Agent| agent.decommission.is_some_and(|it| !it.leave_sent);
        let there = self.agents.iter().filter(|(_, agent)| agent.registration.address == address);
        there.filter(|(_, agent)| waits(agent)).map(|(id, _)| *id).collect()
    }

    /// The agents that stay.
    pub(crate) fn staying(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values().filter(|agent| agent.decommission.is_none() && !agent.is_leaving)
    }

    /// One ready executor of each agent that stays and has its files elsewhere.
    pub(crate) fn takers(&self, address: &str) -> Vec<ExecutorId> {
        let elsewhere = self.staying().filter(|agent| agent.registration.address != address);
        elsewhere.filter_map(|agent| agent.ready.first().copied()).collect()
    }

    /// No agent is accepted any more; gives all that are connected.
    pub(crate) fn stop(&mut self) -> Vec<AgentId> {
        self.is_stopped = true;
        self.migrations = Migrations::default();
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(|(id, _)| id);
        self.agents.keys().copied().chain(waiting).collect()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Returns when [`Fleet::overdue`] or [`Fleet::silent`] will have something to say.
    pub(crate) fn next_deadline(&self, timeout_ms: u64) -> Option<Millis> {
        let overdue = self.departed.values().map(|departed| departed.deadline).min();
        let silent = self.unwatched.values().min().map(|heard| *heard + timeout_ms);
        overdue.into_iter().chain(silent).min()
    }
}
