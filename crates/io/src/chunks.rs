//! [`ChunkReader`]: reads the whole records of one split as bytes, many at a time. It opens the file, finds
//! the split's first and last record, and cuts the bytes where a record ends. `lines` turns the chunks into
//! text.
//!
//! A chunk is as large as the buffer, about; a record that is larger makes its chunk larger. The buffer then doubles, so
//! that the search for the record's end stays linear.

use crate::bzip2_blocks::{Bzip2Blocks, Foreign};
use crate::codec::Codec;
use crate::error::{IoCause, IoError, IoOperation::Read as Reading};
use crate::file::Input;
use crate::records::Terminator;
use crate::splits::FileSplit;
use crate::stores::Stores;
use std::io::{self, Read, Seek, SeekFrom};

/// The distance behind a split's end to which the first look for the end of its last record goes.
const LOOK_BEYOND_BYTES: u64 = 16 << 10;

/// The same for a part of a bzip2 file: most blocks are smaller.
const LOOK_BEYOND_BLOCK_BYTES: u64 = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

/// Reads the whole records of one split.
pub(crate) struct ChunkReader {
    source: Box<dyn Read + Send>,
    path: String,
    codec: Codec,
    terminator: Terminator,
    chunk_bytes: usize,
    /// The beginning of the next chunk: the bytes that were read behind the last record of the one before.
    carry: Vec<u8>,
    /// The position in the file, or in its decompressed bytes, at which `carry` begins.
    offset: u64,
    /// The split's end; none in a compressed file that is read whole, and in a part of one before it is known.
    end: Option<u64>,
    /// The split's start.
    start: u64,
    /// Tells the end of a part of a compressed file: how many bytes behind the split's start the bytes of the
    /// next split begin.
    foreign: Option<Foreign>,
    /// The part of the first chunk that is to be dropped.
    first: First,
    eof: bool,
    done: bool,
    failed: Option<IoError>,
}

/// The part before the first record, which is to be dropped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    /// A byte order mark, if there is one.
    File,
    /// The records that start at or before this position: they are those of the split before this one.
    Split(u64),
    /// Nothing: it was dropped.
    Read,
}

impl ChunkReader {
    pub(crate) fn open(
        stores: &Stores,
        split: &FileSplit,
        terminator: Terminator,
        chunk_bytes: usize,
    ) -> Result<ChunkReader, IoError> {
        let codec = Codec::of_path(&split.path);
        let fail = |cause| IoError::new(Reading, &split.path, cause);
        let mut file = Input::open(stores, &split.path)?;
        if codec == Codec::Bzip2 && split.length > 0 && (split.start > 0 || split.end() < file.len()) {
            return ChunkReader::open_blocks(file, split, terminator, chunk_bytes);
        }
        if codec != Codec::Plain && split.start > 0 {
            return Err(fail(IoCause::NotSplittable(codec)));
        }
        let (mut offset, mut first) = (0, First::File);
        if split.start > 0 {
            offset = terminator.safe_start(&file, split.start)?;
            file.seek(SeekFrom::Start(offset))
                .map_err(|error| IoError::from_io(Reading, &split.path, error))?;
            first = First::Split(split.start);
        }
        let plain = codec == Codec::Plain;
        if plain {
            file.expect_end(split.end().saturating_add(LOOK_BEYOND_BYTES));
        }
        // An empty split of a plain file holds no record; the length of a compressed file is not that of its data.
        let done = plain && split.length == 0;
        let source = codec.decoder(file).map_err(fail)?;
        Ok(ChunkReader {
            source,
            path: split.path.clone(),
            codec,
            terminator,
            chunk_bytes: chunk_bytes.max(1),
            carry: vec![],
            offset,
            end: plain.then(|| split.end()),
            start: split.start,
            foreign: None,
            first,
            eof: false,
            done,
            failed: None,
        })
    }

