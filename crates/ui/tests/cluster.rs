//! The pages of a standalone cluster's daemons: hostile names stay names, only links of the web are links, only own forms end
//! things, and logs are read in parts.

use firesteel_ui::{
    ClusterApplication, ClusterDriver, ClusterExecutor, ClusterWorker, LogPart, MasterRole, MasterSite,
    MasterView, ProcessView, SHORTEST_TOKEN, UiConfig, Unavailable, WorkerPageView, WorkerSite, WorkerState,
    serve_master, serve_worker,
};
use parking_lot::Mutex;
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const HOSTILE: &str = "\"><script>alert('x')</script>&amp;";

struct One {
    view: Mutex<MasterView>,
    revision: AtomicU64,
    killed: Mutex<Vec<String>>,
}

impl MasterSite for One {
    fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }

    fn view(&self) -> Result<MasterView, Unavailable> {
        Ok(self.view.lock().clone())
    }

    fn kill_application(&self, id: &str) -> Result<(), Unavailable> {
        self.killed.lock().push(format!("application {id}"));
        Ok(())
    }

    fn kill_driver(&self, id: &str) -> Result<(), Unavailable> {
        self.killed.lock().push(format!("driver {id}"));
        Ok(())
    }
}

fn worker(id: &str, pages: &str, state: WorkerState) -> ClusterWorker {
    ClusterWorker {
        id: id.into(),
        host: HOSTILE.into(),
        state,
        why: if state == WorkerState::Dead { HOSTILE.into() } else { String::new() },
        cores: 4,
        cores_used: 3,
        memory: 2048,
        memory_used: 1024,
        executors: 1,
        drivers: 1,
        last_heartbeat: 1_795_726_663_000,
        pages: Some(pages.into()),
    }
}

fn application(id: &str, pages: &str, ended_at: Option<i64>) -> ClusterApplication {
    let executor = ClusterExecutor {
        id: 7,
        worker: "worker-a".into(),
        cores: 3,
        memory: 1024,
        state: "RUNNING",
        why: HOSTILE.into(),
        ended_at,
    };
    ClusterApplication {
        id: id.into(),
        name: HOSTILE.into(),
        user: HOSTILE.into(),
        cores: 3,
        cores_max: None,
        memory_per_executor: 1024,
        submitted_at: 1_795_726_663_000,
        ended_at,
        state: if ended_at.is_some() { "FAILED" } else { "RUNNING" },
        why: HOSTILE.into(),
        pages: Some(pages.into()),
        executors: vec![executor],
    }
}

fn cluster() -> MasterView {
    let driver = ClusterDriver {
        id: "driver-1".into(),
        submitted_at: 1_795_726_663_000,
        worker: Some("worker-a".into()),
        attempt: 2,
        state: "RUNNING",
        cores: 1,
        memory: 512,
        is_supervised: true,
        why: HOSTILE.into(),
    };
    MasterView {
        url: format!("firesteel://{HOSTILE}:7077"),
        role: MasterRole::Leads,
        leader: None,
        epoch: 3,
        now: 1_795_726_673_000,
        workers: vec![
            worker("worker-a", "http://a:8081", WorkerState::Alive),
            worker(HOSTILE, "javascript:alert(1)", WorkerState::Alive),
            worker("worker-c", "http://c:8081", WorkerState::Dead),
        ],
        applications: vec![
            application("app-1", "http://driver:4040", None),
            application(HOSTILE, "javascript:alert(2)", None),
        ],
        ended_applications: vec![application("app-0", "http://old:4040", Some(1_795_726_670_000))],
        drivers: vec![driver],
        ended_drivers: vec![],
    }
}

fn config() -> UiConfig {
    UiConfig { port: 0, ..UiConfig::default() }
}

fn site() -> Arc<One> {
    Arc::new(One { view: Mutex::new(cluster()), revision: AtomicU64::new(0), killed: Mutex::default() })
}

fn client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

fn get(url: &str) -> Response {
    client().get(url).send().unwrap()
}

fn assert_inert(page: &str) {
    assert!(!page.contains("<script>") && !page.contains("javascript:"), "{page}");
}

#[test]
fn hostile_names_stay_names_and_links_lead_only_to_the_web() {
    let server = serve_master(&config(), site()).unwrap();
    let first = get(server.url()).text().unwrap();
    assert_inert(&first);
    assert!(first.contains("alert"), "the names are shown");
    assert!(
        first.contains("href=\"http://a:8081\"") && first.contains("href=\"http://driver:4040\""),
        "{first}"
    );
    assert!(
        !first.contains("href=\"http://c:8081\"") && !first.contains("http://old:4040"),
        "what is gone is no link"
    );
    assert!(
        first.contains("http://a:8081/logPage/?driverId=driver-1&#38;attempt=2&#38;logType=stderr"),
        "{first}"
    );
    for id in ["app-1", "app-0", "%22%3E%3Cscript%3Ealert(%27x%27)%3C%2Fscript%3E%26amp%3B"] {
        let page = get(&format!("{}/app/?appId={id}", server.url()));
        assert_eq!(page.status(), StatusCode::OK, "{id}");
        assert_inert(&page.text().unwrap());
    }
    let unknown = get(&format!("{}/app/?appId=<script>", server.url()));
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_inert(&unknown.text().unwrap());
}

