//! The frame of a page: what stands above and below its content.

use crate::pages::looking::{Kind, Looking};
use crate::pages::markup::Markup;
use crate::server::assets;
use askama::Template;

/// A link at the top of each page.
pub(crate) struct Tab {
    /// Its text.
    pub(crate) label: &'static str,
    /// Its address.
    pub(crate) href: String,
    /// True if the page belongs to it.
    pub(crate) is_here: bool,
}

/// A word with a colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pill {
    /// The word.
    pub(crate) label: &'static str,
    /// Its class in the style sheet.
    pub(crate) class: &'static str,
}

/// A figure with its name.
pub(crate) struct Fact {
    /// Its name.
    pub(crate) label: &'static str,
    /// The figure.
    pub(crate) value: String,
    /// A remark, smaller.
    pub(crate) also: String,
}

/// Makes a figure with its name.
pub(crate) fn fact(label: &'static str, value: impl Into<String>) -> Fact {
    Fact { label, value: value.into(), also: String::new() }
}

/// All that stands around the content of a page.
pub(crate) struct Frame {
    pub(crate) assets: &'static assets::Paths,
    pub(crate) base: String,
    pub(crate) home: String,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) pill: Option<Pill>,
    pub(crate) tabs: Vec<Tab>,
    /// The store's revision, if the page shall follow it.
    pub(crate) revision: Option<u64>,
    pub(crate) form_token: String,
    pub(crate) foot: String,
}

impl Frame {
    /// Returns the frame of a page.
    pub(super) fn new(looking: &Looking<'_>, kind: &Kind) -> Self {
        let view = looking.view();
        let application = view.application();
        let has_ended = looking.store.has_ended();
        let is_followed =
            !has_ended && !matches!(kind, Kind::Environment | Kind::Threads | Kind::Flame | Kind::Log);
        let version = match view.firesteel_version() {
            Some(version) => format!("Firesteel {version}"),
            None => format!("Spark {}", view.version().spark),
        };
        let user =
            application.attempts.first().map(|attempt| attempt.spark_user.as_str()).unwrap_or_default();
        Frame {
            assets: assets::paths(),
            base: looking.here.base.clone(),
            home: "/".into(),
            name: if application.name.is_empty() { application.id.clone() } else { application.name.clone() },
            id: application.id,
            pill: Some(match has_ended {
                true => Pill { label: "ended", class: "done" },
                false => Pill { label: "running", class: "running" },
            }),
            tabs: tabs(&looking.here.base, kind),
            revision: is_followed.then(|| looking.store.revision()),
            form_token: looking.serving.door.form_token().to_owned(),
            foot: format!("{version} · user {user}"),
        }
    }
}

impl Frame {
    /// Returns the frame of a page that belongs to no application.
    pub(super) fn without_application(name: &str) -> Self {
        Frame {
            assets: assets::paths(),
            base: String::new(),
            home: "/".into(),
            name: name.into(),
            id: String::new(),
            pill: None,
            tabs: vec![],
            revision: None,
            form_token: String::new(),
            foot: String::new(),
        }
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
    back: Option<&'a str>,
}

/// Makes a page that says why there is no other.
pub(super) fn message(title: &str, text: &str, back: &str) -> askama::Result<String> {
    let frame = Frame::without_application("Firesteel");
    MessagePage { frame, title, text, back: Some(back) }.render()
}

/// Writes a time for readers in UTC; the script turns it into their zone.
pub(crate) fn time(ms: i64) -> Markup {
    let mut markup = Markup::default();
    if ms <= 0 {
        return markup;
    }
    let text = firesteel_status::store::Date(ms).to_string();
    let (exact, shown) = (text.replace("GMT", "Z"), text.replace('T', " "));
    let shown = shown.split('.').next().unwrap_or("");
    markup.element("time", &[("datetime", &exact)], &format!("{shown} UTC"));
    markup
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
        tab("Executors", "/executors/", &[Kind::Executors, Kind::Threads, Kind::Flame, Kind::Log]),
    ]
}
