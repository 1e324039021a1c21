//! Logs in object stores, of which one in memory stands for all: nothing grows there, and nothing is renamed.

use firesteel_conf::Conf;
use firesteel_eventlog::{EventLogReader, EventLogSettings, EventLogWriter, LogDirectory, LoggedApplication};
use firesteel_events::*;
use firesteel_io::{Directory, Stores};

fn writer(dir: &str, rolling: bool) -> EventLogWriter {
    let mut conf = Conf::default();
    conf.set("spark.eventLog.enabled", "true").unwrap();
    conf.set("spark.eventLog.dir", dir).unwrap();
    let settings = EventLogSettings::from_conf(&conf).unwrap().unwrap();
    let settings = EventLogSettings { max_file_bytes: rolling.then_some(10 << 20), ..settings };
    let application = LoggedApplication { id: "a".into(), ..LoggedApplication::default() };
    let mut writer = EventLogWriter::open(&settings, &Stores::default(), &application).unwrap();
    let start =
        ApplicationStart { app_name: "n".into(), app_id: Some("a".into()), ..ApplicationStart::default() };
    writer.write(&ListenerEvent::ApplicationStart(start));
    writer
}

fn names(dir: &str) -> Vec<String> {
    let entries = Directory::at(&Stores::default(), dir).unwrap().entries().unwrap().unwrap_or_default();
    entries.into_iter().map(|entry| entry.name).collect()
}

fn count(path: &str) -> usize {
    EventLogReader::open(&Stores::default(), path).unwrap().filter(|event| event.is_ok()).count()
}

#[test]
fn a_directory_of_objects_is_seen_while_the_application_runs() {
    let (dir, inner) = ("memory://eventlog-rolled/logs", "memory://eventlog-rolled/logs/eventlog_v2_a");
    let mut writer = writer(dir, true);
    assert_eq!(names(inner), ["appstatus_a.inprogress", "events_1_a.zstd"]);
    let mut logs = LogDirectory::at(&Stores::default(), dir).unwrap();
    assert!(!logs.list().unwrap().applications[0].is_complete);
    assert_eq!(count(inner), 2);
    // A job at once after that: an object is not written again so soon, unless it is asked for.
    writer.write(&ListenerEvent::JobEnd(JobEnd::default()));
    assert_eq!(count(inner), 2);
    writer.flush();
    assert_eq!(count(inner), 3);
    writer.write(&ListenerEvent::ApplicationEnd(ApplicationEnd { timestamp: 9, exit_code: None }));
    let done = writer.finish();
    assert_eq!((done.path.as_str(), done.written, done.failure), (inner, 4, None));
    assert_eq!(names(inner), ["appstatus_a", "events_1_a.zstd"]);
    let listing = logs.list().unwrap();
    assert_eq!((listing.applications[0].is_complete, listing.applications[0].end_ms), (true, Some(9)));
    assert_eq!(count(inner), 4);
}

#[test]
fn a_single_object_appears_at_the_end() {
    let dir = "memory://eventlog-single/logs";
    let writer = writer(dir, false);
    assert!(names(dir).is_empty());
    writer.finish();
    assert_eq!(names(dir), ["a.zstd"]);
    assert_eq!(count("memory://eventlog-single/logs/a.zstd"), 2);
}
