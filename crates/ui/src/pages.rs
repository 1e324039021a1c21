//! The pages: routes, the frame around each page, and the order in which one is made.
//!
//! A page is made from the store while nobody changes it, on a thread that serves nobody else, as one text. It follows its
//! application by asking again with the header `Firesteel-Since`: the answer waits until the store has changed. Pages
//! that were made a moment ago are handed out again, so fifty readers cost what one costs.

mod answers;
mod applications;
mod bands;
pub(crate) mod cluster;
mod dag;
mod environment;
mod executors;
mod flame;
mod format;
mod frame;
mod fresh;
mod graph;
mod job;
mod jobs;
mod log_window;
mod logs;
mod looking;
mod markup;
mod overview;
mod paging;
mod rows;
mod stage;
mod stage_tasks;
mod stages;
mod storage;
mod streams;
mod timeline;

use crate::redact::Redaction;
use crate::server::access::Access as Door;
use crate::site::{Site, Unavailable};
use answers::{answer, carry_out, since};
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use firesteel_status::store::{ApplicationsAsk, OpenError};
use frame::Frame;
use fresh::Fresh;
use looking::{Asked, Fields, Here, Kind, Looking, NoPage, Serving};
use std::sync::Arc;

/// All that pages are made with.
pub(crate) struct Pages {
    serving: Serving,
    fresh: Fresh,
}

const KINDS: [(&str, Kind); 12] = [
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
    ("/executors/flameGraph/", Kind::Flame),
    ("/executors/log/", Kind::Log),
];

/// Returns the routes of all pages.
pub(crate) fn routes(site: Site, door: Arc<Door>, redaction: Redaction, is_kill_enabled: bool) -> Router {
    let is_history = site.applications.is_history();
    let pages = Arc::new(Pages {
        serving: Serving { site, door, redaction, is_kill_enabled },
        fresh: Fresh::default(),
    });
    let mut router = Router::new();
    for (path, kind) in KINDS {
        // Both forms of an address lead to the page, as with Spark.
        let forms = [path, path.trim_end_matches('/')];
        for form in forms {
            let live = kind.clone();
            if !is_history && !form.is_empty() {
                let serve = move |State(pages): State<Arc<Pages>>,
                                  fields: Query<Fields>,
                                  uri: Uri,
                                  headers: HeaderMap| {
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
        router =
            router.route("/jobs/job/kill/", post(kill_job)).route("/stages/stage/kill/", post(kill_stage));
    }
    router.fallback(unknown).with_state(pages)
}

/// Makes a page and answers with it.
async fn page(
    pages: Arc<Pages>,
    kind: Kind,
    here: Here,
    mut fields: Fields,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let opened = {
        let (pages, here) = (Arc::clone(&pages), here.clone());
        // A history server may have to read a log first.
        tokio::task::spawn_blocking(move || pages.open(&here)).await
    };
    let access = match opened {
        Ok(Ok(access)) => access,
        Ok(Err(why)) => return why.into_response(),
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    if let Some(since) = since(&headers)
        && !fresh::is_news(access.as_ref(), since).await
    {
        return StatusCode::NO_CONTENT.into_response();
    }
    // A page of a stranger may not have samples taken: its visitor gets the form.
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        fields.remove("seconds");
    }
    let is_text = is_folded(&kind, &fields);
    let key = uri.to_string();
    if let Some(text) = pages.fresh.get(&key, access.revision()) {
        return answer(text, is_text);
    }
    let made = tokio::task::spawn_blocking(move || {
        let mut made = Err(NoPage::Unknown("no such page".into()));
        let actions = pages.serving.site.actions.as_ref();
        let asked = Asked::of(actions, access.as_ref(), &kind, here.is_running, &fields);
        access.look(&mut |store, now| {
            let view =
                Looking { serving: &pages.serving, here: &here, fields: &fields, asked: &asked, store, now };
            let frame = Frame::new(&view, &kind);
            made = make(&view, &kind, frame).map(|text| (text, store.revision(), store.has_ended()));
        });
        match made {
            Ok((text, revision, has_ended)) => {
                answer(pages.fresh.put(key, revision, has_ended, text), is_text)
            }
            Err(why) => why.into_response(),
        }
    });
    made.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Tells if samples are wanted as other tools take them, and not as a page.
fn is_folded(kind: &Kind, fields: &Fields) -> bool {
    *kind == Kind::Flame && fields.get("format").is_some_and(|format| format == "folded")
}

/// Makes the page of all applications.
async fn list(State(pages): State<Arc<Pages>>, Query(fields): Query<Fields>) -> Response {
    let applications = Arc::clone(&pages.serving.site.applications);
    let made = tokio::task::spawn_blocking(move || applications::make(applications.as_ref(), &fields)).await;
    match made {
        Ok(Ok(text)) => answer(text.into(), false),
        Ok(Err(error)) => NoPage::from(error).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn unknown() -> NoPage {
    NoPage::Unknown("There is no such page.".into())
}

impl Pages {
    fn open(&self, here: &Here) -> Result<Arc<dyn firesteel_status::store::Access>, NoPage> {
        let applications = &self.serving.site.applications;
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
            OpenError::Unreadable(why) => NoPage::Refused(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("The log of {id} cannot be read: {why}"),
            ),
            OpenError::Busy => NoPage::Refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many applications are being opened. Try again in a moment.".into(),
            ),
        })
    }

    /// Carries out what a form asks for, if the form is one of ours.
    async fn act(
        self: Arc<Self>,
        form: KillForm,
        to: &'static str,
        act: fn(&Pages, i64) -> Result<(), Unavailable>,
    ) -> Response {
        let (pages, serving, id) = (Arc::clone(&self), &self.serving, form.id);
        let act = move || act(&pages, id);
        carry_out(&serving.door, &form.form_token, serving.is_kill_enabled, to, act).await
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
    pages.act(form, "/jobs/", |pages, id| pages.serving.site.actions.kill_job(id)).await
}

async fn kill_stage(State(pages): State<Arc<Pages>>, Form(form): Form<KillForm>) -> Response {
    pages.act(form, "/stages/", |pages, id| pages.serving.site.actions.kill_stage(id)).await
}

/// Makes a page.
fn make(looking: &Looking<'_>, kind: &Kind, frame: Frame) -> Result<String, NoPage> {
    match kind {
        Kind::Overview => overview::make(looking, frame),
        Kind::Jobs => jobs::make(looking, frame),
        Kind::Job => job::make(looking, frame),
        Kind::Stages => stages::make(looking, frame),
        Kind::Stage => stage::make(looking, frame),
        Kind::Storage => storage::make(looking, frame),
        Kind::Rdd => storage::make_rdd(looking, frame),
        Kind::Environment => environment::make(looking, frame),
        Kind::Executors => executors::make(looking, frame),
        Kind::Threads => logs::make_threads(looking, frame),
        Kind::Flame if is_folded(kind, looking.fields) => flame::folded(looking),
        Kind::Flame => flame::make(looking, frame),
        Kind::Log => logs::make_log(looking, frame),
    }
}
