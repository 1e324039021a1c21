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
    obeyed(
        &[
            "spark.executor.memoryOverhead",
            "spark.executor.memoryOverheadFactor",
            "spark.executor.maxNumFailures",
            "spark.executor.failuresValidityInterval",
        ],
        "see the table above; without a manager there is nobody to ask",
    ),
    obeyed(KUBERNETES, "see the table above; they are read with the master `k8s://` alone"),
    harmless(
        &[
            "spark.kubernetes.node.selector.*",
            "spark.kubernetes.driver.node.selector.*",
            "spark.kubernetes.executor.node.selector.*",
            "spark.kubernetes.driver.label.*",
            "spark.kubernetes.executor.label.*",
            "spark.kubernetes.driver.annotation.*",
            "spark.kubernetes.executor.annotation.*",
            "spark.kubernetes.driver.secrets.*",
            "spark.kubernetes.executor.secrets.*",
            "spark.kubernetes.driver.secretKeyRef.*",
            "spark.kubernetes.executor.secretKeyRef.*",
            "spark.kubernetes.driver.volumes.*",
            "spark.kubernetes.executor.volumes.*",
            "spark.kubernetes.driverEnv.*",
        ],
        "obeyed with the master `k8s://`, and without a meaning elsewhere, as in Spark",
    ),
    harmless(
        &["spark.kubernetes.*"],
        "they tune Spark's watching of pods, and the copying of files into them; here pods are watched, and images hold files",
    ),
    obeyed(YARN, "see the table above; they are read with the master `yarn` alone"),
    harmless(
        &["spark.yarn.jars", "spark.yarn.archive"],
        "they say where Spark's own jars are; containers are sent the program itself",
    ),
    harmless(
        &["spark.yarn.*"],
        "they tune Spark's application master, and how it brings jars to containers; in client mode the driver is the \
         application master, and takes no container",
    ),
    harmless(&["spark.mesos.*"], "they are read with the masters of these managers alone, which are refused"),
];

const KUBERNETES: &[&str] = &[
    "spark.kubernetes.namespace",
    "spark.kubernetes.context",
    "spark.kubernetes.authenticate.oauthTokenFile",
    "spark.kubernetes.authenticate.caCertFile",
    "spark.kubernetes.container.image",
    "spark.kubernetes.driver.container.image",
    "spark.kubernetes.executor.container.image",
    "spark.kubernetes.container.image.pullPolicy",
    "spark.kubernetes.container.image.pullSecrets",
    "spark.kubernetes.allocation.batch.size",
    "spark.kubernetes.allocation.batch.delay",
    "spark.kubernetes.authenticate.driver.serviceAccountName",
    "spark.kubernetes.authenticate.executor.serviceAccountName",
    "spark.kubernetes.driver.pod.name",
    "spark.kubernetes.executor.podNamePrefix",
    "spark.kubernetes.driver.request.cores",
    "spark.kubernetes.driver.limit.cores",
    "spark.kubernetes.executor.request.cores",
    "spark.kubernetes.executor.limit.cores",
    "spark.kubernetes.driver.podTemplateFile",
    "spark.kubernetes.executor.podTemplateFile",
    "spark.kubernetes.driver.podTemplateContainerName",
    "spark.kubernetes.executor.podTemplateContainerName",
    "spark.kubernetes.scheduler.name",
    "spark.kubernetes.executor.terminationGracePeriodSeconds",
    "spark.kubernetes.executor.deleteOnTermination",
    "spark.kubernetes.submission.waitAppCompletion",
];

const YARN: &[&str] = &[
    "spark.yarn.queue",
    "spark.yarn.tags",
    "spark.yarn.priority",
    "spark.yarn.applicationType",
    "spark.yarn.stagingDir",
    "spark.yarn.preserve.staging.files",
    "spark.yarn.scheduler.heartbeat.interval-ms",
    "spark.yarn.am.waitTime",
    "spark.yarn.submit.waitAppCompletion",
    "spark.yarn.executor.nodeLabelExpression",
    "spark.yarn.maxAppAttempts",
    "spark.yarn.rolledLog.includePattern",
    "spark.yarn.rolledLog.excludePattern",
];
