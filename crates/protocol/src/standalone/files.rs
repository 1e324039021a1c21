//! Requests for files that a submission brings to a master, and workers fetch there. They travel as requests for blocks do.

use crate::codec::{Malformed, decode, encode};
use serde::{Deserialize, Serialize};

/// A request to a master; files go by the BLAKE3 hashes of their contents.
#[derive(Debug, Serialize, Deserialize)]
pub enum FileRequest {
    /// Asks whether it has a file: an empty item, missing when it does not.
    Has {
        /// The file.
        hash: [u8; 32],
    },
    /// Take a segment of a file.
    Put {
        /// The file.
        hash: [u8; 32],
        /// Where in the file the segment begins.
        at: u64,
        /// The segment.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// That was all of it.
    Done {
        /// The file.
        hash: [u8; 32],
    },
    /// A file: one item.
    Get {
        /// The file.
        hash: [u8; 32],
    },
}

impl FileRequest {
    /// Encodes the request.
    ///
    /// # Errors
    /// Never, in practice: bytes can be encoded.
    pub fn encode(&self) -> Result<Vec<u8>, Malformed> {
        encode(self)
    }

    /// Decodes a request.
    ///
    /// # Errors
    /// When the bytes are no request.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        decode(bytes)
    }
}
