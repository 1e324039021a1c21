//! Opaque payloads: bytes that the master passes on without looking at them, with which a worker starts an
//! executor or a driver.

use crate::codec::{Malformed, decode, encode};
use serde::de::{DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// Opaque bytes. Cheap to clone; printed as their number only, since they may contain secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload(Arc<[u8]>);

impl Payload {
    /// Wraps bytes.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Payload(bytes.into())
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Payload {
    /// Encodes a value that the master does not look at.
    ///
    /// # Errors
    /// Never, in practice: text and numbers can be encoded.
    pub fn encode(value: &impl Serialize) -> Result<Self, Malformed> {
        encode(value).map(Payload::new)
    }

    /// Decodes such a value.
    ///
    /// # Errors
    /// When the bytes are something else: another version's, say.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Malformed> {
        decode(&self.0)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(PayloadVisitor)
    }
}

/// Takes bytes in either form in which formats give them: whole, or one after the other.
struct PayloadVisitor;

impl<'de> Visitor<'de> for PayloadVisitor {
    type Value = Payload;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Payload, E> {
        Ok(Payload::new(bytes))
    }

    fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Payload, E> {
        Ok(Payload::new(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Payload, A::Error> {
        let mut bytes = vec![];
        while let Some(byte) = sequence.next_element()? {
            bytes.push(byte);
        }
        Ok(Payload::new(bytes))
    }
}
