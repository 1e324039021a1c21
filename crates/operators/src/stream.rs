//! The operator interface: operators are opened for a partition and then return batch after batch.

use crate::task::{Outcome, Task};
use crate::watch;
use firesteel_data::{Batch, Data};
use firesteel_types::Partition;
use std::sync::Arc;

/// The code of one RDD, on an executor: the same for all partitions.
pub trait Operator<T: Data>: Send + Sync {
    /// Starts computing one partition.
    ///
    /// # Errors
    /// When that cannot even begin: a file is missing, say.
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<T>>;
}

/// The records of one partition while it is computed.
pub trait Batches<T> {
    /// Returns the next records, at least one; `None` when there are no more.
    ///
    /// # Errors
    /// When they cannot be computed. The stream is not asked again after that.
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>>;
}

/// A shared operator, which other operators read.
pub struct Op<T>(Option<Arc<dyn Operator<T>>>);

impl<T: Data> Op<T> {
    /// Wraps an operator.
    pub fn new(operator: impl Operator<T> + 'static) -> Self {
        Op(Some(Arc::new(operator)))
    }

    /// Starts computing one partition.
    ///
    /// # Errors
    /// As [`Operator::open`].
    pub fn open(&self, partition: Partition, task: &Task) -> Outcome<Stream<T>> {
        let operator = self.0.clone().expect("only a dropped operator is empty");
        deep(|| operator.open(partition, task))
    }
}

impl<T> Clone for Op<T> {
    fn clone(&self) -> Self {
        Op(self.0.clone())
    }
}

impl<T> Drop for Op<T> {
    fn drop(&mut self) {
        let operator = self.0.take();
        deep(|| drop(operator));
    }
}

/// The batches of one partition, of any operator.
pub struct Stream<T> {
    batches: Option<Box<dyn Batches<T>>>,
    task: Task,
}

impl<T: Data> Stream<T> {
    /// Wraps the batches of a task's partition.
    pub fn new(task: &Task, batches: impl Batches<T> + 'static) -> Self {
        Stream { batches: Some(Box::new(batches)), task: task.clone() }
    }

    /// Returns the next records, at least one; `None` when there are no more.
    ///
    /// # Errors
    /// When they cannot be computed, or the task was told to stop.
    pub fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        self.task.check_cancelled()?;
        let Some(batches) = &mut self.batches else { return Ok(None) };
        loop {
            match deep(|| batches.next_batch())? {
                Some(batch) if batch.is_empty() => self.task.check_cancelled()?,
                Some(batch) => return Ok(Some(batch)),
                None => return Ok(None),
            }
        }
    }

    /// Hands every batch to `f`.
    ///
    /// # Errors
    /// When the records cannot be computed, or `f` fails.
    pub fn for_each(mut self, mut f: impl FnMut(Batch<T>) -> Outcome<()>) -> Outcome<()> {
        while let Some(batch) = self.next_batch()? {
            f(batch)?;
        }
        Ok(())
    }

    /// Returns the same records, which count as written to files.
    pub fn counted_as_output(self) -> Stream<T> {
        let task = self.task.clone();
        Stream::new(&task, CountedAsOutput(self))
    }

    /// The task that computes.
    pub fn task(&self) -> &Task {
        &self.task
    }
}

/// Records that count as written to files.
struct CountedAsOutput<T>(Stream<T>);

impl<T: Data> Batches<T> for CountedAsOutput<T> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        let batch = self.0.next_batch()?;
        self.0
            .task
            .meter()
            .output_records
            .add(batch.as_ref().map_or(0, |batch| batch.as_slice().len()) as u64);
        Ok(batch)
    }
}

impl<T> Drop for Stream<T> {
    fn drop(&mut self) {
        let batches = self.batches.take();
        deep(|| drop(batches));
    }
}

/// Runs `f` with enough stack, on a new one if need be: lineages may be tens of thousands deep, and streams
/// call each other recursively.
fn deep<R>(f: impl FnOnce() -> R) -> R {
    const ENOUGH: usize = 256 << 10;
    const NEW_STACK: usize = 8 << 20;
    stacker::maybe_grow(ENOUGH, NEW_STACK, f)
}

/// The records of one partition as an iterator, for functions that want a whole partition.
///
/// If the records cannot be computed, the iterator does not end early, which would look like a shorter
/// partition: it unwinds with the [failure](firesteel_types::TaskFailure), and the task fails with that.
pub struct PartitionIter<T> {
    stream: Stream<T>,
    batch: std::vec::IntoIter<T>,
    tracks_records: bool,
}

