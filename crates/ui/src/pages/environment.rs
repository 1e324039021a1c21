//! The page of settings and versions, without secrets.

use crate::pages::frame::Frame;
use crate::pages::looking::{Looking, NoPage};
use askama::Template;

#[derive(Template)]
#[template(path = "environment.html")]
struct EnvironmentPage {
    frame: Frame,
    search: String,
    tables: Vec<Settings>,
}

struct Settings {
    title: &'static str,
    rows: Vec<(String, String)>,
    is_open: bool,
}

/// Makes the page.
pub(super) fn make(looking: &Looking<'_>, frame: Frame) -> Result<String, NoPage> {
    let environment = looking.view().environment();
    let search = looking.fields.get("search").cloned().unwrap_or_default();
    let wanted = search.trim().to_lowercase();
    let table = |title, pairs: Vec<(String, String)>, is_open| {
        let redacted = pairs.into_iter().map(|(key, value)| {
            let shown = looking.serving.redaction.shown(&key, &value).to_owned();
            (key, shown)
        });
        let fits = |pair: &(String, String)| {
            pair.0.to_lowercase().contains(&wanted) || pair.1.to_lowercase().contains(&wanted)
        };
        let rows: Vec<(String, String)> = redacted.filter(fits).collect();
        let has_hits = !wanted.is_empty() && !rows.is_empty();
        Settings { title, rows, is_open: is_open || has_hits }
    };
    let runtime = environment.runtime;
    let told = |name: &str, value: String| (name.to_owned(), value);
    let runtime = vec![
        told("Java version", runtime.java_version),
        told("Java home", runtime.java_home),
        told("Scala version", runtime.scala_version),
    ];
    let runtime = runtime.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let profiles = environment.resource_profiles.iter().map(|profile| {
        let executor =
            profile.executor_resources.values().map(|one| format!("{} {}", one.resource_name, one.amount));
        let task =
            profile.task_resources.values().map(|one| format!("{} {} a task", one.resource_name, one.amount));
        (profile.id.to_string(), executor.chain(task).collect::<Vec<_>>().join(", "))
    });
    let tables = vec![
        table("Runtime", runtime, true),
        table("Settings", environment.spark_properties, true),
        table("Resource profiles", profiles.collect(), false),
        table("Hadoop settings", environment.hadoop_properties, false),
        table("System properties", environment.system_properties, false),
        table("Settings of metrics", environment.metrics_properties, false),
        table("Loaded from", environment.classpath_entries, false),
    ];
    let tables = tables.into_iter().filter(|table| !table.rows.is_empty()).collect();
    Ok(EnvironmentPage { frame, search, tables }.render()?)
}
