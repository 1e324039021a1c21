//! Questions about the tasks of a stage attempt: a page of them in some order, and their quantiles.
//!
//! A page is found without sorting all tasks: those before and on the page are selected, and only they are sorted.

use crate::store::columns::{Column, Metric, Row};
use crate::store::dates::Date;
use crate::store::fold::Places;
use crate::store::records::Stage;
use crate::store::views::*;
use std::collections::BTreeMap;

/// All that tasks are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskSort {
    /// The attempt's own id.
    #[default]
    Id,
    /// The task's position.
    Index,
    /// The number of earlier attempts.
    Attempt,
    /// Milliseconds in which it ran. Tasks that did not succeed come before others, as with Spark.
    RunTime,
    /// Milliseconds from its launch to its end.
    Duration,
    /// The time at which it was sent to its executor.
    Launch,
    /// Its state.
    Status,
    /// Its executor.
    Executor,
    /// Its host.
    Host,
    /// Its locality.
    Locality,
    /// Milliseconds that are not in any other figure.
    SchedulerDelay,
    /// Milliseconds in which the driver fetched its result.
    GettingResult,
    /// The reason why it failed.
    Error,
    /// Bytes read from shuffles.
    ShuffleReadBytes,
    /// Any figure.
    Figure(Metric),
}

/// The figures that are parts of a task's duration, beside the time in which the driver fetched its result.
const ACCOUNTED: [Metric; 3] = [Metric::RunTime, Metric::DeserializeTime, Metric::ResultSerializationTime];

/// Gives a task's place in the order.
type SortKey<'a> = Box<dyn Fn(usize, &Row) -> i64 + 'a>;

/// A page of tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskAsk {
    /// The number of tasks before the page.
    pub offset: usize,
    /// The most tasks on the page.
    pub length: usize,
    /// All that they are sorted by.
    pub sort: TaskSort,
    /// True if the highest come first.
    pub descending: bool,
    /// The states that are shown; all if there are none.
    pub status: Vec<TaskStatus>,
}

