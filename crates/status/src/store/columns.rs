//! The tasks of one stage attempt, in columns: a million tasks must fit, and a quantile must read one figure of each.
//!
//! A column takes no memory until a task has a figure other than 0 in it, and four bytes a task until one has a figure
//! that needs more. So a task takes about 100 bytes, and at most [`Row`] and eight bytes for each of [`Metric::COUNT`].

use crate::store::quantiles::quantiles_within;
use crate::store::views::{
    InputView, OutputView, ShufflePushReadView, ShuffleReadView, ShuffleWriteView, TaskMetricsView,
    TaskStatus,
};
use firesteel_events::TaskMetrics;

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident = |$m:ident| $read:expr,)+) => {
        /// A figure of a task.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric {
            $($(#[$doc])* $name,)+
        }

        impl Metric {
            /// All of them, in order.
            pub const ALL: &'static [Metric] = &[$(Metric::$name,)+];
            /// Their number.
            pub const COUNT: usize = Metric::ALL.len();

            fn read(self, metrics: &TaskMetrics) -> i64 {
                match self {
                    $(Metric::$name => { let $m = metrics; $read })+
                }
            }
        }
    };
}

metrics! {
    /// Milliseconds in which the executor made the task ready.
    DeserializeTime = |m| m.executor_deserialize_time,
    /// The CPU time of that, in nanoseconds.
    DeserializeCpuTime = |m| m.executor_deserialize_cpu_time,
    /// Milliseconds in which the task ran.
    RunTime = |m| m.executor_run_time,
    /// The CPU time of that, in nanoseconds.
    CpuTime = |m| m.executor_cpu_time,
    /// The bytes of the result.
    ResultSize = |m| m.result_size,
    /// Milliseconds in which a JVM collected garbage.
    GcTime = |m| m.jvm_gc_time,
    /// Milliseconds in which the result was encoded.
    ResultSerializationTime = |m| m.result_serialization_time,
    /// Bytes that were spilled, as they were in memory.
    MemorySpilled = |m| m.memory_bytes_spilled,
    /// Bytes that were spilled, as they are on disk.
    DiskSpilled = |m| m.disk_bytes_spilled,
    /// The most memory that the task had from the executor's budget.
    PeakMemory = |m| m.peak_execution_memory,
    /// Bytes read.
    InputBytes = |m| m.input.bytes_read,
    /// Records read.
    InputRecords = |m| m.input.records_read,
    /// Bytes written.
    OutputBytes = |m| m.output.bytes_written,
    /// Records written.
    OutputRecords = |m| m.output.records_written,
    /// Blocks from other hosts.
    RemoteBlocks = |m| m.shuffle_read.remote_blocks_fetched,
    /// Blocks of the same host.
    LocalBlocks = |m| m.shuffle_read.local_blocks_fetched,
    /// Milliseconds in which the task waited for blocks.
    FetchWait = |m| m.shuffle_read.fetch_wait_time,
    /// Bytes from other hosts.
    RemoteBytes = |m| m.shuffle_read.remote_bytes_read,
    /// Bytes from other hosts that went to disk first.
    RemoteBytesToDisk = |m| m.shuffle_read.remote_bytes_read_to_disk,
    /// Bytes of the same host.
    LocalBytes = |m| m.shuffle_read.local_bytes_read,
    /// Records read from shuffles.
    ShuffleRecords = |m| m.shuffle_read.total_records_read,
    /// Milliseconds of all requests to other hosts.
    RemoteRequestsDuration = |m| m.shuffle_read.remote_requests_duration,
    /// Bytes written to a shuffle.
    WriteBytes = |m| m.shuffle_write.bytes_written,
    /// Nanoseconds in which they were written.
    WriteTime = |m| m.shuffle_write.write_time,
    /// Records written to a shuffle.
    WriteRecords = |m| m.shuffle_write.records_written,
    /// Microseconds that the task waited for a slot. This and what follows is Firesteel's own.
    SlotWait = |m| m.own.as_ref().map_or(0, |own| own.slot_wait_time),
    /// Microseconds in which the task ran.
    RunMicros = |m| m.own.as_ref().map_or(0, |own| own.run_time),
    /// Requests for blocks of other hosts.
    RemoteRequests = |m| m.own.as_ref().map_or(0, |own| own.remote_requests),
    /// Microseconds in functions of the program, in Python.
    PythonTime = |m| m.own.as_ref().map_or(0, |own| own.python_time),
    /// Microseconds in which objects of Python were pickled and unpickled.
    PickleTime = |m| m.own.as_ref().map_or(0, |own| own.pickle_time),
    /// Partitions of persisted RDDs that the task computed.
    ComputedPersisted = |m| m.own.as_ref().map_or(0, |own| own.computed_persisted),
}

