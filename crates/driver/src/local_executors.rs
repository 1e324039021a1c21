//! Executors on the driver's own machine: threads of its process, or worker processes.
//!
//! Their messages become events of the scheduler. Messages of agents go through `agents` instead, since the application decides which
//! agents it heeds.

use crate::driver::Driver;
use crate::losses;
use firesteel_executor::{CachedBlocksOf, DriverLink, Executor, Names, PlanError, Processes, WorkerCommand};
use firesteel_protocol::FromExecutor;
use firesteel_protocol::handshake::WorkerInit;
use firesteel_scheduler::{ApplicationEvent, Event};
use firesteel_types::{ExecutorId, StageId};
use std::sync::Arc;

/// The host of all executors on this machine.
const HOST: &str = "localhost";

impl Driver {
    /// Starts the executor in this process, and the alarm clock.
    pub(crate) fn start(self: &Arc<Self>, slots: u32) -> std::io::Result<()> {
        let driver: Arc<dyn DriverLink> = self.clone();
        self.link.connect(Arc::downgrade(&driver));
        let executor = Executor::start(slots, self.services.clone(), driver, self.link.clone())?;
        *self.executors.write() = Some(Arc::new(executor));
        self.services.cached.set_listener(Box::new(CachedBlocksOf(self.link.clone())));
        self.start_clock()?;
        self.post(Event::ExecutorAdded { executor: ExecutorId::DRIVER, host: HOST.into(), slots });
        Ok(())
    }

    /// Starts executors in processes of their own, and the alarm clock.
    pub(crate) fn start_processes(
        self: &Arc<Self>,
        slots: u32,
        command: WorkerCommand,
        init: WorkerInit,
    ) -> std::io::Result<()> {
        let driver: Arc<dyn DriverLink> = self.clone();
        let processes = Processes::start(command, init, slots, Arc::downgrade(&driver), Names::Numbered)?;
        *self.executors.write() = Some(processes.clone());
        *self.processes.write() = Some(processes);
        self.start_clock()
    }
}

impl DriverLink for Driver {
    fn plan(&self, stage: StageId) -> Result<Arc<[u8]>, PlanError> {
        self.recipe(stage).ok_or_else(|| PlanError::forgotten(stage))?.encoded().map_err(PlanError::Refused)
    }

    fn receive(&self, message: FromExecutor) {
        let event = match message {
            FromExecutor::Finished { executor, task, report, updates, metrics } => {
                let (outcome, bytes) = report.delivered().split();
                let event = Event::TaskFinished { task, executor, outcome, updates, metrics };
                return self.post_result(ApplicationEvent::Scheduler(event), bytes);
            }
            FromExecutor::AskCommit { executor, task } => Event::CommitRequest { task, executor },
            FromExecutor::BarrierSync { executor, task, epoch, message } => {
                Event::BarrierSync { task, executor, epoch, message }
            }
            FromExecutor::Stored { executor, key, size } => Event::BlockStored { executor, key, size },
            FromExecutor::Dropped { executor, key } => Event::BlockDropped { executor, key },
            FromExecutor::Added { executor } => {
                Event::ExecutorAdded { executor, host: HOST.into(), slots: 1 }
            }
            // The map outputs of a worker process lie in files that the other processes read, too.
            FromExecutor::Lost { executor, reason } => {
                Event::ExecutorLost { executor, reason, outputs_survive: true }
            }
            FromExecutor::Alive { running, .. } => {
                for (executor, running) in running {
                    self.post(Event::Heartbeat { executor, running });
                }
                return;
            }
            FromExecutor::OutOfWorkers { reason } => return self.give_up(reason),
            FromExecutor::RunsLong { executor, report } => return losses::log_long_task(executor, &report),
            // Workers' plans are asked for by their parent, and only agents say the rest.
            FromExecutor::AskPlan { .. }
            | FromExecutor::Migrated { .. }
            | FromExecutor::OutputsStored { .. }
            | FromExecutor::StoreDone { .. }
            | FromExecutor::Stacks { .. }
            | FromExecutor::Log { .. }
            | FromExecutor::Left
            | FromExecutor::Notice { .. } => return,
        };
        self.post(event);
    }
}
