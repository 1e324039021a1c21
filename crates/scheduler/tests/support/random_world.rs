//! A world around an application in which anything may happen, also what is late, doubled or told by the wrong agent; and the rules
//! that its effects keep.

use firesteel_scheduler::*;
use firesteel_types::*;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{BTreeMap, BTreeSet};

/// One thing that happens. An [`Index`] picks among those that came last, of which some are gone.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    Come { is_named: bool, slots: u32, address: u8, survives: bool },
    Ready(Index),
    Lost(Index),
    Gone(Index),
    Ended(Index),
    Leaving(Index),
    Decommission(Index, bool),
    Submit { maps: u32, results: u32, is_barrier: bool },
    Finish { task: Index, bytes: u64, checksum: u64 },
    Fail(Index),
    Waits { task: Index, bytes: u64 },
    Fetched(Index, bool),
    Migrated { request: Index, outputs: usize },
    Alive(Index),
    Stored(Index, u8),
    Sync(Index),
    Commit(Index),
    Setting,
    Cancel(Index),
    Release(Index),
    GiveUp,
    OutOfWorkers(Index),
    Stop,
    Pass(u64),
}

/// Moves, those most often that get something done.
pub(crate) fn a_move() -> impl Strategy<Value = Move> {
    let index = any::<Index>;
    prop_oneof![
        6 => (any::<bool>(), 1u32..4, 0u8..4, any::<bool>())
            .prop_map(|(is_named, slots, address, survives)| Move::Come { is_named, slots, address, survives }),
        20 => index().prop_map(Move::Ready),
        3 => index().prop_map(Move::Lost),
        2 => index().prop_map(Move::Gone),
        2 => index().prop_map(Move::Ended),
        1 => index().prop_map(Move::Leaving),
        3 => (index(), any::<bool>()).prop_map(|(agent, with_files)| Move::Decommission(agent, with_files)),
        8 => (0u32..3, 1u32..4, any::<bool>())
            .prop_map(|(maps, results, is_barrier)| Move::Submit { maps, results, is_barrier }),
        24 => (index(), 0u64..60, 0u64..8)
            .prop_map(|(task, bytes, checksum)| Move::Finish { task, bytes, checksum: checksum / 7 }),
        6 => index().prop_map(Move::Fail),
        10 => (index(), 0u64..60).prop_map(|(task, bytes)| Move::Waits { task, bytes }),
        10 => (index(), 0u8..4).prop_map(|(fetch, which)| Move::Fetched(fetch, which > 0)),
        6 => (index(), 0usize..4).prop_map(|(request, outputs)| Move::Migrated { request, outputs }),
        4 => index().prop_map(Move::Alive),
        6 => (index(), 0u8..4).prop_map(|(executor, partition)| Move::Stored(executor, partition)),
        2 => index().prop_map(Move::Sync),
        1 => index().prop_map(Move::Commit),
        2 => Just(Move::Setting),
        1 => index().prop_map(Move::Cancel),
        1 => index().prop_map(Move::Release),
        1 => (0u8..40, index()).prop_map(|(which, agent)| rare(which, agent)),
        8 => prop::sample::select(vec![0, 50, 100, 1_000, 30_000, 60_000, 120_000]).prop_map(Move::Pass),
    ]
}

/// After these, little happens any more.
fn rare(which: u8, agent: Index) -> Move {
    match which {
        0 => Move::Stop,
        1 => Move::GiveUp,
        2 => Move::OutOfWorkers(agent),
        _ => Move::Setting,
    }
}

/// An application, and all that was ever said by it and to it.
pub(crate) struct World {
    application: Application,
    pub(crate) doubles_messages: bool,
    has_processes: bool,
    limit: u64,
    now: Millis,
    agents: Vec<RegisterAgent>,
    connected: BTreeSet<AgentId>,
    executors: Vec<(ExecutorId, AgentId)>,
    tasks: Vec<TaskLaunch>,
    outputs: BTreeMap<StageId, Option<ShuffleId>>,
    shuffles: u64,
    fetches: Vec<(AgentId, ExecutorId, TaskId, u64)>,
    /// How large the results are that wait.
    waiting: BTreeMap<TaskId, u64>,
    requests: Vec<(AgentId, MigrateOrder)>,
    told_to_leave: BTreeSet<AgentId>,
    /// The agents that have said that they leave.
    left: BTreeSet<AgentId>,
    /// Bytes of results that were held, and of those that were delivered.
    held: BTreeMap<TaskId, u64>,
    delivered: BTreeMap<JobId, u64>,
    jobs: u64,
    ended: BTreeSet<JobId>,
    was_decommissioned: bool,
}

