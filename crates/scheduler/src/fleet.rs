//! The agents of an application: their connections, their executors, the addresses at which their files are
//! served, and their ends.
//!
//! An agent lives as long as its connection: when that ends, for whatever reason, the agent's executors are
//! lost, and they do not come back under the same ids. So a process that was frozen and declared lost finds
//! its connection closed, and ends. At an *address*, files are served: by an agent itself, or by a process
//! that serves those of several agents and outlives them.
//!
//! Pure: [`Application`](crate::Application) asks, and turns the answers into events of the scheduler and
//! effects.

mod copies;
mod excluded;
mod migrations;
mod newcomers;

pub(crate) use copies::{Copies, ORDERS_OF_AN_AGENT, PARTITIONS_OF_AN_ORDER};
pub(crate) use migrations::{Migrations, Step};

use crate::agent_id::AgentId;
use excluded::ExcludedAgents;
use firesteel_protocol::handshake::RegisterAgent;
use firesteel_types::{ExecutorId, ExecutorLossReason, Millis};
use newcomers::Newcomers;
use std::collections::{BTreeMap, BTreeSet};

/// The rules for agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetSettings {
    /// The hash of the object file that holds the code of tasks: an agent runs the same, or is refused.
    pub program: [u8; 32],
    /// True if executors are worker processes (Python's), false if they are threads.
    pub has_processes: bool,
    /// The number of cores that each task takes.
    pub task_cpus: u32,
    /// The time that a migration from an address may take once no task runs there, in milliseconds.
    pub decommission_within_ms: u64,
    /// The time that the cluster may take to report how an agent ended whose connection has ended, in
    /// milliseconds; 0 if it never reports that.
    pub end_within_ms: u64,
    /// True if a copy of a cached partition that is gone is made again elsewhere (`storage.replication.proactive`).
    pub repairs_copies: bool,
    /// True if there is a shuffle storage, to which agents that end write their map outputs.
    pub stores_outputs: bool,
}

impl Default for FleetSettings {
    fn default() -> Self {
        FleetSettings {
            program: [0; 32],
            has_processes: false,
            task_cpus: 1,
            decommission_within_ms: 60_000,
            end_within_ms: 2_000,
            repairs_copies: true,
            stores_outputs: false,
        }
    }
}

/// An agent that is connected.
#[derive(Clone, Debug)]
pub struct Agent {
    /// How it introduced itself.
    pub registration: RegisterAgent,
    /// The number of tasks that it runs at a time.
    pub slots: u32,
    /// Its executors, ready or not.
    pub executors: Vec<ExecutorId>,
    /// Those of its executors that are ready.
    pub ready: BTreeSet<ExecutorId>,
    decommission: Option<Decommission>,
    /// True once it has reported that it ends as it was told to.
    is_leaving: bool,
    /// The cluster was told that it runs.
    is_announced: bool,
}

/// The decommission of an agent.
#[derive(Clone, Copy, Debug, Default)]
struct Decommission {
    /// True if the process that serves its files ends as well.
    with_files: bool,
    /// True once it was told to end.
    leave_sent: bool,
}

/// An agent whose connection has ended, while the cluster may still report how its process ended.
#[derive(Debug)]
struct Departed {
    agent: Agent,
    deadline: Millis,
}

/// The answer to a registration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is admitted, and has its executors.
    Welcome,
    /// It waits until its worker processes can be given their setting.
    Waits,
    /// It is turned away for this reason.
    Refused(String),
    /// Its connection is to be closed without an answer: the application has ended.
    Closed,
    /// It is registered already, and the message came twice.
    Known,
}

/// The agent that has a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It runs executors.
    Agent(AgentId),
    /// It has connected, and waits to be welcomed.
    Waiting(AgentId),
    /// It is not connected.
    Nothing,
}

/// The executors and the address that are lost with an agent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) executors: Vec<ExecutorId>,
    pub(crate) reason: ExecutorLossReason,
    /// The address that is gone with it, and all other executors whose files were there.
    pub(crate) address: Option<(String, Vec<ExecutorId>)>,
}

/// A place for copies: an agent that stays, with one of its executors.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) agent: AgentId,
    pub(crate) executor: ExecutorId,
    pub(crate) address: String,
    pub(crate) host: String,
}

