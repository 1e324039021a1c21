//! The block server: reads requests, and writes answers item by item.

use super::adaptive::Adaptive;
use super::frame::{FRAME_AT_MOST, FrameError, HEADER, Header, Kind};
use crate::{Connection, Receiver, Sender};
use std::io::{self, ErrorKind, Read};
use std::time::Instant;

/// The most bytes of a request: the names of some hundred thousand blocks.
pub const REQUEST_AT_MOST: usize = 16 << 20;

/// The number of bytes up to which frames are gathered: small items go out together.
const GATHERED: usize = 64 << 10;
/// The fewest bytes that are worth compressing.
const COMPRESSED_AT_LEAST: usize = 1 << 10;
/// The most bytes of an error's text.
const ERROR_TEXT: usize = 16 << 10;

/// A source of blocks, which answers requests.
pub trait Serve: Send + Sync {
    /// Answers one request with any number of items, in the order in which the requester expects them.
    ///
    /// # Errors
    /// Fails the request with the error's text; the connection can be used again.
    fn serve(&self, request: &[u8], answer: &mut Answer<'_>) -> io::Result<()>;
}

/// Answers requests until the client closes the connection, or it breaks.
pub fn serve_blocks(connection: Connection, serve: &dyn Serve) {
    let (mut receiver, sender) = connection.split();
    let mut line = Line::new(sender);
    let mut request = vec![];
    // An error here closes the connection, which tells the client.
    while let Ok(true) = read_request(&mut receiver, &mut request) {
        let mut answer = Answer { line: &mut line, open: false, broken: false };
        let served = serve.serve(&request, &mut answer);
        if answer.finish(served).is_err() {
            return;
        }
    }
}

/// Reads a request; returns false at the end of the connection.
fn read_request(receiver: &mut Receiver, request: &mut Vec<u8>) -> io::Result<bool> {
    request.clear();
    let mut payload = vec![];
    loop {
        let mut header = [0; HEADER];
        if receiver.read(&mut header[..1])? == 0 {
            return Ok(false);
        }
        receiver.read_exact(&mut header[1..])?;
        let header = Header::decode(&header).map_err(frame_error)?;
        if header.kind != Kind::Request {
            return Err(frame_error(FrameError::OutOfPlace(header.kind)));
        }
        if request.len() + header.length as usize > REQUEST_AT_MOST {
            return Err(io::Error::new(ErrorKind::InvalidData, "a request is too long"));
        }
        payload.clear();
        receiver.append_exactly(&mut payload, header.length as usize)?;
        super::frame::unpack(&header, &payload, request).map_err(frame_error)?;
        if header.last {
            return Ok(true);
        }
    }
}

pub(crate) fn frame_error(error: FrameError) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

/// The state of a connection that outlives a single answer.
struct Line {
    sender: Sender,
    checked: bool,
    adaptive: Adaptive,
    /// Whole frames that wait for others.
    gathered: Vec<u8>,
    packed: Vec<u8>,
    /// The chunk of an open item that fills no frame yet.
    item: Vec<u8>,
}

impl Line {
    fn new(sender: Sender) -> Self {
        let checked = !sender.is_secure();
        let adaptive = Adaptive::default();
        Line { sender, checked, adaptive, gathered: vec![], packed: vec![], item: vec![] }
    }

    fn frame(&mut self, kind: Kind, last: bool, raw: &[u8]) -> io::Result<()> {
        let compress =
            kind == Kind::Data && raw.len() >= COMPRESSED_AT_LEAST && self.adaptive.should_compress();
        let packed = if compress { self.pack(raw) } else { None };
        let (payload, raw_length) = match packed {
            Some(length) => (&self.packed[..length], Some(raw.len())),
            None => (raw, None),
        };
        let header = Header::of(kind, last, payload, raw_length, self.checked).encode();
        // Small frames are gathered: one system call and one TLS record for many.
        if self.gathered.len() + HEADER + payload.len() <= GATHERED {
            self.gathered.extend_from_slice(&header);
            self.gathered.extend_from_slice(payload);
            return Ok(());
        }
        let began = Instant::now();
        self.sender.send_parts(&[&self.gathered, &header, payload])?;
        let bytes = self.gathered.len() + HEADER + payload.len();
        self.adaptive.sent(bytes, began.elapsed().as_secs_f64());
        self.gathered.clear();
        Ok(())
    }

