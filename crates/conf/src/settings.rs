//! The settings themselves.

use crate::setting::{Entry, Setting};
use crate::value::{
    compression, count, fraction, log_codec, log_file_size, millis_or_infinity, optional_bytes,
    optional_count, optional_fraction, optional_millis, optional_switch, parse_bytes, parse_millis,
    positive_millis, storage_write, switch, text, whole_number,
};

macro_rules! settings {
    ($($name:ident: $type:ty = $key:literal, $default:literal, $parse:path, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            pub static $name: Setting<$type> = Setting { key: $key, default: $default, doc: $doc, parse: $parse };
        )*

        /// All settings, for listings and look-ups by key.
        pub static ALL: &[Entry] = &[
            $(Entry { key: $key, default: $default, doc: $doc, kind: stringify!($parse), check: |text| $parse(text).map(drop) },)*
        ];
    };
}

settings! {
    MASTER: String = "firesteel.master", "local[*]", text,
        "The master, where tasks run: `local` (one thread), `local[N]`, `local[*]` (one thread a core), `local[N,F]` (F = \
         failures of a task that fail its job), `local-cluster[n,cores,MiB]` (n processes on this machine), \
         `firesteel://host:7077` (a cluster; `spark://` means the same), `yarn`, `k8s://https://host:6443`, \
         `slurm` (jobs of Slurm), `ray` or `ray://host:port` (actors of Ray, from Python), `listen://host:port` (executors that \
         connect by themselves).";
    APP_NAME: String = "firesteel.app.name", "firesteel", text,
        "The application's name, for people.";
    MEMORY: Option<u64> = "firesteel.memory", "", optional_bytes,
        "The memory for records: combining, sorting, map outputs. Records that do not fit go to disk. When not set: 60 % of \
         the memory that the machine (or the narrowest of its control groups) has free at the start.";
    RDD_COMPRESS: String = "firesteel.rdd.compress", "none", compression,
        "The compression of encoded partitions of persisted RDDs, in memory and on disk: `none`, `lz4` (fast) or `zstd` \
         (smaller).";
    CLEAN_CHECKPOINTS: bool = "firesteel.cleaner.checkpoints", "true", switch,
        "Whether checkpoints are removed when no RDD reads them any more, and when the context stops.";
    CHECKPOINT_DIR: String = "firesteel.checkpoint.dir", "", text,
        "The directory below which checkpoints are written, until the program sets another.";
    RECOVERY_DIR: String = "firesteel.driver.recovery.dir", "", text,
        "The directory for the journal of the application, from which a driver that restarts takes it up again: of the \
         application's own, from the root on, and the same for every run. Stages of a job in the middle are taken up from the \
         shuffle storage, if there is one. When not set: a driver that restarts begins anew.";
    LOCAL_DIR: String = "firesteel.local.dir", "", text,
        "The directory for records that do not fit in memory. When not set: the system's directory for temporary files.";
    DEFAULT_PARALLELISM: Option<u32> = "firesteel.default.parallelism", "", optional_count,
        "Partitions of `parallelize`, and of shuffles whose inputs do not say. When not set: the number of slots.";
    TASK_MAX_FAILURES: u32 = "firesteel.task.max_failures", "4", count,
        "The number of failures of one task that fails its job.";
    STAGE_MAX_CONSECUTIVE_ATTEMPTS: u32 = "firesteel.stage.max_consecutive_attempts", "4", count,
        "The number of failed attempts at a stage in a row that fails its jobs.";
    TASK_CPUS: u32 = "firesteel.task.cpus", "1", count,
        "The number of cores that each task takes: an executor runs as many tasks at a time as its cores are enough for.";
    SCHEDULER_MODE: String = "firesteel.scheduler.mode", "FIFO", text,
        "The way in which jobs that run at the same time share the slots: `FIFO` (the first job first) or `FAIR` (pools).";
    LOCALITY_WAIT_MS: u64 = "firesteel.locality.wait", "3s", parse_millis,
        "The time that a task waits for a slot near its data before it takes one farther away.";
    SPECULATION: bool = "firesteel.speculation", "false", switch,
        "Whether a task that takes much longer than the others of its stage is run a second time elsewhere.";
    SPECULATION_MULTIPLIER: f64 = "firesteel.speculation.multiplier", "1.5", fraction,
        "The multiple of the median after which a task counts as slow.";
    SPECULATION_QUANTILE: f64 = "firesteel.speculation.quantile", "0.75", fraction,
        "The share of a stage's tasks that must have finished before any counts as slow.";
    EXCLUDE: bool = "firesteel.exclude_on_failure.enabled", "false", switch,
        "Whether tasks keep away from executors and hosts at which tasks failed again and again.";
    EXCLUDE_APPLICATION: Option<bool> = "firesteel.exclude_on_failure.application.enabled", "", optional_switch,
        "Whether the whole application keeps away from them, until a timeout. When not set: as \
         `firesteel.exclude_on_failure.enabled` says.";
    EXCLUDE_TASK_AND_STAGE: Option<bool> = "firesteel.exclude_on_failure.task_and_stage.enabled", "", optional_switch,
        "Whether a task keeps away from where it failed, and a stage from where its tasks failed. When not set: as \
         `firesteel.exclude_on_failure.enabled` says.";
    EXCLUDE_TIMEOUT_MS: u64 = "firesteel.exclude_on_failure.timeout", "1h", positive_millis,
        "The time for which the application keeps away from an executor or a host, and after which it forgets a failure.";
    EXCLUDE_TASK_PER_EXECUTOR: u32 =
        "firesteel.exclude_on_failure.task.max_task_attempts_per_executor", "1", count,
        "The number of failures of a task at an executor after which the task is not run there again.";
    EXCLUDE_TASK_PER_HOST: u32 = "firesteel.exclude_on_failure.task.max_task_attempts_per_node", "2", count,
        "The number of failures of a task at a host after which the task is not run there again. It must be less than \
         `firesteel.task.max_failures`.";
    EXCLUDE_STAGE_TASKS: u32 = "firesteel.exclude_on_failure.stage.max_failed_tasks_per_executor", "2", count,
        "The number of tasks of one stage attempt that fail at an executor after which the attempt keeps away from it.";
    EXCLUDE_STAGE_EXECUTORS: u32 = "firesteel.exclude_on_failure.stage.max_failed_executors_per_node", "2", count,
        "The number of executors of a host from which a stage attempt keeps away after which it keeps away from the host.";
    EXCLUDE_APPLICATION_TASKS: u32 =
        "firesteel.exclude_on_failure.application.max_failed_tasks_per_executor", "2", count,
        "The number of tasks, of stages that succeeded in the end, that fail at an executor after which the application keeps \
         away from it.";
    EXCLUDE_APPLICATION_EXECUTORS: u32 =
        "firesteel.exclude_on_failure.application.max_failed_executors_per_node", "2", count,
        "The number of executors of a host from which the application keeps away after which it keeps away from the host.";
    EXCLUDE_FETCH_FAILURE: bool =
        "firesteel.exclude_on_failure.application.fetch_failure.enabled", "false", switch,
        "Whether one failed fetch of a map output excludes the executor that had it at once, or its host where the outputs are \
         served by a process that outlives executors.";
    EXCLUDE_KILL: bool = "firesteel.exclude_on_failure.kill_excluded_executors", "false", switch,
        "Whether executors of a cluster are ended from which the application keeps away. Tasks that run there are not to blame.";
    EXCLUDE_DECOMMISSION: bool =
        "firesteel.exclude_on_failure.kill_excluded_executors.decommission", "false", switch,
        "Whether these executors are decommissioned instead: they end when their tasks have ended.";
    EXCLUDE_UNSCHEDULABLE_MS: u64 =
        "firesteel.scheduler.exclude_on_failure.unschedulable_task_set_timeout", "120s", positive_millis,
        "With dynamic allocation: the time that a task which may run on no executor waits for another one before its job fails.";
    NETWORK_TIMEOUT_MS: u64 = "firesteel.network.timeout", "120s", parse_millis,
        "The time without a heartbeat after which an executor is lost.";
    HEARTBEAT_INTERVAL_MS: u64 = "firesteel.executor.heartbeat_interval", "10s", parse_millis,
        "The interval between the heartbeats of executors in other processes.";
    NO_EXECUTORS_TIMEOUT_MS: u64 = "firesteel.scheduler.no_executors_timeout", "120s", parse_millis,
        "The time that a job waits while there is no executor at all. Then it fails, and says so.";
    CORES_MAX: Option<u32> = "firesteel.cores.max", "", optional_count,
        "The most cores of a standalone cluster that the application takes. When not set: all that are free. Cluster managers \
         are asked for a number of executors instead.";
    EXECUTOR_CORES: Option<u32> = "firesteel.executor.cores", "", optional_count,
        "The number of tasks that an executor of a cluster runs at a time. When not set: as many as its worker has cores; with \
         a cluster manager, one.";
    EXECUTOR_MEMORY: u64 = "firesteel.executor.memory", "1g", parse_bytes,
        "The memory of an executor of a cluster.";
    PYSPARK_MEMORY: Option<u64> = "firesteel.executor.pyspark.memory", "", optional_bytes,
        "The address space that a Python worker may have, in all: its program, its libraries, its records. Memory beyond it \
         fails the task that asks for it. Divided by `firesteel.executor.cores` where that is set. When not set: no limit.";
    PYTHON_HUNG_WARN_MS: u64 = "firesteel.python.hung.warn_after", "10min", parse_millis,
        "The time that a task of a Python worker may run before the log names its function, line and stack, once. `0` for never.";
    PYTHON_HUNG_FAIL_MS: u64 = "firesteel.python.hung.fail_after", "0", parse_millis,
        "The time after which a task of a Python worker counts as hung: its worker is killed, and the attempt fails with its \
         stack. `0` for never.";
    ALLOW_CONTEXT: bool = "firesteel.executor.allow_spark_context", "false", switch,
        "Whether tasks may make contexts of their own.";
    EXECUTOR_OVERHEAD: Option<u64> = "firesteel.executor.memory_overhead", "", optional_bytes,
        "With a cluster manager: the memory that is asked for beside an executor's own, for its program and libraries. When not \
         set: the share that `firesteel.executor.memory_overhead_factor` says, and 384 MiB at least.";
    EXECUTOR_MEMORY_OVERHEAD_FACTOR: Option<f64> = "firesteel.executor.memory_overhead_factor", "", optional_fraction,
        "With a cluster manager: that memory as a share of `firesteel.executor.memory`. When not set: a tenth, and 0.4 for Python \
         programs on Kubernetes.";
    EXECUTOR_MAX_FAILURES: Option<u32> = "firesteel.executor.max_num_failures", "", optional_count,
        "With a cluster manager: the number of executors that may end by their own fault before the application fails. When \
         not set: twice as many as are wanted, and 3 at least.";
    EXECUTOR_FAILURES_VALID_MS: Option<u64> = "firesteel.executor.failures_validity_interval", "", optional_millis,
        "With a cluster manager: the time after which the failure of an executor counts no more. When not set: it always does.";
    REGISTER_WITHIN_MS: u64 = "firesteel.executor.register_within", "120s", parse_millis,
        "With a cluster manager: the time that an executor may take from its start to its connection with the driver; then \
         it is given back. `0` for as long as it likes.";
    SLURM_PARTITION: String = "firesteel.slurm.partition", "", text,
        "With the master `slurm`: the partition of jobs. When not set: Slurm's default.";
    SLURM_ACCOUNT: String = "firesteel.slurm.account", "", text,
        "With the master `slurm`: the account that is charged. When not set: Slurm's default.";
    SLURM_QOS: String = "firesteel.slurm.qos", "", text,
        "With the master `slurm`: the quality of service of jobs. When not set: Slurm's default.";
    SLURM_TIME: String = "firesteel.slurm.time", "", text,
        "With the master `slurm`: the time limit of jobs, as `sbatch --time` takes it: `30`, `2:00:00`, `1-0`. When not set: \
         the partition's.";
    SLURM_OPTIONS: String = "firesteel.slurm.options", "", text,
        "With the master `slurm`: further options of `sbatch`, separated by spaces: `--constraint=avx2 --exclusive`.";
    SLURM_NOTICE_MS: u64 = "firesteel.slurm.notice", "60s", parse_millis,
        "With the master `slurm`: the time before a job's time limit at which its executors stop taking tasks and hand over \
         what they hold.";
    SLURM_REQUEST_MEMORY: bool = "firesteel.slurm.request_memory", "true", switch,
        "With the master `slurm`: whether jobs ask for memory (`--mem`), which some sites refuse.";
    SLURM_STAGING_DIR: String = "firesteel.slurm.staging_dir", "", text,
        "With the master `slurm`: a directory that all nodes have, for the executors' configuration and output while the \
         application runs. When not set: `.firesteel` in the directory where the driver starts.";
    EXECUTOR_INSTANCES: Option<u32> = "firesteel.executor.instances", "", optional_count,
        "The most executors of a standalone cluster that the application wants; with a cluster manager, as many as it asks \
         for (2 when not set); with dynamic allocation, the number at the start.";
    DYNAMIC_ALLOCATION: bool = "firesteel.dynamic_allocation.enabled", "false", switch,
        "Whether the application asks a cluster for more executors while tasks wait, and gives back those that have nothing to do.";
    DYNAMIC_MIN: u32 = "firesteel.dynamic_allocation.min_executors", "0", whole_number,
        "With dynamic allocation: never fewer executors than this.";
    DYNAMIC_MAX: u32 = "firesteel.dynamic_allocation.max_executors", "2147483647", whole_number,
        "With dynamic allocation: never more executors than this.";
    DYNAMIC_INITIAL: Option<u32> = "firesteel.dynamic_allocation.initial_executors", "", optional_count,
        "With dynamic allocation: the number of executors at the start. When not set: `firesteel.executor.instances`, or the \
         minimum.";
    DYNAMIC_IDLE_MS: u64 = "firesteel.dynamic_allocation.executor_idle_timeout", "60s", parse_millis,
        "With dynamic allocation: the time without a task after which an executor is given back.";
    DYNAMIC_BACKLOG_MS: u64 = "firesteel.dynamic_allocation.scheduler_backlog_timeout", "1s", parse_millis,
        "With dynamic allocation: the time that tasks wait before more executors are requested; each time twice as many.";
    DYNAMIC_SUSTAINED_BACKLOG_MS: Option<u64> = "firesteel.dynamic_allocation.sustained_scheduler_backlog_timeout", "", optional_millis,
        "With dynamic allocation: the time that tasks wait after that before still more executors are requested. When not \
         set: as long as the first time.";
    DYNAMIC_CACHED_IDLE_MS: Option<u64> = "firesteel.dynamic_allocation.cached_executor_idle_timeout", "infinity", millis_or_infinity,
        "With dynamic allocation: the time without a task after which an executor with cached partitions is given back; they \
         are computed again when they are needed. `infinity` gives back none that has cached partitions.";
    DECOMMISSION_TIMEOUT_MS: u64 = "firesteel.decommission.timeout", "60s", parse_millis,
        "The time that other executors have to take over the map outputs and cached partitions of one that is decommissioned, \
         after its last task has ended. Blocks that they did not take over by then are computed again when they are needed.";
    REPAIR_COPIES: bool = "firesteel.storage.replication.proactive", "true", switch,
        "Whether a cached partition of which a copy is lost with an executor is copied again to another one, as often as its \
         storage level (`MEMORY_ONLY_2`) asks for. It happens in the background.";
    SHUFFLE_SERVICE: bool = "firesteel.shuffle.service.enabled", "true", switch,
        "Whether the files of executors are served by a process that outlives them (the worker, or the driver of a local \
         cluster), so that an executor's outputs are not lost with it.";
    SHUFFLE_RETRIES: u32 = "firesteel.shuffle.io.max_retries", "3", whole_number,
        "The number of times that a host that cannot be reached is asked again for a map output, before the output counts as \
         lost.";
    SHUFFLE_RETRY_WAIT_MS: u64 = "firesteel.shuffle.io.retry_wait", "5s", parse_millis,
        "The pause before a host is asked again for a map output.";
    SHUFFLE_STORAGE: String = "firesteel.shuffle.storage", "local", text,
        "Where map outputs are kept besides the hosts of their executors, so that they outlive these: a directory that all \
         hosts reach (`file:///shared/dir`), or one in a store (`s3a://bucket/dir`, `hdfs://host/dir`). `local`: nowhere else. \
         Only for clusters, local ones among them. With `firesteel.driver.recovery.dir` they outlive the driver, too.";
    SHUFFLE_STORAGE_WRITE: String = "firesteel.shuffle.storage.write", "background", storage_write,
        "When map outputs are written to the shuffle storage: `background` (soon after their tasks have ended), `through` \
         (before their tasks end) or `notice` (when it is known that their executor will be taken away).";
    SHUFFLE_STORAGE_OBJECT_BYTES: u64 = "firesteel.shuffle.storage.object_size", "64m", parse_bytes,
        "The bytes of map outputs of one shuffle that an executor gathers for one object of the shuffle storage.";
    DRIVER_HOST: String = "firesteel.driver.host", "", text,
        "The name or address by which executors reach the driver. When not set: the address from which it reaches the cluster.";
    DRIVER_BIND_ADDRESS: String = "firesteel.driver.bind_address", "", text,
        "The address at which the driver listens for executors. When not set: that of `firesteel.driver.host`.";
    DRIVER_PORT: u32 = "firesteel.driver.port", "0", whole_number,
        "The port at which the driver listens for executors; 0 for any that is free.";
    KUBERNETES_NAMESPACE: String = "firesteel.kubernetes.namespace", "default", text,
        "The namespace of all objects of the application.";
    KUBERNETES_CONTEXT: String = "firesteel.kubernetes.context", "", text,
        "The context of the kubeconfig that says who asks. When not set: the current one; in a pod, its service account.";
    KUBERNETES_TOKEN_FILE: String = "firesteel.kubernetes.authenticate.oauth_token_file", "", text,
        "A file with the token that is shown to the API server, instead of what the kubeconfig says.";
    KUBERNETES_CA_FILE: String = "firesteel.kubernetes.authenticate.ca_cert_file", "", text,
        "A file with the certificate that has signed the API server's, in PEM, instead of what the kubeconfig says.";
    KUBERNETES_IMAGE: String = "firesteel.kubernetes.container.image", "", text,
        "The image of pods: with the program, or with the command `firesteel`, or with Python and the package.";
    KUBERNETES_DRIVER_IMAGE: String = "firesteel.kubernetes.driver.container.image", "", text,
        "The image of the driver's pod. When not set: `firesteel.kubernetes.container.image`.";
    KUBERNETES_EXECUTOR_IMAGE: String = "firesteel.kubernetes.executor.container.image", "", text,
        "The image of executors' pods. When not set: `firesteel.kubernetes.container.image`.";
    KUBERNETES_PULL_POLICY: String = "firesteel.kubernetes.container.image.pull_policy", "IfNotPresent", text,
        "When nodes fetch the image: `Always`, `IfNotPresent` or `Never`.";
    KUBERNETES_PULL_SECRETS: String = "firesteel.kubernetes.container.image.pull_secrets", "", text,
        "The Secrets that open the registries of images, with commas between.";
    KUBERNETES_PROGRAM: String = "firesteel.kubernetes.executor.program", "", text,
        "The path of the program in the image of executors, which must be the driver's own program, byte for byte. When not set: \
         the image's command `firesteel` fetches it from the driver.";
    KUBERNETES_BATCH_SIZE: u32 = "firesteel.kubernetes.allocation.batch.size", "10", count,
        "The most pods that are asked for at a time: more follow when these have been placed.";
    KUBERNETES_BATCH_DELAY_MS: u64 = "firesteel.kubernetes.allocation.batch.delay", "1s", parse_millis,
        "The least time between two batches of pods.";
    KUBERNETES_DRIVER_ACCOUNT: String = "firesteel.kubernetes.authenticate.driver.service_account_name", "", text,
        "The service account of the driver's pod. It must be allowed to make pods, secrets and config maps. When not set: the \
         namespace's default.";
    KUBERNETES_EXECUTOR_ACCOUNT: String = "firesteel.kubernetes.authenticate.executor.service_account_name", "", text,
        "The service account of executors' pods, which need no rights. When not set: the namespace's default.";
    KUBERNETES_DRIVER_POD: String = "firesteel.kubernetes.driver.pod.name", "", text,
        "The name of the driver's pod. In a driver that runs in a pod by other means, the name of that pod: it then owns its \
         executors.";
    KUBERNETES_POD_PREFIX: String = "firesteel.kubernetes.executor.pod_name_prefix", "", text,
        "The beginning of the names of executors' pods. When not set: made of the application's name.";
    KUBERNETES_DRIVER_REQUEST_CORES: String = "firesteel.kubernetes.driver.request.cores", "", text,
        "The cores that the driver's pod requests, as Kubernetes writes them: `500m`. When not set: those that `--driver-cores` says.";
    KUBERNETES_DRIVER_LIMIT_CORES: String = "firesteel.kubernetes.driver.limit.cores", "", text,
        "The most cores that the driver's pod may use. When not set: no limit.";
    KUBERNETES_REQUEST_CORES: String = "firesteel.kubernetes.executor.request.cores", "", text,
        "The cores that an executor's pod requests, as Kubernetes writes them: `500m`. When not set: `firesteel.executor.cores`.";
    KUBERNETES_LIMIT_CORES: String = "firesteel.kubernetes.executor.limit.cores", "", text,
        "The most cores that an executor's pod may use. When not set: no limit.";
    KUBERNETES_DRIVER_TEMPLATE: String = "firesteel.kubernetes.driver.pod_template_file", "", text,
        "A file with a pod, in YAML, on which the driver's pod is built: what settings say goes before what it says.";
    KUBERNETES_TEMPLATE: String = "firesteel.kubernetes.executor.pod_template_file", "", text,
        "A file with a pod, in YAML, on which executors' pods are built: tolerations, affinities, further containers.";
    KUBERNETES_DRIVER_CONTAINER: String = "firesteel.kubernetes.driver.pod_template_container_name", "", text,
        "The container of the driver's template that becomes the driver's. When not set: the first.";
    KUBERNETES_CONTAINER: String = "firesteel.kubernetes.executor.pod_template_container_name", "", text,
        "The container of the executors' template that becomes the executor's. When not set: the first.";
    KUBERNETES_SCHEDULER: String = "firesteel.kubernetes.scheduler.name", "", text,
        "The scheduler of Kubernetes that places the pods. When not set: the cluster's default.";
    KUBERNETES_GRACE_S: u32 = "firesteel.kubernetes.executor.termination_grace_period_seconds", "30", whole_number,
        "The time that an executor's pod has from its notice to its end, in seconds: then its blocks move to others.";
    KUBERNETES_DELETE: bool = "firesteel.kubernetes.executor.delete_on_termination", "true", switch,
        "Whether pods of executors that have ended are removed, instead of being kept to be looked at until the application ends.";
    KUBERNETES_WAIT: bool = "firesteel.kubernetes.submission.wait_app_completion", "true", switch,
        "Whether `firesteel submit` in cluster mode waits for the program's end, and ends as it did.";
    SECRET_FILE: String = "firesteel.authenticate.secret.file", "", text,
        "A file with the secret by which the processes of the application, or the daemons of a cluster, authenticate each \
         other; readable by its owner alone. When not set, an application makes its own.";
    NETWORK_INSECURE: bool = "firesteel.network.insecure", "false", switch,
        "Whether connections are neither encrypted nor authenticated. Anyone who reaches a port can then run code. For \
         isolated networks, and for measuring.";
    IO_ENCRYPTION: bool = "firesteel.io.encryption.enabled", "false", switch,
        "Whether the files of tasks in local directories are encrypted: spilled records, map outputs, cached partitions, \
         broadcast values, large results. The key is derived from the application's secret.";
    BARRIER_SYNC_TIMEOUT_MS: u64 = "firesteel.barrier.sync.timeout", "365d", parse_millis,
        "The time that a task of a barrier stage waits for the others to call `barrier` or `all_gather` as often as it has.";
    MAX_RESULT_SIZE: u64 = "firesteel.driver.max_result_size", "1g", parse_bytes,
        "The most bytes of the encoded results of all tasks of one job together; 0 is no limit.";
    LOG_LEVEL: String = "firesteel.log.level", "warn", text,
        "The events of the log that are written to standard error: `off`, `error`, `warn`, or `info`. The program's own \
         `tracing` subscriber, where it has one, gets them all instead.";
    LOG_FILE: String = "firesteel.log.file", "", text,
        "The file to which the log is written instead, with the time of each line. Lines are appended.";
    LOG_STRUCTURED: bool = "firesteel.log.structured_logging.enabled", "false", switch,
        "Whether each line of the log is JSON, with the keys of Spark's structured log: `ts`, `level`, `msg`, `logger`.";
    SHOW_PROGRESS: bool = "firesteel.ui.show_console_progress", "true", switch,
        "Whether a bar in the terminal shows the progress of jobs that take longer than half a second.";
    UI: bool = "firesteel.ui.enabled", "true", switch,
        "Whether the application serves pages and Spark's REST interface that show what it does.";
    UI_HOST: String = "firesteel.ui.host", "127.0.0.1", text,
        "The address that the pages listen on. On any other than this machine's own they ask for a login.";
    UI_PORT: u32 = "firesteel.ui.port", "4040", whole_number,
        "The port of the pages, or 0 for any that is free. If it is taken, the ones after it are tried, as many as \
         `firesteel.port.max_retries` says, and then any.";
    PORT_MAX_RETRIES: u32 = "firesteel.port.max_retries", "16", whole_number,
        "The number of ports that are tried after one that is taken.";
    UI_TOKEN: String = "firesteel.ui.token", "", text,
        "The token that opens the pages, 32 characters or more. When not set: one is made where a login is needed, and the log \
         names the file with the link.";
    UI_CERTIFICATES: String = "firesteel.ui.tls.certificates", "", text,
        "The file with the certificate of the pages, in PEM; with it and the key they speak TLS.";
    UI_KEY: String = "firesteel.ui.tls.key", "", text,
        "The file with the certificate's private key, in PEM.";
    UI_KILL: bool = "firesteel.ui.kill_enabled", "true", switch,
        "Whether jobs and stages can be ended from the pages.";
    UI_RETAINED_JOBS: u32 = "firesteel.ui.retained_jobs", "1000", count,
        "The number of jobs that pages and the REST interface remember.";
    UI_RETAINED_STAGES: u32 = "firesteel.ui.retained_stages", "1000", count,
        "The number of stages that pages and the REST interface remember.";
    UI_RETAINED_TASKS: u32 = "firesteel.ui.retained_tasks", "100000", count,
        "The number of tasks of one stage that pages and the REST interface remember.";
    UI_RETAINED_EXECUTORS: u32 = "firesteel.ui.retained_dead_executors", "100", count,
        "The number of executors that are gone which pages and the REST interface remember.";
    REDACTION: String = "firesteel.redaction.regex", "(?i)secret|password|token|access[.]?key", text,
        "The pattern of settings whose values are shown nowhere: pages, REST interface, event log.";
    LISTENER_QUEUE: u32 = "firesteel.scheduler.listenerbus.eventqueue.capacity", "100000", count,
        "The number of events that may wait for listeners, pages and the event log. Those beyond are dropped, and told of.";
    EXTRA_LISTENERS: String = "firesteel.extra_listeners", "", text,
        "Listeners that are told of the application's events, by name, with commas between: in Python `module.Class`, in Rust \
         the names that `register_listener` was given.";
    OTEL_ENDPOINT: String = "firesteel.otel.endpoint", "", text,
        "The address to which spans of jobs, stages and tasks are sent, by OTLP over HTTP: `http://localhost:4318`; `env` takes it \
         from `OTEL_EXPORTER_OTLP_ENDPOINT`. When not set: no spans are made.";
    OTEL_TASKS: u32 = "firesteel.otel.tasks.max", "1000", whole_number,
        "The most tasks of a stage attempt that get spans: those that took longest.";
    EVENT_LOG: bool = "firesteel.event_log.enabled", "false", switch,
        "Whether the application's events are written to an event log in Spark's format, for history servers.";
    EVENT_LOG_DIR: String = "firesteel.event_log.dir", "/tmp/spark-events", text,
        "The directory of event logs: local, in Hadoop's file system or in an object store. It must be there (in an object \
         store it need not).";
    EVENT_LOG_COMPRESS: bool = "firesteel.event_log.compress", "true", switch,
        "Whether event logs are compressed.";
    EVENT_LOG_CODEC: String = "firesteel.event_log.compression.codec", "zstd", log_codec,
        "The codec for that: `zstd`, `lz4`, `snappy` or `lzf`, or a class of Spark's.";
    EVENT_LOG_ROLLING: bool = "firesteel.event_log.rolling.enabled", "true", switch,
        "Whether an event log is a directory, in which a further file begins when one is full; else it is one file.";
    EVENT_LOG_MAX_FILE_SIZE: u64 = "firesteel.event_log.rolling.max_file_size", "128m", log_file_size,
        "The bytes of events, before they are compressed, with which such a file is full; 10 MiB at least.";
    EVENT_LOG_OVERWRITE: bool = "firesteel.event_log.overwrite", "false", switch,
        "Whether a log of the same application is written over; else it is an error.";
    EVENT_LOG_BUFFER: u64 = "firesteel.event_log.buffer.kb", "100k", parse_bytes,
        "The bytes of events that are gathered between two events after which everything is written out.";
    EVENT_LOG_BLOCK_UPDATES: bool = "firesteel.event_log.log_block_updates.enabled", "false", switch,
        "Whether each change of a cached partition is an event of the log.";
    EVENT_LOG_STAGE_METRICS: bool = "firesteel.event_log.log_stage_executor_metrics", "false", switch,
        "Whether the most memory that each executor had in a stage is an event of the log.";
    EVENT_LOG_EXCLUDED: String = "firesteel.event_log.excluded_patterns", "", text,
        "Names of events that are left out of the log, with commas between.";
    STORE_MAX_RETRIES: u32 = "firesteel.store.max_retries", "10", whole_number,
        "The number of times that a request to a store is tried again if it fails, or is answered with 429 or 5xx.";
    STORE_RETRY_TIMEOUT_MS: u64 = "firesteel.store.retry.timeout", "2min", parse_millis,
        "The time for which a request to a store is tried again.";
    STORE_BACKOFF_MS: u64 = "firesteel.store.retry.backoff", "100ms", parse_millis,
        "The pause before a request to a store is tried again; it doubles each time, up to 15 s.";
    S3_ENDPOINT: String = "firesteel.hadoop.fs.s3a.endpoint", "", text,
        "The address of a store that speaks as S3 does. When not set: `AWS_ENDPOINT_URL`, a profile's `endpoint_url`, or Amazon.";
    S3_REGION: String = "firesteel.hadoop.fs.s3a.endpoint.region", "", text,
        "The region of the buckets. When not set: `AWS_REGION`, a profile's `region`, or `us-east-1`.";
    S3_ACCESS_KEY: String = "firesteel.hadoop.fs.s3a.access.key", "", text,
        "The access key for S3. When not set: the environment, a profile, or what the machine is given by Amazon.";
    S3_SECRET_KEY: String = "firesteel.hadoop.fs.s3a.secret.key", "", text,
        "The secret that goes with the access key. Never shown.";
    S3_SESSION_TOKEN: String = "firesteel.hadoop.fs.s3a.session.token", "", text,
        "The token that goes with an access key for a short time. Never shown.";
    S3_PATH_STYLE: String = "firesteel.hadoop.fs.s3a.path.style.access", "", text,
        "`true` puts the bucket into the path of a request, `false` into the name of the host. When not set: into the path.";
    S3_PROVIDER: String = "firesteel.hadoop.fs.s3a.aws.credentials.provider", "", text,
        "A name with `Anonymous` in it asks without credentials, for public buckets; others are left to the order above.";
    GCS_KEYFILE: String = "firesteel.hadoop.fs.gs.auth.service.account.json.keyfile", "", text,
        "The key file of a service account. When not set: `GOOGLE_APPLICATION_CREDENTIALS`, or what `gcloud` left.";
    GCS_ROOT_URL: String = "firesteel.hadoop.fs.gs.storage.root.url", "", text,
        "The address of a store that speaks as Google's does. When not set: `STORAGE_EMULATOR_HOST`, or Google.";
    GCS_AUTH_TYPE: String = "firesteel.hadoop.fs.gs.auth.type", "", text,
        "`UNAUTHENTICATED` asks without credentials, for public buckets.";
    AZURE_ACCOUNT: String = "firesteel.hadoop.fs.azure.account.name", "", text,
        "The storage account of paths that name none. When not set: `AZURE_STORAGE_ACCOUNT_NAME`.";
    AZURE_KEY: String = "firesteel.hadoop.fs.azure.account.key", "", text,
        "The key of the storage account. When not set: `AZURE_STORAGE_ACCOUNT_KEY` or other ways of Azure's. Never shown.";
    AZURE_TOKEN: String = "firesteel.hadoop.fs.azure.sas.fixed.token", "", text,
        "A shared access signature. Never shown.";
    AZURE_ENDPOINT: String = "firesteel.hadoop.fs.azure.endpoint", "", text,
        "The address of a store that speaks as Azure's does. When not set: `AZURE_STORAGE_ENDPOINT`, or Azure.";
    IGNORE_CORRUPT_FILES: bool = "firesteel.files.ignore_corrupt_files", "false", switch,
        "Whether the rest of a file behind a corrupt place is skipped, with a line on standard error, instead of failing the \
         job.";
    IGNORE_MISSING_FILES: bool = "firesteel.files.ignore_missing_files", "false", switch,
        "Whether a file that is gone when it is to be read is skipped, with a line on standard error, instead of failing the \
         job.";
    IGNORE_EMPTY_SPLITS: bool = "firesteel.files.ignore_empty_splits", "true", switch,
        "Whether files without a byte are left out; else each is a partition. Spark calls it `spark.hadoopRDD.ignoreEmptySplits`.";
    MAX_PARTITION_BYTES: u64 = "firesteel.files.max_partition_bytes", "128m", parse_bytes,
        "The most bytes with which a partition of `binary_files` is full: then the next file begins another one.";
    OPEN_COST: u64 = "firesteel.files.open_cost_in_bytes", "4m", parse_bytes,
        "The bytes that opening a file counts for, when `binary_files` shares files out to partitions.";
    HADOOP_DELIMITER: String = "firesteel.hadoop.textinputformat.record.delimiter", "", text,
        "The bytes that end a record of text, instead of the end of a line.";
    HADOOP_RECURSIVE: bool = "firesteel.hadoop.mapreduce.input.fileinputformat.input.dir.recursive", "false", switch,
        "Whether directories in directories of input are read, too. Else they are an error.";
    HADOOP_MIN_SPLIT: String = "firesteel.hadoop.mapreduce.input.fileinputformat.split.minsize", "", text,
        "The least number of bytes in a split of a file.";
    HADOOP_MAX_SPLIT: String = "firesteel.hadoop.mapreduce.input.fileinputformat.split.maxsize", "", text,
        "The greatest number of bytes in a split of a file.";
    HADOOP_COMPRESS: bool = "firesteel.hadoop.mapreduce.output.fileoutputformat.compress", "false", switch,
        "Whether text and SequenceFiles are compressed where the call that saves them names no codec.";
    HADOOP_COMPRESS_CODEC: String = "firesteel.hadoop.mapreduce.output.fileoutputformat.compress.codec", "", text,
        "The codec for that: a class of Hadoop's. When not set: deflate.";
    HADOOP_COMPRESS_TYPE: String = "firesteel.hadoop.mapreduce.output.fileoutputformat.compress.type", "", text,
        "The part of a SequenceFile that is compressed then: `RECORD` (each value; the default), `BLOCK` or `NONE`.";
    HADOOP_SEPARATOR: String = "firesteel.hadoop.mapreduce.output.textoutputformat.separator", "", text,
        "The text between key and value in lines that are saved in Hadoop's text format (from Python). When not set: a tab.";
    HADOOP_MARK_SUCCESS: bool = "firesteel.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs", "true", switch,
        "Whether `_SUCCESS` appears in an output directory that is complete.";
    HDFS_CONF_DIR: String = "firesteel.hadoop.conf.dir", "", text,
        "The directory of `core-site.xml`, `hdfs-site.xml` and `yarn-site.xml`. When not set: `HADOOP_CONF_DIR`, `YARN_CONF_DIR` (for YARN), or \
         that below `HADOOP_HOME`.";
    YARN_QUEUE: String = "firesteel.yarn.queue", "default", text,
        "The queue of YARN that the application is submitted to.";
    YARN_TAGS: String = "firesteel.yarn.tags", "", text,
        "Tags by which YARN's commands and pages find the application, with commas between.";
    YARN_PRIORITY: Option<u32> = "firesteel.yarn.priority", "", optional_count,
        "The application's priority within its queue. When not set: the queue's default.";
    YARN_APPLICATION_TYPE: String = "firesteel.yarn.application_type", "SPARK", text,
        "The type under which YARN lists the application; queues may have rules for it.";
    YARN_STAGING_DIR: String = "firesteel.yarn.staging_dir", "", text,
        "The directory below which the files for containers are put, in `USER/.firesteelStaging`. When not set: the user's home \
         directory in the cluster's file system.";
    YARN_PRESERVE_STAGING: bool = "firesteel.yarn.preserve.staging.files", "false", switch,
        "Whether the files for containers stay when the application ends. They contain its secret.";
    YARN_HEARTBEAT_MS: u64 = "firesteel.yarn.scheduler.heartbeat.interval-ms", "3s", parse_millis,
        "The interval of the heartbeats to YARN's scheduler; while containers are waited for, they are more frequent.";
    YARN_WAIT_MS: u64 = "firesteel.yarn.am.wait_time", "100s", parse_millis,
        "The time that YARN may take to accept the application.";
    YARN_WAIT_COMPLETION: bool = "firesteel.yarn.submit.wait_app_completion", "true", switch,
        "Whether `firesteel submit` in cluster mode waits for the program's end, and ends as it did.";
    YARN_NODE_LABELS: String = "firesteel.yarn.executor.node_label_expression", "", text,
        "The labels of the nodes on which executors may run. When not set: the queue's default.";
    YARN_MAX_ATTEMPTS: u32 = "firesteel.yarn.max_app_attempts", "1", count,
        "In cluster mode, how often YARN runs a program that fails, or is killed without a word. Not more often than the cluster allows \
         (`yarn.resourcemanager.am.max-attempts`).";
    YARN_ROLLED_LOGS: String = "firesteel.yarn.rolled_log.include_pattern", "", text,
        "A pattern (of Java) for the names of log files that nodes put into the cluster's file system while the application runs.";
    YARN_ROLLED_LOGS_NOT: String = "firesteel.yarn.rolled_log.exclude_pattern", "", text,
        "A pattern for those that they leave where they are, though they match the other.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_of_its_type() {
        for entry in ALL {
            assert_eq!((entry.check)(entry.default), Ok(()), "{}", entry.key);
            assert!(entry.key.starts_with("firesteel."));
        }
    }
}