impl World {
    pub(crate) fn new(
        has_processes: bool,
        limit: u64,
        is_dynamic: bool,
        removal: Option<Option<Removal>>,
    ) -> Self {
        // Executors are excluded soon, and for no long time.
        let exclusion = removal.map(|removal| ExclusionSettings {
            removal,
            timeout_ms: 10_000,
            application_tasks_per_executor: 1,
            on_fetch_failure: true,
            ..ExclusionSettings::default()
        });
        let scheduler = SchedulerSettings { exclusion, ..SchedulerSettings::default() };
        let settings = ApplicationSettings { max_result_size: limit, scheduler };
        let mut application = Application::new(settings);
        application.set_fleet(FleetSettings { has_processes, ..FleetSettings::default() });
        if is_dynamic {
            application
                .allocate_dynamically(AllocationSettings { idle_ms: 1_000, ..AllocationSettings::default() });
        }
        World {
            application,
            doubles_messages: false,
            has_processes,
            limit,
            now: Millis(0),
            agents: vec![],
            connected: BTreeSet::new(),
            executors: vec![],
            tasks: vec![],
            outputs: BTreeMap::new(),
            shuffles: 0,
            fetches: vec![],
            waiting: BTreeMap::new(),
            requests: vec![],
            told_to_leave: BTreeSet::new(),
            left: BTreeSet::new(),
            held: BTreeMap::new(),
            delivered: BTreeMap::new(),
            jobs: 0,
            ended: BTreeSet::new(),
            was_decommissioned: false,
        }
    }

    /// Lets one thing happen, unless there is nothing that it could happen to.
    pub(crate) fn play(&mut self, a_move: &Move) {
        let Some(event) = self.event(a_move) else { return };
        self.handle(event.clone());
        let comes_once =
            matches!(event, ApplicationEvent::Scheduler(_) | ApplicationEvent::AgentRegistered { .. });
        if self.doubles_messages && !comes_once {
            self.handle_again(event);
        }
    }

    /// All orders to copy are carried out, until none comes any more: then each partition that is kept by an agent that stays
    /// has two copies, if there are two addresses.
    pub(crate) fn copy_all(&mut self) {
        for _ in 0..100 {
            for (agent, order) in std::mem::take(&mut self.requests) {
                let MigrateOrder { number, executor, outputs, cached, .. } = order;
                let cached = cached.into_iter().map(|key| (key, BlockSize::default())).collect();
                let report = MigrateReport { number, executor, outputs, cached };
                let message = AgentMessage::Migrated { report };
                self.handle(ApplicationEvent::Agent { agent, message });
            }
            // What agents did not copy before is tried again after a minute at the latest. Until then all show that they live.
            self.now = self.now + 20_000;
            for agent in self.connected.clone() {
                self.handle(self.heartbeat_of(agent));
            }
            self.handle(ApplicationEvent::Scheduler(Event::Tick));
        }
        let (agents, scheduler) = (self.application.agents(), self.application.scheduler());
        let stays = |id: &AgentId| {
            let is_known = |executor: &ExecutorId| scheduler.knows_executor(*executor);
            let is_ready = agents.get(id).is_some_and(|agent| agent.ready.iter().any(is_known));
            is_ready && !self.application.is_decommissioned(*id) && !self.left.contains(id)
        };
        let address = |id: AgentId| &self.agents[id.0 as usize].blocks;
        let homes: BTreeSet<&String> = agents.keys().filter(|id| stays(id)).map(|id| address(*id)).collect();
        for partition in (0..4).map(Partition) {
            let holders = scheduler.holders(KEPT, partition, 0).into_iter();
            let owners = holders.filter_map(|holder| self.application.agent_of(holder)).filter(stays);
            let places: BTreeSet<&String> = owners.map(address).collect();
            let has_enough = places.is_empty() || places.len() >= homes.len().min(2);
            assert!(has_enough, "partition {partition} is at {places:?} of {homes:?}");
        }
    }

