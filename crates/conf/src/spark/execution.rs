//! Spark's settings of execution: scheduling, retries and resources of tasks.

use super::rule::{Rule, harmless, obeyed, refused, warned};

const NO_RESOURCES: &str = "executors have cores and memory, and no GPUs or other resources are handed out, so two tasks could use the same; take it out, and \
     choose devices in the function, as by `TaskContext`'s partition id";

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
    obeyed(
        &[
            "spark.excludeOnFailure.enabled",
            "spark.excludeOnFailure.application.enabled",
            "spark.excludeOnFailure.taskAndStage.enabled",
            "spark.excludeOnFailure.timeout",
            "spark.excludeOnFailure.task.maxTaskAttemptsPerExecutor",
            "spark.excludeOnFailure.task.maxTaskAttemptsPerNode",
            "spark.excludeOnFailure.stage.maxFailedTasksPerExecutor",
            "spark.excludeOnFailure.stage.maxFailedExecutorsPerNode",
            "spark.excludeOnFailure.application.maxFailedTasksPerExecutor",
            "spark.excludeOnFailure.application.maxFailedExecutorsPerNode",
            "spark.excludeOnFailure.application.fetchFailure.enabled",
            "spark.excludeOnFailure.killExcludedExecutors",
            "spark.excludeOnFailure.killExcludedExecutors.decommission",
            "spark.scheduler.excludeOnFailure.unschedulableTaskSetTimeout",
        ],
        "see the table above",
    ),
    obeyed(
        &[
            "spark.blacklist.enabled",
            "spark.blacklist.timeout",
            "spark.blacklist.task.maxTaskAttemptsPerExecutor",
            "spark.blacklist.task.maxTaskAttemptsPerNode",
            "spark.blacklist.stage.maxFailedTasksPerExecutor",
            "spark.blacklist.stage.maxFailedExecutorsPerNode",
            "spark.blacklist.application.maxFailedTasksPerExecutor",
            "spark.blacklist.application.maxFailedExecutorsPerNode",
            "spark.blacklist.application.fetchFailure.enabled",
            "spark.blacklist.killBlacklistedExecutors",
            "spark.scheduler.blacklist.unschedulableTaskSetTimeout",
        ],
        "the older names of `spark.excludeOnFailure.*`",
    ),
    warned(
        &["spark.scheduler.executorTaskExcludeOnFailureTime", "spark.scheduler.executorTaskBlacklistTime"],
        &["0"],
        "set `spark.excludeOnFailure.enabled` and `spark.excludeOnFailure.timeout` instead",
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
