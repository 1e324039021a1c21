//! All that the store remembers of one job, one stage attempt, one executor, one persisted RDD. The fold changes them, the
//! view reads them.

use crate::store::columns::{Figures, TaskTable};
use crate::store::dates::Date;
use crate::store::views::{AccumulableInfo, JobStatus, PeakMemory, SpeculationStageSummary, StageStatus};
use firesteel_events::{Accumulable, RddInfo, StageInfo, StorageLevel};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A stage and its attempt.
pub type StageKey = (i64, i64);

/// A set of the positions of tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Indices {
    words: Vec<u64>,
    count: i64,
}

/// Positions from here on are counted without being remembered: no stage has so many tasks, but hostile logs may.
const MOST_INDICES: u32 = 1 << 26;

impl Indices {
    pub(crate) fn insert(&mut self, index: u32) {
        if index >= MOST_INDICES {
            self.count += 1;
            return;
        }
        let (word, bit) = ((index / 64) as usize, 1_u64 << (index % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if self.words[word] & bit == 0 {
            self.words[word] |= bit;
            self.count += 1;
        }
    }

    pub(crate) fn count(&self) -> i64 {
        self.count
    }

    fn forget(&mut self) {
        self.words = vec![];
    }
}

/// One stage as a job knew it when it began: what its picture is drawn from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planned {
    pub(crate) stage_id: i64,
    pub(crate) attempt: i64,
    pub(crate) name: String,
    pub(crate) tasks: i64,
    pub(crate) parents: Vec<i64>,
    pub(crate) rdds: Arc<Vec<RddInfo>>,
    pub(crate) shuffle: Option<i64>,
    pub(crate) submitted: bool,
}

impl Planned {
    pub(crate) fn of(info: &StageInfo) -> Self {
        Planned {
            stage_id: info.stage_id,
            attempt: info.attempt_id,
            name: info.name.clone(),
            tasks: info.num_tasks,
            parents: info.parent_ids.clone(),
            rdds: info.rdd_info.clone(),
            shuffle: info.shuffle_id,
            submitted: info.submission_time.is_some(),
        }
    }
}

/// One job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Job {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) submitted: Option<Date>,
    pub(crate) completed: Option<Date>,
    pub(crate) status: JobStatus,
    pub(crate) failure: Option<String>,
    pub(crate) stage_ids: Vec<i64>,
    pub(crate) planned: Vec<Planned>,
    pub(crate) num_tasks: i64,
    pub(crate) active_tasks: i64,
    pub(crate) completed_tasks: i64,
    pub(crate) skipped_tasks: i64,
    pub(crate) failed_tasks: i64,
    pub(crate) killed_tasks: i64,
    pub(crate) indices: BTreeMap<i64, Indices>,
    pub(crate) killed_summary: BTreeMap<String, i64>,
    pub(crate) active_stages: i64,
    pub(crate) completed_stages: BTreeSet<i64>,
    pub(crate) skipped_stages: BTreeSet<i64>,
    pub(crate) failed_stages: i64,
    /// Stages that another job had computed before this one began.
    pub(crate) reused: Vec<(i64, i64)>,
}

impl Job {
    /// Forgets which tasks succeeded, and keeps their number.
    pub(crate) fn forget_indices(&mut self) {
        self.indices.values_mut().for_each(Indices::forget);
    }
}

/// All that one executor did for a stage.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExecutorShare {
    pub(crate) task_time: i64,
    pub(crate) succeeded: i64,
    pub(crate) failed: i64,
    pub(crate) killed: i64,
    pub(crate) figures: Figures,
    pub(crate) peak: Option<PeakMemory>,
    pub(crate) excluded: bool,
}

/// The time in one function of the program, in all tasks of a stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionTotal {
    /// Its name, with file and line.
    pub function: String,
    /// The operation that calls it.
    pub operation: String,
    /// Microseconds.
    pub time: i64,
    /// The records that it was given.
    pub records_in: i64,
    /// The records that it gave.
    pub records_out: i64,
    /// The records that came to native code in its place.
    pub native_in: i64,
    /// Those of them that native code handed back to the interpreter.
    pub handed_back: i64,
}

