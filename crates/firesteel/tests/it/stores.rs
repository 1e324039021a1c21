//! Programs whose files are in a store: one body for all stores. Without a word it runs against the store in memory;
//! `cargo xtask interop` runs it against real servers, which it names in the environment:
//!
//! - `FIRESTEEL_STORE`: where to write, such as `s3a://bucket`.
//! - `FIRESTEEL_STORE_MISSING`: a path in a bucket that does not exist, if the store has buckets.
//! - `FIRESTEEL_STORE_UPLOADS`: the address that lists pending uploads, for stores that tell.
//! - `FIRESTEEL_STORE_READS`: the same files by another way, such as `http://host/bucket`, to be read only.
//! - `FIRESTEEL_STORE_COPY`: where to send them first, so that they are there; their encoded names are put at its end.
//! - `FIRESTEEL_STORE_STRANGER`: set when the credentials are wrong.

use firesteel::{Codec, Context, Result};
use firesteel_conf::Conf;
use firesteel_eventlog::{EventLogReader, EventLogSettings, EventLogWriter, LogDirectory, LoggedApplication};
use firesteel_events::{ApplicationEnd, ApplicationStart, ListenerEvent, UnpersistRdd};
use firesteel_io::path::is_remote;
use firesteel_io::{IoCause, Output, OutputCommitter, Stores, list_inputs, read_raw, remove_directory};
use firesteel_types::{Partition, TaskId};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("FIRESTEEL_STORE{name}")).ok().filter(|value| !value.is_empty())
}

/// A directory of this run's and this test's own.
fn directory(name: &str) -> String {
    let store = variable("").unwrap_or_else(|| "memory://interop".into());
    let since = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    format!("{store}/{name}-{since:x}-{}", std::process::id())
}

/// Tests that need a store which lets them in.
fn is_stranger() -> bool {
    variable("_STRANGER").is_some()
}

fn context() -> Context {
    Context::builder()
        .master("local[4]")
        .conf("firesteel.ui.show_console_progress", "false")
        .create()
        .unwrap()
}

