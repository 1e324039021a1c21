//! Reads the records of one split of a CSV file.

use super::CsvFormat;
use super::cell::Record;
use super::parse::{Fields, ParseError, record_end};
use crate::error::{OnBadRow, TableError};
use crate::fault::Fault;
use crate::line_feed::{Chunk, LineFeed, first_line, line_ends};
use crate::row::{Plan, width_of};
use crate::shape::Shape;
use firesteel_io::{FileSplit, Stores};
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// The longest record that may contain line ends: a quote that never closes would make one record of the rest
/// of the file.
const MAX_RECORD_BYTES: usize = 64 << 20;

/// The longest header, which may then consist of several lines.
const MAX_HEADER_BYTES: usize = 1 << 20;

/// Reads the records of one split of a CSV file.
///
/// Columns are matched with the record's fields by the names in the file's header, which may be in any order;
/// columns without a field are ignored. Blank lines are skipped too, except in a table of a single column.
///
/// ```
/// use firesteel_io::{FileSplit, Stores};
/// use firesteel_tables::{CsvFormat, CsvReader, fail_on_bad_row};
/// # use serde::Deserialize;
/// #[derive(Deserialize, Debug, PartialEq)]
/// struct Flight {
///     delay: Option<i32>,
///     carrier: String,
/// }
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.csv").to_str().unwrap().to_string();
/// std::fs::write(&path, "carrier,delay\nAA,\nUA,-3\n").unwrap();
/// let mut reader = CsvReader::<Flight>::open(&firesteel_io::Stores::default(), &FileSplit { path, start: 0, length: 24 }, &CsvFormat::default())?;
/// let mut flights = vec![];
/// while reader.read_batch(&mut flights, &mut fail_on_bad_row)? {}
/// let expected = [("AA", None), ("UA", Some(-3))];
/// assert_eq!(flights, expected.map(|(carrier, delay)| Flight { delay, carrier: carrier.into() }));
/// # Ok::<(), firesteel_tables::TableError>(())
/// ```
pub struct CsvReader<T> {
    feed: LineFeed,
    /// The end of the header: a line that begins before it is no row.
    header_end: u64,
    rows: Rows<T>,
    /// A record that has begun and not ended yet, if records may contain line ends.
    open: Open,
}

/// Makes records of rows.
struct Rows<T> {
    format: CsvFormat,
    shape: Shape,
    plan: Option<Plan>,
    /// True if all rows must have as many fields as the plan has columns.
    fixed: bool,
    fields: Fields,
    types: PhantomData<fn() -> T>,
}

/// A record that has not ended yet.
#[derive(Default)]
struct Open {
    text: Vec<u8>,
    offset: u64,
    lines: u64,
}

impl<T: DeserializeOwned> CsvReader<T> {
    /// Opens the split's file, and reads its header.
    ///
    /// # Errors
    /// When the file cannot be opened, or lacks columns that the record needs.
    pub fn open(stores: &Stores, split: &FileSplit, format: &CsvFormat) -> Result<Self, TableError> {
        format.check().map_err(|message| TableError::File { path: split.path.clone(), message })?;
        let shape = Shape::of::<T>();
        let (mut plan, mut header_end) = (None, 0);
        if format.header {
            match read_header(stores, split, format)? {
                Some((names, end)) => {
                    plan = Some(Plan::by_name(&split.path, &shape, names)?);
                    header_end = end;
                }
                // The file is empty: there are no columns to match, and no rows.
                None => header_end = u64::MAX,
            }
        } else if let Some(width) = width_of(shape.kind()) {
            plan = Some(Plan::by_position(&shape, width));
        }
        let (fixed, format) = (plan.is_some(), format.clone());
        let rows = Rows { format, shape, plan, fixed, fields: Fields::default(), types: PhantomData };
        Ok(CsvReader { feed: LineFeed::open(stores, split)?, header_end, rows, open: Open::default() })
    }

