//! Spark's settings of execution: scheduling, retries and resources of tasks.

use super::rule::{Rule, harmless, obeyed, refused, warned};

const NO_RESOURCES: &str = "executors have cores and memory, and no GPUs or other resources are handed out, so two tasks could use the same; take it out, and \
     choose devices in the function, as by `TaskContext`'s partition id";

const NOT_EXCLUDED: &str = "executors and hosts at which tasks failed get tasks as others do; raise `spark.task.maxFailures` where one host is bad, and take that host out";

pub(super) static RULES: &[Rule] = &[
    obeyed(
        &[
            "spark.default.parallelism",
            "spark.task.maxFailures",
            "spark.stage.maxConsecutiveAttempts",
            "spark.barrier.sync.timeout",
        ],
        "see the table above",
    ),
    obeyed(&["spark.task.cpus"], "an executor runs as many tasks at a time as its cores are enough for"),
    refused(
        &[
            "spark.task.resource.*.amount",
            "spark.executor.resource.*.amount",
            "spark.driver.resource.*.amount",
        ],
        &["0"],
        NO_RESOURCES,
    ),
    refused(
        &["spark.resources.discoveryPlugin"],
        &["org.apache.spark.resource.ResourceDiscoveryScriptPlugin"],
        NO_RESOURCES,
    ),
    harmless(
        &[
            "spark.executor.resource.*",
            "spark.driver.resource.*",
            "spark.task.resource.*",
            "spark.resources.*",
            "spark.driver.resourcesFile",
        ],
        "they say how to find resources that are asked for by an amount, which is refused",
    ),
    harmless(
        &["spark.scheduler.resource.profileMergeConflicts"],
        "a profile that asks for more than there is is refused where it is given to `withResources`",
    ),
    refused(
        &["spark.stage.maxAttempts"],
        &["2147483647"],
        "failed attempts at a stage are counted in a row; set `spark.stage.maxConsecutiveAttempts` instead",
    ),
    harmless(
        &["spark.stage.ignoreDecommissionFetchFailure"],
        "outputs that are lost with a decommissioned executor never count against a stage",
    ),
    obeyed(
        &[
            "spark.scheduler.mode",
            "spark.locality.wait",
            "spark.speculation",
            "spark.speculation.multiplier",
            "spark.speculation.quantile",
        ],
        "see the table above",
    ),
    harmless(
        &["spark.locality.wait.*", "spark.speculation.*"],
        "they tune which slot takes a task when, and never which records come out",
    ),
    warned(
        &["spark.scheduler.allocation.file"],
        &[],
        "pools have the weight 1 and no minimum share; in Rust they are set by `Builder::pool`",
    ),
    warned(&["spark.excludeOnFailure.*enabled", "spark.blacklist.*enabled"], &["false"], NOT_EXCLUDED),
    harmless(
        &["spark.excludeOnFailure.*", "spark.blacklist.*"],
        "they say how executors are excluded, where that is enabled",
    ),
    harmless(
        &["spark.scheduler.*", "spark.starvation.timeout", "spark.resultGetter.threads"],
        "they tune Spark's scheduler: its queues, its threads, and how long it waits for executors",
    ),
    harmless(
        &["spark.task.reaper.*"],
        "a task that does not stop in time has its Python worker killed, always",
    ),
    harmless(
        &["spark.task.maxDirectResultSize", "spark.taskMetrics.*", "spark.job.*", "spark.jobGroup.id"],
        "large results are fetched as blocks, and properties of jobs are set by the context's methods",
    ),
];