    /// Opens a part of a bzip2 file. Its decompressed bytes count from the split's start.
    fn open_blocks(
        mut file: Input,
        split: &FileSplit,
        terminator: Terminator,
        chunk_bytes: usize,
    ) -> Result<ChunkReader, IoError> {
        let codec = Codec::Bzip2;
        let fail = |cause| IoError::new(Reading, &split.path, cause);
        if terminator.longest() > 1 && split.start > 0 {
            return Err(fail(IoCause::NotSplittable(codec)));
        }
        if file.len() < split.end() {
            return Err(fail(IoCause::Shrunk { expected: split.end(), found: file.len() }));
        }
        file.seek(SeekFrom::Start(split.start))
            .map_err(|error| IoError::from_io(Reading, &split.path, error))?;
        file.expect_end(split.end().saturating_add(LOOK_BEYOND_BLOCK_BYTES));
        let blocks = Bzip2Blocks::open(file, split.start, split.end())
            .map_err(|error| codec.read_error(&split.path, error))?;
        let foreign = blocks.foreign();
        Ok(ChunkReader {
            path: split.path.clone(),
            codec,
            terminator,
            chunk_bytes: chunk_bytes.max(1),
            carry: vec![],
            offset: split.start,
            end: None,
            // A split in which no block begins holds no record.
            done: foreign.begins() == Some(0),
            source: Box::new(blocks),
            start: split.start,
            foreign: Some(foreign),
            first: if split.start > 0 { First::Split(split.start) } else { First::File },
            eof: false,
            failed: None,
        })
    }

