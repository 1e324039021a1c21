//! Spark's settings of data: shuffles, memory, disks, files, checkpoints.

use super::rule::{Rule, harmless, in_python, in_python_only, obeyed, refused};

pub(super) static RULES: &[Rule] = &[
    obeyed(
        &[
            "spark.rdd.compress",
            "spark.storage.replication.proactive",
            "spark.shuffle.service.enabled",
            "spark.shuffle.storage",
            "spark.shuffle.storage.write",
            "spark.shuffle.storage.objectSize",
            "spark.shuffle.io.maxRetries",
            "spark.shuffle.io.retryWait",
        ],
        "see the table above",
    ),
    harmless(
        &[
            "spark.shuffle.*",
            "spark.reducer.*",
            "spark.maxRemoteBlockSizeFetchToMem",
            "spark.file.transferTo",
            "spark.diskStore.subDirectories",
            "spark.unsafe.*",
            "spark.block.failures.beforeLocationRefresh",
        ],
        "they tune Spark's shuffle; here outputs are always checked by checksums, and sizes follow from the memory there is",
    ),
    harmless(
        &["spark.io.compression.*", "spark.io.mode.*", "spark.io.warning.*", "spark.broadcast.*"],
        "the data that tasks exchange is read by Firesteel alone, and is the same records however it is compressed",
    ),
    harmless(
        &[
            "spark.memory.*",
            "spark.storage.*",
            "spark.driver.memory*",
            "spark.driver.minMemoryOverhead",
            "spark.executor.minMemoryOverhead",
            "spark.driver.cores",
        ],
        "the memory for records is `firesteel.memory`; what does not fit is spilled or computed again, and the answer is the same",
    ),
    harmless(
        &["spark.rdd.*"],
        "they tune how Spark lists files, scans partitions for `take`, and remembers places",
    ),
    // Files.
    obeyed_by_readers(),
    obeyed(
        &[
            "spark.hadoopRDD.ignoreEmptySplits",
            "spark.files.ignoreCorruptFiles",
            "spark.files.ignoreMissingFiles",
            "spark.files.maxPartitionBytes",
            "spark.files.openCostInBytes",
        ],
        "see the table above",
    ),
    in_python(
        &[
            "spark.sql.session.timeZone",
            "spark.sql.files.maxPartitionBytes",
            "spark.sql.files.openCostInBytes",
            "spark.sql.files.minPartitionNum",
            "spark.sql.files.maxRecordsPerFile",
            "spark.sql.files.ignoreCorruptFiles",
            "spark.sql.files.ignoreMissingFiles",
            "spark.sql.sources.default",
            "spark.sql.sources.partitionColumnTypeInference.enabled",
            "spark.sql.sources.partitionOverwriteMode",
            "spark.sql.parquet.compression.codec",
            "spark.sql.parquet.mergeSchema",
            "spark.sql.parquet.binaryAsString",
            "spark.sql.jsonGenerator.ignoreNullFields",
        ],
        "tables are read and written by them, also where a session sets them (docs/python.md)",
    ),
    harmless(
        &["spark.hadoop.cloneConf"],
        "each task has settings of its own, so none can see another's change",
    ),
    harmless(
        &[
            "spark.hadoop.outputCommitCoordination.enabled",
            "spark.hadoop.fs.s3a.committer.*",
            "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version",
            "spark.hadoop.mapreduce.outputcommitter.*",
        ],
        "one attempt at a partition commits, always, and each commit is one rename or one upload that is completed",
    ),
    refused(
        &["spark.files.overwrite"],
        &["false"],
        "a file that tasks may be reading is never replaced; add the other one under another name",
    ),
    harmless(
        &[
            "spark.files.fetchTimeout",
            "spark.files.useFetchCache",
            "spark.files.io.threads",
            "spark.files.fetchFailure.*",
            "spark.files.userClassPathFirst",
        ],
        "they tune how files come to executors",
    ),
    // Checkpoints, and the removal of what is not needed any more.
    obeyed(
        &["spark.driver.recovery.dir"],
        "the directory of the journal from which a driver that restarts takes its application up again; Spark has no such setting",
    ),
    obeyed(&["spark.checkpoint.dir"], "the directory of checkpoints until the program sets another"),
    obeyed(
        &["spark.cleaner.referenceTracking.cleanCheckpoints"],
        "it is `firesteel.cleaner.checkpoints`, whose default is `true`",
    ),
    harmless(
        &["spark.checkpoint.*"],
        "checkpoints are files of Firesteel's own, with checksums, and each RDD that is marked gets one",
    ),
    harmless(
        &["spark.cleaner.*"],
        "files that no RDD needs any more are always removed, and there is no garbage collector to call",
    ),
];

/// Returns the rule of the keys that readers and writers of files look up themselves.
const fn obeyed_by_readers() -> Rule {
    in_python_only(
        &["spark.hadoop.*", "spark.hadoop.validateOutputSpecs"],
        "a Rust program has those of Hadoop's settings that are in the table above",
        "readers and writers heed it (docs/storage.md)",
    )
}
