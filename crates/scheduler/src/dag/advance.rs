//! The moves of stages between their phases.
//!
//! Each event puts the stages that it may concern on the agenda; `settle` then takes them off one by one and
//! reconsiders each. To reconsider a stage that lacks inputs puts the stages that write them on the agenda,
//! so lost outputs are computed again however deep they lie, without recursion, and only if a stage or a job
//! wants them.

use crate::effect::Effect;
use crate::exclusion::StageExclusion;
use crate::scheduler::Scheduler;
use crate::stages::{Inputs, Opened, Phase, Stage, preferred_of};
use crate::task_set::TaskSet;
use firesteel_types::{AppEvent, KillReason, Partition, ShuffleId, StageAttempt, StageId};

impl Scheduler {
    /// Works off the agenda.
    pub(crate) fn settle(&mut self, fx: &mut Vec<Effect>) {
        while let Some(stage) = self.dirty_stages.pop_first() {
            self.reconsider(stage, fx);
        }
    }

    /// Makes the move of a stage that is due, if any.
    fn reconsider(&mut self, id: StageId, fx: &mut Vec<Effect>) {
        let Some(stage) = self.stages.get(id) else { return };
        if !self.is_wanted(id) {
            return;
        }
        // A stage that has launched everything needs no inputs, unless a task fails.
        if stage.tasks.as_ref().is_some_and(|tasks| tasks.unlaunched() == 0) {
            self.hold_copies(id);
            return;
        }
        let missing = match &stage.phase {
            // A running stage goes on with the inputs that it has, unless a task finds that they do not
            // suffice: partitions that are cached or dropped meanwhile change nothing.
            Phase::Running { inputs, .. } if !stage.distrusts_cached => {
                self.missing(inputs.iter().map(|input| input.shuffle))
            }
            Phase::Running { .. } | Phase::Idle | Phase::Waiting => self.missing(self.needed_inputs(stage)),
        };
        match &stage.phase {
            Phase::Running { inputs, .. }
                if missing.is_empty() && self.is_current(inputs) && self.suffices(stage, inputs) =>
            {
                return;
            }
            Phase::Running { .. } => {
                self.close_attempt(id, Some("input went missing".into()), fx);
            }
            Phase::Idle | Phase::Waiting => {}
        }
        if missing.is_empty() {
            self.begin_attempt(id, fx);
            // Cached partitions may spare the attempt inputs for which an earlier one waited.
            let inputs = self.stages.get(id).map(|stage| stage.spec.inputs.clone()).unwrap_or_default();
            let spared: Vec<ShuffleId> = self.missing(inputs);
            self.stop_unwanted(spared, fx);
            return;
        }
        self.stages.set_phase(id, Phase::Waiting);
        let writer =
            |input: &ShuffleId| self.stages.writer_of(*input).expect("a job has the writers of all it reads");
        self.dirty_stages.extend(missing.iter().map(writer));
    }

    /// Returns the shuffles among these whose outputs are not all there.
    fn missing(&self, inputs: impl IntoIterator<Item = ShuffleId>) -> Vec<ShuffleId> {
        inputs.into_iter().filter(|input| !self.outputs.is_available(*input)).collect()
    }

    /// Returns whether an attempt was given all inputs that its tasks can ask for, as far as is known.
    fn suffices(&self, stage: &Stage, inputs: &Inputs) -> bool {
        !stage.distrusts_cached || inputs.len() == stage.spec.inputs.len()
    }

    /// Launches no copies of the tasks of a stage that has launched everything, if outputs that it reads have
    /// gone since.
    fn hold_copies(&mut self, id: StageId) {
        if !self.reads_newest_outputs(id) {
            let stage = self.stages.get_mut(id).expect("the stage is known");
            stage.tasks.as_mut().expect("what was launched belongs to a set").forget_slow();
            self.pools.remove(&stage.pool, stage.turn());
        }
    }

    /// Returns whether a stage has an open attempt that reads the outputs that a new one would read.
    pub(crate) fn reads_newest_outputs(&self, id: StageId) -> bool {
        let open = self.stages.get(id).and_then(Stage::open_attempt);
        open.is_some_and(|(_, inputs, _)| self.is_current(&inputs))
    }

    /// Returns whether a job or a stage waits for the work of a stage. A job waits for its result stage as
    /// long as it runs; a stage waits for those that write the inputs that it needs.
    fn is_wanted(&self, id: StageId) -> bool {
        let stage = self.stages.get(id).expect("the stage is known");
        let Some(output) = stage.spec.output else { return true };
        if self.outputs.is_available(output) {
            return false;
        }
        let waits = |reader: &StageId| {
            let reader = self.stages.get(*reader).expect("the readers of a shuffle are known");
            matches!(reader.phase, Phase::Waiting) && self.needed_inputs(reader).contains(&output)
        };
        self.stages.readers_of(output).iter().any(waits)
    }

    /// Returns whether a new attempt would be given the same snapshots.
    fn is_current(&self, inputs: &Inputs) -> bool {
        inputs.iter().all(|input| self.outputs.generation(input.shuffle) == input.generation)
    }

