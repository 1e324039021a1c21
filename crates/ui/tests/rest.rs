//! The REST interface and the history server over logs in a directory: what is asked, and what is said.

use firesteel_events::*;
use firesteel_status::store::Retained;
use firesteel_ui::history::{History, HistoryConfig};
use firesteel_ui::{DEFAULT_PATTERN, Redaction, UiConfig, UiServer, rest, serve_routes};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

/// A log of an application with one job of one stage of `tasks` tasks; without its end if it runs.
fn log(id: &str, start: i64, tasks: i64, ends: bool) -> String {
    let info = |completed: Option<i64>| StageInfo {
        num_tasks: tasks,
        name: "count at app.py:1".into(),
        submission_time: Some(start + 2),
        completion_time: completed,
        ..StageInfo::default()
    };
    let task = |task_id: i64, finish_time: i64| TaskInfo {
        task_id,
        index: task_id,
        launch_time: start + 3 + task_id,
        finish_time,
        executor_id: "driver".into(),
        ..TaskInfo::default()
    };
    let mut events = vec![
        ListenerEvent::LogStart(LogStart { spark_version: "4.3.0".into(), ..LogStart::default() }),
        ListenerEvent::ApplicationStart(ApplicationStart {
            app_name: format!("name of {id}"),
            app_id: Some(id.into()),
            timestamp: start,
            user: "me".into(),
            ..ApplicationStart::default()
        }),
        ListenerEvent::EnvironmentUpdate(EnvironmentUpdate {
            spark_properties: [("spark.my.secret".into(), "hush".into()), ("spark.a".into(), "b".into())]
                .into(),
            ..EnvironmentUpdate::default()
        }),
        ListenerEvent::JobStart(JobStart {
            submission_time: start + 1,
            stage_infos: vec![StageInfo { submission_time: None, ..info(None) }],
            stage_ids: vec![0],
            ..JobStart::default()
        }),
        ListenerEvent::StageSubmitted(StageSubmitted { stage_info: info(None), ..StageSubmitted::default() }),
    ];
    for id in 0..tasks {
        let task_info = task(id, 0);
        events.push(ListenerEvent::TaskStart(TaskStart { task_info, ..TaskStart::default() }));
        let metrics = TaskMetrics { executor_run_time: id, ..TaskMetrics::default() };
        let (task_info, metrics) = (task(id, start + 100 + id), Some(Box::new(metrics)));
        events.push(ListenerEvent::TaskEnd(TaskEnd { task_info, metrics, ..TaskEnd::default() }));
    }
    if ends {
        let stage_info = info(Some(start + 500));
        events.push(ListenerEvent::StageCompleted(StageCompleted { stage_info }));
        events.push(ListenerEvent::JobEnd(JobEnd { completion_time: start + 501, ..JobEnd::default() }));
        let timestamp = start + 600;
        events.push(ListenerEvent::ApplicationEnd(ApplicationEnd { timestamp, exit_code: Some(3) }));
    }
    events.iter().map(|event| event.to_line() + "\n").collect()
}

struct Served {
    server: UiServer,
    history: Arc<History>,
    _dir: tempfile::TempDir,
}

fn served(fill: impl FnOnce(&Path)) -> Served {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let dirs = vec![dir.path().to_str().unwrap().to_owned()];
    let config = HistoryConfig {
        dirs,
        retained_applications: 2,
        retained: Retained::default(),
        ..HistoryConfig::default()
    };
    let history = History::new(&config).unwrap();
    let routes = rest::routes(Arc::clone(&history) as _, Redaction::new(DEFAULT_PATTERN).unwrap());
    let server = serve_routes(&UiConfig { port: 0, ..UiConfig::default() }, routes).unwrap();
    Served { server, history, _dir: dir }
}

impl Served {
    fn get(&self, path: &str) -> (u16, String) {
        let answer = reqwest::blocking::get(format!("{}/api/v1/{path}", self.server.url())).unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    }

