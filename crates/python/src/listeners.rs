//! Events for listeners in Python: the listeners' thread of the engine writes lines of JSON into a bounded queue, and a thread of
//! Python's takes them in batches. The engine's thread never waits for the interpreter.

use firesteel_driver::Listener;
use firesteel_driver::events::ListenerEvent;
use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most bytes of lines that wait. With it the queue is bounded, whatever the sizes of events are.
const MOST_BYTES: usize = 64 << 20;

#[derive(Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// The names of the events that are wanted.
    wanted: BTreeSet<String>,
    /// The lines that found no room.
    dropped: u64,
    is_ended: bool,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

/// Events that wait for Python, as lines of an event log.
#[pyclass(frozen)]
pub(crate) struct EventLines {
    queue: Arc<Queue>,
    capacity: usize,
}

/// The engine's end of it.
pub(crate) struct EventWriter {
    queue: Arc<Queue>,
    capacity: usize,
}

impl EventLines {
    /// Returns the listener that fills it; when that is dropped, the events have ended.
    pub(crate) fn writer(&self) -> EventWriter {
        EventWriter { queue: self.queue.clone(), capacity: self.capacity }
    }
}

#[pymethods]
impl EventLines {
    /// Makes an empty queue for so many events at most.
    #[new]
    fn new(capacity: usize) -> Self {
        EventLines { queue: Arc::default(), capacity }
    }

    /// Sets the names of the events that are wanted; others are not even written.
    fn want(&self, names: BTreeSet<String>) {
        self.queue.state.lock().wanted = names;
    }

    /// Waits until there are events, at most so many seconds, and takes up to `most` of them, with the number of those that
    /// found no room before; None when the events have ended.
    fn take<'py>(
        &self,
        py: Python<'py>,
        most: usize,
        seconds: f64,
    ) -> Option<(Vec<Bound<'py, PyBytes>>, u64)> {
        let (lines, dropped) =
            py.detach(|| self.queue.take(most, Duration::from_secs_f64(seconds.max(0.0))))?;
        Some((lines.iter().map(|line| PyBytes::new(py, line)).collect(), dropped))
    }
}

impl Queue {
    fn take(&self, most: usize, at_most: Duration) -> Option<(Vec<Vec<u8>>, u64)> {
        let deadline = Instant::now() + at_most;
        let mut state = self.state.lock();
        while state.lines.is_empty() && !state.is_ended {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        if state.lines.is_empty() && state.is_ended {
            return None;
        }
        let count = most.min(state.lines.len());
        let lines: Vec<Vec<u8>> = state.lines.drain(..count).collect();
        state.bytes -= lines.iter().map(Vec::len).sum::<usize>();
        Some((lines, std::mem::take(&mut state.dropped)))
    }
}

impl Listener for EventWriter {
    fn on_event(&mut self, event: &ListenerEvent) {
        if !self.queue.state.lock().wanted.contains(event.name()) {
            return;
        }
        let mut line = vec![];
        event.write_to(&mut line);
        let mut state = self.queue.state.lock();
        if state.lines.len() >= self.capacity || state.bytes + line.len() > MOST_BYTES {
            state.dropped += 1;
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(line);
        if state.lines.len() == 1 {
            self.queue.changed.notify_all();
        }
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        self.queue.state.lock().is_ended = true;
        self.queue.changed.notify_all();
    }
}
