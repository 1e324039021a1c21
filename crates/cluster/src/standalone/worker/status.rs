//! The worker's status for display: what it runs and ran. The state machine knows no names for people and no times; here
//! they are noted beside it.

use super::process_name::ProcessName;
use crate::standalone::master::since_1970;
use firesteel_standalone::{
    ApplicationSpec, DriverRun, ExecutorName, ProcessOutcome, Resources, WorkerId, WorkerMessage,
};
use firesteel_types::Millis;
use std::collections::VecDeque;

/// The number of ended executors and drivers that are remembered.
const REMEMBERED: usize = 1_000;

/// A worker as it is at a moment.
#[derive(Clone, Debug)]
pub struct WorkerStatus {
    /// The time, in milliseconds since 1970.
    pub now: Millis,
    /// The worker's name.
    pub worker: WorkerId,
    /// Its host.
    pub host: String,
    /// The addresses of the masters that it knows, `host:port`.
    pub masters: Vec<String>,
    /// The address of the master with which it is connected.
    pub master: Option<String>,
    /// The address of the master's pages, if it has told one.
    pub master_pages: Option<String>,
    /// All that it lends.
    pub total: Resources,
    /// The part of it that is taken.
    pub used: Resources,
    /// True if it gets nothing more.
    pub is_decommissioned: bool,
    /// The executors and drivers that it runs, in the order in which they were started.
    pub running: Vec<HostedProcess>,
    /// Some of those that ended, the last one last.
    pub ended: Vec<HostedProcess>,
}

/// An executor or a driver that a worker runs or ran.
#[derive(Clone, Debug)]
pub struct HostedProcess {
    /// Its name.
    pub name: ProcessName,
    /// The name of its application, for people; empty for a driver.
    pub application_name: String,
    /// The user of its application; empty for a driver.
    pub user: String,
    /// The cores that its application may have; none is as many as there are.
    pub cores_max: Option<u32>,
    /// Its resources.
    pub resources: Resources,
    /// The time at which it was to be started, in milliseconds since 1970.
    pub started_at: Millis,
    /// The time of its end, and how it ended.
    pub end: Option<(Millis, ProcessOutcome)>,
}

/// The executors and drivers that a worker runs and ran.
#[derive(Default)]
pub(super) struct Hosted {
    running: Vec<HostedProcess>,
    ended: VecDeque<HostedProcess>,
}

impl Hosted {
    pub(super) fn running(&self) -> Vec<HostedProcess> {
        self.running.clone()
    }

    pub(super) fn ended(&self) -> Vec<HostedProcess> {
        self.ended.iter().cloned().collect()
    }

    /// Notes that an executor is being started.
    pub(super) fn started_executor(
        &mut self,
        name: &ExecutorName,
        resources: Resources,
        spec: &ApplicationSpec,
    ) {
        self.running.push(HostedProcess {
            name: ProcessName::Executor(name.clone()),
            application_name: spec.name.clone(),
            user: spec.user.clone(),
            cores_max: spec.cores_max,
            resources,
            started_at: since_1970(),
            end: None,
        });
    }

    /// Notes that a driver is being started.
    pub(super) fn started_driver(&mut self, run: &DriverRun, resources: Resources) {
        self.running.push(HostedProcess {
            name: ProcessName::Driver(run.clone()),
            application_name: String::new(),
            user: String::new(),
            cores_max: None,
            resources,
            started_at: since_1970(),
            end: None,
        });
    }

    /// Notes an end that is told to the master.
    pub(super) fn said(&mut self, message: &WorkerMessage) {
        match message {
            WorkerMessage::ExecutorEnded { executor, outcome } => {
                self.has_ended(&ProcessName::Executor(executor.clone()), outcome);
            }
            WorkerMessage::DriverEnded { run, outcome } => {
                self.has_ended(&ProcessName::Driver(run.clone()), outcome);
            }
            WorkerMessage::Register { .. }
            | WorkerMessage::Heartbeat { .. }
            | WorkerMessage::ExecutorStarted { .. }
            | WorkerMessage::Decommission
            | WorkerMessage::Leave => {}
        }
    }

    /// Moves a process to the ended ones. An end that is told again changes nothing.
    fn has_ended(&mut self, name: &ProcessName, outcome: &ProcessOutcome) {
        let Some(at) = self.running.iter().position(|one| one.name == *name) else { return };
        let mut one = self.running.remove(at);
        one.end = Some((since_1970(), outcome.clone()));
        self.ended.push_back(one);
        if self.ended.len() > REMEMBERED {
            self.ended.pop_front();
        }
    }
}
