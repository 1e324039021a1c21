//! The lines of one split as bytes, many at a time, with their positions in the file: for formats that parse
//! lines themselves and name the place of a faulty one. `chunks` knows the rules of splits, `lines` gives
//! text instead.

use crate::chunks::ChunkReader;
use crate::error::IoError;
use crate::records::Terminator;
use crate::splits::FileSplit;
use crate::stores::Stores;

/// The number of bytes that are read at once, as in `lines`.
const CHUNK_BYTES: usize = 1 << 20;

/// Reads the lines of one split as raw bytes, whole lines at a time.
///
/// The rules are those of [`LineReader`](crate::LineReader): splits that cover a file hold each of its lines once. Line ends
/// (`\n`, `\r`, `\r\n`) are left in place, and nothing is validated or repaired.
///
/// ```
/// use firesteel_io::{FileSplit, LineChunks, Stores};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.txt").to_str().unwrap().to_string();
/// std::fs::write(&path, "one\ntwo\n").unwrap();
/// let mut chunks = LineChunks::open(&Stores::default(), &FileSplit { path, start: 2, length: 6 })?;
/// assert!(chunks.next_chunk()?);
/// assert_eq!((chunks.bytes(), chunks.offset()), (&b"two\n"[..], 4));
/// assert!(!chunks.next_chunk()?);
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub struct LineChunks {
    chunks: ChunkReader,
    buffer: Vec<u8>,
}

impl LineChunks {
    /// Opens the split's file.
    ///
    /// # Errors
    /// When the file cannot be opened, or the split is part of a compressed file that cannot be cut.
    pub fn open(stores: &Stores, split: &FileSplit) -> Result<LineChunks, IoError> {
        LineChunks::open_ended_by(stores, split, None)
    }

    /// Opens the split's file, whose lines end with these bytes alone, if any are given.
    ///
    /// # Errors
    /// When the file cannot be opened, or the split is part of a compressed file.
    pub fn open_ended_by(
        stores: &Stores,
        split: &FileSplit,
        end: Option<&[u8]>,
    ) -> Result<LineChunks, IoError> {
        let chunks = ChunkReader::open(stores, split, Terminator::new(end), CHUNK_BYTES)?;
        Ok(LineChunks { chunks, buffer: vec![] })
    }

    /// Reads the next whole lines, at least one, in place of those before. Returns false when the split is
    /// over.
    ///
    /// # Errors
    /// When the file cannot be read, is cut short, or corrupt.
    pub fn next_chunk(&mut self) -> Result<bool, IoError> {
        self.chunks.next(&mut self.buffer)
    }

    /// Returns the lines that were read last, with their ends; the file's last line may have none.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Returns the position in the file, or in its decompressed bytes, at which they begin.
    pub fn offset(&self) -> u64 {
        self.chunks.offset() - self.buffer.len() as u64
    }
}
