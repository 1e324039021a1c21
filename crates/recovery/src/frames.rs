//! Records as frames: `length: u32, checksum: u64 (XXH3 of the contents), contents`, one behind the other. The last may be
//! torn, since the driver may be killed while it writes; what is behind a frame that is not whole is not believed.

use crate::record::Record;
use std::io::{self, Read};
use xxhash_rust::xxh3::xxh3_64;

/// The bytes of a frame before its contents.
pub const HEAD: usize = 4 + 8;

/// Returns the frame of a record.
pub fn encode(record: &Record) -> Vec<u8> {
    let frame = postcard::to_extend(record, vec![0; HEAD]);
    let mut frame = frame.unwrap_or_else(|error| panic!("a record is plain data: {error}"));
    let length = u32::try_from(frame.len() - HEAD).unwrap_or(u32::MAX);
    let checksum = xxh3_64(&frame[HEAD..]);
    frame[..4].copy_from_slice(&length.to_le_bytes());
    frame[4..HEAD].copy_from_slice(&checksum.to_le_bytes());
    frame
}

/// Returns the record in a frame; `None` if the frame is not whole.
pub fn decode(frame: &[u8]) -> Option<Record> {
    let mut frame = frame;
    Frames::new(&mut frame).next().ok().flatten().map(|(record, _)| record)
}

/// The frames of a file, one after the other.
pub(crate) struct Frames<R> {
    file: R,
}

impl<R: Read> Frames<R> {
    pub(crate) fn new(file: R) -> Self {
        Frames { file }
    }

    /// Returns the next record with the length of its frame; `None` at the first that is not whole.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn next(&mut self) -> io::Result<Option<(Record, u64)>> {
        let Some(head) = self.take(HEAD as u64)? else { return Ok(None) };
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let Some(contents) = self.take(length.into())? else { return Ok(None) };
        if xxh3_64(&contents).to_le_bytes() != head[4..HEAD] {
            return Ok(None);
        }
        let record = postcard::from_bytes(&contents).ok();
        Ok(record.map(|record| (record, HEAD as u64 + u64::from(length))))
    }

    /// Reads so many bytes, if there are as many. A length that is a lie takes no more memory than the file has bytes.
    fn take(&mut self, length: u64) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![];
        self.file.by_ref().take(length).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 == length).then_some(bytes))
    }
}
