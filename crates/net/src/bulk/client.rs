//! The side that wants blocks: sends requests, over connections that it keeps.

use super::frame::{FRAME_AT_MOST, FrameError, Header, Kind};
use super::pool::Pool;
use super::serve::REQUEST_AT_MOST;
use super::stream::AnswerStream;
use crate::{ConnectError, Connection, Credentials, Purpose, Receiver, Sender, connect};
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

/// How patient a client is, and how much it keeps.
#[derive(Clone, Copy, Debug)]
pub struct BlockClientSettings {
    /// Making a connection may take so long.
    pub connect_timeout: Duration,
    /// So long the server may say nothing within an answer.
    pub read_timeout: Duration,
    /// So many connections are kept that nobody uses, to all servers together; the one that rested longest goes first.
    pub idle_connections_at_most: usize,
}

impl Default for BlockClientSettings {
    /// Ten seconds to connect, as a listener gives; two minutes for an answer, since disks may be busy; 64 connections.
    fn default() -> Self {
        BlockClientSettings {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(120),
            idle_connections_at_most: 64,
        }
    }
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// There is no connection.
    #[error("{address}: {source}")]
    Connect {
        /// The server.
        address: String,
        /// Why.
        source: ConnectError,
    },
    /// The server said so. It is there, and other requests may succeed.
    #[error("{0}")]
    Failed(String),
    /// The connection broke, or ended within the answer.
    #[error("the connection broke: {0}")]
    Broken(#[source] io::Error),
    /// The server said nothing for so long.
    #[error("no answer for {0:?}")]
    TimedOut(Duration),
    /// What came makes no sense.
    #[error("what came is no answer: {0}")]
    Frame(#[from] FrameError),
    /// The request is longer than [`REQUEST_AT_MOST`].
    #[error("a request of {0} bytes is too long")]
    RequestTooLong(usize),
}

/// Asks servers for blocks. Clones share the connections that they keep.
#[derive(Clone)]
pub struct BlockClient {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    credentials: Credentials,
    pub(super) settings: BlockClientSettings,
    pub(super) pool: Pool,
}

/// A connection to a server.
pub(super) struct Line {
    pub(super) receiver: Receiver,
    pub(super) sender: Sender,
}

impl BlockClient {
    /// A client without connections.
    pub fn new(credentials: Credentials, settings: BlockClientSettings) -> Self {
        let pool = Pool::new(settings.idle_connections_at_most);
        BlockClient { shared: Arc::new(Shared { credentials, settings, pool }) }
    }

    /// Sends a request to the server at "host:port". The answer is read from what this gives; it may be read much later
    /// than the request was sent, so that many servers work at once.
    ///
    /// # Errors
    /// When there is no connection.
    pub fn request(&self, address: &str, request: &[u8]) -> Result<AnswerStream, BlockError> {
        if request.len() > REQUEST_AT_MOST {
            return Err(BlockError::RequestTooLong(request.len()));
        }
        // One that was kept may have been closed by the other side, which shows only now or at the first read.
        while let Some(line) = self.shared.pool.take(address) {
            if line.ask(request).is_ok() {
                let shared = self.shared.clone();
                return Ok(AnswerStream::new(shared, address.into(), line, Some(request.into())));
            }
        }
        let line = self.shared.connect(address)?;
        line.ask(request).map_err(|error| self.shared.broken(error))?;
        Ok(AnswerStream::new(self.shared.clone(), address.into(), line, None))
    }

    /// How many connections it keeps that nobody uses.
    pub fn idle_connections(&self) -> usize {
        self.shared.pool.len()
    }

    /// Closes the connections that it keeps to this server, for example because the server is gone.
    pub fn forget(&self, address: &str) {
        while self.shared.pool.take(address).is_some() {}
    }
}

impl fmt::Debug for BlockClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockClient({} idle)", self.idle_connections())
    }
}

impl Shared {
    pub(super) fn connect(&self, address: &str) -> Result<Line, BlockError> {
        let timeout = self.settings.connect_timeout;
        let connection = connect(address, &self.credentials, Purpose::Blocks, timeout)
            .map_err(|source| BlockError::Connect { address: address.into(), source })?;
        Line::new(connection, self.settings.read_timeout).map_err(|error| self.broken(error))
    }

    pub(super) fn broken(&self, error: io::Error) -> BlockError {
        match error.kind() {
            ErrorKind::TimedOut => BlockError::TimedOut(self.settings.read_timeout),
            _ => BlockError::Broken(error),
        }
    }
}

impl Line {
    fn new(connection: Connection, read_timeout: Duration) -> io::Result<Self> {
        let (receiver, sender) = connection.split();
        receiver.set_timeout(Some(read_timeout))?;
        Ok(Line { receiver, sender })
    }

    pub(super) fn ask(&self, request: &[u8]) -> io::Result<()> {
        let checked = !self.sender.is_secure();
        let whole = request.len().saturating_sub(1) / FRAME_AT_MOST * FRAME_AT_MOST;
        let (first, last) = request.split_at(whole);
        for chunk in first.chunks(FRAME_AT_MOST) {
            let header = Header::of(Kind::Request, false, chunk, None, checked).encode();
            self.sender.send_parts(&[&header, chunk])?;
        }
        let header = Header::of(Kind::Request, true, last, None, checked).encode();
        self.sender.send(&[&header, last].concat())
    }
}
