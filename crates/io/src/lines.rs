//! The lines of one split, as text: what a task of `textFile` reads. The bytes come from `chunks`, which knows the rules of
//! splits.
//!
//! A chunk of whole lines is validated once and owned as one string, so that each line is a slice of it. Where a chunk is
//! not valid UTF-8, each maximal invalid sequence in it becomes U+FFFD.

use crate::chunks::ChunkReader;
use crate::error::IoError;
use crate::records::{Terminator, ends_of};
use crate::splits::FileSplit;
use memchr::memchr2;

/// How many bytes are read at once, unless told otherwise: enough to make system calls cheap, and few enough to stay in
/// the processor's cache.
const CHUNK_BYTES: usize = 256 << 10;

/// How lines are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineOptions {
    /// What ends a record, if not `\n`, `\r` or `\r\n`: `textinputformat.record.delimiter`. An empty one counts as none.
    pub delimiter: Option<Vec<u8>>,
    /// How many bytes are read at once. A longer line is read nevertheless.
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
/// A compressed file, told by its suffix, must be one split. One that is cut short or corrupt is an error, and so is a
/// plain file that has become shorter than its splits.
///
/// ```
/// use firesteel_io::{FileSplit, LineOptions, LineReader};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.txt").to_str().unwrap().to_string();
/// std::fs::write(&path, "one\ntwo\r\nthree").unwrap();
/// let split = FileSplit { path, start: 0, length: 14 };
/// let mut lines = vec![];
/// LineReader::open(&split, LineOptions::default())?.for_each_line(|line| lines.push(line.to_string()))?;
/// assert_eq!(lines, ["one", "two", "three"]);
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub struct LineReader {
    chunks: ChunkReader,
    /// Whole records, with their terminators, unless `ends` are known.
    text: String,
    /// Where records end in `text`, which then holds no terminators: only with a delimiter of the user's.
    ends: Vec<usize>,
    cursor: Cursor,
}

/// How much of a chunk was read.
#[derive(Clone, Copy, Default)]
struct Cursor {
    byte: usize,
    record: usize,
}

impl LineReader {
    /// Opens the split's file.
    pub fn open(split: &FileSplit, options: LineOptions) -> Result<LineReader, IoError> {
        let terminator = Terminator::new(options.delimiter.as_deref());
        let chunks = ChunkReader::open(split, terminator, options.chunk_bytes)?;
        Ok(LineReader { chunks, text: String::new(), ends: vec![], cursor: Cursor::default() })
    }

    /// The next lines, as many as are in memory: at least one, or none at the split's end. Lines that were not taken from
    /// the iterator come again with the next call.
    pub fn next_chunk(&mut self) -> Result<Option<Lines<'_>>, IoError> {
        if self.cursor.byte == self.text.len() && self.cursor.record == self.ends.len() && !self.load()? {
            return Ok(None);
        }
        let bounds = match self.chunks.terminator() {
            Terminator::Newline => Bounds::Newlines,
            Terminator::Bytes(_) => Bounds::Ends(&self.ends),
        };
        Ok(Some(Lines { text: &self.text, bounds, cursor: &mut self.cursor }))
    }

    /// Gives every line that is left to `consume`, without allocating for each.
    pub fn for_each_line(&mut self, mut consume: impl FnMut(&str)) -> Result<(), IoError> {
        while let Some(lines) = self.next_chunk()? {
            lines.for_each(&mut consume);
        }
        Ok(())
    }

    /// Appends lines to `out` until there are `max_records` more of them, or they have `max_bytes` bytes, or the split is
    /// over. False when it is over; a true answer may be followed by no more lines.
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

    /// Reads and validates the next chunk, in the memory of the last.
    fn load(&mut self) -> Result<bool, IoError> {
        let mut buffer = std::mem::take(&mut self.text).into_bytes();
        self.ends.clear();
        self.cursor = Cursor::default();
        if !self.chunks.next(&mut buffer)? {
            return Ok(false);
        }
        match self.chunks.terminator() {
            // No invalid sequence goes beyond a line's end, so that text may be made of many lines at once.
            Terminator::Newline => self.text = to_text(buffer),
            Terminator::Bytes(finder) => {
                let mut from = 0;
                let delimiters = ends_of(finder, &buffer).map(|end| (end - finder.needle().len(), end));
                let tail = (buffer.len(), buffer.len());
                for (end, next) in delimiters.chain([tail]) {
                    if from < buffer.len() {
                        self.text += &String::from_utf8_lossy(&buffer[from..end]);
                        self.ends.push(self.text.len());
                    }
                    from = next;
                }
            }
        }
        Ok(true)
    }
}

fn to_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Lines in memory, without their terminators.
pub struct Lines<'a> {
    text: &'a str,
    bounds: Bounds<'a>,
    cursor: &'a mut Cursor,
}

enum Bounds<'a> {
    Newlines,
    Ends(&'a [usize]),
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let from = self.cursor.byte;
        match self.bounds {
            Bounds::Newlines => {
                let rest = self.text.as_bytes().get(from..).filter(|rest| !rest.is_empty())?;
                let length = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                let terminator = match &rest[length..] {
                    [] => 0,
                    [b'\r', b'\n', ..] => 2,
                    _ => 1,
                };
                self.cursor.byte += length + terminator;
                Some(&self.text[from..from + length])
            }
            Bounds::Ends(ends) => {
                let end = *ends.get(self.cursor.record)?;
                self.cursor.record += 1;
                self.cursor.byte = end;
                Some(&self.text[from..end])
            }
        }
    }
}