    /// The application stops, all agents go, everything that was asked for is answered: nothing is left.
    pub(crate) fn end(&mut self) {
        self.handle(ApplicationEvent::Stop);
        for agent in std::mem::take(&mut self.connected) {
            self.handle(ApplicationEvent::AgentDisconnected { agent });
        }
        for (agent, executor, task, _) in std::mem::take(&mut self.fetches) {
            let result = Err("the connection is gone".into());
            self.handle(ApplicationEvent::ResultFetched { agent, executor, task, result });
        }
        self.now = self.now + FleetSettings::default().end_within_ms;
        self.handle(ApplicationEvent::Scheduler(Event::Tick));
        assert!(self.application.is_idle(), "something is left: {:?}", self.application);
        assert!(self.application.agents().is_empty() && !self.application.has_executors());
        assert_eq!(self.ended.len() as u64, self.jobs, "each job ends");
        assert!(self.held.is_empty(), "what was held was accepted or dropped");
    }

    fn event(&mut self, a_move: &Move) -> Option<ApplicationEvent> {
        Some(match a_move {
            Move::Come { is_named, slots, address, survives } => {
                self.registration(*is_named, *slots, *address, *survives)
            }
            Move::Ready(at) => {
                let (executor, agent) = *pick(&self.executors, at)?;
                ApplicationEvent::Agent { agent, message: AgentMessage::ExecutorReady { executor } }
            }
            Move::Lost(at) => {
                let (executor, agent) = *pick(&self.executors, at)?;
                let reason = ExecutorLossReason::Exited { code: Some(1) };
                ApplicationEvent::Agent { agent, message: AgentMessage::ExecutorLost { executor, reason } }
            }
            Move::Gone(at) => {
                let agent = self.agent(at)?;
                self.connected.remove(&agent);
                ApplicationEvent::AgentDisconnected { agent }
            }
            Move::Ended(at) => {
                let (name, reason) =
                    (pick(&self.agents, at)?.name.clone(), ExecutorLossReason::Exited { code: Some(0) });
                ApplicationEvent::AgentEnded { name, reason }
            }
            Move::Leaving(at) => {
                let agent = self.agent(at)?;
                // Of an agent that was not welcomed yet, nothing is believed.
                if self.application.agents().contains_key(&agent) {
                    self.left.insert(agent);
                }
                ApplicationEvent::Agent { agent, message: AgentMessage::Leaving }
            }
            Move::Decommission(at, with_files) => {
                self.was_decommissioned = true;
                let name = pick(&self.agents, at)?.name.clone();
                ApplicationEvent::Decommission { name, with_files: *with_files }
            }
            Move::Alive(at) => self.heartbeat(at)?,
            Move::OutOfWorkers(at) => {
                let message = AgentMessage::OutOfWorkers { reason: "no Python".into() };
                ApplicationEvent::Agent { agent: self.agent(at)?, message }
            }
            Move::Fetched(at, is_here) => {
                let (agent, executor, task, bytes) = *pick(&self.fetches, at)?;
                let result = if *is_here { Ok(bytes) } else { Err("connection refused".into()) };
                ApplicationEvent::ResultFetched { agent, executor, task, result }
            }
            Move::Migrated { request, outputs } => {
                let (agent, request) = pick(&self.requests, request)?.clone();
                let MigrateOrder { number, executor, outputs: asked, cached, .. } = request;
                let outputs = asked.into_iter().take(*outputs).collect();
                let cached = cached.into_iter().map(|key| (key, BlockSize::default())).collect();
                let report = MigrateReport { number, executor, outputs, cached };
                ApplicationEvent::Agent { agent, message: AgentMessage::Migrated { report } }
            }
            Move::Setting => ApplicationEvent::WorkerSetting { setting: "v1".into() },
            Move::GiveUp => ApplicationEvent::NoMoreExecutors { reason: "the cluster is gone".into() },
            Move::Stop => ApplicationEvent::Stop,
            _ => return self.event_of_tasks(a_move),
        })
    }

