//! An agent's way to the driver, as its executors see it.

use crate::blocks::{RemoteFetcher, result_name};
use crate::link::{DriverLink, PlanError};
use crate::processes::{BarrierAnswer, ProcessListener};
use firesteel_net::Outbox;
use firesteel_operators::{BarrierGate, CommitGate, data_failure};
use firesteel_protocol::{
    BarrierOutcome, BarrierRefusal, DeliveredOutcome, FromExecutor, ResultBytes, ResultOnExecutor,
    TaskReport, TaskSpec,
};
use firesteel_storage::SharedFiles;
use firesteel_storage::cached::BlockListener;
use firesteel_types::{AccumulatorUpdate, BlockKey, ExecutorId, ExecutorLossReason, JobId, StageId, TaskId};
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
    /// The address at which these are served.
    blocks: String,
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
    /// Makes the way to the driver of an agent whose files are served at `blocks`.
    pub(crate) fn new(
        out: Outbox,
        remote: Arc<RemoteFetcher>,
        files: &Arc<SharedFiles>,
        blocks: String,
    ) -> Arc<Self> {
        Arc::new(Uplink { out, remote, files: files.clone(), blocks, state: Mutex::default() })
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
    fn report_of(&self, task: TaskId, outcome: DeliveredOutcome) -> TaskReport {
        let result = match outcome {
            DeliveredOutcome::Result { bytes: ResultBytes(bytes) } if bytes.len() > LARGE_RESULT_BYTES => {
                bytes
            }
            other => return other.into(),
        };
        let bytes = result.len() as u64;
        match self.files.publish(&result_name(task), &bytes, result.chunks(STRETCH)) {
            Ok(()) => {
                let address = self.blocks.clone();
                TaskReport::ResultOnExecutor { result: ResultOnExecutor { bytes, address } }
            }
            Err(error) => DeliveredOutcome::Failed { failure: data_failure(error) }.into(),
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
        self.out.send(&FromExecutor::AskCommit { executor, task });
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
                self.out.send(&FromExecutor::BarrierSync { executor, task, epoch, message });
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

    fn finished(
        &self,
        executor: ExecutorId,
        task: TaskId,
        outcome: DeliveredOutcome,
        updates: Vec<AccumulatorUpdate>,
    ) {
        let report = self.report_of(task, outcome);
        self.out.send(&FromExecutor::Finished { executor, task, report, updates });
    }
}

impl ProcessListener for Uplink {
    fn added(&self, executor: ExecutorId, _: Option<&str>, _: u32) {
        self.out.send(&FromExecutor::Added { executor });
    }

    fn lost(&self, executor: ExecutorId, reason: ExecutorLossReason, _: bool) {
        self.out.send(&FromExecutor::Lost { executor, reason });
    }

    fn alive(&self, _: ExecutorId, _: Vec<TaskId>) {
        // The agent tells of all of them together.
    }

    fn stored(&self, executor: ExecutorId, key: BlockKey) {
        self.out.send(&FromExecutor::Stored { executor, key });
    }

    fn dropped(&self, executor: ExecutorId, key: BlockKey) {
        self.out.send(&FromExecutor::Dropped { executor, key });
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

    fn out_of_workers(&self, reason: String) {
        self.out.send(&FromExecutor::OutOfWorkers { reason });
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
