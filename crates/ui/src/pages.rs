//! The pages: routes, the frame around each page, and the order in which one is made.
//!
//! A page is made from the store while nobody changes it, on a thread that serves nobody else, as one text. It follows its
//! application by asking again with the header `Firesteel-Since`: the answer waits until the store has changed. Pages
//! that were made a moment ago are handed out again, so fifty readers cost what one costs.

mod applications;
mod bands;
mod dag;
mod environment;
mod executors;
mod fresh;
mod format;
mod frame;
mod graph;
mod job;
mod jobs;
mod logs;
mod markup;
mod overview;
mod paging;
mod rows;
mod stage;
mod stages;
mod storage;
mod streams;
mod timeline;

use crate::redact::Redaction;
use crate::server::access::Access as Door;
use crate::site::{Site, Unavailable};
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use firesteel_status::store::{ApplicationsAsk, OpenError};
use frame::{Frame, Here, Tab};
use fresh::Fresh;
use paging::Ask;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The header by which a page asks for news, and the name of the revision in it.
const SINCE: &str = "firesteel-since";

/// All that pages are made with.
pub(crate) struct Pages {
    site: Site,
    door: Arc<Door>,
    redaction: Redaction,
    is_kill_enabled: bool,
    fresh: Fresh,
}

/// The query of an address.
type Fields = BTreeMap<String, String>;

/// The reason why there is no page.
enum NoPage {
    /// There is no such application, job, stage, ...
    Unknown(String),
    /// It is refused, or not to be had.
    Refused(StatusCode, String),
    /// A template has failed.
    Broken(askama::Error),
}

impl From<askama::Error> for NoPage {
    fn from(error: askama::Error) -> Self {
        NoPage::Broken(error)
    }
}

/// A kind of page, with what its address names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Overview,
    Jobs,
    Job,
    Stages,
    Stage,
    Storage,
    Rdd,
    Environment,
    Executors,
    Threads,
    Log,
}

const KINDS: [(&str, Kind); 11] = [
    ("/", Kind::Overview),
    ("/jobs/", Kind::Jobs),
    ("/jobs/job/", Kind::Job),
    ("/stages/", Kind::Stages),
    ("/stages/stage/", Kind::Stage),
    ("/storage/", Kind::Storage),
    ("/storage/rdd/", Kind::Rdd),
    ("/environment/", Kind::Environment),
    ("/executors/", Kind::Executors),
    ("/executors/threadDump/", Kind::Threads),
    ("/executors/log/", Kind::Log),
];

/// Returns the routes of all pages.
pub(crate) fn routes(site: Site, door: Arc<Door>, redaction: Redaction, is_kill_enabled: bool) -> Router {
    let is_history = site.applications.is_history();
    let pages = Arc::new(Pages { site, door, redaction, is_kill_enabled, fresh: Fresh::default() });
    let mut router = Router::new();
    for (path, kind) in KINDS {
        // Both forms of an address lead to the page, as with Spark.
        let forms = [path, path.trim_end_matches('/')];
        for form in forms {
            let live = kind.clone();
            if !is_history && !form.is_empty() {
                let serve = move |State(pages): State<Arc<Pages>>, fields: Query<Fields>, uri: Uri, headers: HeaderMap| {
                    page(pages, live, Here::running(), fields.0, uri, headers)
                };
                router = router.route(form, get(serve));
            }
            let one = kind.clone();
            let serve = move |State(pages): State<Arc<Pages>>,
                              Path(id): Path<String>,
                              fields: Query<Fields>,
                              uri: Uri,
                              headers: HeaderMap| {
                page(pages, one, Here::of(id, None), fields.0, uri, headers)
            };
            router = router.route(&format!("/history/{{id}}{form}"), get(serve));
            let attempt = kind.clone();
            let serve = move |State(pages): State<Arc<Pages>>,
                              Path((id, number)): Path<(String, String)>,
                              fields: Query<Fields>,
                              uri: Uri,
                              headers: HeaderMap| {
                page(pages, attempt, Here::of(id, Some(number)), fields.0, uri, headers)
            };
            router = router.route(&format!("/history/{{id}}/{{attempt}}{form}"), get(serve));
        }
    }
    if is_history {
        router = router.route("/", get(list)).route("/history/", get(list));
    } else {
        router = router
            .route("/jobs/job/kill/", post(kill_job))
            .route("/stages/stage/kill/", post(kill_stage));
    }
    router.fallback(unknown).with_state(pages)
}

