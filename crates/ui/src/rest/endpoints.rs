//! The endpoints: each asks the store, and says what is wrong in Spark's words.

use super::answer::{Refusal, json};
use super::parameters::{Parameters, TASK_QUANTILES};
use super::path::{Attempt, Endpoint, Which};
use super::zip;
use crate::redact::Redaction;
use axum::response::Response;
use firesteel_status::store::{Access, ApplicationEnvironmentInfo, Applications, VersionInfo, View};
use serde::Serialize;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The version of Spark whose interface this is.
const SPARK_VERSION: &str = "4.3.0";

/// Answers requests from applications.
pub(super) struct Rest {
    applications: Arc<dyn Applications>,
    redaction: Redaction,
}

impl Rest {
    pub(super) fn new(applications: Arc<dyn Applications>, redaction: Redaction) -> Self {
        Rest { applications, redaction }
    }

    /// Answers one request. Those for changes are answered elsewhere, since they go on.
    pub(super) fn answer(&self, endpoint: &Endpoint, parameters: &Parameters) -> Result<Response, Refusal> {
        match endpoint {
            Endpoint::Version => json(&VersionInfo { spark: SPARK_VERSION.into() }),
            Endpoint::Applications => json(&self.applications.list(&parameters.applications_ask(now())?)),
            Endpoint::Application(id) => {
                let found = self.applications.info(id);
                json(&found.ok_or_else(|| Refusal::not_found(format!("unknown app: {id}")))?)
            }
            Endpoint::AttemptInfo(id, attempt) => self.attempt(id, attempt),
            Endpoint::Jobs(of) => {
                let status = parameters.job_status()?;
                self.tell(of, |view| view.jobs(&status))
            }
            Endpoint::Job(of, job) => {
                self.find(of, |view| view.job(*job).ok_or_else(|| format!("unknown job: {job}")))
            }
            Endpoint::Stages(of) => {
                let (status, ask) = (parameters.stage_status()?, parameters.stage_ask(false)?);
                self.tell(of, |view| view.stages(&status, &ask))
            }
            Endpoint::StageAttempts(of, stage) => {
                let ask = parameters.stage_ask(true)?;
                self.find(of, |view| {
                    let attempts = view.stage_attempts(*stage, &ask);
                    if attempts.is_empty() { Err(format!("unknown stage: {stage}")) } else { Ok(attempts) }
                })
            }
            Endpoint::Stage(of, stage, attempt) => {
                let ask = parameters.stage_ask(true)?;
                self.find(of, |view| {
                    view.stage(*stage, *attempt, &ask).ok_or_else(|| unknown_attempt(view, *stage))
                })
            }
            Endpoint::TaskSummary(of, stage, attempt) => {
                let quantiles = parameters.quantiles(TASK_QUANTILES)?;
                self.find(of, |view| {
                    view.task_summary(*stage, *attempt, &quantiles)
                        .ok_or_else(|| format!("No tasks reported metrics for {stage} / {attempt} yet."))
                })
            }
            Endpoint::TaskList(of, stage, attempt) => {
                let ask = parameters.task_ask()?;
                self.tell(of, |view| view.tasks(*stage, *attempt, &ask).unwrap_or_default())
            }
            Endpoint::Executors(of, which) => self.tell_executors(of, matches!(which, Which::All)),
            Endpoint::Threads(of, executor) => self.threads(of, executor),
            Endpoint::Processes(of) | Endpoint::Queries(of) => self.tell(of, |_| [(); 0]),
            Endpoint::Streaming(of) => self.find(of, |view| {
                Err::<(), _>(format!("no streaming listener attached to {}", view.application().name))
            }),
            Endpoint::Query(of, query) => {
                self.find(of, |_| Err::<(), _>(format!("unknown query execution id: {query}")))
            }
            Endpoint::Rdds(of) => self.tell(of, |view| view.rdds()),
            Endpoint::Rdd(of, rdd) => {
                self.find(of, |view| view.rdd(*rdd).ok_or_else(|| format!("no rdd found w/ id {rdd}")))
            }
            Endpoint::Environment(of) => self.tell(of, |view| self.environment(view)),
            Endpoint::Logs(of) => self.logs(of),
            Endpoint::Changes(_) => Err(Refusal::broken("changes go on")),
        }
    }

