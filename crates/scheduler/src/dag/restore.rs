//! Restarts of the driver: what is written down for the next one, and what was done by the one before.
//!
//! A job whose answer is known is begun and ended at once, so that listeners see it. The shuffles that it needed are
//! declared, as a job that runs does: their release settles what was added on their map sides. Its updates of
//! accumulators are final, since the answer that they came with was delivered.
//!
//! Of a shuffle that a job needs which is to run, a driver finds what it would know if all executors had been lost: the
//! outputs that the shuffle storage has, the digests of all, and the updates that came with them, which a map task that writes
//! other records undoes. Where such a task has run since, what was computed from its earlier records is not taken in.

use crate::effect::Effect;
use crate::event::{JobSpec, RestoredShuffle, StageSpec};
use crate::scheduler::Scheduler;
use crate::settings::JournalSettings;
use firesteel_types::{
    AppEvent, CountedUpdate, JobFailure, JobId, JournalEntry, Partition, ShuffleId, StageId, StageSummary,
    StoredObject, StoredOutput,
};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Scheduler {
    /// Has the end of a job written down, if it has its answer.
    pub(crate) fn write_end(&mut self, job: JobId, failure: Option<&JobFailure>, fx: &mut Vec<Effect>) {
        if failure.is_none() && self.settings.journal != JournalSettings::Nothing {
            let updates = self.accumulators.take_unwritten();
            fx.push(Effect::Journal(JournalEntry::JobEnded { job, updates }));
        }
    }

    /// Has the digests of a shuffle's map outputs written down that is complete.
    pub(crate) fn write_shuffle(&mut self, shuffle: ShuffleId, fx: &mut Vec<Effect>) {
        if self.writes_shuffles() {
            let (checksums, updates) =
                (self.outputs.checksums(shuffle), self.accumulators.take_unwritten_of_maps());
            fx.push(Effect::Journal(JournalEntry::ShuffleWritten { shuffle, checksums, updates }));
        }
    }

    /// Has map outputs written down that count and that the shuffle storage has.
    pub(crate) fn write_stored(
        &mut self,
        shuffle: ShuffleId,
        object: StoredObject,
        outputs: Vec<StoredOutput>,
        fx: &mut Vec<Effect>,
    ) {
        if self.writes_shuffles() && !outputs.is_empty() {
            let updates = self.accumulators.take_unwritten_of_maps();
            fx.push(Effect::Journal(JournalEntry::OutputsStored { shuffle, object, outputs, updates }));
        }
    }

    /// Has written down that nothing counts which was computed from the earlier records of a map task.
    pub(crate) fn write_change(&self, shuffle: ShuffleId, map: Partition, fx: &mut Vec<Effect>) {
        if self.writes_shuffles() {
            fx.push(Effect::Journal(JournalEntry::OutputChanged { shuffle, map }));
        }
    }

    /// Has written down that a barrier stage's outputs will be those of another attempt.
    pub(crate) fn write_given_up(&self, shuffle: ShuffleId, fx: &mut Vec<Effect>) {
        if self.writes_shuffles() {
            fx.push(Effect::Journal(JournalEntry::OutputsGivenUp { shuffle }));
        }
    }

    fn writes_shuffles(&self) -> bool {
        self.settings.journal == JournalSettings::JobsAndShuffles
    }

    /// Begins and ends a job that has its answer.
    pub(crate) fn restore_job(
        &mut self,
        spec: JobSpec,
        updates: Vec<CountedUpdate>,
        stored: &[ShuffleId],
        fx: &mut Vec<Effect>,
    ) {
        let JobSpec { job, site, stages, group, tags, properties, partitions, .. } = spec;
        let mut writers: BTreeMap<ShuffleId, StageId> = BTreeMap::new();
        let mut summaries = Vec::with_capacity(stages.len());
        for stage in stages {
            if let Some(shuffle) = stage.output {
                self.outputs.declare(shuffle, stage.partitions, &stage.inputs);
                writers.insert(shuffle, stage.stage);
            }
            let parents = stage.inputs.iter().filter_map(|input| writers.get(input).copied()).collect();
            summaries.push(Arc::new(summary(stage, parents, partitions.len() as u32)));
        }
        stored.iter().for_each(|shuffle| self.outputs.note_objects(*shuffle));
        let at = self.now;
        fx.push(Effect::Event(AppEvent::JobStarted {
            at,
            job,
            site,
            stages: summaries,
            group,
            tags,
            properties,
        }));
        self.accumulators.restore(updates);
        self.accumulators.job_ended(job, fx);
        fx.push(Effect::Event(AppEvent::JobEnded { at, job, failure: None }));
    }

    /// Takes in what an earlier driver knew of a shuffle.
    pub(crate) fn restore_outputs(&mut self, restored: RestoredShuffle) {
        let RestoredShuffle { shuffle, maps, inputs, checksums, outputs, updates } = restored;
        inputs.iter().for_each(|input| assert!(self.outputs.contains(*input), "inputs come first"));
        self.outputs.declare(shuffle, maps, &inputs);
        if !outputs.is_empty() {
            self.outputs.note_objects(shuffle);
        }
        // The earlier driver has computed them from records that this one has found to be others.
        if inputs.iter().any(|input| self.outputs.version(*input) > 0) {
            self.outputs.grow_version(shuffle);
            return;
        }
        for (map, checksum) in checksums {
            self.outputs.remember(shuffle, map, checksum);
        }
        for (output, object) in outputs {
            self.tasks.skip(output.task);
            self.outputs.restore(shuffle, &output, object);
        }
        self.accumulators.restore_undoable(updates);
    }
}

fn summary(stage: StageSpec, parents: Vec<StageId>, wanted: u32) -> StageSummary {
    let tasks = if stage.output.is_some() { stage.partitions } else { wanted };
    let StageSpec { stage, site, output, rdds, .. } = stage;
    StageSummary { stage, site, tasks, parents, output, rdds }
}
