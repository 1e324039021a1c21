//! Exclusion from the whole application: an executor at which tasks of several stages failed gets no tasks for a time, and
//! neither does a host with several such executors.
//!
//! The rules are Spark's (`excludeOnFailure`). Failures are counted when a stage is complete, since a program with a fault
//! of its own fails everywhere and never completes it; each is forgotten after the timeout, as is each exclusion. What keeps
//! tasks away from executors within one stage attempt stands in [`StageExclusion`]. The steps that use both are in
//! `tasks/exclusions.rs`.

mod stage;

pub(crate) use stage::{Failures, StageExclusion};

use crate::settings::ExclusionSettings;
use firesteel_types::{ExecutorId, Millis};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All exclusions from the application, and the failures from which more may follow.
#[derive(Debug, Default)]
pub(crate) struct ApplicationExclusion {
    settings: ExclusionSettings,
    /// The times at which the failures at each executor are forgotten, one for each task of a stage attempt.
    failures: BTreeMap<ExecutorId, Vec<Millis>>,
    /// The excluded executors, those that are gone among them: they count for their host.
    executors: BTreeMap<ExecutorId, Excluded>,
    /// The excluded hosts, and until when they are.
    hosts: BTreeMap<Arc<str>, Millis>,
    /// The time at which the first exclusion ends. It is asked for with each event.
    next_end: Option<Millis>,
}

#[derive(Debug)]
struct Excluded {
    host: Arc<str>,
    until: Millis,
}

/// A change of what is excluded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// An executor is excluded, after so many failures.
    Executor(ExecutorId, u32),
    /// A host is excluded, after so many executors.
    Host(Arc<str>, u32),
    /// An executor is not excluded any more.
    ExecutorBack(ExecutorId),
    /// A host is not excluded any more.
    HostBack(Arc<str>),
}

impl ApplicationExclusion {
    pub(crate) fn new(settings: ExclusionSettings) -> Self {
        ApplicationExclusion { settings, ..ApplicationExclusion::default() }
    }

    /// Returns whether an executor of a host gets no tasks.
    pub(crate) fn forbids(&self, executor: ExecutorId, host: &str) -> bool {
        self.executors.contains_key(&executor) || self.hosts.contains_key(host)
    }

    /// Counts the failures of a stage that is complete.
    pub(crate) fn stage_completed(&mut self, now: Millis, failures: Failures) -> Vec<Change> {
        let mut changes = vec![];
        if !self.settings.application {
            return changes;
        }
        for (executor, (host, times)) in failures {
            let known = self.failures.entry(executor).or_default();
            known.extend(times.into_iter().map(|at| at + self.settings.timeout_ms));
            known.retain(|until| *until >= now);
            let total = known.len() as u32;
            if total >= self.settings.application_tasks_per_executor {
                self.failures.remove(&executor);
                self.exclude(now, executor, host, total, &mut changes);
            }
        }
        changes
    }

    /// Excludes an executor from which an output could not be read; all of its host, if the host serves the outputs.
    pub(crate) fn fetch_failed(
        &mut self,
        now: Millis,
        executor: ExecutorId,
        host: Arc<str>,
        is_served_by_host: bool,
    ) -> Vec<Change> {
        let mut changes = vec![];
        if !self.settings.application || !self.settings.on_fetch_failure {
            return changes;
        }
        match is_served_by_host {
            true => self.exclude_host(now, host, 1, &mut changes),
            false if self.executors.contains_key(&executor) => {}
            false => {
                let until = self.ends(now);
                self.executors.insert(executor, Excluded { host, until });
                changes.push(Change::Executor(executor, 1));
            }
        }
        changes
    }

    fn exclude(
        &mut self,
        now: Millis,
        executor: ExecutorId,
        host: Arc<str>,
        failures: u32,
        changes: &mut Vec<Change>,
    ) {
        // One that is excluded already is so for no longer than was said.
        if self.executors.contains_key(&executor) {
            return;
        }
        let until = self.ends(now);
        self.executors.insert(executor, Excluded { host: host.clone(), until });
        changes.push(Change::Executor(executor, failures));
        let on_host = self.executors.values().filter(|excluded| excluded.host == host).count() as u32;
        if on_host >= self.settings.application_executors_per_host {
            self.exclude_host(now, host, on_host, changes);
        }
    }

    fn exclude_host(&mut self, now: Millis, host: Arc<str>, executors: u32, changes: &mut Vec<Change>) {
        if !self.hosts.contains_key(&host) {
            let until = self.ends(now);
            self.hosts.insert(host.clone(), until);
            changes.push(Change::Host(host, executors));
        }
    }

    /// Returns the end of an exclusion that begins now, and notes that there is one.
    fn ends(&mut self, now: Millis) -> Millis {
        let until = now + self.settings.timeout_ms;
        self.next_end = Some(self.next_end.map_or(until, |next| next.min(until)));
        until
    }

