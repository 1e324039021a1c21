//! The rollback of all that was computed from a map output, when its map task runs again and writes other
//! records.
//!
//! The rule, and why it never lets two evaluations meet in one answer. Say that map task *m* of shuffle *S*
//! has written records with digest *a*, its output was lost, and a later attempt has written records with
//! digest *b*.
//!
//! 1. Everything computed from *S* so far was computed from *a*: a reader starts only when all outputs of *S*
//!    are there, and gets a snapshot that names each by its attempt. The things computed are (i) registered
//!    outputs of shuffles downstream of *S*, (ii) results that were delivered to running jobs, (iii) the
//!    outcomes of tasks that run now.
//! 2. If a result of a stage that reads *S* or a shuffle downstream of it was delivered to a running job, the
//!    result cannot be taken back, and the others could come only from *b*: the job fails,
//!    [`JobFailure::Indeterminate`].
//! 3. Otherwise the scheduler unregisters (i) and forgets the digests, of running jobs and of jobs long ended
//!    alike, since a later job may read both *S* and outputs computed from it; and it tells the tasks of
//!    (iii) to stop, so that their outcomes will not count. It forgets the accumulator updates of all these
//!    tasks. Then nothing of *a* is left, and the stages that are wanted run again.
//!
//! Cached partitions that were computed from *a* stay where they are but count no more: see `dag::cached`.
//!
//! So at every moment all registered outputs and all results of one running job were computed from the same
//! records of each map task. Outputs downstream are given up even where they might come out the same (after a
//! `distinct`, say): to wait and see would mean to deliver results that might have to be taken back. Digests
//! do not depend on order: records in another order are the same records, as everywhere in Spark.

use crate::effect::Effect;
use crate::scheduler::Scheduler;
use crate::stages::Phase;
use firesteel_types::{JobFailure, KillReason, Partition, ShuffleId, StageId};
use std::collections::BTreeSet;

impl Scheduler {
    /// Undoes all that was computed from the first output of a map task, and fails the jobs for which it is
    /// too late.
    pub(crate) fn roll_back_downstream(&mut self, shuffle: ShuffleId, map: Partition, fx: &mut Vec<Effect>) {
        self.write_change(shuffle, map, fx);
        self.outputs.grow_version(shuffle);
        let affected = self.outputs.downstream(shuffle);
        let readers: BTreeSet<StageId> =
            affected.iter().chain([&shuffle]).flat_map(|shuffle| self.stages.readers_of(*shuffle)).collect();
        // This comes before jobs fail: a shuffle may be removed with its last job, which would make the
        // updates of its tasks final.
        affected.iter().for_each(|shuffle| self.accumulators.undo_shuffle(*shuffle));
        for &reader in &readers {
            self.fail_if_delivered(reader, shuffle, map, fx);
        }
        for &shuffle in &affected {
            // A job that has just failed may have been the last that needed the shuffle, which is removed
            // then.
            if self.outputs.contains(shuffle) {
                self.forget_outputs(shuffle, fx);
            }
        }
        for &reader in &readers {
            self.start_over(reader, "its input was rolled back", fx);
        }
        // A stage reads none of these shuffles if its lineage was cut shorter since the outputs of an earlier
        // job were written. Some of its tasks may count as done by outputs that are forgotten now.
        let writers = affected.iter().filter_map(|shuffle| self.stages.writer_of(*shuffle));
        let without_input: Vec<StageId> = writers.filter(|writer| !readers.contains(writer)).collect();
        for writer in without_input {
            self.start_over(writer, "its outputs were rolled back", fx);
        }
    }

    fn fail_if_delivered(
        &mut self,
        reader: StageId,
        shuffle: ShuffleId,
        map: Partition,
        fx: &mut Vec<Effect>,
    ) {
        let Some(stage) = self.stages.get(reader) else { return };
        let delivered = stage.tasks.as_ref().map_or(0, |tasks| tasks.done());
        // The results of a barrier stage are held until the last of them, so none has been delivered.
        if stage.spec.output.is_none() && !stage.spec.barrier && delivered > 0 {
            self.fail_jobs_of(reader, JobFailure::Indeterminate { shuffle, map }, fx);
        }
    }

    fn forget_outputs(&mut self, shuffle: ShuffleId, fx: &mut Vec<Effect>) {
        fx.extend(
            self.outputs.roll_back(shuffle).iter().map(|output| Effect::output_dropped(shuffle, output)),
        );
    }

    /// Makes a stage begin anew whose tasks read or wrote outputs that are no longer valid, if it had begun.
    fn start_over(&mut self, id: StageId, why: &str, fx: &mut Vec<Effect>) {
        if self.stages.get(id).is_none() {
            return;
        }
        self.close_attempt(id, Some(why.into()), fx);
        self.kill_all(id, KillReason::StageAborted, fx);
        self.disband(id, fx);
        self.commits.forget(id);
        let stage = self.stages.get_mut(id).expect("the stage was there a moment ago");
        stage.tasks = None;
        match stage.phase {
            Phase::Idle => {}
            Phase::Waiting | Phase::Running { .. } => {
                self.dirty_stages.insert(id);
            }
        }
    }
}