    fn event_of_tasks(&mut self, a_move: &Move) -> Option<ApplicationEvent> {
        Some(match a_move {
            Move::Finish { task, bytes, checksum } => {
                let launch = pick(&self.tasks, task)?;
                let outcome = match self.outputs[&launch.stage] {
                    None => TaskOutcome::Result { bytes: *bytes },
                    Some(shuffle) => {
                        let (map, checksum) = (launch.partition, *checksum);
                        TaskOutcome::MapOutput { shuffle, map, bytes: 10, checksum }
                    }
                };
                self.of_task(task, |executor, task| {
                    let outcome = ReportedOutcome::Complete(outcome);
                    AgentMessage::TaskFinished { executor, task, outcome, updates: vec![], metrics: None }
                })?
            }
            Move::Fail(task) => self.of_task(task, |executor, task| {
                let failure = Box::new(TaskFailure::BadPlan("it cannot be read".into()));
                let outcome = ReportedOutcome::Complete(TaskOutcome::Failed { failure });
                AgentMessage::TaskFinished { executor, task, outcome, updates: vec![], metrics: None }
            })?,
            Move::Waits { task, bytes } => {
                let launch = pick(&self.tasks, task)?;
                if self.outputs[&launch.stage].is_some() {
                    return None;
                }
                // What is reported again is the same result.
                let bytes = *self.waiting.entry(launch.task).or_insert(*bytes);
                self.of_task(task, |executor, task| {
                    let outcome = ReportedOutcome::Waiting { bytes };
                    AgentMessage::TaskFinished { executor, task, outcome, updates: vec![], metrics: None }
                })?
            }
            Move::Sync(task) => self.of_task(task, |executor, task| AgentMessage::BarrierSync {
                executor,
                task,
                epoch: 0,
                message: None,
            })?,
            Move::Commit(task) => {
                self.of_task(task, |executor, task| AgentMessage::CommitRequest { executor, task })?
            }
            Move::Stored(at, partition) => {
                let (executor, agent) = *pick(&self.executors, at)?;
                let key = BlockKey { rdd: KEPT, partition: Partition((*partition).into()), version: 0 };
                let message = AgentMessage::BlockStored { executor, key, size: Default::default() };
                ApplicationEvent::Agent { agent, message }
            }
            Move::Submit { maps, results, is_barrier } => {
                ApplicationEvent::Scheduler(Event::SubmitJob(self.job(*maps, *results, *is_barrier)))
            }
            Move::Cancel(at) => {
                let job = JobId(at.index(self.jobs.max(1) as usize) as u32);
                ApplicationEvent::Scheduler(Event::CancelJob { job, reason: "enough".into() })
            }
            Move::Release(at) => {
                let shuffle = ShuffleId(at.index(self.shuffles.max(1) as usize) as u32);
                ApplicationEvent::Scheduler(Event::ShuffleReleased { shuffle })
            }
            Move::Pass(ms) => {
                self.now = self.now + *ms;
                ApplicationEvent::Scheduler(Event::Tick)
            }
            other => unreachable!("{other:?} is no event of a task"),
        })
    }

    fn agent(&self, at: &Index) -> Option<AgentId> {
        let (all, last) = (self.agents.len(), self.agents.len().min(8));
        (last > 0).then(|| AgentId((all - 1 - at.index(last)) as u64))
    }

    fn registration(
        &mut self,
        is_named: bool,
        slots: u32,
        address: u8,
        outputs_survive: bool,
    ) -> ApplicationEvent {
        let number = self.agents.len();
        // Files that are served by one process for several agents outlive them.
        let address = match outputs_survive {
            true => format!("host-{address}"),
            false => format!("agent-{number}"),
        };
        let registration = RegisterAgent {
            name: if is_named { format!("x{number}") } else { String::new() },
            program: [0; 32],
            host: format!("host-{}", number % 3),
            cores: slots,
            memory: 1 << 30,
            has_processes: self.has_processes,
            cached: address.clone(),
            blocks: address,
            outputs_survive,
            process: 17,
        };
        let agent = AgentId(number as u64);
        self.agents.push(registration.clone());
        self.connected.insert(agent);
        ApplicationEvent::AgentRegistered { agent, registration }
    }

    fn heartbeat(&self, at: &Index) -> Option<ApplicationEvent> {
        Some(self.heartbeat_of(self.agent(at)?))
    }

