//! The pages as a client gets them: what they show, what they hide, what they cost.

#[path = "../examples/show/shown.rs"]
mod shown;
#[path = "../examples/show/synthetic.rs"]
mod synthetic;

use firesteel_events::{ApplicationEnd, ListenerEvent};
use firesteel_status::store::Store;
use firesteel_ui::{
    Actions, Explain, SampleAsk, SampledStack, Samples, Site, UiConfig, UiServer, Unavailable, start,
};
use parking_lot::Mutex;
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use shown::{One, Shown, fold, now};
use std::sync::{Arc, RwLock};
use synthetic::{Events, HOSTILE};

/// The pages of an application, without those of one stage or job.
const PATHS: [&str; 6] = ["/", "/jobs/", "/stages/", "/storage/", "/environment/", "/executors/"];

/// Remembers what it was told to do.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Actions for Told {
    fn kill_job(&self, job: i64) -> Result<(), Unavailable> {
        self.0.lock().push(format!("job {job}"));
        Ok(())
    }

    fn sample(&self, ask: &SampleAsk) -> Result<Samples, Unavailable> {
        self.0.lock().push(format!("{ask:?}"));
        let frames = ["<module> (a.py:1)", "f;g (a.py:2)", HOSTILE].map(String::from).into();
        let stacks = vec![SampledStack { stage: Some(0), frames, count: 7 }];
        Ok(Samples { stacks, rounds: 20, idle: 3, took_ms: 1000 })
    }

    fn is_there(&self) -> bool {
        true
    }
}

struct Sentences;

impl Explain for Sentences {
    fn stage(&self, _store: &Store, _now: i64, stage: i64, _attempt: i64) -> Vec<String> {
        vec![format!("Stage {stage} is skewed {HOSTILE}")]
    }

    fn job(&self, _store: &Store, _now: i64, _job: i64) -> Vec<String> {
        vec![]
    }
}

struct Served {
    server: UiServer,
    shown: Arc<Shown>,
    told: Arc<Told>,
}

fn serve(events: Events, config: UiConfig) -> Served {
    let store = fold(events.all.into_iter().map(|(_, event)| event));
    let shown = Arc::new(Shown(RwLock::new(store)));
    let told = Arc::new(Told::default());
    let mut site = Site::new(Arc::new(One(Arc::clone(&shown))));
    site.actions = Arc::clone(&told) as Arc<dyn Actions>;
    site.explainer = Some(Arc::new(Sentences));
    let server = start(&UiConfig { port: 0, ..config }, site, Default::default()).unwrap();
    Served { server, shown, told }
}

impl Served {
    fn get(&self, path: &str) -> Response {
        Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .get(format!("{}{path}", self.server.url()))
            .send()
            .unwrap()
    }

    fn page(&self, path: &str) -> String {
        let response = self.get(path);
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().unwrap()
    }
}

fn running() -> Events {
    let mut events = synthetic::running(1_795_916_471_000, 1);
    // One job, in the middle of it.
    let middle = events.all.len() / 2;
    events.all.truncate(middle);
    events
}

#[test]
fn every_page_of_every_application_is_there() {
    let applications =
        [running(), synthetic::failing(1_795_916_471_000), synthetic::finished(1_795_916_471_000)];
    for events in applications {
        let served = serve(events, UiConfig::default());
        for path in PATHS {
            served.page(path);
        }
        for path in
            ["/jobs/job/?id=0", "/stages/stage/?id=0&attempt=0", "/stages/stage/?id=0", "/stages/stage?id=0"]
        {
            served.page(path);
        }
        assert_eq!(served.get("/jobs/job/?id=77").status(), StatusCode::NOT_FOUND);
        assert_eq!(served.get("/jobs/job/?id=x").status(), StatusCode::BAD_REQUEST);
        assert_eq!(served.get("/nothing").status(), StatusCode::NOT_FOUND);
        assert_eq!(served.get("/api/v1/applications").status(), StatusCode::OK);
    }
}

#[test]
fn names_are_escaped_and_secrets_are_left_out() {
    let served = serve(synthetic::failing(1_795_916_471_000), UiConfig::default());
    let stage = "/stages/stage/?id=4&attempt=0&show=FAILED&sort=%3Cscript%3E&page=%22%3E%3Cscript%3E";
    for path in PATHS.into_iter().chain(["/jobs/job/?id=1", stage, "/environment/?search=%3Cscript%3E"]) {
        let page = served.page(path);
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{path}");
        assert!(!page.contains("never-shown"), "{path}");
    }
    let page = served.page(stage);
    assert!(page.contains("Stage 4 is skewed &#60;/title&#62;"), "the explanation is there, as text");
    assert!(page.contains("ValueError: could not convert string to float"), "so is the traceback");
    assert!(served.page("/executors/").contains("Killed by the kernel"), "and why the executor was lost");
}