/// One figure for each [`Metric`]: those of a task, or sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures(pub [i64; Metric::COUNT]);

impl Default for Figures {
    /// Zeros.
    fn default() -> Self {
        Figures([0; Metric::COUNT])
    }
}

impl Figures {
    /// Returns the figures of a task.
    pub fn of(metrics: &TaskMetrics) -> Self {
        let mut figures = Figures::default();
        for metric in Metric::ALL {
            figures.0[*metric as usize] = metric.read(metrics);
        }
        figures
    }

    /// Returns the figures of a task that runs: a heartbeat tells them as accumulators with these names.
    pub(crate) fn of_accumulators(told: &[serde_json::Value]) -> Self {
        let mut figures = Figures::default();
        for one in told {
            let name = one.get("Name").and_then(|name| name.as_str());
            let metric = name.and_then(|name| name.strip_prefix("internal.metrics.")).and_then(accumulated);
            if let (Some(metric), Some(update)) =
                (metric, one.get("Update").and_then(|update| update.as_i64()))
            {
                figures.0[metric as usize] = update;
            }
        }
        figures
    }

    /// Returns one figure.
    pub fn get(&self, metric: Metric) -> i64 {
        self.0[metric as usize]
    }

    /// Adds other figures. What hostile logs sum up to stops at the ends of 64 bits.
    pub fn add(&mut self, other: &Figures) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// Returns them in the shape of the REST interface.
    pub fn view(&self) -> TaskMetricsView {
        use Metric as M;
        let get = |metric| self.get(metric);
        TaskMetricsView {
            executor_deserialize_time: get(M::DeserializeTime),
            executor_deserialize_cpu_time: get(M::DeserializeCpuTime),
            executor_run_time: get(M::RunTime),
            executor_cpu_time: get(M::CpuTime),
            result_size: get(M::ResultSize),
            jvm_gc_time: get(M::GcTime),
            result_serialization_time: get(M::ResultSerializationTime),
            memory_bytes_spilled: get(M::MemorySpilled),
            disk_bytes_spilled: get(M::DiskSpilled),
            peak_execution_memory: get(M::PeakMemory),
            input_metrics: InputView { bytes_read: get(M::InputBytes), records_read: get(M::InputRecords) },
            output_metrics: OutputView {
                bytes_written: get(M::OutputBytes),
                records_written: get(M::OutputRecords),
            },
            shuffle_read_metrics: ShuffleReadView {
                remote_blocks_fetched: get(M::RemoteBlocks),
                local_blocks_fetched: get(M::LocalBlocks),
                fetch_wait_time: get(M::FetchWait),
                remote_bytes_read: get(M::RemoteBytes),
                remote_bytes_read_to_disk: get(M::RemoteBytesToDisk),
                local_bytes_read: get(M::LocalBytes),
                records_read: get(M::ShuffleRecords),
                remote_reqs_duration: get(M::RemoteRequestsDuration),
                shuffle_push_read_metrics: ShufflePushReadView::default(),
            },
            shuffle_write_metrics: ShuffleWriteView {
                bytes_written: get(M::WriteBytes),
                write_time: get(M::WriteTime),
                records_written: get(M::WriteRecords),
            },
        }
    }
}

/// Returns the figure that Spark counts in an internal accumulator with this name.
fn accumulated(name: &str) -> Option<Metric> {
    Some(match name {
        "executorDeserializeTime" => Metric::DeserializeTime,
        "executorDeserializeCpuTime" => Metric::DeserializeCpuTime,
        "executorRunTime" => Metric::RunTime,
        "executorCpuTime" => Metric::CpuTime,
        "resultSize" => Metric::ResultSize,
        "jvmGCTime" => Metric::GcTime,
        "resultSerializationTime" => Metric::ResultSerializationTime,
        "memoryBytesSpilled" => Metric::MemorySpilled,
        "diskBytesSpilled" => Metric::DiskSpilled,
        "peakExecutionMemory" => Metric::PeakMemory,
        "input.bytesRead" => Metric::InputBytes,
        "input.recordsRead" => Metric::InputRecords,
        "output.bytesWritten" => Metric::OutputBytes,
        "output.recordsWritten" => Metric::OutputRecords,
        "shuffle.read.remoteBlocksFetched" => Metric::RemoteBlocks,
        "shuffle.read.localBlocksFetched" => Metric::LocalBlocks,
        "shuffle.read.fetchWaitTime" => Metric::FetchWait,
        "shuffle.read.remoteBytesRead" => Metric::RemoteBytes,
        "shuffle.read.remoteBytesReadToDisk" => Metric::RemoteBytesToDisk,
        "shuffle.read.localBytesRead" => Metric::LocalBytes,
        "shuffle.read.recordsRead" => Metric::ShuffleRecords,
        "shuffle.read.remoteReqsDuration" => Metric::RemoteRequestsDuration,
        "shuffle.write.bytesWritten" => Metric::WriteBytes,
        "shuffle.write.writeTime" => Metric::WriteTime,
        "shuffle.write.recordsWritten" => Metric::WriteRecords,
        _ => return None,
    })
}

