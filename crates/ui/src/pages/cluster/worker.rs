//! The first page of a worker: what it runs and ran.

use crate::cluster::{ProcessView, WorkerPageView, link};
use crate::pages::cluster::shared::{Link, daemon_frame, driver_logs, executor_logs, memory, state_pill};
use crate::pages::format::{count, duration};
use crate::pages::frame::{Fact, Frame, Pill, fact, time};
use crate::pages::looking::NoPage;
use crate::pages::markup::Markup;
use askama::Template;

/// The most rows of a table.
const MOST: usize = 500;

#[derive(Template)]
#[template(path = "worker.html")]
struct WorkerPage {
    frame: Frame,
    facts: Vec<Fact>,
    master: String,
    master_href: Option<String>,
    groups: Vec<Group>,
}

struct Group {
    title: &'static str,
    count: usize,
    none: &'static str,
    is_driver: bool,
    rows: Vec<Row>,
}

struct Row {
    number: String,
    owner: String,
    name: String,
    user: String,
    pill: Pill,
    cores: u32,
    memory: String,
    started: Markup,
    duration: String,
    why: String,
    logs: Vec<Link>,
}

/// Makes the page.
pub(super) fn make(view: &WorkerPageView, revision: u64) -> Result<String, NoPage> {
    let pill = match (view.is_connected, view.is_decommissioned) {
        (_, true) => Pill { label: "leaves", class: "waiting" },
        (true, false) => Pill { label: "connected", class: "done" },
        (false, false) => Pill { label: "looks for a master", class: "failed" },
    };
    let of = |name, value: String, whole: String| Fact { also: format!("of {whole}"), ..fact(name, value) };
    let facts = vec![
        of("Cores in use", count(view.cores_used.into()), count(view.cores.into())),
        of("Memory in use", memory(view.memory_used), memory(view.memory)),
        fact("Executors", count(view.running.iter().filter(|one| !one.is_driver).count() as i64)),
        fact("Drivers", count(view.running.iter().filter(|one| one.is_driver).count() as i64)),
    ];
    let mut groups = vec![
        group("Executors", "No executor runs here.", &view.running, false, view.now),
        group("Drivers", "No driver runs here.", &view.running, true, view.now),
        group("Ended executors", "None has ended.", &view.ended, false, view.now),
        group("Ended drivers", "None has ended.", &view.ended, true, view.now),
    ];
    groups.retain(|group| group.count > 0 || group.title == "Executors");
    let page = WorkerPage {
        frame: daemon_frame("Worker", &view.id, pill, Some(revision), None),
        facts,
        master: view.master.clone(),
        master_href: link(view.master_pages.as_deref()),
        groups,
    };
    Ok(page.render()?)
}

fn group(title: &'static str, none: &'static str, all: &[ProcessView], is_driver: bool, now: i64) -> Group {
    let rows: Vec<Row> = all
        .iter()
        .rev()
        .filter(|one| one.is_driver == is_driver)
        .take(MOST)
        .map(|one| row(one, now))
        .collect();
    let count = all.iter().filter(|one| one.is_driver == is_driver).count();
    Group { title, count, none, is_driver, rows }
}

fn row(process: &ProcessView, now: i64) -> Row {
    let logs = match process.is_driver {
        true => driver_logs("", &process.owner, process.number),
        false => executor_logs("", &process.owner, process.number),
    };
    Row {
        number: match (process.is_driver, process.number) {
            (true, 0) => String::new(),
            (true, again) => format!("launched again, {again} times"),
            (false, number) => number.to_string(),
        },
        owner: process.owner.clone(),
        name: process.application_name.clone(),
        user: process.user.clone(),
        pill: state_pill(process.state),
        cores: process.cores,
        memory: memory(process.memory),
        started: time(process.started_at),
        duration: duration(process.ended_at.unwrap_or(now).saturating_sub(process.started_at).max(0)),
        why: process.why.clone(),
        logs,
    }
}
