//! [`JsonColumns`]: reads the records of one split: lines, texts between separators, or a whole file.

use super::options::JsonOptions;
use super::rows::Rows;
use crate::columns::options::Options;
use crate::columns::rows::{BATCH_ROWS, ReadColumns};
use crate::error::{BadRow, TableError};
use crate::fault::Fault;
use crate::line_feed::{LineFeed, first_line};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use firesteel_io::{FileSplit, LinePositions, Stores, read_decoded};

/// The most bytes of text in a batch, about.
const BATCH_BYTES: usize = 64 << 20;

/// Reads records.
pub(crate) struct JsonColumns {
    records: Records,
    rows: Rows,
    path: String,
}

impl JsonColumns {
    pub(crate) fn open(
        stores: &Stores,
        split: &FileSplit,
        schema: &SchemaRef,
        options: &Options,
        wanted: &[usize],
    ) -> Result<Self, TableError> {
        let fail = |message| TableError::File { path: split.path.clone(), message };
        let options = JsonOptions::of(options).map_err(fail)?;
        let records = Records::open(stores, split, &options)?;
        let rows = Rows::new(schema, wanted, options).map_err(fail)?;
        Ok(JsonColumns { records, rows, path: split.path.clone() })
    }
}

impl ReadColumns for JsonColumns {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, TableError> {
        let mut more = true;
        while more && self.rows.len() < BATCH_ROWS && self.rows.bytes() < BATCH_BYTES {
            let rows = &mut self.rows;
            more = self.records.each(&mut |record| match record {
                Record::Text(text) => rows.take(text),
                Record::Bytes(bytes) => rows.take_bytes(bytes),
            })?;
        }
        if !more && self.rows.len() == 0 {
            return Ok(None);
        }
        let batch = self.rows.finish();
        batch
            .map(Some)
            .map_err(|error| TableError::File { path: self.path.clone(), message: error.to_string() })
    }
}

/// A record as it is in the file.
pub(super) enum Record<'a> {
    Text(&'a str),
    /// It may not be text.
    Bytes(&'a [u8]),
}

/// The records of a split.
pub(super) enum Records {
    Lines(Box<LineFeed>),
    Separated {
        positions: Box<LinePositions>,
        before: u64,
        stores: Stores,
        split: FileSplit,
        separator: Vec<u8>,
    },
    Whole {
        stores: Stores,
        split: FileSplit,
        read: bool,
    },
}

impl Records {
    pub(super) fn open(
        stores: &Stores,
        split: &FileSplit,
        options: &JsonOptions,
    ) -> Result<Records, TableError> {
        let (stores, split) = (stores.clone(), split.clone());
        Ok(match &options.separator {
            _ if options.multi_line => Records::Whole { stores, split, read: false },
            None => Records::Lines(Box::new(LineFeed::open(&stores, &split)?)),
            Some(separator) => Records::Separated {
                positions: Box::new(LinePositions::open(&stores, &split, Some(separator))?),
                before: 0,
                separator: separator.clone(),
                stores,
                split,
            },
        })
    }

    /// Calls a function with each of the next records. Returns false when there are none.
    pub(super) fn each(
        &mut self,
        consume: &mut dyn FnMut(Record<'_>) -> Result<(), Fault>,
    ) -> Result<bool, TableError> {
        match self {
            Records::Lines(feed) => each_line(feed, consume),
            Records::Separated { positions, before, stores, split, separator } => {
                let Some(batch) = positions.next().transpose()? else { return Ok(false) };
                for (offset, text) in &batch {
                    *before += 1;
                    if let Err(fault) = consume(Record::Text(text)) {
                        let line = *before + records_before(stores, split, separator)?;
                        return Err(bad_row(&split.path, line, *offset as u64, text.as_bytes(), fault));
                    }
                }
                Ok(true)
            }
            Records::Whole { read: true, .. } => Ok(false),
            Records::Whole { stores, split, read } => {
                *read = true;
                let bytes = read_decoded(stores, &split.path)?;
                let bad = |fault| bad_row(&split.path, 1, 0, &bytes, fault);
                consume(Record::Bytes(&bytes)).map(|()| true).map_err(bad)
            }
        }
    }
}

fn each_line(
    feed: &mut LineFeed,
    consume: &mut dyn FnMut(Record<'_>) -> Result<(), Fault>,
) -> Result<bool, TableError> {
    let Some(chunk) = feed.next_chunk()? else { return Ok(false) };
    let bytes = &feed.bytes()[chunk.range];
    // Lines end at bytes that are no part of a longer character: text as a whole is text line by line.
    let text = simdutf8::basic::from_utf8(bytes).ok();
    let (mut at, mut lines) = (0, 0);
    while at < bytes.len() {
        let (line, length) = first_line(&bytes[at..]);
        let record = match text {
            Some(text) => Record::Text(&text[at..at + line.len()]),
            None => Record::Bytes(line),
        };
        if let Err(fault) = consume(record) {
            return Err(with_remedy(feed.bad_row(
                chunk.lines + lines,
                chunk.offset + at as u64,
                line,
                fault,
            )?));
        }
        at += length;
        lines += 1;
    }
    feed.passed(lines);
    Ok(true)
}

/// Returns how many records begin before a split.
fn records_before(stores: &Stores, split: &FileSplit, separator: &[u8]) -> Result<u64, TableError> {
    let before = FileSplit { path: split.path.clone(), start: 0, length: split.start };
    let mut records = 0;
    for batch in LinePositions::open(stores, &before, Some(separator))? {
        records += batch?.len() as u64;
    }
    Ok(records)
}

/// The advice about a bad record.
const REMEDY: &str = ". Set the option mode to PERMISSIVE to have nulls instead, or to \
                      DROPMALFORMED to leave such records out";

fn with_remedy(mut row: BadRow) -> TableError {
    row.reason.push_str(REMEDY);
    TableError::Row(row)
}

fn bad_row(path: &str, line: u64, offset: u64, text: &[u8], fault: Fault) -> TableError {
    let (column, value, reason) = fault.into_parts();
    with_remedy(BadRow {
        path: path.into(),
        line,
        offset,
        column,
        value,
        reason,
        text: BadRow::shortened(text),
    })
}
