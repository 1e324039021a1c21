//! The pages of a standalone cluster's daemons: routes, and the order in which a page is made.
//!
//! They follow what happens as the pages of applications do, and are made from one look at the daemon.

mod application;
mod log;
mod master;
mod shared;
mod worker;

use crate::cluster::{MasterSite, MasterView, ProcessView, WorkerSite};
use crate::pages::answers::{answer, carry_out, since};
use crate::pages::fresh::{Fresh, has_changed};
use crate::pages::log_window::PART;
use crate::pages::looking::{Fields, NoPage};
use crate::prometheus::{TEXT, cluster as metrics};
use crate::rest::cluster as json;
use crate::server::access::Access as Door;
use crate::site::Unavailable;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;

/// A master's pages.
struct Master {
    site: Arc<dyn MasterSite>,
    door: Arc<Door>,
    is_kill_enabled: bool,
    fresh: Fresh,
}

/// A worker's pages.
struct Worker {
    site: Arc<dyn WorkerSite>,
    fresh: Fresh,
}

/// Returns the routes of a master.
pub(crate) fn master_routes(site: Arc<dyn MasterSite>, door: Arc<Door>, is_kill_enabled: bool) -> Router {
    let pages = Arc::new(Master { site, door, is_kill_enabled, fresh: Fresh::default() });
    let mut router =
        Router::new().route("/", get(master_page)).route("/json/{field}", get(master_json_field));
    for path in ["/app", "/app/"] {
        router = router.route(path, get(application_page));
    }
    for path in ["/json", "/json/"] {
        router = router.route(path, get(master_json));
    }
    for path in ["/metrics/prometheus", "/metrics/master/prometheus"] {
        router = router.route(path, get(master_metrics)).route(&format!("{path}/"), get(master_metrics));
    }
    router
        .route("/app/kill/", post(kill_application))
        .route("/driver/kill/", post(kill_driver))
        .fallback(unknown)
        .with_state(pages)
}

/// Returns the routes of a worker.
pub(crate) fn worker_routes(site: Arc<dyn WorkerSite>) -> Router {
    let pages = Arc::new(Worker { site, fresh: Fresh::default() });
    let mut router =
        Router::new().route("/", get(worker_page)).route("/json/{field}", get(worker_json_field));
    for path in ["/logPage", "/logPage/"] {
        router = router.route(path, get(log_page));
    }
    for path in ["/json", "/json/"] {
        router = router.route(path, get(worker_json));
    }
    for path in ["/metrics/prometheus", "/metrics/prometheus/"] {
        router = router.route(path, get(worker_metrics));
    }
    router.fallback(unknown).with_state(pages)
}

async fn unknown() -> NoPage {
    NoPage::Unknown("There is no such page.".into())
}

