//! One look at an application: what its page is made from.

use crate::pages::log_window::PART;
use crate::pages::paging::{Ask, encoded};
use crate::redact::Redaction;
use crate::server::access::Access as Door;
use crate::site::{Actions, LogPart, SampleAsk, Samples, Site, ThreadStack, Unavailable};
use axum::http::StatusCode;
use firesteel_status::store::{Access, Store, View};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The query of an address.
pub(super) type Fields = BTreeMap<String, String>;

/// The reason why there is no page.
pub(super) enum NoPage {
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
pub(super) enum Kind {
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
    Flame,
    Log,
}

/// The things that all pages of a server are made with.
pub(super) struct Serving {
    pub(super) site: Site,
    pub(super) door: Arc<Door>,
    pub(super) redaction: Redaction,
    pub(super) is_kill_enabled: bool,
}

/// The application of a page, and the place of its pages.
#[derive(Clone, Debug)]
pub(crate) struct Here {
    /// The application; none for the one that runs here.
    pub(crate) id: Option<String>,
    /// The attempt.
    pub(crate) attempt: Option<String>,
    /// The beginning of the addresses of its pages.
    pub(crate) base: String,
    /// True for the application that runs here.
    pub(crate) is_running: bool,
}

impl Here {
    /// Names the application that runs here.
    pub(crate) fn running() -> Self {
        Here { id: None, attempt: None, base: String::new(), is_running: true }
    }

    /// Names an application of a history server.
    pub(crate) fn of(id: String, attempt: Option<String>) -> Self {
        let mut base = format!("/history/{}", encoded(&id));
        if let Some(attempt) = &attempt {
            base += &format!("/{}", encoded(attempt));
        }
        Here { id: Some(id), attempt, base, is_running: false }
    }
}

/// The answers of executors to what a page asks them.
pub(super) struct Asked {
    pub(super) threads: Result<Vec<ThreadStack>, Unavailable>,
    pub(super) log: Result<LogPart, Unavailable>,
    /// None if the page does not ask for samples.
    pub(super) samples: Option<Result<Samples, Unavailable>>,
}

impl Asked {
    /// Asks, before the page is made: an executor may take its time, and meanwhile the store must not be held.
    pub(super) fn of(
        actions: &dyn Actions,
        access: &dyn Access,
        kind: &Kind,
        is_running: bool,
        fields: &Fields,
    ) -> Asked {
        let nothing = || {
            Unavailable("Executors can be looked into while their application runs, on its own pages.".into())
        };
        let mut asked = Asked { threads: Err(nothing()), log: Err(nothing()), samples: None };
        let id = fields.get("executorId").map_or("", String::as_str);
        let mut is_known = false;
        if is_running && matches!(kind, Kind::Threads | Kind::Log) {
            access.look(&mut |store, now| {
                is_known = !store.has_ended() && store.at(now).executor(id).is_some()
            });
        }
        if is_known && *kind == Kind::Threads {
            asked.threads = actions.thread_dump(id);
        }
        if is_known && *kind == Kind::Log {
            let offset = fields.get("offset").and_then(|offset| offset.parse().ok());
            asked.log = actions.log(id, which(fields), offset, PART);
        }
        if *kind == Kind::Flame && fields.contains_key("seconds") {
            let ask = sample_ask(fields);
            let mut is_there = false;
            access.look(&mut |store, now| {
                let is_known = |id: &String| store.at(now).executor(id).is_some();
                is_there = is_running && !store.has_ended() && ask.executor.as_ref().is_none_or(is_known);
            });
            asked.samples = Some(if is_there { actions.sample(&ask) } else { Err(nothing()) });
        }
        asked
    }
}

/// The seconds of samples, if the address names none, and the most.
const SECONDS: u32 = 5;
const SECONDS_AT_MOST: u32 = 60;

/// Returns the samples that an address asks for.
pub(super) fn sample_ask(fields: &Fields) -> SampleAsk {
    let given = |name: &str| fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let seconds = given("seconds").and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    SampleAsk {
        executor: given("executorId").map(str::to_owned),
        stage: given("stage").and_then(|text| text.parse().ok()),
        seconds: seconds.clamp(1, SECONDS_AT_MOST),
    }
}

/// Returns the log that an address names.
pub(super) fn which(fields: &Fields) -> &'static str {
    match fields.get("which").map(String::as_str) {
        Some("stdout") => "stdout",
        _ => "stderr",
    }
}

/// An application while a page is made from it.
pub(super) struct Looking<'a> {
    pub(super) serving: &'a Serving,
    pub(super) here: &'a Here,
    pub(super) fields: &'a Fields,
    pub(super) asked: &'a Asked,
    pub(super) store: &'a Store,
    pub(super) now: i64,
}

impl Looking<'_> {
    pub(super) fn view(&self) -> View<'_> {
        self.store.at(self.now)
    }

    pub(super) fn ask(&self) -> Ask {
        Ask::of(self.fields)
    }

    /// Returns a number that the address names.
    pub(super) fn number(&self, name: &str) -> Result<i64, NoPage> {
        let number = self.fields.get(name).and_then(|text| text.parse().ok());
        number.ok_or_else(|| {
            NoPage::Refused(StatusCode::BAD_REQUEST, format!("The address lacks a number: {name}="))
        })
    }

    /// Tells if pages offer to end something: it runs here, and that is allowed.
    pub(super) fn can_kill(&self) -> bool {
        self.serving.is_kill_enabled && self.has_actions()
    }

    /// Tells if threads and logs can be looked into.
    pub(super) fn has_actions(&self) -> bool {
        self.here.is_running && self.serving.site.actions.is_there() && !self.store.has_ended()
    }
}
