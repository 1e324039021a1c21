//! Spark's settings of clusters: the number and size of executors, and the connections between processes.

use super::rule::{Rule, harmless, obeyed};

pub(super) static RULES: &[Rule] = &[
    obeyed(
        &["spark.cores.max", "spark.executor.cores", "spark.executor.memory", "spark.executor.instances"],
        "see the table above; in local mode there are no executors to size, as in Spark",
    ),
    obeyed(
        &[
            "spark.dynamicAllocation.enabled",
            "spark.dynamicAllocation.minExecutors",
            "spark.dynamicAllocation.maxExecutors",
            "spark.dynamicAllocation.initialExecutors",
            "spark.dynamicAllocation.executorIdleTimeout",
            "spark.dynamicAllocation.cachedExecutorIdleTimeout",
            "spark.dynamicAllocation.schedulerBacklogTimeout",
            "spark.dynamicAllocation.sustainedSchedulerBacklogTimeout",
        ],
        "see the table above",
    ),
    harmless(
        &["spark.dynamicAllocation.*"],
        "the files of executors are served by a process that outlives them, so no executor has to stay for its shuffles",
    ),
    obeyed(
        &[
            "spark.network.timeout",
            "spark.executor.heartbeatInterval",
            "spark.driver.host",
            "spark.driver.bindAddress",
            "spark.driver.port",
        ],
        "see the table above",
    ),
    harmless(
        &["spark.driver.blockManager.port", "spark.blockManager.port", "spark.executor.port"],
        "the driver has one port, and executors take any that is free; one that is taken is an error at the start",
    ),
    harmless(
        &["spark.network.*", "spark.rpc.*", "spark.*.rpc.*", "spark.*.io.*"],
        "they tune Spark's connections; here large blocks are streamed in chunks",
    ),
    harmless(
        &[
            "spark.executor.*",
            "spark.driver.supervise",
            "spark.driver.timeout",
            "spark.driver.metrics.*",
            "spark.decommission.enabled",
        ],
        "they tune Spark's executors: their heartbeats, their logs, what is measured; an executor that is decommissioned \
         always hands over its blocks",
    ),
    harmless(
        &[
            "spark.deploy.*",
            "spark.worker.*",
            "spark.master.*",
            "spark.standalone.*",
            "spark.dead.worker.persistence",
        ],
        "they are of Spark's daemons; those of `firesteel master` and `firesteel worker` have options",
    ),
    harmless(
        &["spark.yarn.*", "spark.kubernetes.*", "spark.mesos.*"],
        "they are read with the masters of these managers alone, which are refused",
    ),
];