    /// Appends the next records to `out`: some, or none if all were bad. Returns false at the end of the split.
    ///
    /// # Errors
    /// When the file cannot be read, or `on_bad_row` refuses a row.
    pub fn read_batch(
        &mut self,
        out: &mut Vec<T>,
        on_bad_row: &mut OnBadRow<'_>,
    ) -> Result<bool, TableError> {
        match (self.feed.next_chunk()?, self.rows.format.multi_line) {
            (Some(chunk), false) => self.read_lines(&chunk, out, on_bad_row)?,
            (Some(chunk), true) => self.read_records(&chunk, out, on_bad_row)?,
            (None, true) if !self.open.text.is_empty() => self.read_last(out, on_bad_row)?,
            (None, _) => return Ok(false),
        }
        Ok(true)
    }

    fn read_lines(
        &mut self,
        chunk: &Chunk,
        out: &mut Vec<T>,
        on_bad_row: &mut OnBadRow<'_>,
    ) -> Result<(), TableError> {
        let bytes = &self.feed.bytes()[chunk.range.clone()];
        // Validated at once if possible, since that is much faster than line by line.
        let text = simdutf8::basic::from_utf8(bytes).ok();
        let (mut at, mut lines) = (0, 0);
        while at < bytes.len() {
            let (line, length) = first_line(&bytes[at..]);
            let offset = chunk.offset + at as u64;
            if offset >= self.header_end && !self.rows.skips(line) {
                let valid = text.map(|text| &text[at..at + line.len()]);
                match valid.map_or_else(|| validate(line), Ok).and_then(|line| self.rows.decode(line)) {
                    Ok(record) => out.push(record),
                    Err(fault) => on_bad_row(self.feed.bad_row(chunk.lines + lines, offset, line, fault)?)?,
                }
            }
            at += length;
            lines += 1;
        }
        self.feed.passed(lines);
        Ok(())
    }

    /// Reads records like `read_lines`, when quoted fields may contain line ends.
    fn read_records(
        &mut self,
        chunk: &Chunk,
        out: &mut Vec<T>,
        on_bad_row: &mut OnBadRow<'_>,
    ) -> Result<(), TableError> {
        let bytes = &self.feed.bytes()[chunk.range.clone()];
        let mut open = std::mem::take(&mut self.open);
        if open.text.is_empty() {
            (open.offset, open.lines) = (chunk.offset, chunk.lines);
        }
        let passed = line_ends(bytes);
        open.text.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(end) = record_end(&open.text[at..], &self.rows.format) {
            let record = &open.text[at..at + end];
            self.read_record(record, open.offset, open.lines, out, on_bad_row)?;
            let whole = end + (first_line(&open.text[at + end..]).1);
            open.lines += line_ends(&open.text[at..at + whole]);
            open.offset += whole as u64;
            at += whole;
        }
        open.text.drain(..at);
        if open.text.len() > MAX_RECORD_BYTES {
            let fault = Fault::new(format!(
                "the record has no end within {} MiB: a quote never closes",
                MAX_RECORD_BYTES >> 20
            ));
            let bad = self.feed.bad_row(open.lines, open.offset, &open.text, fault)?;
            return Err(TableError::Row(bad));
        }
        self.open = open;
        self.feed.passed(passed);
        Ok(())
    }

    /// Reads the last record of a file that does not end with a line end.
    fn read_last(&mut self, out: &mut Vec<T>, on_bad_row: &mut OnBadRow<'_>) -> Result<(), TableError> {
        let Open { text, offset, lines } = std::mem::take(&mut self.open);
        self.read_record(&text, offset, lines, out, on_bad_row)
    }

    fn read_record(
        &mut self,
        record: &[u8],
        offset: u64,
        lines: u64,
        out: &mut Vec<T>,
        on_bad_row: &mut OnBadRow<'_>,
    ) -> Result<(), TableError> {
        if offset < self.header_end || self.rows.skips(record) {
            return Ok(());
        }
        match validate(record).and_then(|record| self.rows.decode(record)) {
            Ok(record) => out.push(record),
            Err(fault) => on_bad_row(self.feed.bad_row(lines, offset, record, fault)?)?,
        }
        Ok(())
    }
}

impl<T: DeserializeOwned> Rows<T> {
    /// Returns whether a record is skipped because it is empty.
    fn skips(&self, record: &[u8]) -> bool {
        let one_column = self.fixed && self.plan.as_ref().is_some_and(|plan| plan.width() == 1);
        !one_column && is_empty(record, &self.format)
    }

