//! The scenario of a seed: the program, its steps, and what goes wrong beside the kills.

use crate::program::{ACCUMULATORS, ALL, Program, Size};
use crate::rng::{Rng, mix2};
use firesteel_types::{AccumulatorId, Partition, RddId, ShuffleId};
use std::collections::BTreeSet;

/// One job of the driver program.
#[derive(Clone, Debug)]
pub(crate) struct JobPlan {
    pub(crate) rdd: RddId,
    pub(crate) partitions: Vec<Partition>,
    /// Only so many records of each partition are wanted.
    pub(crate) limit: usize,
    /// It writes an output: the number of those before it.
    pub(crate) output: Option<u32>,
}

/// One step of the driver program.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Submits jobs, by their numbers, and waits for all of them.
    Jobs(Vec<usize>),
    Reset(AccumulatorId),
    ReleaseShuffle(ShuffleId),
    ReleaseRdd(RddId),
}

/// The map outputs that outlive executors and drivers, in a shuffle storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    Nothing,
    /// Those that were stored in time, as long as their objects are there.
    Some,
    /// Each is stored before its task ends, and stays.
    All,
}

/// Everything that is decided before the first driver begins.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) jobs: Vec<JobPlan>,
    pub(crate) steps: Vec<Step>,
    pub(crate) keeps: Keeps,
    pub(crate) task_fails: u64,
    pub(crate) executor_dies: u64,
}

/// The size of the program of a seed.
pub(crate) fn size(rng: &mut Rng) -> Size {
    Size {
        rdds: rng.between(3, 9),
        source_partitions: rng.between(1, 3),
        reducers: 3,
        careless_per_mille: 0,
        hosts: 2,
        barrier_partitions: 0,
        preferred_per_mille: 0,
    }
}

impl Scenario {
    pub(crate) fn new(program: &Program, rng: &mut Rng) -> Self {
        let keeps = *rng.pick(&[Keeps::Nothing, Keeps::Some, Keeps::All]);
        let count = rng.between(2, 6) as usize;
        let (mut jobs, mut outputs) = (vec![], 0);
        for _ in 0..count {
            let job = job(program, &mut outputs, rng);
            jobs.push(job);
        }
        let mut steps = vec![];
        let mut next = 0;
        while next < count {
            let together = if rng.per_mille(250) { 2.min(count - next) } else { 1 };
            // Outputs have their numbers by the order in which they begin, so they begin alone.
            let is_alone = jobs[next..next + together].iter().any(|job| job.output.is_some());
            let together = if is_alone { 1 } else { together };
            steps.push(Step::Jobs((next..next + together).collect()));
            next += together;
            // What is computed again after a reset counts again: where map outputs end with a driver, that depends on kills.
            if keeps == Keeps::All && rng.per_mille(300) {
                steps.push(Step::Reset(AccumulatorId(rng.below(ACCUMULATORS))));
            }
            release(program, &jobs[next..], &mut steps, rng);
        }
        let is_calm = rng.per_mille(300);
        Scenario {
            jobs,
            steps,
            keeps,
            task_fails: if is_calm { 0 } else { rng.below(150) },
            executor_dies: if is_calm { 0 } else { rng.below(60) },
        }
    }

    /// The same program, changed from a job on: others are computed in their place. None writes an output, which would be there already.
    pub(crate) fn changed(&self, from: usize, seed: u64) -> Scenario {
        let mut changed = self.clone();
        let mut rng = Rng::new(mix2(seed, 0x0063_6861));
        for job in &mut changed.jobs[from..] {
            job.partitions.reverse();
            job.limit = rng.between(1, 3) as usize;
        }
        changed
    }

    /// Returns whether the program may change from this job on: outputs behind would be there already, after a reset it
    /// matters that map outputs from before the change are written again, and what jobs have added that run together cannot
    /// be told apart.
    pub(crate) fn can_change(&self, from: usize) -> bool {
        let hinders = |step: &Step| match step {
            Step::Reset(_) => true,
            Step::Jobs(jobs) => jobs.len() > 1,
            Step::ReleaseShuffle(_) | Step::ReleaseRdd(_) => false,
        };
        !self.steps.iter().any(hinders) && self.jobs[from..].iter().all(|job| job.output.is_none())
    }
}

fn job(program: &Program, outputs: &mut u32, rng: &mut Rng) -> JobPlan {
    let rdds = program.rdds();
    let rdd = *rng.pick(&rdds[rdds.len() / 2..]);
    let all = (0..program.partitions(rdd)).map(Partition);
    let (partitions, limit): (Vec<Partition>, usize) = match rng.below(8) {
        0 => (all.take(1).collect(), rng.between(1, 4) as usize),
        1 => (vec![], ALL),
        2 => (all.rev().collect(), ALL),
        _ => (all.collect(), ALL),
    };
    let writes = limit == ALL && partitions.len() == program.partitions(rdd) as usize && rng.per_mille(300);
    let output = writes.then(|| {
        *outputs += 1;
        *outputs - 1
    });
    JobPlan { rdd, partitions, limit, output }
}

/// The program lets go of what no later job needs.
fn release(program: &Program, later: &[JobPlan], steps: &mut Vec<Step>, rng: &mut Rng) {
    let let_go = |step: &Step| match step {
        Step::ReleaseRdd(rdd) => Some(*rdd),
        _ => None,
    };
    let gone: BTreeSet<RddId> = steps.iter().filter_map(let_go).collect();
    let needed: BTreeSet<RddId> = later.iter().flat_map(|job| program.ancestors(job.rdd)).collect();
    let used: BTreeSet<ShuffleId> = later.iter().flat_map(|job| program.used_by(job.rdd)).collect();
    for rdd in program.rdds() {
        if !needed.contains(&rdd) && !gone.contains(&rdd) && rng.per_mille(150) {
            steps.push(Step::ReleaseRdd(rdd));
        }
    }
    for shuffle in program.shuffles.keys() {
        if !used.contains(shuffle) && rng.per_mille(150) {
            steps.push(Step::ReleaseShuffle(*shuffle));
        }
    }
}
