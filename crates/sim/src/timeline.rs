//! The time of a world: what will happen, in order, and the story of what has.

use crate::objection::Objection;
use std::collections::{BTreeMap, VecDeque};

/// How much of the story is told when it ends badly.
const LINES_TOLD: usize = 90;

/// True time, and a queue of what will happen.
pub(crate) struct Timeline<H> {
    pub(crate) now: u64,
    pub(crate) happened: u64,
    queue: BTreeMap<(u64, u64), H>,
    sequence: u64,
    story: Option<VecDeque<String>>,
}

impl<H> Timeline<H> {
    /// The time before anything has happened.
    pub(crate) fn new(traced: bool) -> Self {
        Timeline {
            now: 0,
            happened: 0,
            queue: BTreeMap::new(),
            sequence: 0,
            story: traced.then(VecDeque::new),
        }
    }

    /// Something will happen.
    pub(crate) fn at(&mut self, time: u64, happening: H) {
        self.sequence += 1;
        self.queue.insert((time.max(self.now), self.sequence), happening);
    }

    /// Something will happen soon.
    pub(crate) fn after(&mut self, delay: u64, happening: H) {
        self.at(self.now + delay, happening);
    }

    /// Returns what happens next until a time, at its time; none when that time has come. A world in which more than `most`
    /// things happen makes no progress.
    pub(crate) fn next_until(&mut self, end: u64, most: u64) -> Result<Option<H>, Objection> {
        if self.queue.first_key_value().is_none_or(|(&(at, _), _)| at > end) {
            self.now = end;
            return Ok(None);
        }
        let Some(((at, _), happening)) = self.queue.pop_first() else { return Ok(None) };
        assert!(at >= self.now, "time does not go back");
        self.now = at;
        self.happened += 1;
        match self.happened > most {
            true => Err(format!("no progress: {} happenings, {} ms", self.happened, self.now)),
            false => Ok(Some(happening)),
        }
    }

    /// Adds a line to the story, if there is one.
    pub(crate) fn trace(&mut self, line: impl Into<String>) {
        let Some(story) = &mut self.story else { return };
        let line: String = format!("{:>8} {}", self.now, line.into()).chars().take(330).collect();
        story.push_back(line);
        if story.len() > LINES_TOLD {
            story.pop_front();
        }
    }

    pub(crate) fn is_traced(&self) -> bool {
        self.story.is_some()
    }

    /// The last lines of the story.
    pub(crate) fn story(&self) -> Vec<String> {
        self.story.iter().flatten().cloned().collect()
    }
}
