//! The submission of jobs: the stages of a job enter the table, except those whose shuffle a stage of another
//! running job writes.

use crate::effect::Effect;
use crate::event::{JobSpec, StageSpec};
use crate::jobs::Job;
use crate::scheduler::Scheduler;
use crate::stages::{Phase, Stage};
use firesteel_types::{AppEvent, JobId, Partition, ShuffleId, StageId, StageSummary};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Scheduler {
    /// Takes in a job. The work is linear in the size of its graph; tables by partition are made only for
    /// stages that have tasks to run.
    pub(crate) fn submit_job(&mut self, spec: JobSpec, fx: &mut Vec<Effect>) {
        check(&spec);
        let JobSpec { job: id, site, stages: specs, partitions, pool, group, tags, properties } = spec;
        assert!(!self.jobs.contains_key(&id), "job {id} was submitted twice");
        let pool = self.pools.enter(pool.as_deref());
        let nothing_wanted = partitions.is_empty();
        let mut stages = vec![];
        let mut dropped = vec![];
        let mut wanted = Some(partitions);
        for stage in specs {
            let own = stage.stage;
            let wanted = if stage.output.is_none() { wanted.take() } else { None };
            let joined = self.join_stage((id, &pool), stage, wanted.unwrap_or_default(), fx);
            stages.push(joined);
            if joined != own {
                dropped.push(own);
            }
        }
        self.join_ancestors(id, &mut stages);
        let result = *stages.last().expect("a job has a result stage");
        let started = AppEvent::JobStarted {
            at: self.now,
            job: id,
            site,
            stages: stages.iter().map(|stage| self.summary(*stage)).collect(),
            group: group.clone(),
            tags: tags.clone(),
            properties,
        };
        fx.push(Effect::Event(started));
        fx.extend(dropped.into_iter().map(|stage| Effect::StageForgotten { stage }));
        self.jobs.insert(id, Job { submitted: self.now, stages, pool, group, tags });
        if nothing_wanted {
            self.end_job(id, None, fx);
        } else {
            self.dirty_stages.insert(result);
        }
    }

    fn summary(&self, id: StageId) -> Arc<StageSummary> {
        self.stages.get(id).expect("a joined stage is known").summary.clone()
    }

    /// Adds the stages to a job that its shared stages need. A shared stage may read shuffles that this job
    /// does not name, if its lineage was cut shorter meanwhile. The job needs the stages that write them all
    /// the same, as long as it shares that one.
    fn join_ancestors(&mut self, job: JobId, stages: &mut Vec<StageId>) {
        let mut pending = stages.clone();
        let mut found = BTreeSet::new();
        while let Some(stage) = pending.pop() {
            let inputs = self.stages.get(stage).expect("a joined stage is known").spec.inputs.clone();
            for input in inputs {
                let writer =
                    self.stages.writer_of(input).expect("a running job has the writers of all it reads");
                if !self.stages.get(writer).is_some_and(|stage| stage.jobs.contains(&job)) {
                    self.change_jobs(writer, |jobs| jobs.insert(job));
                    found.insert(writer);
                    pending.push(writer);
                }
            }
        }
        // A stage has a higher id than those whose outputs it reads, so ascending ids have parents first.
        stages.splice(0..0, found);
    }

    /// Adds a stage, or finds the one that writes the same shuffle.
    fn join_stage(
        &mut self,
        (job, pool): (JobId, &Arc<str>),
        spec: StageSpec,
        wanted: Vec<Partition>,
        fx: &mut Vec<Effect>,
    ) -> StageId {
        if let Some(shuffle) = spec.output {
            self.outputs.declare(shuffle, spec.partitions, &spec.inputs);
            if let Some(existing) = self.stages.writer_of(shuffle) {
                self.change_jobs(existing, |jobs| jobs.insert(job));
                return existing;
            }
        }
        let id = spec.stage;
        spec.cached.rdds.iter().for_each(|cached| self.declare_cached(cached, fx));
        let tasks = if spec.output.is_some() { spec.partitions } else { wanted.len() as u32 };
        let summary = StageSummary {
            stage: id,
            site: spec.site.clone(),
            tasks,
            parents: spec.inputs.iter().filter_map(|input| self.stages.writer_of(*input)).collect(),
            output: spec.output,
            rdds: spec.rdds.clone(),
        };
        self.stages.insert(Stage {
            spec,
            summary: Arc::new(summary),
            jobs: BTreeSet::from([job]),
            pool: Arc::clone(pool),
            wanted,
            phase: Phase::Idle,
            next_attempt: 0,
            failed_in_a_row: 0,
            tasks: None,
            running: BTreeSet::new(),
            distrusts_cached: false,
            cached_at: vec![],
        });
        id
    }
}

fn wants_each_once(wanted: &[Partition], partitions: u32) -> bool {
    let different: BTreeSet<&Partition> = wanted.iter().collect();
    wanted.is_empty() || (different.len() == wanted.len() && wanted.len() == partitions as usize)
}

/// Panics if a job breaks a rule that [`JobSpec`] states.
fn check(job: &JobSpec) {
    let (result, maps) = job.stages.split_last().expect("a job has stages");
    assert!(result.output.is_none(), "the last stage of job {} answers it and writes no shuffle", job.job);
    assert!(
        !result.barrier || wants_each_once(&job.partitions, result.partitions),
        "job {} wants only some partitions of a barrier stage",
        job.job
    );
    assert!(
        job.partitions.iter().all(|p| p.0 < result.partitions),
        "job {} wants partitions that its last stage does not have",
        job.job
    );
    let mut written: BTreeSet<ShuffleId> = BTreeSet::new();
    for stage in maps {
        assert!(
            stage.inputs.iter().all(|input| written.contains(input)),
            "stage {} reads a shuffle that no earlier stage writes",
            stage.stage
        );
        let output = stage.output.unwrap_or_else(|| panic!("stage {} writes nothing", stage.stage));
        assert!(written.insert(output), "two stages of job {} write shuffle {output}", job.job);
    }
    assert!(
        result.inputs.iter().all(|input| written.contains(input)),
        "job {} reads a shuffle that no stage of it writes",
        job.job
    );
    for stage in &job.stages {
        let hints = stage.preferred.len();
        assert!(
            hints == 0 || hints == stage.partitions as usize,
            "stage {} has preferred locations for some partitions only",
            stage.stage
        );
    }
}
