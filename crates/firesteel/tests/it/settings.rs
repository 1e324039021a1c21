//! Settings that change what a program does: obeyed, or refused before anything runs.

use crate::processes::two_processes;
use firesteel::{Builder, Context, Error, JobFailure};

fn error_of(builder: Builder) -> String {
    match builder.create() {
        Ok(_) => panic!("it is let in"),
        Err(error) => error.to_string(),
    }
}

fn local(master: &str) -> Builder {
    Context::builder().master(master)
}

/// How many barrier tasks can run at the same time: so many meet, and one more are refused.
fn slots_are(sc: &Context, slots: u32) {
    let meet = |tasks: u32| {
        sc.range_in(0..8, tasks as usize).barrier().map_partitions(|task, records| {
            task.barrier();
            [records.count()]
        })
    };
    assert_eq!(meet(slots).collect().unwrap().iter().sum::<usize>(), 8);
    assert!(matches!(
        meet(slots + 1).collect().unwrap_err(),
        Error::Job { failure: JobFailure::TooFewSlots { slots: there, .. }, .. } if there == slots
    ));
    assert_eq!(sc.slots(), slots);
}

#[test]
fn tasks_that_take_two_cores_run_two_at_a_time() {
    let sc = local("local[4]").conf("spark.task.cpus", "2").create().unwrap();
    assert_eq!(sc.default_parallelism(), 4, "that is the number of cores, as in Spark");
    slots_are(&sc, 2);
    let sc = two_processes(4).conf("firesteel.task.cpus", "2").create().unwrap();
    assert_eq!(sc.default_parallelism(), 4);
    slots_are(&sc, 2);
}

#[test]
fn a_task_that_no_executor_can_run_is_refused_at_the_start() {
    for builder in [local("local"), local("local[1]"), two_processes(2)] {
        let error = error_of(builder.conf("spark.task.cpus", "2"));
        assert!(error.contains("(=1) has to be >= the number of cpus per task = 2"), "{error}");
    }
    for key in ["spark.executor.cores", "spark.cores.max"] {
        let builder = local("firesteel://127.0.0.1:1").conf("firesteel.network.insecure", "true");
        let error = error_of(builder.conf("spark.task.cpus", "2").conf(key, "1"));
        assert!(error.contains("cpus per task = 2"), "{error}");
    }
}

#[test]
fn what_must_not_be_ignored_is_refused() {
    for (key, value) in [
        ("spark.acls.enable", "true"),
        ("spark.executor.resource.gpu.amount", "1"),
        ("spark.files", "a.txt"),
        ("spark.executorEnv.LANG", "C"),
    ] {
        let error = error_of(local("local").conf(key, value));
        assert!(error.contains(key), "{error}");
    }
    let insecure =
        local("local").conf("firesteel.network.insecure", "true").conf("spark.authenticate", "true");
    assert!(error_of(insecure).contains("the contrary"));
}

#[test]
fn what_tunes_spark_is_let_in() {
    let builder = local("local").conf("spark.sql.shuffle.partitions", "8").conf("spark.mine", "1");
    let sc = builder.conf("spark.serializer", "org.apache.spark.serializer.KryoSerializer").create().unwrap();
    assert_eq!(sc.parallelize([1_i64, 2], 2).count().unwrap(), 2);
    assert!(sc.conf().iter().any(|pair| pair == ("spark.mine", "1")));
    let sc = two_processes(2).conf("spark.mine", "1").create().unwrap();
    assert_eq!(sc.parallelize([1_i64, 2], 2).count().unwrap(), 2, "executors are told it, too");
}

/// Counts in a context of its own.
fn nested(allowed: &str) -> Result<u64, String> {
    let builder = Context::builder().master("local").conf("spark.executor.allowSparkContext", allowed);
    let counted = builder.create().and_then(|inner| inner.parallelize([1_i64, 2], 2).count());
    counted.map_err(|error| error.to_string())
}

#[test]
fn a_context_in_a_task_is_refused_unless_it_is_allowed() {
    let sc = local("local[2]").create().unwrap();
    let ask = |allowed: &str| {
        let asked = sc.parallelize(&[allowed.to_string()], 1).map(|allowed: String| match nested(&allowed) {
            Ok(count) => format!("counted {count}"),
            Err(error) => error,
        });
        asked.collect().unwrap().remove(0)
    };
    assert!(ask("false").contains("only be created and accessed on the driver"));
    assert_eq!(ask("true"), "counted 2");
    assert_eq!(nested("false"), Ok(2), "outside of tasks");
}

#[test]
fn checkpoints_are_where_the_setting_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let sc = local("local").conf("spark.checkpoint.dir", path).create().unwrap();
    assert!(sc.checkpoint_dir().unwrap().starts_with(path));
}
