//! Where tasks may not run, since tasks failed there: the rules told once more, in the simplest way, from the events alone.
//! Nothing is kept that could be counted anew. The scheduler must launch no task where these rules forbid it, and exclude and
//! include nothing but what they say.

use crate::objection::Objection;
use firesteel_scheduler::{ExclusionSettings, TaskLaunch};
use firesteel_types::{
    AppEvent, ExcludedPlace, Exclusion, ExecutorId, JobFailure, Partition, StageAttempt, StageId, TaskFailure,
};
use std::collections::{BTreeMap, BTreeSet};

/// One failure of a task.
#[derive(Clone, Debug)]
struct Failure {
    partition: Partition,
    executor: ExecutorId,
    host: String,
    at: u64,
}

/// The last attempt at a stage.
#[derive(Clone, Debug)]
struct Attempt {
    attempt: StageAttempt,
    is_open: bool,
    failures: Vec<Failure>,
}

/// Executors and hosts: those that are excluded from the application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Excluded {
    executors: BTreeSet<ExecutorId>,
    hosts: BTreeSet<String>,
}

/// All failures so far, as far as they matter, and what follows from them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExclusionChecker {
    settings: Option<ExclusionSettings>,
    is_served_by_hosts: bool,
    hosts: BTreeMap<ExecutorId, String>,
    stages: BTreeMap<StageId, Attempt>,
    /// The failures of stages that succeeded: where, and until when they count.
    counted: Vec<(ExecutorId, u64)>,
    /// Until when executors and hosts are excluded from the application.
    executors_until: BTreeMap<ExecutorId, u64>,
    hosts_until: BTreeMap<String, u64>,
    /// All that the scheduler has told of exclusions from the application.
    told: Excluded,
    /// Barrier stages, of which no executor is excluded.
    barriers: BTreeSet<StageId>,
    /// All that it has told of exclusions from the last attempt at each stage.
    told_of_stages: BTreeMap<StageId, Excluded>,
    /// The executors from which a fetch failed, in the event at hand.
    unfetched: BTreeSet<ExecutorId>,
    /// The number of exclusions that were told, from stage attempts and from the application.
    pub(crate) from_stages: u64,
    pub(crate) from_application: u64,
}

impl ExclusionChecker {
    pub(crate) fn new(settings: Option<ExclusionSettings>, is_served_by_hosts: bool) -> Self {
        ExclusionChecker { settings, is_served_by_hosts, ..ExclusionChecker::default() }
    }

    /// Notes an event of the application.
    pub(crate) fn note(&mut self, event: &AppEvent) -> Result<(), Objection> {
        let Some(settings) = self.settings else {
            return match event {
                AppEvent::ExecutorExcluded { .. } | AppEvent::HostExcluded { .. } => {
                    Err(format!("nothing is ever excluded here, but {event:?}"))
                }
                _ => Ok(()),
            };
        };
        match event {
            AppEvent::ExecutorAdded { executor, host, .. } => {
                self.hosts.insert(*executor, host.clone());
            }
            AppEvent::ExecutorRemoved { executor, .. } => {
                self.counted.retain(|(other, _)| other != executor);
            }
            AppEvent::StageSubmitted { stage, attempt, .. } => {
                let begun = Attempt { attempt: *attempt, is_open: true, failures: vec![] };
                self.stages.insert(stage.stage, begun);
                self.told_of_stages.insert(stage.stage, Excluded::default());
            }
            AppEvent::TaskEnded { at, task, failure: Some(failure), .. } => {
                if let TaskFailure::FetchFailed { executor, .. } = failure {
                    self.unfetched.insert(*executor);
                }
                let host = self.hosts[&task.executor].clone();
                let stage = self.stages.get_mut(&task.stage);
                if let Some(stage) = stage.filter(|it| it.is_open && it.attempt == task.stage_attempt)
                    && failure.counts()
                {
                    let (partition, executor) = (task.partition, task.executor);
                    stage.failures.push(Failure { partition, executor, host, at: at.0 });
                }
            }
            AppEvent::StageCompleted { at, stage, attempt, failure, .. } => {
                self.check_told_of_stage(settings, stage.stage)?;
                self.stage_completed(settings, at.0, (stage.stage, *attempt), failure.is_none());
            }
            AppEvent::ExecutorExcluded { at, executor, stage: None, .. } => {
                self.from_application += 1;
                self.told.executors.insert(*executor);
                if self.may_be_by_fetch(*executor) && !self.is_served_by_hosts {
                    self.executors_until.entry(*executor).or_insert(at.0 + settings.timeout_ms);
                }
            }
            AppEvent::HostExcluded { at, host, stage: None, .. } => {
                self.from_application += 1;
                self.told.hosts.insert(host.clone());
                let there = |executor: &ExecutorId| self.hosts.get(executor) == Some(host);
                if self.is_served_by_hosts
                    && self.unfetched.iter().any(|id| there(id) && self.may_be_by_fetch(*id))
                {
                    self.hosts_until.entry(host.clone()).or_insert(at.0 + settings.timeout_ms);
                }
            }
            AppEvent::ExecutorUnexcluded { executor, .. } => {
                self.told.executors.remove(executor);
            }
            AppEvent::HostUnexcluded { host, .. } => {
                self.told.hosts.remove(host);
            }
            AppEvent::ExecutorExcluded { executor, stage: Some((stage, _)), .. } => {
                self.from_stages += 1;
                self.told_of_stages.entry(*stage).or_default().executors.insert(*executor);
            }
            AppEvent::HostExcluded { host, stage: Some((stage, _)), .. } => {
                self.from_stages += 1;
                self.told_of_stages.entry(*stage).or_default().hosts.insert(host.clone());
            }
            _ => {}
        }
        Ok(())
    }