/// One figure of all tasks: one that they told, or one that is computed of others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    values: Values,
    /// No figure is lower, and none higher, but these need not be among them.
    lowest: i64,
    highest: i64,
}

#[derive(Clone, Debug, Default)]
enum Values {
    /// All are 0.
    #[default]
    Zero,
    /// None needs more than 32 bits.
    Narrow(Vec<u32>),
    /// Some do.
    Wide(Vec<i64>),
}

impl Column {
    /// Makes a column of figures.
    pub(crate) fn of(rows: usize, figures: impl Iterator<Item = i64>) -> Self {
        let mut column = Column::default();
        for (row, value) in figures.take(rows).enumerate() {
            column.set(row, rows, value);
        }
        column
    }

    /// Returns the sums of each task's figures. Where they fit, they are summed in 32 bits, several at a time.
    pub(crate) fn sum(columns: &[&Column], rows: usize) -> Self {
        let bound =
            |end: fn(&Column) -> i64| columns.iter().map(|column| end(column)).fold(0, i64::saturating_add);
        let (lowest, highest) = (bound(|column| column.lowest), bound(|column| column.highest));
        if columns.iter().all(|column| matches!(column.values, Values::Zero)) {
            return Column::default();
        }
        if u32::try_from(highest).is_err()
            || columns.iter().any(|column| matches!(column.values, Values::Wide(_)))
        {
            let sum = |row| columns.iter().fold(0, |sum: i64, column| sum.saturating_add(column.get(row)));
            return Column::of(rows, (0..rows).map(sum));
        }
        let mut sums = vec![0_u32; rows];
        for column in columns {
            if let Values::Narrow(values) = &column.values {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum = sum.wrapping_add(*value));
            }
        }
        Column { values: Values::Narrow(sums), lowest, highest }
    }

    /// Returns by how much each figure is above the other's: 0 where it is not.
    pub(crate) fn beyond(&self, other: &Column, rows: usize) -> Self {
        match (&self.values, &other.values) {
            (Values::Narrow(values), Values::Narrow(others)) => {
                let beyond = values.iter().zip(others).map(|(value, other)| value.saturating_sub(*other));
                Column { values: Values::Narrow(beyond.collect()), lowest: 0, highest: self.highest }
            }
            _ => Column::of(rows, (0..rows).map(|row| self.get(row).saturating_sub(other.get(row)).max(0))),
        }
    }

    /// Returns the quantiles of the lowest `count` figures, but for those of the tasks at `without`.
    pub(crate) fn quantiles(&self, without: &[u32], count: usize, asked: &[f64]) -> Vec<f64> {
        let bounds = (self.lowest, self.highest);
        match &self.values {
            Values::Zero => vec![0.0; asked.len()],
            Values::Narrow(values) => quantiles_within(values, without, count, asked, bounds),
            Values::Wide(values) => quantiles_within(values, without, count, asked, bounds),
        }
    }

    pub(crate) fn get(&self, row: usize) -> i64 {
        match &self.values {
            Values::Zero => 0,
            Values::Narrow(values) => i64::from(values[row]),
            Values::Wide(values) => values[row],
        }
    }

    fn push(&mut self) {
        match &mut self.values {
            Values::Zero => {}
            Values::Narrow(values) => values.push(0),
            Values::Wide(values) => values.push(0),
        }
    }

    pub(crate) fn set(&mut self, row: usize, rows: usize, value: i64) {
        self.lowest = self.lowest.min(value);
        self.highest = self.highest.max(value);
        if let Values::Zero = self.values {
            if value == 0 {
                return;
            }
            self.values = Values::Narrow(vec![0; rows]);
        }
        if let Values::Narrow(values) = &mut self.values {
            match u32::try_from(value) {
                Ok(value) => return values[row] = value,
                Err(_) => self.values = Values::Wide(values.iter().map(|value| i64::from(*value)).collect()),
            }
        }
        if let Values::Wide(values) = &mut self.values {
            values[row] = value;
        }
    }

    fn retain(&mut self, keep: &[bool]) {
        let mut rows = keep.iter();
        let mut stays = || rows.next().copied().unwrap_or(true);
        match &mut self.values {
            Values::Zero => {}
            Values::Narrow(values) => values.retain(|_| stays()),
            Values::Wide(values) => values.retain(|_| stays()),
        }
    }

    fn bytes(&self) -> usize {
        match &self.values {
            Values::Zero => 0,
            Values::Narrow(values) => values.capacity() * 4,
            Values::Wide(values) => values.capacity() * 8,
        }
    }
}

