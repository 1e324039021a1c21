//! The block client: sends requests to block servers, over connections that it pools.

use super::pool::Pool;
use super::serve::REQUEST_AT_MOST;
use super::shared::{BlockClientSettings, BlockError, Shared};
use super::stream::AnswerStream;
use crate::Credentials;
use std::fmt;
use std::sync::Arc;

/// A client of block servers. Clones share the pool of connections.
#[derive(Clone)]
pub struct BlockClient {
    shared: Arc<Shared>,
}

impl BlockClient {
    /// Makes a client without connections.
    pub fn new(credentials: Credentials, settings: BlockClientSettings) -> Self {
        let pool = Pool::new(settings.idle_connections_at_most);
        BlockClient { shared: Arc::new(Shared { credentials, settings, pool }) }
    }

    /// Sends a request to the server at "host:port", and returns a stream of the answer. It may be read much
    /// later than the request was sent, so that many servers work at once.
    ///
    /// # Errors
    /// When there is no connection.
    pub fn request(&self, address: &str, request: &[u8]) -> Result<AnswerStream, BlockError> {
        if request.len() > REQUEST_AT_MOST {
            return Err(BlockError::RequestTooLong(request.len()));
        }
        // A pooled connection may have been closed by the server, which shows only now or at the first read.
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

    /// Returns the number of idle connections in the pool.
    pub fn idle_connections(&self) -> usize {
        self.shared.pool.len()
    }

    /// Closes the pooled connections to this server, for example because the server is gone.
    pub fn forget(&self, address: &str) {
        while self.shared.pool.take(address).is_some() {}
    }
}

impl fmt::Debug for BlockClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockClient({} idle)", self.idle_connections())
    }
}