/// One attempt at a stage.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stage {
    pub(crate) info: StageInfo,
    pub(crate) status: StageStatus,
    /// True until it has ended and none of its tasks runs.
    pub(crate) live: bool,
    pub(crate) jobs: BTreeSet<i64>,
    pub(crate) description: Option<String>,
    pub(crate) pool: String,
    pub(crate) active: i64,
    pub(crate) completed: i64,
    pub(crate) failed: i64,
    pub(crate) killed: i64,
    pub(crate) indices: Indices,
    pub(crate) first_launch: Option<i64>,
    pub(crate) killed_summary: BTreeMap<String, i64>,
    pub(crate) totals: Figures,
    pub(crate) peak: Option<PeakMemory>,
    pub(crate) executors: BTreeMap<Arc<str>, ExecutorShare>,
    pub(crate) speculation: Option<SpeculationStageSummary>,
    pub(crate) localities: BTreeMap<u8, i64>,
    pub(crate) tasks: TaskTable,
    pub(crate) errors: BTreeMap<i64, Arc<str>>,
    pub(crate) error_bytes: usize,
    pub(crate) accumulated: BTreeMap<i64, Box<[AccumulableInfo]>>,
    pub(crate) functions: BTreeMap<(String, String), FunctionTotal>,
    pub(crate) hot_keys: BTreeMap<String, i64>,
    pub(crate) revision: u64,
}

/// The bytes of messages of a stage's tasks above which new ones are cut.
const MOST_ERROR_BYTES: usize = 32 << 20;

/// The bytes to which they are cut.
const SHORT_ERROR: usize = 1 << 10;

/// The most functions, and the most hot keys, that are remembered of a stage.
pub(crate) const MOST_NAMES: usize = 100;

impl Stage {
    pub(crate) fn of(info: &StageInfo) -> Self {
        Stage { info: info.clone(), live: true, pool: "default".into(), ..Stage::default() }
    }

    pub(crate) fn key(&self) -> StageKey {
        (self.info.stage_id, self.info.attempt_id)
    }

    pub(crate) fn share(&mut self, executor: &Arc<str>) -> &mut ExecutorShare {
        if !self.executors.contains_key(executor) {
            self.executors.insert(executor.clone(), ExecutorShare::default());
        }
        self.executors.get_mut(executor).expect("it was put there if it was missing")
    }

    /// Notes why a task failed. When a stage's tasks have told very much, of the others only the beginning is kept.
    pub(crate) fn note_error(&mut self, task: i64, mut message: String) {
        if self.error_bytes.saturating_add(message.len()) > MOST_ERROR_BYTES && message.len() > SHORT_ERROR {
            let end = message.floor_char_boundary(SHORT_ERROR);
            message.truncate(end);
        }
        self.forget_error(task);
        self.error_bytes += message.len();
        self.errors.insert(task, message.into());
    }

    pub(crate) fn forget_error(&mut self, task: i64) {
        if let Some(message) = self.errors.remove(&task) {
            self.error_bytes -= message.len();
        }
    }

    /// Forgets its tasks, but not what they add up to.
    pub(crate) fn forget_tasks(&mut self) {
        self.tasks = TaskTable::default();
        self.errors = BTreeMap::new();
        self.error_bytes = 0;
        self.accumulated = BTreeMap::new();
    }

    /// Adds a function's time of one task.
    pub(crate) fn add_function(&mut self, told: &firesteel_events::FunctionTime) {
        let name = (told.function.clone(), told.operation.clone());
        if self.functions.len() >= MOST_NAMES && !self.functions.contains_key(&name) {
            return;
        }
        let total = self.functions.entry(name).or_insert_with(|| FunctionTotal {
            function: told.function.clone(),
            operation: told.operation.clone(),
            ..FunctionTotal::default()
        });
        total.time = total.time.saturating_add(told.time);
        total.records_in = total.records_in.saturating_add(told.records_in);
        total.records_out = total.records_out.saturating_add(told.records_out);
        total.native_in = total.native_in.saturating_add(told.native_in);
        total.handed_back = total.handed_back.saturating_add(told.handed_back);
    }

    /// Notes the key that a task met most often. When there are too many, the rarest is forgotten.
    pub(crate) fn add_hot_key(&mut self, key: &str, records: i64) {
        let count = self.hot_keys.entry(key.to_owned()).or_default();
        *count = count.saturating_add(records);
        if self.hot_keys.len() > MOST_NAMES {
            let rarest = self.hot_keys.iter().min_by_key(|(_, count)| **count).map(|(key, _)| key.clone());
            rarest.and_then(|key| self.hot_keys.remove(&key));
        }
    }
}

