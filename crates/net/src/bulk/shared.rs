//! The parts that a client and its answers share: its settings, its idle connections, and why there is no answer.

use super::frame::FrameError;
use super::line::Line;
use super::pool::Pool;
use crate::{ConnectError, Credentials, Purpose, connect};
use std::io::{self, ErrorKind};
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
    /// The bytes that came make no sense.
    #[error("what came is no answer: {0}")]
    Frame(#[from] FrameError),
    /// The request is longer than [`REQUEST_AT_MOST`](super::REQUEST_AT_MOST).
    #[error("a request of {0} bytes is too long")]
    RequestTooLong(usize),
}

pub(super) struct Shared {
    pub(super) credentials: Credentials,
    pub(super) settings: BlockClientSettings,
    pub(super) pool: Pool,
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