#[test]
fn samples_are_taken_only_if_asked_for_and_their_frames_are_text() {
    let served = serve(running(), UiConfig::default());
    let asked = || std::mem::take(&mut *served.told.0.lock());
    let page = served.page("/executors/flameGraph/?executorId=1");
    assert!(
        page.contains("Take samples") && !page.contains("class=\"flame\""),
        "nobody is asked by opening the page"
    );
    assert!(asked().is_empty());
    let page = served.page("/executors/flameGraph/?executorId=1&stage=0&seconds=900");
    assert_eq!(asked(), [r#"SampleAsk { executor: Some("1"), stage: Some(0), seconds: 60 }"#]);
    assert!(page.contains("class=\"flame\"") && page.contains("tabindex=\"0\""), "{page}");
    assert!(
        !page.contains("<script>alert") && !page.contains("<img src=x") && !page.contains("style=\""),
        "{page}"
    );
    assert!(page.contains("7 stacks of slots that ran tasks, in 20 rounds over 1.0 s."), "{page}");
    let folded = served.get("/executors/flameGraph/?seconds=1&format=folded");
    assert_eq!(folded.headers()["content-type"], "text/plain; charset=utf-8");
    let folded = folded.text().unwrap();
    assert_eq!(folded.lines().count(), 1, "{folded}");
    assert!(
        folded.starts_with("stage 0") && folded.contains(";f:g (a.py:2);") && folded.ends_with(" 7\n"),
        "{folded}"
    );
    assert_eq!(served.get("/executors/flameGraph/?format=folded").status(), StatusCode::BAD_REQUEST);
    asked();
    let client = Client::builder().no_proxy().build().unwrap();
    let from_elsewhere =
        client.get(format!("{}/executors/flameGraph/?seconds=60&of=strangers", served.server.url()));
    let page = from_elsewhere.header("sec-fetch-site", "cross-site").send().unwrap().text().unwrap();
    assert!(page.contains("Take samples") && asked().is_empty(), "a stranger's page has no samples taken");
    let unknown = served.page("/executors/flameGraph/?executorId=%3Cb%3E&seconds=1");
    assert!(
        unknown.contains("while their application runs") && !unknown.contains("<b>&seconds"),
        "{unknown}"
    );
    assert!(asked().is_empty(), "of an executor that there is not");
}

#[test]
fn a_job_is_cancelled_by_a_form_of_its_own_page_only() {
    let served = serve(running(), UiConfig::default());
    let page = served.page("/jobs/job/?id=0");
    let text = page.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let send = |body: String| {
        let policy = reqwest::redirect::Policy::none();
        let client = Client::builder().no_proxy().redirect(policy).build().unwrap();
        let request = client.post(format!("{}/jobs/job/kill/", served.server.url()));
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .unwrap()
            .status()
    };
    assert_eq!(send("id=0".into()), StatusCode::FORBIDDEN);
    assert_eq!(send("id=0&form_token=0".into()), StatusCode::FORBIDDEN);
    assert!(served.told.0.lock().is_empty());
    assert_eq!(send(format!("id=0&form_token={text}")), StatusCode::SEE_OTHER);
    assert_eq!(*served.told.0.lock(), ["job 0"]);
    assert_eq!(served.get("/jobs/job/kill/").status(), StatusCode::METHOD_NOT_ALLOWED);

    let forbidden = serve(running(), UiConfig { is_kill_enabled: false, ..UiConfig::default() });
    assert!(!forbidden.page("/jobs/job/?id=0").contains("form_token"));
    let ended = serve(synthetic::finished(1_795_916_471_000), UiConfig::default());
    assert!(!ended.page("/jobs/job/?id=0").contains("form_token"));
}

#[test]
fn fifty_readers_are_told_when_something_happens() {
    let served = serve(running(), UiConfig::default());
    let revision = |page: &str| {
        page.split("data-revision=\"").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned())
    };
    let before = revision(&served.page("/")).unwrap();
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..50)
            .map(|_| {
                scope.spawn(|| {
                    let client = Client::builder().no_proxy().build().unwrap();
                    let ask = client.get(served.server.url()).header("firesteel-since", &before);
                    ask.send().unwrap().text().unwrap()
                })
            })
            .collect();
        let end = ApplicationEnd { timestamp: now(), exit_code: None };
        served.shown.0.write().unwrap().apply(&ListenerEvent::ApplicationEnd(end));
        for reader in readers {
            let page = reader.join().unwrap();
            // One that has ended is not followed any more. A page of the moment before may be handed out again.
            assert!(revision(&page).is_none_or(|after| after >= before), "{page}");
        }
    });
    assert!(revision(&served.page("/?x=1")).is_none());
}

#[test]
fn a_page_does_not_grow_with_the_tasks() {
    let served = serve(synthetic::giant(1_795_916_471_000, 20_000, 400), UiConfig::default());
    for path in
        PATHS.into_iter().chain(["/stages/stage/?id=0&attempt=0&sort=duration&desc=1", "/jobs/job/?id=0"])
    {
        let page = served.page(path);
        assert!(page.len() < 200_000, "{path}: {}", page.len());
    }
    let last = served.page("/stages/stage/?id=0&attempt=0&sort=duration&desc=1&page=200");
    assert!(last.contains("Page 200 of 200") && last.matches("<tr>").count() < 160);
}
