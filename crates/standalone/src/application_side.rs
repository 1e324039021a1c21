//! The application's side of the cluster: the messages that it sends to the master, and the meaning of the
//! master's orders for it.
//!
//! It is pure like the master. The shell connects to one master at a time, passes on that master's orders, and
//! carries out the [`ApplicationAction`]s. One value belongs to one application from beginning to end, whichever
//! masters it meets.
//!
//! Lost messages are harmless: an application repeats its status with each heartbeat, and after its end that it
//! has finished; a registration on a new connection says both.

use firesteel_protocol::standalone::{
    ApplicationEnd, ApplicationId, ApplicationMessage, ApplicationOrder, ApplicationSpec, ApplicationStatus,
    ExecutorEnd, ProcessOutcome, RequestKey,
};
use firesteel_types::{ExecutorId, ExecutorLossReason, Millis};
use std::collections::BTreeSet;

/// An action for the application's shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplicationAction {
    /// Send a message to the master. Without a connection it is dropped: the next registration makes up for it.
    Send(ApplicationMessage),
    /// Close the connection: the master on it is silent, or the application has ended.
    Disconnect,
    /// Note that an executor will be gone soon, with its worker.
    ExecutorDecommissioned(ExecutorId),
    /// Note that an executor is gone; the reason.
    ExecutorEnded(ExecutorId, ExecutorLossReason),
    /// Note that the application has no executor and gets none at present; the reason.
    Waiting(String),
    /// Give up: the cluster has ended the application, or refuses it; the reason.
    Fail(String),
}

/// The state of an application as far as the cluster is concerned.
#[derive(Clone, Debug)]
pub struct ApplicationSide {
    key: RequestKey,
    spec: ApplicationSpec,
    /// The silence after which a master is taken for gone.
    master_timeout_ms: u64,
    /// The name that a master has given it.
    application: Option<ApplicationId>,
    /// The number of executors that it can use just now; none is without limit.
    wanted: Option<u32>,
    /// The executors that are connected with it.
    ready: BTreeSet<ExecutorId>,
    /// The time of the last order on this connection, or of its beginning.
    last_seen: Millis,
    phase: Phase,
}

/// The phases of an application's life, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    /// It has finished, and a master is to be told so.
    Finishing,
    /// A master knows that it has ended, or need not know.
    Ended,
}

impl ApplicationSide {
    /// Makes an application that no master knows yet. A master that is silent for longer than
    /// `master_timeout_ms` is taken for gone.
    pub fn new(key: RequestKey, spec: ApplicationSpec, wanted: Option<u32>, master_timeout_ms: u64) -> Self {
        ApplicationSide {
            key,
            spec,
            master_timeout_ms,
            application: None,
            wanted,
            ready: BTreeSet::new(),
            last_seen: Millis(0),
            phase: Phase::Running,
        }
    }

    /// Returns the name that a master has given it.
    pub fn application(&self) -> Option<&ApplicationId> {
        self.application.as_ref()
    }

    /// Returns its wishes.
    pub fn spec(&self) -> &ApplicationSpec {
        &self.spec
    }

    /// Returns the number of executors that it can use just now; none is without limit.
    pub fn wanted(&self) -> Option<u32> {
        self.wanted
    }

    /// Returns whether it has finished, or was ended.
    pub fn is_finishing(&self) -> bool {
        self.phase >= Phase::Finishing
    }

    /// Returns whether a master knows that it has ended, or need not know.
    pub fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Returns whether it needs a connection to a master. One that finishes before a master knew it needs none.
    pub fn needs_master(&self) -> bool {
        match self.phase {
            Phase::Running => true,
            Phase::Finishing => self.application.is_some(),
            Phase::Ended => false,
        }
    }

    /// Returns the first message on a new connection.
    pub fn register(&self) -> ApplicationMessage {
        ApplicationMessage::Register {
            key: self.key.clone(),
            known_as: self.application.clone(),
            spec: self.spec.clone(),
            status: self.status(),
        }
    }

    /// Handles a new connection to a master. One that comes after the end is not needed any more.
    pub fn connected(&mut self, now: Millis, todo: &mut Vec<ApplicationAction>) {
        self.last_seen = now;
        match self.is_ended() {
            true => todo.push(ApplicationAction::Disconnect),
            false => self.announce(todo),
        }
    }

    /// Handles the time for a heartbeat on the connection to a master, which is due every few seconds.
    pub fn heartbeat(&self, now: Millis, todo: &mut Vec<ApplicationAction>) {
        if self.is_ended() {
            return;
        }
        if now - self.last_seen > self.master_timeout_ms {
            todo.push(ApplicationAction::Disconnect);
            return;
        }
        self.send_status(todo);
        self.send_finished(todo);
    }