/// One executor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Executor {
    pub(crate) id: Arc<str>,
    pub(crate) host: String,
    pub(crate) host_port: Option<String>,
    pub(crate) added: i64,
    pub(crate) removed: Option<(i64, String)>,
    pub(crate) active: bool,
    pub(crate) cores: i64,
    pub(crate) slots: i64,
    pub(crate) logs: BTreeMap<String, String>,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) resources: BTreeMap<String, serde_json::Value>,
    pub(crate) profile: i64,
    pub(crate) rdd_blocks: i64,
    pub(crate) memory_used: i64,
    pub(crate) disk_used: i64,
    pub(crate) max_memory: i64,
    pub(crate) max_on_heap: Option<i64>,
    pub(crate) max_off_heap: i64,
    pub(crate) used_on_heap: i64,
    pub(crate) used_off_heap: i64,
    pub(crate) active_tasks: i64,
    pub(crate) completed_tasks: i64,
    pub(crate) failed_tasks: i64,
    pub(crate) total_tasks: i64,
    pub(crate) total_duration: i64,
    pub(crate) gc_time: i64,
    pub(crate) input_bytes: i64,
    pub(crate) shuffle_read: i64,
    pub(crate) shuffle_write: i64,
    pub(crate) excluded: bool,
    pub(crate) excluded_in: BTreeSet<i64>,
    pub(crate) peak: Option<PeakMemory>,
    pub(crate) memory: VecDeque<(i64, PeakMemory)>,
}

/// The figures of an executor's memory that are remembered: at one in ten seconds, of an hour.
const MEMORY_KEPT: usize = 360;

impl Executor {
    /// Remembers figures of its memory, as its heartbeat told them.
    pub(crate) fn remember(&mut self, at: i64, figures: PeakMemory) {
        self.memory.push_back((at, figures));
        if self.memory.len() > MEMORY_KEPT {
            self.memory.pop_front();
        }
    }

    /// Returns the memory that it has left for blocks.
    pub(crate) fn left(&self) -> Left {
        Left {
            memory: self.max_memory.saturating_sub(self.memory_used),
            on_heap: self.max_on_heap.unwrap_or(0).saturating_sub(self.used_on_heap),
            off_heap: self.max_off_heap.saturating_sub(self.used_off_heap),
        }
    }

    /// Books blocks that came to it (positive) or went (negative).
    pub(crate) fn book(&mut self, off_heap: bool, memory: i64, disk: i64) {
        if self.max_on_heap.is_some() {
            let used = if off_heap { &mut self.used_off_heap } else { &mut self.used_on_heap };
            add(used, memory);
        }
        add(&mut self.memory_used, memory);
        add(&mut self.disk_used, disk);
    }
}

/// Adds to a number of bytes that does not go below 0.
pub(crate) fn add(bytes: &mut i64, delta: i64) {
    *bytes = bytes.saturating_add(delta).max(0);
}

/// Raises figures that may not be there yet.
pub(crate) fn raise(peak: &mut Option<PeakMemory>, figures: Option<&PeakMemory>) {
    let peak = peak.get_or_insert_default();
    if let Some(figures) = figures {
        peak.raise(figures);
    }
}

/// One persisted RDD.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rdd {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) level: StorageLevel,
    pub(crate) num_partitions: i64,
    pub(crate) memory_used: i64,
    pub(crate) disk_used: i64,
    pub(crate) partitions: BTreeMap<i64, CachedPartition>,
    pub(crate) shares: BTreeMap<String, RddShare>,
    pub(crate) places: u64,
}

/// One partition that is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct CachedPartition {
    pub(crate) executors: Vec<String>,
    pub(crate) level: StorageLevel,
    /// The number of its first block among all of the RDD, by which partitions are listed.
    pub(crate) place: u64,
    pub(crate) memory_used: i64,
    pub(crate) disk_used: i64,
}

/// All that one executor keeps of an RDD.
#[derive(Clone, Debug, Default)]
pub(crate) struct RddShare {
    pub(crate) memory_used: i64,
    pub(crate) disk_used: i64,
    pub(crate) on_heap: i64,
    pub(crate) off_heap: i64,
    pub(crate) left: Left,
}

/// The memory that an executor had left when it last got or gave up a block of an RDD.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Left {
    pub(crate) memory: i64,
    pub(crate) on_heap: i64,
    pub(crate) off_heap: i64,
}

/// Returns accumulators of the program in the shape of the REST interface: not those that Spark makes itself.
pub(crate) fn accumulators(all: &[Accumulable]) -> Vec<AccumulableInfo> {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    all.iter()
        .filter(|one| !one.internal && one.metadata.as_deref() != Some("sql"))
        .map(|one| AccumulableInfo {
            id: one.id,
            name: one.name.clone(),
            update: one.update.as_ref().map(text),
            value: one.value.as_ref().map(text),
        })
        .collect()
}
