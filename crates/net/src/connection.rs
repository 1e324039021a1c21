//! An authenticated connection: two halves for two threads, and a handle that closes it from any other.

use crate::Purpose;
use crate::connection_table::Closes;
use crate::socket::timed_out;
use crate::tls::Step;
use crate::wire::Wire;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The bytes to read from the socket at once. Pages that are never touched take no memory.
const READ: usize = 128 << 10;

/// A connection whose handshake is done, on either side. Dropping it closes it.
pub struct Connection {
    purpose: Purpose,
    receiver: Receiver,
    sender: Sender,
}

impl Connection {
    pub(crate) fn new(purpose: Purpose, wire: Arc<Wire>, incoming: Incoming) -> Self {
        let sender = Sender(Arc::new(SendingEnd(wire.clone())));
        Connection { purpose, receiver: Receiver { wire, incoming, over: false }, sender }
    }

    /// Returns its purpose, as the connecting side declared it.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Returns the other side's address.
    pub fn peer(&self) -> SocketAddr {
        self.receiver.wire.peer
    }

    /// Returns this side's address, by which the other side's machine reaches this one.
    pub fn local(&self) -> SocketAddr {
        self.receiver.wire.local
    }

    /// Returns the two halves.
    pub fn split(self) -> (Receiver, Sender) {
        (self.receiver, self.sender)
    }

    /// Returns a handle that closes it.
    pub fn closer(&self) -> Closer {
        self.sender.closer()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({:?}, with {})", self.purpose, self.peer())
    }
}

/// Bytes that came and were not consumed yet.
#[derive(Default)]
pub(crate) struct Incoming {
    /// As they came from the socket: encrypted if the connection has TLS.
    raw: Vec<u8>,
    from: usize,
    to: usize,
    /// The rest of a decrypted record.
    plain: Vec<u8>,
    plain_from: usize,
}

impl Incoming {
    /// Returns the bytes that came and are not processed yet.
    pub(crate) fn raw(&mut self) -> &mut [u8] {
        &mut self.raw[self.from..self.to]
    }

    pub(crate) fn used(&mut self, bytes: usize) {
        self.from += bytes;
    }

    /// Reads once from the socket, behind the bytes that are there; returns the number of new bytes.
    pub(crate) fn read_from(&mut self, mut socket: impl Read, room: usize) -> io::Result<usize> {
        self.raw.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        if self.raw.len() < room {
            self.raw.resize(room, 0);
        }
        if self.to == self.raw.len() {
            return Err(io::Error::new(ErrorKind::InvalidData, "a record is longer than records are"));
        }
        loop {
            match socket.read(&mut self.raw[self.to..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(timed_out(error)),
                Ok(came) => {
                    self.to += came;
                    return Ok(came);
                }
            }
        }
    }

    pub(crate) fn keep_plain(&mut self, plain: &[u8]) {
        self.plain.extend_from_slice(plain);
    }

    /// Fills `bytes` from buffered plaintext, if there is enough.
    pub(crate) fn take_plain(&mut self, bytes: &mut [u8]) -> bool {
        let enough = self.plain.len() - self.plain_from >= bytes.len();
        if enough {
            self.give_plain(&mut |plain| {
                bytes.copy_from_slice(&plain[..bytes.len()]);
                bytes.len()
            });
        }
        enough
    }

    /// Gives the sink as much buffered plaintext as it takes.
    fn give_plain(&mut self, sink: &mut dyn FnMut(&[u8]) -> usize) {
        self.plain_from += sink(&self.plain[self.plain_from..]);
        if self.plain_from == self.plain.len() {
            self.plain.clear();
            self.plain_from = 0;
        }
    }
}

/// The receiving half. Only one thread has it.
///
/// The end of the other side's bytes reads as zero bytes, and so does this side's own [`Closer::close`]. If a
/// connection ends without the other side's closing alert, an encrypted one returns
/// [`ErrorKind::UnexpectedEof`].
pub struct Receiver {
    wire: Arc<Wire>,
    incoming: Incoming,
    over: bool,
}

impl Receiver {
    /// Sets the longest wait of a read for any bytes; then it returns [`ErrorKind::TimedOut`], and may be tried
    /// again.
    ///
    /// # Errors
    /// When the system refuses, as it does for a duration of zero.
    pub fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.wire.socket.set_read_timeout(timeout)
    }

