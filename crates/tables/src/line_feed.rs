//! The line feed: the lines of one split, with their positions, for the formats that are made of lines, `csv`
//! and `json`.
//!
//! Lines come in chunks that stay in the processor's fastest cache between being found and being parsed. The
//! lines before the split are counted when the first row turns out bad, and the count is remembered: good files
//! are read once.

use crate::error::{BadRow, TableError};
use crate::fault::Fault;
use firesteel_io::{FileSplit, LineChunks, Stores};
use memchr::{memchr_iter, memchr2, memmem, memrchr2};
use std::cell::Cell;
use std::ops::Range;

/// The number of bytes that are parsed at once.
const CHUNK_BYTES: usize = 32 << 10;

pub(crate) struct LineFeed {
    stores: Stores,
    chunks: LineChunks,
    path: String,
    /// The bytes that end a line, if no line end of text does.
    end: Option<Vec<u8>>,
    /// The number of bytes of the chunk that were handed out.
    taken: usize,
    /// The beginning of the split's first line, once read.
    start: Option<u64>,
    /// The number of lines of the split that were handed out.
    lines: u64,
    /// The number of lines of the file before the split, once counted.
    before: Cell<Option<u64>>,
}

/// Some whole lines of a feed.
pub(crate) struct Chunk {
    /// Their range in the feed's bytes.
    pub(crate) range: Range<usize>,
    /// Their position in the file.
    pub(crate) offset: u64,
    /// The number of the split's lines before them.
    pub(crate) lines: u64,
}

impl LineFeed {
    pub(crate) fn open(stores: &Stores, split: &FileSplit) -> Result<LineFeed, TableError> {
        LineFeed::open_ended_by(stores, split, None)
    }

    /// Opens a split whose lines end with these bytes alone, if any are given.
    pub(crate) fn open_ended_by(
        stores: &Stores,
        split: &FileSplit,
        end: Option<&[u8]>,
    ) -> Result<LineFeed, TableError> {
        let chunks = LineChunks::open_ended_by(stores, split, end)?;
        Ok(LineFeed {
            stores: stores.clone(),
            chunks,
            path: split.path.clone(),
            end: end.map(<[u8]>::to_vec),
            taken: 0,
            start: None,
            lines: 0,
            before: Cell::new(None),
        })
    }

    /// Returns the next whole lines, at least one; none at the end of the split.
    pub(crate) fn next_chunk(&mut self) -> Result<Option<Chunk>, TableError> {
        if self.taken == self.chunks.bytes().len() {
            self.taken = 0;
            if !self.chunks.next_chunk()? {
                return Ok(None);
            }
            self.start.get_or_insert(self.chunks.offset());
        }
        let from = self.taken;
        let rest = &self.chunks.bytes()[from..];
        self.taken += if self.end.is_none() { chunk_length(rest) } else { rest.len() };
        Ok(Some(Chunk {
            range: from..self.taken,
            offset: self.chunks.offset() + from as u64,
            lines: self.lines,
        }))
    }

    /// Returns the bytes that chunks are ranges of.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.chunks.bytes()
    }

    /// Notes that a chunk of `lines` lines was read.
    pub(crate) fn passed(&mut self, lines: u64) {
        self.lines += lines;
    }

    /// Makes a bad row, `lines` after the split's first line.
    #[cold]
    pub(crate) fn bad_row(
        &self,
        lines: u64,
        offset: u64,
        text: &[u8],
        fault: Fault,
    ) -> Result<BadRow, TableError> {
        let (column, value, reason) = fault.into_parts();
        let line = self.lines_before()? + lines + 1;
        Ok(BadRow {
            path: self.path.clone(),
            line,
            offset,
            column,
            value,
            reason,
            text: BadRow::shortened(text),
        })
    }

    fn lines_before(&self) -> Result<u64, TableError> {
        if let Some(before) = self.before.get() {
            return Ok(before);
        }
        let place = self.start.unwrap_or(0);
        let before = count_lines(&self.stores, &self.path, place, self.end.as_deref())?;
        self.before.set(Some(before));
        Ok(before)
    }
}

/// How many lines begin before a place where one does.
fn count_lines(stores: &Stores, path: &str, place: u64, end: Option<&[u8]>) -> Result<u64, TableError> {
    if place == 0 {
        return Ok(0);
    }
    let before = FileSplit { path: path.into(), start: 0, length: place };
    let mut chunks = LineChunks::open_ended_by(stores, &before, end)?;
    let mut lines = 0;
    while chunks.next_chunk()? {
        let wanted = place.saturating_sub(chunks.offset()).min(chunks.bytes().len() as u64);
        let bytes = &chunks.bytes()[..wanted as usize];
        lines += end.map_or_else(|| line_ends(bytes), |end| memmem::find_iter(bytes, end).count() as u64);
    }
    Ok(lines)
}

/// Returns the number of line ends in bytes that consist of whole lines.
pub(crate) fn line_ends(bytes: &[u8]) -> u64 {
    let alone = memchr_iter(b'\r', bytes).filter(|at| bytes.get(at + 1) != Some(&b'\n')).count();
    (memchr_iter(b'\n', bytes).count() + alone) as u64
}

/// Returns the length of the first lines, as many as fit a chunk; at least one.
fn chunk_length(lines: &[u8]) -> usize {
    let Some(chunk) = lines.get(..CHUNK_BYTES) else { return lines.len() };
    let end = memrchr2(b'\r', b'\n', chunk);
    let end = end.or_else(|| memchr2(b'\r', b'\n', &lines[CHUNK_BYTES..]).map(|more| CHUNK_BYTES + more));
    end.map_or(lines.len(), |end| end + terminator(&lines[end..]))
}

/// Returns the length of the line end that bytes begin with.
fn terminator(bytes: &[u8]) -> usize {
    match bytes {
        [] => 0,
        [b'\r', b'\n', ..] => 2,
        _ => 1,
    }
}

/// Returns the first line's text, and its length with its end.
#[inline]
pub(crate) fn first_line(bytes: &[u8]) -> (&[u8], usize) {
    let end = memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
    (&bytes[..end], end + terminator(&bytes[end..]))
}

/// Returns the first line's text and its length like [`first_line`], where only these bytes end a line.
#[cfg(feature = "parquet")]
pub(crate) fn first_line_ended_by<'a>(bytes: &'a [u8], end: &[u8]) -> (&'a [u8], usize) {
    match memmem::find(bytes, end) {
        Some(at) => (&bytes[..at], at + end.len()),
        None => (bytes, bytes.len()),
    }
}

/// Returns whether a line is blank.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_where_lines_do() {
        assert_eq!(chunk_length(b"ab\ncd"), 5);
        let mut long = vec![b'x'; 2 * CHUNK_BYTES];
        assert_eq!(chunk_length(&long), long.len());
        long[CHUNK_BYTES - 1] = b'\r';
        long[CHUNK_BYTES] = b'\n';
        assert_eq!(chunk_length(&long), CHUNK_BYTES + 1);
        long[7] = b'\n';
        long[CHUNK_BYTES - 1] = b'x';
        assert_eq!(chunk_length(&long), 8);
    }

    #[test]
    fn every_kind_of_line_end_counts_once() {
        assert_eq!(line_ends(b"a\nb\r\nc\r\rd"), 4);
        assert_eq!(first_line(b"ab\r\ncd"), (&b"ab"[..], 4));
        assert_eq!(first_line(b"ab"), (&b"ab"[..], 2));
    }
}
