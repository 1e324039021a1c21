//! Lines in the shapes that Spark 4.3.0 writes are read and written again without loss.

use firesteel_events::ListenerEvent;

/// Lines of an application with PySpark 4.3.0, short ones.
const LINES: &[&str] = &[
    r#"{"Event":"SparkListenerLogStart","Spark Version":"4.3.0"}"#,
    r#"{"Event":"SparkListenerApplicationStart","App Name":"sample","App ID":"local-17","Timestamp":1795916470902,"User":"root"}"#,
    r#"{"Event":"SparkListenerUnpersistRDD","RDD ID":2}"#,
    r#"{"Event":"SparkListenerJobEnd","Job ID":0,"Completion Time":1795916474101,"Job Result":{"Result":"JobSucceeded"}}"#,
    r#"{"Event":"SparkListenerApplicationEnd","Timestamp":1795916478009,"ExitCode":0}"#,
    "{\"Event\":\"SparkListenerExecutorAdded\",\"Timestamp\":1795916471910,\"Executor ID\":\"driver\",\"Executor Info\":{\
     \"Host\":\"localhost\",\"Total Cores\":2,\"Log Urls\":{},\"Attributes\":{},\"Resources\":{},\"Resource Profile Id\":0}}",
    "{\"Event\":\"SparkListenerBlockManagerAdded\",\"Block Manager ID\":{\"Executor ID\":\"driver\",\"Host\":\"localhost\",\
     \"Port\":44383},\"Maximum Memory\":455501414,\"Timestamp\":1795916471950,\"Maximum Onheap Memory\":455501414,\
     \"Maximum Offheap Memory\":0}",
    "{\"Event\":\"SparkListenerTaskStart\",\"Stage ID\":2,\"Stage Attempt ID\":0,\"Task Info\":{\"Task ID\":4,\"Index\":0,\
     \"Attempt\":0,\"Partition ID\":0,\"Launch Time\":1795916474382,\"Executor ID\":\"driver\",\"Host\":\"localhost\",\
     \"Locality\":\"NODE_LOCAL\",\"Speculative\":false,\"Getting Result Time\":0,\"Finish Time\":0,\"Failed\":false,\
     \"Killed\":false,\"Accumulables\":[]}}",
    "{\"Event\":\"SparkListenerBlockUpdated\",\"Block Updated Info\":{\"Block Manager ID\":{\"Executor ID\":\"driver\",\
     \"Host\":\"localhost\",\"Port\":44383},\"Block ID\":\"rdd_2_0\",\"Storage Level\":{\"Use Disk\":false,\
     \"Use Memory\":true,\"Use Off Heap\":false,\"Deserialized\":false,\"Replication\":1},\"Memory Size\":339,\
     \"Disk Size\":0}}",
];

#[test]
fn lines_are_read_and_written_again() {
    for line in LINES {
        let event = ListenerEvent::parse(line).unwrap().unwrap();
        let again: serde_json::Value = serde_json::from_str(&event.to_line()).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(line).unwrap());
        assert!(event.to_line().starts_with(&line[..line.find(',').unwrap()]), "the name comes first");
    }
}

/// Spark's own words for these are the whole names of their classes, and the names of their fields.
#[test]
fn exclusions_go_by_the_names_of_their_classes_and_are_read_by_either_name() {
    for (name, fields) in [
        ("ExecutorExcluded", r#""time":7,"executorId":"1","taskFailures":2"#),
        (
            "ExecutorExcludedForStage",
            r#""time":7,"executorId":"1","taskFailures":2,"stageId":3,"stageAttemptId":1"#,
        ),
        ("ExecutorUnexcluded", r#""time":7,"executorId":"1""#),
        ("NodeExcluded", r#""time":7,"hostId":"a","executorFailures":2"#),
        (
            "NodeExcludedForStage",
            r#""time":7,"hostId":"a","executorFailures":2,"stageId":3,"stageAttemptId":1"#,
        ),
        ("NodeUnexcluded", r#""time":7,"hostId":"a""#),
    ] {
        let line = format!("{{\"Event\":\"org.apache.spark.scheduler.SparkListener{name}\",{fields}}}");
        let event = ListenerEvent::parse(&line).unwrap().unwrap();
        assert_eq!((event.to_line(), event.name()), (line.clone(), format!("SparkListener{name}").as_str()));
        let short = line.replace("org.apache.spark.scheduler.", "");
        assert_eq!(ListenerEvent::parse(&short).unwrap(), Some(event));
    }
}

/// Spark's server knows three words for it, and cannot read an application in which there is another one.
#[test]
fn a_level_of_determinism_that_is_not_known_is_left_out() {
    let rdd = serde_json::to_string(&firesteel_events::RddInfo::default()).unwrap();
    assert!(!rdd.contains("DeterministicLevel"), "{rdd}");
}

#[test]
fn an_unknown_event_is_none_and_a_broken_line_an_error() {
    let sql =
        r#"{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart","executionId":0}"#;
    assert_eq!(ListenerEvent::parse(sql).unwrap(), None);
    assert!(ListenerEvent::parse(r#"{"Event":"SparkListenerJobEnd","Job ID":"#).is_err());
    assert!(ListenerEvent::parse(r#"{"Job ID":3}"#).is_err());
    assert!(ListenerEvent::parse("").is_err());
}

#[test]
fn the_name_may_come_later() {
    let event = ListenerEvent::parse(r#"{"RDD ID":7,"Event":"SparkListenerUnpersistRDD"}"#).unwrap().unwrap();
    assert_eq!(event.to_line(), r#"{"Event":"SparkListenerUnpersistRDD","RDD ID":7}"#);
}
