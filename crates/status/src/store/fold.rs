//! The store's fold: one event changes the records that it names.
//!
//! The rules are those by which Spark shows an application, down to what it does when events are missing or late: an
//! event about a job, stage or executor without a record is ignored, since a log may begin in the middle and old
//! records are removed. A stage attempt is *live* until it has ended and none of its tasks runs; later events do not
//! change it. Jobs and stages are in `jobs.rs` and `stages.rs`, executors and blocks in `executors.rs` and `blocks.rs`.

use crate::store::records::{Executor, Job, Rdd, Stage, StageKey};
use crate::store::views::{PeakMemory, ResourceProfileInfo, TaskStatus};
use firesteel_events::{EnvironmentUpdate, ListenerEvent};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How much is remembered of what has ended: `spark.ui.retainedJobs` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retained {
    /// Jobs.
    pub jobs: usize,
    /// Stage attempts.
    pub stages: usize,
    /// Tasks of each stage attempt.
    pub tasks: usize,
    /// Tasks of all stage attempts together, about: where there are more, the stages that ended first lose theirs.
    pub all_tasks: usize,
    /// Executors that are gone.
    pub dead_executors: usize,
    /// Tasks that ended last, for a picture of the slots.
    pub recent_tasks: usize,
}

impl Default for Retained {
    /// Spark's numbers. It has none for the tasks of all stages.
    fn default() -> Self {
        Retained {
            jobs: 1000,
            stages: 1000,
            tasks: 100_000,
            all_tasks: 4_000_000,
            dead_executors: 100,
            recent_tasks: 4096,
        }
    }
}

/// One task that ended lately, for a picture of the slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentTask {
    /// The stage attempt.
    pub stage: StageKey,
    /// The attempt's own id.
    pub task_id: i64,
    /// The executor.
    pub executor: Arc<str>,
    /// The time at which it was sent there, in milliseconds since 1970.
    pub launch: i64,
    /// The time at which it ended.
    pub finish: i64,
    /// How it ended.
    pub status: TaskStatus,
    /// Milliseconds in which it waited for blocks of other hosts.
    pub fetch_wait: i64,
    /// Microseconds in functions of the program, in Python.
    pub python: i64,
    /// Microseconds in which objects of Python were pickled and unpickled.
    pub pickle: i64,
    /// Microseconds that it waited for a slot.
    pub slot_wait: i64,
    /// Milliseconds in which it ran.
    pub run: i64,
}

/// All that an application is by now.
#[derive(Clone, Debug, Default)]
pub struct Store {
    pub(crate) retained: Retained,
    pub(crate) revision: u64,
    pub(crate) last_event: i64,
    pub(crate) application: Application,
    pub(crate) environment: EnvironmentUpdate,
    pub(crate) profiles: BTreeMap<i64, ResourceProfileInfo>,
    pub(crate) jobs: BTreeMap<i64, Job>,
    pub(crate) stages: BTreeMap<StageKey, Stage>,
    pub(crate) executors: BTreeMap<Arc<str>, Executor>,
    pub(crate) dead: VecDeque<Executor>,
    pub(crate) rdds: BTreeMap<i64, Rdd>,
    /// Where the tasks that run stand: their stage attempt, and their row there.
    pub(crate) running: BTreeMap<i64, (StageKey, usize)>,
    pub(crate) places: Places,
    pub(crate) recent: VecDeque<RecentTask>,
}

/// The application itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Application {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) attempt_id: Option<String>,
    pub(crate) user: String,
    pub(crate) started: i64,
    pub(crate) ended: Option<i64>,
    pub(crate) exit_code: Option<i32>,
    pub(crate) spark_version: String,
    pub(crate) firesteel_version: Option<String>,
    pub(crate) driver_logs: BTreeMap<String, String>,
}

/// Names that many tasks share, each kept once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    places: Vec<(Arc<str>, Arc<str>)>,
    by_name: BTreeMap<(Arc<str>, Arc<str>), u32>,
    localities: Vec<Arc<str>>,
    /// The place of the last task, which the next one often shares.
    last: u32,
}

impl Places {
    pub(crate) fn number(&mut self, executor: &Arc<str>, host: &Arc<str>) -> u32 {
        // Names of one place are one allocation where the engine tells them, and then nothing is compared.
        if let Some((last, at)) = self.get(self.last)
            && Arc::ptr_eq(last, executor)
            && Arc::ptr_eq(at, host)
        {
            return self.last;
        }
        if let Some(known) = self.by_name.get(&(executor.clone(), host.clone())) {
            self.last = *known;
            return *known;
        }
        let number = self.places.len() as u32;
        self.last = number;
        self.places.push((executor.clone(), host.clone()));
        self.by_name.insert((executor.clone(), host.clone()), number);
        number
    }

