//! One task from its beginning to its end, whatever happens in between.

use crate::panics;
use firesteel_operators::{FinalOperator, Task, TaskOutput, UpdateTable, data_failure, watch};
use firesteel_types::{AccumulatorUpdate, CallSite, Partition, ShuffleId, TaskFailure};
use serde::{Deserialize, Serialize};
use std::cell::Cell;

/// How a task ended.
#[derive(Debug, Serialize, Deserialize)]
pub enum TaskEnd {
    /// With bytes for the driver; written as a whole, since they may be many.
    Result(#[serde(with = "serde_bytes")] Vec<u8>),
    /// With bytes for the driver that are too many for a message: it fetches them.
    Cached {
        /// How many.
        bytes: u64,
    },
    /// With a map output, which the executor keeps.
    MapOutput {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The map partition.
        map: Partition,
        /// How many bytes it has.
        bytes: u64,
        /// A digest of its records that does not depend on their order.
        checksum: u64,
    },
    /// Without either.
    Failed(Box<TaskFailure>),
}

thread_local! {
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread runs a task.
pub fn is_in_task() -> bool {
    IN_TASK.get()
}

/// Says that this thread runs a task, until it is dropped.
struct InTask;

impl InTask {
    fn begin() -> Self {
        IN_TASK.set(true);
        InTask
    }
}

impl Drop for InTask {
    fn drop(&mut self) {
        IN_TASK.set(false);
    }
}

/// Runs a task on this thread. Panics in user code become failures that name the line and, on a second attempt, the record.
/// Gives what its functions added to accumulators, if it did not fail.
pub fn run(terminal: &dyn FinalOperator, task: &Task) -> (TaskEnd, Vec<AccumulatorUpdate>) {
    let partition = task.spec().partition;
    let _in_task = InTask::begin();
    let run = || {
        let table = UpdateTable::begin(task.services().application);
        let output = terminal.run(partition, task)?;
        Ok((output, table.finish()?))
    };
    match panics::catch(run) {
        Ok(Ok((output, updates))) => (keep(output, task), updates),
        Ok(Err(failure)) => (TaskEnd::Failed(failure), vec![]),
        Err((payload, location)) => (TaskEnd::Failed(failure_of(payload, location)), vec![]),
    }
}

fn keep(output: TaskOutput, task: &Task) -> TaskEnd {
    match output {
        TaskOutput::Result(bytes) => TaskEnd::Result(bytes),
        TaskOutput::MapOutput { shuffle, output, checksum } => {
            let (map, bytes) = (task.spec().partition, output.bytes());
            match task.services().shuffles.put(shuffle, map, task.spec().task, output) {
                Ok(()) => TaskEnd::MapOutput { shuffle, map, bytes, checksum },
                Err(error) => TaskEnd::Failed(data_failure(error)),
            }
        }
    }
}

/// What unwound: a failure on its way through a user's iterator, a refusal, or a panic.
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
