//! The questions of an executor's tasks that the driver has not answered yet. A plain value.

use std::collections::HashMap;
use std::hash::Hash;

/// Waiting tasks, by their questions.
pub(crate) struct Pending<K, W> {
    waiting: HashMap<K, W>,
    /// The driver is gone: no answer comes any more.
    is_over: bool,
}

impl<K, W> Default for Pending<K, W> {
    fn default() -> Self {
        Pending { waiting: HashMap::new(), is_over: false }
    }
}

impl<K: Eq + Hash, W> Pending<K, W> {
    /// Notes a question.
    ///
    /// # Errors
    /// When the driver is gone: the question need not be sent. Gives the waiting task back.
    pub(crate) fn ask(&mut self, question: K, waiting: W) -> Result<(), W> {
        if self.is_over {
            return Err(waiting);
        }
        // Of two that ask the same, the later one waits: the earlier attempt is gone.
        self.waiting.insert(question, waiting);
        Ok(())
    }

    /// Takes the task that waits for an answer that has come. An answer that comes twice is for no task.
    pub(crate) fn answered(&mut self, question: &K) -> Option<W> {
        self.waiting.remove(question)
    }

    /// Notes that the driver is gone; returns all tasks that wait.
    pub(crate) fn end(&mut self) -> Vec<W> {
        self.is_over = true;
        std::mem::take(&mut self.waiting).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_reaches_the_one_who_asked_and_once() {
        let mut pending = Pending::default();
        assert_eq!(pending.ask((7, 0), "first call"), Ok(()));
        assert_eq!(pending.ask((7, 1), "second call"), Ok(()));
        assert_eq!(pending.answered(&(7, 0)), Some("first call"));
        assert_eq!(pending.answered(&(7, 0)), None, "the answer came twice");
        assert_eq!(pending.answered(&(8, 0)), None, "another task's");
        assert_eq!(pending.end(), ["second call"]);
    }

    #[test]
    fn without_a_driver_no_one_begins_to_wait() {
        let mut pending = Pending::default();
        assert_eq!(pending.ask(1, "waits"), Ok(()));
        assert_eq!(pending.end(), ["waits"]);
        assert_eq!(pending.ask(2, "is told so"), Err("is told so"));
        assert!(pending.end().is_empty());
    }
}