    /// Opens an application.
    pub(super) fn open(&self, of: &Attempt) -> Result<Arc<dyn Access>, Refusal> {
        let attempt = of.attempt.as_deref();
        let opened = self.applications.open(&of.application, attempt);
        opened.map_err(|error| Refusal::unopened(error, &of.application, attempt))
    }

    fn tell<T: Serialize>(&self, of: &Attempt, ask: impl Fn(&View<'_>) -> T) -> Result<Response, Refusal> {
        self.find(of, |view| Ok(ask(view)))
    }

    /// Answers with what `ask` finds, or refuses with what it says. The store is free again before JSON is made.
    fn find<T: Serialize>(
        &self,
        of: &Attempt,
        ask: impl Fn(&View<'_>) -> Result<T, String>,
    ) -> Result<Response, Refusal> {
        let access = self.open(of)?;
        let mut found = None;
        access.look(&mut |store, now| found = Some(ask(&store.at(now))));
        let found = found.ok_or_else(|| Refusal::broken("the application could not be looked at"))?;
        json(&found.map_err(Refusal::not_found)?)
    }

    fn tell_executors(&self, of: &Attempt, all: bool) -> Result<Response, Refusal> {
        let access = self.open(of)?;
        let mut executors = vec![];
        access.look(&mut |store, now| executors = store.at(now).executors(all));
        // Not asked while the store is held.
        for executor in executors.iter_mut().filter(|executor| executor.executor_logs.is_empty()) {
            executor.executor_logs = self.applications.log_links(&of.application, &executor.id);
        }
        json(&executors)
    }

    fn attempt(&self, id: &str, attempt: &str) -> Result<Response, Refusal> {
        let unknown = || Refusal::not_found(format!("unknown app {id}, attempt {attempt}"));
        let found = self.applications.info(id).ok_or_else(unknown)?;
        let found = found.attempts.into_iter().find(|known| known.attempt_id.as_deref() == Some(attempt));
        json(&found.ok_or_else(unknown)?)
    }

    /// Returns settings and versions, without secrets: a log may come from where nobody hid them.
    fn environment(&self, view: &View<'_>) -> ApplicationEnvironmentInfo {
        let mut environment = view.environment();
        let lists = [
            &mut environment.spark_properties,
            &mut environment.hadoop_properties,
            &mut environment.system_properties,
            &mut environment.metrics_properties,
        ];
        for (key, value) in lists.into_iter().flatten() {
            let shown = self.redaction.shown(key, value);
            if shown != value.as_str() {
                *value = shown.to_owned();
            }
        }
        environment
    }

    fn threads(&self, of: &Attempt, executor: &str) -> Result<Response, Refusal> {
        self.open(of)?;
        let is_id =
            executor == "driver" || (!executor.is_empty() && executor.bytes().all(|c| c.is_ascii_digit()));
        if !is_id {
            return Err(Refusal::bad("Invalid executorId: neither 'driver' nor number."));
        }
        if self.applications.is_history() {
            return Err(Refusal::unavailable("Thread dumps not available through the history server."));
        }
        let stacks = self.applications.threads(&of.application, executor);
        json(&stacks.ok_or_else(|| Refusal::not_found("No thread dump is available."))?)
    }

    fn logs(&self, of: &Attempt) -> Result<Response, Refusal> {
        let (id, attempt) = (of.application.as_str(), of.attempt.as_deref());
        if !self.applications.is_history() {
            self.open(of)?;
            return Err(Refusal::unavailable(format!("Event logs are not available for app: {id}.")));
        }
        let parts = self.applications.log_parts(id, attempt);
        let parts = parts.map_err(|error| Refusal::unopened(error, id, attempt))?;
        zip::answer(Arc::clone(&self.applications), parts, id, attempt)
    }
}

fn unknown_attempt(view: &View<'_>, stage: i64) -> String {
    let attempts: Vec<String> = view.attempt_ids(stage).iter().map(i64::to_string).collect();
    match attempts.is_empty() {
        true => format!("unknown stage: {stage}"),
        false => format!("unknown attempt for stage {stage}.  Found attempts: [{}]", attempts.join(",")),
    }
}

/// Returns the time, in milliseconds since 1970.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
