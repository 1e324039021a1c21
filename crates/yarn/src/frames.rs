//! Frames of Hadoop's RPC: four bytes of length, then messages, each after its own length as a varint.
//!
//! A received length is a claim: it is compared with a limit, and memory grows with the bytes that arrive.

use crate::YarnError;
use prost::Message;
use std::io::{self, Read};

/// The largest frame that is accepted, in bytes: Hadoop's own clients take 128 MiB, and answers to a master have kilobytes.
pub const FRAME_AT_MOST: usize = 16 << 20;

/// A frame under construction.
#[derive(Debug)]
pub struct FrameBuilder(Vec<u8>);

impl FrameBuilder {
    /// Starts an empty frame.
    #[expect(clippy::new_without_default, reason = "an empty frame is no value that anything means")]
    pub fn new() -> FrameBuilder {
        FrameBuilder(vec![0; 4])
    }

    /// Adds a message.
    #[must_use]
    pub fn with(mut self, message: &impl Message) -> FrameBuilder {
        // A vector grows, so encoding into it cannot fail.
        let _ = message.encode_length_delimited(&mut self.0);
        self
    }

    /// Returns the frame's bytes.
    ///
    /// # Errors
    /// When they are more than [`FRAME_AT_MOST`].
    pub fn finish(mut self) -> Result<Vec<u8>, YarnError> {
        let length = self.0.len() - 4;
        let claimed = u32::try_from(length).ok().filter(|_| length <= FRAME_AT_MOST);
        let claimed =
            claimed.ok_or_else(|| YarnError::malformed("our request", format!("it has {length} bytes")))?;
        self.0[..4].copy_from_slice(&claimed.to_be_bytes());
        Ok(self.0)
    }
}

/// Reads one frame; returns what follows its length.
///
/// # Errors
/// When the reader fails or ends early, or the frame claims to be larger than [`FRAME_AT_MOST`].
pub fn read_frame(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > FRAME_AT_MOST {
        let why = format!(
            "a frame claims to have {length} bytes, more than {FRAME_AT_MOST}: is this a port of Hadoop's RPC?"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    let mut frame = vec![];
    reader.take(length as u64).read_to_end(&mut frame)?;
    match frame.len() == length {
        true => Ok(frame),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Takes the next message off the front of a frame.
///
/// # Errors
/// When it is not one.
pub fn take<M: Message + Default>(frame: &mut &[u8], what: &str) -> Result<M, YarnError> {
    M::decode_length_delimited(frame).map_err(|error| YarnError::malformed(what, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{ApplicationId, RpcRequestHeader};
    use proptest::prelude::*;

    #[test]
    fn a_frame_is_length_and_messages() {
        let id = ApplicationId { id: Some(3), cluster_timestamp: None };
        let frame = FrameBuilder::new().with(&id).with(&ApplicationId::default()).finish().unwrap();
        assert_eq!(frame, [0, 0, 0, 4, 2, 8, 3, 0]);
        let read = read_frame(&mut &frame[..]).unwrap();
        let mut rest = &read[..];
        assert_eq!(take::<ApplicationId>(&mut rest, "an id"), Ok(id));
        assert_eq!(take::<ApplicationId>(&mut rest, "an id"), Ok(ApplicationId::default()));
        assert!(rest.is_empty() && take::<ApplicationId>(&mut rest, "an id").is_err());
    }

    #[test]
    fn a_frame_that_claims_too_much_is_refused_before_memory_is_taken() {
        let web = read_frame(&mut &b"HTTP/1.1 400"[..]).unwrap_err();
        assert!(web.to_string().contains("a port of Hadoop's RPC"), "{web}");
        assert!(read_frame(&mut &[0, 0, 1, 0, 1][..]).is_err(), "ends early");
    }

    proptest! {
        #[test]
        fn any_message_comes_back(call_id: i32, retry: Option<i32>, client_id: Vec<u8>) {
            let sent = RpcRequestHeader { rpc_kind: Some(2), rpc_op: None, call_id, client_id, retry_count: retry };
            let frame = FrameBuilder::new().with(&sent).finish().unwrap();
            let read = read_frame(&mut &frame[..]).unwrap();
            prop_assert_eq!(take::<RpcRequestHeader>(&mut &read[..], "a header"), Ok(sent));
        }

        #[test]
        fn no_bytes_break_the_reader(bytes: Vec<u8>) {
            let _ = read_frame(&mut &bytes[..]);
            let _ = take::<RpcRequestHeader>(&mut &bytes[..], "a header");
        }
    }
}
