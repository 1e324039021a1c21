//! The pages that look into an executor: its threads, and what it wrote to `stdout` and `stderr`.

use crate::pages::frame::Frame;
use crate::pages::log_window::LogWindow;
use crate::pages::looking::{Looking, NoPage, which};
use crate::pages::paging::encoded;
use crate::site::{LogPart, ThreadStack};
use askama::Template;

#[derive(Template)]
#[template(path = "threads.html")]
struct ThreadsPage {
    frame: Frame,
    executor: String,
    here: String,
    unavailable: Option<String>,
    threads: Vec<ThreadRow>,
}

struct ThreadRow {
    name: String,
    state: String,
    top: String,
    stack: String,
    is_busy: bool,
}

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage {
    frame: Frame,
    executor: String,
    which: String,
    unavailable: Option<String>,
    log: LogWindow,
}

/// Returns the executor that an address names: it must be one of this application.
fn executor(looking: &Looking<'_>) -> Result<String, NoPage> {
    let id = looking.fields.get("executorId").cloned().unwrap_or_default();
    match looking.view().executor(&id) {
        Some(_) => Ok(id),
        None => Err(NoPage::Unknown(format!("There is no executor {id}."))),
    }
}

/// Makes the page of threads.
pub(super) fn make_threads(looking: &Looking<'_>, frame: Frame) -> Result<String, NoPage> {
    let executor = executor(looking)?;
    let (threads, unavailable) = match &looking.asked.threads {
        Ok(threads) => (threads.clone(), None),
        Err(why) => (vec![], Some(why.0.clone())),
    };
    let row = |thread: ThreadStack| ThreadRow {
        name: thread.name,
        state: thread.state,
        top: thread.stack.first().cloned().unwrap_or_default(),
        stack: thread.stack.join("\n"),
        is_busy: thread.is_busy,
    };
    let here = format!("{}/executors/threadDump/?executorId={}", looking.here.base, encoded(&executor));
    let threads = threads.into_iter().map(row).collect();
    Ok(ThreadsPage { frame, executor, here, unavailable, threads }.render()?)
}

/// Makes the page of a part of a log.
pub(super) fn make_log(looking: &Looking<'_>, frame: Frame) -> Result<String, NoPage> {
    let executor = executor(looking)?;
    let which = which(looking.fields);
    let (part, unavailable) = match &looking.asked.log {
        Ok(part) => (part.clone(), None),
        Err(why) => (LogPart::default(), Some(why.0.clone())),
    };
    let newest =
        format!("{}/executors/log/?executorId={}&which={which}", looking.here.base, encoded(&executor));
    let log = LogWindow::of(part, newest, !looking.fields.contains_key("offset"));
    let page = LogPage { frame, executor, which: which.to_owned(), unavailable, log };
    Ok(page.render()?)
}
