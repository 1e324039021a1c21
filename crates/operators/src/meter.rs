//! [`Meter`]: what a task counts while it runs. Operators add to it once per batch or block, never once per record.

use firesteel_types::{HotKey, ShuffleReadMetrics, ShuffleWriteMetrics, TaskMetrics};
use parking_lot::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Adds what this thread's task has measured in Python, where Python runs.
pub type AddPythonMetrics = fn(&mut TaskMetrics);

static PYTHON: OnceLock<AddPythonMetrics> = OnceLock::new();

/// Sets the function that adds what a task has measured in Python. It is called on the task's thread, at the end of each task. Only
/// the first call has an effect.
pub fn measure_python(add: AddPythonMetrics) {
    let _ = PYTHON.set(add);
}

/// A number that grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to the number.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Adds the microseconds of a time.
    pub fn add_time(&self, time: Duration) {
        self.add(time.as_micros() as u64);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counts of one task. Names and units are those of [`TaskMetrics`].
#[derive(Debug, Default)]
pub struct Meter {
    /// Records read from files, or of cached partitions.
    pub input_records: Counter,
    /// Bytes of cached partitions that were read. Those of files are counted by `firesteel_io`.
    pub cached_bytes: Counter,
    /// Records written to files.
    pub output_records: Counter,
    /// Map outputs of this host that were read.
    pub local_blocks: Counter,
    /// Map outputs of other hosts that were read.
    pub remote_blocks: Counter,
    /// Their bytes, of this host.
    pub local_bytes: Counter,
    /// Their bytes, of other hosts.
    pub remote_bytes: Counter,
    /// Their records.
    pub shuffle_records_read: Counter,
    /// Requests to other hosts.
    pub remote_requests: Counter,
    /// The time of waiting for other hosts.
    pub fetch_wait_us: Counter,
    /// Records written to a shuffle.
    pub shuffle_records_written: Counter,
    /// Bytes written to a shuffle.
    pub shuffle_bytes_written: Counter,
    /// The time in which they were written.
    pub shuffle_write_us: Counter,
    /// Partitions of persisted RDDs that were computed.
    pub computed_persisted: Counter,
    hot_key: Mutex<Option<Box<HotKey>>>,
}

impl Meter {
    /// Notes a key that is met often. The hottest counts.
    pub fn note_hot_key(&self, key: String, records: u64) {
        let mut hottest = self.hot_key.lock();
        if hottest.as_ref().is_none_or(|known| known.records < records) {
            *hottest = Some(Box::new(HotKey { key, records }));
        }
    }

    /// Returns what was counted. Times that only the executor knows are 0.
    pub(crate) fn read(&self) -> TaskMetrics {
        let mut metrics = TaskMetrics {
            input_bytes: self.cached_bytes.get(),
            input_records: self.input_records.get(),
            output_records: self.output_records.get(),
            shuffle_read: ShuffleReadMetrics {
                local_blocks: self.local_blocks.get(),
                remote_blocks: self.remote_blocks.get(),
                local_bytes: self.local_bytes.get(),
                remote_bytes: self.remote_bytes.get(),
                records: self.shuffle_records_read.get(),
                remote_requests: self.remote_requests.get(),
                wait_us: self.fetch_wait_us.get(),
            },
            shuffle_write: ShuffleWriteMetrics {
                bytes: self.shuffle_bytes_written.get(),
                records: self.shuffle_records_written.get(),
                time_us: self.shuffle_write_us.get(),
            },
            computed_persisted: self.computed_persisted.get(),
            hot_key: self.hot_key.lock().clone(),
            ..TaskMetrics::default()
        };
        if let Some(add) = PYTHON.get() {
            add(&mut metrics);
        }
        metrics
    }
}

/// Adds the time from its making to its end to a counter.
pub(crate) struct Timed<'a> {
    began: Instant,
    to: &'a Counter,
}

impl<'a> Timed<'a> {
    pub(crate) fn begin(to: &'a Counter) -> Self {
        Timed { began: Instant::now(), to }
    }
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        self.to.add_time(self.began.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_read_under_its_own_name() {
        let meter = Meter::default();
        let counters = [
            &meter.input_records,
            &meter.cached_bytes,
            &meter.output_records,
            &meter.local_blocks,
            &meter.remote_blocks,
            &meter.local_bytes,
            &meter.remote_bytes,
            &meter.shuffle_records_read,
            &meter.remote_requests,
            &meter.fetch_wait_us,
            &meter.shuffle_records_written,
            &meter.shuffle_bytes_written,
            &meter.shuffle_write_us,
            &meter.computed_persisted,
        ];
        for (number, counter) in counters.into_iter().enumerate() {
            counter.add(number as u64);
            counter.add(1);
        }
        let expected = TaskMetrics {
            input_records: 1,
            input_bytes: 2,
            output_records: 3,
            shuffle_read: ShuffleReadMetrics {
                local_blocks: 4,
                remote_blocks: 5,
                local_bytes: 6,
                remote_bytes: 7,
                records: 8,
                remote_requests: 9,
                wait_us: 10,
            },
            shuffle_write: ShuffleWriteMetrics { records: 11, bytes: 12, time_us: 13 },
            computed_persisted: 14,
            ..TaskMetrics::default()
        };
        assert_eq!(meter.read(), expected);
    }
}
