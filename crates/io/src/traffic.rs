//! Counts of the bytes that a thread has read from files and written to them, for the figures of tasks.
//!
//! A task runs on one thread, so what the thread's counts have grown by is what the task read and wrote. Bytes count where they
//! cross into the stores: compressed, if the file is compressed.

use std::cell::Cell;

/// Bytes that a thread has read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes read.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
}

thread_local! {
    static TRAFFIC: Cell<Traffic> = const { Cell::new(Traffic { read: 0, written: 0 }) };
}

impl Traffic {
    /// Returns what this thread has read and written so far.
    pub fn of_this_thread() -> Self {
        TRAFFIC.get()
    }

    /// Returns what this thread has read and written since `self`.
    pub fn since(self) -> Self {
        let now = TRAFFIC.get();
        Traffic { read: now.read - self.read, written: now.written - self.written }
    }
}

/// Counts bytes that this thread has read.
pub(crate) fn count_read(bytes: usize) {
    let traffic = TRAFFIC.get();
    TRAFFIC.set(Traffic { read: traffic.read + bytes as u64, ..traffic });
}

/// Counts bytes that this thread has written.
pub(crate) fn count_written(bytes: usize) {
    let traffic = TRAFFIC.get();
    TRAFFIC.set(Traffic { written: traffic.written + bytes as u64, ..traffic });
}
