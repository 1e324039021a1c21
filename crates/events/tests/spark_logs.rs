//! Lines in the shapes that Spark 4.3.0 writes are read and written again without loss.

use firesteel_events::ListenerEvent;

#[test]
fn an_unknown_event_is_none_and_a_broken_line_an_error() {
    let sql = r#"{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart","executionId":0}"#;
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
