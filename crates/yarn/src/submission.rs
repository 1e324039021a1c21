//! The submission of an application whose master is the driver itself (an unmanaged one), until YARN gives the token with which
//! the master speaks to the scheduler.

use crate::YarnError;
use crate::applications::Applications;
use crate::endings::first_line;
use crate::ids::application_name;
use crate::messages::{
    ApplicationId, ApplicationReport, ApplicationSubmissionContext, ContainerLaunchContext,
    LogAggregationContext, Priority, Resource, StringStringMap, Token,
};
use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(100);

/// The names by which people and queues know an application.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// Its name.
    pub name: String,
    /// Its queue.
    pub queue: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its type, at most twenty characters.
    pub application_type: String,
    /// Its priority in the queue, unless that is the queue's to say.
    pub priority: Option<u32>,
    /// The pattern of log files that nodes put away while it runs, and of those that they do not; neither if there is none.
    pub rolled_logs: Option<(String, String)>,
}

impl Labels {
    /// Returns the context of an application with these labels.
    pub(crate) fn context(&self, id: &ApplicationId) -> ApplicationSubmissionContext {
        let priority = self.priority.map(|priority| Priority { priority: i32::try_from(priority).ok() });
        ApplicationSubmissionContext {
            application_id: Some(id.clone()),
            application_name: Some(self.name.clone()),
            queue: Some(self.queue.clone()),
            priority,
            application_type: Some(self.application_type.clone()),
            application_tags: self.tags.clone(),
            log_aggregation_context: self.rolled_logs.as_ref().map(|(include, exclude)| {
                LogAggregationContext {
                    rolled_logs_include_pattern: Some(include.clone()),
                    // YARN's own default excludes all.
                    rolled_logs_exclude_pattern: Some(exclude.clone()),
                }
            }),
            ..ApplicationSubmissionContext::default()
        }
    }

    /// Describes an application with these labels and one of its containers, for a person.
    pub(crate) fn described(
        &self,
        launch: &ContainerLaunchContext,
        role: &str,
        size: &str,
        files: &[String],
    ) -> String {
        let mut lines = vec![format!("application: {}", self.name), format!("queue: {}", self.queue)];
        lines.push(format!("type: {}", self.application_type));
        if !self.tags.is_empty() {
            lines.push(format!("tags: {}", self.tags.join(", ")));
        }
        lines.extend(self.priority.map(|priority| format!("priority: {priority}")));
        lines.extend(self.rolled_logs.iter().map(|(include, exclude)| {
            format!("logs put away while it runs: `{include}`, but not `{exclude}`")
        }));
        lines.push(format!("container of {role}: {size}"));
        lines.push("files:".into());
        lines.extend(files.iter().map(|file| format!("  {file}")));
        lines.push("variables:".into());
        let shown = |pair: &StringStringMap| {
            format!(
                "  {}={}",
                pair.key.as_deref().unwrap_or_default(),
                pair.value.as_deref().unwrap_or_default()
            )
        };
        lines.extend(launch.environment.iter().map(shown));
        lines.push("command, in double quotes of bash:".into());
        lines.extend(launch.command.iter().map(|line| format!("  {line}")));
        lines.join("\n")
    }
}

/// Submits an application without a container for its master.
pub(crate) fn submit_unmanaged(
    client: &mut Applications,
    id: &ApplicationId,
    labels: &Labels,
) -> Result<(), YarnError> {
    client.submit(ApplicationSubmissionContext {
        unmanaged_am: Some(true),
        max_app_attempts: Some(1),
        am_container_spec: Some(ContainerLaunchContext::default()),
        // It takes no container, but has to have a size.
        resource: Some(Resource { memory: Some(1), virtual_cores: Some(1), ..Resource::default() }),
        ..labels.context(id)
    })
}

/// Waits for the master's token, which comes a moment after the application is accepted.
pub(crate) fn wait_for_token(
    client: &mut Applications,
    id: &ApplicationId,
    queue: &str,
    within: Duration,
) -> Result<Token, YarnError> {
    let deadline = Instant::now() + within;
    loop {
        let report = client.report(id)?;
        if report.is_over() {
            return Err(refusal(id, &report));
        }
        if let Some(token) = report.am_rm_token.filter(|token| !token.identifier.is_empty()) {
            return Ok(token);
        }
        if Instant::now() > deadline {
            let said = first_line(report.diagnostics.as_deref().unwrap_or_default());
            return Err(YarnError::Configuration {
                what: format!(
                    "YARN has not begun {} within {} s ({said})",
                    application_name(id),
                    within.as_secs()
                ),
                remedy: format!(
                    "look at the queue `{queue}` on the ResourceManager's pages: it may have reached its limit of applications; \
                     choose another with `firesteel.yarn.queue`, or wait longer with `firesteel.yarn.am.wait_time`"
                ),
            });
        }
        thread::sleep(POLL);
    }
}

/// Returns the error for an application that YARN ended before it began.
fn refusal(id: &ApplicationId, report: &ApplicationReport) -> YarnError {
    let said = first_line(report.diagnostics.as_deref().unwrap_or_default());
    let remedy = match said.contains("queue") {
        true => "choose a queue that exists and that you may use, with `firesteel.yarn.queue`",
        false => "the ResourceManager's page of the application says more",
    };
    YarnError::Configuration {
        what: format!("YARN refused {} ({}): {said}", application_name(id), report.state()),
        remedy: remedy.into(),
    }
}