    fn begin_attempt(&mut self, id: StageId, fx: &mut Vec<Effect>) {
        self.drop_earlier_attempt(id, fx);
        let stage = self.stages.get(id).expect("only a known stage is attempted");
        let needed = self.needed_inputs(stage);
        let (cached, cached_at) = (self.versions(&stage.spec), self.cached_at(&stage.spec));
        let stage = self.stages.get_mut(id).expect("only a known stage is attempted");
        stage.cached_at = cached_at;
        let attempt = StageAttempt(stage.next_attempt);
        stage.next_attempt += 1;
        let inputs: Inputs = needed.iter().map(|input| self.outputs.snapshot(*input)).collect();
        let total = stage.total();
        let output = stage.spec.output;
        let mut tasks = stage.tasks.take().unwrap_or_else(|| {
            let done = |index| {
                output.is_some_and(|shuffle| self.outputs.writer(shuffle, Partition(index)).is_some())
            };
            let speculates = self.settings.speculation.is_some() && !stage.spec.barrier;
            let exclusion = self.settings.exclusion.filter(|_| !stage.spec.barrier).map(StageExclusion::new);
            TaskSet::new(total, self.now, done, speculates, exclusion)
        });
        tasks.begin_attempt(self.now, |index| stage.preferred(index), &self.executors);
        let opened = Opened { at: self.now, tasks: tasks.unlaunched() };
        fx.push(Effect::Event(AppEvent::StageSubmitted {
            at: self.now,
            stage: stage.summary.clone(),
            attempt,
            tasks: opened.tasks,
        }));
        stage.tasks = Some(tasks);
        if stage.spec.barrier {
            self.barriers.begin(id, self.now, total, attempt);
        }
        self.pools.add(&stage.pool, stage.turn());
        self.stages.set_phase(id, Phase::Running { attempt, opened, inputs, cached });
        self.vacancies.all = true;
        self.unschedulable.look();
    }

    /// Ends the open attempt, if there is one: it launches no more tasks, and those that run go on. The stage
    /// waits.
    pub(crate) fn close_attempt(&mut self, id: StageId, failure: Option<String>, fx: &mut Vec<Effect>) {
        let stage = self.stages.get(id).expect("only a known stage's attempt is closed");
        let Phase::Running { attempt, opened, .. } = stage.phase else { return };
        fx.push(Effect::Event(AppEvent::StageCompleted {
            at: self.now,
            stage: stage.summary.clone(),
            attempt,
            submitted: opened.at,
            tasks: opened.tasks,
            failure,
        }));
        self.pools.remove(&stage.pool, stage.turn());
        self.unschedulable.remove(id);
        self.stages.set_phase(id, Phase::Waiting);
        self.dirty_stages.insert(id);
    }

    /// Puts an unlaunched task of an open attempt among those that wait for a slot, and the stage on the
    /// agenda.
    pub(crate) fn queue_if_unlaunched(&mut self, id: StageId, index: u32) {
        self.dirty_stages.insert(id);
        let stage = self.stages.get_mut(id).expect("only a known stage queues tasks");
        let Some(tasks) = &mut stage.tasks else { return };
        if tasks.is_done(index) || tasks.copies(index) > 0 || !matches!(stage.phase, Phase::Running { .. }) {
            return;
        }
        let partition =
            if stage.spec.output.is_some() { Partition(index) } else { stage.wanted[index as usize] };
        let preferred = preferred_of(&stage.spec, &stage.cached_at, partition);
        tasks.queue(index, preferred, &self.executors);
        self.pools.add(&stage.pool, stage.turn());
        self.vacancies.all = true;
    }

    /// Ends a stage if the task that has just succeeded was its last.
    pub(crate) fn finish_if_complete(&mut self, id: StageId, fx: &mut Vec<Effect>) {
        let Some(stage) = self.stages.get_mut(id) else { return };
        let Some(tasks) = stage.tasks.as_mut().filter(|tasks| tasks.is_complete()) else { return };
        let failures = tasks.take_failures();
        stage.failed_in_a_row = 0;
        let (job, output) = (stage.turn().0, stage.spec.output);
        self.exclude_after(failures, fx);
        let Some(shuffle) = output else {
            self.close_attempt(id, None, fx);
            self.accept_held(id, job, fx);
            self.end_job(job, None, fx);
            return;
        };
        assert!(self.outputs.is_available(shuffle), "stage {id} is done but shuffle {shuffle} is not there");
        self.write_shuffle(shuffle, fx);
        self.stop_stage(id, None, fx);
        self.dirty_stages.extend(self.stages.readers_of(shuffle));
    }

    /// Makes a map stage idle: it is complete, or no stage wants its output any more (then `failure` says
    /// so).
    pub(crate) fn stop_stage(&mut self, id: StageId, failure: Option<String>, fx: &mut Vec<Effect>) {
        self.close_attempt(id, failure, fx);
        self.kill_all(id, KillReason::StageAborted, fx);
        self.disband(id, fx);
        self.stages.set_phase(id, Phase::Idle);
        let stage = self.stages.get_mut(id).expect("only a known stage is stopped");
        stage.tasks = None;
        let inputs = stage.spec.inputs.clone();
        self.stop_unwanted(inputs, fx);
    }

    /// Stops the stages that write these shuffles and that no stage waits for any more.
    pub(crate) fn stop_unwanted(&mut self, shuffles: Vec<ShuffleId>, fx: &mut Vec<Effect>) {
        for shuffle in shuffles {
            let Some(writer) = self.stages.writer_of(shuffle) else { continue };
            let stage = self.stages.get(writer).expect("the writer of a shuffle is known");
            if !matches!(stage.phase, Phase::Idle) && !self.is_wanted(writer) {
                self.stop_stage(writer, Some("no stage waits for it any more".into()), fx);
            }
        }
    }
}
