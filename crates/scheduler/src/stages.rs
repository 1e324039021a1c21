//! The stages of running jobs, with their phases, and with the stages that write and read each shuffle.
//!
//! A stage is in one of three phases; `dag::advance` makes all the moves between them.

use crate::effect::ShuffleOutputs;
use crate::event::StageSpec;
use crate::pools::Turn;
use crate::task_set::TaskSet;
use firesteel_types::{
    ExecutorId, JobId, Locality, Millis, Partition, RddId, ShuffleId, StageAttempt, StageId, StageSummary,
    TaskId, TaskLocation,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The map outputs that all tasks of one stage attempt read.
pub(crate) type Inputs = Arc<[Arc<ShuffleOutputs>]>;

/// The version of each persisted RDD of a stage, as an attempt is told it.
pub(crate) type Versions = Arc<[(RddId, u64)]>;

/// The state of a stage.
#[derive(Debug)]
pub(crate) enum Phase {
    /// The stage is complete, or not wanted yet.
    Idle,
    /// The stage is wanted, and waits for its inputs. Tasks of earlier attempts may still run.
    Waiting,
    /// An attempt launches tasks.
    Running { attempt: StageAttempt, opened: Opened, inputs: Inputs, cached: Versions },
}

/// The beginning of an attempt at a stage, for listeners.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub(crate) at: Millis,
    /// The number of tasks of the attempt.
    pub(crate) tasks: u32,
}

/// A stage of at least one running job.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) spec: StageSpec,
    /// Its description for listeners.
    pub(crate) summary: Arc<StageSummary>,
    pub(crate) jobs: BTreeSet<JobId>,
    /// The pool of the first of the jobs.
    pub(crate) pool: Arc<str>,
    /// For a result stage, the partition of each output.
    pub(crate) wanted: Vec<Partition>,
    pub(crate) phase: Phase,
    pub(crate) next_attempt: u32,
    /// Attempts that failed since the stage was last complete.
    pub(crate) failed_in_a_row: u32,
    /// Its tasks, from the first attempt until it is complete. Those of a result stage stay until the job
    /// ends.
    pub(crate) tasks: Option<TaskSet>,
    /// The attempts at its tasks that run and were not told to stop.
    pub(crate) running: BTreeSet<TaskId>,
    /// True once a task found a cached partition missing: the stage then reads all its inputs.
    pub(crate) distrusts_cached: bool,
    /// For each partition, the executors that have cached it, as the last attempt found them; empty if no RDD
    /// of the stage is cached partition by partition.
    pub(crate) cached_at: Vec<Vec<TaskLocation>>,
}

impl Stage {
    /// Returns its place among the stages of its pool.
    pub(crate) fn turn(&self) -> Turn {
        (*self.jobs.first().expect("a stage belongs to a job"), self.spec.stage)
    }

    /// Returns the attempt that launches tasks, if one does, with the map outputs and the versions that they
    /// are told.
    pub(crate) fn open_attempt(&self) -> Option<(StageAttempt, Inputs, Versions)> {
        match &self.phase {
            Phase::Running { attempt, inputs, cached, .. } => {
                Some((*attempt, inputs.clone(), cached.clone()))
            }
            Phase::Idle | Phase::Waiting => None,
        }
    }

    /// Returns the number of its tasks.
    pub(crate) fn total(&self) -> u32 {
        match self.spec.output {
            Some(_) => self.spec.partitions,
            None => self.wanted.len() as u32,
        }
    }

    /// Returns the partition that a task computes.
    pub(crate) fn partition(&self, index: u32) -> Partition {
        match self.spec.output {
            Some(_) => Partition(index),
            None => self.wanted[index as usize],
        }
    }

    /// Returns the preferred locations of a task: the executors that have cached its partition, or else those
    /// of its spec.
    pub(crate) fn preferred(&self, index: u32) -> &[TaskLocation] {
        preferred_of(&self.spec, &self.cached_at, self.partition(index))
    }

    /// Returns how near an executor is to the preferred locations of a task.
    pub(crate) fn locality_of(&self, index: u32, executor: ExecutorId, host: &str) -> Locality {
        let preferred = self.preferred(index);
        if preferred.is_empty() {
            Locality::NoPreference
        } else if preferred.iter().any(|place| place.executor == Some(executor)) {
            Locality::Process
        } else if preferred.iter().any(|place| place.host == host) {
            Locality::Node
        } else {
            Locality::Any
        }
    }
}

/// Returns the preferred locations of a partition of a stage. A function, so that a caller may change the
/// stage's tasks meanwhile.
pub(crate) fn preferred_of<'a>(
    spec: &'a StageSpec,
    cached_at: &'a [Vec<TaskLocation>],
    partition: Partition,
) -> &'a [TaskLocation] {
    let cached = cached_at.get(partition.index()).filter(|places| !places.is_empty());
    cached.or_else(|| spec.preferred.get(partition.index())).map_or(&[], Vec::as_slice)
}

/// All stages of running jobs. Of each shuffle, it knows the stage that writes it and the stages that read
/// it.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    table: BTreeMap<StageId, Stage>,
    writers: BTreeMap<ShuffleId, StageId>,
    readers: BTreeMap<ShuffleId, BTreeSet<StageId>>,
    open: BTreeSet<StageId>,
}

impl Stages {
    pub(crate) fn insert(&mut self, stage: Stage) {
        let id = stage.spec.stage;
        if let Some(shuffle) = stage.spec.output {
            assert!(self.writers.insert(shuffle, id).is_none(), "one stage writes shuffle {shuffle}");
        }
        for input in &stage.spec.inputs {
            self.readers.entry(*input).or_default().insert(id);
        }
        assert!(self.table.insert(id, stage).is_none(), "stage {id} exists already");
    }

    pub(crate) fn remove(&mut self, id: StageId) -> Stage {
        let stage = self.table.remove(&id).expect("only a known stage is forgotten");
        self.open.remove(&id);
        if let Some(shuffle) = stage.spec.output {
            self.writers.remove(&shuffle);
        }
        for input in &stage.spec.inputs {
            if let Some(readers) = self.readers.get_mut(input) {
                readers.remove(&id);
                if readers.is_empty() {
                    self.readers.remove(input);
                }
            }
        }
        stage
    }

    pub(crate) fn get(&self, id: StageId) -> Option<&Stage> {
        self.table.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: StageId) -> Option<&mut Stage> {
        self.table.get_mut(&id)
    }

    /// Puts a stage into a phase, and updates the set of open stages.
    pub(crate) fn set_phase(&mut self, id: StageId, phase: Phase) {
        match &phase {
            Phase::Running { .. } => self.open.insert(id),
            Phase::Idle | Phase::Waiting => self.open.remove(&id),
        };
        self.table.get_mut(&id).expect("only a known stage changes its phase").phase = phase;
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (StageId, &Stage)> {
        self.table.iter().map(|(id, stage)| (*id, stage))
    }

    /// Returns the stages that launch tasks.
    pub(crate) fn open(&self) -> impl Iterator<Item = StageId> {
        self.open.iter().copied()
    }

    pub(crate) fn writer_of(&self, shuffle: ShuffleId) -> Option<StageId> {
        self.writers.get(&shuffle).copied()
    }

    pub(crate) fn readers_of(&self, shuffle: ShuffleId) -> Vec<StageId> {
        self.readers.get(&shuffle).into_iter().flatten().copied().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty() && self.writers.is_empty() && self.readers.is_empty() && self.open.is_empty()
    }
}