/// Makes a page and answers with it.
async fn page(
    pages: Arc<Pages>,
    kind: Kind,
    here: Here,
    fields: Fields,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let since = headers.get(SINCE).and_then(|since| since.to_str().ok()).and_then(|since| since.parse().ok());
    let opened = {
        let (pages, here) = (Arc::clone(&pages), here.clone());
        // A history server may have to read a log first.
        tokio::task::spawn_blocking(move || pages.open(&here)).await
    };
    let access = match opened {
        Ok(Ok(access)) => access,
        Ok(Err(why)) => return pages.no_page(why),
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    if let Some(since) = since
        && !fresh::is_news(access.as_ref(), since).await
    {
        return StatusCode::NO_CONTENT.into_response();
    }
    let key = uri.to_string();
    if let Some(text) = pages.fresh.get(&key, access.revision()) {
        return html(text);
    }
    let made = tokio::task::spawn_blocking(move || {
        let mut made = Err(NoPage::Unknown("no such page".into()));
        let actions = pages.site.actions.as_ref();
        let asked = logs::Asked::of(actions, access.as_ref(), &kind, here.is_running, &fields);
        access.look(&mut |store, now| {
            let view = Looking { pages: &pages, here: &here, fields: &fields, asked: &asked, store, now };
            let frame = Frame::new(&view, &kind);
            made = view.make(&kind, frame).map(|text| (text, store.revision(), store.has_ended()));
        });
        match made {
            Ok((text, revision, has_ended)) => html(pages.fresh.put(key, revision, has_ended, text)),
            Err(why) => pages.no_page(why),
        }
    });
    made.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn html(text: Arc<str>) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text.to_string()).into_response()
}

/// Makes the page of all applications.
async fn list(State(pages): State<Arc<Pages>>, Query(fields): Query<Fields>) -> Response {
    let applications = Arc::clone(&pages.site.applications);
    let made = tokio::task::spawn_blocking(move || applications::make(applications.as_ref(), &fields)).await;
    match made {
        Ok(Ok(text)) => html(text.into()),
        Ok(Err(error)) => pages.no_page(error.into()),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn unknown(State(pages): State<Arc<Pages>>) -> Response {
    pages.no_page(NoPage::Unknown("There is no such page.".into()))
}

/// An application while a page is made from it.
struct Looking<'a> {
    pages: &'a Pages,
    here: &'a Here,
    fields: &'a Fields,
    asked: &'a logs::Asked,
    store: &'a firesteel_status::store::Store,
    now: i64,
}

impl Looking<'_> {
    fn view(&self) -> firesteel_status::store::View<'_> {
        self.store.at(self.now)
    }

    fn ask(&self) -> Ask {
        Ask::of(self.fields)
    }

    /// Returns a number that the address names.
    fn number(&self, name: &str) -> Result<i64, NoPage> {
        let number = self.fields.get(name).and_then(|text| text.parse().ok());
        number.ok_or_else(|| NoPage::Refused(StatusCode::BAD_REQUEST, format!("The address lacks a number: {name}=")))
    }

    /// Tells if pages offer to end something: it runs here, and that is allowed.
    fn can_kill(&self) -> bool {
        self.pages.is_kill_enabled && self.has_actions()
    }

    /// Tells if threads and logs can be looked into.
    fn has_actions(&self) -> bool {
        self.here.is_running && self.pages.site.actions.is_there() && !self.store.has_ended()
    }

    fn make(&self, kind: &Kind, frame: Frame) -> Result<String, NoPage> {
        match kind {
            Kind::Overview => overview::make(self, frame),
            Kind::Jobs => jobs::make(self, frame),
            Kind::Job => job::make(self, frame),
            Kind::Stages => stages::make(self, frame),
            Kind::Stage => stage::make(self, frame),
            Kind::Storage => storage::make(self, frame),
            Kind::Rdd => storage::make_rdd(self, frame),
            Kind::Environment => environment::make(self, frame),
            Kind::Executors => executors::make(self, frame),
            Kind::Threads => logs::make_threads(self, frame),
            Kind::Log => logs::make_log(self, frame),
        }
    }
}

