//! A master for its pages.

use firesteel_cluster::standalone::master::{MasterDaemon, MasterStatus};
use firesteel_cluster::standalone::{
    ApplicationEnd, ApplicationId, ApplicationView, ClientAnswer, ClientMessage, DriverId, DriverState,
    DriverView, EndedApplication, EndedExecutor, ExecutorCondition, ExecutorEnd, ExecutorView, Overview,
    ProcessOutcome, WorkerCondition, WorkerView,
};
use firesteel_ui::{
    ClusterApplication, ClusterDriver, ClusterExecutor, ClusterWorker, MasterRole, MasterSite, MasterView,
    Unavailable, WorkerState,
};
use std::sync::{Arc, OnceLock, Weak};

/// The pages' way to the master, once there is one. It does not keep the master alive.
#[derive(Default)]
pub(crate) struct MasterPages(OnceLock<Weak<MasterDaemon>>);

impl MasterPages {
    /// Leads to this master from now on.
    pub(crate) fn attach(&self, daemon: &Arc<MasterDaemon>) {
        let _ = self.0.set(Arc::downgrade(daemon));
    }

    fn daemon(&self) -> Result<Arc<MasterDaemon>, Unavailable> {
        let daemon = self.0.get().and_then(Weak::upgrade);
        daemon.ok_or_else(|| Unavailable("The master begins, or has ended.".into()))
    }

    fn ask(&self, message: ClientMessage) -> Result<ClientAnswer, Unavailable> {
        let leads_not = "This master does not lead: the pages of the one that does can end things.";
        self.daemon()?.ask(message).ok_or_else(|| Unavailable(leads_not.into()))
    }
}

impl MasterSite for MasterPages {
    fn revision(&self) -> u64 {
        self.daemon().map_or(0, |daemon| daemon.revision())
    }

    fn view(&self) -> Result<MasterView, Unavailable> {
        let daemon = self.daemon()?;
        let status = daemon.status().ok_or_else(|| Unavailable("The master does not answer.".into()))?;
        Ok(view(daemon.address(), status))
    }

    fn kill_application(&self, id: &str) -> Result<(), Unavailable> {
        match self.ask(ClientMessage::KillApplication { application: ApplicationId::new(id) })? {
            ClientAnswer::Done => Ok(()),
            _ => Err(Unavailable(format!("No application {id} runs."))),
        }
    }

    fn kill_driver(&self, id: &str) -> Result<(), Unavailable> {
        match self.ask(ClientMessage::KillDriver { driver: DriverId::new(id) })? {
            ClientAnswer::Driver { .. } => Ok(()),
            _ => Err(Unavailable(format!("There is no driver {id}."))),
        }
    }
}

fn view(address: &str, status: MasterStatus) -> MasterView {
    let mut view = MasterView {
        url: format!("firesteel://{address}"),
        role: MasterRole::StandsBy,
        leader: status.leader,
        epoch: 0,
        now: status.now.0 as i64,
        workers: vec![],
        applications: vec![],
        ended_applications: vec![],
        drivers: vec![],
        ended_drivers: vec![],
    };
    let Some(overview) = status.overview else { return view };
    view.role = if overview.recovering { MasterRole::Recovers } else { MasterRole::Leads };
    view.leader = None;
    view.epoch = overview.epoch.0;
    view.workers = overview.workers.iter().map(|one| worker(one, None)).collect();
    view.workers.extend(overview.lost_workers.iter().map(|lost| worker(&lost.worker, Some(&lost.reason))));
    view.applications = overview.applications.iter().map(|one| application(one, &overview)).collect();
    view.ended_applications =
        overview.ended_applications.iter().map(|one| ended_application(one, &overview)).collect();
    view.drivers = overview.drivers.iter().map(driver).collect();
    view.ended_drivers = overview.ended_drivers.iter().map(driver).collect();
    view
}

fn worker(worker: &WorkerView, lost: Option<&str>) -> ClusterWorker {
    let state = match (lost, worker.condition) {
        (Some(_), _) => WorkerState::Dead,
        (None, WorkerCondition::Awaited) => WorkerState::Awaited,
        (None, WorkerCondition::Alive) => WorkerState::Alive,
        (None, WorkerCondition::Disconnected) => WorkerState::Disconnected,
        (None, WorkerCondition::Decommissioned) => WorkerState::Decommissioned,
    };
    ClusterWorker {
        id: worker.worker.to_string(),
        host: worker.host.clone(),
        state,
        why: lost.unwrap_or_default().into(),
        cores: worker.total.cores,
        cores_used: if lost.is_some() { 0 } else { worker.used.cores },
        memory: worker.total.memory_mib,
        memory_used: if lost.is_some() { 0 } else { worker.used.memory_mib },
        executors: worker.executors,
        drivers: worker.drivers,
        last_heartbeat: worker.last_seen.0 as i64,
        pages: worker.pages.clone(),
    }
}