    /// Handles an order of the master. Nothing that comes after the end matters.
    pub fn obey(&mut self, now: Millis, order: ApplicationOrder, todo: &mut Vec<ApplicationAction>) {
        if self.is_ended() {
            return;
        }
        self.last_seen = now;
        match order {
            ApplicationOrder::Registered { application } => self.application = Some(application),
            ApplicationOrder::RegisterAgain => self.announce(todo),
            // An executor is there once it is connected with the application, and lost when that connection ends.
            ApplicationOrder::Heard
            | ApplicationOrder::ExecutorAdded { .. }
            | ApplicationOrder::Executors { .. } => {}
            ApplicationOrder::ExecutorDecommissioned { executor } => {
                todo.push(ApplicationAction::ExecutorDecommissioned(executor));
            }
            ApplicationOrder::ExecutorEnded { executor, end } => {
                todo.push(ApplicationAction::ExecutorEnded(executor, loss_reason(end)));
            }
            ApplicationOrder::Waiting { reason } => todo.push(ApplicationAction::Waiting(reason)),
            ApplicationOrder::Refused { reason } => {
                self.phase = Phase::Ended;
                todo.push(ApplicationAction::Fail(format!("the master refuses the application: {reason}")));
            }
            ApplicationOrder::Ended { end } => {
                self.phase = Phase::Ended;
                todo.extend(failure(end).map(ApplicationAction::Fail));
            }
        }
    }

    /// Handles an executor that is connected with the application and ready to run tasks.
    pub fn executor_ready(&mut self, executor: ExecutorId, todo: &mut Vec<ApplicationAction>) {
        self.ready.insert(executor);
        self.send_status(todo);
    }

    /// Handles the end of an executor's connection with the application.
    pub fn executor_disconnected(&mut self, executor: ExecutorId) {
        self.ready.remove(&executor);
    }

    /// Changes the number of executors that the application can use; none is without limit.
    pub fn want(&mut self, executors: Option<u32>, todo: &mut Vec<ApplicationAction>) {
        self.wanted = executors;
        self.send_status(todo);
    }

    /// Finishes the application. It has ended once a master has [said so](Self::is_ended).
    pub fn finish(&mut self, todo: &mut Vec<ApplicationAction>) {
        self.phase = self.phase.max(Phase::Finishing);
        self.send_finished(todo);
    }

    /// Ends the application without waiting for the master's answer.
    pub fn abandon(&mut self) {
        self.phase = Phase::Ended;
    }

    fn status(&self) -> ApplicationStatus {
        ApplicationStatus { wanted_executors: self.wanted, ready: self.ready.iter().copied().collect() }
    }

    fn announce(&self, todo: &mut Vec<ApplicationAction>) {
        todo.push(ApplicationAction::Send(self.register()));
        self.send_finished(todo);
    }

    fn send_status(&self, todo: &mut Vec<ApplicationAction>) {
        if !self.is_ended() {
            todo.push(ApplicationAction::Send(ApplicationMessage::Heartbeat { status: self.status() }));
        }
    }

    fn send_finished(&self, todo: &mut Vec<ApplicationAction>) {
        if self.phase == Phase::Finishing {
            todo.push(ApplicationAction::Send(ApplicationMessage::Finished { failure: None }));
        }
    }
}

/// Returns the reason why an application failed that ended like this; none if it finished.
fn failure(end: ApplicationEnd) -> Option<String> {
    match end {
        ApplicationEnd::Finished => None,
        ApplicationEnd::Failed { reason } => Some(reason),
        ApplicationEnd::Killed => Some("the application was killed by a request to the master".into()),
        ApplicationEnd::Lost => {
            Some("the master has ended the application, of which it heard nothing for too long".into())
        }
    }
}

/// Returns the reason for an executor's loss as the scheduler needs it.
fn loss_reason(end: ExecutorEnd) -> ExecutorLossReason {
    match end {
        ExecutorEnd::Ended { outcome: ProcessOutcome::Exited { code } } => {
            ExecutorLossReason::Exited { code: Some(code) }
        }
        ExecutorEnd::Ended { outcome: ProcessOutcome::Signalled { signal } } => {
            ExecutorLossReason::Killed { signal, peak_bytes: 0 }
        }
        end @ (ExecutorEnd::Ended { outcome: ProcessOutcome::FailedToStart { .. } }
        | ExecutorEnd::WorkerLost { .. }) => ExecutorLossReason::Reported { words: end.to_string() },
        ExecutorEnd::Ended { outcome: ProcessOutcome::Killed | ProcessOutcome::NeverStarted }
        | ExecutorEnd::KillRequested => ExecutorLossReason::Decommissioned,
    }
}
