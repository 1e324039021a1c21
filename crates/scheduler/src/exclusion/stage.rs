//! Exclusion within one stage attempt: where its tasks failed, and where they are not launched again because of that.

use crate::settings::ExclusionSettings;
use firesteel_types::{Exclusion, ExecutorId, Millis};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The failures of a stage attempt at each executor: its host, and for each task the time of the last failure.
pub(crate) type Failures = BTreeMap<ExecutorId, (Arc<str>, Vec<Millis>)>;

/// Where tasks of one stage attempt failed.
#[derive(Debug)]
pub(crate) struct StageExclusion {
    settings: ExclusionSettings,
    executors: BTreeMap<ExecutorId, OnExecutor>,
    hosts: BTreeMap<Arc<str>, OnHost>,
    /// The last failure, as text.
    last: String,
}

#[derive(Debug)]
struct OnExecutor {
    host: Arc<str>,
    /// The number of failures of each task, and the time of the last.
    tasks: BTreeMap<u32, (u32, Millis)>,
    is_excluded: bool,
}

#[derive(Debug, Default)]
struct OnHost {
    /// The number of failures of each task, at all executors of the host.
    tasks: BTreeMap<u32, u32>,
    /// The number of executors that are excluded.
    excluded: u32,
    is_excluded: bool,
}

/// The exclusions from the stage attempt that follow from one failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NewlyExcluded {
    /// The executor, after so many failed tasks.
    pub(crate) executor: Option<u32>,
    /// The host, after so many excluded executors.
    pub(crate) host: Option<u32>,
}

impl StageExclusion {
    pub(crate) fn new(settings: ExclusionSettings) -> Self {
        let (executors, hosts, last) = (BTreeMap::new(), BTreeMap::new(), String::new());
        StageExclusion { settings, executors, hosts, last }
    }

    /// Notes the failure of an attempt that counts.
    pub(crate) fn failed(
        &mut self,
        now: Millis,
        index: u32,
        (executor, host): (ExecutorId, &Arc<str>),
        failure: String,
    ) -> NewlyExcluded {
        self.last = failure;
        let on_executor = self.executors.entry(executor).or_insert_with(|| OnExecutor {
            host: host.clone(),
            tasks: BTreeMap::new(),
            is_excluded: false,
        });
        let failed = on_executor.tasks.entry(index).or_insert((0, now));
        *failed = (failed.0 + 1, now);
        let on_host = self.hosts.entry(host.clone()).or_default();
        *on_host.tasks.entry(index).or_default() += 1;
        let mut excluded = NewlyExcluded::default();
        let failures = on_executor.tasks.len() as u32;
        if on_executor.is_excluded || failures < self.settings.stage_tasks_per_executor {
            return excluded;
        }
        on_executor.is_excluded = true;
        excluded.executor = Some(failures);
        on_host.excluded += 1;
        if !on_host.is_excluded && on_host.excluded >= self.settings.stage_executors_per_host {
            on_host.is_excluded = true;
            excluded.host = Some(on_host.excluded);
        }
        excluded
    }

    /// Returns whether no task at all may be launched on an executor of a host.
    pub(crate) fn forbids_all(&self, executor: ExecutorId, host: &str) -> bool {
        self.settings.task_and_stage
            && (self.executors.get(&executor).is_some_and(|on| on.is_excluded)
                || self.hosts.get(host).is_some_and(|on| on.is_excluded))
    }

    /// Returns whether a task may be launched on an executor of a host that is not forbidden to all.
    pub(crate) fn may_run(&self, index: u32, executor: ExecutorId, host: &str) -> bool {
        !self.settings.task_and_stage
            || (self.failures(index, executor) < self.settings.task_attempts_per_executor
                && self.failures_on(index, host) < self.settings.task_attempts_per_host)
    }

    /// Returns what keeps a task away from an executor of a host, if anything does.
    pub(crate) fn why(&self, index: u32, executor: ExecutorId, host: &str) -> Option<Exclusion> {
        if self.forbids_all(executor, host) {
            return Some(Exclusion::Stage);
        }
        (!self.may_run(index, executor, host)).then_some(Exclusion::Task)
    }

