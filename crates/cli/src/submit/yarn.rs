//! Programs in YARN's containers: `firesteel submit --master yarn` in cluster mode, and what becomes of them.

use firesteel_cluster::AgentCommand;
use firesteel_cluster::sizes::{DEFAULT_EXECUTORS, overhead_of, shape_of};
use firesteel_conf::{Conf, ConfError, EXECUTOR_INSTANCES, YARN_MAX_ATTEMPTS, YARN_WAIT_COMPLETION};
use firesteel_yarn::messages::ApplicationReport;
use firesteel_yarn::program::{Program, client_dry_run, kill, report};
use firesteel_yarn::{Labels, Place, YarnError};
use std::path::Path;

/// The name of the master.
pub(super) const MASTER: &str = "yarn";

/// The final statuses of applications, by their numbers, and that of one that did what it was to do.
const ENDS: [&str; 4] = ["", ", SUCCEEDED", ", FAILED", ", KILLED"];
const SUCCEEDED: i32 = 1;

/// Kills an application; returns what to say.
pub(super) fn kill_named(conf: &Conf, name: &str) -> Result<String, String> {
    Ok(match kill(&place(conf)?, name).map_err(words)? {
        None => format!("{name} is killed"),
        Some(ended) => format!("{}; it had ended before, and is left as it is", describe(name, &ended)),
    })
}

/// Returns how often a program is to be run at most.
pub(super) fn attempts(conf: &Conf) -> Result<u32, String> {
    conf.get(&YARN_MAX_ATTEMPTS).map_err(|error| error.to_string())
}

/// Returns how an application is.
pub(super) fn status(conf: &Conf, name: &str) -> Result<String, String> {
    Ok(describe(name, &report(&place(conf)?, name).map_err(words)?))
}

/// Returns what would be submitted.
pub(super) fn shown(conf: &Conf, program: &Program) -> Result<String, String> {
    program.dry_run(&place(conf)?, &Labels::of(conf).map_err(words)?).map_err(words)
}

/// Returns what a program that runs here would ask for.
pub(super) fn shown_here(conf: &Conf, program: &Path) -> Result<String, String> {
    let text = |error: ConfError| error.to_string();
    let shape = shape_of(conf, 1).map_err(text)?;
    let whole = shape.memory.saturating_add(overhead_of(conf).map_err(text)?);
    let (labels, size) = (Labels::of(conf).map_err(words)?, (whole, shape.cores));
    let shown = client_dry_run(&place(conf)?, &labels, &AgentCommand::own_program(), Some(program), size);
    let executors = conf.get(&EXECUTOR_INSTANCES).map_err(text)?.unwrap_or(DEFAULT_EXECUTORS);
    Ok(format!("{}\nexecutors: {executors}", shown.map_err(words)?))
}

/// Submits a program, tells its name, and waits for its end if settings say so.
pub(super) fn run(conf: &Conf, program: &Program, mut tell: impl FnMut(&str)) -> Result<(), String> {
    let submitted = program.submit(&place(conf)?, &Labels::of(conf).map_err(words)?).map_err(words)?;
    let name = submitted.name();
    tell(&name);
    if !conf.get(&YARN_WAIT_COMPLETION).map_err(|error| error.to_string())? {
        submitted.leave();
        return Ok(());
    }
    let last = submitted.wait(|report| tracing::info!("{}", describe(&name, report))).map_err(words)?;
    match last.final_application_status {
        Some(SUCCEEDED) => Ok(()),
        _ => Err(describe(&name, &last)),
    }
}

fn place(conf: &Conf) -> Result<Place, String> {
    Place::of(conf).map_err(words)
}

fn words(error: YarnError) -> String {
    error.to_string()
}

fn describe(name: &str, report: &ApplicationReport) -> String {
    let said = report.diagnostics.as_deref().unwrap_or_default().trim();
    let said = if said.is_empty() || said == "N/A" { String::new() } else { format!(": {said}") };
    let pages = report.tracking_url.as_deref().filter(|pages| !pages.is_empty() && *pages != "N/A");
    let pages = pages.map(|pages| format!("; its pages: {pages}")).unwrap_or_default();
    let end = report.final_application_status.and_then(|status| ENDS.get(usize::try_from(status).ok()?));
    format!("{name}: {}{}{said}{pages}", report.state(), end.copied().unwrap_or_default())
}