fn lines(count: i64) -> Vec<String> {
    (0..count)
        .map(|number| format!("line {number} {}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64)))
        .collect()
}

/// One request to a server on loopback, without credentials; gives the answer, with its head.
fn request(method: &str, address: &str, body: &[u8]) -> String {
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut connection = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(connection, "{method} /{path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n")
        .unwrap();
    connection.write_all(body).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

/// How many uploads to a directory are pending, in stores that tell.
fn pending_uploads(dir: &str) -> usize {
    let Some(address) = variable("_UPLOADS") else { return 0 };
    let answer = request("GET", &address, b"");
    assert!(answer.contains("ListMultipartUploadsResult"), "{answer}");
    let name = dir.rsplit('/').next().unwrap();
    // Other tests have uploads of their own meanwhile.
    answer.split("<Upload>").filter(|upload| upload.contains(&format!("<Key>{name}/"))).count()
}

/// The names of the same files by the other way, if there is one.
fn by_the_other_way(names: &[String]) -> Option<Vec<String>> {
    let reads = variable("_READS")?;
    let store = directory("").rsplit_once('/').unwrap().0.to_string();
    if let Some(copy) = variable("_COPY") {
        for name in names {
            let key = name.strip_prefix(&format!("{store}/")).unwrap().replace('/', "%2F");
            let answer =
                request("POST", &format!("{copy}{key}"), &read_raw(&Stores::default(), name).unwrap());
            assert!(answer.lines().next().unwrap().contains(" 200 "), "{answer}");
        }
    }
    Some(names.iter().map(|name| name.replacen(&store, &reads, 1)).collect())
}

/// Whether the places of this path can say which files they have.
fn can_list(path: &str) -> bool {
    !path.starts_with("http")
}

#[test]
fn what_is_saved_is_listed_matched_and_read_back() -> Result<()> {
    if is_stranger() {
        return Ok(());
    }
    let (sc, dir, all) = (context(), directory("saved"), lines(50_000));
    let rdd = sc.parallelize(all.clone(), 4);
    rdd.save_as_text_file(&format!("{dir}/plain"))?;
    rdd.save_as_text_file_compressed(&format!("{dir}/gz"), Codec::Gzip)?;
    for (path, partitions) in [("plain", 4), ("gz", 4), ("gz/part-*.gz", 4), ("plain/part-0000{0,1,2,3}", 4)]
    {
        let read = sc.text_file(&format!("{dir}/{path}"), 4)?;
        assert!(read.num_partitions() >= partitions, "{path}");
        assert!(read.collect()? == all, "{path}");
    }
    assert!(sc.text_file(&format!("{dir}/*/part-0000[0-3]*"), 1)?.count()? == 2 * all.len() as u64);
    let names: Vec<String> =
        sc.list_files(&format!("{dir}/plain"))?.into_iter().map(|file| file.path).collect();
    assert_eq!(names, (0..4).map(|part| format!("{dir}/plain/part-0000{part}")).collect::<Vec<_>>());
    assert_eq!(read_raw(&Stores::default(), &format!("{dir}/plain/_SUCCESS")).unwrap(), b"");
    let whole = sc
        .whole_text_files(&format!("{dir}/gz"), 2)?
        .map(|(_, text)| text.lines().count() as i64)
        .collect()?;
    assert_eq!(whole, [12_500; 4]);
    if let Some(files) = by_the_other_way(&names) {
        assert!(sc.text_file(&files.join(","), 8)?.collect()? == all, "{files:?}");
        let dir = files[0].rsplit_once('/').unwrap().0;
        for path in ["", "/", "/part-*", "/*[0-3]"].into_iter().filter(|_| can_list(dir)) {
            let listed = sc.list_files(&format!("{dir}{path}"))?;
            assert_eq!(listed.into_iter().map(|file| file.path).collect::<Vec<_>>(), files, "{path}");
        }
    }
    assert_eq!(pending_uploads(&dir), 0);
    Ok(())
}

#[test]
fn one_large_file_is_cut_into_splits_and_comes_back_whole() -> Result<()> {
    if is_stranger() {
        return Ok(());
    }
    // Several parts of an upload, and several ranges of a read.
    let (sc, dir, all) = (context(), directory("large"), lines(600_000));
    sc.parallelize(all.clone(), 1).save_as_text_file(&dir)?;
    let file = &sc.list_files(&dir)?[0];
    assert!(file.bytes > 16_000_000);
    for splits in [1, 7] {
        let read = sc.text_file(&file.path, splits)?;
        assert_eq!(read.num_partitions(), splits);
        assert!(read.collect()? == all);
    }
    if let Some(files) = by_the_other_way(std::slice::from_ref(&file.path)) {
        assert!(sc.text_file(&files[0], 5)?.collect()? == all, "{files:?}");
    }
    Ok(())
}

#[test]
fn a_save_is_refused_where_something_is() -> Result<()> {
    if is_stranger() {
        return Ok(());
    }
    let (sc, dir) = (context(), directory("refused"));
    let rdd = sc.parallelize(lines(10), 2);
    rdd.save_as_text_file(&dir)?;
    let error = rdd.save_as_text_file(&dir).unwrap_err().to_string();
    assert!(error.contains(&dir) && error.contains("it exists already"), "{error}");
    assert_eq!(sc.text_file(&dir, 2)?.count()?, 10);
    let mut output = Output::create(&Stores::default(), &format!("{dir}/part-00009")).unwrap();
    output.write_all(b"one more\n").unwrap();
    output.finish().unwrap();
    assert_eq!(
        Output::create(&Stores::default(), &format!("{dir}/part-00009")).unwrap_err().cause,
        IoCause::OutputExists
    );
    assert_eq!(sc.text_file(&dir, 2)?.count()?, 11);
    // Of two that both found nothing there, only the first to finish has its way; on local disks the last.
    let race = || Output::create(&Stores::default(), &format!("{dir}/part-00010")).unwrap();
    let (mut first, mut second) = (race(), race());
    writeln!(first, "first").unwrap();
    writeln!(second, "second").unwrap();
    first.finish().unwrap();
    if is_remote(&dir) {
        assert_eq!(second.finish().unwrap_err().cause, IoCause::OutputExists);
        assert_eq!(read_raw(&Stores::default(), &format!("{dir}/part-00010")).unwrap(), b"first\n");
    }
    remove_directory(&Stores::default(), &dir).unwrap();
    remove_directory(&Stores::default(), &dir).unwrap();
    assert_eq!(list_inputs(&Stores::default(), &dir).unwrap_err().cause, IoCause::NotFound);
    rdd.save_as_text_file(&dir)
}

#[test]
fn a_job_that_fails_leaves_nothing() -> Result<()> {
    if is_stranger() {
        return Ok(());
    }
    let dir = directory("failed");
    let numbers = |sc: &Context| sc.parallelize((0..1_000_i64).collect::<Vec<_>>(), 4);
    let sc = context();
    let failing = numbers(&sc).map(|number: i64| if number == 900 { panic!("no such luck") } else { number });
    failing.save_as_text_file(&dir).unwrap_err();
    // A task that began its part while the job failed removes what it noted itself; stopping waits for it.
    sc.stop();
    assert_eq!(list_inputs(&Stores::default(), &dir).unwrap_err().cause, IoCause::NotFound);
    let sc = context();
    let rdd = numbers(&sc);
    rdd.save_as_text_file(&dir)?;
    assert_eq!(sc.text_file(&dir, 2)?.count()?, 1_000);
    Ok(())
}

#[test]
fn of_several_attempts_one_wins_and_the_dead_leave_nothing() {
    if is_stranger() {
        return;
    }
    let dir = directory("attempts");
    let job = OutputCommitter::new(&dir, "job-1").unwrap();
    job.setup_job(&Stores::default()).unwrap();
    let write = |attempt: u64| {
        let mut output = job.create(&Stores::default(), Partition(0), TaskId(attempt), "").unwrap();
        writeln!(output, "by attempt {attempt}").unwrap();
        output
    };
    // One that is killed: its process cleans nothing up.
    std::mem::forget(write(1));
    if variable("_UPLOADS").is_some() {
        assert_eq!(pending_uploads(&dir), 1);
    }
    for attempt in 2..4 {
        write(attempt).finish().unwrap();
    }
    // One that has committed and dies before it can say so is replaced.
    job.commit_task(&Stores::default(), Partition(0), TaskId(2)).unwrap();
    job.commit_task(&Stores::default(), Partition(0), TaskId(3)).unwrap();
    job.commit_task(&Stores::default(), Partition(0), TaskId(3)).unwrap();
    assert_eq!(
        job.commit_task(&Stores::default(), Partition(0), TaskId(2)).unwrap_err().cause,
        IoCause::CommittedByAnother(TaskId(3))
    );
    assert_eq!(
        job.commit_task(&Stores::default(), Partition(0), TaskId(1)).unwrap_err().cause,
        IoCause::CommittedByAnother(TaskId(3))
    );
    assert!(job.commit_job(&Stores::default(), 2).is_err());
    job.commit_job(&Stores::default(), 1).unwrap();
    assert_eq!(read_raw(&Stores::default(), &format!("{dir}/part-00000")).unwrap(), b"by attempt 3\n");
    let names: BTreeSet<String> = list_inputs(&Stores::default(), &format!("{dir}/*"))
        .unwrap()
        .into_iter()
        .map(|file| file.path)
        .collect();
    assert_eq!(names, BTreeSet::from([format!("{dir}/part-00000")]));
    assert!(list_inputs(&Stores::default(), &format!("{dir}/_temporary")).is_err());
    assert_eq!(
        job.commit_task(&Stores::default(), Partition(0), TaskId(2)).unwrap_err().cause,
        IoCause::JobEnded
    );
    assert_eq!(pending_uploads(&dir), 0);
}

#[test]
fn what_is_missing_is_said() {
    if is_stranger() {
        return;
    }
    let sc = context();
    let missing = format!("{}/nil", directory("missing"));
    let error = sc.text_file(&missing, 1).map(drop).unwrap_err().to_string();
    assert!(error.contains(&missing) && error.contains("there is no such file"), "{error}");
    let error = sc.text_file(&format!("{missing}/*.txt"), 1).map(drop).unwrap_err().to_string();
    assert!(error.contains("nothing matches"), "{error}");
    assert_eq!(read_raw(&Stores::default(), &missing).unwrap_err().cause, IoCause::NotFound);
    if let Some(reads) = variable("_READS") {
        let error = sc.text_file(&format!("{reads}/missing/nil"), 1).map(drop).unwrap_err().to_string();
        assert!(error.contains("there is no such file"), "{error}");
    }
    if let Some(bucket) = variable("_MISSING") {
        let error = sc.parallelize(vec![1_i64], 1).save_as_text_file(&bucket).unwrap_err().to_string();
        assert!(error.contains("make it first, or correct its name"), "{error}");
    }
}

#[test]
fn a_stranger_is_told_what_to_set() {
    if !is_stranger() {
        return;
    }
    let dir = directory("stranger");
    let error = context().parallelize(vec![1_i64], 1).save_as_text_file(&dir).unwrap_err().to_string();
    assert!(error.contains("access was refused") && error.contains("set "), "{error}");
}

#[test]
#[ignore = "measures: wants the path of a file of many lines in FIRESTEEL_STORE_LARGE, and --nocapture"]
fn how_fast_a_large_file_is_read() -> Result<()> {
    let path = variable("_LARGE").expect("FIRESTEEL_STORE_LARGE names no file");
    let sc = context();
    let bytes = sc.list_files(&path)?[0].bytes;
    let report = |what: &str, started: Instant, records: u64| {
        let seconds = started.elapsed().as_secs_f64();
        eprintln!("{what}: {records} records, {seconds:.2} s, {:.0} MB/s", bytes as f64 / seconds / 1e6);
    };
    let started = Instant::now();
    report("text_file", started, sc.text_file(&path, None)?.count()?);
    let started = Instant::now();
    report("binary_records", started, sc.binary_records(&path, 1 << 10)?.count()?);
    Ok(())
}

/// The log of an application in a store: seen while the application runs, and complete when it has ended.
#[test]
fn an_event_log_is_read_while_it_grows() {
    if is_stranger() {
        return;
    }
    let dir = directory("logs");
    // Something makes the directory, which logs do not, where there are any.
    context().parallelize(lines(1), 1).save_as_text_file(&format!("{dir}/other")).unwrap();
    let mut conf = Conf::default();
    conf.set("spark.eventLog.enabled", "true").unwrap();
    conf.set("spark.eventLog.dir", &dir).unwrap();
    let settings = EventLogSettings::from_conf(&conf).unwrap().unwrap();
    let stores = Stores::default();
    let application = LoggedApplication { id: "a".into(), ..LoggedApplication::default() };
    let mut writer = EventLogWriter::open(&settings, &stores, &application).unwrap();
    assert!(EventLogWriter::open(&settings, &stores, &application).is_err(), "there is one already");
    let start = ApplicationStart { app_id: Some("a".into()), ..ApplicationStart::default() };
    writer.write(&ListenerEvent::ApplicationStart(start));
    let log = writer.path();
    let count = || {
        EventLogReader::open(&stores, &log).unwrap().map(|event| event.unwrap().name()).collect::<Vec<_>>()
    };
    let mut logs = LogDirectory::at(&stores, &dir).unwrap();
    for rdd_id in 0..50 {
        writer.write(&ListenerEvent::UnpersistRdd(UnpersistRdd { rdd_id }));
    }
    writer.flush();
    assert_eq!(count().len(), 52, "{log}");
    let listed = logs.list().unwrap().applications;
    assert_eq!((listed.len(), listed[0].is_complete), (1, false), "{listed:?}");
    writer.write(&ListenerEvent::ApplicationEnd(ApplicationEnd { timestamp: 9, exit_code: None }));
    let end = writer.finish();
    assert_eq!((end.written, end.failure), (53, None));
    let listed = logs.list().unwrap().applications;
    assert_eq!((listed[0].is_complete, listed[0].end_ms, count().len()), (true, Some(9), 53), "{listed:?}");
    // A log that is one file, by the means that a store has for it.
    let settings = EventLogSettings { max_file_bytes: None, ..settings };
    let application = LoggedApplication { id: "b".into(), ..LoggedApplication::default() };
    let mut writer = EventLogWriter::open(&settings, &stores, &application).unwrap();
    writer.write(&ListenerEvent::UnpersistRdd(UnpersistRdd { rdd_id: 1 }));
    let end = writer.finish();
    assert_eq!((end.written, end.failure), (2, None));
    assert!(end.path.ends_with("b.zstd"), "{}", end.path);
    assert_eq!(EventLogReader::open(&stores, &end.path).unwrap().filter(|event| event.is_ok()).count(), 2);
}