    fn json(&self, path: &str) -> Value {
        let (status, text) = self.get(path);
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

const BEGAN: i64 = 1_795_916_472_627;

fn two(dir: &Path) {
    std::fs::write(dir.join("app-1"), log("app-1", BEGAN, 30, true)).unwrap();
    std::fs::write(dir.join("app-2.inprogress"), log("app-2", BEGAN + 1000, 3, false)).unwrap();
    std::fs::write(dir.join("something else"), "hello").unwrap();
}

#[test]
fn applications_are_listed_and_chosen() {
    let served = served(two);
    let ids = |query: &str| {
        let listed = served.json(&format!("applications{query}"));
        listed
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(""), ["app-1", "app-2"]);
    assert_eq!(ids("?status=running"), ["app-2"]);
    assert_eq!(ids("?status=completed"), ["app-1"]);
    assert_eq!(ids("?limit=1"), ["app-1"]);
    assert_eq!(ids("?minDate=2026-11-29T01:41:13.000GMT"), ["app-2"]);
    assert_eq!(ids("?maxDate=2026-11-29T01:41:13.000GMT"), ["app-1"]);
    assert_eq!(ids("?maxEndDate=2026-11-29T02:00:00.000GMT"), ["app-1"]);
    let attempt = &served.json("applications/app-1")["attempts"][0];
    assert_eq!(attempt["endTime"], "2026-11-29T01:41:13.227GMT");
    assert_eq!((&attempt["duration"], &attempt["exitCode"]), (&json!(600), &json!(3)));
}

#[test]
fn what_is_not_there_is_said_in_spark_s_words() {
    let served = served(two);
    let asked = [
        ("applications/x", 404, "unknown app: x"),
        ("applications/x/jobs", 404, "no such app: x"),
        ("applications/app-1/7/jobs", 404, "no such app: app-1/7"),
        ("applications/app-1/7", 404, "unknown app app-1, attempt 7"),
        ("applications/app-1/jobs/9", 404, "unknown job: 9"),
        ("applications/app-1/jobs/x", 404, "/api/v1/applications/app-1/jobs/x"),
        ("applications/app-1/stages/9", 404, "unknown stage: 9"),
        ("applications/app-1/stages/0/9", 404, "unknown attempt for stage 0.  Found attempts: [0]"),
        ("applications/app-1/storage/rdd/9", 404, "no rdd found w/ id 9"),
        ("applications?minDate=x", 400, "Couldn't parse date: x"),
        (
            "applications/app-1/stages/0/0/taskSummary?quantiles=x",
            400,
            "Bad value for parameter \"quantiles\".  Expected a double, got \"x\"",
        ),
        (
            "applications/app-1/executors/driver/threads",
            503,
            "Thread dumps not available through the history server.",
        ),
        ("applications/app-1/executors/x/threads", 400, "Invalid executorId: neither 'driver' nor number."),
    ];
    for (path, status, text) in asked {
        assert_eq!(served.get(path), (status, text.to_owned()), "{path}");
    }
    for path in ["applications/app-1/jobs?status=x", "applications/app-1/stages/0/0/taskList?sortBy=x"] {
        assert_eq!(served.get(path).0, 404, "{path}");
    }
}

#[test]
fn tasks_come_by_pages() {
    let served = served(two);
    let ids = |query: &str| {
        let tasks = served.json(&format!("applications/app-1/stages/0/0/taskList{query}"));
        tasks.as_array().unwrap().iter().map(|task| task["taskId"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids(""), (0..20).collect::<Vec<_>>());
    assert_eq!(ids("?offset=28&length=10"), [28, 29]);
    assert_eq!(ids("?sortBy=-runtime&length=3"), [29, 28, 27]);
    assert_eq!(ids("?status=failed"), Vec::<i64>::new());
    let told = served.json("applications/app-1/stages/0/0/taskSummary?quantiles=0.5,1");
    assert_eq!(told["executorRunTime"], json!([15.0, 29.0]));
    assert_eq!(served.json("applications/app-1/stages/0")[0]["tasks"].as_object().unwrap().len(), 30);
}

#[test]
fn secrets_of_a_log_are_not_told() {
    let told = served(two).json("applications/app-1/environment");
    assert_eq!(
        told["sparkProperties"],
        json!([["spark.a", "b"], ["spark.my.secret", "*********(redacted)"]])
    );
}

#[test]
fn a_log_that_grows_is_read_again() {
    let served = served(two);
    assert_eq!(served.json("applications/app-2/jobs")[0]["status"], "RUNNING");
    let dir = served._dir.path();
    std::fs::write(dir.join("app-2.inprogress"), log("app-2", BEGAN + 1000, 3, true)).unwrap();
    std::fs::rename(dir.join("app-2.inprogress"), dir.join("app-2")).unwrap();
    served.history.refresh().unwrap();
    assert_eq!(served.json("applications/app-2/jobs")[0]["status"], "SUCCEEDED");
    assert_eq!(served.json("applications?status=running"), json!([]));
}

#[test]
fn more_applications_than_are_kept_are_shown() {
    let served = served(|dir| {
        for number in 0..10 {
            std::fs::write(dir.join(format!("app-{number}")), log(&format!("app-{number}"), BEGAN, 2, true))
                .unwrap();
        }
    });
    for number in (0..10).chain(0..10) {
        let job = &served.json(&format!("applications/app-{number}/jobs/0"));
        assert_eq!(job["numCompletedTasks"], 2);
    }
}

#[test]
fn lines_that_are_no_events_are_passed_over() {
    let served = served(|dir| {
        let whole = log("app-1", BEGAN, 4, true);
        let broken =
            whole.replacen("{\"Event\":\"SparkListenerTaskEnd\"", "{\"Event\":\"SparkListenerTaskEnd\",,", 1);
        let hostile =
            broken.replacen('\n', "\n\u{0}\n{\"Event\":\"SparkListenerJobEnd\",\"Job ID\":[[[[\n", 1);
        std::fs::write(dir.join("app-1"), hostile).unwrap();
    });
    let stage = &served.json("applications/app-1/stages")[0];
    assert_eq!((&stage["numCompleteTasks"], &stage["status"]), (&json!(3), &json!("COMPLETE")));
}

#[test]
fn changes_are_told_as_events() {
    let served = served(two);
    let url = format!("{}/api/v1/applications/app-1/events", served.server.url());
    let answer = reqwest::blocking::get(url).unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    // It ends by itself, since the application has ended.
    let lines: Vec<String> = BufReader::new(answer).lines().map_while(Result::ok).collect();
    let data = lines.iter().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let change: Value = serde_json::from_str(data).unwrap();
    assert_eq!((&change["completed"], &change["jobs"]), (&json!(true), &json!([])));
    let url = format!("{}/api/v1/applications/app-2/events", served.server.url());
    let mut lines = BufReader::new(reqwest::blocking::get(url).unwrap()).lines();
    let data = lines.find_map(|line| line.unwrap().strip_prefix("data: ").map(str::to_owned)).unwrap();
    let change: Value = serde_json::from_str(&data).unwrap();
    assert_eq!((&change["jobs"][0]["numCompletedTasks"], &change["completed"]), (&json!(3), &json!(false)));
}

#[test]
fn a_log_comes_as_an_archive() {
    let served = served(two);
    let url = format!("{}/api/v1/applications/app-1/logs", served.server.url());
    let answer = reqwest::blocking::get(url).unwrap();
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=eventLogs-app-1.zip");
    let bytes = answer.bytes().unwrap();
    let whole = log("app-1", BEGAN, 30, true);
    // A head of 30 bytes and the name, then the file as it is, then the directory.
    assert_eq!(&bytes[..4], b"PK\x03\x04");
    assert_eq!(&bytes[35..35 + whole.len()], whole.as_bytes());
    assert_eq!(&bytes[bytes.len() - 22..bytes.len() - 18], b"PK\x05\x06");
}