    /// Returns the position at which the chunk that was read last ends: in the file, or in the decompressed
    /// bytes, which count from the split's start.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn terminator(&self) -> &Terminator {
        &self.terminator
    }

    /// Replaces the bytes in `buffer` by the next whole records, the last of which may lack its terminator at
    /// the end of the file. Returns false, and leaves the buffer empty, when the split is over. A reader that
    /// has failed once fails again: data that could not be read must not look like the end.
    pub(crate) fn next(&mut self, buffer: &mut Vec<u8>) -> Result<bool, IoError> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None => self.read_on(buffer).inspect_err(|error| self.failed = Some(error.clone())),
        }
    }

    fn read_on(&mut self, buffer: &mut Vec<u8>) -> Result<bool, IoError> {
        if buffer.capacity() > 4 * self.chunk_bytes {
            // The chunk before held a giant record, whose memory must not stay with the reader.
            *buffer = vec![];
        }
        // The old bytes are overwritten, not cleared: memory that is to be read into need not be zeroed
        // again.
        let mut filled = self.carry.len();
        buffer.resize(buffer.len().max(filled), 0);
        buffer[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        while !self.done {
            filled = self.fill(buffer, filled)?;
            if self.first != First::Read {
                match self.settle_first(&buffer[..filled]) {
                    None => continue,
                    Some(dropped) => {
                        buffer.copy_within(dropped..filled, 0);
                        filled -= dropped;
                    }
                }
            }
            if let Some(cut) = self.cut(&buffer[..filled]) {
                self.carry.extend_from_slice(&buffer[cut..filled]);
                buffer.truncate(cut);
                self.offset += cut as u64;
                return Ok(cut > 0);
            }
        }
        buffer.clear();
        Ok(false)
    }

    /// Returns the number of bytes before the split's first record, once that can be told. Otherwise more
    /// bytes are needed, or there is no such record and the split is done.
    fn settle_first(&mut self, buffer: &[u8]) -> Option<usize> {
        let dropped = match self.first {
            First::File if buffer.len() < BYTE_ORDER_MARK.len() && !self.eof => return None,
            // The mark is a part of the first record, which belongs to this split however short the split is.
            First::File if buffer.starts_with(BYTE_ORDER_MARK) => BYTE_ORDER_MARK.len(),
            First::File | First::Read => 0,
            First::Split(start) => {
                let at = (start - self.offset) as usize;
                let first = self.terminator.start_after(buffer, at, self.eof);
                self.done = match first {
                    Some(first) => self.end.is_some_and(|end| self.offset + first as u64 > end),
                    None => self.eof || self.passed_end(buffer.len()),
                };
                first.filter(|_| !self.done)?
            }
        };
        self.offset += dropped as u64;
        self.first = First::Read;
        Some(dropped)
    }

    /// Returns the position in the buffer at which the whole records of this split end; none if it holds no
    /// whole record yet.
    fn cut(&mut self, buffer: &[u8]) -> Option<usize> {
        if self.passed_end(buffer.len()) {
            let end = self.end.unwrap_or(u64::MAX);
            let at = end.saturating_sub(self.offset) as usize;
            let cut = self.terminator.start_after(buffer, at, self.eof).or(self.eof.then_some(buffer.len()));
            self.done = cut.is_some();
            cut
        } else if self.eof {
            self.done = true;
            Some(buffer.len())
        } else {
            self.terminator.last_start(buffer)
        }
    }

    /// Returns whether the split's end lies within the next `length` bytes.
    fn passed_end(&self, length: usize) -> bool {
        self.end.is_some_and(|end| self.offset + length as u64 > end)
    }

    /// Reads until the buffer is full, or the file is over. Takes and returns the number of bytes that are
    /// filled.
    fn fill(&mut self, buffer: &mut Vec<u8>, mut filled: usize) -> Result<usize, IoError> {
        let want = self.wanted(filled);
        // The buffer is not made shorter: the rest may be of use to the next chunk.
        buffer.resize(buffer.len().max(want), 0);
        while filled < want && !self.eof {
            match self.source.read(&mut buffer[filled..want]) {
                Ok(0) => self.eof = true,
                Ok(n) => {
                    filled += n;
                    if self.meets_foreign_bytes() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.codec.read_error(&self.path, error)),
            }
        }
        self.check_length(filled)?;
        Ok(filled)
    }

    /// Returns true once, when the source has given the first bytes of the next split: then the end is known.
    fn meets_foreign_bytes(&mut self) -> bool {
        let begins = self.foreign.as_ref().and_then(Foreign::begins).filter(|_| self.end.is_none());
        self.end = self.end.or(begins.map(|begins| self.start.saturating_add(begins)));
        begins.is_some()
    }

    /// Returns the number of bytes of the buffer to fill: a chunk, or twice as many as did not suffice, but
    /// not far beyond the split's end.
    fn wanted(&self, filled: usize) -> usize {
        let want = self.chunk_bytes.max(filled * 2);
        let end = self.end.unwrap_or(u64::MAX);
        let useful = end.saturating_add(LOOK_BEYOND_BYTES).saturating_sub(self.offset);
        // A record that goes beyond the first look needs all that is wanted.
        if useful > filled as u64 { want.min(usize::try_from(useful).unwrap_or(usize::MAX)) } else { want }
    }

    /// Checks that a file is as long as its split: records must not go missing.
    fn check_length(&self, filled: usize) -> Result<(), IoError> {
        let found = self.offset + filled as u64;
        match self.end {
            Some(expected) if self.eof && found < expected => {
                Err(IoError::new(Reading, &self.path, IoCause::Shrunk { expected, found }))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives bytes, fails, and goes on as if nothing had been.
    struct FailsOnce(u8);

    impl Read for FailsOnce {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                2 => Err(io::Error::other("the cable was pulled")),
                4.. => Ok(0),
                _ => (&b"a line\n"[..]).read(buffer),
            }
        }
    }

    #[test]
    fn what_was_lost_in_a_failure_is_not_passed_over() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let split = FileSplit { path: file.path().to_str().unwrap().into(), start: 0, length: 14 };
        let mut chunks = ChunkReader::open(&Stores::default(), &split, Terminator::Newline, 1 << 10).unwrap();
        chunks.source = Box::new(FailsOnce(0));
        let mut buffer = vec![];
        let error = chunks.next(&mut buffer).unwrap_err();
        assert!(error.to_string().ends_with("the cable was pulled") && error.retryable(), "{error}");
        assert_eq!(chunks.next(&mut buffer), Err(error));
    }
}
