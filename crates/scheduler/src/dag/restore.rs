//! Restarts of the driver: what is written down for the next one, and what was done by the one before.
//!
//! A job whose answer is known is begun and ended at once, so that listeners see it. The shuffles that it needed are
//! declared, as a job that runs does: their release settles what was added on their map sides. Restored updates of
//! accumulators are final, since the answer that they came with was delivered.

use crate::effect::{Effect, MapOutput};
use crate::event::{JobSpec, StageSpec};
use crate::scheduler::Scheduler;
use crate::settings::JournalSettings;
use firesteel_types::{
    AppEvent, CountedUpdate, JobFailure, JobId, JournalEntry, Partition, ShuffleId, StageId, StageSummary,
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

    /// Has the map outputs of a shuffle written down that is complete.
    pub(crate) fn write_shuffle(&mut self, shuffle: ShuffleId, fx: &mut Vec<Effect>) {
        if self.settings.journal == JournalSettings::JobsAndShuffles {
            let (outputs, updates) = (self.outputs.of(shuffle), self.accumulators.take_unwritten());
            fx.push(Effect::Journal(JournalEntry::ShuffleWritten { shuffle, outputs, updates }));
        }
    }

    /// Begins and ends a job that has its answer.
    pub(crate) fn restore_job(&mut self, spec: JobSpec, updates: Vec<CountedUpdate>, fx: &mut Vec<Effect>) {
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

    /// Takes in map outputs that can still be read.
    pub(crate) fn restore_outputs(
        &mut self,
        (shuffle, maps): (ShuffleId, u32),
        inputs: &[ShuffleId],
        outputs: Vec<(MapOutput, u64)>,
        updates: Vec<CountedUpdate>,
    ) {
        inputs.iter().for_each(|input| assert!(self.outputs.contains(*input), "inputs come first"));
        self.outputs.declare(shuffle, maps, inputs);
        for (output, checksum) in outputs {
            let is_new = self.outputs.writer(shuffle, output.map).is_none();
            if is_new && output.map < Partition(maps) {
                self.tasks.skip(output.task);
                self.outputs.register(shuffle, output, checksum);
            }
        }
        self.accumulators.restore(updates);
    }
}

fn summary(stage: StageSpec, parents: Vec<StageId>, wanted: u32) -> StageSummary {
    let tasks = if stage.output.is_some() { stage.partitions } else { wanted };
    let StageSpec { stage, site, output, rdds, .. } = stage;
    StageSummary { stage, site, tasks, parents, output, rdds }
}
