//! Map outputs of earlier drivers, which a job that runs takes up from the shuffle storage: its map tasks that are done do not run
//! again.
//!
//! The journal says which outputs were stored, in which objects, and the storage which of these are there still. The scheduler
//! is told before the job is submitted. An object that turns out to be broken when it is read is a failure to fetch like any
//! other: its map tasks run again.

use crate::context::DriverContext;
use crate::recovery::{JobPrint, Recovery};
use crate::shuffle_storage::ShuffleStorage;
use firesteel_recovery::{FoundShuffle, KnownShuffle};
use firesteel_scheduler::{Event, JobSpec, RestoredShuffle, StageSpec};
use firesteel_types::{ShuffleId, StoredObject, StoredOutput};
use std::collections::BTreeSet;

/// Tells the scheduler what earlier drivers have of the shuffles that a job needs, if there is a shuffle storage.
pub(crate) fn take_up(context: &DriverContext, recovery: &Recovery, job: &JobSpec, print: &JobPrint) {
    let Some(remote) = context.driver().remote() else { return };
    let Some(storage) = &remote.storage else { return };
    // Until all is told: another job may need the same shuffles.
    let mut taken_up = recovery.taken_up();
    let mut of_own_life = BTreeSet::new();
    for stage in &job.stages {
        let Some(shuffle) = stage.output else { continue };
        let is_of_own_life =
            reads_local_checkpoint(stage) || stage.inputs.iter().any(|input| of_own_life.contains(input));
        if is_of_own_life {
            of_own_life.insert(shuffle);
        }
        if !taken_up.insert(shuffle) {
            continue;
        }
        let fingerprint = match is_of_own_life {
            true => recovery.of_this_life(print.shuffles[&shuffle]),
            false => print.shuffles[&shuffle],
        };
        let known = match recovery.shuffle(shuffle, fingerprint, stage.inputs.clone()) {
            FoundShuffle::Known(known) => known,
            FoundShuffle::Unknown => KnownShuffle::default(),
            FoundShuffle::Other if is_of_own_life => KnownShuffle::default(),
            FoundShuffle::Other => {
                tracing::warn!(
                    "shuffle {shuffle} ({}) is not the one of this number in the journal: the program has changed, or does not do the \
                     same each time. All of its map tasks run",
                    stage.site
                );
                KnownShuffle::default()
            }
        };
        let outputs = that_are_there(storage, (shuffle, stage), known.outputs);
        context.driver().post(Event::OutputsRestored(RestoredShuffle {
            shuffle,
            maps: stage.partitions,
            inputs: stage.inputs.clone(),
            checksums: known.checksums,
            outputs,
            updates: known.updates,
        }));
    }
}

/// Returns whether a stage reads a local checkpoint, which this driver has made anew: its records may be others, and what was
/// computed from those of an earlier driver cannot be told from it. Neither can what was computed from that.
fn reads_local_checkpoint(stage: &StageSpec) -> bool {
    stage.cached.rdds.iter().any(|cached| cached.is_truncated)
}

/// Returns those of a shuffle's outputs whose objects the storage still has, and tells people of them.
fn that_are_there(
    storage: &ShuffleStorage,
    (shuffle, stage): (ShuffleId, &StageSpec),
    mut outputs: Vec<(StoredOutput, StoredObject)>,
) -> Vec<(StoredOutput, StoredObject)> {
    if outputs.is_empty() {
        return outputs;
    }
    let (site, all) = (&stage.site, outputs.len());
    match storage.objects(shuffle) {
        Ok(objects) => {
            // Outputs without a record need no object.
            let length = |object: &StoredObject| objects.get(&object.name()).copied().flatten();
            outputs.retain(|(_, object)| object.length == 0 || length(object) == Some(object.length));
        }
        Err(error) => {
            tracing::warn!("shuffle {shuffle} ({site}): {error}");
            outputs.clear();
        }
    }
    let (left, gone) = (outputs.len(), all - outputs.len());
    if gone > 0 {
        tracing::warn!(
            "shuffle {shuffle} ({site}): {gone} of the {all} map outputs that an earlier driver has stored are not in {} any more. \
             These map tasks run again",
            storage.config().directory
        );
    }
    tracing::info!(
        "shuffle {shuffle} ({site}): {left} of {} map tasks have run for an earlier driver, and do not run again",
        stage.partitions
    );
    outputs
}
