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

#[test]
fn pages_that_others_can_reach_ask_for_a_login_whose_link_is_in_a_file_of_the_user() {
    use std::os::unix::fs::PermissionsExt;

    let builder = Context::builder().master("local[1]").conf("firesteel.ui.host", "0.0.0.0");
    let sc = builder.conf("spark.ui.port", "0").create().unwrap();
    let url = sc.ui_web_url().unwrap();
    assert!(!url.contains("token"), "{url}");
    let file = sc.directory().join("login-link");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let link = std::fs::read_to_string(&file).unwrap();
    assert!(link.contains("token="), "{link}");
    // What is on this machine alone needs none.
    let sc = Context::builder().master("local[1]").conf("spark.ui.port", "0").create().unwrap();
    assert!(!sc.directory().join("login-link").exists());
}

/// Waits until `look` finds something.
fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let start = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < std::time::Duration::from_secs(60), "nothing came");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Asks a page of an application, on a connection of its own, and returns the answer as text.
fn ask(url: &str, path: &str) -> String {
    use std::io::{Read, Write};
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_threads_of_a_local_program_tell_what_they_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("go-on").to_str().unwrap().to_string();
    let sc = Context::builder().master("local[2]").conf("spark.ui.port", "0").create().unwrap();
    let (url, id) = (sc.ui_web_url().unwrap(), sc.application_id().to_string());
    let job = {
        let (sc, path) = (sc.clone(), path.clone());
        std::thread::spawn(move || {
            let waits = sc.parallelize(vec![path], 1).map(|path: String| {
                while !std::path::Path::new(&path).exists() {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                1_u64
            });
            waits.map(|x| x + 1).count().unwrap()
        })
    };
    let threads = format!("/api/v1/applications/{id}/executors/driver/threads");
    let told = wait_for(|| Some(ask(&url, &threads)).filter(|told| told.contains("map at ")));
    let page = wait_for(|| {
        Some(ask(&url, "/executors/threadDump/?executorId=driver")).filter(|page| page.contains("map at "))
    });
    std::fs::write(&path, "").unwrap();
    assert_eq!(job.join().unwrap(), 1);
    assert!(told.contains("firesteel-task-0 (process ") || told.contains("\"firesteel-task-0\""), "{told}");
    assert!(told.contains("firesteel-task-1"), "{told}");
    assert!(told.contains("sight.rs:") && told.contains("count at "), "{told}");
    assert!(told.contains("task 0 (partition 0 of stage 0), for "), "{told}");
    assert!(told.contains("firesteel-clock"), "threads without tasks are told, too: {told}");
    assert!(page.contains("waits in ") || page.contains("running"), "{page}");
    // A slot between tasks says so.
    wait_for(|| Some(ask(&url, &threads)).filter(|told| !told.contains("map at ")));
    assert!(ask(&url, "/api/v1/applications/x/executors/driver/threads").contains("404"));
}

/// A job whose task waits until a file is there, in a thread of its own.
fn waiting_job(sc: &Context, path: &str) -> std::thread::JoinHandle<u64> {
    let (sc, path) = (sc.clone(), path.to_owned());
    std::thread::spawn(move || {
        let waits = sc.parallelize(vec![path], 1).map(|path: String| {
            while !std::path::Path::new(&path).exists() {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            1_u64
        });
        waits.filter(|x| *x > 0).count().unwrap()
    })
}

#[test]
fn a_flame_graph_shows_where_tasks_stand_while_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("go-on").to_str().unwrap().to_string();
    let sc = Context::builder().master("local[2]").conf("spark.ui.port", "0").create().unwrap();
    let url = sc.ui_web_url().unwrap();
    let page = "/executors/flameGraph/?executorId=driver&seconds=1";
    let idle = wait_for(|| Some(ask(&url, page)).filter(|page| page.contains("rounds over")));
    assert!(idle.contains("No task ran."), "{idle}");
    let job = waiting_job(&sc, &path);
    let flame = wait_for(|| Some(ask(&url, page)).filter(|page| page.contains("map at ")));
    assert!(flame.contains("class=\"flame\"") && flame.contains("stage 0: count at "), "{flame}");
    let folded = ask(&url, &format!("{page}&stage=0&format=folded"));
    let (head, body) = folded.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("text/plain"), "{head}");
    assert!(body.contains(";map at ") && body.contains("stage 0: count at "), "{body}");
    for line in body.lines().filter(|line| line.contains("stage 0")) {
        let (_, samples) = line.rsplit_once(' ').unwrap();
        assert!((1..=30).contains(&samples.parse::<u64>().unwrap()), "{line}");
    }
    let other = ask(&url, "/executors/flameGraph/?stage=7&seconds=1&format=folded");
    assert!(other.ends_with("\r\n\r\n") || !other.contains("map at "), "of another stage: {other}");
    // One at a time: of two that ask together one is told so.
    let answers: Vec<String> = std::thread::scope(|scope| {
        let asked: Vec<_> = [1, 2]
            .map(|n| {
                let url = &url;
                scope.spawn(move || ask(url, &format!("{page}&n={n}")))
            })
            .into();
        asked.into_iter().map(|answer| answer.join().unwrap()).collect()
    });
    let refused = answers.iter().filter(|page| page.contains("for another visitor")).count();
    assert!(refused <= 1 && answers.iter().any(|page| page.contains("map at ")), "{refused}");
    std::fs::write(&path, "").unwrap();
    assert_eq!(job.join().unwrap(), 1);
    assert!(
        ask(&url, "/executors/flameGraph/?executorId=77&seconds=1").contains("while their application runs")
    );
}

/// A collector of spans: takes requests over HTTP, and keeps their bodies and headers.
struct SpanCollector {
    address: String,
    taken: Arc<Mutex<Vec<(String, serde_json::Value)>>>,
}

