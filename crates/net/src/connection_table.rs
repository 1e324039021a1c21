//! The connection table of a listener: pending handshakes, open connections, running threads. It bounds them
//! all, and can end them all.

use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Default)]
pub(crate) struct ConnectionTable {
    /// Each holder checks what it finds, so a thread that panicked with the lock leaves nothing that misleads.
    state: Mutex<State>,
    /// Notified when a thread has ended.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    next: u64,
    /// By age, the oldest first.
    pending: BTreeMap<u64, Arc<TcpStream>>,
    standing: BTreeMap<u64, Option<Arc<dyn Closes>>>,
    threads: usize,
}

/// Ends a connection, from any thread.
pub(crate) trait Closes: Send + Sync {
    fn close(&self);
}

/// A handshake's place; dropping it gives it up.
pub(crate) struct Pending(Arc<ConnectionTable>, u64);

/// The entry of a connection; dropping it removes it.
pub(crate) struct Ticket(Arc<ConnectionTable>, u64);

/// A reference to a connection's entry, which does not keep it.
pub(crate) struct Slot(Arc<ConnectionTable>, u64);

/// The entry of a thread; dropping it removes it.
pub(crate) struct Running(Arc<ConnectionTable>);

impl ConnectionTable {
    /// Adds a handshake. When there are as many as are allowed, the oldest is given up: so a peer that only
    /// opens connections and sends nothing keeps out no peer that is quick. Returns none when the listener has
    /// stopped.
    pub(crate) fn begin(self: &Arc<Self>, socket: Arc<TcpStream>, at_most: usize) -> Option<Pending> {
        let mut state = self.state.lock();
        if state.stopped {
            return None;
        }
        while state.pending.len() >= at_most.max(1) {
            give_up_oldest(&mut state);
        }
        let number = state.number();
        state.pending.insert(number, socket);
        Some(Pending(self.clone(), number))
    }

    /// Gives up the oldest handshake: the system has no more file descriptors, and the handshake has one.
    pub(crate) fn give_up_oldest(&self) {
        give_up_oldest(&mut self.state.lock());
    }

    /// Reserves an entry for one more connection, if there is room.
    pub(crate) fn reserve(self: &Arc<Self>, at_most: usize) -> Option<Ticket> {
        let mut state = self.state.lock();
        if state.stopped || state.standing.len() >= at_most {
            return None;
        }
        let number = state.number();
        state.standing.insert(number, None);
        Some(Ticket(self.clone(), number))
    }

    /// Adds a thread that begins.
    pub(crate) fn run(self: &Arc<Self>) -> Running {
        self.state.lock().threads += 1;
        Running(self.clone())
    }

    /// Waits, up to `timeout`, until there are no more than `at_most` threads. Returns whether that came true.
    pub(crate) fn wait_for_threads(&self, at_most: usize, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let mut state = self.state.lock();
        while state.threads > at_most {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.changed.wait_for(&mut state, left);
        }
        true
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state.lock().stopped
    }

    /// Stops: from now on no handshake or connection begins.
    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
    }

    /// Closes all handshakes and connections.
    pub(crate) fn close_all(&self) {
        let (pending, standing) = {
            let mut state = self.state.lock();
            let closers: Vec<Arc<dyn Closes>> = state.standing.values().flatten().cloned().collect();
            (std::mem::take(&mut state.pending), closers)
        };
        pending.values().for_each(|socket| shut(socket));
        // Not under the lock: closing may drop the last holder, which comes here again.
        standing.iter().for_each(|connection| connection.close());
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

fn give_up_oldest(state: &mut State) {
    if let Some((_, oldest)) = state.pending.pop_first() {
        shut(&oldest);
    }
}

/// Shuts a socket down, which wakes the thread that waits for it.
fn shut(socket: &TcpStream) {
    let _ = socket.shutdown(Shutdown::Both);
}

impl Ticket {
    /// Returns a reference to the entry, which does not keep it.
    pub(crate) fn place(&self) -> Slot {
        Slot(self.0.clone(), self.1)
    }
}

impl Slot {
    /// From now on the connection can be closed; at once when the listener has stopped meanwhile.
    pub(crate) fn stands(self, closer: Arc<dyn Closes>) {
        let stopped = {
            let mut state = self.0.state.lock();
            if let Some(place) = state.standing.get_mut(&self.1) {
                *place = Some(closer.clone());
            }
            state.stopped
        };
        // `close_all` may have run before the closer was entered.
        if stopped {
            closer.close();
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.state.lock().pending.remove(&self.1);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.state.lock().standing.remove(&self.1);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.state.lock().threads -= 1;
        self.0.changed.notify_all();
    }
}
