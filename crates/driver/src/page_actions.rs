//! The actions of the pages: jobs and stages are ended, and executors asked where their code stands.

use crate::driver::Driver;
use firesteel_scheduler::Event;
use firesteel_types::{JobId, StageId, ThreadStack};
use firesteel_ui::{Actions, LogPart, ThreadStack as ShownStack, Unavailable};
use serde_json::json;
use std::sync::{Arc, OnceLock, Weak};

/// The reason that a user is told whose job was ended from a page.
const KILLED: &str = "because it was killed from its page";

/// The pages' way to the driver, once there is one. It does not keep the driver alive.
#[derive(Default)]
pub(crate) struct PageActions(OnceLock<Weak<Driver>>);

impl PageActions {
    /// Leads to this driver from now on. Only the first call has an effect.
    pub(crate) fn attach(&self, driver: &Arc<Driver>) {
        let _ = self.0.set(Arc::downgrade(driver));
    }

    fn driver(&self) -> Result<Arc<Driver>, Unavailable> {
        let driver = self.0.get().and_then(Weak::upgrade);
        driver.ok_or_else(|| Unavailable("The application has ended, or has not begun yet.".into()))
    }

    fn stacks_of(&self, executor: &str) -> Option<Vec<ThreadStack>> {
        let driver = self.driver().ok()?;
        let mut stacks = driver.stacks();
        stacks.retain(|stack| stack.executor.name() == executor);
        if stacks.is_empty() { None } else { Some(stacks) }
    }

    /// Returns the stacks of an executor as Spark's REST interface tells them.
    pub(crate) fn threads(&self, executor: &str) -> Option<serde_json::Value> {
        let thread = |(number, stack): (usize, ThreadStack)| {
            let lines: Vec<&str> = stack.text.lines().collect();
            json!({
                "threadId": number,
                "threadName": stack.name,
                "threadState": if stack.task.is_some() { "RUNNABLE" } else { "WAITING" },
                "stackTrace": { "elems": lines },
                "blockedByLock": "",
                "holdingLocks": [],
            })
        };
        Some(self.stacks_of(executor)?.into_iter().enumerate().map(thread).collect())
    }
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
        let shown = |stack: ThreadStack| ShownStack {
            name: format!("{} (process {})", stack.name, stack.process),
            state: stack.task.map_or_else(|| "waits for a task".into(), |task| format!("runs task {task}")),
            stack: stack.text.lines().map(Into::into).collect(),
            is_busy: stack.task.is_some(),
        };
        Ok(stacks.into_iter().map(shown).collect())
    }

    fn log(&self, executor: &str, _: &str, _: Option<u64>, _: usize) -> Result<LogPart, Unavailable> {
        // Executors of this machine write where the program writes. Those of a cluster write to files of their workers.
        Err(Unavailable(format!(
            "Executor {executor} writes to the standard output and error of the process that started it: this program's, or its \
             worker daemon's files."
        )))
    }

    fn is_there(&self) -> bool {
        self.driver().is_ok()
    }
}
