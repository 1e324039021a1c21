//! An agent's way to the driver, as its executors see it.

use crate::agent_messages::FromAgent;
use crate::blocks::{RemoteFetcher, result_name};
use crate::link::{DriverLink, PlanError};
use crate::outbox::Outbox;
use crate::processes::{BarrierAnswer, ProcessListener};
use crate::runner::TaskEnd;
use firesteel_operators::{BarrierGate, BarrierOutcome, BarrierRefusal, CommitGate, TaskSpec, data_failure};
use firesteel_storage::SharedFiles;
use firesteel_storage::cached::BlockListener;
use firesteel_storage::lru::BlockKey;
use firesteel_types::{AccumulatorUpdate, ExecutorId, ExecutorLossReason, JobId, StageId, TaskId};
use std::collections::HashMap;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A result with more bytes than this is not sent: the driver fetches it.
const LARGE_RESULT_BYTES: usize = 1 << 20;

/// A large result is written in stretches of this length.
const STRETCH: usize = 4 << 20;

pub(crate) struct Uplink {
    out: Outbox,
    remote: Arc<RemoteFetcher>,
    files: Arc<SharedFiles>,
    state: Mutex<Waiting>,
}

/// The plan of a stage, once the first who needs it has fetched it.
type FetchedPlan = Option<Arc<[u8]>>;

/// Who waits for the driver's answers.
#[derive(Default)]
struct Waiting {
    commits: HashMap<TaskId, SyncSender<bool>>,
    barriers: HashMap<(TaskId, u32), BarrierAnswer>,
    plans: HashMap<StageId, Arc<Mutex<FetchedPlan>>>,
    /// The driver is gone: nobody will answer.
    is_over: bool,
}

type Plan = Result<Arc<[u8]>, PlanError>;