impl Stage {
    /// Returns the rows of a page, in order.
    pub(crate) fn page(&self, ask: &TaskAsk, places: &Places, now: i64) -> Vec<usize> {
        let shown = |row: &Row| ask.status.is_empty() || ask.status.contains(&row.status);
        let rows = self.tasks.rows();
        if ask.sort == TaskSort::Id && self.tasks.is_in_order() {
            let all = rows.iter().enumerate().filter(|(_, row)| shown(row)).map(|(at, _)| at);
            return match (ask.descending, ask.status.is_empty()) {
                (false, true) => (ask.offset.min(rows.len())
                    ..ask.offset.saturating_add(ask.length).min(rows.len()))
                    .collect(),
                (false, false) => all.skip(ask.offset).take(ask.length).collect(),
                (true, _) => all.rev().skip(ask.offset).take(ask.length).collect(),
            };
        }
        let key = self.sort_key(ask.sort, places, now);
        let mut order: Vec<(i64, i64, usize)> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| shown(row))
            .map(|(at, row)| match ask.descending {
                false => (key(at, row), row.id, at),
                true => (!key(at, row), !row.id, at),
            })
            .collect();
        let end = ask.offset.saturating_add(ask.length).min(order.len());
        if end > 0 && end < order.len() {
            order.select_nth_unstable(end - 1);
        }
        order.truncate(end);
        order.sort_unstable();
        order.into_iter().skip(ask.offset).map(|(_, _, at)| at).collect()
    }

    /// Returns what gives a task's place in the order. Names are numbered in their own order first.
    fn sort_key<'a>(&'a self, sort: TaskSort, places: &Places, now: i64) -> SortKey<'a> {
        let tasks = &self.tasks;
        match sort {
            TaskSort::Id => Box::new(|_, row| row.id),
            TaskSort::Index => Box::new(|_, row| i64::from(row.index)),
            TaskSort::Attempt => Box::new(|_, row| i64::from(row.attempt)),
            TaskSort::RunTime => Box::new(|at, row| spark_figure(row, tasks.figure(at, Metric::RunTime))),
            TaskSort::Duration => Box::new(move |_, row| row.duration(now)),
            TaskSort::Launch => Box::new(|_, row| row.launch),
            TaskSort::Status => Box::new(|_, row| row.status as i64),
            TaskSort::Executor => {
                by_rank(ranks(places.len(), |at| places.get(at).map(|(executor, _)| &**executor)))
            }
            TaskSort::Host => by_rank(ranks(places.len(), |at| places.get(at).map(|(_, host)| &**host))),
            TaskSort::Locality => {
                let ranks = ranks(256, |at| Some(places.locality_name(at as u8)));
                Box::new(move |_, row| ranks.get(usize::from(row.locality)).copied().unwrap_or(0))
            }
            TaskSort::SchedulerDelay => Box::new(move |at, row| self.scheduler_delay(at, row, now)),
            TaskSort::GettingResult => Box::new(move |_, row| row.getting_result(now)),
            TaskSort::Error => {
                let mut texts: Vec<(&str, i64)> =
                    self.errors.iter().map(|(id, text)| (&**text, *id)).collect();
                texts.sort_unstable();
                let ranks: BTreeMap<i64, i64> =
                    texts.iter().zip(1..).map(|((_, id), rank)| (*id, rank)).collect();
                Box::new(move |_, row| ranks.get(&row.id).copied().unwrap_or(0))
            }
            TaskSort::ShuffleReadBytes => Box::new(|at, _| {
                tasks.figure(at, Metric::LocalBytes).saturating_add(tasks.figure(at, Metric::RemoteBytes))
            }),
            TaskSort::Figure(metric) => Box::new(move |at, _| tasks.figure(at, metric)),
        }
    }

    /// Returns milliseconds that are not in any other figure: 0 unless the task has ended and told its figures.
    pub(crate) fn scheduler_delay(&self, at: usize, row: &Row, now: i64) -> i64 {
        if !row.has_ended() || !row.measured {
            return 0;
        }
        let known = ACCOUNTED.iter().map(|metric| self.tasks.figure(at, *metric));
        let known = known.fold(row.getting_result(now), i64::saturating_add);
        row.duration(now).saturating_sub(known).max(0)
    }

    /// Returns one task in the shape of the REST interface.
    pub(crate) fn task(
        &self,
        at: usize,
        places: &Places,
        logs: &dyn Fn(&str) -> BTreeMap<String, String>,
        now: i64,
    ) -> TaskData {
        let row = &self.tasks.rows()[at];
        let (executor, host) = places.get(row.place).cloned().unwrap_or_else(|| ("".into(), "".into()));
        TaskData {
            task_id: row.id,
            index: i64::from(row.index),
            attempt: i64::from(row.attempt),
            partition_id: i64::from(row.partition),
            launch_time: Date(row.launch),
            result_fetch_start: Date::given(row.fetch_start),
            duration: Some(row.duration(now)).filter(|duration| *duration > 0),
            executor_logs: logs(&executor),
            executor_id: executor.to_string(),
            host: host.to_string(),
            status: row.status,
            task_locality: places.locality_name(row.locality).to_owned(),
            speculative: row.speculative,
            accumulator_updates: self.accumulated.get(&row.id).map(|all| all.to_vec()).unwrap_or_default(),
            error_message: self.errors.get(&row.id).map(|text| text.to_string()),
            task_metrics: row.measured.then(|| self.tasks.figures(at).view()),
            scheduler_delay: self.scheduler_delay(at, row, now),
            getting_result_time: row.getting_result(now),
        }
    }

    /// Returns the quantiles of the tasks that succeeded. `None` if there are none.
    pub(crate) fn distributions(&self, asked: &[f64], now: i64) -> Option<TaskMetricDistributions> {
        let all = self.tasks.rows();
        let (mut without, mut unmeasured) = (vec![], vec![]);
        let (mut durations, mut getting_results) = (Column::default(), Column::default());
        // Once over all rows: reading them takes longer than what is done with them.
        for (at, row) in all.iter().enumerate() {
            if !row.measured {
                unmeasured.push(at as u32);
            }
            if !row.measured || row.status != TaskStatus::Success {
                without.push(at as u32);
            }
            durations.set(at, all.len(), row.duration(now));
            getting_results.set(at, all.len(), row.getting_result(now));
        }
        let count = all.len() - without.len();
        if count == 0 {
            return None;
        }
        // What is in no other figure, of all tasks, those that run among them.
        let known = ACCOUNTED.map(|metric| self.tasks.column(metric));
        let known = Column::sum(&[known[0], known[1], known[2], &getting_results], all.len());
        let delays = durations.beyond(&known, all.len());
        let zero = vec![0.0; asked.len()];
        let of = |metric: Metric| self.tasks.column(metric).quantiles(&without, count, asked);
        // Of these Spark looks at tasks that failed, too, yet counts only those that succeeded: it tells the quantiles
        // of the lowest figures. Who compares wants the same.
        let of_all = |column: &Column, without: &[u32]| column.quantiles(without, count, asked);
        let sum = |one: Metric, other: Metric| of_all(&self.tasks.sums(&[one, other]), &unmeasured);
        Some(TaskMetricDistributions {
            quantiles: asked.to_vec(),
            duration: of_all(&durations, &[]),
            executor_deserialize_time: of(Metric::DeserializeTime),
            executor_deserialize_cpu_time: of(Metric::DeserializeCpuTime),
            executor_run_time: of(Metric::RunTime),
            executor_cpu_time: of(Metric::CpuTime),
            result_size: of(Metric::ResultSize),
            jvm_gc_time: of(Metric::GcTime),
            result_serialization_time: of(Metric::ResultSerializationTime),
            getting_result_time: of_all(&getting_results, &unmeasured),
            scheduler_delay: of_all(&delays, &unmeasured),
            peak_execution_memory: of(Metric::PeakMemory),
            memory_bytes_spilled: of(Metric::MemorySpilled),
            disk_bytes_spilled: of(Metric::DiskSpilled),
            input_metrics: InputMetricDistributions {
                bytes_read: of(Metric::InputBytes),
                records_read: of(Metric::InputRecords),
            },
            output_metrics: OutputMetricDistributions {
                bytes_written: of(Metric::OutputBytes),
                records_written: of(Metric::OutputRecords),
            },
            shuffle_read_metrics: ShuffleReadMetricDistributions {
                read_bytes: sum(Metric::LocalBytes, Metric::RemoteBytes),
                read_records: of(Metric::ShuffleRecords),
                remote_blocks_fetched: of(Metric::RemoteBlocks),
                local_blocks_fetched: of(Metric::LocalBlocks),
                fetch_wait_time: of(Metric::FetchWait),
                remote_bytes_read: of(Metric::RemoteBytes),
                remote_bytes_read_to_disk: of(Metric::RemoteBytesToDisk),
                total_blocks_fetched: sum(Metric::LocalBlocks, Metric::RemoteBlocks),
                remote_reqs_duration: of(Metric::RemoteRequestsDuration),
                shuffle_push_read_metrics_dist: ShufflePushReadDistributions {
                    corrupt_merged_block_chunks: zero.clone(),
                    merged_fetch_fallback_count: zero.clone(),
                    remote_merged_blocks_fetched: zero.clone(),
                    local_merged_blocks_fetched: zero.clone(),
                    remote_merged_chunks_fetched: zero.clone(),
                    local_merged_chunks_fetched: zero.clone(),
                    remote_merged_bytes_read: zero.clone(),
                    local_merged_bytes_read: zero.clone(),
                    remote_merged_reqs_duration: zero.clone(),
                },
            },
            shuffle_write_metrics: ShuffleWriteMetricDistributions {
                write_bytes: of(Metric::WriteBytes),
                write_records: of(Metric::WriteRecords),
                write_time: of(Metric::WriteTime),
            },
        })
    }
}

/// Returns a figure as Spark sorts it: tasks that did not succeed come before others.
fn spark_figure(row: &Row, figure: i64) -> i64 {
    match (row.measured, row.status) {
        (false, _) => -1,
        (true, TaskStatus::Success) => figure,
        (true, _) => (-1_i64).saturating_sub(figure),
    }
}

/// Returns for each number the place of its name among all names.
fn ranks<'a>(count: usize, name: impl Fn(u32) -> Option<&'a str>) -> Vec<i64> {
    let names: Vec<&str> = (0..count as u32).map(|at| name(at).unwrap_or("")).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    names.iter().map(|name| sorted.partition_point(|other| other < name) as i64).collect()
}

fn by_rank<'a>(ranks: Vec<i64>) -> SortKey<'a> {
    Box::new(move |_, row| ranks.get(row.place as usize).copied().unwrap_or(0))
}
