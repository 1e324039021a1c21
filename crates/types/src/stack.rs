//! Tasks that run, and where their code stands.

use crate::ids::{ExecutorId, Partition, StageId, TaskId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A task that a worker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningTask {
    /// The attempt.
    pub task: TaskId,
    /// Its stage.
    pub stage: StageId,
    /// Its partition.
    pub partition: Partition,
}

impl fmt::Display for RunningTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RunningTask { task, stage, partition } = self;
        write!(f, "task {task} (partition {partition} of stage {stage})")
    }
}

/// The stack of a worker's code at some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenStack {
    /// The stack as the language prints it, innermost call first.
    pub text: String,
    /// The innermost line of the program's own: `grow (app.py:12)`.
    pub place: Option<String>,
    /// The memory that the process held then, in bytes; `None` if this is the stack of the fault or call that ended it.
    pub bytes: Option<u64>,
}

/// A thread or process that runs tasks, as it is at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadStack {
    /// Its executor.
    pub executor: ExecutorId,
    /// The name of the thread or process.
    pub name: String,
    /// The process.
    pub process: u32,
    /// The thread's number in the system; 0 if it is not known.
    pub thread: u32,
    /// Its state, as the system tells it: `running`, `waits in futex`. Empty where it is not known.
    pub state: String,
    /// The task that it runs.
    pub running: Option<RunningTask>,
    /// The time that the task has run so far, in milliseconds.
    pub ran_ms: Option<u64>,
    /// Its stack, innermost call first; or why there is none.
    pub text: String,
}

/// A task that has run for long, with the stack of its worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongTask {
    /// The task.
    pub running: RunningTask,
    /// The time that it has run so far, in milliseconds.
    pub ran_ms: u64,
    /// Its stack, if its process answered.
    pub stack: Option<SeenStack>,
}

impl fmt::Display for LongTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LongTask { running, ran_ms, stack } = self;
        write!(f, "{running} has not ended after {ran_ms} ms")?;
        match stack {
            Some(SeenStack { place, text, .. }) => {
                if let Some(place) = place {
                    write!(f, "; it is in {place}")?;
                }
                write!(f, ". Its stack, innermost call first:\n{}", text.trim_end())
            }
            None => f.write_str("; its process did not tell its stack"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_task_is_named_with_its_line_and_its_stack() {
        let running = RunningTask { task: TaskId(12), stage: StageId(1), partition: Partition(3) };
        let text = "  File \"app.py\", line 12 in grow\n".into();
        let stack = SeenStack { text, place: Some("grow (app.py:12)".into()), bytes: Some(1 << 20) };
        let mut long = LongTask { running, ran_ms: 600_000, stack: Some(stack) };
        assert_eq!(
            long.to_string(),
            "task 12 (partition 3 of stage 1) has not ended after 600000 ms; it is in grow (app.py:12). Its stack, innermost \
             call first:\n  File \"app.py\", line 12 in grow"
        );
        long.stack = None;
        assert!(long.to_string().ends_with("did not tell its stack"));
    }
}
