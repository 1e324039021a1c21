//! The end of a worker process, as data: how it ended, what it ran, what memory there was, and where its code stood. One sentence is
//! made of it, for the exception, the log and the page.

use crate::stack::{RunningTask, SeenStack};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The way in which a worker process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// It exited, perhaps with a known code.
    Exited {
        /// The exit code.
        code: Option<i32>,
    },
    /// A signal ended it.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
    /// Its parent killed it, since its task had not ended after the time that a setting allows.
    Hung {
        /// The time that the task had run, in milliseconds.
        ran_ms: u64,
    },
    /// Its parent killed it, since its task was told to stop and did not. No task is to blame.
    DidNotStop,
}

/// The end of a worker process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerEnd {
    /// How it ended.
    pub ending: Ending,
    /// The task that it ran, if it ran one.
    pub running: Option<RunningTask>,
    /// The memory of the processes around it, and of itself.
    pub memory: LastMemory,
    /// The number of processes of its control group that the kernel killed for want of memory while the task ran;
    /// `None` where the system does not tell.
    pub oom_kills: Option<u64>,
    /// Where its code stood, if that is known.
    pub stack: Option<SeenStack>,
}

/// The memory of processes when a worker ended, in bytes; 0 is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMemory {
    /// That of the worker when it was last looked at.
    pub last: u64,
    /// The most that it ever held.
    pub peak: u64,
    /// That of its parent: the driver in local mode, else the executor's agent.
    pub parent: u64,
    /// That of each other worker of its parent.
    pub others: Vec<u64>,
    /// The limit of its control group, if it has one.
    pub limit: Option<u64>,
}

/// The classes of a worker's end, which each have their own exception and their own remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndKind {
    /// A fault in native code.
    Crashed,
    /// The kernel killed it for want of memory.
    OutOfMemory,
    /// Its code ended the process.
    Exited,
    /// Its task did not end in time.
    Hung,
    /// A signal ended it that is known neither as a fault of its own nor as the kernel's want of memory.
    Killed,
    /// It was killed since its task did not stop when it was told to.
    DidNotStop,
}

impl EndKind {
    /// Returns its name, as other languages know it.
    pub fn name(self) -> &'static str {
        match self {
            EndKind::Crashed => "crashed",
            EndKind::OutOfMemory => "out of memory",
            EndKind::Exited => "exited",
            EndKind::Hung => "hung",
            EndKind::Killed => "killed",
            EndKind::DidNotStop => "did not stop",
        }
    }

    /// Returns what helps, as the end of a sentence.
    pub fn remedy(self) -> &'static str {
        match self {
            EndKind::Crashed => {
                "look for native code (an extension module) in the function, or for very deep recursion"
            }
            EndKind::OutOfMemory => {
                "hold less in one task (more partitions, iterators in place of lists), run fewer tasks at once (a master \
                 such as `local[1]`, or fewer `firesteel.executor.cores`), or give more memory"
            }
            EndKind::Exited => "raise an exception in place of ending the process",
            EndKind::Hung => {
                "give calls that wait a time limit of their own, or raise `firesteel.python.hung.fail_after`"
            }
            EndKind::Killed => "find out who sent the signal: a person, a batch system, a limit",
            EndKind::DidNotStop => "nothing need be done: another worker takes its place",
        }
    }
}

/// Signals that a process gets for a fault of its own.
const FAULTS: [i32; 5] = [4, 6, 7, 8, 11];

const SIGKILL: i32 = 9;

impl WorkerEnd {
    /// Returns the class of the end.
    pub fn kind(&self) -> EndKind {
        match self.ending {
            Ending::Exited { .. } => EndKind::Exited,
            Ending::Signalled { signal: SIGKILL } if self.oom_kills.is_some_and(|kills| kills > 0) => {
                EndKind::OutOfMemory
            }
            Ending::Signalled { signal } if FAULTS.contains(&signal) => EndKind::Crashed,
            Ending::Signalled { .. } => EndKind::Killed,
            Ending::Hung { .. } => EndKind::Hung,
            Ending::DidNotStop => EndKind::DidNotStop,
        }
    }

    /// Returns the number of the signal that ended the process, if one did.
    pub fn signal(&self) -> Option<i32> {
        match self.ending {
            Ending::Signalled { signal } => Some(signal),
            Ending::Hung { .. } | Ending::DidNotStop => Some(SIGKILL),
            Ending::Exited { .. } => None,
        }
    }

    fn write_ending(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ending {
            Ending::Exited { code: Some(code) } => write!(f, "its process exited with code {code}"),
            Ending::Exited { code: None } => f.write_str("its process ended"),
            Ending::Hung { ran_ms } => {
                write!(f, "its process was killed since its task had not ended after {ran_ms} ms")
            }
            Ending::DidNotStop => {
                f.write_str("its process was killed since its task was told to stop and did not")
            }
            Ending::Signalled { signal } if self.kind() == EndKind::OutOfMemory => write!(
                f,
                "its process was killed by signal {signal} (SIGKILL) from the kernel, which was out of memory"
            ),
            Ending::Signalled { signal } => {
                write!(f, "its process was killed by signal {signal}{}", signal_name(signal))
            }
        }
    }