#[test]
fn json_and_metrics_have_sparks_names() {
    let server = serve_master(&config(), site()).unwrap();
    let told: serde_json::Value =
        serde_json::from_str(&get(&format!("{}/json/", server.url())).text().unwrap()).unwrap();
    assert_eq!(
        (&told["aliveworkers"], &told["cores"], &told["coresused"]),
        (&2.into(), &8.into(), &6.into())
    );
    assert_eq!(
        (&told["memory"], &told["memoryused"], &told["status"]),
        (&4096.into(), &2048.into(), &"ALIVE".into())
    );
    assert_eq!(
        (&told["workers"][2]["state"], &told["workers"][1]["webuiaddress"]),
        (&"DEAD".into(), &"".into())
    );
    assert_eq!(
        (&told["activeapps"][0]["duration"], &told["completedapps"][0]["duration"]),
        (&10_000.into(), &7_000.into())
    );
    assert_eq!(told["activedrivers"][0]["worker"], "worker-a");
    let text = get(&format!("{}/json/", server.url())).text().unwrap();
    let places =
        ["\"url\"", "\"workers\"", "\"coresfree\"", "\"aliveworkers\"", "\"activeapps\"", "\"status\""];
    assert!(places.map(|name| text.find(name).unwrap()).is_sorted(), "in Spark's order: {text}");
    assert_eq!(
        get(&format!("{}/json/aliveworkers", server.url())).text().unwrap(),
        "{\n  \"aliveworkers\" : 2\n}"
    );
    let none = get(&format!("{}/json/<b>", server.url()));
    assert_eq!(none.headers()["content-type"], "application/json");
    for path in ["/metrics/prometheus", "/metrics/master/prometheus/"] {
        let text = get(&format!("{}{path}", server.url())).text().unwrap();
        assert!(text.contains("metrics_master_workers_Value{type=\"gauges\"} 2\n"), "{text}");
        assert!(text.contains("metrics_master_apps_Value{type=\"gauges\"} 2\n"), "{text}");
    }
}

#[test]
fn only_a_form_of_the_masters_pages_ends_something() {
    let site = site();
    let server = serve_master(&config(), site.clone()).unwrap();
    let page = get(server.url()).text().unwrap();
    let token = page.split_once("name=\"form_token\" value=\"").unwrap().1.split('"').next().unwrap();
    let post = |path: &str, body: String, from: &str| {
        let request = client().post(format!("{}{path}", server.url())).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.header("sec-fetch-site", from).send().unwrap().status()
    };
    assert_eq!(post("/app/kill/", "id=app-1".into(), "same-origin"), StatusCode::FORBIDDEN);
    assert_eq!(
        post("/driver/kill/", "id=driver-1&form_token=x".into(), "same-origin"),
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        post("/app/kill/", format!("id=app-1&form_token={token}"), "cross-site"),
        StatusCode::FORBIDDEN
    );
    assert!(site.killed.lock().is_empty());
    assert_eq!(
        post("/app/kill/", format!("id=app-1&form_token={token}"), "same-origin"),
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        post("/driver/kill/", format!("id=driver-1&form_token={token}"), "same-origin"),
        StatusCode::SEE_OTHER
    );
    assert_eq!(*site.killed.lock(), ["application app-1", "driver driver-1"]);
    let no_kills = UiConfig { is_kill_enabled: false, ..config() };
    let server = serve_master(&no_kills, site).unwrap();
    assert!(!get(server.url()).text().unwrap().contains("<form"));
}

#[test]
fn a_page_waits_for_news() {
    let site = site();
    let server = serve_master(&config(), site.clone()).unwrap();
    let first = get(server.url()).text().unwrap();
    assert!(first.contains("data-revision=\"0\""));
    let url = server.url().to_owned();
    let waiting = std::thread::spawn(move || {
        client()
            .get(url)
            .header("Firesteel-Since", "0")
            .timeout(Duration::from_secs(60))
            .send()
            .unwrap()
            .text()
            .unwrap()
    });
    site.view.lock().applications.clear();
    site.revision.store(1, Ordering::Relaxed);
    let next = waiting.join().unwrap();
    assert!(next.contains("data-revision=\"1\"") && next.contains("No application runs."), "{next}");
}