    fn heartbeat_of(&self, agent: AgentId) -> ApplicationEvent {
        let own = self.executors.iter().filter(|(_, owner)| *owner == agent);
        let launched = |executor| {
            let there = self.tasks.iter().filter(move |launch| launch.executor == executor);
            there.map(|launch| launch.task).collect()
        };
        let running = own.map(|(executor, _)| (*executor, launched(*executor))).collect();
        ApplicationEvent::Agent { agent, message: AgentMessage::Alive { running, memory: vec![] } }
    }

    /// A message about an attempt, of the agent that runs it.
    fn of_task(
        &self,
        at: &Index,
        message: impl FnOnce(ExecutorId, TaskId) -> AgentMessage,
    ) -> Option<ApplicationEvent> {
        let launch = pick(&self.tasks, at)?;
        let owner = self.executors.iter().find(|(executor, _)| *executor == launch.executor);
        let agent = owner.expect("tasks run on executors that were given").1;
        Some(ApplicationEvent::Agent { agent, message: message(launch.executor, launch.task) })
    }

    fn job(&mut self, maps: u32, results: u32, barrier: bool) -> JobSpec {
        let (job, shuffle) = (self.jobs as u32, ShuffleId(self.shuffles as u32));
        self.jobs += 1;
        let stage = |stage, output, inputs, partitions, barrier| StageSpec {
            stage: StageId(stage),
            site: CallSite::default(),
            output,
            inputs,
            partitions,
            preferred: vec![],
            cached: Cached::default(),
            rdds: [].into(),
            barrier,
        };
        let mut stages = vec![];
        let mut inputs = vec![];
        if maps > 0 {
            self.shuffles += 1;
            stages.push(stage(2 * job, Some(shuffle), vec![], maps, false));
            inputs.push(shuffle);
        }
        let mut last = stage(2 * job + 1, None, inputs.clone(), results, barrier);
        last.cached = kept(inputs);
        stages.push(last);
        self.outputs.extend(stages.iter().map(|stage| (stage.stage, stage.output)));
        JobSpec {
            job: JobId(job),
            site: CallSite::default(),
            stages,
            partitions: (0..results).map(Partition).collect(),
            pool: None,
            group: None,
            tags: vec![],
            properties: Default::default(),
        }
    }

    /// Tells the application, and checks what it wants to be done.
    fn handle(&mut self, event: ApplicationEvent) {
        let at_hand = match &event {
            ApplicationEvent::Agent {
                message:
                    AgentMessage::TaskFinished {
                        outcome: ReportedOutcome::Complete(TaskOutcome::Result { bytes }),
                        ..
                    },
                ..
            }
            | ApplicationEvent::ResultFetched { result: Ok(bytes), .. } => *bytes,
            _ => 0,
        };
        let mut effects = vec![];
        self.application.handle(self.now, event, &mut effects);
        effects.into_iter().for_each(|effect| self.check(effect, at_hand));
    }

    fn check(&mut self, effect: ApplicationEffect, at_hand: u64) {
        match effect {
            ApplicationEffect::Scheduler(effect) => self.check_scheduling(effect, at_hand),
            ApplicationEffect::Welcome { agent, executors, .. } => {
                assert!(self.connected.contains(&agent), "agent {agent:?} is welcomed and gone");
                let is_new = self.executors.iter().all(|(_, owner)| *owner != agent);
                assert!(is_new, "agent {agent:?} is welcomed twice");
                executors.into_iter().for_each(|executor| self.executor_given(executor, agent));
            }
            ApplicationEffect::NextExecutor { agent, executor } => self.executor_given(executor, agent),
            ApplicationEffect::FetchResult { agent, executor, task, .. } => {
                assert!(self.connected.contains(&agent), "a result of an agent is fetched that is gone");
                let is_new = self.fetches.iter().all(|(.., fetched, _)| *fetched != task);
                assert!(is_new, "the result of task {task} is fetched twice");
                self.fetches.push((agent, executor, task, self.waiting[&task]));
            }
            ApplicationEffect::Migrate { agent, order } => {
                let is_elsewhere = self.agents[agent.0 as usize].blocks != order.from;
                assert!(is_elsewhere && self.connected.contains(&agent), "{agent:?} cannot: {order:?}");
                self.requests.push((agent, order));
            }
            ApplicationEffect::Leave { agent } => {
                assert!(self.told_to_leave.insert(agent), "agent {agent:?} is told to leave twice");
            }
            ApplicationEffect::ResultRefused { task } => drop(self.held.remove(&task)),
            _ => {}
        }
    }

