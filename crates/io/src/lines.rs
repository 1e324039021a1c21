//! Reads the lines of one split as text, for a task of `textFile`. The bytes come from `chunks`, which knows
//! the rules of splits.
//!
//! A chunk is validated in pieces of many lines, just before they are handed out, so that each line is a
//! slice of text. Lines that are not valid UTF-8, and records that end with a delimiter of the user's, are
//! first made into text of their own.

use crate::chunks::ChunkReader;
use crate::error::IoError;
use crate::records::{Terminator, ends_of};
use crate::splits::FileSplit;
use crate::stores::Stores;
use memchr::memmem::Finder;
use memchr::{memchr2, memrchr2};

/// The number of bytes that are read at once, unless the options say otherwise: enough to make system calls
/// cheap, and few enough to stay in the processor's second cache.
const CHUNK_BYTES: usize = 1 << 20;

/// The number of bytes that are validated at once: so few that the lines are still in the fastest cache when
/// they are cut, and that validating them again, if only some were taken, costs next to nothing.
const PIECE_BYTES: usize = 16 << 10;

/// The options of a [`LineReader`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineOptions {
    /// The bytes that end a record, if not `\n`, `\r` or `\r\n`: `textinputformat.record.delimiter`. An empty
    /// delimiter counts as none.
    pub delimiter: Option<Vec<u8>>,
    /// The number of bytes that are read at once. A longer line is read nevertheless.
    pub chunk_bytes: usize,
}

impl Default for LineOptions {
    fn default() -> LineOptions {
        LineOptions { delimiter: None, chunk_bytes: CHUNK_BYTES }
    }
}

/// Reads the lines of one split.
///
/// A split that does not start at 0 leaves out the line that it starts in, or at; a split ends with the line that starts at
/// or before its end. So splits that cover a file hold each of its lines once. Lines end with `\n`, `\r` or `\r\n`, the
/// last one with the file; a byte order mark at the file's beginning is no part of the first line; bytes that are not
/// UTF-8 become U+FFFD.
///
/// A compressed file, told by its suffix, must be one split, unless it is bzip2 and its delimiter is one byte. One that is cut short or corrupt is an error, and so is a
/// plain file that has become shorter than its splits.
///
/// ```
/// use firesteel_io::{FileSplit, LineOptions, LineReader, Stores};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.txt").to_str().unwrap().to_string();
/// std::fs::write(&path, "one\ntwo\r\nthree").unwrap();
/// let split = FileSplit { path, start: 0, length: 14 };
/// let mut lines = vec![];
/// LineReader::open(&Stores::default(), &split, LineOptions::default())?.for_each_line(|line| lines.push(line.to_string()))?;
/// assert_eq!(lines, ["one", "two", "three"]);
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub struct LineReader {
    chunks: ChunkReader,
    /// Whole records, with their terminators.
    buffer: Vec<u8>,
    /// The part of the buffer that was handed out, or made into text.
    taken: Cursor,
    made: MadeText,
}

/// Records that could not be slices of the buffer.
#[derive(Default)]
struct MadeText {
    /// Whole records, with their terminators, unless `ends` has their ends.
    text: String,
    /// The ends of records, with a delimiter of the user's; then the text holds no terminators.
    ends: Vec<usize>,
    /// The part that was handed out.
    taken: Cursor,
}

/// The part that was handed out.
#[derive(Clone, Copy, Default)]
struct Cursor {
    byte: usize,
    record: usize,
}

impl LineReader {
    /// Opens the split's file.
    pub fn open(stores: &Stores, split: &FileSplit, options: LineOptions) -> Result<LineReader, IoError> {
        let terminator = Terminator::new(options.delimiter.as_deref());
        let chunks = ChunkReader::open(stores, split, terminator, options.chunk_bytes)?;
        Ok(LineReader { chunks, buffer: vec![], taken: Cursor::default(), made: MadeText::default() })
    }

