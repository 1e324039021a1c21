//! The first page of a master: workers, applications and drivers.

use crate::cluster::{
    ClusterApplication, ClusterDriver, ClusterWorker, MasterRole, MasterView, WorkerState, link,
};
use crate::pages::bands::{Part, bands};
use crate::pages::cluster::shared::{Link, daemon_frame, driver_logs, memory, state_pill};
use crate::pages::format::{count, duration};
use crate::pages::frame::{Fact, Frame, Pill, fact, time};
use crate::pages::looking::NoPage;
use crate::pages::markup::Markup;
use crate::pages::paging::encoded;
use askama::Template;

/// The most rows of a table: more than that nobody reads, and `/json/` tells all.
const MOST: usize = 500;

#[derive(Template)]
#[template(path = "master.html")]
struct MasterPage {
    frame: Frame,
    facts: Vec<Fact>,
    note: Option<String>,
    workers: Vec<WorkerRow>,
    applications: Vec<ApplicationGroup>,
    drivers: Vec<DriverGroup>,
}

struct WorkerRow {
    id: String,
    href: Option<String>,
    host: String,
    pill: Pill,
    cores: Markup,
    cores_text: String,
    memory: Markup,
    memory_text: String,
    runs: String,
    seen: Markup,
    why: String,
}

struct ApplicationGroup {
    title: &'static str,
    has_ended: bool,
    count: usize,
    rows: Vec<ApplicationRow>,
}

struct ApplicationRow {
    id: String,
    href: String,
    name: String,
    pages: Option<String>,
    user: String,
    pill: Pill,
    cores: String,
    memory: String,
    executors: usize,
    submitted: Markup,
    duration: String,
    why: String,
}

struct DriverGroup {
    title: &'static str,
    has_ended: bool,
    count: usize,
    rows: Vec<DriverRow>,
}

struct DriverRow {
    id: String,
    pill: Pill,
    worker: String,
    logs: Vec<Link>,
    cores: u32,
    memory: String,
    submitted: Markup,
    is_supervised: bool,
    why: String,
}

/// Makes the page; `kills` is the text of forms by which something is ended.
pub(super) fn make(view: &MasterView, kills: Option<&str>, revision: u64) -> Result<String, NoPage> {
    let pill = match view.role {
        MasterRole::Leads => Pill { label: "leads", class: "done" },
        MasterRole::Recovers => Pill { label: "recovers", class: "waiting" },
        MasterRole::StandsBy => Pill { label: "stands by", class: "" },
    };
    let note = match (view.role, &view.leader) {
        (MasterRole::Leads, _) => None,
        (MasterRole::Recovers, _) => Some(
            "Waits for the workers and applications of an earlier master to come back. Nothing is started until then.".into(),
        ),
        (MasterRole::StandsBy, Some(leader)) => {
            Some(format!("Stands by: firesteel://{leader} leads, and its pages show the cluster."))
        }
        (MasterRole::StandsBy, None) => Some("Stands by: no master leads at present.".into()),
    };
    let page = MasterPage {
        frame: daemon_frame("Master", &view.url, pill, Some(revision), kills),
        facts: facts(view),
        note,
        workers: view.workers.iter().rev().take(MOST).rev().map(worker_row).collect(),
        applications: vec![
            applications("Running applications", view, &view.applications),
            applications("Ended applications", view, &view.ended_applications),
        ],
        drivers: vec![
            drivers("Drivers", view, &view.drivers),
            drivers("Ended drivers", view, &view.ended_drivers),
        ],
    };
    Ok(page.render()?)
}

fn facts(view: &MasterView) -> Vec<Fact> {
    let alive = || view.workers.iter().filter(|worker| worker.state == WorkerState::Alive);
    let mut workers = fact("Workers", count(alive().count() as i64));
    let gone = view.workers.len() - alive().count();
    if gone > 0 {
        workers.also = format!("{gone} not alive");
    }
    let cores: u32 = alive().map(|worker| worker.cores).sum();
    let used: u32 = alive().map(|worker| worker.cores_used).sum();
    let (all, taken): (u64, u64) =
        (alive().map(|worker| worker.memory).sum(), alive().map(|worker| worker.memory_used).sum());
    let of = |name, value: String, whole: String| Fact { also: format!("of {whole}"), ..fact(name, value) };
    let mut applications = fact("Applications", count(view.applications.len() as i64));
    let waiting = view.applications.iter().filter(|one| one.state == "WAITING").count();
    if waiting > 0 {
        applications.also = format!("{waiting} waiting");
    }
    let mut facts = vec![
        workers,
        of("Cores in use", count(used.into()), count(cores.into())),
        of("Memory in use", memory(taken), memory(all)),
        applications,
        fact("Drivers", count(view.drivers.len() as i64)),
    ];
    if view.role != MasterRole::StandsBy {
        facts.push(fact("Epoch", view.epoch.to_string()));
    }
    facts
}

