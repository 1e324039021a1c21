//! Messages over a connection: length (eight bytes, little end first), then the encoded value.
//!
//! Any value that serde knows is a message; what a message means is up to both ends. Over sockets of any kind: an agent speaks with its
//! workers in the same way as over a [`Connection`](crate::Connection).

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read, Write};

/// Sends a message.
///
/// # Errors
/// When it cannot be encoded, or the other side is gone.
pub fn send(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    // One write: the reader wakes up once.
    to.write_all(&frame(message)?)
}

/// Returns a message as it is sent.
///
/// # Errors
/// When it cannot be encoded.
pub(crate) fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut framed = postcard::to_extend(message, vec![0; 8]).map_err(invalid)?;
    let length = framed.len() as u64 - 8;
    framed[..8].copy_from_slice(&length.to_le_bytes());
    Ok(framed)
}

/// Receives a message; `None` when the other side has closed.
///
/// # Errors
/// When the connection breaks within a message, or what came is none.
pub fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    receive_at_most(from, u64::MAX)
}

/// Receives a message from a peer of which nothing is known yet but that it has the secret: a message of more bytes than `most` is an
/// error at once.
///
/// # Errors
/// When the connection breaks within a message, or what came is none, or it is longer.
pub fn receive_at_most<T: DeserializeOwned>(from: &mut impl Read, most: u64) -> io::Result<Option<T>> {
    let mut length = [0; 8];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let (length, mut bytes) = (u64::from_le_bytes(length), vec![]);
    if length > most {
        return Err(invalid(format!("a message of {length} bytes where none has more than {most}")));
    }
    // As much as comes, so that a false length takes no memory.
    let read = from.take(length).read_to_end(&mut bytes)?;
    if read as u64 != length {
        return Ok(None);
    }
    match postcard::take_from_bytes(&bytes).map_err(invalid)? {
        (message, []) => Ok(Some(message)),
        (_, rest) => Err(invalid(format!("{} bytes are left over", rest.len()))),
    }
}

fn invalid(error: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(messages: &[&str]) -> Vec<u8> {
        let mut bytes = vec![];
        messages.iter().for_each(|message| send(&mut bytes, message).expect("a buffer takes everything"));
        bytes
    }

    #[test]
    fn messages_arrive_one_by_one_until_the_other_side_closes() {
        let bytes = sent(&["one", "", "three"]);
        let mut from = &bytes[..];
        for message in ["one", "", "three"] {
            assert_eq!(receive::<String>(&mut from).expect("it is one").as_deref(), Some(message));
        }
        assert_eq!(receive::<String>(&mut from).expect("it was closed"), None);
        let cut = &bytes[..bytes.len() - 1];
        assert_eq!(receive::<String>(&mut &cut[8 + 4 + 8 + 1..]).expect("it was cut"), None);
    }

    #[test]
    fn a_message_that_is_too_long_or_another_is_an_error() {
        let bytes = sent(&["four"]);
        let error = receive_at_most::<String>(&mut &bytes[..], 4).expect_err("it has five bytes");
        assert_eq!(error.to_string(), "a message of 5 bytes where none has more than 4");
        let error = receive::<u8>(&mut &bytes[..]).expect_err("it is no number");
        assert_eq!(error.to_string(), "4 bytes are left over");
    }
}
