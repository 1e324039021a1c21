//! The page of an application at its master: its executors.

use crate::cluster::{ClusterExecutor, MasterView, link};
use crate::pages::cluster::shared::{Link, daemon_frame, executor_logs, memory, state_pill};
use crate::pages::format::{count, duration};
use crate::pages::frame::{Fact, Frame, Pill, fact, time};
use crate::pages::looking::NoPage;
use crate::pages::markup::Markup;
use askama::Template;

#[derive(Template)]
#[template(path = "cluster_application.html")]
struct ApplicationPage {
    frame: Frame,
    id: String,
    name: String,
    pill: Pill,
    facts: Vec<Fact>,
    submitted: Markup,
    ended: Option<Markup>,
    why: String,
    pages: Option<String>,
    can_kill: bool,
    groups: Vec<Group>,
}

struct Group {
    title: &'static str,
    rows: Vec<Row>,
}

struct Row {
    id: u32,
    worker: String,
    worker_href: Option<String>,
    cores: u32,
    memory: String,
    pill: Pill,
    why: String,
    logs: Vec<Link>,
}

/// Makes the page; `kills` is the text of forms by which something is ended.
pub(super) fn make(
    view: &MasterView,
    id: &str,
    kills: Option<&str>,
    revision: u64,
) -> Result<String, NoPage> {
    let application =
        view.application(id).ok_or_else(|| NoPage::Unknown(format!("There is no application {id}.")))?;
    let row = |executor: &ClusterExecutor| {
        let worker_href = view.pages_of(&executor.worker);
        Row {
            id: executor.id,
            worker: executor.worker.clone(),
            logs: worker_href.as_ref().map_or_else(Vec::new, |pages| executor_logs(pages, id, executor.id)),
            worker_href,
            cores: executor.cores,
            memory: memory(executor.memory),
            pill: state_pill(executor.state),
            why: executor.why.clone(),
        }
    };
    let rows = |has_ended: bool| -> Vec<Row> {
        let wanted = application.executors.iter().filter(|one| one.ended_at.is_some() == has_ended);
        wanted.map(row).collect()
    };
    let mut groups = vec![Group { title: "Executors", rows: rows(false) }];
    let ended = rows(true);
    if !ended.is_empty() {
        groups.push(Group { title: "Ended executors", rows: ended });
    }
    let mut cores = fact("Cores", count(application.cores.into()));
    if let Some(most) = application.cores_max {
        cores.also = format!("of {most} at most");
    }
    let lasted = application.ended_at.unwrap_or(view.now).saturating_sub(application.submitted_at);
    let facts = vec![
        cores,
        fact("Memory per executor", memory(application.memory_per_executor)),
        fact("User", application.user.clone()),
        fact("Duration", duration(lasted.max(0))),
    ];
    let pill = state_pill(application.state);
    let has_ended = application.ended_at.is_some();
    let page = ApplicationPage {
        frame: daemon_frame("Master", &view.url, pill, Some(revision).filter(|_| !has_ended), kills),
        id: application.id.clone(),
        name: application.name.clone(),
        pill,
        facts,
        submitted: time(application.submitted_at),
        ended: application.ended_at.map(time),
        why: application.why.clone(),
        pages: link(application.pages.as_deref()).filter(|_| !has_ended),
        can_kill: kills.is_some() && !has_ended,
        groups,
    };
    Ok(page.render()?)
}