    fn may_be_by_fetch(&self, executor: ExecutorId) -> bool {
        self.settings.is_some_and(|settings| settings.on_fetch_failure) && self.unfetched.contains(&executor)
    }

    /// Checks what was told of exclusions from a stage attempt when it ends.
    fn check_told_of_stage(&self, settings: ExclusionSettings, stage: StageId) -> Result<(), Objection> {
        let failures = known_failures(&self.stages, stage);
        let mut excluded = Excluded::default();
        if settings.task_and_stage && !self.barriers.contains(&stage) {
            let failed_on: BTreeSet<ExecutorId> = failures.iter().map(|failure| failure.executor).collect();
            let is_excluded =
                |on: &ExecutorId| tasks_on(&failures, *on) >= settings.stage_tasks_per_executor as usize;
            excluded.executors = failed_on.into_iter().filter(is_excluded).collect();
            let there =
                |host: &String| excluded.executors.iter().filter(|on| self.hosts[*on] == *host).count();
            let enough = |host: &&String| there(host) >= settings.stage_executors_per_host as usize;
            excluded.hosts = self.hosts.values().filter(enough).cloned().collect();
        }
        match self.told_of_stages.get(&stage) {
            Some(told) if *told == excluded => Ok(()),
            told => Err(format!(
                "{told:?} are said to be excluded from stage {stage}, and {excluded:?} should be"
            )),
        }
    }

    fn stage_completed(
        &mut self,
        settings: ExclusionSettings,
        now: u64,
        (stage, attempt): (StageId, StageAttempt),
        is_success: bool,
    ) {
        let Some(known) = self.stages.get_mut(&stage).filter(|it| it.attempt == attempt) else { return };
        known.is_open = false;
        if !is_success || !settings.application {
            return;
        }
        self.expire(now);
        let mut last: BTreeMap<(ExecutorId, Partition), u64> = BTreeMap::new();
        for failure in &known_failures(&self.stages, stage) {
            last.insert((failure.executor, failure.partition), failure.at);
        }
        let failed_on: BTreeSet<ExecutorId> = last.keys().map(|(executor, _)| *executor).collect();
        self.counted.extend(last.iter().map(|((executor, _), at)| (*executor, at + settings.timeout_ms)));
        self.counted.retain(|(_, until)| *until >= now);
        for executor in failed_on {
            let count = self.counted.iter().filter(|(other, _)| *other == executor).count();
            if count < settings.application_tasks_per_executor as usize {
                continue;
            }
            self.counted.retain(|(other, _)| *other != executor);
            if self.executors_until.contains_key(&executor) {
                continue;
            }
            self.executors_until.insert(executor, now + settings.timeout_ms);
            let host = self.hosts[&executor].clone();
            let there = self.executors_until.keys().filter(|other| self.hosts[other] == host).count();
            if there >= settings.application_executors_per_host as usize {
                self.hosts_until.entry(host).or_insert(now + settings.timeout_ms);
            }
        }
    }

    fn expire(&mut self, now: u64) {
        self.executors_until.retain(|_, until| *until > now);
        self.hosts_until.retain(|_, until| *until > now);
    }

