//! What an application tells of itself: events in order, figures of tasks, the event log.

use firesteel::events::{ListenerEvent, TaskEnd, TaskMetrics};
use firesteel::{Context, StorageLevel};
use parking_lot::Mutex;
use std::sync::Arc;

/// Runs a program and returns all that listeners were told.
fn told(master: &str, settings: &[(&str, &str)], program: impl FnOnce(&Context)) -> Vec<ListenerEvent> {
    let told = Arc::new(Mutex::new(vec![]));
    let to = told.clone();
    let builder = Context::builder()
        .master(master)
        .listener(move |event: &ListenerEvent| to.lock().push(event.clone()));
    let builder = settings.iter().fold(builder, |builder, (key, value)| builder.conf(key, value));
    let sc = builder.create().unwrap();
    program(&sc);
    sc.stop();
    std::mem::take(&mut *told.lock())
}

/// Returns the figures of the tasks of each stage that succeeded, by stage.
fn figures(told: &[ListenerEvent]) -> Vec<(i64, Box<TaskMetrics>)> {
    let ends = told.iter().filter_map(|event| match event {
        ListenerEvent::TaskEnd(TaskEnd { stage_id, reason, metrics, .. }) if reason.reason == "Success" => {
            Some((*stage_id, metrics.clone().expect("a task that succeeds has figures")))
        }
        _ => None,
    });
    ends.collect()
}

fn sum(figures: &[(i64, Box<TaskMetrics>)], stage: i64, figure: impl Fn(&TaskMetrics) -> i64) -> i64 {
    figures.iter().filter(|(of, _)| *of == stage).map(|(_, metrics)| figure(metrics)).sum()
}

#[test]
fn tasks_measure_the_records_and_bytes_of_files_and_shuffles() {
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (dir.path().join("in.txt"), dir.path().join("out"));
    std::fs::write(&input, "a b\nb c\n".repeat(1_000)).unwrap();
    let [read, written] = [&input, &output].map(|path| path.to_str().unwrap().to_string());
    let told = told("local[2]", &[], |sc| {
        let words = sc
            .text_file(&read, 3)
            .unwrap()
            .flat_map(|line| line.split(' ').map(String::from).collect::<Vec<_>>());
        let counts = words.map(|word| (word, 1_u64)).reduce_by_key(|a, b| a + b);
        counts.map(|(word, count)| format!("{word} {count}")).save_as_text_file(&written).unwrap();
    });
    let figures = figures(&told);
    // Each task reads the file's own splits, and a line that ends behind its split.
    assert_eq!(sum(&figures, 0, |task| task.input.records_read), 2_000);
    assert!(sum(&figures, 0, |task| task.input.bytes_read) >= 8_000);
    let sent = sum(&figures, 0, |task| task.shuffle_write.records_written);
    assert!((3..=9).contains(&sent), "each map task sends each word once: {sent}");
    assert_eq!(sum(&figures, 1, |task| task.shuffle_read.total_records_read), sent);
    let bytes = sum(&figures, 0, |task| task.shuffle_write.bytes_written);
    assert_eq!(sum(&figures, 1, |task| task.shuffle_read.local_bytes_read), bytes);
    assert_eq!(sum(&figures, 1, |task| task.output.records_written), 3);
    let on_disk: u64 = std::fs::read_dir(&output)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("part-"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    assert_eq!(sum(&figures, 1, |task| task.output.bytes_written), on_disk as i64);
}

#[test]
fn spills_and_the_memory_of_tasks_are_measured() {
    let program = |sc: &Context| {
        let pairs = sc.range(0..60_000).map(|x| (x % 30_000, format!("{x:>60}")));
        assert_eq!(pairs.group_by_key().count().unwrap(), 30_000);
    };
    let small = figures(&told("local[2]", &[("firesteel.memory", "64k")], program));
    let large = figures(&told("local[2]", &[("firesteel.memory", "1g")], program));
    let spilled = |figures: &[(i64, Box<TaskMetrics>)]| -> (i64, i64) {
        let of = |figure: fn(&TaskMetrics) -> i64| sum(figures, 0, figure) + sum(figures, 1, figure);
        (of(|task| task.memory_bytes_spilled), of(|task| task.disk_bytes_spilled))
    };
    assert!(spilled(&small).0 > 0 && spilled(&small).1 > 0, "{:?}", spilled(&small));
    assert_eq!(spilled(&large), (0, 0));
    assert!(large.iter().any(|(_, task)| task.peak_execution_memory > 0));
}

#[test]
fn persisted_partitions_that_are_computed_and_cached_are_told() {
    let told = told("local[2]", &[], |sc| {
        let numbers = sc.range(0..1_000).map(|x| x * 2).set_name("doubles");
        let numbers = numbers.persist(StorageLevel::MEMORY_ONLY);
        numbers.count().unwrap();
        numbers.count().unwrap();
        numbers.unpersist(true);
    });
    let computed = |(_, task): &(i64, Box<TaskMetrics>)| task.own.as_ref().unwrap().computed_persisted;
    let figures = figures(&told);
    assert_eq!(figures.iter().map(computed).sum::<i64>(), 2, "each partition is computed once");
    assert!(sum(&figures, 1, |task| task.input.bytes_read) > 0, "cached partitions count as input");
    let blocks: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            ListenerEvent::BlockUpdated(event) if event.info.memory_size > 0 => {
                Some(event.info.block_id.clone())
            }
            _ => None,
        })
        .collect();
    assert_eq!(blocks.len(), 2, "{blocks:?}");
    let names = |event: &ListenerEvent| match event {
        ListenerEvent::StageSubmitted(event) => {
            event.stage_info.rdd_info.iter().any(|rdd| rdd.name == "doubles")
        }
        _ => false,
    };
    assert!(told.iter().any(names), "the RDD has its name");
    assert!(told.iter().any(|event| matches!(event, ListenerEvent::UnpersistRdd(_))));
}