impl SpanCollector {
    /// Starts one that refuses so many requests first, as one that is busy does.
    fn start(mut busy: u32) -> Self {
        use std::io::{BufRead, BufReader, Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, taken) = (listener.local_addr().unwrap().to_string(), Arc::new(Mutex::new(vec![])));
        let to = taken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                loop {
                    let (mut head, mut length) = (String::new(), 0);
                    loop {
                        let mut line = String::new();
                        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                            break;
                        }
                        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                            length = value.trim().parse().unwrap();
                        }
                        head += &line;
                    }
                    if head.is_empty() {
                        break;
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).unwrap();
                    let status = if busy > 0 { "503 Busy" } else { "200 OK" };
                    if busy == 0 {
                        to.lock().push((head, serde_json::from_slice(&body).unwrap()));
                    }
                    busy = busy.saturating_sub(1);
                    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}").unwrap();
                }
            }
        });
        SpanCollector { address, taken }
    }

    /// Returns all spans, with the resource of the first.
    fn spans(&self) -> (serde_json::Value, Vec<serde_json::Value>) {
        let taken = self.taken.lock();
        let all = taken.iter().flat_map(|(_, body)| {
            let spans = &body["resourceSpans"][0]["scopeSpans"][0]["spans"];
            spans.as_array().unwrap().clone()
        });
        (taken[0].1["resourceSpans"][0]["resource"].clone(), all.collect())
    }
}

#[test]
fn spans_of_a_program_reach_their_collector_as_a_tree() {
    let collector = SpanCollector::start(1);
    let endpoint = format!("http://{}", collector.address);
    let settings = [
        ("firesteel.otel.endpoint", endpoint.as_str()),
        ("firesteel.otel.tasks.max", "3"),
        ("spark.app.name", "spans <of> a program"),
    ];
    told("local[2]", &settings, |sc| {
        let pairs = sc.range_in(0..100, 5).map(|x| (x % 7, x)).reduce_by_key_into(2, |a, b| a + b);
        assert_eq!(pairs.count().unwrap(), 7);
        assert!(sc.range(0..4).map(|x| assert!(x < 3, "too large: {x}")).count().is_err());
    });
    assert!(
        collector.taken.lock()[0].0.starts_with("POST /v1/traces HTTP/1.1"),
        "the base is an address of its own"
    );
    let (resource, spans) = collector.spans();
    assert!(resource.to_string().contains("spans <of> a program"), "{resource}");
    let name = |span: &serde_json::Value| span["name"].as_str().unwrap().to_owned();
    let time = |span: &serde_json::Value, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
    let parent_of = |span: &serde_json::Value| {
        let parent = span.get("parentSpanId")?;
        Some(spans.iter().find(|other| other["spanId"] == *parent).expect("each parent has a span"))
    };
    let roots: Vec<_> = spans.iter().filter(|span| span.get("parentSpanId").is_none()).map(name).collect();
    assert_eq!(roots, ["spans <of> a program"]);
    for span in &spans {
        assert_eq!(span["traceId"], spans[0]["traceId"]);
        assert_eq!(
            (span["spanId"].as_str().unwrap().len(), span["traceId"].as_str().unwrap().len()),
            (16, 32)
        );
        let Some(parent) = parent_of(span) else { continue };
        let (begin, end) = ("startTimeUnixNano", "endTimeUnixNano");
        assert!(
            time(parent, begin) <= time(span, begin) && time(span, end) <= time(parent, end),
            "{span} in {parent}"
        );
        let kind = |span| name(span).split(' ').next().unwrap().to_owned();
        assert!(
            matches!(
                (kind(parent).as_str(), kind(span).as_str()),
                ("spans", "job") | ("job", "stage") | ("stage", "task")
            ),
            "{span} in {parent}"
        );
    }
    let named = |prefix: &str| spans.iter().filter(|span| name(span).starts_with(prefix)).collect::<Vec<_>>();
    assert_eq!((named("job 0: count at ").len(), named("job 1: count at ").len()), (1, 1));
    assert_eq!(named("stage 0: ").len() + named("stage 1: ").len(), 2);
    let of_first: Vec<_> = spans.iter().filter(|span| name(span).ends_with(" of stage 0")).collect();
    assert_eq!(of_first.len(), 3, "of five tasks the three that took longest");
    let left_out = |span: &serde_json::Value| span["attributes"].to_string().contains("tasks.left_out");
    assert!(left_out(named("stage 0: ")[0]));
    let [failed] = named("job 1: ")[..] else { panic!() };
    assert_eq!(failed["status"]["code"], 2);
    assert!(failed["status"]["message"].as_str().unwrap().contains("too large: 3"), "{failed}");
    assert!(failed["attributes"].to_string().contains("sight.rs"), "{failed}");
    assert_eq!(named("job 0: ")[0]["status"]["code"], 1);
    assert!(
        of_first[0]["attributes"].to_string().contains("firesteel.task.shuffle_write_records"),
        "{}",
        of_first[0]
    );
}

#[test]
fn a_collector_that_is_not_there_slows_no_program_and_fails_none() {
    // Nobody listens at a port that was just given back.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let start = std::time::Instant::now();
    let told = told("local[2]", &[("firesteel.otel.endpoint", &format!("http://{free}/v1/traces"))], |sc| {
        for _ in 0..5 {
            assert_eq!(sc.range(0..10).count().unwrap(), 10);
        }
    });
    assert!(told.iter().any(|event| matches!(event, ListenerEvent::ApplicationEnd(_))));
    assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
    let refused =
        Context::builder().master("local[1]").conf("firesteel.otel.endpoint", "localhost:4318").create();
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("http://localhost:4318"), "{error}");
}
