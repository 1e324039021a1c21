//! The figures of one attempt at a task, and sums of them.

use crate::site::CallSite;
use serde::{Deserialize, Serialize};

/// The figures that one attempt at a task has measured, or several together. Names and meanings are those of Spark's task metrics
/// where Spark has the figure; times are in microseconds, so that tasks that take less than a millisecond are not lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskMetrics {
    /// The time between the task's arrival at its executor and its beginning in a slot.
    pub slot_wait_us: u64,
    /// The time in which the stage's plan was fetched and decoded.
    pub deserialize_us: u64,
    /// The CPU time of that.
    pub deserialize_cpu_us: u64,
    /// The time in which the task ran.
    pub run_us: u64,
    /// The CPU time of that. Tasks of less than a tenth of a millisecond have their time here: to ask for the CPU
    /// time takes as long as a small task.
    pub cpu_us: u64,
    /// The bytes of the encoded result.
    pub result_bytes: u64,
    /// The time in which the result was encoded.
    pub result_serialization_us: u64,
    /// Bytes of records that were spilled, as they were in memory.
    pub memory_spilled_bytes: u64,
    /// Bytes that were spilled, as they are on disk.
    pub disk_spilled_bytes: u64,
    /// The most memory that the task had from its executor's budget at one time. Of several tasks, the sum.
    pub peak_memory_bytes: u64,
    /// Bytes read from files, or of cached partitions.
    pub input_bytes: u64,
    /// Records read from files, or of cached partitions.
    pub input_records: u64,
    /// Bytes written to files.
    pub output_bytes: u64,
    /// Records written to files.
    pub output_records: u64,
    /// The data that was read from shuffles.
    pub shuffle_read: ShuffleReadMetrics,
    /// The data that was written to a shuffle.
    pub shuffle_write: ShuffleWriteMetrics,
    /// Partitions of persisted RDDs that were computed, since they were not cached, or not any more.
    pub computed_persisted: u64,
    /// The key that the task met most often, if that explains how long it ran.
    pub hot_key: Option<Box<HotKey>>,
    /// The figures of Python; none if it ran no Python.
    pub python: Option<Box<PythonMetrics>>,
}

/// A key that a task met so often that it explains how long the task ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotKey {
    /// The key, as text: JSON of Rust's keys, the `repr` of Python's.
    pub key: String,
    /// The number of its records. It may be an estimate from a sample.
    pub records: u64,
}

/// The memory of an executor, by what it is for, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutorMemory {
    /// The part of the budget for records that tasks have.
    pub execution: u64,
    /// The part of it that map outputs and cached partitions have.
    pub storage: u64,
    /// The memory that the process holds in all, as the operating system counts it.
    pub resident: u64,
    /// True if the process is an interpreter.
    pub is_python: bool,
}

/// The data that a task read from shuffles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShuffleReadMetrics {
    /// Map outputs of this host.
    pub local_blocks: u64,
    /// Map outputs of other hosts.
    pub remote_blocks: u64,
    /// Bytes of this host.
    pub local_bytes: u64,
    /// Bytes of other hosts.
    pub remote_bytes: u64,
    /// Records.
    pub records: u64,
    /// Requests to other hosts: one for all that a host has for a reducer, and one more after each failure.
    pub remote_requests: u64,
    /// The time in which the task waited for blocks of other hosts.
    pub wait_us: u64,
}

/// The data that a task wrote to a shuffle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShuffleWriteMetrics {
    /// Bytes.
    pub bytes: u64,
    /// Records.
    pub records: u64,
    /// The time in which the sorted records were written, to memory or disk.
    pub time_us: u64,
}

/// The figures of a task in Python.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PythonMetrics {
    /// The time in functions of the program.
    pub function_us: u64,
    /// The time in which objects were pickled and unpickled.
    pub pickle_us: u64,
    /// The functions that ran, in the order in which they began.
    pub functions: Vec<FunctionTime>,
}

/// The time in one function of the program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionTime {
    /// Its name: `parse`, `<lambda>`.
    pub name: String,
    /// The line where it is defined, and the operation that calls it.
    pub site: CallSite,
    /// The time in it, without that of the functions before it.
    pub time_us: u64,
    /// The records that it was given.
    pub records_in: u64,
    /// The records that it gave.
    pub records_out: u64,
    /// The records that came to native code in its place, or in that of its first part.
    pub native_in: u64,
    /// Those of them that native code handed back to the interpreter.
    pub handed_back: u64,
}

