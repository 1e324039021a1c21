//! How many decisions a second the scheduler makes, and how much memory it takes for the outputs of a large shuffle, without
//! any world around it.

use firesteel_scheduler::{
    Cached, Effect, Event, JobSpec, Scheduler, SchedulerSettings, StageSpec, TaskOutcome,
};
use firesteel_types::{CallSite, ExecutorId, JobId, Millis, Partition, ShuffleId, StageId, TaskId};
use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// The measured throughput.
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

/// The measured memory of a shuffle's outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShuffleReport {
    /// How many map tasks.
    pub maps: u32,
    /// How many reducers.
    pub reducers: u32,
    /// How much larger the process was when all outputs were registered than before; none where that cannot be told.
    pub tracking_bytes: Option<u64>,
    /// How much larger when the reducers had run, too, all of them with what they are told to read.
    pub reducing_bytes: Option<u64>,
    /// Tasks launched a second.
    pub decisions_per_s: f64,
}

impl fmt::Display for ShuffleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: Option<u64>| match bytes {
            Some(bytes) => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
            None => "unknown".into(),
        };
        write!(
            f,
            "{} maps, {} reducers: {} when all outputs are registered, {} when all have been read; {:.0} launches a second",
            self.maps,
            self.reducers,
            mib(self.tracking_bytes),
            mib(self.reducing_bytes),
            self.decisions_per_s
        )
    }
}

/// Runs a job of so many map tasks and reducers on 1,000 executors, and looks at the size of the process. The figures are only
/// as good as the process is fresh.
pub fn shuffle_memory(maps: u32, reducers: u32) -> ShuffleReport {
    let before = resident_bytes();
    let grown = |now: Option<u64>| Some(now?.saturating_sub(before?));
    let (mut tracking_bytes, mut reduced) = (None, 0);
    let run = Run { executors: 1_000, maps, reducers };
    let (decisions, elapsed) = play(&run, |stage| {
        if stage == StageId(1) {
            reduced += 1;
            tracking_bytes = tracking_bytes.or_else(|| grown(resident_bytes()));
        }
    });
    assert_eq!(reduced, reducers, "each reducer ran");
    let reducing_bytes = grown(resident_bytes());
    let decisions_per_s = decisions as f64 / elapsed.as_secs_f64();
    ShuffleReport { maps, reducers, tracking_bytes, reducing_bytes, decisions_per_s }
}

/// How much memory the process has, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Runs a job of `tasks` map tasks and one reducer on `executors` executors. Each task ends as soon as all that were
/// launched before it have.
pub fn throughput(executors: u32, tasks: u32) -> ThroughputReport {
    let run = Run { executors, maps: tasks, reducers: 1 };
    let (decisions, elapsed) = play(&run, |_| {});
    let decisions_per_s = decisions as f64 / elapsed.as_secs_f64();
    ThroughputReport { executors, tasks, decisions, elapsed, decisions_per_s }
}

/// One job on executors of one slot each.
struct Run {
    executors: u32,
    maps: u32,
    reducers: u32,
}

/// Tells how many tasks were launched, and how long it took. `watch` is given each task's stage before it ends.
fn play(run: &Run, mut watch: impl FnMut(StageId)) -> (u64, Duration) {
    let mut scheduler = Scheduler::new(SchedulerSettings::default());
    let mut effects = vec![];
    for executor in (0..run.executors).map(ExecutorId) {
        let host = format!("host{}", executor.0 / 4);
        scheduler.handle(Millis(0), Event::ExecutorAdded { executor, host, slots: 1 }, &mut effects);
    }
    effects.clear();
    let start = Instant::now();
    let mut running: VecDeque<(TaskId, ExecutorId, StageId, Partition)> = VecDeque::new();
    let mut decisions = 0;
    scheduler.handle(Millis(0), Event::SubmitJob(job(run.maps, run.reducers)), &mut effects);
    loop {
        for effect in effects.drain(..) {
            if let Effect::Launch(launch) = effect {
                decisions += 1;
                running.push_back((launch.task, launch.executor, launch.stage, launch.partition));
            }
        }
        let Some((task, executor, stage, map)) = running.pop_front() else { break };
        watch(stage);
        let outcome = match stage {
            StageId(0) => TaskOutcome::MapOutput { shuffle: ShuffleId(0), map, bytes: 1, checksum: 1 },
            _ => TaskOutcome::Result { bytes: 1 },
        };
        scheduler.handle(
            Millis(1),
            Event::TaskFinished { task, executor, outcome, updates: vec![], metrics: None },
            &mut effects,
        );
    }
    let elapsed = start.elapsed();
    assert!(scheduler.is_idle(), "all tasks have ended, so the job has");
    (decisions, elapsed)
}

fn job(tasks: u32, reducers: u32) -> JobSpec {
    let site = CallSite { operation: "count".into(), ..CallSite::default() };
    let stage = |stage, output, inputs, partitions| StageSpec {
        stage: StageId(stage),
        site: site.clone(),
        output,
        inputs,
        partitions,
        preferred: vec![],
        cached: Cached::default(),
        rdds: [].into(),
        barrier: false,
    };
    let shuffle = ShuffleId(0);
    let stages = vec![stage(0, Some(shuffle), vec![], tasks), stage(1, None, vec![shuffle], reducers)];
    let partitions = (0..reducers).map(Partition).collect();
    JobSpec {
        job: JobId(0),
        site: site.clone(),
        stages,
        partitions,
        pool: None,
        group: None,
        tags: vec![],
        properties: Default::default(),
    }
}
