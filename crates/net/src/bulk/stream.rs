//! An answer as the requester reads it: item by item, or stretch by stretch.

use super::frame::{FrameError, HEADER, Header, Kind, unpack};
use super::line::Line;
use super::shared::{BlockError, Shared};
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

/// What [`AnswerStream::next_item`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item {
    /// It is there, and was read.
    Here,
    /// It is not there.
    Missing,
    /// There are no more.
    End,
}

/// What [`AnswerStream::next_chunk`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Chunk {
    /// A stretch of an item; whether the item ends with it.
    Here {
        /// Whether the item ends with it.
        last: bool,
    },
    /// An item that is not there.
    Missing,
    /// There are no more.
    End,
}

/// The answer to a request. Read to its end it gives its connection back to the client; dropped before, it closes it,
/// and the server stops.
pub struct AnswerStream {
    shared: Arc<Shared>,
    address: String,
    /// None when it is over.
    line: Option<Line>,
    /// The request, while it may have to be sent again: the connection was kept, and nothing has come yet.
    again: Option<Vec<u8>>,
    /// An item has begun and not ended.
    within: bool,
    payload: Vec<u8>,
}

impl AnswerStream {
    pub(super) fn new(shared: Arc<Shared>, address: String, line: Line, again: Option<Vec<u8>>) -> Self {
        AnswerStream { shared, address, line: Some(line), again, within: false, payload: vec![] }
    }

    /// Reads a whole item, in place of what `into` held.
    ///
    /// # Errors
    /// When the server fails, or the connection does. Then the answer is over.
    pub fn next_item(&mut self, into: &mut Vec<u8>) -> Result<Item, BlockError> {
        into.clear();
        loop {
            match self.append_chunk(into)? {
                Chunk::Here { last: true } => return Ok(Item::Here),
                Chunk::Here { last: false } => {}
                Chunk::Missing => return Ok(Item::Missing),
                Chunk::End => return Ok(Item::End),
            }
        }
    }

    /// Reads the next stretch of an item, in place of what `into` held. It has at most [`super::FRAME_AT_MOST`] bytes.
    ///
    /// # Errors
    /// As [`AnswerStream::next_item`].
    pub fn next_chunk(&mut self, into: &mut Vec<u8>) -> Result<Chunk, BlockError> {
        into.clear();
        self.append_chunk(into)
    }

    fn append_chunk(&mut self, into: &mut Vec<u8>) -> Result<Chunk, BlockError> {
        if self.line.is_none() {
            return Ok(Chunk::End);
        }
        let chunk = self.read_chunk(into);
        if chunk.is_err() {
            // Closes it, unless it was given back already.
            self.line = None;
        }
        chunk
    }

    fn read_chunk(&mut self, into: &mut Vec<u8>) -> Result<Chunk, BlockError> {
        let header = Header::decode(&self.read_header()?)?;
        match header.kind {
            Kind::Data => {
                self.read_payload(&header, into)?;
                self.within = !header.last;
                Ok(Chunk::Here { last: header.last })
            }
            Kind::Missing if !self.within => {
                header.check(&[])?;
                Ok(Chunk::Missing)
            }
            Kind::End if !self.within => {
                header.check(&[])?;
                self.give_back();
                Ok(Chunk::End)
            }
            Kind::Failed => {
                let mut text = vec![];
                self.read_payload(&header, &mut text)?;
                self.give_back();
                Err(BlockError::Failed(String::from_utf8_lossy(&text).into_owned()))
            }
            Kind::Request | Kind::Missing | Kind::End => Err(FrameError::OutOfPlace(header.kind).into()),
        }
    }

    fn read_header(&mut self) -> Result<[u8; HEADER], BlockError> {
        loop {
            let mut header = [0; HEADER];
            let read = match &mut self.line {
                Some(line) => line.receiver.read_exact(&mut header),
                None => Err(ErrorKind::NotConnected.into()),
            };
            match (read, self.again.take()) {
                (Ok(()), _) => return Ok(header),
                (Err(error), Some(request)) if error.kind() != ErrorKind::TimedOut => {
                    // The server had closed the kept connection before it read the request. Reading blocks twice does
                    // no harm.
                    let line = self.shared.connect(&self.address)?;
                    line.ask(&request).map_err(|error| self.shared.broken(error))?;
                    self.line = Some(line);
                }
                (Err(error), _) => return Err(self.shared.broken(error)),
            }
        }
    }

    fn read_payload(&mut self, header: &Header, into: &mut Vec<u8>) -> Result<(), BlockError> {
        let Some(line) = &mut self.line else { return Ok(()) };
        let length = header.length as usize;
        let mut read = |into: &mut Vec<u8>| -> io::Result<()> { line.receiver.append_exactly(into, length) };
        if header.compressed {
            self.payload.clear();
            read(&mut self.payload).map_err(|error| self.shared.broken(error))?;
            return Ok(unpack(header, &self.payload, into)?);
        }
        let at = into.len();
        read(into).map_err(|error| self.shared.broken(error))?;
        Ok(header.check(&into[at..])?)
    }

    fn give_back(&mut self) {
        if let Some(line) = self.line.take() {
            self.shared.pool.give_back(std::mem::take(&mut self.address), line);
        }
    }
}

impl fmt::Debug for AnswerStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnswerStream(of {})", self.address)
    }
}