/// All agents of an application.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    settings: FleetSettings,
    agents: BTreeMap<AgentId, Agent>,
    owners: BTreeMap<ExecutorId, AgentId>,
    /// The addresses at which the files of executors are served, also of executors that are gone, for as long
    /// as they are served.
    addresses: BTreeMap<ExecutorId, String>,
    /// The executors of each address.
    by_address: BTreeMap<String, BTreeSet<ExecutorId>>,
    /// The addresses whose files go with the last agent there, since one of the agents was decommissioned
    /// with its files.
    closing: BTreeSet<String>,
    /// The agents that are decommissioned and were not told to end yet, by address. With each event all migrations
    /// ask for theirs, and an application may have thousands of agents.
    to_release: BTreeMap<String, BTreeSet<AgentId>>,
    next_executor: u32,
    newcomers: Newcomers,
    /// The time of the last message of each agent that has no executor whose silence the scheduler would
    /// notice.
    unwatched: BTreeMap<AgentId, Millis>,
    /// The setting of worker processes.
    setting: Option<String>,
    /// The agents that wait for the setting of their worker processes.
    waiting: Vec<(AgentId, RegisterAgent)>,
    /// The reported ends of agents whose connections have not ended yet, by name.
    ends: BTreeMap<String, ExecutorLossReason>,
    departed: BTreeMap<AgentId, Departed>,
    pub(crate) migrations: Migrations,
    pub(crate) copies: Copies,
    pub(crate) excluded: ExcludedAgents,
    is_stopped: bool,
}

impl Fleet {
    pub(crate) fn set(&mut self, settings: FleetSettings) {
        self.settings = settings;
    }

    pub(crate) fn agents(&self) -> &BTreeMap<AgentId, Agent> {
        &self.agents
    }

    /// Returns the agent that runs an executor, while it is connected.
    pub(crate) fn owner(&self, executor: ExecutorId) -> Option<AgentId> {
        self.owners.get(&executor).copied()
    }

    pub(crate) fn address_of(&self, executor: ExecutorId) -> Option<&str> {
        self.addresses.get(&executor).map(String::as_str)
    }

    /// Returns the address at which the partitions are served that an executor has cached.
    pub(crate) fn cached_address_of(&self, executor: ExecutorId) -> Option<&str> {
        let agent = self.owner(executor).and_then(|id| self.agents.get(&id));
        agent.map(|agent| agent.registration.cached.as_str()).or_else(|| self.address_of(executor))
    }

    pub(crate) fn repairs_copies(&self) -> bool {
        self.settings.repairs_copies
    }

    pub(crate) fn decommission_within_ms(&self) -> u64 {
        self.settings.decommission_within_ms
    }

    /// Returns whether map outputs at an address are to be written to the shuffle storage.
    pub(crate) fn stores_outputs(&self, address: &str) -> bool {
        self.settings.stores_outputs && self.migrations.may_store(address)
    }

    /// Decides about an agent that registers.
    pub(crate) fn register(&mut self, now: Millis, id: AgentId, registration: RegisterAgent) -> Admission {
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
        self.admit(now, id, registration);
        Admission::Welcome
    }

    /// Gives an agent its executors.
    fn admit(&mut self, now: Millis, id: AgentId, registration: RegisterAgent) {
        let slots = self.slots(&registration);
        let wanted = if registration.has_processes { slots } else { 1 };
        let executors = (0..wanted).map(|_| self.new_executor(id, registration.blocks.clone())).collect();
        let agent = Agent {
            registration,
            slots,
            executors,
            ready: BTreeSet::new(),
            decommission: None,
            is_leaving: false,
            is_announced: false,
        };
        self.agents.insert(id, agent);
        self.watch(now, id);
    }

    /// Returns the number of tasks that an agent runs at a time.
    fn slots(&self, registration: &RegisterAgent) -> u32 {
        registration.cores / self.settings.task_cpus.max(1)
    }

    fn new_executor(&mut self, owner: AgentId, address: String) -> ExecutorId {
        let executor = ExecutorId(self.next_executor);
        self.next_executor += 1;
        self.owners.insert(executor, owner);
        self.by_address.entry(address.clone()).or_default().insert(executor);
        self.addresses.insert(executor, address);
        executor
    }