    #[inline]
    fn decode(&mut self, text: &str) -> Result<T, Fault> {
        self.fields.parse(text, &self.format).map_err(|error| self.explain(error))?;
        let count = self.fields.len();
        let plan = match &self.plan {
            Some(plan) if plan.width() == count => plan,
            Some(plan) if self.fixed => return Err(wrong_count(count, plan.names(), self.format.header)),
            _ => self.plan.insert(Plan::by_position(&self.shape, count)),
        };
        plan.record(Record { text, fields: &self.fields, format: &self.format })
    }

    #[cold]
    fn explain(&self, error: ParseError) -> Fault {
        let (field, what) = match error {
            ParseError::Open(field) if self.format.multi_line => {
                (field, "a quote opens the field, and none closes it")
            }
            ParseError::Open(field) => (
                field,
                "a quote opens the field, and none closes it in this line; for fields with line ends in them, set `multi_line(true)`",
            ),
            ParseError::AfterQuote(field) => (
                field,
                "something follows the closing quote; a quote inside a quoted field is written twice, or behind the escape \
                 character if one is set",
            ),
        };
        let name = self.plan.as_ref().and_then(|plan| plan.names().get(field)).cloned();
        Fault::new(what).in_column(&name.unwrap_or_else(|| (field + 1).to_string()), || None)
    }
}

#[cold]
fn wrong_count(found: usize, names: &[String], header: bool) -> Fault {
    let source = if header { "the header names" } else { "the record has" };
    Fault::new(format!("the row has {found} fields, and {source} {}: {}", names.len(), names.join(", ")))
}

fn validate(line: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(line).map_err(|error| {
        let at = error.valid_up_to();
        Fault::new(format!("it is not valid UTF-8: byte {} of the row is 0x{:02X}", at + 1, line[at]))
    })
}

/// Returns whether a record has nothing in it but spaces.
fn is_empty(record: &[u8], format: &CsvFormat) -> bool {
    record.iter().all(|byte| *byte == b' ' && format.delimiter != b' ')
}

/// The names in a file's header, and where it ends; none when the file is empty.
fn read_header(
    stores: &Stores,
    split: &FileSplit,
    format: &CsvFormat,
) -> Result<Option<(Vec<String>, u64)>, TableError> {
    // The header is a line, or several, at the beginning, wherever the split is.
    let mut feed =
        LineFeed::open(stores, &FileSplit { path: split.path.clone(), start: 0, length: split.end() })?;
    let (mut text, mut offset, mut begun) = (vec![], 0, false);
    while let Some(chunk) = feed.next_chunk()? {
        let bytes = &feed.bytes()[chunk.range.clone()];
        let mut at = 0;
        while at < bytes.len() {
            let (line, length) = first_line(&bytes[at..]);
            offset = chunk.offset + (at + length) as u64;
            at += length;
            if !begun && is_empty(line, format) {
                continue;
            }
            begun = true;
            text.extend_from_slice(line);
            if !format.multi_line || record_end(&[&text[..], b"\n"].concat(), format).is_some() {
                return header_names(&split.path, &text, format).map(|names| Some((names, offset)));
            }
            text.push(b'\n');
        }
        if text.len() > MAX_HEADER_BYTES {
            break;
        }
    }
    if begun { header_names(&split.path, &text, format).map(|names| Some((names, offset))) } else { Ok(None) }
}

fn header_names(path: &str, text: &[u8], format: &CsvFormat) -> Result<Vec<String>, TableError> {
    let fail = |what: String| TableError::File {
        path: path.into(),
        message: format!("the header cannot be read: {what}"),
    };
    let text = validate(text).map_err(|fault| fail(fault.to_string()))?;
    let mut fields = Fields::default();
    fields.parse(text, format).map_err(|error| match error {
        ParseError::Open(field) => fail(format!("a quote opens name {} and never closes", field + 1)),
        ParseError::AfterQuote(field) => {
            fail(format!("something follows the closing quote of name {}", field + 1))
        }
    })?;
    Ok((0..fields.len()).map(|index| fields.get(text, index).0.to_string()).collect())
}
