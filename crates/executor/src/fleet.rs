//! The driver's side of agents: who has registered, which executors each runs, what each was told.
//!
//! An agent's connection is its life: when it ends, for whatever reason, its executors are lost. It does not come back under the same
//! names; whoever wants it to be replaced starts another. So a process that was frozen and declared lost finds its connection closed,
//! and ends.

use crate::blocks::impatient;
use crate::link::Executors;
use crate::processes::{BarrierAnswer, ProcessListener, WorkerInfo};
use firesteel_net::bulk::{BlockClient, Item};
use firesteel_net::{Connection, Credentials, Outbox, receive, receive_at_most};
use firesteel_protocol::handshake::{AgentReply, RegisterAgent, Welcome};
use firesteel_protocol::{
    BlockRequest, DeliveredOutcome, FromExecutor, ResultOnExecutor, SentOutputs, TaskReport, TaskSpec,
    ToExecutor,
};
use firesteel_types::{
    AccumulatorUpdate, BroadcastId, CallSite, ExecutorId, ExecutorLossReason, KillReason, Partition, RddId,
    ShuffleId, StageId, TaskFailure, TaskId,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread;

mod moves;

use moves::{Going, Moves};
pub use moves::{Leaver, LentAgent};

/// How many bytes an agent may need to introduce itself: names and addresses.
const REGISTER_AT_MOST: u64 = 64 << 10;

/// Whoever starts agents, and knows how their processes ended.
pub trait Backend: Send + Sync {
    /// How an agent's process ended whose connection has: waits for a moment. `None` when that is not known here.
    fn ended(&self, name: &str) -> Option<ExecutorLossReason>;

    /// An agent of this name is ready to run tasks.
    fn registered(&self, name: &str);

    /// How many executors the application wants from now on, where that can be chosen.
    fn want(&self, executors: u32);

    /// The application ends: its agents are about to be let go, and are not to be replaced.
    fn finish(&self) {}

    /// Ends all agents that it has started, and whatever else it has.
    fn stop(&self);
}

/// What agents are told.
#[derive(Clone, Debug)]
pub struct FleetSettings {
    /// The application, by a number that no other of this process has.
    pub application: u64,
    /// The hash of the object file that holds the code of tasks.
    pub program: [u8; 32],
    /// The application's settings.
    pub settings: Vec<(String, String)>,
    /// How often agents say that they live, in milliseconds.
    pub heartbeat_ms: u64,
    /// After how long without a word an agent ends, in milliseconds.
    pub timeout_ms: u64,
    /// How often a host that cannot be reached is asked again for a map output, and the pause before that.
    pub retries: u32,
    /// In milliseconds.
    pub retry_wait_ms: u64,
    /// Whether executors must be worker processes (Python's), or must be threads.
    pub has_processes: bool,
    /// Whether what tasks write to disk is to be encrypted.
    pub encrypted: bool,
}

/// All agents of an application.
pub struct Fleet {
    settings: FleetSettings,
    listener: Weak<dyn ProcessListener>,
    backend: OnceLock<Arc<dyn Backend>>,
    client: BlockClient,
    state: Mutex<State>,
    /// Something of the state has changed that somebody may wait for.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    agents: BTreeMap<u64, Agent>,
    executors: HashMap<ExecutorId, Remote>,
    /// Where the files of executors are served, those that are gone among them, as long as somebody serves them.
    addresses: HashMap<ExecutorId, String>,
    next_agent: u64,
    next_executor: u32,
    setting: Option<String>,
    moves: Moves,
    stopped: bool,
}

struct Agent {
    register: RegisterAgent,
    outbox: Outbox,
    sent_outputs: SentOutputs,
    executors: Vec<ExecutorId>,
    /// Why its executors are about to be lost, where the driver knows it before the connection ends.
    leaving: Option<ExecutorLossReason>,
    /// Whether it gets no more tasks, and how it goes.
    going: Option<Going>,
}

struct Remote {
    agent: u64,
    running: Vec<TaskSpec>,
    /// How many tasks have ended that nobody was told of yet.
    ending: u32,
    /// Tasks that have ended there, and whose results are on their way here.
    fetching: Vec<TaskId>,
    is_ready: bool,
}

impl Fleet {
    /// Nobody has registered yet.
    pub fn new(
        settings: FleetSettings,
        credentials: Credentials,
        listener: Weak<dyn ProcessListener>,
    ) -> Arc<Self> {
        let client = BlockClient::new(credentials, impatient(settings.timeout_ms));
        let (backend, state, changed) = (OnceLock::new(), Mutex::default(), Condvar::new());
        Arc::new(Fleet { settings, listener, backend, client, state, changed })
    }

    /// Says who starts agents. The first to say so is heard.
    pub fn set_backend(&self, backend: Arc<dyn Backend>) {
        let _ = self.backend.set(backend);
    }

    /// Who starts agents.
    pub fn backend(&self) -> Option<&Arc<dyn Backend>> {
        self.backend.get()
    }

    /// What worker processes that begin from now on are to know. Agents that start such are not let in before it was said once.
    pub fn set(&self, setting: &str) {
        self.state().setting = Some(setting.into());
        self.changed.notify_all();
        self.send_all(|| ToExecutor::WorkerSetting { setting: setting.into() });
    }

    /// How many tasks all executors run at a time.
    pub fn slots(&self) -> u32 {
        self.state().agents.values().map(|agent| agent.register.slots).sum()
    }

    /// How many agents there are.
    pub fn agents(&self) -> usize {
        self.state().agents.len()
    }

    /// The process ids of all agents, by name. For tests and for people.
    pub fn processes(&self) -> Vec<(String, u32)> {
        let state = self.state();
        state.agents.values().map(|agent| (agent.register.name.clone(), agent.register.process)).collect()
    }

    /// The executors that are ready.
    pub fn infos(&self) -> Vec<WorkerInfo> {
        let state = self.state();
        let ready = state.executors.iter().filter(|(_, remote)| remote.is_ready);
        let mut infos: Vec<_> = ready
            .filter_map(|(executor, remote)| {
                let register = &state.agents.get(&remote.agent)?.register;
                let share = if register.has_processes { register.slots } else { 1 };
                let info = WorkerInfo {
                    host: Some(register.host.clone()),
                    process: if register.has_processes { 0 } else { register.process },
                    running: remote.running.len(),
                    resident_bytes: 0,
                    budget_bytes: register.memory / u64::from(share.max(1)),
                };
                Some((*executor, info))
            })
            .collect();
        infos.sort_by_key(|(executor, _)| *executor);
        infos.into_iter().map(|(_, info)| info).collect()
    }

    /// Where the files of an executor are served.
    pub fn address_of(&self, executor: ExecutorId) -> Option<String> {
        self.state().addresses.get(&executor).cloned()
    }

    /// Lets all agents go.
    pub fn stop(&self) {
        let agents = {
            let mut state = self.state();
            state.stopped = true;
            std::mem::take(&mut state.agents)
        };
        if let Some(backend) = self.backend.get() {
            backend.finish();
        }
        self.changed.notify_all();
        agents.values().for_each(|agent| agent.outbox.close());
        if let Some(backend) = self.backend.get() {
            backend.stop();
        }
    }

    /// The life of a connection that an agent has opened: returns when it is over.
    pub fn serve(self: &Arc<Self>, connection: Connection) {
        let closer = connection.closer();
        let (mut receiver, sender) = connection.split();
        let Ok(Some(register)) = receive_at_most(&mut receiver, REGISTER_AT_MOST) else { return };
        let Ok(outbox) = Outbox::new("firesteel-to-agent", sender, closer) else { return };
        let Some(agent) = self.register(register, &outbox) else {
            outbox.flush();
            return outbox.close();
        };
        while let Ok(Some(message)) = receive(&mut receiver) {
            let Some(listener) = self.listener.upgrade() else { break };
            self.on_message(agent, message, &*listener);
        }
        outbox.close();
        self.gone(agent);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No user code runs under this lock, and nothing is waited for.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, register: RegisterAgent, outbox: &Outbox) -> Option<u64> {
        if let Err(reason) = self.check(&register) {
            outbox.send(&AgentReply::Refused { reason });
            return None;
        }
        let mut state = self.state();
        if state.moves.unwelcome.remove(&register.name) {
            outbox.send(&AgentReply::Refused { reason: "it was sent away before it came".into() });
            return None;
        }
        while register.has_processes && state.setting.is_none() && !state.stopped {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped {
            return None;
        }
        let agent = state.next_agent;
        state.next_agent += 1;
        let wanted = if register.has_processes { register.slots } else { 1 };
        let executors: Vec<ExecutorId> = (0..wanted).map(|_| state.next_executor(agent)).collect();
        for &executor in &executors {
            state.addresses.insert(executor, register.blocks.clone());
        }
        let setting = state.setting.clone();
        // Under the lock, so that nothing is said to it before.
        outbox.send(&AgentReply::Accepted { welcome: self.welcome(executors.clone(), setting) });
        let (outbox, sent_outputs) = (outbox.clone(), SentOutputs::default());
        state
            .agents
            .insert(agent, Agent { register, outbox, sent_outputs, executors, leaving: None, going: None });
        Some(agent)
    }

    fn check(&self, register: &RegisterAgent) -> Result<(), String> {
        let hex = |hash: &[u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        if register.program != self.settings.program {
            return Err(format!(
                "its program is another one: the driver's file hashes to {}, the executor's to {}. Both must run the same file",
                hex(&self.settings.program),
                hex(&register.program)
            ));
        }
        match (self.settings.has_processes, register.has_processes) {
            (true, false) => Err("the program is a Python program; start its executors from Python".into()),
            (false, true) => Err("the program is no Python program".into()),
            _ if register.slots == 0 => Err("it has no slots".into()),
            _ => Ok(()),
        }
    }

    fn welcome(&self, executors: Vec<ExecutorId>, setting: Option<String>) -> Welcome {
        let settings = &self.settings;
        Welcome {
            application: settings.application,
            executors,
            settings: settings.settings.clone(),
            heartbeat_ms: settings.heartbeat_ms,
            timeout_ms: settings.timeout_ms,
            retries: settings.retries,
            retry_wait_ms: settings.retry_wait_ms,
            setting,
            encrypted: settings.encrypted,
        }
    }

    fn on_message(self: &Arc<Self>, agent: u64, message: FromExecutor, listener: &dyn ProcessListener) {
        match message {
            // Agents fetch plans as blocks.
            FromExecutor::AskPlan { .. } => {}
            FromExecutor::Added { executor } => {
                let Some(register) = self.ready(agent, executor) else { return };
                if let Some(backend) = self.backend.get() {
                    backend.registered(&register.name);
                }
                let slots = if register.has_processes { 1 } else { register.slots };
                listener.added(executor, Some(&register.host), slots);
                if self.state().agents.get(&agent).is_some_and(|agent| agent.going.is_some()) {
                    listener.leaving(executor);
                }
            }
            FromExecutor::Lost { executor, reason } => self.worker_lost(agent, executor, reason, listener),
            FromExecutor::Alive { running } => {
                for (executor, mut running) in running {
                    running.extend(self.fetching(executor));
                    listener.alive(executor, running);
                }
                self.send(agent, &ToExecutor::Alive);
            }
            FromExecutor::Finished { executor, task, report, updates } => {
                self.finished((agent, executor), task, report, updates, listener);
            }
            FromExecutor::AskCommit { executor, task } => {
                let allowed = listener.may_commit(executor, task);
                self.send(agent, &ToExecutor::CommitDecision { task, allowed });
            }
            FromExecutor::BarrierSync { executor, task, epoch, message } => {
                let fleet = Arc::downgrade(self);
                let answer: BarrierAnswer = Box::new(move |outcome| {
                    if let Some(fleet) = fleet.upgrade() {
                        fleet.send(agent, &ToExecutor::BarrierAnswer { task, epoch, outcome });
                    }
                });
                listener.barrier(executor, task, epoch, message, answer);
            }
            FromExecutor::Stored { executor, key } => listener.stored(executor, key),
            FromExecutor::Dropped { executor, key } => listener.dropped(executor, key),
            FromExecutor::Migrated { report } => self.migrated(agent, report),
            FromExecutor::OutOfWorkers { reason } => listener.out_of_workers(reason),
            FromExecutor::Left => {
                if let Some(agent) = self.state().agents.get_mut(&agent) {
                    agent.leaving = Some(ExecutorLossReason::Decommissioned);
                }
            }
        }
    }

    /// An executor begins: how its agent introduced itself.
    fn ready(&self, agent: u64, executor: ExecutorId) -> Option<RegisterAgent> {
        let mut state = self.state();
        state.executors.get_mut(&executor).filter(|remote| remote.agent == agent)?.is_ready = true;
        state.agents.get(&agent).map(|agent| agent.register.clone())
    }

    /// Tasks that the executor does not have any more, and whose ends are told when their results are here.
    fn fetching(&self, executor: ExecutorId) -> Vec<TaskId> {
        self.state().executors.get(&executor).map_or(vec![], |remote| remote.fetching.clone())
    }

    /// One of an agent's worker processes is gone; another begins in its place. What it wrote is still there.
    fn worker_lost(
        &self,
        agent: u64,
        executor: ExecutorId,
        reason: ExecutorLossReason,
        listener: &dyn ProcessListener,
    ) {
        {
            let mut state = self.state();
            state.executors.remove(&executor);
            let next = state.next_executor(agent);
            let Some(known) = state.agents.get_mut(&agent) else { return };
            known.executors.retain(|other| *other != executor);
            known.executors.push(next);
            known.outbox.send(&ToExecutor::NextExecutor { executor: next });
            let address = known.register.blocks.clone();
            state.addresses.insert(next, address);
        }
        listener.lost(executor, reason, true);
    }

    fn finished(
        self: &Arc<Self>,
        (agent, executor): (u64, ExecutorId),
        task: TaskId,
        report: TaskReport,
        updates: Vec<AccumulatorUpdate>,
        listener: &dyn ProcessListener,
    ) {
        let ended = self.state().executors.get_mut(&executor).and_then(|remote| {
            let at = remote.running.iter().position(|running| running.task == task)?;
            remote.ending += 1;
            Some(remote.running.swap_remove(at))
        });
        let was_known = ended.is_some();
        self.end_task((agent, executor), task, (report, ended), updates, listener);
        if let (true, Some(remote)) = (was_known, self.state().executors.get_mut(&executor)) {
            remote.ending -= 1;
        }
        self.changed.notify_all();
    }

    fn end_task(
        self: &Arc<Self>,
        (agent, executor): (u64, ExecutorId),
        task: TaskId,
        (report, ended): (TaskReport, Option<TaskSpec>),
        updates: Vec<AccumulatorUpdate>,
        listener: &dyn ProcessListener,
    ) {
        match (report, ended) {
            (TaskReport::ResultOnExecutor { result }, Some(spec)) => {
                if !listener.may_fetch(spec.job, result.bytes) {
                    self.result_over(agent, task, listener);
                    let killed = TaskFailure::Killed(KillReason::JobEnded);
                    return listener.finished(executor, task, DeliveredOutcome::failed(killed), vec![]);
                }
                if let Some(remote) = self.state().executors.get_mut(&executor) {
                    remote.fetching.push(task);
                }
                let fleet = self.clone();
                let fetch = move || fleet.fetch((agent, executor), task, &result, updates);
                // Without a thread, the task counts as one whose outcome was lost.
                let _ = thread::Builder::new().name("firesteel-result".into()).spawn(fetch);
            }
            // Nobody waits for it any more.
            (TaskReport::ResultOnExecutor { .. }, None) => self.result_over(agent, task, listener),
            (TaskReport::Delivered { outcome }, ended) => {
                if let (Some(spec), DeliveredOutcome::Failed { failure }) = (&ended, &outcome)
                    && matches!(**failure, TaskFailure::Exception(_))
                {
                    listener.failed(spec);
                }
                listener.finished(executor, task, outcome, updates);
            }
        }
    }

    /// Brings a large result here.
    fn fetch(
        &self,
        (agent, executor): (u64, ExecutorId),
        task: TaskId,
        result: &ResultOnExecutor,
        updates: Vec<AccumulatorUpdate>,
    ) {
        let Some(listener) = self.listener.upgrade() else { return };
        let (outcome, updates) = match self.try_fetch(&result.address, task) {
            Ok(bytes) => (DeliveredOutcome::of_result(bytes), updates),
            Err(message) => (fetch_failure(task, message), vec![]),
        };
        listener.finished(executor, task, outcome, updates);
        if let Some(remote) = self.state().executors.get_mut(&executor) {
            remote.fetching.retain(|fetched| *fetched != task);
        }
        self.result_over(agent, task, &*listener);
    }

    fn result_over(&self, agent: u64, task: TaskId, listener: &dyn ProcessListener) {
        self.send(agent, &ToExecutor::RemoveResult { task });
        listener.result_over(task);
    }

    fn try_fetch(&self, address: &str, task: TaskId) -> Result<Vec<u8>, String> {
        let request = BlockRequest::Result { task }.encode().map_err(|e| e.to_string())?;
        let mut answer = self.client.request(address, &request).map_err(|e| e.to_string())?;
        let mut result = vec![];
        match answer.next_item(&mut result).map_err(|e| e.to_string())? {
            Item::Here => {
                let _ = answer.next_item(&mut vec![]);
                Ok(result)
            }
            Item::Missing | Item::End => Err("its executor does not have it".into()),
        }
    }

    /// An agent's connection is over.
    fn gone(&self, agent: u64) {
        let (gone, lost_with_address) = {
            let mut state = self.state();
            let Some(gone) = state.agents.remove(&agent) else { return };
            for executor in &gone.executors {
                state.executors.remove(executor);
            }
            state.answers_no_more(agent);
            let with_files = gone.going.is_some_and(|going| going.with_files);
            let is_over = with_files || !gone.register.outputs_survive;
            let lost = is_over.then(|| state.address_gone(&gone.register.blocks)).flatten();
            (gone, lost)
        };
        self.changed.notify_all();
        let how = self.backend.get().and_then(|backend| backend.ended(&gone.register.name));
        let reason = gone.leaving.or(how).unwrap_or(ExecutorLossReason::Exited { code: None });
        let Some(listener) = self.listener.upgrade() else { return };
        for &executor in &gone.executors {
            listener.lost(executor, reason.clone(), lost_with_address.is_none());
        }
        if let Some(executors) = lost_with_address {
            listener.address_gone(&gone.register.blocks);
            for executor in executors.into_iter().filter(|executor| !gone.executors.contains(executor)) {
                listener.lost(executor, reason.clone(), false);
            }
        }
    }

    fn send(&self, agent: u64, message: &ToExecutor) {
        let outbox = self.state().agents.get(&agent).map(|agent| agent.outbox.clone());
        if let Some(outbox) = outbox {
            outbox.send(message);
        }
    }

    fn send_all(&self, message: impl Fn() -> ToExecutor) {
        let all: Vec<Outbox> = self.state().agents.values().map(|agent| agent.outbox.clone()).collect();
        all.iter().for_each(|outbox| outbox.send(&message()));
    }

    fn notify_owner(&self, executor: ExecutorId, message: &ToExecutor) {
        let agent = self.state().executors.get(&executor).map(|remote| remote.agent);
        if let Some(agent) = agent {
            self.send(agent, message);
        }
    }
}

impl State {
    fn next_executor(&mut self, agent: u64) -> ExecutorId {
        self.next_executor += 1;
        let executor = ExecutorId(self.next_executor - 1);
        self.executors.insert(
            executor,
            Remote { agent, running: vec![], ending: 0, fetching: vec![], is_ready: false },
        );
        executor
    }
}

fn fetch_failure(task: TaskId, message: String) -> DeliveredOutcome {
    DeliveredOutcome::failed(TaskFailure::Operation {
        operation: format!("fetch the result of task {task}"),
        message,
        site: CallSite::default(),
        retryable: true,
    })
}

impl Executors for Fleet {
    fn launch(&self, executor: ExecutorId, task: TaskSpec) {
        let mut state = self.state();
        let Some(remote) = state.executors.get_mut(&executor) else { return };
        remote.running.push(task.clone());
        let agent = remote.agent;
        let Some(agent) = state.agents.get_mut(&agent) else { return };
        // Under the lock: what is named was announced before.
        agent.sent_outputs.launch(executor, task).iter().for_each(|message| agent.outbox.send(message));
    }

    fn kill(&self, executor: ExecutorId, task: TaskId) {
        self.notify_owner(executor, &ToExecutor::Kill { executor, task });
    }

    fn forget_stage(&self, stage: StageId) {
        self.send_all(|| ToExecutor::ForgetStage { stage });
    }

    fn forget_rdd(&self, rdd: RddId) {
        self.send_all(|| ToExecutor::RemoveRdd { rdd });
    }

    fn forget_broadcast(&self, broadcast: BroadcastId) {
        self.send_all(|| ToExecutor::RemoveBroadcast { broadcast });
    }

    fn forget_output(&self, executor: ExecutorId, shuffle: ShuffleId, map: Partition, task: TaskId) {
        self.notify_owner(executor, &ToExecutor::RemoveOutput { shuffle, map, task });
    }

    fn dismiss(&self, executor: ExecutorId) {
        let outbox = {
            let state = self.state();
            let remote = state.executors.get(&executor);
            remote.and_then(|remote| state.agents.get(&remote.agent)).map(|agent| agent.outbox.clone())
        };
        if let Some(outbox) = outbox {
            outbox.close();
        }
    }
}
