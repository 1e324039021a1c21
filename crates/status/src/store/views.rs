//! All that is shown of an application, in the shapes of Spark's REST interface, version 1: names, order, and which fields
//! are left out when there is nothing to tell.

mod application;
mod executors;
mod jobs;
mod stages;
mod storage;
mod tasks;

pub use application::{
    ApplicationAttemptInfo, ApplicationEnvironmentInfo, ApplicationInfo, ExecutorResource,
    ResourceProfileInfo, RuntimeInfo, TaskResource, VersionInfo,
};
pub use executors::{ExecutorSummary, MemoryMetrics, PEAK_NAMES, PeakMemory};
pub use jobs::{JobData, JobStatus};
pub use stages::{
    ExecutorMetricsDistributions, ExecutorPeakMetricsDistributions, ExecutorStageSummary,
    SpeculationStageSummary, StageData, StageStatus,
};
pub use storage::{RddDataDistribution, RddPartitionInfo, RddStorageInfo, level_text};
pub use tasks::{
    AccumulableInfo, InputMetricDistributions, InputView, OutputMetricDistributions, OutputView,
    ShufflePushReadDistributions, ShufflePushReadView, ShuffleReadMetricDistributions, ShuffleReadView,
    ShuffleWriteMetricDistributions, ShuffleWriteView, TaskData, TaskMetricDistributions, TaskMetricsView,
    TaskStatus,
};