/// Answers with a page: waits for news if the request asks for them, and hands out one that was made a moment ago.
async fn page(
    (uri, headers): (Uri, HeaderMap),
    fresh: &Fresh,
    revision: impl Fn() -> u64,
    make: impl FnOnce() -> Result<String, NoPage> + Send + 'static,
) -> Response {
    if let Some(since) = since(&headers) {
        // Durations on the page grow also when nothing happens, so it is made anew in any case.
        has_changed(&revision, since).await;
    }
    let (key, now) = (uri.to_string(), revision());
    if let Some(text) = fresh.get_same(&key, now) {
        return answer(text, false);
    }
    match tokio::task::spawn_blocking(make).await {
        Ok(Ok(text)) => answer(fresh.put(key, now, false, text), false),
        Ok(Err(why)) => why.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Makes an answer on a thread that may wait.
async fn made(make: impl FnOnce() -> Result<Response, Unavailable> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(make).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(why)) => (StatusCode::SERVICE_UNAVAILABLE, why.0).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn master_page(State(pages): State<Arc<Master>>, uri: Uri, headers: HeaderMap) -> Response {
    pages.page((uri, headers), master::make).await
}

async fn application_page(
    State(pages): State<Arc<Master>>,
    Query(fields): Query<Fields>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let id = fields.get("appId").cloned().unwrap_or_default();
    pages
        .page((uri, headers), move |view, kills, revision| application::make(view, &id, kills, revision))
        .await
}

async fn master_json(State(pages): State<Arc<Master>>) -> Response {
    made(move || Ok(json::master(&pages.site.view()?, None))).await
}

async fn master_json_field(State(pages): State<Arc<Master>>, Path(field): Path<String>) -> Response {
    made(move || Ok(json::master(&pages.site.view()?, Some(&field)))).await
}

async fn master_metrics(State(pages): State<Arc<Master>>) -> Response {
    made(move || Ok(figures(metrics::master_text(&pages.site.view()?)))).await
}

fn figures(text: String) -> Response {
    ([(header::CONTENT_TYPE, TEXT)], text).into_response()
}

/// The form by which an application or a driver is ended.
#[derive(serde::Deserialize)]
struct KillForm {
    #[serde(default)]
    form_token: String,
    id: String,
}

async fn kill_application(State(pages): State<Arc<Master>>, Form(form): Form<KillForm>) -> Response {
    pages.kill(form, |site, id| site.kill_application(id)).await
}

async fn kill_driver(State(pages): State<Arc<Master>>, Form(form): Form<KillForm>) -> Response {
    pages.kill(form, |site, id| site.kill_driver(id)).await
}

impl Master {
    /// Returns the text that forms hold by which something is ended; none if that is not allowed.
    fn kills(&self) -> Option<&str> {
        self.is_kill_enabled.then(|| self.door.form_token())
    }

    /// Answers with a page that is made from one look at the master.
    async fn page(
        self: Arc<Self>,
        request: (Uri, HeaderMap),
        make: impl FnOnce(&MasterView, Option<&str>, u64) -> Result<String, NoPage> + Send + 'static,
    ) -> Response {
        let here = Arc::clone(&self);
        let make = move || {
            // Before the view: news that come between the two are shown, and asked for once more.
            let revision = here.site.revision();
            make(&here.site.view()?, here.kills(), revision)
        };
        page(request, &self.fresh, || self.site.revision(), make).await
    }

    /// Carries out what a form asks for.
    async fn kill(
        self: Arc<Self>,
        form: KillForm,
        kill: fn(&dyn MasterSite, &str) -> Result<(), Unavailable>,
    ) -> Response {
        let (site, id) = (Arc::clone(&self.site), form.id);
        let kill = move || kill(site.as_ref(), &id);
        carry_out(&self.door, &form.form_token, self.is_kill_enabled, "/", kill).await
    }
}

async fn worker_page(State(pages): State<Arc<Worker>>, uri: Uri, headers: HeaderMap) -> Response {
    let here = Arc::clone(&pages);
    page(
        (uri, headers),
        &pages.fresh,
        || pages.site.revision(),
        move || {
            let revision = here.site.revision();
            worker::make(&here.site.view()?, revision)
        },
    )
    .await
}

async fn log_page(
    State(pages): State<Arc<Worker>>,
    Query(fields): Query<Fields>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = log::Asked::of(&fields);
    let looked_up = {
        let (pages, asked) = (Arc::clone(&pages), asked.clone());
        tokio::task::spawn_blocking(move || pages.process(&asked)).await
    };
    let process = match looked_up {
        Ok(Ok(process)) => process,
        Ok(Err(why)) => return why.into_response(),
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let (site, of, which) = (Arc::clone(&pages.site), process.clone(), asked.which);
    // News are bytes: the length of the file is looked at, which takes no part of it into memory.
    let length = move || site.log(&of, which, Some(u64::MAX), 0).map_or(0, |part| part.length);
    let here = Arc::clone(&pages);
    page((uri, headers), &pages.fresh, length, move || {
        let part = here.site.log(&process, asked.which, asked.offset, PART);
        log::make(&here.site.view()?, &process, &asked, part)
    })
    .await
}

impl Worker {
    /// Finds the process that an address names: it must be one that this worker runs or ran, so that the address chooses among
    /// known files and never makes a path.
    fn process(&self, asked: &log::Asked) -> Result<ProcessView, NoPage> {
        let view = self.site.view()?;
        let found = view.running.into_iter().chain(view.ended).find(|process| asked.is(process));
        found.ok_or_else(|| NoPage::Unknown("This worker runs and ran no such executor or driver.".into()))
    }
}

async fn worker_json(State(pages): State<Arc<Worker>>) -> Response {
    made(move || Ok(json::worker_state(&pages.site.view()?, None))).await
}

async fn worker_json_field(State(pages): State<Arc<Worker>>, Path(field): Path<String>) -> Response {
    made(move || Ok(json::worker_state(&pages.site.view()?, Some(&field)))).await
}

async fn worker_metrics(State(pages): State<Arc<Worker>>) -> Response {
    made(move || Ok(figures(metrics::worker_text(&pages.site.view()?)))).await
}
