//! An agent's connection to the driver, as its executors see it: messages pass on, plans are fetched once, and large results stay on this
//! host.

use super::uploads::Uploads;
use crate::link::{DriverLink, PlanError};
use firesteel_net::Outbox;
use firesteel_operators::data_failure;
use firesteel_protocol::{DeliveredOutcome, FromExecutor, ResultBytes, ResultOnExecutor, TaskReport};
use firesteel_storage::SharedFiles;
use firesteel_transfer::{RemoteFetcher, result_name};
use firesteel_types::{StageId, TaskId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// A result with more bytes than this is not sent: the driver fetches it.
const LARGE_RESULT_BYTES: usize = 1 << 20;

/// A large result is written in chunks of this length.
const CHUNK: usize = 4 << 20;

pub(crate) struct Uplink {
    out: Outbox,
    remote: Arc<RemoteFetcher>,
    files: Arc<SharedFiles>,
    /// The address at which the files are served.
    blocks: String,
    /// Writes map outputs to the shuffle storage, if there is one.
    uploads: Option<Arc<Uploads>>,
    plans: Mutex<HashMap<StageId, Arc<Mutex<FetchedPlan>>>>,
}

/// The plan of a stage, once it was fetched.
type FetchedPlan = Option<Arc<[u8]>>;

impl Uplink {
    /// Makes the way to the driver of an agent whose files are served at `blocks`.
    pub(crate) fn new(
        out: Outbox,
        remote: Arc<RemoteFetcher>,
        files: &Arc<SharedFiles>,
        blocks: String,
        uploads: Option<Arc<Uploads>>,
    ) -> Arc<Self> {
        Arc::new(Uplink { out, remote, files: files.clone(), blocks, uploads, plans: Mutex::default() })
    }

    /// The way to other hosts.
    pub(crate) fn remote(&self) -> &RemoteFetcher {
        &self.remote
    }

    pub(crate) fn forget_stage(&self, stage: StageId) {
        self.plans.lock().remove(&stage);
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
        match self.files.publish(&result_name(task), &bytes, result.chunks(CHUNK)) {
            Ok(()) => {
                let address = self.blocks.clone();
                TaskReport::ResultOnExecutor { result: ResultOnExecutor { bytes, address } }
            }
            Err(error) => DeliveredOutcome::Failed { failure: data_failure(error) }.into(),
        }
    }
}

impl DriverLink for Uplink {
    /// Fetches a plan for the first task that needs it, while others wait.
    fn plan(&self, stage: StageId) -> Result<Arc<[u8]>, PlanError> {
        let plan = self.plans.lock().entry(stage).or_default().clone();
        let mut plan = plan.lock();
        if let Some(plan) = &*plan {
            return Ok(plan.clone());
        }
        let fetched = self.remote.plan(stage).map_err(PlanError::from);
        match &fetched {
            Ok(bytes) => *plan = Some(bytes.clone()),
            // The next task asks again.
            Err(_) => drop(self.plans.lock().remove(&stage)),
        }
        fetched
    }

    fn receive(&self, message: FromExecutor) {
        match message {
            FromExecutor::Finished { executor, task, report, updates, metrics } => {
                let report = self.report_of(task, report.delivered());
                let finished = FromExecutor::Finished { executor, task, report, updates, metrics };
                match &self.uploads {
                    Some(uploads) => uploads.finished(finished),
                    None => self.out.send(&finished),
                }
            }
            // The agent tells of all its executors together, more often.
            FromExecutor::Alive { .. } => {}
            message => self.out.send(&message),
        }
    }
}
