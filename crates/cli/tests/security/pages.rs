//! The pages of masters and workers, as a browser gets them while a program runs, is killed from a page, and a worker dies.

use crate::app::PROGRAM_VARIABLE;
use crate::cluster::Cluster;
use crate::process::{Process, until};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer: its status, and its body.
struct Answer {
    status: u16,
    body: String,
}

/// Sends a request to `http://HOST:PORT/...` and reads the answer to its end.
fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let place = url.strip_prefix("http://").unwrap();
    let (host, path) =
        place.split_once('/').map_or((place, String::new()), |(host, path)| (host, path.into()));
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut text = format!("{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = vec![];
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, body: body.into() }
}

/// Reads a page, which there must be.
fn page(url: &str) -> String {
    let answer = request("GET", url, &[], "");
    assert_eq!(answer.status, 200, "{url}: {}", answer.body);
    answer.body
}

fn json(pages: &str) -> Value {
    serde_json::from_str(&page(&format!("{pages}/json/"))).unwrap()
}

fn pages_of(process: &mut Process) -> String {
    process.has_said("the pages are at http://").rsplit(' ').next().unwrap().into()
}

/// The text that forms of a page hold.
fn form_token(page: &str) -> String {
    let rest = page.split_once("name=\"form_token\" value=\"").unwrap().1;
    rest.split('"').next().unwrap().into()
}

#[test]
fn pages_show_a_cluster_and_end_its_programs() {
    let mut cluster = Cluster::start_with(2, &[], &["--webui-port", "0"]);
    let master = pages_of(&mut cluster.master);
    let workers: Vec<String> = cluster.workers.iter_mut().map(pages_of).collect();
    let logs = cluster.dir.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let log_setting = format!("firesteel.event_log.dir={}", logs.display());
    let mut command = cluster.submission(
        &cluster.url,
        &[
            "--conf",
            "firesteel.ui.port=0",
            "--name",
            "<b>count</b>",
            "--conf",
            "firesteel.event_log.enabled=true",
            "--conf",
            &log_setting,
        ],
    );
    let mut program = Process::start("program", command.env(PROGRAM_VARIABLE, "1"));
    program.wait_for("first: 97 keys");

    let told = json(&master);
    assert_eq!((&told["status"], &told["aliveworkers"]), (&"ALIVE".into(), &2.into()), "{told}");
    assert_eq!((&told["cores"], &told["coresused"]), (&2.into(), &2.into()), "{told}");
    assert_eq!(told["url"], Value::from(cluster.url.clone()));
    let application = &told["activeapps"][0];
    let id = application["id"].as_str().unwrap().to_owned();
    assert_eq!((&application["state"], &application["memoryperexecutor"]), (&"RUNNING".into(), &256.into()));
    let first = page(&master);
    let own = application["appuiurl"].as_str().unwrap();
    assert!(own.starts_with("http://") && first.contains(&format!("href=\"{own}\"")), "{own}: {first}");
    assert!(first.contains("&#60;b&#62;count") && !first.contains("<b>count"), "names stay names: {first}");
    assert!(workers.iter().all(|pages| first.contains(&format!("href=\"{pages}\""))), "{workers:?}: {first}");
    let metrics = page(&format!("{master}/metrics/master/prometheus/"));
    assert!(metrics.contains("metrics_master_aliveWorkers_Value{type=\"gauges\"} 2\n"), "{metrics}");

    // The application has the master's id everywhere.
    let rest: Value = serde_json::from_str(&page(&format!("{own}/api/v1/applications"))).unwrap();
    assert_eq!(rest[0]["id"], Value::from(id.clone()), "{rest}");
    let named = |entry: fs::DirEntry| entry.file_name().to_string_lossy().contains(&id);
    assert!(fs::read_dir(&logs).unwrap().flatten().all(named) && fs::read_dir(&logs).unwrap().count() == 1);

    // The way from the application to what its executor wrote.
    let executors = page(&format!("{master}/app/?appId={id}"));
    assert!(
        executors.contains(&format!("{}/logPage/?appId={id}", workers[0]).replace('&', "&#38;")),
        "{executors}"
    );
    let worker = json(&workers[0]);
    assert_eq!(worker["executors"][0]["appid"], Value::from(id.clone()), "{worker}");
    assert_eq!(worker["masterwebuiurl"], Value::from(master.clone()));
    let number = worker["executors"][0]["id"].to_string();
    let log = format!("{}/logPage/?appId={id}&executorId={number}&logType=stdout", workers[0]);
    assert!(page(&log).contains("running 1 test"), "what it wrote is there");
    assert!(page(&format!("{log}&offset=3")).contains("Bytes 3 to "));
    assert!(page(&format!("{}/metrics/prometheus", workers[0])).contains("metrics_worker_executors_Value"));
    for stranger in ["..%2F..%2Fsecret", "app-20000101000000-0000", "app-%2F..", ""] {
        let none = format!("{}/logPage/?appId={stranger}&executorId={number}", workers[0]);
        assert_eq!(request("GET", &none, &[], "").status, 404, "{stranger}");
    }

    // Only a form of the master's own page ends it.
    let (kill, token) = (format!("{master}/app/kill/"), form_token(&first));
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let right = format!("form_token={token}&id={id}");
    let refused = [
        request("POST", &kill, &[form], &format!("id={id}")),
        request("POST", &kill, &[form], &format!("form_token=guess&id={id}")),
        request("POST", &kill, &[form, ("Origin", "http://evil.example")], &right),
        request("POST", &kill, &[form, ("Sec-Fetch-Site", "cross-site")], &right),
    ];
    assert!(refused.iter().all(|answer| answer.status == 403));
    assert_eq!(request("GET", &format!("{kill}?{right}"), &[], "").status, 405);
    assert_eq!(json(&master)["activeapps"].as_array().unwrap().len(), 1, "it runs");
    assert_eq!(request("POST", &kill, &[form], &right).status, 303);
    program.say("go on");
    assert!(!program.wait().success());
    let ended = &json(&master)["completedapps"][0];
    assert_eq!((&ended["id"], &ended["state"]), (&id.clone().into(), &"KILLED".into()));
    assert!(page(&master).contains("it was killed"));
    until("the executor is among those that ended", || !json(&workers[0])["finishedexecutors"][0].is_null());
    until("what it wrote is kept", || page(&log).contains("running 1 test"));
    assert_eq!(request("POST", &kill, &[form], &right).status, 409, "it has ended");

    // A worker that dies.
    cluster.workers[1].signal(Signal::KILL);
    until("the dead worker is told of", || {
        let told = json(&master);
        let states = told["workers"].as_array().unwrap().iter();
        told["aliveworkers"] == 1 && states.filter(|worker| worker["state"] == "DEAD").count() == 1
    });
    until("the dead worker is seen", || page(&master).contains("disconnected"));
}