/// All that a task has beside figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// The attempt's own id.
    pub(crate) id: i64,
    /// The time at which it was sent to its executor.
    pub(crate) launch: i64,
    /// The time at which the driver began to fetch its result, or 0.
    pub(crate) fetch_start: i64,
    /// The time at which it ended, or 0.
    pub(crate) finish: i64,
    /// The task's position in its stage attempt.
    pub(crate) index: u32,
    /// The partition that it computes.
    pub(crate) partition: i32,
    /// The number of its executor and host, in the store's list of places.
    pub(crate) place: u32,
    /// The number of earlier attempts at the task.
    pub(crate) attempt: u16,
    /// The number of its locality, in the store's list of names.
    pub(crate) locality: u8,
    /// Its state.
    pub(crate) status: TaskStatus,
    /// True if it runs beside another attempt.
    pub(crate) speculative: bool,
    /// True if it has told figures.
    pub(crate) measured: bool,
}

impl Row {
    /// Returns milliseconds from its launch to its end, or to `now`.
    pub(crate) fn duration(&self, now: i64) -> i64 {
        let end = if self.finish == 0 { now } else { self.finish };
        end.saturating_sub(self.launch)
    }

    /// Returns milliseconds in which the driver fetched its result.
    pub(crate) fn getting_result(&self, now: i64) -> i64 {
        if self.fetch_start == 0 {
            return 0;
        }
        self.launch.saturating_add(self.duration(now)).saturating_sub(self.fetch_start)
    }

    /// Tells if it has ended.
    pub(crate) fn has_ended(&self) -> bool {
        match self.status {
            TaskStatus::Running | TaskStatus::GetResult => false,
            TaskStatus::Success | TaskStatus::Failed | TaskStatus::Killed => true,
        }
    }
}

/// The tasks of one stage attempt, in the order in which they were sent to executors.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskTable {
    rows: Vec<Row>,
    columns: [Column; Metric::COUNT],
    /// True once an id was lower than the one before it.
    unordered: bool,
}

impl TaskTable {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> Option<&mut Row> {
        self.rows.get_mut(row)
    }

    /// Tells if rows stand in the order of their ids.
    pub(crate) fn is_in_order(&self) -> bool {
        !self.unordered
    }

    pub(crate) fn push(&mut self, row: Row) -> usize {
        self.unordered |= self.rows.last().is_some_and(|last| last.id > row.id);
        self.rows.push(row);
        self.columns.iter_mut().for_each(Column::push);
        self.rows.len() - 1
    }

    pub(crate) fn set_figures(&mut self, row: usize, figures: &Figures) {
        let rows = self.rows.len();
        if row < rows {
            for (column, value) in self.columns.iter_mut().zip(figures.0) {
                column.set(row, rows, value);
            }
        }
    }

    /// Sets the figures of a task, and returns by how much they have grown.
    pub(crate) fn renew(&mut self, row: usize, figures: &Figures) -> Figures {
        let Some(known) = self.rows.get_mut(row) else { return Figures::default() };
        let mut grown = *figures;
        if std::mem::replace(&mut known.measured, true) {
            for (grown, before) in grown.0.iter_mut().zip(self.figures(row).0) {
                *grown = grown.saturating_sub(before);
            }
        }
        self.set_figures(row, figures);
        grown
    }

    pub(crate) fn figure(&self, row: usize, metric: Metric) -> i64 {
        self.columns[metric as usize].get(row)
    }

    pub(crate) fn figures(&self, row: usize) -> Figures {
        let mut figures = Figures::default();
        for (figure, column) in figures.0.iter_mut().zip(&self.columns) {
            *figure = column.get(row);
        }
        figures
    }

    /// Returns a figure of all tasks.
    pub(crate) fn column(&self, metric: Metric) -> &Column {
        &self.columns[metric as usize]
    }

    /// Returns the sums of some figures of each task.
    pub(crate) fn sums(&self, metrics: &[Metric]) -> Column {
        let columns: Vec<&Column> = metrics.iter().map(|metric| self.column(*metric)).collect();
        Column::sum(&columns, self.rows.len())
    }

