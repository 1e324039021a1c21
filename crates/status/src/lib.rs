//! Application status: events folded into records of jobs, stages and executors, for the progress bar and for
//! queries.
//!
//! ```
//! use firesteel_status::Status;
//! use firesteel_types::*;
//!
//! let mut status = Status::default();
//! let site = CallSite { operation: "count".into(), ..Default::default() };
//! let (parents, rdds) = (vec![], [].into());
//! let stage = StageSummary { stage: StageId(3), site, tasks: 40, parents, output: None, rdds };
//! let (at, attempt) = (Millis(0), StageAttempt(0));
//! status.apply(&AppEvent::StageSubmitted { at, stage: stage.into(), attempt, tasks: 40 });
//! assert_eq!(status.progress_line(30).unwrap(), "[Stage 3:>       (0 + 0) / 40]");
//! ```
//!
//! **Architecture Invariant.** [`Status::apply`] is a pure fold: it knows no clock and no scheduler, and the same events
//! give the same status, whether they come from a running application or from a log of one that ended. Its memory is
//! bounded by what runs plus [`ENDED_KEPT`] ended jobs, stage attempts and executors each.

pub mod explain;
mod fold;
mod progress;
mod queries;
mod records;
pub mod store;
#[cfg(test)]
mod testing;

pub use fold::{ENDED_KEPT, Status};
pub use records::{ExecutorStatus, JobState, JobStatus, StageStatus};
