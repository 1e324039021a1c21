//! All that the picture of a job is drawn from: its stages, the RDDs in each, and who reads from whom.

use crate::store::records::Planned;
use crate::store::views::StageStatus;
use firesteel_events::RddInfo;
use std::sync::Arc;

/// The stages of a job, and what they compute.
#[derive(Clone, Debug, Default)]
pub struct JobGraph {
    /// The job.
    pub job_id: i64,
    /// Its stages, in the order of their ids.
    pub stages: Vec<GraphStage>,
}

/// One stage of a picture.
#[derive(Clone, Debug, Default)]
pub struct GraphStage {
    /// The stage.
    pub stage_id: i64,
    /// The attempt that came last.
    pub attempt_id: i64,
    /// Its operation and line.
    pub name: String,
    /// Its state.
    pub status: StageStatus,
    /// The number of its tasks.
    pub num_tasks: i64,
    /// The stages whose shuffles it reads.
    pub parent_ids: Vec<i64>,
    /// The RDDs that it computes, with their scopes and parents.
    pub rdds: Arc<Vec<RddInfo>>,
    /// The shuffle that it writes.
    pub shuffle_id: Option<i64>,
}

impl GraphStage {
    pub(crate) fn of(planned: &Planned, status: StageStatus) -> Self {
        GraphStage {
            stage_id: planned.stage_id,
            attempt_id: planned.attempt,
            name: planned.name.clone(),
            status,
            num_tasks: planned.tasks,
            parent_ids: planned.parents.clone(),
            rdds: planned.rdds.clone(),
            shuffle_id: planned.shuffle,
        }
    }
}