impl<T: Data> PartitionIter<T> {
    /// All records of a stream.
    pub fn new(stream: Stream<T>) -> Self {
        let tracks_records = stream.task().tracks_records();
        PartitionIter { stream, batch: vec![].into_iter(), tracks_records }
    }

    /// The task that computes.
    #[doc(hidden)]
    pub fn task(&self) -> &Task {
        self.stream.task()
    }

    fn refill(&mut self) -> bool {
        match self.stream.next_batch() {
            Ok(Some(batch)) => {
                self.batch = batch.into_vec().into_iter();
                true
            }
            Ok(None) => false,
            Err(failure) => std::panic::resume_unwind(failure),
        }
    }
}

impl<T: Data> Iterator for PartitionIter<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(record) = self.batch.next() {
                if self.tracks_records {
                    watch::note_record(&record);
                }
                return Some(record);
            }
            if !self.refill() {
                watch::forget_record();
                return None;
            }
        }
    }

    fn fold<B, F: FnMut(B, T) -> B>(mut self, init: B, mut f: F) -> B {
        let mut state = init;
        if self.tracks_records {
            for record in self.by_ref() {
                state = f(state, record);
            }
            return state;
        }
        loop {
            state = std::mem::take(&mut self.batch).fold(state, &mut f);
            if !self.refill() {
                return state;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Executor, Given, Step, broken_input};
    use firesteel_types::{KillReason, TaskFailure};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn open(executor: &Executor, steps: Vec<Step<u32>>) -> Stream<u32> {
        Given::steps(vec![steps]).0.open(Partition(0), &executor.task()).unwrap()
    }

    fn killed() -> Box<TaskFailure> {
        Box::new(TaskFailure::Killed(KillReason::JobEnded))
    }

    #[test]
    fn a_task_that_is_told_to_stop_gets_no_further_batch() {
        let executor = Executor::with_memory(0);
        let mut stream = open(&executor, vec![Ok(vec![1]), Ok(vec![2])]);
        assert_eq!(stream.next_batch().unwrap().map(Batch::into_vec), Some(vec![1]));
        executor.cancelled.store(true, Ordering::Relaxed);
        assert_eq!(stream.next_batch().unwrap_err(), killed());
    }

    /// Batches without records and without end, during which the task is told to stop.
    struct Endless(Arc<AtomicBool>, u32);

    impl Batches<u32> for Endless {
        fn next_batch(&mut self) -> Outcome<Option<Batch<u32>>> {
            self.1 += 1;
            assert!(self.1 < 10, "the task goes on after it was told to stop");
            self.0.store(self.1 == 3, Ordering::Relaxed);
            Ok(Some(Batch::Owned(vec![])))
        }
    }

    #[test]
    fn a_filter_that_lets_nothing_through_notices_that_the_task_is_told_to_stop() {
        let executor = Executor::with_memory(0);
        let mut stream = Stream::new(&executor.task(), Endless(executor.cancelled.clone(), 0));
        assert_eq!(stream.next_batch().unwrap_err(), killed());
    }

    #[test]
    fn empty_batches_are_passed_over() {
        let executor = Executor::with_memory(0);
        let mut stream = open(&executor, vec![Ok(vec![]), Ok(vec![]), Ok(vec![1]), Ok(vec![])]);
        assert_eq!(stream.next_batch().unwrap().map(Batch::into_vec), Some(vec![1]));
        assert!(stream.next_batch().unwrap().is_none());
    }

    #[test]
    fn an_iterator_over_a_failing_input_unwinds_and_does_not_end_early() {
        let executor = Executor::with_memory(0);
        let steps = || vec![Ok(vec![1, 2]), Ok(vec![3]), Err(broken_input())];
        let sum = |mut records: PartitionIter<u32>| {
            let mut sum = 0;
            for record in records.by_ref() {
                sum += record;
            }
            sum
        };
        let reads: [&dyn Fn(PartitionIter<u32>) -> u32; 2] = [&sum, &|records| records.sum()];
        for read in reads {
            let records = PartitionIter::new(open(&executor, steps()));
            let read = std::panic::AssertUnwindSafe(|| read(records));
            let payload = std::panic::catch_unwind(read).unwrap_err();
            assert_eq!(payload.downcast().ok(), Some(broken_input()));
        }
    }
}
