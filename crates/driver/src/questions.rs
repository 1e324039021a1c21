//! Questions to agents, and the threads that wait for the answers.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// The time that agents have to answer. They give their workers less.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// The questions of one kind that wait for answers.
pub(crate) struct Questions<A> {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Sender<A>>>,
}

impl<A> Default for Questions<A> {
    fn default() -> Self {
        Questions { next: AtomicU64::new(0), waiting: Mutex::default() }
    }
}

impl<A> Questions<A> {
    /// Asks, and waits for so many answers, but not long. Returns what has come by then.
    pub(crate) fn ask(&self, answers: usize, send: impl FnOnce(u64)) -> Vec<A> {
        let question = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = channel();
        self.waiting.lock().insert(question, sender);
        send(question);
        let deadline = Instant::now() + ANSWER_WITHIN;
        let mut came = vec![];
        for _ in 0..answers {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(answer) = receiver.recv_timeout(left) else { break };
            came.push(answer);
        }
        self.waiting.lock().remove(&question);
        came
    }

    /// Hands an answer to the thread that waits for it, if one does.
    pub(crate) fn answered(&self, question: u64, answer: A) {
        if let Some(waiting) = self.waiting.lock().get(&question) {
            let _ = waiting.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_to_the_thread_that_asked() {
        let questions = Questions::default();
        let came = questions.ask(2, |question| {
            questions.answered(question + 1, 9);
            questions.answered(question, 1);
            questions.answered(question, 2);
        });
        assert_eq!(came, [1, 2]);
        assert!(questions.waiting.lock().is_empty());
        assert!(questions.ask(0, |_| ()).is_empty(), "nobody is asked");
    }
}
