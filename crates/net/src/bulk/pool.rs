//! The pool of idle connections, by server.

use super::line::Line;
use parking_lot::Mutex;
use std::collections::VecDeque;

pub(super) struct Pool {
    at_most: usize,
    /// The connection that was idle longest comes first. There are few, so looking through them all costs less
    /// than an index.
    idle: Mutex<VecDeque<(String, Line)>>,
}

impl Pool {
    pub(super) fn new(at_most: usize) -> Self {
        Pool { at_most, idle: Mutex::default() }
    }

    /// Takes the connection that was idle shortest, and closes those that turn out to be unusable.
    pub(super) fn take(&self, address: &str) -> Option<Line> {
        loop {
            let line = {
                let mut idle = self.idle.lock();
                let at = idle.iter().rposition(|(of, _)| of == address)?;
                idle.remove(at)?.1
            };
            if line.receiver.is_idle() {
                return Some(line);
            }
        }
    }

    pub(super) fn give_back(&self, address: String, line: Line) {
        let _too_many = {
            let mut idle = self.idle.lock();
            idle.push_back((address, line));
            // The connection is dropped, and closed, after the lock was released.
            if idle.len() > self.at_most { idle.pop_front() } else { None }
        };
    }

    pub(super) fn len(&self) -> usize {
        self.idle.lock().len()
    }
}