    fn failures(&self, index: u32, executor: ExecutorId) -> u32 {
        self.executors.get(&executor).and_then(|on| on.tasks.get(&index)).map_or(0, |failed| failed.0)
    }

    fn failures_on(&self, index: u32, host: &str) -> u32 {
        self.hosts.get(host).and_then(|on| on.tasks.get(&index)).copied().unwrap_or(0)
    }

    /// Returns the last failure, as text.
    pub(crate) fn last(&self) -> &str {
        &self.last
    }

    /// Returns the tasks that failed, each once.
    pub(crate) fn failed_tasks(&self) -> BTreeSet<u32> {
        self.hosts.values().flat_map(|on| on.tasks.keys().copied()).collect()
    }

    /// Returns all failures, and forgets them.
    pub(crate) fn take(&mut self) -> Failures {
        self.hosts.clear();
        self.last.clear();
        let taken = std::mem::take(&mut self.executors).into_iter();
        let times = |tasks: BTreeMap<u32, (u32, Millis)>| tasks.into_values().map(|(_, at)| at).collect();
        taken.map(|(executor, on)| (executor, (on.host, times(on.tasks)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exclusion() -> StageExclusion {
        StageExclusion::new(ExclusionSettings { task_and_stage: true, ..ExclusionSettings::default() })
    }

    fn fail(exclusion: &mut StageExclusion, index: u32, executor: u32, host: &str) -> NewlyExcluded {
        exclusion.failed(Millis(1), index, (ExecutorId(executor), &host.into()), "no luck".into())
    }

    #[test]
    fn a_task_is_kept_from_its_executor_then_from_the_host() {
        let mut exclusion = exclusion();
        fail(&mut exclusion, 0, 1, "a");
        assert!(!exclusion.may_run(0, ExecutorId(1), "a"));
        assert!(exclusion.may_run(1, ExecutorId(1), "a") && exclusion.may_run(0, ExecutorId(2), "a"));
        fail(&mut exclusion, 0, 2, "a");
        assert_eq!(exclusion.why(0, ExecutorId(3), "a"), Some(Exclusion::Task));
        assert!(exclusion.may_run(0, ExecutorId(4), "b") && exclusion.may_run(1, ExecutorId(3), "a"));
        assert!(!exclusion.forbids_all(ExecutorId(1), "a"));
    }

    #[test]
    fn several_tasks_exclude_an_executor_and_several_executors_a_host_each_once() {
        let mut exclusion = exclusion();
        assert_eq!(fail(&mut exclusion, 0, 1, "a"), NewlyExcluded::default());
        assert_eq!(fail(&mut exclusion, 1, 1, "a"), NewlyExcluded { executor: Some(2), host: None });
        assert_eq!(fail(&mut exclusion, 2, 1, "a"), NewlyExcluded::default());
        assert!(exclusion.forbids_all(ExecutorId(1), "a") && !exclusion.forbids_all(ExecutorId(2), "a"));
        fail(&mut exclusion, 3, 2, "a");
        assert_eq!(fail(&mut exclusion, 4, 2, "a"), NewlyExcluded { executor: Some(2), host: Some(2) });
        assert_eq!(exclusion.why(9, ExecutorId(7), "a"), Some(Exclusion::Stage));
        assert_eq!(exclusion.take()[&ExecutorId(1)].1.len(), 3);
    }

    #[test]
    fn where_only_the_application_excludes_failures_are_just_counted() {
        let mut exclusion = exclusion();
        exclusion.settings.task_and_stage = false;
        let excluded: Vec<_> = (0..4).map(|index| fail(&mut exclusion, index, 1, "a")).collect();
        assert_eq!(excluded[1].executor, Some(2));
        assert_eq!(exclusion.why(0, ExecutorId(1), "a"), None);
        assert_eq!(exclusion.take()[&ExecutorId(1)].1.len(), 4);
    }
}
