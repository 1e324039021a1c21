//! Frames: the form of items on a connection, each a header of fixed length and a payload of limited length.
//!
//! The header, little-endian: kind (1), flags (1), zeros (2), length of the payload (4), its length before
//! compression (4), and a checksum over all that and the payload (8). Encrypted connections have no checksum,
//! since each TLS record has a stronger one.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The most bytes that a frame carries, before compression.
pub const FRAME_AT_MOST: usize = 256 << 10;

/// The length of a header in bytes.
pub(crate) const HEADER: usize = 20;

const LAST: u8 = 1;
const COMPRESSED: u8 = 2;
const CHECKED: u8 = 4;

/// The kind of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A chunk of a request.
    Request = 1,
    /// A chunk of an item.
    Data = 2,
    /// An item that is not there.
    Missing = 3,
    /// The answer is complete.
    End = 4,
    /// The answer ends here, with this text of an error.
    Failed = 5,
}

const KINDS: [Kind; 5] = [Kind::Request, Kind::Data, Kind::Missing, Kind::End, Kind::Failed];

/// The reason why bytes are no frame. No bytes after them can be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// No frame has this kind or these flags.
    #[error("a frame has kind {kind} and flags {flags}, which none has")]
    Unknown {
        /// The byte for its kind.
        kind: u8,
        /// The byte for its flags.
        flags: u8,
    },
    /// Its length is greater than a frame's may be, or its lengths contradict each other.
    #[error("a frame says it has {length} bytes for {raw_length}, which no such frame has")]
    Length {
        /// The payload's length.
        length: u32,
        /// Its length before compression.
        raw_length: u32,
    },
    /// It is not what was sent.
    #[error("a frame's checksum is wrong")]
    Checksum,
    /// It does not decompress to the length in its header.
    #[error("a frame does not decompress")]
    Compression,
    /// It is valid, but not at this point of the answer.
    #[error("a frame of kind {0:?} comes where none belongs")]
    OutOfPlace(Kind),
}

/// The header of a frame, which precedes its payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// The kind of the frame.
    pub kind: Kind,
    /// True if the item, or the request, ends with it.
    pub last: bool,
    /// True if the payload is compressed with LZ4.
    pub compressed: bool,
    /// True if the checksum is set.
    pub checked: bool,
    /// The payload's length in bytes.
    pub length: u32,
    /// Its length before compression.
    pub raw_length: u32,
    /// A checksum over the header and the payload.
    pub checksum: u64,
}

impl Header {
    /// Makes the header of a payload as it will be sent. `raw_length` is its length before compression, if it
    /// is compressed.
    pub fn of(kind: Kind, last: bool, payload: &[u8], raw_length: Option<usize>, checked: bool) -> Self {
        debug_assert!(payload.len() <= FRAME_AT_MOST, "the caller splits payloads into frames first");
        let length = payload.len() as u32;
        let raw_length_4 = raw_length.unwrap_or(payload.len()) as u32;
        let (compressed, checksum) = (raw_length.is_some(), 0);
        let mut header =
            Header { kind, last, compressed, checked, length, raw_length: raw_length_4, checksum };
        if checked {
            header.checksum = header.sum(payload);
        }
        header
    }

    /// Encodes the header.
    pub fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0] = self.kind as u8;
        bytes[1] = if self.last { LAST } else { 0 }
            | if self.compressed { COMPRESSED } else { 0 }
            | if self.checked { CHECKED } else { 0 };
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.raw_length.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    /// Decodes a header. The lengths of a decoded header are within limits, whatever the bytes are.
    ///
    /// # Errors
    /// When the bytes are no valid header.
    pub fn decode(bytes: &[u8; HEADER]) -> Result<Self, FrameError> {
        let [kind, flags, zero, zero_too, a, b, c, d, e, f, g, h, checksum @ ..] = *bytes;
        let known = KINDS.into_iter().find(|&known| known as u8 == kind);
        let strange = flags & !(LAST | COMPRESSED | CHECKED) != 0 || zero != 0 || zero_too != 0;
        let Some(kind) = known.filter(|_| !strange) else { return Err(FrameError::Unknown { kind, flags }) };
        let header = Header {
            kind,
            last: flags & LAST != 0,
            compressed: flags & COMPRESSED != 0,
            checked: flags & CHECKED != 0,
            length: u32::from_le_bytes([a, b, c, d]),
            raw_length: u32::from_le_bytes([e, f, g, h]),
            checksum: u64::from_le_bytes(checksum),
        };
        if header.has_possible_lengths() { Ok(header) } else { Err(header.impossible()) }
    }

    fn has_possible_lengths(&self) -> bool {
        let within = self.raw_length as usize <= FRAME_AT_MOST;
        let agree = match (self.kind, self.compressed) {
            (Kind::Data, true) => 0 < self.length && self.length < self.raw_length,
            (Kind::Data | Kind::Request | Kind::Failed, false) => self.length == self.raw_length,
            (Kind::Missing | Kind::End, false) => self.length == 0 && self.raw_length == 0,
            (Kind::Request | Kind::Failed | Kind::Missing | Kind::End, true) => false,
        };
        within && agree
    }

    fn impossible(&self) -> FrameError {
        FrameError::Length { length: self.length, raw_length: self.raw_length }
    }

    fn sum(&self, payload: &[u8]) -> u64 {
        let bytes = Header { checksum: 0, ..*self }.encode();
        let seed = u64::from_le_bytes([
            bytes[0], bytes[1], bytes[4], bytes[5], bytes[6], bytes[8], bytes[9], bytes[10],
        ]);
        xxh3_64_with_seed(payload, seed)
    }

    /// Returns an error unless a payload is the one that this header was made for, as far as can be told.
    pub(crate) fn check(&self, payload: &[u8]) -> Result<(), FrameError> {
        let right = self.length as usize == payload.len()
            && self.checksum == if self.checked { self.sum(payload) } else { 0 };
        if right { Ok(()) } else { Err(FrameError::Checksum) }
    }
}

/// Appends a frame's contents, decompressed if the payload is compressed.
///
/// # Errors
/// When it is not the header's payload.
///
/// ```
/// use firesteel_net::bulk::{Header, Kind, unpack};
/// let header = Header::of(Kind::Data, true, b"block", None, true);
/// let mut item = vec![];
/// unpack(&header, b"block", &mut item)?;
/// assert_eq!(item, b"block");
/// assert!(unpack(&header, b"clock", &mut item).is_err());
/// # Ok::<(), firesteel_net::bulk::FrameError>(())
/// ```
pub fn unpack(header: &Header, payload: &[u8], into: &mut Vec<u8>) -> Result<(), FrameError> {
    header.check(payload)?;
    if !header.compressed {
        into.extend_from_slice(payload);
        return Ok(());
    }
    if !header.has_possible_lengths() {
        return Err(header.impossible());
    }
    let (at, raw_length) = (into.len(), header.raw_length as usize);
    into.resize(at + raw_length, 0);
    match lz4_flex::block::decompress_into(payload, &mut into[at..]) {
        Ok(length) if length == raw_length => Ok(()),
        _ => {
            into.truncate(at);
            Err(FrameError::Compression)
        }
    }
}
