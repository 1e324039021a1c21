//! TCP sockets: their options, and reading and writing with one deadline over all of it.

use crate::Purpose;
use rustix::net::sockopt;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// The time without traffic after which the system asks the other machine whether it is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
/// The time that the system waits for the answer.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// The number of times that it asks. A machine that vanished is noticed after a minute at the latest.
const KEEPALIVE_PROBES: u32 = 3;

/// The longest time that bytes of a control connection may stay unacknowledged. Not for blocks: there a reader
/// may take its time, and the system would count that, too.
const UNACKNOWLEDGED_AT_MOST_MS: u32 = 60_000;

/// The most connections that wait to be accepted; the system's own limit counts, too.
const BACKLOG: i32 = 4096;

/// Listens on "host:port".
pub(crate) fn listen(address: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // Called again, for a longer queue than the standard library's.
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Sets options so that small messages leave at once, and vanished machines are noticed.
pub(crate) fn tune(socket: &TcpStream) -> io::Result<()> {
    socket.set_nonblocking(false)?;
    socket.set_nodelay(true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, KEEPALIVE_AFTER)?;
    sockopt::set_tcp_keepintvl(socket, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(socket, KEEPALIVE_PROBES)?;
    Ok(())
}

/// Sets the timeouts for after the handshake: no deadline any more, except that of the purpose.
pub(crate) fn settle(socket: &TcpStream, purpose: Purpose) -> io::Result<()> {
    socket.set_read_timeout(None)?;
    socket.set_write_timeout(None)?;
    match purpose {
        Purpose::Blocks => Ok(()),
        Purpose::Control | Purpose::Master => unacknowledged_at_most(socket),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn unacknowledged_at_most(socket: &TcpStream) -> io::Result<()> {
    Ok(sockopt::set_tcp_user_timeout(socket, UNACKNOWLEDGED_AT_MOST_MS)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn unacknowledged_at_most(_socket: &TcpStream) -> io::Result<()> {
    let _ = UNACKNOWLEDGED_AT_MOST_MS;
    Ok(())
}

/// The time at which a handshake must have ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(time: Duration) -> Self {
        // A timeout that the clock cannot represent counts as a very long one.
        let now = Instant::now();
        Deadline(now.checked_add(time).unwrap_or_else(|| now + Duration::from_secs(1 << 30)))
    }

    /// Returns the time that is left; an error when there is none.
    pub(crate) fn left(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(too_late()) } else { Ok(left) }
    }
}

fn too_late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the handshake was not done in time")
}

/// A socket with one deadline over all reads and writes, so that bytes that trickle in do not extend it.
pub(crate) struct Hurried<'a> {
    pub(crate) socket: &'a TcpStream,
    pub(crate) deadline: Deadline,
}

impl Read for Hurried<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.deadline.left()?))?;
        self.socket.read(into).map_err(timed_out)
    }
}

impl Write for Hurried<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.deadline.left()?))?;
        self.socket.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Translates a socket's timeout, which the system reports as "would block".
pub(crate) fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::Error::new(io::ErrorKind::TimedOut, "nothing came in time"),
        _ => error,
    }
}