    pub(crate) fn get(&self, number: u32) -> Option<&(Arc<str>, Arc<str>)> {
        self.places.get(number as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns the number of a locality. There are five; what a hostile log makes up counts as the last of 256.
    pub(crate) fn locality(&mut self, name: &Arc<str>) -> u8 {
        match self.localities.iter().position(|known| known == name) {
            Some(at) => at.min(255) as u8,
            None if self.localities.len() < 256 => {
                self.localities.push(name.clone());
                (self.localities.len() - 1) as u8
            }
            None => 255,
        }
    }

    pub(crate) fn locality_name(&self, number: u8) -> &str {
        self.localities.get(usize::from(number)).map_or("ANY", |name| name)
    }
}

impl Store {
    /// Makes a store that knows nothing yet.
    pub fn new(retained: Retained) -> Self {
        Store { retained, ..Store::default() }
    }

    /// Returns a number that grows with each event: who has seen it has nothing new to ask for.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the latest time that an event told, in milliseconds since 1970.
    pub fn last_event(&self) -> i64 {
        self.last_event
    }

    /// Notes what time it is, for events that do not tell: the figures of executors.
    pub fn tick(&mut self, now: i64) {
        self.last_event = self.last_event.max(now);
    }

    /// Tells if the application has ended.
    pub fn has_ended(&self) -> bool {
        self.application.ended.is_some()
    }

    /// Applies one event.
    pub fn apply(&mut self, event: &ListenerEvent) {
        self.revision += 1;
        match event {
            ListenerEvent::LogStart(event) => {
                self.application.spark_version.clone_from(&event.spark_version);
                self.application.firesteel_version.clone_from(&event.firesteel_version);
            }
            ListenerEvent::ApplicationStart(event) => self.application_start(event),
            ListenerEvent::ApplicationEnd(event) => {
                self.tick(event.timestamp);
                self.application.ended = Some(event.timestamp);
                self.application.exit_code = event.exit_code;
            }
            ListenerEvent::EnvironmentUpdate(event) => self.environment = event.clone(),
            ListenerEvent::ResourceProfileAdded(event) => self.profile_added(event),
            ListenerEvent::JobStart(event) => self.job_start(event),
            ListenerEvent::JobEnd(event) => self.job_end(event),
            ListenerEvent::StageSubmitted(event) => self.stage_submitted(event),
            ListenerEvent::StageCompleted(event) => self.stage_completed(event),
            ListenerEvent::StageExecutorMetrics(event) => self.stage_metrics(event),
            ListenerEvent::TaskStart(event) => self.task_start(event),
            ListenerEvent::TaskGettingResult(event) => self.task_getting_result(event),
            ListenerEvent::TaskEnd(event) => self.task_end(event),
            ListenerEvent::ExecutorAdded(event) => self.executor_added(event),
            ListenerEvent::ExecutorRemoved(event) => self.executor_removed(event),
            ListenerEvent::ExecutorExcluded(event) => {
                self.set_excluded(event.timestamp, &event.executor_id, true);
            }
            ListenerEvent::ExecutorUnexcluded(event) => {
                self.set_excluded(event.timestamp, &event.executor_id, false);
            }
            ListenerEvent::ExecutorExcludedForStage(event) => {
                let key = (event.stage_id, event.stage_attempt_id);
                self.exclude_for_stage(event.timestamp, key, &event.executor_id);
            }
            ListenerEvent::NodeExcluded(event) => {
                self.set_host_excluded(event.timestamp, &event.host_id, true);
            }
            ListenerEvent::NodeUnexcluded(event) => {
                self.set_host_excluded(event.timestamp, &event.host_id, false);
            }
            ListenerEvent::NodeExcludedForStage(event) => {
                let key = (event.stage_id, event.stage_attempt_id);
                self.exclude_host_for_stage(event.timestamp, key, &event.host_id);
            }
            ListenerEvent::BlockManagerAdded(event) => self.block_manager_added(event),
            // Spark shows nothing of it, but that the executor is removed.
            ListenerEvent::BlockManagerRemoved(event) => self.tick(event.timestamp),
            ListenerEvent::BlockUpdated(event) => self.block_updated(&event.info),
            ListenerEvent::UnpersistRdd(event) => self.unpersist(event.rdd_id),
            ListenerEvent::ExecutorMetricsUpdate(event) => self.executor_metrics(event),
        }
    }

    fn application_start(&mut self, event: &firesteel_events::ApplicationStart) {
        self.tick(event.timestamp);
        let application = &mut self.application;
        application.id = event.app_id.clone().unwrap_or_default();
        application.name.clone_from(&event.app_name);
        application.attempt_id.clone_from(&event.app_attempt_id);
        application.user.clone_from(&event.user);
        application.started = event.timestamp;
        application.driver_logs = event.driver_logs.clone().unwrap_or_default();
        // A cluster manager tells the driver's logs when the driver has long registered.
        if let Some(driver) = self.executors.get_mut("driver") {
            driver.logs.extend(self.application.driver_logs.clone());
        }
    }

    fn stage_metrics(&mut self, event: &firesteel_events::StageExecutorMetrics) {
        let figures = PeakMemory::of(&event.executor_metrics);
        let executor: Arc<str> = event.executor_id.as_str().into();
        self.raise_executor(&executor, &figures);
        self.raise_stage((event.stage_id, event.stage_attempt_id), &executor, &figures);
    }

    /// Returns how many records to remove, as Spark does: a tenth at a time, so that it is seldom done.
    pub(crate) fn surplus(count: usize, retained: usize) -> usize {
        if count > retained { (retained / 10).max(count - retained) } else { 0 }
    }
}
