//! The outbox: messages on their way to another process, sent by a thread of their own, so that no sender waits for a slow receiver. What
//! has gathered is sent in one go.
//!
//! A peer that does not read is given up when too much waits for it: it is frozen, or gone.

use crate::connection::{Closer, Sender};
use crate::message::frame;
use parking_lot::{Condvar, Mutex, MutexGuard};
use serde::Serialize;
use std::io;
use std::sync::Arc;
use std::thread;

/// So many bytes may wait. More than any honest peer lets gather: it reads all the time.
const WAITING_AT_MOST: usize = 256 << 20;

/// Messages to one peer. Cheap to clone; clones are the same.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    closer: Closer,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// True while the thread is sending what it took.
    is_sending: bool,
    closed: bool,
}

impl Outbox {
    /// Messages that leave through a connection.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub fn new(name: &str, sender: Sender, closer: Closer) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), closer });
        let outbox = Outbox { shared: shared.clone() };
        thread::Builder::new().name(name.into()).spawn(move || shared.send_all(&sender))?;
        Ok(outbox)
    }

    /// Sends a message; nobody hears it when the peer is gone.
    pub fn send(&self, message: &impl Serialize) {
        let framed = match frame(message) {
            Ok(framed) => framed,
            // What cannot be encoded cannot be said; the peer's silence would last for ever.
            Err(_) => return self.close(),
        };
        let mut state = self.shared.state();
        if state.closed {
            return;
        }
        state.waiting.extend_from_slice(&framed);
        if state.waiting.len() > WAITING_AT_MOST {
            drop(state);
            return self.close();
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Waits until everything was sent, or nobody is there to read it.
    pub fn flush(&self) {
        let mut state = self.shared.state();
        while !state.closed && (state.is_sending || !state.waiting.is_empty()) {
            self.shared.changed.wait(&mut state);
        }
    }

    /// Ends the connection. What has not been sent is lost.
    pub fn close(&self) {
        self.shared.state().closed = true;
        self.shared.closer.close();
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn send_all(&self, sender: &Sender) {
        let mut sending = vec![];
        loop {
            {
                let mut state = self.state();
                state.is_sending = false;
                self.changed.notify_all();
                while state.waiting.is_empty() && !state.closed {
                    self.changed.wait(&mut state);
                }
                if state.closed {
                    return;
                }
                std::mem::swap(&mut state.waiting, &mut sending);
                state.is_sending = true;
            }
            if sender.send(&sending).is_err() {
                self.state().closed = true;
                self.changed.notify_all();
                return;
            }
            sending.clear();
        }
    }
}
