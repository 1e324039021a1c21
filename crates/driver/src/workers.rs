//! Worker processes and remote executors: the settings that they are sent when they begin, and their
//! descriptions.

use crate::context::DriverContext;
use crate::driver::Driver;
use crate::error::{Error, Result};
use firesteel_executor::decode::decode;
use firesteel_executor::runner::run;
use firesteel_executor::{SystemThread, WorkerInfo, system_threads};
use firesteel_operators::{Services, Task};
use firesteel_protocol::DeliveredOutcome;
use firesteel_scheduler::ApplicationEvent;
use firesteel_types::{BroadcastId, ExecutorId, ThreadStack};
use std::path::Path;
use std::sync::Arc;

impl DriverContext {
    /// Sets the setting that worker processes that begin from now on are sent.
    ///
    /// # Errors
    /// When it cannot be sent to them.
    pub fn set_worker_setting(&self, setting: &str) -> Result<()> {
        if self.driver().remote().is_some() {
            self.driver().post_event(ApplicationEvent::WorkerSetting { setting: setting.into() });
        }
        let Some(processes) = self.driver().processes() else { return Ok(()) };
        processes.set(setting).map_err(|error| Error::Start(error.to_string()))
    }

    /// Offers a file to executors in other processes, which can fetch it from now on by the BLAKE3 hash of
    /// its contents, which is returned. The file must not change.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn offer_file(&self, path: &Path) -> Result<[u8; 32]> {
        let offered = self.driver().offer(path);
        offered.map_err(|error| Error::Start(format!("{} cannot be read: {error}", path.display())))
    }

    /// Notes a file or directory that is shipped to tasks, which read it from now on: answers of jobs depend on what is in it,
    /// so a driver that restarts (`spark.driver.recovery.dir`) takes up no answer that came from other contents.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn note_shipped(&self, path: &Path) -> Result<()> {
        let noted = self.recovery().map_or(Ok(()), |recovery| recovery.note_shipped(path));
        noted.map_err(|error| Error::Start(format!("{} cannot be read: {error}", path.display())))
    }

    /// Returns whether executors are processes that connect to this one, perhaps remote ones.
    pub fn is_on_cluster(&self) -> bool {
        self.driver().remote().is_some()
    }

    /// The services that this process provides to its tasks: stores, memory, directories.
    pub fn services(&self) -> &Arc<Services> {
        &self.driver().services
    }

    /// Runs the last task that failed with an exception once more, on this thread, and returns its outcome
    /// now. `None` when no task failed so.
    ///
    /// # Errors
    /// When its plan cannot be decoded here.
    pub fn run_last_failure(&self) -> Option<std::result::Result<DeliveredOutcome, String>> {
        let (spec, recipe) = self.driver().last_failure.lock().clone()?;
        let services = self.services();
        let terminal = recipe.encoded().and_then(|plan| decode(&plan, &services.broadcasts));
        Some(terminal.map(|terminal| {
            let task = Task::new(spec, services.clone(), Arc::default());
            run(&*terminal, &task).0
        }))
    }

    /// The worker processes that are ready, or the executors of a cluster.
    pub fn workers(&self) -> Vec<WorkerInfo> {
        if self.driver().remote().is_some() {
            return self.driver().agent_infos();
        }
        self.driver().processes().map_or_else(Vec::new, |processes| processes.infos())
    }

    /// Returns where the code of each slot stands now: of worker processes their stacks, of threads of this program their names and tasks.
    /// Waits for processes and hosts that are asked, but for no more than a few seconds; hosts that do not answer are left out.
    pub fn stacks(&self) -> Vec<ThreadStack> {
        self.driver().stacks()
    }

    /// Sets the tags of the jobs that this thread runs from now on, in place of others.
    pub fn set_job_tags(&self, tags: Vec<String>) {
        self.with_local(|local| local.tags = tags);
    }

    /// Tells workers to drop a broadcast value that was destroyed.
    pub fn forget_broadcast(&self, broadcast: BroadcastId) {
        self.driver().forget_broadcast(broadcast);
    }
}

impl Driver {
    /// Returns where the code of each slot stands now; see [`DriverContext::stacks`].
    pub(crate) fn stacks(&self) -> Vec<ThreadStack> {
        if let Some(remote) = self.remote() {
            return remote.agents.stacks();
        }
        // Not asked under the lock.
        let executors = self.executors.read().clone();
        executors.map_or_else(Vec::new, |executors| executors.stacks())
    }

    /// Returns where the code of an executor's slots stands now. Of the driver, all threads of this process are told.
    pub(crate) fn stacks_of(&self, executor: &str) -> Vec<ThreadStack> {
        let is_driver = executor == ExecutorId::DRIVER.name();
        if is_driver && !self.runs_tasks_here() {
            return own_threads(&[]);
        }
        let mut stacks = self.stacks();
        stacks.retain(|stack| stack.executor.name() == executor);
        if is_driver {
            let others = own_threads(&stacks);
            stacks.extend(others);
        }
        stacks
    }
}

/// Returns the threads of this process but for those that are told already.
fn own_threads(told: &[ThreadStack]) -> Vec<ThreadStack> {
    let is_told = |thread: u32| told.iter().any(|stack| stack.thread == thread);
    let others = system_threads().into_iter().filter(|thread| !is_told(thread.thread));
    let other = |thread: SystemThread| ThreadStack {
        executor: ExecutorId::DRIVER,
        name: thread.name,
        process: std::process::id(),
        thread: thread.thread,
        state: thread.state,
        running: None,
        ran_ms: None,
        text: String::new(),
    };
    others.map(other).collect()
}
