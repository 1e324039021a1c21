//! How many decisions a second the scheduler makes, without any world around it.

use firesteel_scheduler::{
    Effect, Event, JobSpec, Kept, Scheduler, SchedulerSettings, StageSpec, TaskOutcome,
};
use firesteel_types::{CallSite, ExecutorId, JobId, Millis, Partition, ShuffleId, StageId, TaskId};
use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThroughputReport {
    /// How many executors, of one slot each.
    pub executors: u32,
    /// How many map tasks.
    pub tasks: u32,
    /// Events handled and tasks launched.
    pub decisions: u64,
    /// For how long.
    pub elapsed: Duration,
    /// Decisions a second.
    pub decisions_per_s: f64,
}

impl fmt::Display for ThroughputReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_task = self.elapsed.as_secs_f64() * 1e6 / f64::from(self.tasks);
        write!(
            f,
            "{} executors, {} tasks: {:.0} launches a second, {per_task:.2} us for each task from launch to end",
            self.executors, self.tasks, self.decisions_per_s
        )
    }
}

/// Runs a job of `tasks` map tasks and one reducer on `executors` executors. Each task ends as soon as all that were
/// launched before it have.
pub fn throughput(executors: u32, tasks: u32) -> ThroughputReport {
    let mut scheduler = Scheduler::new(SchedulerSettings::default());
    let mut effects = vec![];
    for executor in (0..executors).map(ExecutorId) {
        let host = format!("host{}", executor.0 / 4);
        scheduler.handle(Millis(0), Event::ExecutorAdded { executor, host, slots: 1 }, &mut effects);
    }
    effects.clear();
    let start = Instant::now();
    let mut running: VecDeque<(TaskId, ExecutorId, StageId, Partition)> = VecDeque::new();
    let mut decisions = 0;
    scheduler.handle(Millis(0), Event::SubmitJob(job(tasks)), &mut effects);
    loop {
        for effect in effects.drain(..) {
            if let Effect::Launch(launch) = effect {
                decisions += 1;
                running.push_back((launch.task, launch.executor, launch.stage, launch.partition));
            }
        }
        let Some((task, executor, stage, map)) = running.pop_front() else { break };
        let outcome = match stage {
            StageId(0) => TaskOutcome::MapOutput { shuffle: ShuffleId(0), map, bytes: 1, checksum: 1 },
            _ => TaskOutcome::Result,
        };
        scheduler.handle(
            Millis(1),
            Event::TaskFinished { task, executor, outcome, updates: vec![] },
            &mut effects,
        );
    }
    let elapsed = start.elapsed();
    assert!(scheduler.is_idle(), "all tasks have ended, so the job has");
    let decisions_per_s = decisions as f64 / elapsed.as_secs_f64();
    ThroughputReport { executors, tasks, decisions, elapsed, decisions_per_s }
}

fn job(tasks: u32) -> JobSpec {
    let site = CallSite { operation: "count".into(), ..CallSite::default() };
    let stage = |stage, output, inputs, partitions| StageSpec {
        stage: StageId(stage),
        site: site.clone(),
        output,
        inputs,
        partitions,
        preferred: vec![],
        kept: Kept::default(),
        barrier: false,
    };
    let shuffle = ShuffleId(0);
    let stages = vec![stage(0, Some(shuffle), vec![], tasks), stage(1, None, vec![shuffle], 1)];
    let partitions = vec![Partition(0)];
    JobSpec { job: JobId(0), site: site.clone(), stages, partitions, pool: None, group: None, tags: vec![] }
}
