//! The eye on workers: their memory, their stacks and the kernel's kills, while they run and when one has ended. The
//! [`WorkerTable`](super::worker_table::WorkerTable) decides what is asked and who is killed.

use super::stack_file::StackFile;
use super::worker_table::{Findings, LastState};
use super::{Processes, kill};
use crate::memory;
use crate::server::Ended;
use crate::threads;
use firesteel_protocol::FromExecutor;
use firesteel_types::{
    Ending, ExecutorId, ExecutorLossReason, LastMemory, LongTask, SeenStack, TaskId, ThreadStack, WorkerEnd,
};
use std::path::Path;
use std::thread;
use std::time::Instant;

/// The most workers beside a lost one whose memory is told.
const OTHERS_AT_MOST: usize = 64;

/// The text in place of the stack of a process that has no task.
const IDLE: &str = "it waits for a task";

/// The text in place of the stack of a process that does not answer.
const SILENT: &str =
    "the process does not answer: it is stopped, in a system call that cannot be interrupted, or has ended";

impl Processes {
    /// Looks at all workers that run tasks.
    pub(super) fn watch(&self) {
        let running = self.ready_workers().into_iter().filter(|(_, _, tasks)| !tasks.is_empty());
        let running: Vec<_> = running.collect();
        if !running.is_empty() {
            let kills = memory::oom_kills(Path::new("/"));
            self.state.lock().oom_kills = kills;
        }
        for (executor, process, _) in running {
            self.watch_one(executor, process);
        }
    }

    fn watch_one(&self, executor: ExecutorId, process: u32) {
        let bytes = memory::resident_bytes(process);
        let (found, stacks) = {
            let mut state = self.state.lock();
            let found = state.table.look(executor, bytes, Instant::now(), &self.watchdog);
            (found, state.connections.get(&executor).map(|connection| connection.stacks.clone()))
        };
        let (Some((task, findings)), Some(stacks)) = (found, stacks) else { return };
        if findings.want_stack() {
            let stack = stacks.ask(bytes);
            self.told(executor, task, findings, (bytes, stack));
        }
    }

    /// Notes a worker's stack, and does what the findings about its task ask for.
    fn told(
        &self,
        executor: ExecutorId,
        task: TaskId,
        findings: Findings,
        (bytes, stack): (u64, Option<SeenStack>),
    ) {
        let mut state = self.state.lock();
        let told = state.table.told(executor, task, (bytes, stack.as_ref()), Instant::now());
        let Some((running, ran)) = told else { return };
        if findings.is_hung
            && let Some(process) = state.table.hung(executor, task, ran)
        {
            // Under the lock, so that no other task was launched there meanwhile.
            kill(process);
        }
        let place = stack.as_ref().and_then(|stack| stack.place.as_deref());
        let is_told = findings.is_long && state.table.is_news(executor, task, place);
        drop(state);
        if is_told {
            let ran_ms = u64::try_from(ran.as_millis()).unwrap_or(u64::MAX);
            self.tell(FromExecutor::RunsLong { executor, report: LongTask { running, ran_ms, stack } });
        }
    }

    /// Returns where the code of each worker stands now; those with a task are asked in this way.
    pub(super) fn stacks_now(&self, way: fn(&StackFile, u64) -> Option<SeenStack>) -> Vec<ThreadStack> {
        let workers: Vec<_> = self.state.lock().table.busy_workers(Instant::now()).collect();
        let ask = |executor: ExecutorId, process: u32, is_idle: bool| {
            if is_idle {
                return IDLE.to_owned();
            }
            let stacks =
                self.state.lock().connections.get(&executor).map(|connection| connection.stacks.clone());
            let stack = stacks.and_then(|stacks| way(&stacks, memory::resident_bytes(process)));
            stack.map_or_else(|| SILENT.to_owned(), |stack| stack.text)
        };
        // Together: one that does not answer takes a while.
        thread::scope(|scope| {
            let asked = workers.into_iter().map(|(executor, process, running)| {
                let thread = thread::Builder::new().name("firesteel-stack".into());
                let is_idle = running.is_none();
                let asked = thread.spawn_scoped(scope, move || ask(executor, process, is_idle));
                (executor, process, running, asked)
            });
            let asked: Vec<_> = asked.collect();
            let told = asked.into_iter().map(|(executor, process, running, text)| ThreadStack {
                executor,
                name: format!("worker {}", executor.name()),
                process,
                thread: process,
                state: threads::state_of(process, process),
                running: running.map(|(running, _)| running),
                ran_ms: running.map(|(_, ran)| u64::try_from(ran.as_millis()).unwrap_or(u64::MAX)),
                text: text.ok().and_then(|text| text.join().ok()).unwrap_or_else(|| SILENT.to_owned()),
            });
            told.collect()
        })
    }

    /// Returns why a worker is lost that was ready, from what was known of it, what the server says, and what it wrote of its end.
    pub(super) fn loss(
        &self,
        last: LastState,
        ended: Option<Ended>,
        stacks: Option<&StackFile>,
    ) -> ExecutorLossReason {
        let ending = last.condemned.unwrap_or(match ended {
            Some(Ended { code, .. }) if code < 0 => Ending::Signalled { signal: -code },
            Some(Ended { code, .. }) => Ending::Exited { code: Some(code) },
            None => Ending::Exited { code: None },
        });
        let kills_now = memory::oom_kills(Path::new("/"));
        // Tasks that are launched from now on do not count this one.
        self.state.lock().oom_kills = kills_now;
        let kills = kills_now.zip(last.oom_kills);
        let others = self.ready_workers().into_iter();
        // Those that have just ended hold nothing.
        let others = others.map(|(_, process, _)| memory::resident_bytes(process)).filter(|bytes| *bytes > 0);
        let memory = LastMemory {
            last: last.bytes,
            peak: ended.map_or(0, |ended| ended.peak),
            parent: memory::resident_bytes(std::process::id()),
            others: others.take(OTHERS_AT_MOST).collect(),
            limit: memory::limit(Path::new("/")),
        };
        let own = stacks.and_then(|stacks| match ending {
            Ending::Signalled { .. } => stacks.of_fault(),
            Ending::Exited { .. } => stacks.of_exit(),
            Ending::Hung { .. } | Ending::DidNotStop => None,
        });
        ExecutorLossReason::Worker(Box::new(WorkerEnd {
            ending,
            running: last.running,
            memory,
            oom_kills: kills.map(|(now, before)| now.saturating_sub(before)),
            stack: own.or(last.stack),
        }))
    }

    fn ready_workers(&self) -> Vec<(ExecutorId, u32, Vec<TaskId>)> {
        self.state.lock().table.ready_workers().collect()
    }
}
