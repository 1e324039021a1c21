//! A worker for its pages.

use super::master::state_of;
use firesteel_cluster::standalone::worker::{HostedProcess, ProcessName, WorkerDaemon, WorkerStatus};
use firesteel_cluster::standalone::{
    ApplicationId, DriverId, DriverRun, ExecutorName, LogStream, ProcessOutcome,
};
use firesteel_ui::{LogPart, ProcessView, Unavailable, WorkerPageView, WorkerSite};
use std::io;
use std::sync::{Arc, OnceLock, Weak};

/// The pages' way to the worker, once there is one. It does not keep the worker alive.
#[derive(Default)]
pub(crate) struct WorkerPages(OnceLock<Weak<WorkerDaemon>>);

impl WorkerPages {
    /// Leads to this worker from now on.
    pub(crate) fn attach(&self, daemon: &Arc<WorkerDaemon>) {
        let _ = self.0.set(Arc::downgrade(daemon));
    }

    fn daemon(&self) -> Result<Arc<WorkerDaemon>, Unavailable> {
        let daemon = self.0.get().and_then(Weak::upgrade);
        daemon.ok_or_else(|| Unavailable("The worker begins, or has ended.".into()))
    }
}

impl WorkerSite for WorkerPages {
    fn revision(&self) -> u64 {
        self.daemon().map_or(0, |daemon| daemon.revision())
    }

    fn view(&self) -> Result<WorkerPageView, Unavailable> {
        let status = self.daemon()?.status();
        Ok(view(status.ok_or_else(|| Unavailable("The worker does not answer.".into()))?))
    }

    fn log(
        &self,
        of: &ProcessView,
        which: &'static str,
        offset: Option<u64>,
        most: usize,
    ) -> Result<LogPart, Unavailable> {
        let name = match of.is_driver {
            true => ProcessName::Driver(DriverRun {
                driver: DriverId::new(of.owner.as_str()),
                attempt: of.number,
            }),
            false => {
                ProcessName::Executor(ExecutorName::of(ApplicationId::new(of.owner.as_str()), of.number))
            }
        };
        let stream = if which == "stdout" { LogStream::Stdout } else { LogStream::Stderr };
        match self.daemon()?.log(&name, stream, offset, most as u64) {
            Ok(text) => Ok(LogPart::of(&text.bytes, text.offset, text.length)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Unavailable(
                "There is no such file: nothing was written yet, or it was removed with what its application had here.".into(),
            )),
            Err(error) => Err(Unavailable(format!("The file cannot be read: {error}"))),
        }
    }
}

fn view(status: WorkerStatus) -> WorkerPageView {
    let masters = || status.masters.join(",");
    WorkerPageView {
        id: status.worker.to_string(),
        master: format!("firesteel://{}", status.master.clone().unwrap_or_else(masters)),
        is_connected: status.master.is_some(),
        master_pages: status.master_pages,
        is_decommissioned: status.is_decommissioned,
        now: status.now.0 as i64,
        cores: status.total.cores,
        cores_used: status.used.cores,
        memory: status.total.memory_mib,
        memory_used: status.used.memory_mib,
        running: status.running.iter().map(process).collect(),
        ended: status.ended.iter().map(process).collect(),
    }
}

fn process(process: &HostedProcess) -> ProcessView {
    let (owner, number, is_driver) = match &process.name {
        ProcessName::Executor(name) => (name.application.to_string(), name.executor.0, false),
        ProcessName::Driver(run) => (run.driver.to_string(), run.attempt, true),
    };
    ProcessView {
        owner,
        number,
        is_driver,
        application_name: process.application_name.clone(),
        user: process.user.clone(),
        cores_max: process.cores_max,
        cores: process.resources.cores,
        memory: process.resources.memory_mib,
        started_at: process.started_at.0 as i64,
        ended_at: process.end.as_ref().map(|(at, _)| at.0 as i64),
        state: match &process.end {
            None => "RUNNING",
            Some((_, ProcessOutcome::Exited { code: 0 })) if is_driver => "FINISHED",
            Some((_, ProcessOutcome::Exited { .. })) if is_driver => "FAILED",
            Some((_, outcome)) => state_of(outcome),
        },
        why: process.end.as_ref().map(|(_, outcome)| outcome.to_string()).unwrap_or_default(),
    }
}
