//! The page of a part of what an executor or a driver wrote.

use crate::cluster::{ProcessView, WorkerPageView};
use crate::pages::cluster::shared::{daemon_frame, state_pill};
use crate::pages::frame::Frame;
use crate::pages::log_window::LogWindow;
use crate::pages::looking::{Fields, NoPage};
use crate::pages::paging::encoded;
use crate::site::{LogPart, Unavailable};
use askama::Template;

/// The file that an address names.
#[derive(Clone)]
pub(super) struct Asked {
    owner: String,
    number: u32,
    is_driver: bool,
    pub(super) which: &'static str,
    pub(super) offset: Option<u64>,
}

impl Asked {
    /// Reads it from the fields of an address, which are Spark's.
    pub(super) fn of(fields: &Fields) -> Self {
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        let is_driver = fields.contains_key("driverId");
        let number = field(if is_driver { "attempt" } else { "executorId" });
        Asked {
            owner: field(if is_driver { "driverId" } else { "appId" }).to_owned(),
            number: number.parse().unwrap_or(if is_driver { 0 } else { u32::MAX }),
            is_driver,
            which: if field("logType") == "stdout" { "stdout" } else { "stderr" },
            offset: field("offset").parse().ok(),
        }
    }

    /// Tells if this process is meant.
    pub(super) fn is(&self, process: &ProcessView) -> bool {
        (process.is_driver, process.number) == (self.is_driver, self.number) && process.owner == self.owner
    }

    fn href(&self, which: &str) -> String {
        let owner = encoded(&self.owner);
        match self.is_driver {
            true => format!("/logPage/?driverId={owner}&attempt={}&logType={which}", self.number),
            false => format!("/logPage/?appId={owner}&executorId={}&logType={which}", self.number),
        }
    }
}

#[derive(Template)]
#[template(path = "worker_log.html")]
struct LogPage {
    frame: Frame,
    title: String,
    which: &'static str,
    other: &'static str,
    other_href: String,
    unavailable: Option<String>,
    log: LogWindow,
}

/// Makes the page.
pub(super) fn make(
    view: &WorkerPageView,
    process: &ProcessView,
    asked: &Asked,
    part: Result<LogPart, Unavailable>,
) -> Result<String, NoPage> {
    let (part, unavailable) = match part {
        Ok(part) => (part, None),
        Err(why) => (LogPart::default(), Some(why.0)),
    };
    let is_newest = asked.offset.is_none();
    let other = if asked.which == "stdout" { "stderr" } else { "stdout" };
    let of = match process.is_driver {
        true => process.owner.clone(),
        false => format!("executor {} of {}", process.number, process.owner),
    };
    let page = LogPage {
        // What ended writes no more, and an older part stays what it is.
        frame: daemon_frame(
            "Worker",
            &view.id,
            state_pill(process.state),
            (is_newest && process.ended_at.is_none()).then_some(part.length),
            None,
        ),
        title: format!("{} of {of}", asked.which),
        which: asked.which,
        other,
        other_href: asked.href(other),
        unavailable,
        log: LogWindow::of(part, asked.href(asked.which), is_newest),
    };
    Ok(page.render()?)
}