fn application(application: &ApplicationView, overview: &Overview) -> ClusterApplication {
    let mut why = application.waiting.clone().unwrap_or_default();
    if !application.connected {
        why = "its connection is gone, and it may come back".into();
    }
    let mut executors: Vec<ClusterExecutor> = application.executors.iter().map(executor).collect();
    executors.extend(ended_executors(&application.application, overview));
    ClusterApplication {
        id: application.application.to_string(),
        name: application.name.clone(),
        user: application.user.clone(),
        cores: application.used.cores,
        cores_max: application.cores_max,
        memory_per_executor: application.memory_per_executor_mib,
        submitted_at: application.submitted_at.0 as i64,
        ended_at: None,
        state: if application.executors.is_empty() { "WAITING" } else { "RUNNING" },
        why,
        pages: application.pages.clone(),
        executors,
    }
}

fn ended_application(ended: &EndedApplication, overview: &Overview) -> ClusterApplication {
    let (state, why) = match &ended.end {
        ApplicationEnd::Finished => ("FINISHED", String::new()),
        ApplicationEnd::Failed { reason } => ("FAILED", reason.clone()),
        end @ ApplicationEnd::Killed => ("KILLED", end.to_string()),
        end @ ApplicationEnd::Lost => ("UNKNOWN", end.to_string()),
    };
    let executors: Vec<ClusterExecutor> = ended_executors(&ended.record.application, overview).collect();
    ClusterApplication {
        id: ended.record.application.to_string(),
        name: ended.record.spec.name.clone(),
        user: ended.record.spec.user.clone(),
        cores: 0,
        cores_max: ended.record.spec.cores_max,
        memory_per_executor: ended.record.spec.memory_per_executor_mib,
        submitted_at: ended.record.submitted_at.0 as i64,
        ended_at: Some(ended.ended_at.0 as i64),
        state,
        why,
        pages: None,
        executors,
    }
}

fn executor(executor: &ExecutorView) -> ClusterExecutor {
    ClusterExecutor {
        id: executor.executor.0,
        worker: executor.worker.to_string(),
        cores: executor.resources.cores,
        memory: executor.resources.memory_mib,
        state: match executor.condition {
            ExecutorCondition::Launching => "LAUNCHING",
            ExecutorCondition::Running | ExecutorCondition::Ready => "RUNNING",
            ExecutorCondition::Decommissioned => "DECOMMISSIONED",
        },
        why: String::new(),
        ended_at: None,
    }
}

fn ended_executors(id: &ApplicationId, overview: &Overview) -> impl Iterator<Item = ClusterExecutor> {
    let of_application =
        overview.ended_executors.iter().filter(move |ended| ended.executor.application == *id);
    of_application.map(ended_executor)
}

fn ended_executor(ended: &EndedExecutor) -> ClusterExecutor {
    let (state, why) = match &ended.end {
        None => ("KILLED", "its application ended".into()),
        Some(end @ ExecutorEnd::Ended { outcome }) => (state_of(outcome), end.to_string()),
        Some(end @ ExecutorEnd::KillRequested) => ("KILLED", end.to_string()),
        Some(end @ ExecutorEnd::WorkerLost { .. }) => ("LOST", end.to_string()),
    };
    ClusterExecutor {
        id: ended.executor.executor.0,
        worker: ended.worker.to_string(),
        cores: ended.resources.cores,
        memory: ended.resources.memory_mib,
        state,
        why,
        ended_at: Some(ended.ended_at.0 as i64),
    }
}

/// Returns the state of an executor whose process ended so, as Spark names it.
pub(super) fn state_of(outcome: &ProcessOutcome) -> &'static str {
    match outcome {
        ProcessOutcome::Exited { .. } => "EXITED",
        ProcessOutcome::Signalled { .. } | ProcessOutcome::FailedToStart { .. } => "FAILED",
        ProcessOutcome::Killed | ProcessOutcome::NeverStarted => "KILLED",
    }
}

fn driver(driver: &DriverView) -> ClusterDriver {
    let why = match &driver.state {
        DriverState::Error { reason } => reason.clone(),
        DriverState::Failed { outcome } => outcome.to_string(),
        _ => driver.waiting.clone().unwrap_or_default(),
    };
    ClusterDriver {
        id: driver.driver.to_string(),
        submitted_at: driver.submitted_at.0 as i64,
        worker: driver.worker.as_ref().map(ToString::to_string),
        attempt: driver.launches.saturating_sub(1),
        state: driver.state.name(),
        cores: driver.resources.cores,
        memory: driver.resources.memory_mib,
        is_supervised: driver.supervise,
        why,
    }
}
