//! Spark's listener events as data: what happens in an application, in the words and shapes that Spark 4.3 writes to
//! its event log.
//!
//! Everything that shows an application is made from these and from nothing else: the event log, the pages, the REST
//! interface, listeners. So an application that runs, one that ended and one that Spark itself ran look alike.
//!
//! ```
//! use firesteel_events::{JobEnd, JobResult, ListenerEvent};
//!
//! let line = r#"{"Event":"SparkListenerJobEnd","Job ID":3,"Completion Time":1795916474101,"Job Result":{"Result":"JobSucceeded"}}"#;
//! let event = ListenerEvent::parse(line).unwrap().unwrap();
//! let expected = JobEnd { job_id: 3, completion_time: 1_795_916_474_101, job_result: JobResult::default() };
//! assert_eq!(event, ListenerEvent::JobEnd(expected));
//! assert_eq!(event.to_line(), line);
//! ```
//!
//! **Architecture Invariant.** A line begins with `{"Event":"` and the event's name: Spark's History Server looks for
//! just these bytes. A reader takes lines with fields that it does not know, and with fields missing that Spark has not
//! always written; events that it does not know are `None`.

mod application;
mod event;
mod executors;
mod metrics;
mod stages;
mod storage_level;
mod tasks;

pub use application::{
    ApplicationEnd, ApplicationStart, EnvironmentUpdate, JobEnd, JobFailed, JobResult, JobStart, LogStart,
};
pub use event::ListenerEvent;
pub use executors::{
    BlockManagerAdded, BlockManagerId, BlockManagerRemoved, BlockUpdated, BlockUpdatedInfo, ExecutorAdded,
    ExecutorExcluded, ExecutorExcludedForStage, ExecutorInfo, ExecutorMetricsUpdate, ExecutorRemoved,
    ExecutorRequest, ExecutorUnexcluded, NodeExcluded, NodeExcludedForStage, NodeUnexcluded,
    ResourceProfileAdded, StageExecutorMetrics, StageMetrics, TaskRequest, UnpersistRdd,
};
pub use metrics::{
    ExecutorMetrics, FunctionTime, InputMetrics, OutputMetrics, OwnMetrics, ShuffleReadMetrics,
    ShuffleWriteMetrics, TaskMetrics,
};
pub use stages::{RddInfo, StageCompleted, StageInfo, StageSubmitted};
pub use storage_level::StorageLevel;
pub use tasks::{Accumulable, EndReason, StackFrame, TaskEnd, TaskGettingResult, TaskInfo, TaskStart};
