//! Values as bytes where a message carries bytes: requests for blocks, and payloads that a master passes on.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;

/// Bytes that are not what they should be, or a value that has no encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

impl From<Malformed> for io::Error {
    fn from(error: Malformed) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, Malformed> {
    postcard::to_stdvec(value).map_err(|error| Malformed(error.to_string()))
}

/// Decodes bytes that are exactly one value.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    match postcard::take_from_bytes(bytes).map_err(|error| Malformed(error.to_string()))? {
        (value, []) => Ok(value),
        (_, rest) => Err(Malformed(format!("{} bytes are left over", rest.len()))),
    }
}