    /// Appends exactly `bytes` bytes, without writing them twice.
    pub(crate) fn append_exactly(&mut self, into: &mut Vec<u8>, mut bytes: usize) -> io::Result<()> {
        while bytes > 0 {
            let more = self.fill(&mut |plain| {
                let taken = plain.len().min(bytes);
                into.extend_from_slice(&plain[..taken]);
                bytes -= taken;
                taken
            })?;
            if !more {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Returns whether nothing has come unrequested and the other side has not ended the connection. Does not
    /// wait.
    pub(crate) fn is_idle(&self) -> bool {
        use rustix::net::{RecvFlags, recv};
        let kept = self.incoming.plain.len() + (self.incoming.to - self.incoming.from);
        let mut byte = [0; 1];
        let came = recv(&self.wire.socket, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT);
        !self.over && kept == 0 && matches!(came, Err(rustix::io::Errno::AGAIN))
    }

    /// Waits until there is plaintext for the sink, hands it over, and buffers what the sink does not take.
    /// Returns false at the end.
    fn fill(&mut self, sink: &mut dyn FnMut(&[u8]) -> usize) -> io::Result<bool> {
        if !self.incoming.plain.is_empty() {
            self.incoming.give_plain(sink);
            return Ok(true);
        }
        while !self.over {
            if self.incoming.from < self.incoming.to {
                match self.unwrap_record(sink)? {
                    Step::Plain => return Ok(true),
                    Step::End => self.over = true,
                    Step::More | Step::Handshake => self.read_more()?,
                }
            } else {
                self.read_more()?;
            }
        }
        Ok(false)
    }

    fn unwrap_record(&mut self, sink: &mut dyn FnMut(&[u8]) -> usize) -> io::Result<Step> {
        let Incoming { raw, from, to, plain, .. } = &mut self.incoming;
        let Some(tls) = self.wire.tls() else {
            *from += sink(&raw[*from..*to]);
            return Ok(Step::Plain);
        };
        let mut given = 0;
        let (used, step) = tls.lock().step(&mut raw[*from..*to], &mut |record| {
            let taken = if plain.is_empty() { sink(record) } else { 0 };
            plain.extend_from_slice(&record[taken..]);
            given += record.len();
        });
        *from += used;
        match step {
            // A record may be empty: the next one is tried.
            Ok(Step::Plain) if given == 0 => self.unwrap_record(sink),
            Ok(step) => Ok(step),
            Err(error) => {
                self.over = true;
                self.wire.try_send_owed();
                self.wire.close();
                Err(io::Error::new(ErrorKind::InvalidData, error))
            }
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        match self.incoming.read_from(&*self.wire.socket, READ) {
            Ok(0) => {
                self.over = true;
                // Without the closing alert of the other side, an attacker on the way may have cut the
                // connection.
                let cut = self.wire.tls().is_some() && !self.wire.is_closed();
                if cut { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
            }
            Ok(_) => Ok(()),
            // This side closed it: the failed read is the expected end.
            Err(_) if self.wire.is_closed() => {
                self.over = true;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

impl Read for Receiver {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let mut read = 0;
        self.fill(&mut |plain| {
            read = plain.len().min(into.len());
            into[..read].copy_from_slice(&plain[..read]);
            read
        })?;
        Ok(read)
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receiver(from {})", self.wire.peer)
    }
}

/// The sending half. Clones share it. When the last one is dropped the other side reads the end.
#[derive(Clone)]
pub struct Sender(Arc<SendingEnd>);

struct SendingEnd(Arc<Wire>);

impl Drop for SendingEnd {
    fn drop(&mut self) {
        self.0.finish_sending();
    }
}

impl Sender {
    /// Sends all of the bytes, encrypted, before it returns. Bytes of other senders do not come between them.
    /// It waits while the other side does not read.
    ///
    /// # Errors
    /// When the connection is closed or broken. After that nothing can be sent any more.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.send_parts(&[bytes])
    }

    /// Sends several byte strings as one.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub fn send_parts(&self, parts: &[&[u8]]) -> io::Result<()> {
        self.0.0.send(parts)
    }

    /// Returns a handle that closes the connection.
    pub fn closer(&self) -> Closer {
        Closer(Arc::downgrade(&self.0.0))
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.0.0.tls().is_some()
    }
}

impl Write for &Sender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender(to {})", self.0.0.peer)
    }
}

/// A handle that closes a connection from any thread. It does not keep the connection open: when both halves
/// are gone there is nothing left to close.
#[derive(Clone, Debug)]
pub struct Closer(Weak<Wire>);

impl Closer {
    pub(crate) fn of(wire: &Arc<Wire>) -> Self {
        Closer(Arc::downgrade(wire))
    }

    /// Closes the connection: its readers see the end and its senders get an error, here and on the other side.
    pub fn close(&self) {
        if let Some(wire) = self.0.upgrade() {
            wire.close();
        }
    }
}

impl Closes for Closer {
    fn close(&self) {
        Closer::close(self);
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.peer)
    }
}
