//! The settings themselves.

use crate::setting::{Entry, Setting};
use crate::value::{
    compression, count, fraction, log_codec, log_file_size, millis_or_infinity, optional_bytes,
    optional_count, optional_millis, parse_bytes, parse_millis, switch, text, whole_number,
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
         `firesteel://host:7077` (a cluster; `spark://` means the same), `listen://host:port` (executors that connect by \
         themselves).";
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
    NETWORK_TIMEOUT_MS: u64 = "firesteel.network.timeout", "120s", parse_millis,
        "The time without a heartbeat after which an executor is lost.";
    HEARTBEAT_INTERVAL_MS: u64 = "firesteel.executor.heartbeat_interval", "10s", parse_millis,
        "The interval between the heartbeats of executors in other processes.";
    NO_EXECUTORS_TIMEOUT_MS: u64 = "firesteel.scheduler.no_executors_timeout", "120s", parse_millis,
        "The time that a job waits while there is no executor at all. Then it fails, and says so.";
    CORES_MAX: Option<u32> = "firesteel.cores.max", "", optional_count,
        "The most cores of a cluster that the application takes. When not set: all that are free.";
    EXECUTOR_CORES: Option<u32> = "firesteel.executor.cores", "", optional_count,
        "The number of tasks that an executor of a cluster runs at a time. When not set: as many as its worker has cores.";
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
    EXECUTOR_INSTANCES: Option<u32> = "firesteel.executor.instances", "", optional_count,
        "The most executors of a cluster that the application wants, or the number at the start with dynamic allocation.";
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
    SHUFFLE_SERVICE: bool = "firesteel.shuffle.service.enabled", "true", switch,
        "Whether the files of executors are served by a process that outlives them (the worker, or the driver of a local \
         cluster), so that an executor's outputs are not lost with it.";
    SHUFFLE_RETRIES: u32 = "firesteel.shuffle.io.max_retries", "3", whole_number,
        "The number of times that a host that cannot be reached is asked again for a map output, before the output counts as \
         lost.";
    SHUFFLE_RETRY_WAIT_MS: u64 = "firesteel.shuffle.io.retry_wait", "5s", parse_millis,
        "The pause before a host is asked again for a map output.";
    DRIVER_HOST: String = "firesteel.driver.host", "", text,
        "The name or address by which executors reach the driver. When not set: the address from which it reaches the cluster.";
    DRIVER_BIND_ADDRESS: String = "firesteel.driver.bind_address", "", text,
        "The address at which the driver listens for executors. When not set: that of `firesteel.driver.host`.";
    DRIVER_PORT: u32 = "firesteel.driver.port", "0", whole_number,
        "The port at which the driver listens for executors; 0 for any that is free.";
    SECRET_FILE: String = "firesteel.authenticate.secret.file", "", text,
        "A file with the secret by which the processes of the application, or the daemons of a cluster, authenticate each \
         other; readable by its owner alone. When not set, an application makes its own.";
    NETWORK_INSECURE: bool = "firesteel.network.insecure", "false", switch,
        "Whether connections are neither encrypted nor authenticated. Anyone who reaches a port can then run code. For \
         isolated networks, and for measuring.";
    IO_ENCRYPTION: bool = "firesteel.io.encryption.enabled", "false", switch,
        "Whether the files of tasks in local directories are encrypted: spilled records, map outputs, cached partitions, \
         broadcast values, large results. The key is derived from the application's secret. Not for Python programs.";
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
        "The directory of `core-site.xml` and `hdfs-site.xml`. When not set: `HADOOP_CONF_DIR`, or that below `HADOOP_HOME`.";
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