impl TaskMetrics {
    /// Adds what another attempt measured. Of two hot keys the hotter is kept.
    pub fn add(&mut self, other: &TaskMetrics) {
        let TaskMetrics {
            slot_wait_us,
            deserialize_us,
            deserialize_cpu_us,
            run_us,
            cpu_us,
            result_bytes,
            result_serialization_us,
            memory_spilled_bytes,
            disk_spilled_bytes,
            peak_memory_bytes,
            input_bytes,
            input_records,
            output_bytes,
            output_records,
            shuffle_read,
            shuffle_write,
            computed_persisted,
            hot_key,
            python,
        } = other;
        let sums = [
            (&mut self.slot_wait_us, slot_wait_us),
            (&mut self.deserialize_us, deserialize_us),
            (&mut self.deserialize_cpu_us, deserialize_cpu_us),
            (&mut self.run_us, run_us),
            (&mut self.cpu_us, cpu_us),
            (&mut self.result_bytes, result_bytes),
            (&mut self.result_serialization_us, result_serialization_us),
            (&mut self.memory_spilled_bytes, memory_spilled_bytes),
            (&mut self.disk_spilled_bytes, disk_spilled_bytes),
            (&mut self.peak_memory_bytes, peak_memory_bytes),
            (&mut self.input_bytes, input_bytes),
            (&mut self.input_records, input_records),
            (&mut self.output_bytes, output_bytes),
            (&mut self.output_records, output_records),
            (&mut self.computed_persisted, computed_persisted),
            (&mut self.shuffle_read.local_blocks, &shuffle_read.local_blocks),
            (&mut self.shuffle_read.remote_blocks, &shuffle_read.remote_blocks),
            (&mut self.shuffle_read.local_bytes, &shuffle_read.local_bytes),
            (&mut self.shuffle_read.remote_bytes, &shuffle_read.remote_bytes),
            (&mut self.shuffle_read.records, &shuffle_read.records),
            (&mut self.shuffle_read.remote_requests, &shuffle_read.remote_requests),
            (&mut self.shuffle_read.wait_us, &shuffle_read.wait_us),
            (&mut self.shuffle_write.bytes, &shuffle_write.bytes),
            (&mut self.shuffle_write.records, &shuffle_write.records),
            (&mut self.shuffle_write.time_us, &shuffle_write.time_us),
        ];
        sums.into_iter().for_each(|(sum, more)| *sum = sum.saturating_add(*more));
        let records = |hot: &Option<Box<HotKey>>| hot.as_ref().map_or(0, |hot| hot.records);
        if records(hot_key) > records(&self.hot_key) {
            self.hot_key.clone_from(hot_key);
        }
        if let Some(python) = python {
            self.python.get_or_insert_default().add(python);
        }
    }
}

impl PythonMetrics {
    /// The most functions that are told apart.
    const FUNCTIONS: usize = 100;

    fn add(&mut self, other: &PythonMetrics) {
        self.function_us = self.function_us.saturating_add(other.function_us);
        self.pickle_us = self.pickle_us.saturating_add(other.pickle_us);
        for more in &other.functions {
            let same = |known: &FunctionTime| known.name == more.name && known.site == more.site;
            match self.functions.iter().position(same) {
                Some(known) => {
                    let known = &mut self.functions[known];
                    known.time_us = known.time_us.saturating_add(more.time_us);
                    known.records_in = known.records_in.saturating_add(more.records_in);
                    known.records_out = known.records_out.saturating_add(more.records_out);
                    known.native_in = known.native_in.saturating_add(more.native_in);
                    known.handed_back = known.handed_back.saturating_add(more.handed_back);
                }
                None if self.functions.len() < Self::FUNCTIONS => self.functions.push(more.clone()),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str, time_us: u64) -> FunctionTime {
        let name = name.into();
        FunctionTime {
            name,
            time_us,
            records_in: 2,
            records_out: 1,
            native_in: 2,
            handed_back: 1,
            ..FunctionTime::default()
        }
    }

    #[test]
    fn sums_have_every_figure_of_both_and_functions_by_name() {
        let python = PythonMetrics {
            function_us: 5,
            pickle_us: 1,
            functions: vec![function("f", 3), function("g", 2)],
        };
        let one = TaskMetrics { run_us: 3, python: Some(Box::new(python)), ..TaskMetrics::default() };
        let mut sum = TaskMetrics::default();
        sum.add(&one);
        assert_eq!(sum, one);
        sum.add(&one);
        let python = sum.python.unwrap();
        assert_eq!((sum.run_us, python.function_us, python.pickle_us), (6, 10, 2));
        let f = FunctionTime {
            time_us: 6,
            records_in: 4,
            records_out: 2,
            native_in: 4,
            handed_back: 2,
            ..function("f", 0)
        };
        assert_eq!(python.functions[0], f);
        assert_eq!(python.functions.len(), 2);
    }

    #[test]
    fn sums_do_not_overflow() {
        let mut sum = TaskMetrics { run_us: u64::MAX, ..TaskMetrics::default() };
        sum.add(&TaskMetrics { run_us: 1, ..TaskMetrics::default() });
        assert_eq!(sum.run_us, u64::MAX);
    }
}
