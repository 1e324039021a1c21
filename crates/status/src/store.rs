//! The store: Spark's listener events folded into all that the pages and the REST interface show.
//!
//! ```
//! use firesteel_events::{JobStart, ListenerEvent};
//! use firesteel_status::store::{Retained, Store};
//!
//! let mut store = Store::new(Retained::default());
//! let job = JobStart { job_id: 3, submission_time: 1_795_916_474_101, ..JobStart::default() };
//! store.apply(&ListenerEvent::JobStart(job));
//! let jobs = store.at(1_795_916_474_200).jobs(&[]);
//! assert_eq!(serde_json::to_value(&jobs).unwrap()[0]["submissionTime"], "2026-11-29T01:41:14.101GMT");
//! ```
//!
//! [`Store::apply`] is a pure fold, as that of [`crate::Status`]: no clock, no lock. Questions are asked of
//! [`Store::at`], which knows what time it is. Its memory is bounded by [`Retained`] and by what runs.

mod blocks;
mod columns;
mod dates;
mod executors;
mod fold;
mod graph;
mod jobs;
mod measured;
mod pictures;
mod quantiles;
mod records;
mod stages;
mod tasks;
mod view;
mod views;
mod who;

pub use columns::{Figures, Metric};
pub use dates::Date;
pub use fold::{RecentTask, Retained, Store};
pub use graph::{GraphStage, JobGraph};
pub use measured::MeasuredTask;
pub use pictures::{TaskFailures, TaskGlance, failure_title};
pub use records::{FunctionTotal, StageKey};
pub use tasks::{TaskAsk, TaskSort};
pub use view::{MemoryAt, StageAsk, StageOwn, View};
pub use views::*;
pub use who::{Access, Applications, ApplicationsAsk, LogPart, OpenError};
