//! Logs as applications write them and readers find them: shapes, codecs, drivers that are killed, disks that are full,
//! files that are hostile.

use firesteel_conf::Conf;
use firesteel_eventlog::{
    EventLogError, EventLogReader, EventLogSettings, EventLogWriter, LogCodec, LogDirectory,
    LoggedApplication,
};
use firesteel_events::*;
use firesteel_io::{IoCause, Stores};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn settings(dir: &str, codec: Option<LogCodec>, rolling: bool) -> EventLogSettings {
    let mut conf = Conf::default();
    conf.set("spark.eventLog.enabled", "true").unwrap();
    conf.set("spark.eventLog.dir", dir).unwrap();
    let settings = EventLogSettings::from_conf(&conf).unwrap().unwrap();
    EventLogSettings { codec, max_file_bytes: rolling.then_some(10 << 20), ..settings }
}

fn open(settings: &EventLogSettings, id: &str) -> Result<EventLogWriter, EventLogError> {
    let application = LoggedApplication { id: id.into(), ..LoggedApplication::default() };
    EventLogWriter::open(settings, &Stores::default(), &application)
}

fn start(id: &str) -> ListenerEvent {
    ListenerEvent::ApplicationStart(ApplicationStart {
        app_name: format!("name of {id}"),
        app_id: Some(id.into()),
        timestamp: 1000,
        user: "me".into(),
        ..ApplicationStart::default()
    })
}

fn end() -> ListenerEvent {
    ListenerEvent::ApplicationEnd(ApplicationEnd { timestamp: 9000, exit_code: None })
}

fn job(job_id: i64) -> ListenerEvent {
    ListenerEvent::JobStart(JobStart { job_id, stage_ids: vec![job_id], ..JobStart::default() })
}

fn task(task_id: i64) -> ListenerEvent {
    let task_info = TaskInfo { task_id, ..TaskInfo::default() };
    ListenerEvent::TaskEnd(TaskEnd { task_info, metrics: Some(Box::default()), ..TaskEnd::default() })
}

fn log_start() -> ListenerEvent {
    ListenerEvent::LogStart(LogStart { spark_version: "4.3.0".into(), firesteel_version: None })
}

/// Reads all events; bad lines are errors.
fn read(path: &str) -> Vec<ListenerEvent> {
    EventLogReader::open(&Stores::default(), path).unwrap().map(|event| event.unwrap()).collect()
}

/// Reads all events, and where lines are bad.
fn read_bad(path: &Path) -> (usize, Vec<(u64, String)>) {
    let reader = EventLogReader::open(&Stores::default(), path.to_str().unwrap()).unwrap();
    let (mut events, mut bad) = (0, vec![]);
    reader.for_each(|event| match event {
        Ok(_) => events += 1,
        Err(line) => bad.push((line.line, line.reason)),
    });
    (events, bad)
}

fn names(dir: &Path) -> BTreeSet<String> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn every_shape() -> Vec<(Option<LogCodec>, bool)> {
    let codecs = LogCodec::ALL.map(Some).into_iter().chain([None]);
    codecs.flat_map(|codec| [(codec, false), (codec, true)]).collect()
}

#[test]
fn what_is_written_is_listed_and_read_in_every_shape() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    for (number, (codec, rolling)) in every_shape().into_iter().enumerate() {
        let id = format!("app-{number}");
        let mut writer = open(&settings(path, codec, rolling), &id).unwrap();
        let mut events = vec![start(&id), job(0)];
        events.extend((0..500).map(task));
        events.push(end());
        events.iter().for_each(|event| writer.write(event));
        let done = writer.finish();
        assert_eq!((done.written, done.dropped, done.failure), (events.len() as u64 + 1, 0, None));
        events.insert(0, log_start());
        assert_eq!(read(&done.path), events, "{codec:?} {rolling}");
        let listing = LogDirectory::at(&Stores::default(), path).unwrap().list().unwrap();
        let log = listing.applications.iter().find(|log| log.id == id).unwrap();
        assert_eq!(
            (log.start_ms, log.end_ms, log.is_complete),
            (1000, Some(9000), true),
            "{codec:?} {rolling}"
        );
        assert_eq!((log.name.as_str(), log.user.as_str()), (format!("name of {id}").as_str(), "me"));
        assert_eq!((log.path.as_str(), log.spark_version.as_str()), (done.path.as_str(), "4.3.0"));
        assert!(log.bytes > 0 && log.modified_ms.is_some());
        assert!(listing.refused.is_empty());
    }
}

