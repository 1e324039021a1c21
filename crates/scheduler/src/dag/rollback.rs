//! What happens when a map task that ran again wrote other records than the first time.
//!
//! The rule, and why it never lets two evaluations meet in one answer. Say that map task *m* of shuffle *S* has written
//! records with digest *a*, its output was lost, and a later attempt has written records with digest *b*.
//!
//! 1. Everything computed from *S* so far was computed from *a*: a reader starts only when all outputs of *S* are there, and
//!    is given a snapshot that names each by its attempt. What was computed is (i) registered outputs of shuffles downstream
//!    of *S*, (ii) results that running jobs were given, (iii) what tasks that run now are about to report.
//! 2. If any running job was given a result by a stage that reads *S* or anything downstream of it, that result cannot be
//!    taken back, and the rest could come only from *b*: the job fails, [`JobFailure::Indeterminate`].
//! 3. Otherwise (i) is unregistered and its digests are forgotten, of running jobs and of jobs long ended alike, since a
//!    later job may read both *S* and what was computed from it; and (iii) is told to stop, so that its outcome will not
//!    count. What its tasks added to accumulators is forgotten with
//!    it. Then nothing of *a* is left, and the stages that are wanted run again.
//!
//! Partitions that executors keep, and that were computed from *a*, stay where they are but count no more: see `dag::cached`.
//!
//! So at every moment all registered outputs and all results of one running job were computed from the same records of each
//! map task. Outputs downstream are given up even where they might come out the same (after a `distinct`, say): to look
//! would mean to let results through that might have to be taken back. Digests do not depend on order: records in another
//! order are the same records, as everywhere in Spark.

use crate::effect::Effect;
use crate::scheduler::Scheduler;
use crate::stages::Phase;
use firesteel_types::{JobFailure, KillReason, Partition, ShuffleId, StageId};
use std::collections::BTreeSet;

impl Scheduler {
    /// Undoes all that was computed from the first output of a map task, or fails the jobs for which it is too late.
    pub(crate) fn roll_back_downstream(&mut self, shuffle: ShuffleId, map: Partition, fx: &mut Vec<Effect>) {
        self.outputs.grow_version(shuffle);
        let affected = self.outputs.downstream(shuffle);
        let readers: BTreeSet<StageId> =
            affected.iter().chain([&shuffle]).flat_map(|shuffle| self.stages.readers_of(*shuffle)).collect();
        // Before jobs fail: with its last job a shuffle may go, which would make final what its tasks added.
        affected.iter().for_each(|shuffle| self.accumulators.undo_shuffle(*shuffle));
        for &reader in &readers {
            self.fail_if_delivered(reader, shuffle, map, fx);
        }
        for &shuffle in &affected {
            // A job that has just failed may have been the last to need it, and taken it along.
            if self.outputs.contains(shuffle) {
                self.forget_outputs(shuffle, fx);
            }
        }
        for &reader in &readers {
            self.start_over(reader, fx);
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
        // Of a barrier stage, nothing is delivered before the job ends.
        if stage.spec.output.is_none() && !stage.spec.barrier && delivered > 0 {
            self.fail_jobs_of(reader, JobFailure::Indeterminate { shuffle, map }, fx);
        }
    }

    fn forget_outputs(&mut self, shuffle: ShuffleId, fx: &mut Vec<Effect>) {
        fx.extend(
            self.outputs.roll_back(shuffle).iter().map(|output| Effect::output_dropped(shuffle, output)),
        );
    }

    /// A stage whose tasks read something that is no longer valid begins anew, if it had begun.
    fn start_over(&mut self, id: StageId, fx: &mut Vec<Effect>) {
        if self.stages.get(id).is_none() {
            return;
        }
        self.close_attempt(id, Some("its input was rolled back".into()), fx);
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