    /// Compresses a payload, and returns its new length if that is smaller.
    fn pack(&mut self, raw: &[u8]) -> Option<usize> {
        self.packed.resize(lz4_flex::block::get_maximum_output_size(raw.len()), 0);
        let began = Instant::now();
        let packed = lz4_flex::block::compress_into(raw, &mut self.packed).unwrap_or(raw.len());
        self.adaptive.compressed(raw.len(), packed, began.elapsed().as_secs_f64());
        (packed < raw.len()).then_some(packed)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sender.send(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }
}

/// An answer in the making: items are sent as they are given.
pub struct Answer<'a> {
    line: &'a mut Line,
    /// True within [`Answer::begin_item`] and [`Answer::end_item`].
    open: bool,
    /// True when the connection has failed.
    broken: bool,
}

impl Answer<'_> {
    /// Sends a whole item, of any length.
    ///
    /// # Errors
    /// When the client is gone; pass it on. Also when another item is not ended.
    pub fn item(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.closed()?;
        let whole = bytes.len().saturating_sub(1) / FRAME_AT_MOST * FRAME_AT_MOST;
        let (first, last) = bytes.split_at(whole);
        first.chunks(FRAME_AT_MOST).try_for_each(|chunk| self.frame(Kind::Data, false, chunk))?;
        self.frame(Kind::Data, true, last)
    }

    /// Sends the notice that an item is not there.
    ///
    /// # Errors
    /// As [`Answer::item`].
    pub fn missing(&mut self) -> io::Result<()> {
        self.closed()?;
        self.frame(Kind::Missing, true, &[])
    }

    /// Begins an item that comes in chunks.
    ///
    /// # Errors
    /// When another item is not ended.
    pub fn begin_item(&mut self) -> io::Result<()> {
        self.closed()?;
        self.open = true;
        self.line.item.clear();
        Ok(())
    }

    /// Sends the next chunk of the open item.
    ///
    /// # Errors
    /// As [`Answer::item`], and when no item is open.
    pub fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.opened()?;
        while !bytes.is_empty() {
            let room = FRAME_AT_MOST - self.line.item.len();
            let (now, later) = bytes.split_at(bytes.len().min(room));
            // A whole frame is sent from the caller's memory, without a copy.
            if now.len() == FRAME_AT_MOST {
                self.frame(Kind::Data, false, now)?;
            } else {
                self.line.item.extend_from_slice(now);
                if self.line.item.len() == FRAME_AT_MOST {
                    self.frame_item(false)?;
                }
            }
            bytes = later;
        }
        Ok(())
    }

    /// Ends the open item.
    ///
    /// # Errors
    /// As [`Answer::append`].
    pub fn end_item(&mut self) -> io::Result<()> {
        self.opened()?;
        self.open = false;
        self.frame_item(true)
    }

    fn frame_item(&mut self, last: bool) -> io::Result<()> {
        let mut item = std::mem::take(&mut self.line.item);
        let framed = self.frame(Kind::Data, last, &item);
        item.clear();
        self.line.item = item;
        framed
    }

    fn frame(&mut self, kind: Kind, last: bool, bytes: &[u8]) -> io::Result<()> {
        self.line.frame(kind, last, bytes).inspect_err(|_| self.broken = true)
    }

    fn closed(&self) -> io::Result<()> {
        if self.open { Err(io::Error::other("the item before was not ended")) } else { Ok(()) }
    }

    fn opened(&self) -> io::Result<()> {
        if self.open { Ok(()) } else { Err(io::Error::other("no item was begun")) }
    }

    /// Ends the answer, with the server's error if there is one. Returns an error if the connection cannot be
    /// used any more.
    fn finish(mut self, served: io::Result<()>) -> io::Result<()> {
        let served = served.and_then(|()| self.closed());
        match served {
            Err(error) if self.broken => return Err(error),
            Err(error) => {
                let text = error.to_string();
                self.frame(Kind::Failed, true, &text.as_bytes()[..text.len().min(ERROR_TEXT)])?;
            }
            Ok(()) => self.frame(Kind::End, true, &[])?,
        }
        self.line.flush()
    }
}
