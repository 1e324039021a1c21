//! The records of a split, one after another: each a line, or, with `multiLine`, as far as its quotes reach. The
//! header, blank lines and comments are left out.

use super::dialect::{Charset, Dialect};
use super::fields::Fields;
use super::tokens::{Bounds, LINE, ParseError};
use crate::error::{BadRow, TableError};
use crate::fault::Fault;
use crate::line_feed::{LineFeed, first_line, first_line_ended_by, line_ends};
use firesteel_io::{FileSplit, Stores};
use memchr::{memchr, memchr2};
use std::borrow::Cow;

/// A record, or a line that is none.
pub(super) struct Record<'a> {
    pub(super) text: &'a str,
    /// The place of its beginning, to name it when it is bad.
    pub(super) place: Place,
}

/// Where a record begins.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    /// The number of the split's lines before it.
    lines: u64,
    offset: u64,
}

/// Takes records. The fields are those of the record, or the reason why it has none.
pub(super) type Take<'a> =
    dyn FnMut(&Record<'_>, &mut Fields, Option<ParseError>) -> Result<(), (Place, String, Fault)> + 'a;

/// Finds the records of a split.
pub(super) struct Records {
    feed: LineFeed,
    dialect: Dialect,
    fields: Fields,
    /// True if the next record is the header.
    header: bool,
    /// True if records are split into fields: counting them needs none.
    splits: bool,
    open: Open,
}

/// Text whose last record has not ended yet.
#[derive(Default)]
struct Open {
    text: String,
    place: Place,
    /// The end of its records, once its beginning was seen.
    newline: Option<Newline>,
    /// The length from which the text is parsed again, so that a record of many chunks is not parsed with each.
    enough: usize,
    done: bool,
}

/// The end of a record in a file whose records may be of several lines.
#[derive(Clone, Copy)]
struct Newline {
    byte: u8,
    /// The text that stands for the byte in the file, if it is not itself.
    written: Option<&'static str>,
}

impl Place {
    /// Returns whether the record belongs to a sample: this part of all.
    pub(super) fn is_sampled(self, ratio: f64) -> bool {
        // The multiplier spreads neighbouring places over the whole range.
        let spread = (self.offset ^ self.lines).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11;
        ratio >= 1.0 || (spread as f64) < ratio * (1_u64 << 53) as f64
    }
}

impl Records {
    pub(super) fn open(
        stores: &Stores,
        split: &FileSplit,
        dialect: &Dialect,
        splits: bool,
    ) -> Result<Records, TableError> {
        if dialect.multi_line && split.start > 0 {
            return Err(TableError::File {
                path: split.path.clone(),
                message: "a file whose records may be of several lines is one split".into(),
            });
        }
        let end = dialect.line_end.as_deref().filter(|_| !dialect.multi_line);
        Ok(Records {
            feed: LineFeed::open_ended_by(stores, split, end)?,
            header: dialect.header && split.start == 0,
            dialect: dialect.clone(),
            fields: Fields::default(),
            splits,
            open: Open::default(),
        })
    }

    /// Hands out the next records: some, or none if there were only others. Returns false at the split's end.
    pub(super) fn next(&mut self, take: &mut Take<'_>) -> Result<bool, TableError> {
        let more = if self.dialect.multi_line { self.next_records(take) } else { self.next_lines(take) };
        match more {
            Ok(more) => Ok(more),
            Err(Failure::Table(error)) => Err(error),
            Err(Failure::Row(place, text, fault)) => {
                Err(TableError::Row(self.bad_row(place, text.as_bytes(), fault)?))
            }
        }
    }

    fn bad_row(&self, place: Place, text: &[u8], fault: Fault) -> Result<BadRow, TableError> {
        self.feed.bad_row(place.lines, place.offset, text, fault)
    }

    fn next_lines(&mut self, take: &mut Take<'_>) -> Result<bool, Failure> {
        let Some(chunk) = self.feed.next_chunk()? else { return Ok(false) };
        let bytes = &self.feed.bytes()[chunk.range.clone()];
        // Validated at once if possible, since that is much faster than line by line.
        let whole = match self.dialect.charset {
            Charset::Latin1 => None,
            Charset::Utf8 | Charset::Ascii => simdutf8::basic::from_utf8(bytes).ok(),
        };
        let whole = whole.filter(|text| self.dialect.charset == Charset::Utf8 || text.is_ascii());
        let (mut at, mut lines) = (0, 0);
        while at < bytes.len() {
            let (line, length) = match &self.dialect.line_end {
                None => first_line(&bytes[at..]),
                Some(end) => first_line_ended_by(&bytes[at..], end),
            };
            if !self.dialect.skips(line) && !std::mem::take(&mut self.header) {
                let text = match whole {
                    Some(text) => Cow::Borrowed(&text[at..at + line.len()]),
                    None => decode(line, self.dialect.charset),
                };
                let place = Place { lines: chunk.lines + lines, offset: chunk.offset + at as u64 };
                let record = Record { text: &text, place };
                let error = match self.splits {
                    true => self.fields.parse(&text, 0, &self.dialect, LINE).err(),
                    false => None,
                };
                take(&record, &mut self.fields, error)?;
            }
            at += length;
            lines += 1;
        }
        self.feed.passed(lines);
        Ok(true)
    }

    /// Reads on in a file whose records may be of several lines.
    fn next_records(&mut self, take: &mut Take<'_>) -> Result<bool, Failure> {
        if self.open.done {
            return Ok(false);
        }
        let passed = match self.feed.next_chunk()? {
            None => {
                self.open.done = true;
                0
            }
            Some(chunk) => {
                let bytes = &self.feed.bytes()[chunk.range.clone()];
                let newline = *self.open.newline.get_or_insert_with(|| newline(bytes, &self.dialect));
                let text = decode(bytes, self.dialect.charset);
                // Also in quotes: a value has the same line ends wherever its file was written.
                match newline.written {
                    Some(written) if text.contains(written) => self.open.text += &text.replace(written, "\n"),
                    _ => self.open.text += &text,
                }
                line_ends(bytes)
            }
        };
        self.feed.passed(passed);
        if self.open.done || self.open.text.len() >= self.open.enough {
            self.parse_open(take)?;
        }
        Ok(true)
    }

    /// Hands out the records that have ended.
    fn parse_open(&mut self, take: &mut Take<'_>) -> Result<(), Failure> {
        let newline = self.open.newline.map_or(b'\n', |newline| newline.byte);
        let bounds = Bounds { newline: Some(newline), last: self.open.done };
        let text = std::mem::take(&mut self.open.text);
        let (bytes, mut at) = (text.as_bytes(), 0);
        while at < bytes.len() {
            let comment = self.dialect.comment.is_some() && bytes.get(at).copied() == self.dialect.comment;
            let text_start = if self.dialect.trim_start { after_space(bytes, at, newline) } else { at };
            let next = if bytes.get(text_start) == Some(&newline) {
                text_start + 1
            } else if comment {
                match memchr(newline, &bytes[at..]) {
                    None if !bounds.last => break,
                    end => end.map_or(bytes.len(), |end| at + end + 1),
                }
            } else {
                let parsed = self.fields.parse(&text, at, &self.dialect, bounds);
                let (next, error) = match parsed {
                    Ok(next) => (next, None),
                    Err(ParseError::Open) => break,
                    Err(error) => (bytes.len(), Some(error)),
                };
                if !std::mem::take(&mut self.header) {
                    let record = Record { text: &text[at..next], place: self.open.place };
                    self.fields.rebase(at);
                    take(&record, &mut self.fields, error)?;
                }
                next
            };
            self.open.place.lines += line_ends(&bytes[at..next]);
            self.open.place.offset += (next - at) as u64;
            at = next;
        }
        self.open.text = text[at..].to_string();
        self.open.enough = 2 * self.open.text.len();
        Ok(())
    }
}

/// Why the reading ends.
enum Failure {
    Table(TableError),
    /// A row was refused.
    Row(Place, String, Fault),
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Failure {
        Failure::Table(error)
    }
}

impl From<(Place, String, Fault)> for Failure {
    fn from((place, text, fault): (Place, String, Fault)) -> Failure {
        Failure::Row(place, text, fault)
    }
}

/// Finds out what ends a record, from the beginning of a file.
fn newline(bytes: &[u8], dialect: &Dialect) -> Newline {
    let of = |byte, written| Newline { byte, written };
    match dialect.line_end.as_deref() {
        Some([byte]) => of(*byte, None),
        Some(_) => of(b'\n', Some("\r\n")),
        None => match memchr2(b'\r', b'\n', bytes) {
            Some(at) if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') => of(b'\n', Some("\r\n")),
            Some(at) if bytes[at] == b'\r' => of(b'\n', Some("\r")),
            _ => of(b'\n', None),
        },
    }
}

/// Returns the place behind white space.
fn after_space(bytes: &[u8], start: usize, newline: u8) -> usize {
    let space = |byte: &u8| *byte <= b' ' && *byte != newline;
    start + bytes[start..].iter().take_while(|byte| space(byte)).count()
}

fn decode(bytes: &[u8], charset: Charset) -> Cow<'_, str> {
    let ascii = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { char::REPLACEMENT_CHARACTER };
    match charset {
        Charset::Utf8 => String::from_utf8_lossy(bytes),
        Charset::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
        Charset::Ascii => bytes.iter().map(ascii).collect(),
    }
}
