//! The actions of the pages: jobs and stages are ended, and executors asked where their code stands.

use crate::driver::Driver;
use crate::sampling::Sampler;
use firesteel_protocol::{LogAsk, LogStream};
use firesteel_scheduler::Event;
use firesteel_types::{ExecutorId, JobId, StageId, ThreadStack};
use firesteel_ui::{Actions, LogPart, SampleAsk, Samples, ThreadStack as ShownStack, Unavailable};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};

/// The reason that a user is told whose job was ended from a page.
const KILLED: &str = "because it was killed from its page";

/// The pages' way to the driver, once there is one. It does not keep the driver alive.
#[derive(Default)]
pub(crate) struct PageActions {
    driver: OnceLock<Weak<Driver>>,
    sampler: Sampler,
}

impl PageActions {
    /// Leads to this driver from now on. Only the first call has an effect.
    pub(crate) fn attach(&self, driver: &Arc<Driver>) {
        let _ = self.driver.set(Arc::downgrade(driver));
    }

    fn driver(&self) -> Result<Arc<Driver>, Unavailable> {
        let driver = self.driver.get().and_then(Weak::upgrade);
        driver.ok_or_else(|| Unavailable("The application has ended, or has not begun yet.".into()))
    }

    fn stacks_of(&self, executor: &str) -> Option<Vec<ThreadStack>> {
        let stacks = self.driver().ok()?.stacks_of(executor);
        if stacks.is_empty() { None } else { Some(stacks) }
    }

    /// Returns the addresses of the pages that show what an executor writes, by the names of its streams, if it writes to files.
    pub(crate) fn log_links(&self, url: &str, executor: &str) -> BTreeMap<String, String> {
        let link = |stream: &str| {
            let page =
                format!("{}/executors/log/?executorId={executor}&which={stream}", url.trim_end_matches('/'));
            (stream.to_owned(), page)
        };
        match self.driver() {
            Ok(driver) if driver.keeps_logs() && driver.agent_of(executor).is_some() => {
                ["stdout", "stderr"].into_iter().map(link).collect()
            }
            _ => BTreeMap::new(),
        }
    }

    /// Returns the stacks of an executor as Spark's REST interface tells them.
    pub(crate) fn threads(&self, executor: &str) -> Option<serde_json::Value> {
        let thread = |(number, stack): (usize, ThreadStack)| {
            let (mut shown, is_running) = (shown(&stack), stack.state.starts_with("running"));
            if shown.stack.is_empty() {
                shown.stack.push(shown.state);
            }
            json!({
                "threadId": number,
                "threadName": stack.name,
                // Where the system does not tell, a thread with a task is taken to run.
                "threadState": if is_running || stack.state.is_empty() && stack.running.is_some() { "RUNNABLE" } else { "WAITING" },
                "stackTrace": { "elems": shown.stack },
                "blockedByLock": "",
                "holdingLocks": [],
            })
        };
        Some(self.stacks_of(executor)?.into_iter().enumerate().map(thread).collect())
    }
}

/// Returns a thread as pages show it: what the system tells of it, and what it works at.
fn shown(stack: &ThreadStack) -> ShownStack {
    let mut lines: Vec<String> = stack.text.lines().map(|line| line.trim_start().to_owned()).collect();
    if let Some(running) = stack.running {
        lines.push(format!("{running}{}", ran(stack.ran_ms)));
    }
    ShownStack {
        name: format!("{} (process {})", stack.name, stack.process),
        state: match (stack.state.is_empty(), stack.running) {
            (true, Some(_)) => "has a task".into(),
            (true, None) => "waits for a task".into(),
            (false, _) => stack.state.clone(),
        },
        stack: lines,
        is_busy: stack.running.is_some(),
    }
}

fn ran(ms: Option<u64>) -> String {
    ms.map_or_else(String::new, |ms| format!(", for {}.{:03} s", ms / 1000, ms % 1000))
}

impl Actions for PageActions {
    fn kill_job(&self, job: i64) -> Result<(), Unavailable> {
        let job = JobId(u32::try_from(job).map_err(|_| Unavailable(format!("There is no job {job}.")))?);
        self.driver()?.post(Event::CancelJob { job, reason: KILLED.into() });
        Ok(())
    }

    fn kill_stage(&self, stage: i64) -> Result<(), Unavailable> {
        let unknown = || Unavailable(format!("There is no stage {stage} that a running job needs."));
        let id = StageId(u32::try_from(stage).map_err(|_| unknown())?);
        let driver = self.driver()?;
        let jobs: Vec<JobId> = {
            let status = driver.status.lock();
            let needs = |job: &&firesteel_status::JobStatus| job.stages.iter().any(|stage| stage.stage == id);
            status.active_jobs().filter(needs).map(|job| job.job).collect()
        };
        if jobs.is_empty() {
            return Err(unknown());
        }
        for job in jobs {
            driver.post(Event::CancelJob {
                job,
                reason: format!("because its stage {stage} was killed from its page"),
            });
        }
        Ok(())
    }

    fn thread_dump(&self, executor: &str) -> Result<Vec<ShownStack>, Unavailable> {
        self.driver()?;
        let stacks = self.stacks_of(executor);
        let stacks = stacks.ok_or_else(|| Unavailable(format!("Executor {executor} does not answer.")))?;
        Ok(stacks.iter().map(shown).collect())
    }

    fn sample(&self, ask: &SampleAsk) -> Result<Samples, Unavailable> {
        self.sampler.sample(&self.driver()?, ask)
    }

    fn log(
        &self,
        executor: &str,
        which: &str,
        offset: Option<u64>,
        length: usize,
    ) -> Result<LogPart, Unavailable> {
        let driver = self.driver()?;
        let keeps_logs = driver.keeps_logs();
        if executor == ExecutorId::DRIVER.name() || !keeps_logs {
            // Executors of this machine write where the program writes.
            return Err(Unavailable(format!(
                "Executor {executor} writes to this program's own standard output and error, which go where the program was told to \
                 send them."
            )));
        }
        let Some(agent) = driver.agent_of(executor) else {
            return Err(Unavailable(format!(
                "Executor {executor} is gone. Its worker keeps the files that it wrote to, as long as the application's directory on \
                 that host is kept; the worker's page shows them."
            )));
        };
        let stream = if which == "stdout" { LogStream::Stdout } else { LogStream::Stderr };
        let ask = LogAsk { stream, offset, length: u32::try_from(length).unwrap_or(u32::MAX) };
        let remote = driver.remote().ok_or_else(|| Unavailable("The application has ended.".into()))?;
        let part = remote.agents.log(agent, ask).map_err(Unavailable)?;
        Ok(LogPart::of(&part.bytes, part.offset, part.length))
    }

    fn is_there(&self) -> bool {
        self.driver().is_ok()
    }
}