#[test]
fn names_and_permissions_are_sparks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let mode = |name: &str| dir.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
    let single = open(&settings(path, Some(LogCodec::Lz4), false), "App 1").unwrap();
    assert_eq!(names(dir.path()), ["app-1.lz4.inprogress".to_string()].into());
    assert_eq!(mode("app-1.lz4.inprogress"), 0o660);
    single.finish();
    assert_eq!(names(dir.path()), ["app-1.lz4".to_string()].into());
    let application =
        LoggedApplication { id: "app-2".into(), attempt: Some("1".into()), ..Default::default() };
    let settings = settings(path, Some(LogCodec::Zstd), true);
    let rolled = EventLogWriter::open(&settings, &Stores::default(), &application).unwrap();
    let inner = dir.path().join("eventlog_v2_app-2_1");
    let growing = ["appstatus_app-2_1.inprogress".to_string(), "events_1_app-2_1.zstd".to_string()];
    assert_eq!(names(&inner), growing.into());
    assert_eq!(
        (mode("eventlog_v2_app-2_1"), mode("eventlog_v2_app-2_1/events_1_app-2_1.zstd")),
        (0o770, 0o660)
    );
    rolled.finish();
    assert!(names(&inner).contains("appstatus_app-2_1"));
    assert_eq!(names(&inner).len(), 2);
}

#[test]
fn a_full_file_is_followed_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path().to_str().unwrap(), Some(LogCodec::Zstd), true);
    settings.max_file_bytes = Some(50_000);
    let mut writer = open(&settings, "a").unwrap();
    writer.write(&start("a"));
    (0..300).for_each(|number| writer.write(&task(number)));
    writer.write(&end());
    let done = writer.finish();
    let inner = dir.path().join("eventlog_v2_a");
    let files = names(&inner);
    assert!(files.len() >= 5, "{files:?}");
    // What counts are the bytes before they are compressed.
    let largest = files.iter().map(|name| inner.join(name).metadata().unwrap().len()).max().unwrap();
    assert!(largest < 10_000, "{largest}");
    let ids: Vec<i64> = read(&done.path)
        .into_iter()
        .filter_map(|event| match event {
            ListenerEvent::TaskEnd(end) => Some(end.task_info.task_id),
            _ => None,
        })
        .collect();
    assert!(ids.iter().copied().eq(0..300));
}

#[test]
fn a_killed_driver_leaves_what_was_written_up_to_its_last_job() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    for (number, (codec, rolling)) in every_shape().into_iter().enumerate() {
        let id = format!("app-{number}");
        let mut writer = open(&settings(path, codec, rolling), &id).unwrap();
        [start(&id), task(0), job(0), task(1), task(2)].iter().for_each(|event| writer.write(event));
        // The process ends here: nothing that a destructor would do is done.
        let log = writer.path();
        std::mem::forget(writer);
        assert_eq!(read(&log), [log_start(), start(&id), task(0), job(0)], "{codec:?} {rolling}");
        let listing = LogDirectory::at(&Stores::default(), path).unwrap().list().unwrap();
        let found = listing.applications.iter().find(|log| log.id == id).unwrap();
        assert_eq!((found.is_complete, found.end_ms), (false, None));
    }
}

#[test]
fn a_log_that_broke_off_within_a_line_is_read_up_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.inprogress");
    std::fs::write(
        &path,
        format!("{}\n{}\n{{\"Event\":\"Spark", log_start().to_line(), start("a").to_line()),
    )
    .unwrap();
    let mut reader = EventLogReader::open(&Stores::default(), path.to_str().unwrap()).unwrap();
    assert!(reader.by_ref().all(|event| event.is_ok()));
    assert!(reader.is_cut() && !reader.is_complete());
    // Of an application that has ended nothing may be missing.
    let ended = dir.path().join("a");
    std::fs::rename(&path, &ended).unwrap();
    let (events, bad) = read_bad(&ended);
    assert_eq!((events, bad.len(), bad[0].0), (2, 1, 3));
    let reader = EventLogReader::open(&Stores::default(), path.to_str().unwrap()).unwrap();
    assert!(reader.is_complete(), "it is found under its new name");
}