    fn check_scheduling(&mut self, effect: Effect, at_hand: u64) {
        match effect {
            Effect::Launch(launch) => {
                let owner = self.executors.iter().find(|(executor, _)| *executor == launch.executor);
                let is_there = owner.is_some_and(|(_, agent)| self.connected.contains(agent));
                assert!(is_there, "task {} is launched where nobody is", launch.task);
                self.tasks.push(launch);
            }
            Effect::ResultHeld { task } => drop(self.held.insert(task, at_hand)),
            Effect::ResultDropped { task } => {
                assert!(self.held.remove(&task).is_some(), "only what was held is dropped");
            }
            Effect::ResultAccepted { job, task, .. } => {
                let delivered = self.delivered.entry(job).or_default();
                *delivered += self.held.remove(&task).unwrap_or(at_hand);
                let is_allowed = self.limit == 0 || *delivered <= self.limit;
                assert!(is_allowed, "{delivered} bytes were delivered to job {job}");
                assert!(!self.ended.contains(&job), "job {job} gets a result after its end");
            }
            Effect::JobEnded { job, .. } => assert!(self.ended.insert(job), "job {job} ends twice"),
            _ => {}
        }
    }

    fn executor_given(&mut self, executor: ExecutorId, agent: AgentId) {
        let is_new = self.executors.iter().all(|(given, _)| *given != executor);
        assert!(is_new, "executor {executor} is given twice");
        self.executors.push((executor, agent));
    }

    /// Tells what was just told: it is answered again, and changes nothing.
    fn handle_again(&mut self, event: ApplicationEvent) {
        let picture = |application: &Application| match self.was_decommissioned {
            false => format!("{application:?}"),
            // Doubled messages have migrations looked at again, as ticks do that come early.
            true => format!("{:?} {:?}", application.scheduler(), application.agents()),
        };
        let before = picture(&self.application);
        let mut effects = vec![];
        self.application.handle(self.now, event.clone(), &mut effects);
        let after = picture(&self.application);
        assert!(before == after, "{event:?} has changed something:\n{before}\n{after}");
        let is_harmless = |effect: &ApplicationEffect| match effect {
            ApplicationEffect::Scheduler(effect) => matches!(
                effect,
                Effect::Kill { .. }
                    | Effect::CommitDecision { .. }
                    | Effect::BarrierRefused { .. }
                    | Effect::BarrierRelease { .. }
                    | Effect::DropCached { .. }
                    | Effect::Event(AppEvent::BlockStored { .. })
            ),
            ApplicationEffect::RemoveOutput { .. }
            | ApplicationEffect::RemoveResult { .. }
            | ApplicationEffect::Acknowledge { .. }
            | ApplicationEffect::WorkerSetting { .. }
            | ApplicationEffect::Close { .. } => true,
            ApplicationEffect::Migrate { .. } | ApplicationEffect::Leave { .. } => self.was_decommissioned,
            _ => false,
        };
        let harm = effects.iter().find(|effect| !is_harmless(effect)).cloned();
        assert!(harm.is_none(), "{event:?}, told twice, leads to {harm:?}");
        effects.into_iter().for_each(|effect| self.check(effect, 0));
    }
}

/// The RDD that all jobs persist, in two copies.
const KEPT: RddId = RddId(5);

fn kept(shuffles: Vec<ShuffleId>) -> Cached {
    let kept = CachedRdd {
        rdd: KEPT,
        partitions: 100,
        aligned: false,
        reads: Reads { shuffles, cached: vec![] },
        behind: vec![],
        generation: Generation(0),
        is_truncated: false,
        copies: 2,
        barrier: false,
    };
    Cached { last: Reads { shuffles: vec![], cached: vec![0] }, rdds: vec![kept] }
}

fn pick<'a, T>(all: &'a [T], at: &Index) -> Option<&'a T> {
    let last = &all[all.len().saturating_sub(8)..];
    (!last.is_empty()).then(|| at.get(last))
}