    /// Returns the next lines, at least one and perhaps very many, or none at the split's end. Lines that
    /// were not taken from the iterator come again with the next call.
    pub fn next_chunk(&mut self) -> Result<Option<Lines<'_>>, IoError> {
        if self.made.is_taken() {
            if self.taken.byte == self.buffer.len() {
                self.taken = Cursor::default();
                if !self.chunks.next(&mut self.buffer)? {
                    return Ok(None);
                }
            }
            let rest = &self.buffer[self.taken.byte..];
            match self.chunks.terminator() {
                Terminator::Newline => {
                    let piece = first_piece(rest);
                    if let Ok(rest) = simdutf8::basic::from_utf8(piece) {
                        return Ok(Some(Lines { rest, ends: None, taken: &mut self.taken }));
                    }
                    self.taken.byte += piece.len();
                    self.made.repair(piece);
                }
                Terminator::Bytes(finder) => {
                    self.taken.byte = self.buffer.len();
                    self.made.cut(rest, finder);
                }
            }
        }
        Ok(Some(self.made.lines()))
    }

    /// Calls `consume` with every line that is left, without allocating for each.
    pub fn for_each_line(&mut self, mut consume: impl FnMut(&str)) -> Result<(), IoError> {
        while let Some(lines) = self.next_chunk()? {
            lines.for_each(&mut consume);
        }
        Ok(())
    }

    /// Appends lines to `out` until there are `max_records` more of them, or they have `max_bytes` bytes, or
    /// the split is over. Returns false when it is over; a true answer may be followed by no more lines.
    ///
    /// At least one line is appended, if there is one, however small the limits are and however long the line is.
    pub fn read_batch(
        &mut self,
        out: &mut Vec<String>,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<bool, IoError> {
        let (mut records, mut bytes) = (0, 0);
        while let Some(lines) = self.next_chunk()? {
            for line in lines {
                out.push(line.to_owned());
                records += 1;
                bytes += line.len();
                if records >= max_records || bytes >= max_bytes {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

impl MadeText {
    fn is_taken(&self) -> bool {
        self.taken.byte == self.text.len() && self.taken.record == self.ends.len()
    }

    fn lines(&mut self) -> Lines<'_> {
        let ends = (!self.ends.is_empty()).then_some(&self.ends[..]);
        Lines { rest: &self.text[self.taken.byte..], ends, taken: &mut self.taken }
    }

    /// Makes text of whole lines. No invalid sequence goes beyond a line's end, so many lines may be repaired
    /// at once.
    fn repair(&mut self, lines: &[u8]) {
        self.clear();
        self.text += &String::from_utf8_lossy(lines);
    }

    /// Makes text of whole records that end with a delimiter.
    fn cut(&mut self, records: &[u8], delimiter: &Finder<'static>) {
        self.clear();
        let mut from = 0;
        for next in ends_of(delimiter, records) {
            self.push(&records[from..next - delimiter.needle().len()]);
            from = next;
        }
        if from < records.len() {
            self.push(&records[from..]);
        }
    }

    fn push(&mut self, record: &[u8]) {
        self.text += &String::from_utf8_lossy(record);
        self.ends.push(self.text.len());
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.taken = Cursor::default();
    }
}

/// Returns the first lines, as many as fit a piece; at least one.
fn first_piece(lines: &[u8]) -> &[u8] {
    let Some(piece) = lines.get(..PIECE_BYTES) else { return lines };
    let end = match memrchr2(b'\r', b'\n', piece) {
        Some(end) => end,
        None => match memchr2(b'\r', b'\n', &lines[PIECE_BYTES..]) {
            Some(more) => PIECE_BYTES + more,
            None => return lines,
        },
    };
    &lines[..end + terminator_length(&lines[end..])]
}

/// Returns the length of the terminator at the beginning of `bytes`, which is at the end of a line; 0 at the
/// end of the file.
#[inline]
fn terminator_length(bytes: &[u8]) -> usize {
    match bytes {
        [] => 0,
        [b'\r', b'\n', ..] => 2,
        _ => 1,
    }
}

/// Lines in memory, without their terminators.
pub struct Lines<'a> {
    rest: &'a str,
    /// The ends of records, if terminators do not tell them.
    ends: Option<&'a [usize]>,
    taken: &'a mut Cursor,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let (length, terminator) = match self.ends {
            None if self.rest.is_empty() => return None,
            None => {
                let bytes = self.rest.as_bytes();
                let length = memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
                (length, terminator_length(&bytes[length..]))
            }
            Some(ends) => (ends.get(self.taken.record)? - self.taken.byte, 0),
        };
        self.taken.byte += length + terminator;
        self.taken.record += usize::from(self.ends.is_some());
        let line = &self.rest[..length];
        self.rest = &self.rest[length + terminator..];
        Some(line)
    }
}
