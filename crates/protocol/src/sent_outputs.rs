//! The cache of announced map outputs: a launch names the outputs that its task reads instead of carrying them again.
//!
//! The list of a shuffle's map outputs may be long, and all tasks of a stage read the same. Both ends of a connection have a
//! [`SentOutputs`] each, that sees the same announcements in the same order and forgets the oldest beyond a fixed number, so both
//! always hold the same without a word about what was forgotten.

use crate::executor::{OutputsName, ToExecutor};
use crate::task::TaskSpec;
use firesteel_types::{ExecutorId, ShuffleOutputs};
use std::collections::VecDeque;
use std::sync::Arc;

/// The map outputs that were announced last, the oldest first.
///
/// ```
/// use firesteel_protocol::{SentOutputs, ToExecutor};
/// # use firesteel_protocol::TaskSpec;
/// # use firesteel_types::*;
/// # let outputs = ShuffleOutputs { shuffle: ShuffleId(0), generation: 1, maps: vec![] };
/// # let task = TaskSpec {
/// #     task: TaskId(0), stage: StageId(0), stage_attempt: StageAttempt(0), job: JobId(0), partition: Partition(0), attempt: 0,
/// #     inputs: [outputs.into()].into(), cached: [].into(), barrier_hosts: None, properties: Default::default(),
/// # };
/// let (mut driver, mut executor) = (SentOutputs::default(), SentOutputs::default());
/// let mut messages = driver.launch(ExecutorId(0), task);
/// assert_eq!(messages.len(), 2, "the announcement, and the launch");
/// if let ToExecutor::Outputs { outputs } = messages.remove(0) {
///     executor.announced(outputs);
/// }
/// if let ToExecutor::Launch { task, announced, .. } = messages.remove(0) {
///     assert!(task.inputs.is_empty());
///     assert_eq!(executor.complete(task, &announced).inputs.len(), 1);
/// }
/// ```
#[derive(Debug, Default)]
pub struct SentOutputs(VecDeque<Arc<ShuffleOutputs>>);

impl SentOutputs {
    /// So many are remembered. A task that reads more brings its own.
    pub const AT_MOST: usize = 256;

    /// Returns the messages that launch a task: announcements of outputs that the executor's process does not have, then the launch.
    pub fn launch(&mut self, executor: ExecutorId, task: TaskSpec) -> Vec<ToExecutor> {
        if task.inputs.len() > Self::AT_MOST {
            return vec![ToExecutor::Launch { executor, task, announced: vec![] }];
        }
        let mut messages = vec![];
        // An announcement may push out another input of the same task, which is announced again then. What was announced here stays:
        // a task has no more inputs than fit.
        while let Some(missing) =
            task.inputs.iter().find(|outputs| self.find(OutputsName::of(outputs)).is_none())
        {
            self.announced(missing.clone());
            messages.push(ToExecutor::Outputs { outputs: missing.clone() });
        }
        let announced = task.inputs.iter().map(|outputs| OutputsName::of(outputs)).collect();
        let task = TaskSpec { inputs: Arc::from([]), ..task };
        messages.push(ToExecutor::Launch { executor, task, announced });
        messages
    }

    /// Remembers an announcement, and forgets the oldest one if there are too many.
    pub fn announced(&mut self, outputs: Arc<ShuffleOutputs>) {
        if self.0.len() == Self::AT_MOST {
            self.0.pop_front();
        }
        self.0.push_back(outputs);
    }

    /// Returns a launched task with all that it reads: what it brings, and what the launch names. A name that was never announced is
    /// left out; the task fails when it comes to read that.
    pub fn complete(&self, task: TaskSpec, announced: &[OutputsName]) -> TaskSpec {
        let named = announced.iter().filter_map(|name| self.find(*name).cloned());
        let inputs = task.inputs.iter().cloned().chain(named).collect();
        TaskSpec { inputs, ..task }
    }

    fn find(&self, name: OutputsName) -> Option<&Arc<ShuffleOutputs>> {
        self.0.iter().find(|outputs| OutputsName::of(outputs) == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_types::{JobId, Partition, ShuffleId, StageAttempt, StageId, TaskId};

    /// Both ends of a connection.
    #[derive(Default)]
    struct Ends {
        driver: SentOutputs,
        executor: SentOutputs,
    }

    impl Ends {
        /// Launches a task that reads these shuffles, of a generation; returns how many were announced for it.
        fn launch(&mut self, shuffles: impl IntoIterator<Item = u32>, generation: u64) -> usize {
            let inputs: Arc<[Arc<ShuffleOutputs>]> = shuffles
                .into_iter()
                .map(|shuffle| {
                    Arc::new(ShuffleOutputs { shuffle: ShuffleId(shuffle), generation, maps: vec![] })
                })
                .collect();
            let (mut announcements, mut launched) = (0, None);
            for message in self.driver.launch(ExecutorId(1), spec(inputs.clone())) {
                match message {
                    ToExecutor::Outputs { outputs } => {
                        self.executor.announced(outputs);
                        announcements += 1;
                    }
                    ToExecutor::Launch { task, announced, .. } => {
                        launched = Some(self.executor.complete(task, &announced));
                    }
                    other => panic!("a launch does not take {other:?}"),
                }
            }
            assert_eq!(launched.expect("it was launched").inputs, inputs, "it reads what it is to read");
            announcements
        }
    }

    fn spec(inputs: Arc<[Arc<ShuffleOutputs>]>) -> TaskSpec {
        TaskSpec {
            task: TaskId(0),
            stage: StageId(0),
            stage_attempt: StageAttempt(0),
            job: JobId(0),
            partition: Partition(0),
            attempt: 0,
            inputs,
            cached: Arc::from([]),
            barrier_hosts: None,
            properties: Arc::default(),
        }
    }

    #[test]
    fn outputs_are_announced_once_a_generation() {
        let mut ends = Ends::default();
        assert_eq!(ends.launch([1, 2], 1), 2);
        assert_eq!(ends.launch([2, 1], 1), 0);
        assert_eq!(ends.launch([1], 2), 1);
        assert_eq!(ends.launch([1, 2], 1), 0, "the earlier generation is not forgotten for it");
    }

    #[test]
    fn the_oldest_is_forgotten_at_both_ends() {
        let mut ends = Ends::default();
        let many = SentOutputs::AT_MOST as u32;
        assert_eq!((0..=many).map(|shuffle| ends.launch([shuffle], 1)).sum::<usize>(), many as usize + 1);
        assert_eq!(ends.launch([many], 1), 0);
        assert_eq!(ends.launch([0], 1), 1);
    }

    #[test]
    fn an_announcement_may_push_out_what_the_same_task_reads() {
        let mut ends = Ends::default();
        let many = SentOutputs::AT_MOST as u32;
        assert_eq!(ends.launch(0..many, 1), many as usize);
        // Announcing the new one pushes out 0, announcing that again pushes out 1.
        assert_eq!(ends.launch([0, many], 1), 2);
        assert_eq!(ends.launch([1, 0, many], 1), 1);
        assert_eq!(ends.launch(0..many, 2), many as usize);
    }

    #[test]
    fn a_task_that_reads_too_many_brings_its_own() {
        let mut ends = Ends::default();
        assert_eq!(ends.launch(0..=SentOutputs::AT_MOST as u32, 1), 0);
        assert_eq!(ends.launch([0], 1), 1);
    }

    #[test]
    fn a_name_that_was_never_announced_is_left_out() {
        let name = OutputsName { shuffle: ShuffleId(3), generation: 9 };
        assert!(SentOutputs::default().complete(spec(Arc::from([])), &[name]).inputs.is_empty());
    }
}
