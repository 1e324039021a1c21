//! Who wants executors, and has which: the table of applications.

use crate::names::{ApplicationId, ExecutorName, Link, RequestKey, WorkerId};
use crate::resources::Resources;
use crate::settings::MasterSettings;
use crate::snapshot::{ApplicationRecord, EndedApplication};
use firesteel_types::{ExecutorId, Millis};
use std::collections::{BTreeMap, VecDeque};

/// One application that has not ended.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) record: ApplicationRecord,
    /// The connection on which it came last, if that is still there.
    pub(crate) link: Option<Link>,
    /// An earlier master knew it, and it has not come back yet.
    pub(crate) awaited: bool,
    pub(crate) last_seen: Millis,
    /// How many executors it can use just now; none is without limit.
    pub(crate) wanted: Option<u32>,
    /// Those that it has. What was told to end is here no more, though it may take room for a while.
    pub(crate) executors: BTreeMap<ExecutorId, Executor>,
    /// How many executors have failed since one was ready.
    pub(crate) failures: u32,
    /// How many executors have ended by themselves since one was ready.
    pub(crate) ends: u32,
    /// It gets no executor before this.
    pub(crate) not_before: Millis,
    /// What it was told last about why it has none.
    pub(crate) waiting: Option<String>,
}

/// One executor of an application.
#[derive(Clone, Debug)]
pub(crate) struct Executor {
    pub(crate) worker: WorkerId,
    pub(crate) resources: Resources,
    /// Its process is there.
    pub(crate) started: bool,
    /// It is connected with its application.
    pub(crate) ready: bool,
    /// Its worker is being sent away, so that another may take its place.
    pub(crate) decommissioned: bool,
}

impl Application {
    pub(crate) fn new(record: ApplicationRecord, now: Millis, awaited: bool) -> Self {
        Application {
            record,
            link: None,
            awaited,
            last_seen: now,
            wanted: None,
            executors: BTreeMap::new(),
            failures: 0,
            ends: 0,
            not_before: now,
            waiting: None,
        }
    }

    pub(crate) fn name_of(&self, executor: ExecutorId) -> ExecutorName {
        ExecutorName { application: self.record.application.clone(), executor }
    }

    /// The executors that count against its limits.
    pub(crate) fn staying(&self) -> impl Iterator<Item = &Executor> {
        self.executors.values().filter(|executor| !executor.decommissioned)
    }

    /// An executor ended by itself. The first is replaced at once, others after longer and longer waits.
    pub(crate) fn slow_down(&mut self, now: Millis, settings: &MasterSettings) {
        self.ends += 1;
        if self.ends > 1 {
            let doublings = (self.ends - 2).min(30);
            let delay = settings.executor_backoff_ms.saturating_mul(1 << doublings);
            self.not_before = now + delay.min(settings.executor_backoff_max_ms);
        }
    }

    /// An executor is connected with it.
    pub(crate) fn note_ready(&mut self, executor: ExecutorId) {
        let Some(executor) = self.executors.get_mut(&executor) else { return };
        if !std::mem::replace(&mut executor.ready, true) {
            executor.started = true;
            (self.failures, self.ends) = (0, 0);
        }
    }

    /// A number that no executor had before.
    pub(crate) fn next_executor(&mut self) -> ExecutorId {
        let number = self.record.next_executor;
        self.record.next_executor += 1;
        ExecutorId(number)
    }
}

/// All applications, and some that ended.
#[derive(Debug, Default)]
pub(crate) struct Applications {
    /// By the order in which they came.
    table: BTreeMap<u32, Application>,
    numbers: BTreeMap<ApplicationId, u32>,
    keys: BTreeMap<RequestKey, u32>,
    pub(crate) ended: VecDeque<EndedApplication>,
}

impl Applications {
    pub(crate) fn insert(&mut self, application: Application) {
        let record = &application.record;
        self.numbers.insert(record.application.clone(), record.number);
        self.keys.insert(record.key.clone(), record.number);
        let before = self.table.insert(record.number, application);
        assert!(before.is_none(), "an application's number is used once");
    }

    pub(crate) fn get(&self, id: &ApplicationId) -> Option<&Application> {
        self.table.get(self.numbers.get(id)?)
    }

    pub(crate) fn get_mut(&mut self, id: &ApplicationId) -> Option<&mut Application> {
        self.table.get_mut(self.numbers.get(id)?)
    }

    pub(crate) fn with_key(&self, key: &RequestKey) -> Option<&Application> {
        self.table.get(self.keys.get(key)?)
    }

    /// One that ended and called itself so.
    pub(crate) fn ended_with_key(&self, key: &RequestKey) -> Option<&EndedApplication> {
        self.ended.iter().find(|ended| ended.record.key == *key)
    }

    /// In the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Application> {
        self.table.values()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Application> {
        self.table.values_mut()
    }

    /// In the order in which they came.
    pub(crate) fn ids(&self) -> Vec<ApplicationId> {
        self.iter().map(|application| application.record.application.clone()).collect()
    }

    pub(crate) fn remove(&mut self, id: &ApplicationId) -> Option<Application> {
        let number = self.numbers.remove(id)?;
        let application = self.table.remove(&number)?;
        self.keys.remove(&application.record.key);
        Some(application)
    }

    /// Remembers one that ended, and forgets the oldest beyond a number.
    pub(crate) fn remember(&mut self, ended: EndedApplication, retained: usize) {
        self.ended.push_back(ended);
        while self.ended.len() > retained {
            self.ended.pop_front();
        }
    }
}
