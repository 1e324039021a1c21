//! Results on their way to the program: the sizes of those of each job, and those that wait on their
//! executors to be fetched.
//!
//! A job whose results are together larger than [`max_result_size`](Results::new) fails, before the result
//! that exceeds the size is fetched or delivered. The rule is Spark's `spark.driver.maxResultSize`.

use crate::agent_id::AgentId;
use firesteel_types::{AccumulatorUpdate, ExecutorId, JobFailure, JobId, TaskId, TaskMetrics};
use std::collections::BTreeMap;

/// A result that waits on its executor.
#[derive(Debug)]
pub(crate) struct WaitingResult {
    pub(crate) agent: AgentId,
    pub(crate) executor: ExecutorId,
    pub(crate) updates: Vec<AccumulatorUpdate>,
    pub(crate) metrics: Option<Box<TaskMetrics>>,
}

/// The results of all running jobs.
#[derive(Debug)]
pub(crate) struct Results {
    /// The largest size of all results of a job together, in bytes; 0 is no limit.
    max_result_size: u64,
    jobs: BTreeMap<JobId, JobResults>,
    /// The sizes of results of barrier stages, until the results of all tasks are there.
    held: BTreeMap<TaskId, u64>,
    waiting: BTreeMap<TaskId, WaitingResult>,
}

#[derive(Debug, Default)]
struct JobResults {
    tasks: u32,
    bytes: u64,
    too_large: Option<JobFailure>,
}

impl Results {
    pub(crate) fn new(max_result_size: u64) -> Self {
        Results { max_result_size, jobs: BTreeMap::new(), held: BTreeMap::new(), waiting: BTreeMap::new() }
    }

    pub(crate) fn job_submitted(&mut self, job: JobId) {
        self.jobs.insert(job, JobResults::default());
    }

    /// Forgets a job. Returns its failure if its results are too large.
    pub(crate) fn job_ended(&mut self, job: JobId) -> Option<JobFailure> {
        self.jobs.remove(&job)?.too_large
    }

    /// Returns the failure of a job whose results are too large.
    pub(crate) fn too_large(&self, job: JobId) -> Option<&JobFailure> {
        self.jobs.get(&job)?.too_large.as_ref()
    }

    /// Returns the jobs that run.
    pub(crate) fn jobs(&self) -> Vec<JobId> {
        self.jobs.keys().copied().collect()
    }

    pub(crate) fn hold(&mut self, task: TaskId, bytes: u64) {
        self.held.insert(task, bytes);
    }

    /// Forgets a held result that is accepted or dropped. Returns its size.
    pub(crate) fn take_held(&mut self, task: TaskId) -> Option<u64> {
        self.held.remove(&task)
    }

    /// Decides about fetching a result of this size. Returns the job's failure if the result is too large,
    /// and `None` if the job has ended.
    pub(crate) fn admits(&self, job: JobId, bytes: u64) -> Option<Result<(), JobFailure>> {
        let results = self.jobs.get(&job)?;
        Some(self.check(results.tasks + 1, results.bytes.saturating_add(bytes)))
    }

    /// Counts a result of a job. Returns the job's failure if the result is too large to be delivered.
    pub(crate) fn count(&mut self, job: JobId, bytes: u64) -> Result<(), JobFailure> {
        let Some(results) = self.jobs.get_mut(&job) else { return Ok(()) };
        results.tasks += 1;
        results.bytes = results.bytes.saturating_add(bytes);
        let (tasks, bytes) = (results.tasks, results.bytes);
        let checked = self.check(tasks, bytes);
        if let (Err(failure), Some(results)) = (&checked, self.jobs.get_mut(&job)) {
            results.too_large = Some(failure.clone());
        }
        checked
    }

    fn check(&self, tasks: u32, bytes: u64) -> Result<(), JobFailure> {
        let limit = self.max_result_size;
        match limit > 0 && bytes > limit {
            true => Err(JobFailure::ResultTooLarge { tasks, bytes, limit }),
            false => Ok(()),
        }
    }

    /// Adds a result that waits to be fetched. Returns false if it waits already, since the report came
    /// twice.
    pub(crate) fn wait(&mut self, task: TaskId, result: WaitingResult) -> bool {
        if self.waiting.contains_key(&task) {
            return false;
        }
        self.waiting.insert(task, result);
        true
    }

    /// Takes out a waiting result that was fetched from this agent, or cannot be fetched.
    pub(crate) fn fetched(&mut self, task: TaskId, agent: AgentId) -> Option<WaitingResult> {
        // A result of an agent that is gone was given up, and another attempt may wait by now.
        self.waiting.get(&task).filter(|waiting| waiting.agent == agent)?;
        self.waiting.remove(&task)
    }

    /// Returns the attempts of an executor whose results wait to be fetched: the scheduler has not heard of
    /// their ends yet.
    pub(crate) fn waiting_on(&self, executor: ExecutorId) -> impl Iterator<Item = TaskId> {
        self.waiting.iter().filter(move |(_, waiting)| waiting.executor == executor).map(|(task, _)| *task)
    }

    /// Forgets the waiting results of an agent that is gone.
    pub(crate) fn agent_gone(&mut self, agent: AgentId) {
        self.waiting.retain(|_, waiting| waiting.agent != agent);
    }

    /// Returns whether no job runs and no result is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.held.is_empty() && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: JobId = JobId(3);

    #[test]
    fn results_are_counted_together_and_the_failure_names_task_count_size_and_limit() {
        let mut results = Results::new(100);
        results.job_submitted(JOB);
        assert_eq!(results.count(JOB, 60), Ok(()));
        assert_eq!(results.admits(JOB, 40), Some(Ok(())), "the limit itself is allowed");
        let failure = JobFailure::ResultTooLarge { tasks: 2, bytes: 101, limit: 100 };
        assert_eq!(results.admits(JOB, 41), Some(Err(failure.clone())));
        assert_eq!(results.count(JOB, 41), Err(failure.clone()));
        assert_eq!(results.job_ended(JOB), Some(failure));
        assert_eq!(results.admits(JOB, 1), None, "a job that has ended fetches nothing");
        assert!(results.is_empty());
    }

    #[test]
    fn zero_is_no_limit() {
        let mut results = Results::new(0);
        results.job_submitted(JOB);
        assert_eq!(results.count(JOB, u64::MAX / 2), Ok(()));
        assert_eq!(results.job_ended(JOB), None);
    }

    #[test]
    fn a_result_is_fetched_once_and_from_the_agent_that_reported_it() {
        let (mut results, task) = (Results::new(0), TaskId(7));
        let waiting =
            |agent| WaitingResult { agent, executor: ExecutorId(1), updates: vec![], metrics: None };
        assert!(results.wait(task, waiting(AgentId(1))));
        assert!(!results.wait(task, waiting(AgentId(1))), "the report came twice");
        assert_eq!(results.waiting_on(ExecutorId(1)).collect::<Vec<_>>(), [task]);
        assert!(results.fetched(task, AgentId(2)).is_none());
        assert!(results.fetched(task, AgentId(1)).is_some());
        assert!(results.fetched(task, AgentId(1)).is_none());
        assert!(results.wait(task, waiting(AgentId(1))));
        results.agent_gone(AgentId(1));
        assert!(results.is_empty());
    }
}