    /// Removes tasks, those that ended first before others and those that run last, and returns their ids.
    pub(crate) fn remove_oldest(&mut self, count: usize) -> Vec<i64> {
        let count = count.min(self.rows.len());
        if count == 0 {
            return vec![];
        }
        let age = |row: &Row| if row.has_ended() { row.finish } else { i64::MAX };
        let mut order: Vec<(i64, usize)> =
            self.rows.iter().enumerate().map(|(at, row)| (age(row), at)).collect();
        order.select_nth_unstable(count - 1);
        let mut keep = vec![true; self.rows.len()];
        let gone = order[..count].iter().map(|(_, at)| {
            keep[*at] = false;
            self.rows[*at].id
        });
        let gone = gone.collect();
        let mut rows = keep.iter();
        self.rows.retain(|_| rows.next().copied().unwrap_or(true));
        self.columns.iter_mut().for_each(|column| column.retain(&keep));
        gone
    }

    /// Returns the bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(Column::bytes).sum();
        self.rows.capacity() * size_of::<Row>() + columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, finish: i64) -> Row {
        Row {
            id,
            launch: 1,
            fetch_start: 0,
            finish,
            index: 0,
            partition: 0,
            place: 0,
            attempt: 0,
            locality: 0,
            status: if finish == 0 { TaskStatus::Running } else { TaskStatus::Success },
            speculative: false,
            measured: finish != 0,
        }
    }

    #[test]
    fn a_column_grows_with_its_figures() {
        let mut table = TaskTable::default();
        for id in 0..3 {
            table.push(row(id, 5));
        }
        assert_eq!(table.column(Metric::RunTime).bytes(), 0);
        let mut figures = Figures::default();
        figures.0[Metric::RunTime as usize] = 7;
        table.set_figures(1, &figures);
        assert_eq!((0..3).map(|at| table.figure(at, Metric::RunTime)).collect::<Vec<_>>(), [0, 7, 0]);
        figures.0[Metric::RunTime as usize] = -1;
        table.set_figures(2, &figures);
        table.push(row(3, 0));
        assert_eq!((0..4).map(|at| table.figure(at, Metric::RunTime)).collect::<Vec<_>>(), [0, 7, -1, 0]);
        assert_eq!(table.figures(2).get(Metric::RunTime), -1);
        assert_eq!(table.column(Metric::CpuTime).bytes(), 0);
    }

    #[test]
    fn sums_have_as_many_bits_as_they_need() {
        let of = |figures: [i64; 3]| Column::of(3, figures.into_iter());
        let (small, large, least) = (of([1, 0, 5]), of([u32::MAX.into(), 2, 0]), of([i64::MIN, 0, 7]));
        let sum = |columns: &[&Column]| {
            let sum = Column::sum(columns, 3);
            let quantiles = sum.quantiles(&[], 3, &[0.0, 1.0]);
            ((0..3).map(|row| sum.get(row)).collect::<Vec<_>>(), sum.bytes(), quantiles)
        };
        assert_eq!(sum(&[&small, &small]), (vec![2, 0, 10], 12, vec![0.0, 10.0]));
        assert_eq!(sum(&[&small, &large]), (vec![1 << 32, 2, 5], 24, vec![2.0, (1_u64 << 32) as f64]));
        assert_eq!(sum(&[&least, &least]), (vec![i64::MIN, 0, 14], 24, vec![i64::MIN as f64, 14.0]));
        assert_eq!(sum(&[&Column::default()]), (vec![0; 3], 0, vec![0.0; 2]));
        let beyond = |one: &Column, other: &Column| {
            let beyond = one.beyond(other, 3);
            (0..3).map(|row| beyond.get(row)).collect::<Vec<_>>()
        };
        assert_eq!(beyond(&small, &of([0, 3, 2])), [1, 0, 3]);
        assert_eq!(beyond(&large, &least), [i64::MAX, 2, 0]);
        assert_eq!(beyond(&small, &Column::default()), [1, 0, 5]);
    }

    #[test]
    fn those_that_ended_first_go_first() {
        let mut table = TaskTable::default();
        for (id, finish) in [(0, 0), (1, 9), (2, 4), (3, 6)] {
            let at = table.push(row(id, finish));
            let mut figures = Figures::default();
            figures.0[0] = id * 10;
            table.set_figures(at, &figures);
        }
        let mut gone = table.remove_oldest(2);
        gone.sort_unstable();
        assert_eq!(gone, [2, 3]);
        assert_eq!(table.rows().iter().map(|row| row.id).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(table.figure(1, Metric::DeserializeTime), 10);
    }
}