#[test]
fn whoever_needs_a_token_sees_nothing_without() {
    let token = "t".repeat(SHORTEST_TOKEN);
    let closed = UiConfig { token: Some(token.clone()), ..config() };
    let server = serve_master(&closed, site()).unwrap();
    for path in ["/", "/app/?appId=app-1", "/json/", "/metrics/prometheus", "/app/kill/"] {
        let answer = get(&format!("{}{path}", server.url()));
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert!(!answer.text().unwrap().contains("app-1"));
    }
    let right = client().get(server.url()).bearer_auth(token).send().unwrap();
    assert_eq!(right.status(), StatusCode::OK);
}

/// A worker with one executor, which wrote this.
struct Wrote(Mutex<Vec<u8>>);

impl WorkerSite for Wrote {
    fn revision(&self) -> u64 {
        1
    }

    fn view(&self) -> Result<WorkerPageView, Unavailable> {
        let process = |owner: &str, is_driver| ProcessView {
            owner: owner.into(),
            number: 0,
            is_driver,
            application_name: HOSTILE.into(),
            user: HOSTILE.into(),
            cores_max: None,
            cores: 1,
            memory: 512,
            started_at: 1_795_726_663_000,
            ended_at: None,
            state: "RUNNING",
            why: HOSTILE.into(),
        };
        Ok(WorkerPageView {
            id: "worker-a".into(),
            master: format!("firesteel://{HOSTILE}"),
            is_connected: true,
            master_pages: Some("javascript:alert(1)".into()),
            is_decommissioned: false,
            now: 1_795_726_673_000,
            cores: 2,
            cores_used: 1,
            memory: 1024,
            memory_used: 512,
            running: vec![process("app-1", false), process("driver-1", true)],
            ended: vec![],
        })
    }

    fn log(
        &self,
        of: &ProcessView,
        _: &'static str,
        offset: Option<u64>,
        most: usize,
    ) -> Result<LogPart, Unavailable> {
        assert!(["app-1", "driver-1"].contains(&of.owner.as_str()), "only known processes are asked for");
        let all = self.0.lock();
        let start =
            offset.map_or(all.len().saturating_sub(most), |offset| offset.min(all.len() as u64) as usize);
        let end = (start + most).min(all.len());
        Ok(LogPart::of(&all[start..end], start as u64, all.len() as u64))
    }
}

#[test]
fn a_workers_pages_show_what_runs_and_parts_of_what_it_wrote() {
    let site = Arc::new(Wrote(Mutex::new([HOSTILE.as_bytes(), &[b'x'; 300_000], b"\xff the end"].concat())));
    let server = serve_worker(&config(), site.clone()).unwrap();
    let first = get(server.url()).text().unwrap();
    assert_inert(&first);
    let log = format!("{}/logPage/?appId=app-1&executorId=0&logType=stdout", server.url());
    let last = get(&log).text().unwrap();
    assert!(first.contains("/logPage/?appId=app-1&#38;executorId=0&#38;logType=stdout"), "{first}");
    assert!(last.contains("the end") && last.contains("Before") && !last.contains("After"), "the last part");
    assert!(last.len() < 120_000 && last.contains("data-tail"), "{}", last.len());
    let begin = get(&format!("{log}&offset=0")).text().unwrap();
    assert_inert(&begin);
    assert!(begin.contains("alert") && begin.contains("After") && !begin.contains("data-revision"));
    let beyond = get(&format!("{log}&offset=18446744073709551615")).text().unwrap();
    assert!(beyond.contains("Before"));
    for stranger in [
        "appId=..%2Fapp-1&executorId=0",
        "appId=app-1&executorId=1",
        "appId=app-1&executorId=..",
        "driverId=app-1",
        "",
    ] {
        let none = get(&format!("{}/logPage/?{stranger}", server.url()));
        assert_eq!(none.status(), StatusCode::NOT_FOUND, "{stranger}");
    }
    assert_eq!(get(&format!("{}/logPage/?driverId=driver-1", server.url())).status(), StatusCode::OK);
    // News of a log are its bytes.
    let revision = last.split_once("data-revision=\"").unwrap().1.split('"').next().unwrap().to_owned();
    site.0.lock().extend_from_slice(b" and more");
    let more = client()
        .get(&log)
        .header("Firesteel-Since", revision)
        .timeout(Duration::from_secs(60))
        .send()
        .unwrap();
    assert!(more.text().unwrap().contains("the end and more"));
    let told: serde_json::Value =
        serde_json::from_str(&get(&format!("{}/json", server.url())).text().unwrap()).unwrap();
    assert_eq!((&told["coresused"], &told["executors"][0]["appid"]), (&1.into(), &"app-1".into()));
    assert_eq!((&told["masterwebuiurl"], told["executors"].as_array().unwrap().len()), (&"".into(), 1));
}