#[test]
fn the_directory_must_be_there_and_hold_no_log_of_the_same_name() {
    let dir = tempfile::tempdir().unwrap();
    let missing = format!("{}/none", dir.path().display());
    let said = open(&settings(&missing, None, true), "a").unwrap_err().to_string();
    assert!(said.contains(&missing) && said.contains("spark.eventLog.dir"), "{said}");
    for rolling in [false, true] {
        let mut settings = settings(dir.path().to_str().unwrap(), None, rolling);
        let mut writer = open(&settings, "a").unwrap();
        writer.write(&start("a"));
        let path = writer.finish().path;
        let said = open(&settings, "a").unwrap_err();
        assert_eq!(said, EventLogError::Exists { path: path.clone() });
        settings.overwrite = true;
        open(&settings, "a").unwrap().finish();
        assert_eq!(read(&path), [log_start()]);
    }
}

#[test]
fn settings_say_which_events_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path().to_str().unwrap(), None, false);
    let update = ListenerEvent::BlockUpdated(BlockUpdated::default());
    let heartbeat = ListenerEvent::ExecutorMetricsUpdate(ExecutorMetricsUpdate::default());
    let written = |settings: &EventLogSettings, id: &str| {
        let mut writer = open(settings, id).unwrap();
        [log_start(), update.clone(), heartbeat.clone(), job(1), task(1)]
            .iter()
            .for_each(|event| writer.write(event));
        let events = read(&writer.finish().path);
        events.iter().map(ListenerEvent::name).collect::<Vec<_>>()
    };
    let always = ["SparkListenerLogStart", "SparkListenerJobStart", "SparkListenerTaskEnd"];
    assert_eq!(written(&settings, "a"), always);
    settings.block_updates = true;
    settings.excluded.insert("SparkListenerTaskEnd".into());
    assert_eq!(
        written(&settings, "b"),
        ["SparkListenerLogStart", "SparkListenerBlockUpdated", "SparkListenerJobStart"]
    );
}

/// A disk of the size of nothing: what is written to it fails.
#[test]
fn an_application_goes_on_without_its_log_when_the_disk_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path().to_str().unwrap(), None, true);
    let mut writer = open(&settings, "a").unwrap();
    writer.write(&start("a"));
    // The next file cannot be made where a directory of its name is in the way.
    std::fs::create_dir(dir.path().join("eventlog_v2_a/events_2_a")).unwrap();
    let big = "x".repeat(6 << 20);
    let large = |job_id| {
        let properties = [("text".to_string(), big.clone())].into();
        ListenerEvent::JobStart(JobStart { job_id, properties, ..JobStart::default() })
    };
    (0..4).for_each(|number| writer.write(&large(number)));
    assert_eq!(writer.dropped(), 3);
    writer.write(&end());
    let done = writer.finish();
    let failure = done.failure.unwrap();
    assert!(failure.path.ends_with("events_2_a") && matches!(failure.cause, IoCause::Os { .. }), "{failure}");
    assert_eq!((done.written, done.dropped), (3, 4));
    // It is not called complete, since it is not.
    let inner = dir.path().join("eventlog_v2_a");
    assert!(names(&inner).contains("appstatus_a.inprogress"));
    std::fs::remove_dir(inner.join("events_2_a")).unwrap();
    assert_eq!(read(&done.path).len(), 3);
}

#[test]
fn bad_lines_are_refused_with_their_number_and_reading_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let deep = format!(
        "{{\"Event\":\"SparkListenerExecutorMetricsUpdate\",\"Metrics Updated\":{}",
        "[".repeat(100_000)
    );
    let lines: [&[u8]; 8] = [
        start("a").to_line().as_bytes(),
        b"no JSON",
        b"{\"Event\":\"SparkListenerTaskEnd\"}",
        b"\xFF\xFE",
        b"",
        deep.as_bytes(),
        b"{\"Event\":\"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd\",\"time\":1}",
        end().to_line().as_bytes(),
    ]
    .map(|line| line.to_vec().leak() as &[u8]);
    std::fs::write(&path, lines.join(&b'\n')).unwrap();
    let (events, bad) = read_bad(&path);
    assert_eq!(events, 2);
    assert_eq!(bad.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
    assert!(bad[4].1.contains("recursion limit"), "{bad:?}");
    let mut reader = EventLogReader::open(&Stores::default(), path.to_str().unwrap()).unwrap();
    reader.by_ref().for_each(drop);
    assert_eq!(reader.unknown(), 1);
}