    /// Checks what was told of exclusions from the application when all effects of an event at `now` were.
    pub(crate) fn check_told(&mut self, now: u64) -> Result<(), Objection> {
        self.unfetched.clear();
        if self.settings.is_none() {
            return Ok(());
        }
        self.expire(now);
        let executors = self.executors_until.keys().copied().collect();
        let excluded = Excluded { executors, hosts: self.hosts_until.keys().cloned().collect() };
        match excluded == self.told {
            true => Ok(()),
            false => Err(format!("{:?} are said to be excluded, and {excluded:?} should be", self.told)),
        }
    }

    /// Returns what keeps a task from an executor.
    fn why(&self, stage: StageId, partition: Partition, executor: ExecutorId) -> Option<Exclusion> {
        let settings = self.settings?;
        let host = &self.hosts[&executor];
        if self.executors_until.contains_key(&executor) || self.hosts_until.contains_key(host) {
            return Some(Exclusion::Application);
        }
        if !settings.task_and_stage {
            return None;
        }
        let failures = known_failures(&self.stages, stage);
        let is_excluded =
            |on: ExecutorId| tasks_on(&failures, on) >= settings.stage_tasks_per_executor as usize;
        let on_host: BTreeSet<ExecutorId> =
            failures.iter().filter(|failure| failure.host == *host).map(|failure| failure.executor).collect();
        let excluded_there = on_host.iter().filter(|other| is_excluded(**other)).count();
        if is_excluded(executor) || excluded_there >= settings.stage_executors_per_host as usize {
            return Some(Exclusion::Stage);
        }
        let same = failures.iter().filter(|failure| failure.partition == partition);
        let here = same.clone().filter(|failure| failure.executor == executor).count();
        let near = same.filter(|failure| failure.host == *host).count();
        let is_forbidden = here >= settings.task_attempts_per_executor as usize
            || near >= settings.task_attempts_per_host as usize;
        is_forbidden.then_some(Exclusion::Task)
    }

    /// Checks that a task may run where it is launched. A barrier stage begins again with all its tasks, so it knows only the
    /// exclusions of the application.
    pub(crate) fn launched(&mut self, now: u64, launch: &TaskLaunch) -> Result<(), Objection> {
        if self.settings.is_none() {
            return Ok(());
        }
        if launch.barrier_hosts.is_some() {
            self.barriers.insert(launch.stage);
        }
        self.expire(now);
        let why = self.why(launch.stage, launch.partition, launch.executor);
        match why.filter(|why| launch.barrier_hosts.is_none() || *why == Exclusion::Application) {
            None => Ok(()),
            Some(why) => Err(format!(
                "task {} (partition {} of stage {}) goes to executor {}, from which it is kept: {why:?}",
                launch.task, launch.partition, launch.stage, launch.executor
            )),
        }
    }

    /// Checks that a task which is said to have no place really has none. `staying` are the executors that could run it.
    pub(crate) fn failed(
        &mut self,
        now: u64,
        failure: &JobFailure,
        staying: impl Iterator<Item = ExecutorId>,
    ) -> Result<(), Objection> {
        let JobFailure::Excluded { stage, partition, places, .. } = failure else { return Ok(()) };
        self.expire(now);
        for ExcludedPlace { executor, by, .. } in places {
            let why = self.why(*stage, *partition, *executor);
            if why != Some(*by) {
                return Err(format!(
                    "partition {partition} of stage {stage} is kept from executor {executor} by {by:?}, and should be by {why:?}"
                ));
            }
        }
        let told: BTreeSet<ExecutorId> = places.iter().map(|place| place.executor).collect();
        match staying.into_iter().find(|executor| !told.contains(executor)) {
            None => Ok(()),
            Some(executor) => Err(format!(
                "partition {partition} of stage {stage} is said to have no place, and executor {executor} is not named"
            )),
        }
    }
}

/// Returns the failures of the last attempt at a stage.
fn known_failures(stages: &BTreeMap<StageId, Attempt>, stage: StageId) -> Vec<Failure> {
    stages.get(&stage).map(|it| it.failures.clone()).unwrap_or_default()
}

/// Returns the number of different tasks among failures that failed on an executor.
fn tasks_on(failures: &[Failure], executor: ExecutorId) -> usize {
    let there = failures.iter().filter(|failure| failure.executor == executor);
    there.map(|failure| failure.partition).collect::<BTreeSet<_>>().len()
}
