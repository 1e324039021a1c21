//! The table of applications: their executors, and how many more each wants.

use crate::link::Link;
use crate::settings::MasterSettings;
use firesteel_protocol::standalone::{
    ApplicationId, ApplicationRecord, EndedApplication, EndedExecutor, ExecutorName, RequestKey, Resources,
    WorkerId,
};
use firesteel_types::{ExecutorId, Millis};
use std::collections::{BTreeMap, VecDeque};

/// One application that has not ended.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) record: ApplicationRecord,
    /// The connection on which it registered last, if that is still open.
    pub(crate) link: Option<Link>,
    /// True if an earlier master knew it, and it has not come back yet.
    pub(crate) awaited: bool,
    pub(crate) last_seen: Millis,
    /// The number of executors that it can use just now; none is without limit.
    pub(crate) wanted: Option<u32>,
    /// Its executors. One that was told to end is not here any more, though it may take room for a while.
    pub(crate) executors: BTreeMap<ExecutorId, Executor>,
    /// The number of executors that have failed since one was ready.
    pub(crate) failures: u32,
    /// The number of executors that have ended by themselves since one was ready.
    pub(crate) ends: u32,
    /// The time before which it gets no executor.
    pub(crate) not_before: Millis,
    /// The reason for waiting that it was told last.
    pub(crate) waiting: Option<String>,
}

/// One executor of an application.
#[derive(Clone, Debug)]
pub(crate) struct Executor {
    pub(crate) worker: WorkerId,
    pub(crate) resources: Resources,
    /// True once its process was started.
    pub(crate) started: bool,
    /// True once it is connected with its application.
    pub(crate) ready: bool,
    /// True if its worker is being decommissioned, so that another executor may replace it.
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

    /// Returns the executors that count against its limits.
    pub(crate) fn staying(&self) -> impl Iterator<Item = &Executor> {
        self.executors.values().filter(|executor| !executor.decommissioned)
    }

    /// Delays the next executor after one ended by itself. The first is replaced at once, others after longer
    /// and longer waits.
    pub(crate) fn slow_down(&mut self, now: Millis, settings: &MasterSettings) {
        self.ends += 1;
        if self.ends > 1 {
            let doublings = (self.ends - 2).min(30);
            let delay = settings.executor_backoff_ms.saturating_mul(1 << doublings);
            self.not_before = now + delay.min(settings.executor_backoff_max_ms);
        }
    }

    /// Notes that an executor is connected with the application.
    pub(crate) fn note_ready(&mut self, executor: ExecutorId) {
        let Some(executor) = self.executors.get_mut(&executor) else { return };
        if !std::mem::replace(&mut executor.ready, true) {
            executor.started = true;
            (self.failures, self.ends) = (0, 0);
        }
    }

    /// Returns a number that no executor had before.
    pub(crate) fn next_executor(&mut self) -> ExecutorId {
        let number = self.record.next_executor;
        self.record.next_executor += 1;
        ExecutorId(number)
    }
}

/// All applications, and some that ended.
#[derive(Debug, Default)]
pub(crate) struct Applications {
    /// By number, which is the order in which they registered.
    table: BTreeMap<u32, Application>,
    numbers: BTreeMap<ApplicationId, u32>,
    keys: BTreeMap<RequestKey, u32>,
    pub(crate) ended: VecDeque<EndedApplication>,
    /// Some of the ended executors of each, for display only: they are in no snapshot.
    pub(crate) ended_executors: BTreeMap<ApplicationId, VecDeque<EndedExecutor>>,
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

    /// Returns an ended application that registered with this key.
    pub(crate) fn ended_with_key(&self, key: &RequestKey) -> Option<&EndedApplication> {
        self.ended.iter().find(|ended| ended.record.key == *key)
    }

    /// Iterates in the order in which they registered.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Application> {
        self.table.values()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Application> {
        self.table.values_mut()
    }

    /// Returns the ids in the order in which the applications registered.
    pub(crate) fn ids(&self) -> Vec<ApplicationId> {
        self.iter().map(|application| application.record.application.clone()).collect()
    }

    pub(crate) fn remove(&mut self, id: &ApplicationId) -> Option<Application> {
        let number = self.numbers.remove(id)?;
        let application = self.table.remove(&number)?;
        self.keys.remove(&application.record.key);
        Some(application)
    }

    /// Remembers an application that ended, and forgets the oldest beyond `retained`.
    pub(crate) fn remember(&mut self, ended: EndedApplication, retained: usize) {
        self.ended.push_back(ended);
        while self.ended.len() > retained
            && let Some(oldest) = self.ended.pop_front()
        {
            self.ended_executors.remove(&oldest.record.application);
        }
    }

    /// Remembers an executor that ended, and forgets the oldest of its application beyond `retained`.
    pub(crate) fn remember_executor(&mut self, ended: EndedExecutor, retained: usize) {
        let of_application = self.ended_executors.entry(ended.executor.application.clone()).or_default();
        of_application.push_back(ended);
        while of_application.len() > retained {
            of_application.pop_front();
        }
    }
}
