//! The wire: a connection as all of its holders share it, with the socket, TLS, and the order of senders.
//!
//! Two locks. `outgoing` is held by a sender until its bytes are with the system, so that messages never mix.
//! `tls` is held only while bytes are encrypted or decrypted, never while a thread waits for the socket. A
//! thread that holds both took `outgoing` first. A sender that panics releases `outgoing` with `over` set, so no
//! other message follows half of its own.

use crate::connection_table::Ticket;
use crate::tls::{RECORD, Tls, room_for};
use parking_lot::Mutex;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags};
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The bytes that are encrypted under one hold of the lock; a reader of the same connection waits no longer
/// than that takes.
const CHUNK: usize = 4 * RECORD;
/// The number of chunks that are encrypted before a write: fewer system calls, and still within the processor's
/// cache.
const CHUNKS_A_WRITE: usize = 2;
const WRITE: usize = CHUNKS_A_WRITE * room_for(CHUNK);

/// The bytes that are discarded at once when a connection is closed.
const DISCARD: usize = 64 << 10;
/// The number of times that bytes are discarded: together more than a socket's buffer has.
const DISCARDS: usize = 256;

pub(crate) struct Wire {
    pub(crate) socket: Arc<TcpStream>,
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    tls: Option<Mutex<Tls>>,
    outgoing: Mutex<Outgoing>,
    closed: AtomicBool,
    /// Its entry in a listener's table.
    _ticket: Option<Ticket>,
}

#[derive(Default)]
struct Outgoing {
    /// Encrypted bytes on their way. Made at the first use; pages that are never touched take no memory.
    buffer: Vec<u8>,
    /// True when a message was cut off, or the last one was sent: nothing can follow.
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

    /// Sends all of the parts. Bytes of other senders do not come between them.
    pub(crate) fn send(&self, parts: &[&[u8]]) -> io::Result<()> {
        let mut outgoing = self.outgoing.lock();
        if outgoing.over {
            return Err(ErrorKind::BrokenPipe.into());
        }
        // Set during the write: if that ends early, by an error or a panic, half a message may be out.
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
        for chunk in parts.iter().flat_map(|part| part.chunks(CHUNK)) {
            if buffer.len() - used < room_for(chunk.len()) {
                self.write_all(&buffer[..used])?;
                used = 0;
            }
            used += tls.lock().encrypt(chunk, &mut buffer[used..])?;
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

    /// Sends the bytes that the reader's direction owes if that takes no waiting, and otherwise never: they are
    /// an alert.
    pub(crate) fn try_send_owed(&self) {
        let (Some(tls), Some(mut outgoing)) = (&self.tls, self.outgoing.try_lock()) else { return };
        if !outgoing.over {
            outgoing.over = true;
            let owed = tls.lock().take_owed();
            let _ = rustix::net::send(&self.socket, &owed, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        }
    }

    /// Sends the closing alert, if that takes no waiting.
    pub(crate) fn finish_sending(&self) {
        if let Some(mut outgoing) = self.outgoing.try_lock()
            && !std::mem::replace(&mut outgoing.over, true)
        {
            let mut word = [0; room_for(64)];
            if let Some(Ok(length)) = self.tls.as_ref().map(|tls| tls.lock().close(&mut word)) {
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                let _ = rustix::net::send(&self.socket, &word[..length], flags);
            }
        }
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Ends both directions at once. Threads that wait for the socket wake up.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.finish_sending();
        self.discard_received();
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Makes room for the bytes that the other side waits to send. When they arrive after the end they are
    /// answered with a reset, which wakes their sender; without room they would never arrive.
    fn discard_received(&self) {
        let mut discarded = vec![0; DISCARD];
        for _ in 0..DISCARDS {
            let received = rustix::net::recv(&self.socket, &mut discarded[..], RecvFlags::DONTWAIT);
            if !matches!(received, Ok((1.., _))) {
                return;
            }
        }
    }

    /// Returns whether this side closed it.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
