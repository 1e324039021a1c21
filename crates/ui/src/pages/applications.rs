//! The first page of a history server: its applications.

use crate::pages::format::{count, duration};
use crate::pages::frame::{Frame, Pill, time};
use crate::pages::looking::Here;
use crate::pages::markup::Markup;
use crate::pages::paging::{Ask, Column, Pages, ROWS, encoded};
use crate::pages::rows::{Filter, filters, sort};
use askama::Template;
use firesteel_status::store::{ApplicationAttemptInfo, ApplicationInfo, Applications, ApplicationsAsk};
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "applications.html")]
struct ApplicationsPage {
    frame: Frame,
    shown: String,
    search: String,
    filters: Vec<Filter>,
    columns: Vec<Column>,
    rows: Vec<Row>,
    pages: Pages,
}

struct Row {
    href: String,
    name: String,
    id: String,
    pill: Pill,
    started: Markup,
    ended: Markup,
    duration: String,
    user: String,
    version: String,
    updated: Markup,
}

/// Makes the page.
pub(super) fn make(
    applications: &dyn Applications,
    fields: &BTreeMap<String, String>,
) -> askama::Result<String> {
    let ask = Ask::of(fields);
    let search = fields.get("search").cloned().unwrap_or_default();
    let wanted = search.trim().to_lowercase();
    let all = applications.list(&ApplicationsAsk::default());
    let fits = |application: &ApplicationInfo| {
        let user =
            application.attempts.iter().any(|attempt| attempt.spark_user.to_lowercase().contains(&wanted));
        user || application.name.to_lowercase().contains(&wanted)
            || application.id.to_lowercase().contains(&wanted)
    };
    let found: Vec<&ApplicationInfo> = all.iter().filter(|application| fits(application)).collect();
    let mut attempts: Vec<(&ApplicationInfo, &ApplicationAttemptInfo)> = found
        .into_iter()
        .flat_map(|application| application.attempts.iter().map(move |attempt| (application, attempt)))
        .collect();
    let ended = attempts.iter().filter(|(_, attempt)| attempt.completed).count();
    let states = [("ended", "ended", ended), ("running, or cut off", "running", attempts.len() - ended)];
    let base = if wanted.is_empty() { "/?".to_owned() } else { format!("/?search={}&", encoded(&search)) };
    let filters = filters(&base, &ask, &states);
    match ask.show.as_deref() {
        Some("ended") => attempts.retain(|(_, attempt)| attempt.completed),
        Some("running") => attempts.retain(|(_, attempt)| !attempt.completed),
        _ => {}
    }
    let pages = Pages::new(base, &ask, attempts.len(), "started", true);
    sort(&mut attempts, &pages, |one, other| {
        let order = match pages.sort() {
            "name" => one.0.name.cmp(&other.0.name),
            "id" => one.0.id.cmp(&other.0.id),
            "ended" => one.1.end_time.cmp(&other.1.end_time),
            "duration" => one.1.duration.cmp(&other.1.duration),
            "user" => one.1.spark_user.cmp(&other.1.spark_user),
            "updated" => one.1.last_updated.cmp(&other.1.last_updated),
            _ => one.1.start_time.cmp(&other.1.start_time),
        };
        order.then_with(|| one.0.id.cmp(&other.0.id))
    });
    let columns = vec![
        pages.column("name", "Name", false),
        pages.column("id", "Id", false),
        Column { label: "State", href: None, order: None, is_number: false },
        pages.column("started", "Started", false),
        pages.column("ended", "Ended", false),
        pages.column("duration", "Duration", true),
        pages.column("user", "User", false),
        Column { label: "Spark", href: None, order: None, is_number: false },
        pages.column("updated", "Updated", false),
    ];
    let rows = attempts
        .iter()
        .skip(pages.offset())
        .take(ROWS)
        .map(|(application, attempt)| row(application, attempt));
    let rows = rows.collect();
    let shown = count(attempts.len() as i64);
    let frame = Frame::without_application("History");
    ApplicationsPage { frame, shown, search, filters, columns, rows, pages }.render()
}

fn row(application: &ApplicationInfo, attempt: &ApplicationAttemptInfo) -> Row {
    let here = Here::of(application.id.clone(), attempt.attempt_id.clone());
    Row {
        href: format!("{}/", here.base),
        name: if application.name.is_empty() { application.id.clone() } else { application.name.clone() },
        id: match &attempt.attempt_id {
            Some(number) => format!("{} attempt {number}", application.id),
            None => application.id.clone(),
        },
        pill: match attempt.completed {
            true => Pill { label: "ended", class: "done" },
            false => Pill { label: "running, or cut off", class: "running" },
        },
        started: time(attempt.start_time.0),
        ended: time(attempt.end_time.0),
        duration: if attempt.completed { duration(attempt.duration) } else { String::new() },
        user: attempt.spark_user.clone(),
        version: attempt.app_spark_version.clone(),
        updated: time(attempt.last_updated.0),
    }
}
