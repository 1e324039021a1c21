//! The listener: one thread accepts, each handshake has a small thread of its own, each open connection
//! another.
//!
//! A peer without the secret can make the listener accept and begin a handshake, and no more: handshakes are
//! few, have a deadline each, and the oldest is given up when there are too many. Everything else is for
//! holders of the secret.

use crate::connection_table::{ConnectionTable, Pending, Running};
use crate::handshake::answer;
use crate::socket::{Deadline, listen, tune};
use crate::{ConnectError, Connection, Credentials};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// The stack of a handshake's thread: it needs little, and there may be many.
const HANDSHAKE_STACK: usize = 256 << 10;
/// The time without accepting when the system has no more file descriptors, or no more threads.
const BREATH: Duration = Duration::from_millis(20);

/// The limits on what peers may take, before and after they are authenticated.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest time of a handshake, from the accepted socket to the last preface, however slowly the bytes
    /// come. Ten seconds: it takes a millisecond and three round trips, and more on a machine under load.
    pub handshake_timeout: Duration,
    /// The most handshakes at once; one more, and the oldest is given up. 256: a cluster's worth of executors
    /// may connect at the same moment, and each costs a thread and a descriptor.
    pub handshakes_at_most: usize,
    /// The most open connections at once. 10,000: each has a thread; the limit keeps a mistake from taking the
    /// whole machine.
    pub connections_at_most: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            handshake_timeout: Duration::from_secs(10),
            handshakes_at_most: 256,
            connections_at_most: 10_000,
        }
    }
}

type Handler = dyn Fn(Connection) + Send + Sync;
type Report = dyn Fn(SocketAddr, &ConnectError) + Send + Sync;

/// A bound port. Connections wait in the system's queue until [`Listener::serve`].
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    credentials: Credentials,
    limits: Limits,
    report: Box<Report>,
}

impl Listener {
    /// Binds "host:port"; port 0 is any that is free.
    ///
    /// # Errors
    /// When the host has no such address, or the port is taken.
    pub fn bind(address: &str, credentials: Credentials, limits: Limits) -> io::Result<Self> {
        let socket = listen(address)
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
        let address = socket.local_addr()?;
        Ok(Listener { socket, address, credentials, limits, report: Box::new(|_, _| {}) })
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the function that is called for each failed handshake with the peer's address and the reason, for a
    /// log. Unauthenticated peers decide how often, so a log should not take them all.
    pub fn report(mut self, report: impl Fn(SocketAddr, &ConnectError) + Send + Sync + 'static) -> Self {
        self.report = Box::new(report);
        self
    }

    /// Begins to accept. The handler runs in a thread of its own for each connection; when it returns, the
    /// halves of the connection that it gave away stay open. Threads are called after `name`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn serve(
        self,
        name: &str,
        handler: impl Fn(Connection) + Send + Sync + 'static,
    ) -> io::Result<Serving> {
        let (wake, woken) = UnixStream::pair()?;
        let (connection_table, address) = (Arc::new(ConnectionTable::default()), self.address);
        let desk = Arc::new(Desk {
            credentials: self.credentials,
            limits: self.limits,
            report: self.report,
            handler: Box::new(handler),
            connection_table: connection_table.clone(),
            name: name.into(),
        });
        let socket = self.socket;
        let thread = Builder::new().name(name.into()).spawn(move || desk.accept_all(&socket, &woken))?;
        Ok(Serving { address, connection_table, wake, thread: Mutex::new(Some(thread)) })
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({}, {:?})", self.address, self.credentials)
    }
}

/// A running listener. Dropping it stops it.
pub struct Serving {
    address: SocketAddr,
    connection_table: Arc<ConnectionTable>,
    wake: UnixStream,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Serving {
    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: the port is free when this returns, and all handshakes and connections are closed. Handlers see
    /// the end of theirs and return in their own time; [`Serving::wait`] waits for that.
    pub fn stop(&self) {
        self.connection_table.stop();
        let _ = (&self.wake).write(&[1]);
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
        self.connection_table.close_all();
    }

    /// Waits until none of its threads runs any more, which is only after [`Serving::stop`]. Returns false if
    /// one still does after that time.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.connection_table.wait_for_threads(0, timeout)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serving({})", self.address)
    }
}

/// The state that all threads of a listener share.
struct Desk {
    credentials: Credentials,
    limits: Limits,
    report: Box<Report>,
    handler: Box<Handler>,
    connection_table: Arc<ConnectionTable>,
    name: String,
}

impl Desk {
    fn accept_all(self: Arc<Self>, listener: &TcpListener, woken: &UnixStream) {
        while !self.connection_table.is_stopped() {
            let mut both = [PollFd::new(listener, PollFlags::IN), PollFd::new(woken, PollFlags::IN)];
            let _ = poll(&mut both, None);
            match listener.accept() {
                _ if self.connection_table.is_stopped() => return,
                Ok((socket, peer)) => self.clone().admit(socket, peer, woken),
                Err(error) => self.survive(&error, woken),
            }
        }
    }

    /// Goes on after an error of `accept`: no error of one socket is one of the listener.
    fn survive(&self, error: &io::Error, woken: &UnixStream) {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionAborted => {}
            _ => {
                // Out of descriptors or threads: a pending handshake is given up to free one.
                self.connection_table.give_up_oldest();
                pause(woken);
            }
        }
    }

    fn admit(self: Arc<Self>, socket: TcpStream, peer: SocketAddr, woken: &UnixStream) {
        let socket = Arc::new(socket);
        let Some(pending) = self.connection_table.begin(socket.clone(), self.limits.handshakes_at_most)
        else {
            return;
        };
        let running = self.connection_table.run();
        let deadline = Deadline::after(self.limits.handshake_timeout);
        let thread = Builder::new().name(format!("{}-hello", self.name)).stack_size(HANDSHAKE_STACK);
        let begun = thread.spawn(move || self.greet(socket, peer, deadline, pending, running));
        if begun.is_err() {
            pause(woken);
        }
    }

    fn greet(
        self: Arc<Self>,
        socket: Arc<TcpStream>,
        peer: SocketAddr,
        deadline: Deadline,
        pending: Pending,
        running: Running,
    ) {
        let reserve = || self.connection_table.reserve(self.limits.connections_at_most);
        let made = tune(&socket).map_err(ConnectError::from);
        let made = made.and_then(|()| answer(socket, &self.credentials, deadline, reserve));
        drop(pending);
        match made {
            Ok(connection) => self.hand_over(connection, running),
            Err(error) => (self.report)(peer, &error),
        }
    }

    fn hand_over(self: Arc<Self>, connection: Connection, running: Running) {
        let name = self.name.clone();
        // If no thread can be started the connection is dropped, and closed.
        let _ = Builder::new().name(name).spawn(move || {
            let _running = running;
            (self.handler)(connection);
        });
    }
}

/// Waits a moment, or less when the listener is stopped.
fn pause(woken: &UnixStream) {
    let time = Timespec { tv_sec: 0, tv_nsec: BREATH.subsec_nanos().into() };
    let _ = poll(&mut [PollFd::new(woken, PollFlags::IN)], Some(&time));
}
