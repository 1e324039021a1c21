//! Spark's settings of applications: their names, their files, and the Python that runs them.

use super::rule::{Rule, harmless, in_python, in_python_only, obeyed, refused, warned};

const SHIP: &str = "a Rust program carries its files in itself; read others by a path that every host has";

pub(super) static RULES: &[Rule] = &[
    obeyed(
        &[
            "spark.master",
            "spark.app.name",
            "spark.local.dir",
            "spark.log.level",
            "spark.log.structuredLogging.enabled",
        ],
        "see the table above",
    ),
    obeyed(&["spark.driver.maxResultSize"], "see the table above"),
    in_python(&["spark.home"], "it is kept for programs that read it"),
    harmless(
        &[
            "spark.app.*",
            "spark.executor.id",
            "spark.driver.appUIAddress",
            "spark.logConf",
            "spark.logLineage",
            "spark.log.*",
            "spark.logging.*",
            "spark.callstack.depth",
        ],
        "the context gives the ids itself, and what is logged changes no answer",
    ),
    in_python_only(
        &["spark.submit.pyFiles"],
        "it names Python files, and this is no Python program",
        "tasks import from them",
    ),
    in_python_only(&["spark.files", "spark.archives"], SHIP, "tasks find them by SparkFiles"),
    in_python_only(
        &["spark.executorEnv.*"],
        "tasks of a Rust program see the environment of the program, or of the worker that starts its executors: set the variable there",
        "the environment of the workers",
    ),
    refused(
        &["spark.submit.deployMode"],
        &["client"],
        "a program that runs already cannot move to a cluster; start it with `firesteel submit --deploy-mode cluster`",
    ),
    refused(
        &["spark.remote"],
        &[],
        "there is no Spark Connect, so the program would run elsewhere than it says; take it out, and say where tasks run by `spark.master`",
    ),
    refused(&["spark.api.mode"], &["classic"], "there is no Spark Connect; take it out"),
    harmless(
        &["spark.submit.*", "spark.launcher.*", "spark.shutdown.timeout", "spark.connect.*"],
        "they are of Spark's launcher",
    ),
    // Python.
    in_python(
        &["spark.pyspark.python"],
        "the Python that workers run; stronger than the variable `PYSPARK_PYTHON`",
    ),
    warned(
        &["spark.pyspark.driver.python"],
        &[],
        "the program runs in the Python that runs `firesteel`; start it with another one's",
    ),
    obeyed(
        &["spark.executor.pyspark.memory"],
        "the address space of each Python worker: so much, divided by `spark.executor.cores` where that is set, as in Spark; nothing in Rust programs",
    ),
    obeyed(&["spark.executor.allowSparkContext"], "whether tasks may make contexts of their own"),
    in_python(&["spark.python.profile", "spark.python.profile.dump"], "how functions are measured"),
    refused(
        &["spark.python.worker.reuse"],
        &["true"],
        "a worker runs one task after the other, and what a task leaves in modules is seen by the next; a function that needs a fresh state \
         should make that state itself",
    ),
    refused(
        &["spark.python.daemon.module", "spark.python.worker.module"],
        &["pyspark.daemon", "pyspark.worker"],
        "workers are started by Firesteel's own server, so the module would not run; import what it sets up in the functions, or in a file of \
         `spark.submit.pyFiles`",
    ),
    refused(
        &["spark.python.worker.killOnIdleTimeout"],
        &["false"],
        "workers that are slow are left alone; take it out, and bound what functions wait for",
    ),
    harmless(
        &["spark.python.*"],
        "they tune how Spark's JVM speaks with its Python processes, when these spill, and what is printed of those that hang",
    ),
    // Java.
    warned(
        &["spark.jars", "spark.jars.packages", "spark.plugins", "spark.executor.plugins"],
        &[],
        "there is no JVM that could load it; paths of S3, Google, Azure and HDFS need no jars here",
    ),
    obeyed(&["spark.extraListeners"], "see the table above"),
    harmless(
        &[
            "spark.jars.*",
            "spark.plugins.*",
            "spark.*.extraJavaOptions",
            "spark.*.defaultJavaOptions",
            "spark.*.extraClassPath",
            "spark.*.defaultExtraClassPath",
            "spark.*.extraLibraryPath",
            "spark.*.libraryPath",
            "spark.*.userClassPathFirst",
            "spark.*.limitActiveProcessorCount.enabled",
            "spark.repl.*",
            "spark.cloneBasedClosureCleaner.enabled",
        ],
        "there is no JVM; a worker's native libraries are found by `spark.executorEnv.LD_LIBRARY_PATH`",
    ),
    harmless(
        &[
            "spark.serializer",
            "spark.serializer.*",
            "spark.closure.serializer",
            "spark.kryo.*",
            "spark.kryoserializer.*",
            "spark.buffer.*",
        ],
        "there are no Java objects to serialize",
    ),
];