impl Pages {
    fn open(&self, here: &Here) -> Result<Arc<dyn firesteel_status::store::Access>, NoPage> {
        let applications = &self.site.applications;
        let id = match &here.id {
            Some(id) => id.clone(),
            None => {
                let running = applications.list(&ApplicationsAsk { limit: 1, ..ApplicationsAsk::default() });
                let first = running.into_iter().next();
                first.map(|application| application.id).unwrap_or_default()
            }
        };
        applications.open(&id, here.attempt.as_deref()).map_err(|error| match error {
            OpenError::Unknown => NoPage::Unknown(format!("There is no application {id}.")),
            OpenError::Unreadable(why) => {
                NoPage::Refused(StatusCode::UNPROCESSABLE_ENTITY, format!("The log of {id} cannot be read: {why}"))
            }
            OpenError::Busy => NoPage::Refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many applications are being opened. Try again in a moment.".into(),
            ),
        })
    }

    fn no_page(&self, why: NoPage) -> Response {
        let (status, title, text) = match why {
            NoPage::Unknown(text) => (StatusCode::NOT_FOUND, "Nothing here", text),
            NoPage::Refused(status, text) => (status, "Not now", text),
            NoPage::Broken(error) => {
                tracing::error!(%error, "a page could not be made");
                (StatusCode::INTERNAL_SERVER_ERROR, "Broken", "This page could not be made.".into())
            }
        };
        let text = frame::message(title, &text, "/").unwrap_or_default();
        (status, Html(text)).into_response()
    }

    /// Carries out what a form asks for, if the form is one of ours.
    async fn act(
        self: Arc<Self>,
        form: KillForm,
        to: &'static str,
        act: fn(&Pages, i64) -> Result<(), Unavailable>,
    ) -> Response {
        if !self.door.is_own_form(&form.form_token) {
            let text = "This form is of another page, or of an earlier run. Load the page again.";
            return self.no_page(NoPage::Refused(StatusCode::FORBIDDEN, text.into()));
        }
        if !self.is_kill_enabled {
            return self.no_page(NoPage::Refused(StatusCode::FORBIDDEN, "spark.ui.killEnabled is false.".into()));
        }
        let pages = Arc::clone(&self);
        match tokio::task::spawn_blocking(move || act(&pages, form.id)).await {
            Ok(Ok(())) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
            Ok(Err(why)) => self.no_page(NoPage::Refused(StatusCode::CONFLICT, why.0)),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// The form by which a job or stage is ended.
#[derive(serde::Deserialize)]
struct KillForm {
    #[serde(default)]
    form_token: String,
    id: i64,
}

async fn kill_job(State(pages): State<Arc<Pages>>, Form(form): Form<KillForm>) -> Response {
    pages.act(form, "/jobs/", |pages, id| pages.site.actions.kill_job(id)).await
}

async fn kill_stage(State(pages): State<Arc<Pages>>, Form(form): Form<KillForm>) -> Response {
    pages.act(form, "/stages/", |pages, id| pages.site.actions.kill_stage(id)).await
}

/// Returns the tabs of an application's pages.
fn tabs(base: &str, kind: &Kind) -> Vec<Tab> {
    let tab = |label, path: &str, kinds: &[Kind]| Tab {
        label,
        href: format!("{base}{path}"),
        is_here: kinds.contains(kind),
    };
    vec![
        tab("Overview", "/", &[Kind::Overview]),
        tab("Jobs", "/jobs/", &[Kind::Jobs, Kind::Job]),
        tab("Stages", "/stages/", &[Kind::Stages, Kind::Stage]),
        tab("Storage", "/storage/", &[Kind::Storage, Kind::Rdd]),
        tab("Environment", "/environment/", &[Kind::Environment]),
        tab("Executors", "/executors/", &[Kind::Executors, Kind::Threads, Kind::Log]),
    ]
}
