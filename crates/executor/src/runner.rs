//! One task from its beginning to its end, whatever happens in between.

use crate::panics;
use firesteel_data::Workspace;
use firesteel_operators::{FinalOperator, Task, TaskOutput, UpdateTable, data_failure, watch};
use firesteel_protocol::DeliveredOutcome;
use firesteel_types::{AccumulatorUpdate, CallSite, TaskFailure};
use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};

thread_local! {
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
    static WORKSPACE: RefCell<Option<Weak<dyn Workspace>>> = const { RefCell::new(None) };
}

/// Returns whether this thread runs a task.
pub fn is_in_task() -> bool {
    IN_TASK.get()
}

/// Returns the workspace of the task that this thread runs, for functions that get no task from the engine. An owner that may outlive the
/// task keeps it weakly: until it is dropped, the task shares the executor's memory.
pub fn workspace() -> Option<Arc<dyn Workspace>> {
    WORKSPACE.with_borrow(|workspace| workspace.as_ref()?.upgrade())
}

/// Marks this thread as running a task, until it is dropped.
struct InTask;

impl InTask {
    fn begin(task: &Task) -> Self {
        IN_TASK.set(true);
        WORKSPACE.set(Some(Arc::downgrade(&task.dyn_workspace())));
        InTask
    }
}

impl Drop for InTask {
    fn drop(&mut self) {
        IN_TASK.set(false);
        WORKSPACE.set(None);
    }
}

/// Runs a task on this thread. Panics in user code become failures that name the line and, on a second attempt, the record.
/// Gives what its functions added to accumulators, if it did not fail.
pub fn run(terminal: &dyn FinalOperator, task: &Task) -> (DeliveredOutcome, Vec<AccumulatorUpdate>) {
    let partition = task.spec().partition;
    let _in_task = InTask::begin(task);
    let run = || {
        let table = UpdateTable::begin(task.services().application);
        let output = terminal.run(partition, task)?;
        Ok((output, table.finish()?))
    };
    match panics::catch(run) {
        Ok(Ok((output, updates))) => (store(output, task), updates),
        Ok(Err(failure)) => (DeliveredOutcome::Failed { failure }, vec![]),
        Err((payload, location)) => {
            (DeliveredOutcome::Failed { failure: failure_of(payload, location) }, vec![])
        }
    }
}

fn store(output: TaskOutput, task: &Task) -> DeliveredOutcome {
    match output {
        TaskOutput::Result(bytes) => DeliveredOutcome::of_result(bytes),
        TaskOutput::MapOutput { shuffle, output, checksum } => {
            let (map, bytes) = (task.spec().partition, output.bytes());
            match task.services().shuffles.put(shuffle, map, task.spec().task, output) {
                Ok(()) => DeliveredOutcome::MapOutput { shuffle, map, bytes, checksum },
                Err(error) => DeliveredOutcome::Failed { failure: data_failure(error) },
            }
        }
    }
}

/// Returns the failure that unwound a task: one on its way through a user's iterator, a refusal, or a panic.
fn failure_of(payload: Box<dyn std::any::Any + Send>, location: Option<String>) -> Box<TaskFailure> {
    let (site, record) = watch::take();
    let site = site.map_or_else(CallSite::default, |site| (*site).clone());
    let payload = match payload.downcast::<TaskFailure>() {
        Ok(failure) => return failure,
        Err(payload) => payload,
    };
    match payload.downcast::<watch::Refusal>() {
        Ok(refusal) => Box::new(TaskFailure::Operation {
            operation: refusal.operation,
            message: refusal.message,
            site,
            retryable: false,
        }),
        Err(payload) => Box::new(TaskFailure::Panic {
            message: panics::message(&*payload),
            location: location.unwrap_or_else(|| "an unknown place".into()),
            site,
            record,
        }),
    }
}