fn worker_row(worker: &ClusterWorker) -> WorkerRow {
    let pill = match worker.state {
        WorkerState::Alive => Pill { label: "alive", class: "done" },
        WorkerState::Decommissioned => Pill { label: "leaves", class: "waiting" },
        WorkerState::Awaited => Pill { label: "awaited", class: "waiting" },
        WorkerState::Disconnected => Pill { label: "disconnected", class: "failed" },
        WorkerState::Dead => Pill { label: "dead", class: "failed" },
    };
    let is_there = worker.state != WorkerState::Dead;
    let cores_text = format!("{} of {}", worker.cores_used, worker.cores);
    let memory_text = format!("{} of {}", memory(worker.memory_used), memory(worker.memory));
    let band = |used: i64, all: i64, text: &str| {
        let part = Part { size: used, class: "m-execution", title: text.to_owned() };
        bands(text, &[part], all, None)
    };
    let mib = |mib: u64| i64::try_from(mib).unwrap_or(i64::MAX);
    let plural = |count: usize, name: &str| match count {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    };
    let mut runs = plural(worker.executors, "executor");
    if worker.drivers > 0 {
        runs += &format!(", {}", plural(worker.drivers, "driver"));
    }
    WorkerRow {
        id: worker.id.clone(),
        href: link(worker.pages.as_deref()).filter(|_| is_there),
        host: worker.host.clone(),
        pill,
        cores: band(worker.cores_used.into(), worker.cores.into(), &cores_text),
        cores_text,
        memory: band(mib(worker.memory_used), mib(worker.memory), &memory_text),
        memory_text,
        runs: if is_there { runs } else { String::new() },
        seen: time(worker.last_heartbeat),
        why: worker.why.clone(),
    }
}

fn applications(title: &'static str, view: &MasterView, all: &[ClusterApplication]) -> ApplicationGroup {
    let row = |application: &ClusterApplication| ApplicationRow {
        id: application.id.clone(),
        href: format!("/app/?appId={}", encoded(&application.id)),
        name: if application.name.is_empty() { "–".into() } else { application.name.clone() },
        pages: link(application.pages.as_deref()).filter(|_| application.ended_at.is_none()),
        user: application.user.clone(),
        pill: state_pill(application.state),
        cores: if application.ended_at.is_some() { String::new() } else { application.cores.to_string() },
        memory: memory(application.memory_per_executor),
        // Of one that has ended all that are remembered.
        executors: application
            .executors
            .iter()
            .filter(|executor| application.ended_at.is_some() || executor.ended_at.is_none())
            .count(),
        submitted: time(application.submitted_at),
        duration: duration(
            application.ended_at.unwrap_or(view.now).saturating_sub(application.submitted_at).max(0),
        ),
        why: application.why.clone(),
    };
    let has_ended = title.starts_with("Ended");
    ApplicationGroup {
        title,
        has_ended,
        count: all.len(),
        rows: all.iter().rev().take(MOST).map(row).collect(),
    }
}

fn drivers(title: &'static str, view: &MasterView, all: &[ClusterDriver]) -> DriverGroup {
    let row = |driver: &ClusterDriver| {
        let pages = driver.worker.as_deref().and_then(|worker| view.pages_of(worker));
        DriverRow {
            id: driver.id.clone(),
            pill: state_pill(driver.state),
            worker: driver.worker.clone().unwrap_or_default(),
            logs: pages.map_or_else(Vec::new, |pages| driver_logs(&pages, &driver.id, driver.attempt)),
            cores: driver.cores,
            memory: memory(driver.memory),
            submitted: time(driver.submitted_at),
            is_supervised: driver.is_supervised,
            why: driver.why.clone(),
        }
    };
    let has_ended = title.starts_with("Ended");
    DriverGroup { title, has_ended, count: all.len(), rows: all.iter().rev().take(MOST).map(row).collect() }
}