    /// Ends the exclusions whose time is over.
    pub(crate) fn expire(&mut self, now: Millis) -> Vec<Change> {
        if self.next_end.is_none_or(|due| due > now) {
            return vec![];
        }
        let over: BTreeSet<ExecutorId> =
            self.executors.iter().filter(|(_, it)| it.until <= now).map(|(id, _)| *id).collect();
        self.executors.retain(|id, _| !over.contains(id));
        let hosts: Vec<Arc<str>> =
            self.hosts.iter().filter(|(_, until)| **until <= now).map(|(host, _)| host.clone()).collect();
        self.hosts.retain(|_, until| *until > now);
        let left = self.executors.values().map(|excluded| excluded.until);
        self.next_end = left.chain(self.hosts.values().copied()).min();
        over.into_iter().map(Change::ExecutorBack).chain(hosts.into_iter().map(Change::HostBack)).collect()
    }

    /// Returns the time at which the next exclusion ends.
    pub(crate) fn next_deadline(&self) -> Option<Millis> {
        self.next_end
    }

    /// Forgets the failures at an executor that is gone. If it is excluded, it stays so, and counts for its host.
    pub(crate) fn executor_gone(&mut self, executor: ExecutorId) {
        self.failures.remove(&executor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(executor: u32, host: &str, times: &[u64]) -> Failures {
        let times = times.iter().map(|at| Millis(*at)).collect();
        [(ExecutorId(executor), (host.into(), times))].into()
    }

    fn exclusion() -> ApplicationExclusion {
        ApplicationExclusion::new(ExclusionSettings {
            application: true,
            timeout_ms: 100,
            ..ExclusionSettings::default()
        })
    }

    #[test]
    fn failures_of_several_stages_exclude_an_executor_until_the_timeout() {
        let mut exclusion = exclusion();
        assert_eq!(exclusion.stage_completed(Millis(10), failed(1, "a", &[5])), []);
        assert_eq!(exclusion.stage_completed(Millis(20), failed(2, "b", &[12])), []);
        let excluded = exclusion.stage_completed(Millis(30), failed(1, "a", &[25]));
        assert_eq!(excluded, [Change::Executor(ExecutorId(1), 2)]);
        assert!(exclusion.forbids(ExecutorId(1), "a") && !exclusion.forbids(ExecutorId(3), "a"));
        assert_eq!((exclusion.next_deadline(), exclusion.expire(Millis(129))), (Some(Millis(130)), vec![]));
        assert_eq!(exclusion.expire(Millis(130)), [Change::ExecutorBack(ExecutorId(1))]);
        assert_eq!(exclusion.next_deadline(), None);
    }

    #[test]
    fn failures_that_are_long_ago_do_not_count() {
        let mut exclusion = exclusion();
        assert_eq!(exclusion.stage_completed(Millis(10), failed(1, "a", &[5])), []);
        assert_eq!(exclusion.stage_completed(Millis(106), failed(1, "a", &[104])), []);
        assert_eq!(exclusion.stage_completed(Millis(110), failed(1, "a", &[109])).len(), 1);
    }

    #[test]
    fn executors_that_are_gone_count_for_their_host() {
        let mut exclusion = exclusion();
        exclusion.stage_completed(Millis(10), failed(1, "a", &[5, 6]));
        exclusion.executor_gone(ExecutorId(1));
        let excluded = exclusion.stage_completed(Millis(50), failed(2, "a", &[40, 41]));
        assert_eq!(excluded, [Change::Executor(ExecutorId(2), 2), Change::Host("a".into(), 2)]);
        assert!(exclusion.forbids(ExecutorId(9), "a"));
        assert_eq!(exclusion.expire(Millis(110)), [Change::ExecutorBack(ExecutorId(1))]);
        assert!(exclusion.forbids(ExecutorId(9), "a"));
        assert_eq!(exclusion.expire(Millis(150)).len(), 2);
    }

    #[test]
    fn one_failed_fetch_excludes_where_that_is_asked_for() {
        let mut exclusion = exclusion();
        assert_eq!(exclusion.fetch_failed(Millis(1), ExecutorId(1), "a".into(), false), []);
        exclusion.settings.on_fetch_failure = true;
        let of = |exclusion: &mut ApplicationExclusion, by_host| {
            exclusion.fetch_failed(Millis(1), ExecutorId(1), "a".into(), by_host)
        };
        assert_eq!(of(&mut exclusion, false), [Change::Executor(ExecutorId(1), 1)]);
        assert_eq!(of(&mut exclusion, false), []);
        assert_eq!(of(&mut exclusion, true), [Change::Host("a".into(), 1)]);
    }
}
