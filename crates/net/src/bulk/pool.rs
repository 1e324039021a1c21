//! Connections that nobody uses at the moment, by server.

use super::line::Line;
use crate::socket::hold;
use std::collections::VecDeque;
use std::sync::Mutex;

pub(super) struct Pool {
    at_most: usize,
    /// Those that rest longest come first. There are few, so looking through them all costs less than an index.
    idle: Mutex<VecDeque<(String, Line)>>,
}

impl Pool {
    pub(super) fn new(at_most: usize) -> Self {
        Pool { at_most, idle: Mutex::default() }
    }

    /// Takes the one that rested shortest, and drops those that turn out to be of no use.
    pub(super) fn take(&self, address: &str) -> Option<Line> {
        loop {
            let line = {
                let mut idle = hold(&self.idle);
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
            let mut idle = hold(&self.idle);
            idle.push_back((address, line));
            // Closed when the lock is not held any more.
            if idle.len() > self.at_most { idle.pop_front() } else { None }
        };
    }

    pub(super) fn len(&self) -> usize {
        hold(&self.idle).len()
    }
}