impl Uplink {
    pub(crate) fn new(out: Outbox, remote: Arc<RemoteFetcher>, files: Arc<SharedFiles>) -> Arc<Self> {
        Arc::new(Uplink { out, remote, files, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way to other hosts.
    pub(crate) fn remote(&self) -> &RemoteFetcher {
        &self.remote
    }

    /// The driver has decided about a commit.
    pub(crate) fn committed(&self, task: TaskId, allowed: bool) {
        if let Some(waiting) = self.state().commits.remove(&task) {
            let _ = waiting.send(allowed);
        }
    }

    /// The driver has answered a call at a barrier.
    pub(crate) fn let_on(&self, task: TaskId, epoch: u32, outcome: BarrierOutcome) {
        let waiting = self.state().barriers.remove(&(task, epoch));
        if let Some(waiting) = waiting {
            waiting(outcome);
        }
    }

    pub(crate) fn forget_stage(&self, stage: StageId) {
        self.state().plans.remove(&stage);
    }

    /// The driver is gone: whoever waits for it waits in vain.
    pub(crate) fn is_over(&self) {
        let waiting = {
            let mut state = self.state();
            state.is_over = true;
            state.commits.clear();
            std::mem::take(&mut state.barriers)
        };
        waiting.into_values().for_each(|answer| answer(Err(BarrierRefusal::driver_is_gone())));
    }

    /// Leaves a result that is too large for a message among the files of this host.
    fn store_large(&self, task: TaskId, end: TaskEnd) -> TaskEnd {
        let TaskEnd::Result(result) = &end else { return end };
        if result.len() <= LARGE_RESULT_BYTES {
            return end;
        }
        let bytes = result.len() as u64;
        match self.files.publish(&result_name(task), &bytes, result.chunks(STRETCH)) {
            Ok(()) => TaskEnd::Cached { bytes },
            Err(error) => TaskEnd::Failed(data_failure(error)),
        }
    }

    fn ask_commit(&self, executor: ExecutorId, task: TaskId) -> bool {
        let (sender, answer) = sync_channel(1);
        {
            let mut state = self.state();
            if state.is_over {
                return false;
            }
            state.commits.insert(task, sender);
        }
        self.out.send(&FromAgent::AskCommit(executor, task));
        answer.recv().unwrap_or(false)
    }

    fn ask_barrier(
        &self,
        executor: ExecutorId,
        (task, epoch): (TaskId, u32),
        message: Option<String>,
        answer: BarrierAnswer,
    ) {
        {
            let mut state = self.state();
            if !state.is_over {
                state.barriers.insert((task, epoch), answer);
                drop(state);
                self.out.send(&FromAgent::BarrierSync(executor, task, epoch, message));
                return;
            }
        }
        answer(Err(BarrierRefusal::driver_is_gone()));
    }
}

impl DriverLink for Uplink {
    /// Fetched by the first who needs it, while others wait.
    fn plan(&self, stage: StageId) -> Plan {
        let plan = self.state().plans.entry(stage).or_default().clone();
        let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = &*plan {
            return Ok(plan.clone());
        }
        let fetched = self.remote.plan(stage);
        match &fetched {
            Ok(bytes) => *plan = Some(bytes.clone()),
            Err(_) => drop(self.state().plans.remove(&stage)),
        }
        fetched
    }

    fn finished(&self, executor: ExecutorId, task: TaskId, end: TaskEnd, updates: Vec<AccumulatorUpdate>) {
        let end = self.store_large(task, end);
        self.out.send(&FromAgent::Finished(executor, task, end, updates));
    }
}

impl ProcessListener for Uplink {
    fn added(&self, executor: ExecutorId, _: Option<&str>, _: u32) {
        self.out.send(&FromAgent::Added(executor));
    }

    fn lost(&self, executor: ExecutorId, reason: ExecutorLossReason, _: bool) {
        self.out.send(&FromAgent::Lost(executor, reason));
    }

    fn alive(&self, _: ExecutorId, _: Vec<TaskId>) {
        // The agent tells of all of them together.
    }

    fn stored(&self, executor: ExecutorId, key: BlockKey) {
        self.out.send(&FromAgent::Stored(executor, key));
    }

    fn dropped(&self, executor: ExecutorId, key: BlockKey) {
        self.out.send(&FromAgent::Dropped(executor, key));
    }

    fn failed(&self, _: &TaskSpec) {
        // The driver knows what it launched, and sees the failure.
    }

    fn may_fetch(&self, _: JobId, _: u64) -> bool {
        true
    }

    fn may_commit(&self, executor: ExecutorId, task: TaskId) -> bool {
        self.ask_commit(executor, task)
    }

    fn barrier(
        &self,
        executor: ExecutorId,
        task: TaskId,
        epoch: u32,
        message: Option<String>,
        answer: BarrierAnswer,
    ) {
        self.ask_barrier(executor, (task, epoch), message, answer);
    }

    fn out_of_workers(&self, why: String) {
        self.out.send(&FromAgent::OutOfWorkers(why));
    }
}

/// The way to the driver of one executor, whose slots are threads of the agent.
pub(crate) struct ExecutorUplink {
    pub(crate) uplink: Arc<Uplink>,
    pub(crate) executor: ExecutorId,
}

impl CommitGate for ExecutorUplink {
    fn may_commit(&self, task: TaskId) -> bool {
        self.uplink.ask_commit(self.executor, task)
    }
}

impl BarrierGate for ExecutorUplink {
    fn sync(&self, task: TaskId, epoch: u32, message: Option<String>) -> BarrierOutcome {
        let (sender, answer) = sync_channel(1);
        let send = Box::new(move |outcome| drop(sender.send(outcome)));
        self.uplink.ask_barrier(self.executor, (task, epoch), message, send);
        answer.recv().unwrap_or_else(|_| Err(BarrierRefusal::driver_is_gone()))
    }
}

impl BlockListener for ExecutorUplink {
    fn stored(&self, key: BlockKey) {
        self.uplink.stored(self.executor, key);
    }

    fn dropped(&self, key: BlockKey) {
        self.uplink.dropped(self.executor, key);
    }
}