    fn write_kills(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ending, self.oom_kills) {
            (Ending::Signalled { signal: SIGKILL }, Some(0)) => {
                f.write_str("; its control group's oom_kill count did not grow meanwhile")
            }
            (Ending::Signalled { signal: SIGKILL }, Some(kills)) => {
                write!(f, "; its control group's oom_kill count grew by {kills} meanwhile")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for WorkerEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_ending(f)?;
        match &self.running {
            Some(running) => write!(f, " while it ran {running}")?,
            None => f.write_str(" while it ran no task")?,
        }
        if let Some(SeenStack { place: Some(place), .. }) = &self.stack {
            write!(f, ", in {place}")?;
        }
        self.write_kills(f)?;
        if self.memory.last.max(self.memory.peak) > 0 {
            write!(f, "; {}", self.memory)?;
        }
        write!(f, "; {}", self.kind().remedy())
    }
}

impl fmt::Display for LastMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
        let most = mebibytes(self.peak.max(self.last));
        match self.last {
            0 => write!(f, "it held {most} MiB at most")?,
            last => write!(f, "it held {} MiB when last seen and {most} MiB at most", mebibytes(last))?,
        }
        write!(f, ", its parent {} MiB", mebibytes(self.parent))?;
        match self.others.as_slice() {
            [] => {}
            [other] => write!(f, ", the other worker {} MiB", mebibytes(*other))?,
            others => {
                let list: Vec<String> = others.iter().map(|bytes| mebibytes(*bytes).to_string()).collect();
                write!(f, ", the {} other workers {} MiB", list.len(), list.join(", "))?;
            }
        }
        match self.limit {
            Some(limit) => write!(f, ", and its control group may hold {} MiB", mebibytes(limit)),
            None => Ok(()),
        }
    }
}

/// Returns the name of a signal.
pub(crate) fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL)",
        6 => " (SIGABRT, an abort of its own)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        SIGKILL => " (SIGKILL: from a user, or from the kernel when memory was short)",
        11 => " (SIGSEGV, a fault in native code)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Partition, StageId, TaskId};

    fn end(ending: Ending, oom_kills: Option<u64>) -> WorkerEnd {
        let running = RunningTask { task: TaskId(12), stage: StageId(1), partition: Partition(3) };
        let place = Some("grow (app.py:12)".into());
        let memory = LastMemory {
            last: 1200 << 20,
            peak: 1300 << 20,
            parent: 80 << 20,
            others: vec![900 << 20, 20 << 20],
            limit: Some(2 << 30),
        };
        let stack = Some(SeenStack { text: String::new(), place, bytes: Some(1 << 30) });
        WorkerEnd { ending, running: Some(running), memory, oom_kills, stack }
    }

    #[test]
    fn one_sentence_says_all_of_a_worker_that_was_out_of_memory() {
        assert_eq!(
            end(Ending::Signalled { signal: 9 }, Some(1)).to_string(),
            "its process was killed by signal 9 (SIGKILL) from the kernel, which was out of memory while it ran task 12 \
             (partition 3 of stage 1), in grow (app.py:12); its control group's oom_kill count grew by 1 meanwhile; it held \
             1200 MiB when last seen and 1300 MiB at most, its parent 80 MiB, the 2 other workers 900, 20 MiB, and its \
             control group may hold 2048 MiB; hold less in one task (more partitions, iterators in place of lists), run fewer \
             tasks at once (a master such as `local[1]`, or fewer `firesteel.executor.cores`), or give more memory"
        );
    }

    #[test]
    fn each_ending_has_its_class() {
        let kind = |ending, kills| end(ending, kills).kind();
        assert_eq!(kind(Ending::Signalled { signal: 9 }, Some(1)), EndKind::OutOfMemory);
        assert_eq!(kind(Ending::Signalled { signal: 9 }, Some(0)), EndKind::Killed);
        assert_eq!(kind(Ending::Signalled { signal: 9 }, None), EndKind::Killed, "nothing is told");
        assert_eq!(
            kind(Ending::Signalled { signal: 15 }, Some(1)),
            EndKind::Killed,
            "the kernel sends SIGKILL"
        );
        assert_eq!(kind(Ending::Signalled { signal: 11 }, Some(1)), EndKind::Crashed);
        assert_eq!(kind(Ending::Exited { code: Some(3) }, None), EndKind::Exited);
        assert_eq!(kind(Ending::Hung { ran_ms: 5 }, None), EndKind::Hung);
        assert_eq!(kind(Ending::DidNotStop, None), EndKind::DidNotStop);
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let mut end = end(Ending::Signalled { signal: 9 }, None);
        (end.running, end.stack, end.memory) = (None, None, LastMemory::default());
        let text = end.to_string();
        assert!(text.contains("while it ran no task") && !text.contains("oom_kill"), "{text}");
        assert!(!text.contains("MiB"), "{text}");
    }
}
