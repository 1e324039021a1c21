//! The lines of one split for the formats that are made of lines, with where each stands: what `csv` and `json` share.
//!
//! Lines come in pieces that stay in the processor's fastest cache between being found and being parsed. How many lines lie
//! before the split is counted when the first row turns out bad, and then remembered: good files are read once.

use crate::error::{BadRow, TableError};
use crate::fault::Fault;
use firesteel_io::{FileSplit, LineChunks, Stores};
use memchr::{memchr_iter, memchr2, memrchr2};
use std::cell::Cell;
use std::ops::Range;

/// How many bytes are parsed at once.
const PIECE_BYTES: usize = 32 << 10;

pub(crate) struct LineFeed {
    stores: Stores,
    chunks: LineChunks,
    path: String,
    /// How much of the chunk was handed out.
    taken: usize,
    /// Where the split's first line begins, once read.
    start: Option<u64>,
    /// How many lines of the split were handed out.
    lines: u64,
    /// How many lines of the file come before the split, once counted.
    before: Cell<Option<u64>>,
}

/// Some whole lines of a feed.
pub(crate) struct Piece {
    /// Where they lie in the feed's bytes.
    pub(crate) range: Range<usize>,
    /// Where they begin in the file.
    pub(crate) offset: u64,
    /// How many lines of the split come before.
    pub(crate) lines: u64,
}

impl LineFeed {
    pub(crate) fn open(stores: &Stores, split: &FileSplit) -> Result<LineFeed, TableError> {
        let chunks = LineChunks::open(stores, split)?;
        Ok(LineFeed {
            stores: stores.clone(),
            chunks,
            path: split.path.clone(),
            taken: 0,
            start: None,
            lines: 0,
            before: Cell::new(None),
        })
    }

    /// The next whole lines, at least one; none when the split is over.
    pub(crate) fn next_piece(&mut self) -> Result<Option<Piece>, TableError> {
        if self.taken == self.chunks.bytes().len() {
            self.taken = 0;
            if !self.chunks.next_chunk()? {
                return Ok(None);
            }
            self.start.get_or_insert(self.chunks.offset());
        }
        let from = self.taken;
        self.taken += piece_length(&self.chunks.bytes()[from..]);
        Ok(Some(Piece {
            range: from..self.taken,
            offset: self.chunks.offset() + from as u64,
            lines: self.lines,
        }))
    }

    /// The bytes that pieces are ranges of.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.chunks.bytes()
    }

    /// Notes that a piece with so many lines was read.
    pub(crate) fn passed(&mut self, lines: u64) {
        self.lines += lines;
    }

    /// A bad row, `lines` after the split's first line.
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
        let before = count_lines(&self.stores, &self.path, self.start.unwrap_or(0))?;
        self.before.set(Some(before));
        Ok(before)
    }
}

/// How many lines begin before a place where one does.
fn count_lines(stores: &Stores, path: &str, place: u64) -> Result<u64, TableError> {
    if place == 0 {
        return Ok(0);
    }
    let mut chunks = LineChunks::open(stores, &FileSplit { path: path.into(), start: 0, length: place })?;
    let mut lines = 0;
    while chunks.next_chunk()? {
        let wanted = place.saturating_sub(chunks.offset()).min(chunks.bytes().len() as u64);
        lines += line_ends(&chunks.bytes()[..wanted as usize]);
    }
    Ok(lines)
}

/// How many lines end in bytes that hold whole lines.
pub(crate) fn line_ends(bytes: &[u8]) -> u64 {
    let alone = memchr_iter(b'\r', bytes).filter(|at| bytes.get(at + 1) != Some(&b'\n')).count();
    (memchr_iter(b'\n', bytes).count() + alone) as u64
}

/// The length of the first lines, as many as fit a piece; at least one.
fn piece_length(lines: &[u8]) -> usize {
    let Some(piece) = lines.get(..PIECE_BYTES) else { return lines.len() };
    let end = memrchr2(b'\r', b'\n', piece);
    let end = end.or_else(|| memchr2(b'\r', b'\n', &lines[PIECE_BYTES..]).map(|more| PIECE_BYTES + more));
    end.map_or(lines.len(), |end| end + terminator(&lines[end..]))
}

/// The length of the line end that bytes begin with.
fn terminator(bytes: &[u8]) -> usize {
    match bytes {
        [] => 0,
        [b'\r', b'\n', ..] => 2,
        _ => 1,
    }
}

/// The first line's text, and how long it is with its end.
#[inline]
pub(crate) fn first_line(bytes: &[u8]) -> (&[u8], usize) {
    let end = memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
    (&bytes[..end], end + terminator(&bytes[end..]))
}

/// Whether a line holds nothing to read.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_where_lines_do() {
        assert_eq!(piece_length(b"ab\ncd"), 5);
        let mut long = vec![b'x'; 2 * PIECE_BYTES];
        assert_eq!(piece_length(&long), long.len());
        long[PIECE_BYTES - 1] = b'\r';
        long[PIECE_BYTES] = b'\n';
        assert_eq!(piece_length(&long), PIECE_BYTES + 1);
        long[7] = b'\n';
        long[PIECE_BYTES - 1] = b'x';
        assert_eq!(piece_length(&long), 8);
    }

    #[test]
    fn every_kind_of_line_end_counts_once() {
        assert_eq!(line_ends(b"a\nb\r\nc\r\rd"), 4);
        assert_eq!(first_line(b"ab\r\ncd"), (&b"ab"[..], 4));
        assert_eq!(first_line(b"ab"), (&b"ab"[..], 2));
    }
}