    /// Returns the reason why an agent cannot run tasks of this application, if there is one.
    fn check(&self, registration: &RegisterAgent) -> Result<(), String> {
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
            _ if self.slots(registration) == 0 => {
                Err("it has no slots: a task takes more cores than it has (`firesteel.task.cpus`)".into())
            }
            _ => Ok(()),
        }
    }

    /// Forgets an agent whose connection has ended before it was welcomed.
    pub(crate) fn waits_no_more(&mut self, id: AgentId) {
        self.waiting.retain(|(waiting, _)| *waiting != id);
    }

    pub(crate) fn setting(&self) -> Option<String> {
        self.setting.clone()
    }

    /// Changes the setting of worker processes. Admits the agents that have waited for the first, and returns
    /// them.
    pub(crate) fn set_workers(&mut self, now: Millis, setting: String) -> Vec<AgentId> {
        self.setting = Some(setting);
        let mut admitted = vec![];
        for (id, registration) in std::mem::take(&mut self.waiting) {
            self.admit(now, id, registration);
            admitted.push(id);
        }
        admitted
    }

    /// Notes that an executor of an agent is ready. Returns false if it is not one of the agent's, or was
    /// ready before.
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

    /// Watches an agent that has no executor whose silence the scheduler would notice: one that hangs before
    /// it is ready.
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

    /// Replaces the executor of a worker process that an agent has lost. Returns the new one, or `None` if
    /// the lost one was not the agent's.
    pub(crate) fn replace(&mut self, id: AgentId, lost: ExecutorId) -> Option<ExecutorId> {
        let agent = self.agents.get_mut(&id)?;
        let at = agent.executors.iter().position(|executor| *executor == lost)?;
        agent.executors.swap_remove(at);
        agent.ready.remove(&lost);
        self.owners.remove(&lost);
        // The files of the lost executor are still served, so its address stays in the table.
        let address = agent.registration.blocks.clone();
        let next = self.new_executor(id, address);
        self.agents.get_mut(&id)?.executors.push(next);
        Some(next)
    }

    /// Notes that an agent ends as it was told to, so that the loss of its executors is not a failure.
    pub(crate) fn leaves(&mut self, id: AgentId) {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.is_leaving = true;
        }
    }

    /// Notes how an agent's process ended. Returns the loss if its connection has ended before.
    pub(crate) fn ended(&mut self, name: &str, reason: ExecutorLossReason) -> Option<Loss> {
        if name.is_empty() || self.is_stopped {
            return None;
        }
        let is_it = |(_, departed): &(&AgentId, &Departed)| departed.agent.registration.name == name;
        let found = self.departed.iter().find(is_it).map(|(id, _)| *id);
        let Some(departed) = found.and_then(|id| self.departed.remove(&id)) else {
            // The agent is connected, or its loss was reported already: then this report has come too late.
            if self.agents.values().any(|agent| agent.registration.name == name) {
                self.ends.insert(name.into(), reason);
            }
            self.newcomers.forget(name);
            return None;
        };
        Some(self.loss(departed.agent, reason))
    }

    /// Notes that an agent's connection has ended. Returns the loss, unless the cluster may still report how
    /// its process ended.
    pub(crate) fn disconnected(&mut self, now: Millis, id: AgentId) -> Option<Loss> {
        let agent = self.agents.remove(&id)?;
        for executor in &agent.executors {
            self.owners.remove(executor);
        }
        self.unwatched.remove(&id);
        self.waits_no_more_to_end(&agent.registration.blocks, id);
        self.migrations.agent_gone(id);
        self.copies.agent_gone(now, id);
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

    /// Takes out the agents whose ends the cluster has not reported in time, and returns their losses.
    pub(crate) fn overdue(&mut self, now: Millis) -> Vec<Loss> {
        let is_due = |(_, departed): &(&AgentId, &Departed)| departed.deadline <= now;
        let due: Vec<AgentId> = self.departed.iter().filter(is_due).map(|(id, _)| *id).collect();
        let departed: Vec<Departed> = due.into_iter().filter_map(|id| self.departed.remove(&id)).collect();
        let unknown = ExecutorLossReason::Exited { code: None };
        departed.into_iter().map(|departed| self.loss(departed.agent, unknown.clone())).collect()
    }

    fn loss(&mut self, agent: Agent, reason: ExecutorLossReason) -> Loss {
        let Agent { registration, executors, .. } = agent;
        let is_served = registration.outputs_survive && !self.closing.contains(&registration.blocks);
        let address = if is_served { None } else { self.address_gone(&registration.blocks) };
        let others = address.map(|all| {
            let others = all.into_iter().filter(|executor| !executors.contains(executor)).collect();
            (registration.blocks, others)
        });
        Loss { executors, reason, address: others }
    }

    /// Forgets an address that is gone with an agent. Returns all executors whose files were there; `None` if
    /// another agent has its files there, so that the address stays.
    fn address_gone(&mut self, address: &str) -> Option<Vec<ExecutorId>> {
        let departed = self.departed.values().map(|departed| &departed.agent);
        if self.agents.values().chain(departed).any(|agent| agent.registration.blocks == address) {
            return None;
        }
        self.closing.remove(address);
        let there = self.by_address.remove(address).unwrap_or_default();
        for executor in &there {
            self.addresses.remove(executor);
        }
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

    /// Returns all executors that ever had files at an address.
    pub(crate) fn executors_at(&self, address: &str) -> BTreeSet<ExecutorId> {
        self.by_address.get(address).cloned().unwrap_or_default()
    }

    /// Begins to decommission the agent that has a name.
    pub(crate) fn decommission(&mut self, name: &str, with_files: bool) -> Found {
        if name.is_empty() || self.is_stopped {
            return Found::Nothing;
        }
        if let Some((id, agent)) = self.agents.iter_mut().find(|(_, agent)| agent.registration.name == name) {
            let decommission = agent.decommission.get_or_insert_default();
            decommission.with_files |= with_files || !agent.registration.outputs_survive;
            let address = &agent.registration.blocks;
            if !decommission.leave_sent {
                self.to_release.entry(address.clone()).or_default().insert(*id);
            }
            if with_files {
                self.closing.insert(address.clone());
            }
            return Found::Agent(*id);
        }
        // An agent that waits for its setting was not admitted yet, and will not be.
        if let Some(at) = self.waiting.iter().position(|(_, registration)| registration.name == name) {
            return Found::Waiting(self.waiting.remove(at).0);
        }
        // An agent that has departed is gone already. Any other has not come yet, and is refused when it
        // does.
        if !self.departed.values().any(|departed| departed.agent.registration.name == name) {
            self.newcomers.refuse(name);
        }
        Found::Nothing
    }

    /// Returns the address to migrate from before an agent that is decommissioned may end; `None` if its
    /// files stay.
    pub(crate) fn address_to_clear(&self, id: AgentId) -> Option<String> {
        let agent = self.agents.get(&id)?;
        agent.decommission.filter(|it| it.with_files).map(|_| agent.registration.blocks.clone())
    }

    /// Notes that an agent is told to end. Returns false if it was told before, or is not decommissioned.
    pub(crate) fn release(&mut self, id: AgentId) -> bool {
        let Some(agent) = self.agents.get_mut(&id) else { return false };
        let Some(decommission) = agent.decommission.as_mut() else { return false };
        let is_first = !std::mem::replace(&mut decommission.leave_sent, true);
        let address = agent.registration.blocks.clone();
        self.waits_no_more_to_end(&address, id);
        is_first
    }

    /// Takes an agent out of those that were not told to end yet.
    fn waits_no_more_to_end(&mut self, address: &str, id: AgentId) {
        let Some(there) = self.to_release.get_mut(address) else { return };
        there.remove(&id);
        if there.is_empty() {
            self.to_release.remove(address);
        }
    }

    /// Returns whether an agent is being decommissioned.
    pub(crate) fn is_decommissioned(&self, id: AgentId) -> bool {
        self.agents.get(&id).is_some_and(|agent| agent.decommission.is_some())
    }

    /// Returns the agents with files at an address that are decommissioned and were not told to end yet.
    pub(crate) fn to_release(&self, address: &str) -> Vec<AgentId> {
        self.to_release.get(address).into_iter().flatten().copied().collect()
    }

    /// Returns whether an agent with files at an address is decommissioned and was not told to end yet.
    pub(crate) fn has_to_release(&self, address: &str) -> bool {
        self.to_release.contains_key(address)
    }

    /// Returns the agents that stay.
    pub(crate) fn staying(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values().filter(|agent| agent.decommission.is_none() && !agent.is_leaving)
    }

    /// Returns one ready executor of each agent that stays and has its files at another address.
    pub(crate) fn takers(&self, address: &str) -> Vec<ExecutorId> {
        let elsewhere = self.staying().filter(|agent| agent.registration.blocks != address);
        elsewhere.filter_map(|agent| agent.ready.first().copied()).collect()
    }

    /// Returns the places for copies: one for each agent that stays and has a ready executor which is not lost.
    pub(crate) fn homes(&self, is_known: impl Fn(ExecutorId) -> bool) -> Vec<Home> {
        let home = |(id, agent): (&AgentId, &Agent)| {
            let executor = agent.ready.iter().copied().find(|executor| is_known(*executor))?;
            let registration = &agent.registration;
            let (address, host) = (registration.cached.clone(), registration.host.clone());
            (!self.is_going(*id)).then_some(Home { agent: *id, executor, address, host })
        };
        self.agents.iter().filter_map(home).collect()
    }

    /// Returns the host of an executor whose agent stays.
    pub(crate) fn host_that_stays(&self, executor: ExecutorId) -> Option<&str> {
        let id = self.owner(executor).filter(|id| !self.is_going(*id))?;
        self.agents.get(&id).map(|agent| agent.registration.host.as_str())
    }

    /// Accepts no agent any more. Returns all that are connected.
    pub(crate) fn stop(&mut self) -> Vec<AgentId> {
        self.is_stopped = true;
        self.migrations = Migrations::default();
        self.copies = Copies::default();
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(|(id, _)| id);
        self.agents.keys().copied().chain(waiting).collect()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Returns the time at which [`Fleet::overdue`] or [`Fleet::silent`] will return an agent.
    pub(crate) fn next_deadline(&self, timeout_ms: u64) -> Option<Millis> {
        let overdue = self.departed.values().map(|departed| departed.deadline).min();
        let silent = self.unwatched.values().min().map(|heard| *heard + timeout_ms);
        overdue.into_iter().chain(silent).min()
    }
}
