//! What executors write, read in the pages of their application.

use super::cluster::{Cluster, wait_for_executors};
use crate::waiting::wait_until;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Asks for a page, on a connection of its own.
fn ask(url: &str, path: &str) -> String {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn what_executors_write_is_read_in_their_applications_pages() {
    let mut cluster = Cluster::start(2, 1);
    let sc = cluster.context_with(|builder| builder.conf("spark.ui.port", "0"));
    wait_for_executors(&sc, 2);
    let (url, id) = (sc.ui_web_url().unwrap(), sc.application_id().to_string());
    let tasks = sc.range_in(0..8, 8).map(|n| {
        writeln!(std::io::stdout(), "out of partition {n} <b>").unwrap();
        eprintln!("err of partition {n}");
        n
    });
    assert_eq!(tasks.count().unwrap(), 8);
    let log = |executor: u32, more: &str| ask(&url, &format!("/executors/log/?executorId={executor}&{more}"));
    // Either executor has run some of the tasks.
    wait_until("the pages know both executors", || {
        [0, 1].iter().all(|executor| log(*executor, "which=stderr").contains("stderr of executor"))
    });
    let all = |which: &str| log(0, which) + &log(1, which);
    let (out, err) = (all("which=stdout"), all("which=stderr"));
    for n in 0..8 {
        assert!(out.contains(&format!("out of partition {n} &#60;b&#62;")), "{out}");
        assert!(err.contains(&format!("err of partition {n}\n")), "{err}");
    }
    assert!(!out.contains("err of partition") && !err.contains("out of partition"));
    assert!(log(0, "which=stdout&offset=0").contains("Bytes 0 to "));
    assert!(log(0, "which=stdout&offset=99999999").contains("Bytes "), "behind the end");
    // Spark's key has the addresses, of executors that write to files.
    let executors = ask(&url, &format!("/api/v1/applications/{id}/executors"));
    let link =
        format!("\"stdout\":\"{}/executors/log/?executorId=1&which=stdout\"", url.trim_end_matches('/'));
    let body = executors.replace([' ', '\n'], "");
    assert!(body.contains(&link), "{executors}");
    assert!(!body.contains("executorId=driver&"), "the driver writes elsewhere: {executors}");
    assert!(log(7, "which=stdout").contains("There is no executor 7."));
    // The files of one that is gone are its worker's.
    let gone = cluster.workers.remove(0);
    gone.stop();
    wait_until("an executor is gone", || all("which=stdout").contains("is gone."));
    let page = all("which=stdout");
    assert!(page.contains("worker"), "{page}");
    sc.stop();
}