#[test]
fn a_file_that_is_no_log_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    std::fs::write(&path, "x\n".repeat(1_000_000)).unwrap();
    let (_, bad) = read_bad(&path);
    assert_eq!(bad.len(), 10_000);
    assert!(bad[9_999].1.contains("the rest is not read"), "{:?}", bad[9_999]);
}

/// A gigabyte of spaces in a few kilobytes, as one line and as the middle of one.
#[test]
fn a_line_that_decompresses_to_a_gigabyte_is_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.zstd");
    let mut encoder = zstd::Encoder::new(std::fs::File::create(&path).unwrap(), 1).unwrap();
    use std::io::Write;
    writeln!(encoder, "{}", start("a").to_line()).unwrap();
    let spaces = vec![b' '; 1 << 20];
    (0..900).for_each(|_| encoder.write_all(&spaces).unwrap());
    write!(encoder, "\n{}\n", end().to_line()).unwrap();
    encoder.finish().unwrap();
    assert!(path.metadata().unwrap().len() < 1 << 20);
    let (events, bad) = read_bad(&path);
    assert_eq!((events, bad.len(), bad[0].0), (2, 1, 2));
    assert!(bad[0].1.contains("943718400 bytes"), "{bad:?}");
}

#[test]
fn a_corrupt_file_of_a_directory_is_refused_and_the_next_one_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path().to_str().unwrap(), Some(LogCodec::Lz4), true);
    settings.max_file_bytes = Some(20_000);
    let mut writer = open(&settings, "a").unwrap();
    (0..60).for_each(|number| writer.write(&task(number)));
    let done = writer.finish();
    let whole = read(&done.path).len();
    std::fs::write(dir.path().join("eventlog_v2_a/events_2_a.lz4"), b"LZ4Block, but not really").unwrap();
    let (events, bad) = read_bad(Path::new(&done.path));
    assert!(events > whole / 3 && events < whole, "{events} of {whole}");
    assert_eq!(bad.len(), 1);
    assert!(bad[0].1.contains("cannot be read"), "{bad:?}");
}

#[test]
fn what_is_no_log_is_refused_by_the_listing_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("README.md"), "about logs").unwrap();
    std::fs::write(dir.path().join("notes"), "about logs").unwrap();
    std::fs::write(dir.path().join("new.inprogress"), "").unwrap();
    std::fs::write(dir.path().join(".a.crc"), "x").unwrap();
    std::fs::write(dir.path().join("broken.zstd"), "x").unwrap();
    std::fs::create_dir(dir.path().join("other")).unwrap();
    std::fs::create_dir(dir.path().join("eventlog_v2_empty")).unwrap();
    let mut logs = LogDirectory::at(&Stores::default(), dir.path().to_str().unwrap()).unwrap();
    let listing = logs.list().unwrap();
    assert!(listing.applications.is_empty());
    let reasons: Vec<String> = listing
        .refused
        .iter()
        .map(|log| format!("{}: {}", log.path.rsplit('/').next().unwrap(), log.reason))
        .collect();
    assert_eq!(reasons.len(), 5, "{reasons:?}");
    assert!(reasons[0].starts_with("README.md") && reasons[0].contains("ends in .md"), "{reasons:?}");
    // What has grown meanwhile is read again.
    std::fs::write(dir.path().join("new.inprogress"), start("new").to_line()).unwrap();
    assert_eq!(logs.list().unwrap().applications[0].id, "new");
    std::fs::remove_file(dir.path().join("new.inprogress")).unwrap();
    assert!(logs.list().unwrap().applications.is_empty());
    let gone = LogDirectory::at(&Stores::default(), "/no/such/directory").unwrap().list();
    assert!(matches!(gone, Err(EventLogError::NoDirectory { .. })));
}

/// Names begin with the event's, and with no space: so Spark's own listing finds them.
#[test]
fn lines_begin_as_sparks_history_server_expects() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(&settings(dir.path().to_str().unwrap(), None, false), "a").unwrap();
    writer.write(&start("a"));
    let path = writer.finish().path;
    let text = std::fs::read_to_string(path).unwrap();
    let begins: Vec<&str> = text.lines().map(|line| line.split_once(',').unwrap().0).collect();
    assert_eq!(
        begins,
        ["{\"Event\":\"SparkListenerLogStart\"", "{\"Event\":\"SparkListenerApplicationStart\""]
    );
    assert!(text.ends_with('\n'));
}
