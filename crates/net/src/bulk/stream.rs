//! The answer stream: an answer as the client reads it, item by item or chunk by chunk.

use super::frame::{FrameError, HEADER, Header, Kind, unpack};
use super::line::Line;
use super::shared::{BlockError, Shared};
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

/// The result of [`AnswerStream::next_item`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item {
    /// It is there, and was read.
    Here,
    /// It is not there.
    Missing,
    /// There are no more.
    End,
}

/// The result of [`AnswerStream::next_chunk`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Chunk {
    /// A chunk of an item.
    Here {
        /// True if the item ends with it.
        last: bool,
    },
    /// An item that is not there.
    Missing,
    /// There are no more.
    End,
}

/// The answer to a request. Read to its end it returns its connection to the client's pool; dropped before, it
/// closes the connection, and the server stops.
pub struct AnswerStream {
    shared: Arc<Shared>,
    address: String,
    /// None when the answer is over.
    line: Option<Line>,
    /// The request, as long as it may have to be sent again: the connection was pooled, and nothing has come
    /// yet.
    again: Option<Vec<u8>>,
    /// True while an item has begun and not ended.
    within: bool,
    payload: Vec<u8>,
}

impl AnswerStream {
    pub(super) fn new(shared: Arc<Shared>, address: String, line: Line, again: Option<Vec<u8>>) -> Self {
        AnswerStream { shared, address, line: Some(line), again, within: false, payload: vec![] }
    }

    /// Reads a whole item into `into`, replacing its contents.
    ///
    /// # Errors
    /// When the server or the connection fails. Then the answer is over.
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

    /// Reads the next chunk of an item into `into`, replacing its contents. It has at most
    /// [`super::FRAME_AT_MOST`] bytes.
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
            // Closes the connection, unless it was returned to the pool already.
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
                    // The server had closed the pooled connection before it read the request. Sending the
                    // request again is safe: reading blocks changes nothing.
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
