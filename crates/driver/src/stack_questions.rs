//! Questions to all agents, where their code stands, and the threads that wait for the answers.

use firesteel_types::ThreadStack;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// The time that agents have to answer. They give their workers less.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// The questions that wait for answers.
#[derive(Default)]
pub(crate) struct StackQuestions {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Sender<Vec<ThreadStack>>>>,
}

impl StackQuestions {
    /// Asks, and waits for so many answers, but not long. Returns what has come by then.
    pub(crate) fn ask(&self, answers: usize, send: impl FnOnce(u64)) -> Vec<ThreadStack> {
        let question = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = channel();
        self.waiting.lock().insert(question, sender);
        send(question);
        let deadline = Instant::now() + ANSWER_WITHIN;
        let mut stacks = vec![];
        for _ in 0..answers {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(answer) = receiver.recv_timeout(left) else { break };
            stacks.extend(answer);
        }
        self.waiting.lock().remove(&question);
        stacks.sort_by_key(|stack: &ThreadStack| stack.executor);
        stacks
    }

    /// Hands an answer to the thread that waits for it, if one does.
    pub(crate) fn answered(&self, question: u64, stacks: Vec<ThreadStack>) {
        if let Some(waiting) = self.waiting.lock().get(&question) {
            let _ = waiting.send(stacks);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_types::ExecutorId;

    fn stack(executor: u32) -> ThreadStack {
        let executor = ExecutorId(executor);
        ThreadStack { executor, name: String::new(), process: 0, task: None, text: String::new() }
    }

    #[test]
    fn answers_come_to_the_thread_that_asked() {
        let questions = StackQuestions::default();
        let stacks = questions.ask(2, |question| {
            questions.answered(question + 1, vec![stack(9)]);
            questions.answered(question, vec![stack(1)]);
            questions.answered(question, vec![stack(2), stack(3)]);
        });
        let executors: Vec<u32> = stacks.iter().map(|stack| stack.executor.0).collect();
        assert_eq!(executors, [1, 2, 3]);
        assert!(questions.waiting.lock().is_empty());
        assert!(questions.ask(0, |_| ()).is_empty(), "nobody is asked");
    }
}
