//! One event, and its line.

use crate::application::*;
use crate::executors::*;
use crate::stages::*;
use crate::tasks::*;
use serde::Serialize;

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident($body:ty) = $name:literal,)+) => {
        /// One event of an application.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "the largest are the ends of tasks, which are most events")]
        pub enum ListenerEvent {
            $($(#[$doc])* $variant($body),)+
        }

        impl ListenerEvent {
            /// Returns the name by which Spark knows the event.
            pub fn name(&self) -> &'static str {
                match self {
                    $(ListenerEvent::$variant(_) => $name,)+
                }
            }

            /// Appends the event as a line of an event log, without the line's end.
            pub fn write_to(&self, line: &mut Vec<u8>) {
                match self {
                    $(ListenerEvent::$variant(body) => write(package_of($name), $name, body, line),)+
                }
            }

            fn parse_named(name: &str, line: &str) -> Result<Option<Self>, serde_json::Error> {
                match name.strip_prefix(PACKAGE).unwrap_or(name) {
                    $($name => serde_json::from_str(line).map(|body| Some(ListenerEvent::$variant(body))),)+
                    _ => Ok(None),
                }
            }
        }
    };
}

events! {
    /// A log begins.
    LogStart(LogStart) = "SparkListenerLogStart",
    /// The application has a name and an id.
    ApplicationStart(ApplicationStart) = "SparkListenerApplicationStart",
    /// The application has ended.
    ApplicationEnd(ApplicationEnd) = "SparkListenerApplicationEnd",
    /// The settings and versions that the application runs with.
    EnvironmentUpdate(EnvironmentUpdate) = "SparkListenerEnvironmentUpdate",
    /// The resources that executors and tasks have.
    ResourceProfileAdded(ResourceProfileAdded) = "SparkListenerResourceProfileAdded",
    /// A job was submitted.
    JobStart(JobStart) = "SparkListenerJobStart",
    /// A job has ended.
    JobEnd(JobEnd) = "SparkListenerJobEnd",
    /// An attempt at a stage begins.
    StageSubmitted(StageSubmitted) = "SparkListenerStageSubmitted",
    /// An attempt at a stage has ended.
    StageCompleted(StageCompleted) = "SparkListenerStageCompleted",
    /// The most that the figures of an executor reached while a stage ran.
    StageExecutorMetrics(StageExecutorMetrics) = "SparkListenerStageExecutorMetrics",
    /// An attempt at a task was sent to an executor.
    TaskStart(TaskStart) = "SparkListenerTaskStart",
    /// The driver fetches the result of a task.
    TaskGettingResult(TaskGettingResult) = "SparkListenerTaskGettingResult",
    /// An attempt at a task has ended.
    TaskEnd(TaskEnd) = "SparkListenerTaskEnd",
    /// An executor has registered.
    ExecutorAdded(ExecutorAdded) = "SparkListenerExecutorAdded",
    /// An executor is gone.
    ExecutorRemoved(ExecutorRemoved) = "SparkListenerExecutorRemoved",
    /// An executor gets no tasks for a time, since too many failed there.
    ExecutorExcluded(ExecutorExcluded) = "SparkListenerExecutorExcluded",
    /// An executor gets tasks again.
    ExecutorUnexcluded(ExecutorUnexcluded) = "SparkListenerExecutorUnexcluded",
    /// An executor gets no more tasks of a stage attempt.
    ExecutorExcludedForStage(ExecutorExcludedForStage) = "SparkListenerExecutorExcludedForStage",
    /// No executor of a host gets tasks for a time.
    NodeExcluded(NodeExcluded) = "SparkListenerNodeExcluded",
    /// No executor of a host gets tasks of a stage attempt any more.
    NodeExcludedForStage(NodeExcludedForStage) = "SparkListenerNodeExcludedForStage",
    /// The executors of a host get tasks again.
    NodeUnexcluded(NodeUnexcluded) = "SparkListenerNodeUnexcluded",
    /// An executor's memory for blocks.
    BlockManagerAdded(BlockManagerAdded) = "SparkListenerBlockManagerAdded",
    /// An executor's memory for blocks is gone.
    BlockManagerRemoved(BlockManagerRemoved) = "SparkListenerBlockManagerRemoved",
    /// A block of an executor came, went, or changed.
    BlockUpdated(BlockUpdated) = "SparkListenerBlockUpdated",
    /// The program does not want an RDD to be persisted any more.
    UnpersistRdd(UnpersistRdd) = "SparkListenerUnpersistRDD",
    /// The figures of an executor, as its heartbeat brings them.
    ExecutorMetricsUpdate(ExecutorMetricsUpdate) = "SparkListenerExecutorMetricsUpdate",
}

impl ListenerEvent {
    /// Reads a line of an event log. `None` if the event is one that is not known here.
    ///
    /// # Errors
    /// When the line is not the JSON of an event.
    pub fn parse(line: &str) -> Result<Option<Self>, serde_json::Error> {
        #[derive(serde::Deserialize)]
        struct Named<'a> {
            #[serde(rename = "Event", borrow)]
            event: std::borrow::Cow<'a, str>,
        }
        // The name comes first in lines that Spark or Firesteel wrote.
        if let Some(rest) = line.strip_prefix("{\"Event\":\"")
            && let Some((name, _)) = rest.split_once('"')
        {
            return ListenerEvent::parse_named(name, line);
        }
        let named: Named<'_> = serde_json::from_str(line)?;
        ListenerEvent::parse_named(&named.event, line)
    }

    /// Returns the event as a line of an event log, without the line's end.
    pub fn to_line(&self) -> String {
        let mut line = vec![];
        self.write_to(&mut line);
        String::from_utf8(line).expect("JSON is UTF-8")
    }
}

/// The package of Spark's classes of events, with a dot at its end.
const PACKAGE: &str = "org.apache.spark.scheduler.";

/// Returns the package that stands before the name of an event in a log. Spark writes and reads some events by the whole
/// names of their classes, and knows them by no other.
fn package_of(name: &str) -> &'static str {
    match name.contains("xcluded") {
        true => PACKAGE,
        false => "",
    }
}

/// Writes the body of an event as an object whose first key is the event's name.
fn write(package: &str, name: &str, body: &impl Serialize, line: &mut Vec<u8>) {
    line.extend_from_slice(b"{\"Event\":\"");
    line.extend_from_slice(package.as_bytes());
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b"\"");
    let comma = line.len();
    // Writing to a vector does not fail, and no map here has a key that is not a string.
    serde_json::to_writer(&mut *line, body).expect("an event is JSON");
    match line[comma..] == *b"{}" {
        true => line.drain(comma..=comma).for_each(drop),
        false => line[comma] = b',',
    }
}
