//! A connection as all of its holders share it: the socket, TLS, and the order of senders.
//!
//! Two locks. `outgoing` is held by a sender until its bytes are with the system, so that messages never mix. `tls` is
//! held only while bytes are encrypted or decrypted, never while a thread waits for the socket. Whoever holds both took
//! `outgoing` first.

use crate::connection_table::Ticket;
use crate::socket::hold;
use crate::tls::{RECORD, Tls, room_for};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags};
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// So much is encrypted under one hold of the lock; a reader of the same connection waits no longer than that takes.
const PIECE: usize = 4 * RECORD;
/// So much is encrypted before it is written: fewer calls of the system, and still within the processor's cache.
const PIECES_A_WRITE: usize = 2;
const WRITE: usize = PIECES_A_WRITE * room_for(PIECE);

/// So much is discarded at once when a connection is closed,
const DISCARD: usize = 64 << 10;
/// and so often: more than a socket's buffer holds.
const DISCARDS: usize = 256;

pub(crate) struct Wire {
    pub(crate) socket: Arc<TcpStream>,
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    tls: Option<Mutex<Tls>>,
    outgoing: Mutex<Outgoing>,
    closed: AtomicBool,
    /// Its place among a listener's connections.
    _ticket: Option<Ticket>,
}

#[derive(Default)]
struct Outgoing {
    /// Encrypted bytes on their way. Made at the first use; what is never touched takes no memory.
    buffer: Vec<u8>,
    /// A message was cut off, or the last one was sent: nothing can follow.
    over: bool,
}

impl Wire {
    pub(crate) fn new(socket: Arc<TcpStream>, tls: Option<Tls>, ticket: Option<Ticket>) -> io::Result<Self> {
        Ok(Wire {
            peer: socket.peer_addr()?,
            local: socket.local_addr()?,
            socket,
            tls: tls.map(Mutex::new),
            outgoing: Mutex::default(),
            closed: AtomicBool::new(false),
            _ticket: ticket,
        })
    }

    pub(crate) fn tls(&self) -> Option<&Mutex<Tls>> {
        self.tls.as_ref()
    }

    /// Sends all of the parts, in one piece as far as other senders are concerned.
    pub(crate) fn send(&self, parts: &[&[u8]]) -> io::Result<()> {
        let mut outgoing = hold(&self.outgoing);
        if outgoing.over {
            return Err(ErrorKind::BrokenPipe.into());
        }
        // If this ends early, by an error or a panic, half a message may be out.
        outgoing.over = true;
        match &self.tls {
            Some(tls) => self.send_encrypted(tls, &mut outgoing.buffer, parts)?,
            None => self.write_parts(parts)?,
        }
        outgoing.over = false;
        Ok(())
    }

    fn send_encrypted(&self, tls: &Mutex<Tls>, buffer: &mut Vec<u8>, parts: &[&[u8]]) -> io::Result<()> {
        if buffer.is_empty() {
            buffer.resize(WRITE, 0);
        }
        let mut used = 0;
        for chunk in parts.iter().flat_map(|part| part.chunks(PIECE)) {
            if buffer.len() - used < room_for(chunk.len()) {
                self.write_all(&buffer[..used])?;
                used = 0;
            }
            used += hold(tls).encrypt(chunk, &mut buffer[used..])?;
        }
        self.write_all(&buffer[..used])
    }

    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.write_parts(&[bytes])
    }

    fn write_parts(&self, parts: &[&[u8]]) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> =
            parts.iter().filter(|part| !part.is_empty()).map(|part| IoSlice::new(part)).collect();
        let mut left = slices.as_mut_slice();
        while !left.is_empty() {
            let none = &mut SendAncillaryBuffer::default();
            match rustix::net::sendmsg(&self.socket, left, none, SendFlags::NOSIGNAL) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(wrote) => IoSlice::advance_slices(&mut left, wrote),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What the reader's direction owes goes out now if that takes no waiting, and otherwise never: it is an alert.
    pub(crate) fn try_send_owed(&self) {
        let (Some(tls), Ok(mut outgoing)) = (&self.tls, self.outgoing.try_lock()) else { return };
        if !outgoing.over {
            outgoing.over = true;
            let owed = hold(tls).take_owed();
            let _ = rustix::net::send(&self.socket, &owed, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        }
    }

    /// Says that nothing more will come from here, if that takes no waiting.
    pub(crate) fn finish_sending(&self) {
        if let Ok(mut outgoing) = self.outgoing.try_lock()
            && !std::mem::replace(&mut outgoing.over, true)
        {
            let mut word = [0; room_for(64)];
            if let Some(Ok(length)) = self.tls.as_ref().map(|tls| hold(tls).close(&mut word)) {
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                let _ = rustix::net::send(&self.socket, &word[..length], flags);
            }
        }
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Ends both directions at once. Whoever waits for the socket wakes up.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.finish_sending();
        self.discard_received();
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Makes room for what the other side waits to send. When that arrives after the end it is answered with a reset,
    /// which wakes its sender; without room it would never arrive.
    fn discard_received(&self) {
        let mut discarded = vec![0; DISCARD];
        for _ in 0..DISCARDS {
            let received = rustix::net::recv(&self.socket, &mut discarded[..], RecvFlags::DONTWAIT);
            if !matches!(received, Ok((1.., _))) {
                return;
            }
        }
    }

    /// Whether this side closed it.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
