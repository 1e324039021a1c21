//! Spark's settings of the web interface, logs and metrics, and of the parts of Spark that Firesteel does not
//! have.

use super::rule::{Rule, harmless, obeyed, warned};

pub(super) static RULES: &[Rule] = &[
    obeyed(&["spark.ui.showConsoleProgress"], "see the table above"),
    obeyed(
        &[
            "spark.ui.enabled",
            "spark.ui.port",
            "spark.ui.killEnabled",
            "spark.port.maxRetries",
            "spark.ui.retainedJobs",
            "spark.ui.retainedStages",
            "spark.ui.retainedTasks",
            "spark.ui.retainedDeadExecutors",
            "spark.scheduler.listenerbus.eventqueue.capacity",
        ],
        "see the table above",
    ),
    harmless(&["spark.ui.*", "spark.appStateStore.*"], "they shape pages, and no answer"),
    obeyed(
        &[
            "spark.eventLog.enabled",
            "spark.eventLog.dir",
            "spark.eventLog.compress",
            "spark.eventLog.compression.codec",
            "spark.eventLog.rolling.enabled",
            "spark.eventLog.rolling.maxFileSize",
            "spark.eventLog.overwrite",
            "spark.eventLog.buffer.kb",
            "spark.eventLog.logBlockUpdates.enabled",
            "spark.eventLog.logStageExecutorMetrics",
            "spark.eventLog.excludedPatterns",
        ],
        "see the table above",
    ),
    harmless(&["spark.eventLog.*"], "they shape what Spark's own machinery says of itself in the log"),
    // A warning, not an error: refusing a program because of a log would be worse, but a user who looks for the
    // file must know.
    warned(
        &["spark.driver.log.persistToDfs.enabled"],
        &["false"],
        "the driver's log is not copied; send standard error to a file",
    ),
    harmless(&["spark.driver.log.*"], "they are read where the driver's log is copied"),
    warned(
        &["spark.metrics.conf", "spark.metrics.conf.*"],
        &[],
        "there are no sinks for metrics, so nothing is reported to them",
    ),
    harmless(&["spark.metrics.*"], "there are no sinks for metrics"),
    harmless(&["spark.history.*"], "they are of Spark's history server"),
    harmless(
        &[
            "spark.sql.*",
            "spark.hive.*",
            "spark.streaming.*",
            "spark.kafka.*",
            "spark.ml.*",
            "spark.mllib.*",
            "spark.graphx.*",
            "spark.r.*",
            "spark.sparkr.*",
        ],
        "they are of SQL, streaming, learning and R, which are not here; a use of these is an error",
    ),
    harmless(&["spark.test.*", "spark.testing", "spark.testing.*"], "they are of Spark's own tests"),
];