#[test]
fn listeners_are_told_in_order_and_of_the_end() {
    let told = told("local[2]", &[], |sc| {
        sc.set_job_group("mine");
        assert_eq!(sc.range(0..10).map(|x| (x % 3, x)).group_by_key().count().unwrap(), 3);
        let failed = sc.range(0..4).map(|x| assert!(x < 3)).count();
        assert!(failed.is_err());
    });
    let names: Vec<&str> =
        told.iter().map(ListenerEvent::name).map(|name| &name["SparkListener".len()..]).collect();
    assert_eq!(names[..3], ["LogStart", "EnvironmentUpdate", "ApplicationStart"]);
    assert_eq!(names.last(), Some(&"ApplicationEnd"));
    let at = |name: &str| names.iter().position(|told| *told == name).unwrap();
    assert!(at("JobStart") < at("StageSubmitted") && at("StageSubmitted") < at("TaskStart"));
    assert!(at("TaskEnd") < at("StageCompleted") && at("StageCompleted") < at("JobEnd"));
    let starts = told.iter().filter(|event| matches!(event, ListenerEvent::TaskStart(_))).count();
    let ends = told.iter().filter(|event| matches!(event, ListenerEvent::TaskEnd(_))).count();
    assert_eq!(starts, ends, "each attempt that starts ends");
    let failure = told.iter().find_map(|event| match event {
        ListenerEvent::JobEnd(event) => event.job_result.exception.clone(),
        _ => None,
    });
    let message = failure.expect("the second job failed").message;
    assert!(message.contains("assertion failed") && message.contains("sight.rs"), "{message}");
    let group = told.iter().find_map(|event| match event {
        ListenerEvent::JobStart(event) => event.properties.get("spark.jobGroup.id").cloned(),
        _ => None,
    });
    assert_eq!(group.as_deref(), Some("mine"));
}

#[test]
fn the_event_log_has_what_listeners_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let settings = [
        ("spark.eventLog.enabled", "true"),
        ("spark.eventLog.dir", dir.path().to_str().unwrap()),
        ("spark.eventLog.rolling.enabled", "false"),
        ("spark.eventLog.compress", "false"),
        ("spark.eventLog.logBlockUpdates.enabled", "true"),
        ("spark.hadoop.fs.s3a.secret.key", "hunter2"),
    ];
    let told = told("local[2]", &settings, |sc| {
        assert_eq!(sc.range(0..100).map(|x| x + 1).count().unwrap(), 100);
    });
    let files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [log] = &files[..] else { panic!("{files:?}") };
    assert!(!log.to_str().unwrap().ends_with(".inprogress"));
    let text = std::fs::read_to_string(log).unwrap();
    assert!(!text.contains("hunter2"), "a secret stands in the log");
    let logged: Vec<ListenerEvent> = text
        .lines()
        .map(|line| ListenerEvent::parse(line).unwrap().expect("our own events are known"))
        .collect();
    assert_eq!(logged.len(), told.len());
    assert!(logged[1..] == told[1..], "the log tells something else than listeners are told");
}

#[test]
fn an_event_log_that_cannot_be_begun_is_refused_with_the_directory() {
    let builder = Context::builder().master("local[1]").conf("spark.eventLog.enabled", "true");
    let error = builder.conf("spark.eventLog.dir", "/no/such/directory").create().err().unwrap();
    assert!(error.to_string().contains("/no/such/directory"), "{error}");
}

#[test]
fn listeners_of_settings_are_found_by_name_and_unknown_ones_refused() {
    let heard = Arc::new(Mutex::new(0));
    let count = heard.clone();
    firesteel::register_listener("sight-counter", move || {
        let count = count.clone();
        move |event: &ListenerEvent| *count.lock() += u32::from(matches!(event, ListenerEvent::JobEnd(_)))
    });
    let builder = Context::builder().master("local[1]").conf("spark.extraListeners", " sight-counter ");
    let sc = builder.create().unwrap();
    sc.range(0..3).count().unwrap();
    sc.stop();
    assert_eq!(*heard.lock(), 1);
    let refused =
        Context::builder().master("local[1]").conf("spark.extraListeners", "org.example.Mine").create();
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("org.example.Mine") && error.contains("register_listener"), "{error}");
}
