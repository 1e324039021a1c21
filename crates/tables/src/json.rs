//! JSON lines: a value on each line, as `serde_json` reads and writes it. Blank lines are skipped; a line that
//! is not a record is a bad row.

use crate::error::{OnBadRow, TableError};
use crate::fault::Fault;
use crate::line_feed::{LineFeed, first_line, is_blank};
use firesteel_io::{FileSplit, Stores};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Write};
use std::marker::PhantomData;

/// Reads the records of one split of a file of JSON lines.
///
/// ```
/// use firesteel_io::{FileSplit, Stores};
/// use firesteel_tables::{JsonReader, fail_on_bad_row};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.json").to_str().unwrap().to_string();
/// std::fs::write(&path, "[1, \"a\"]\n[2, \"b\"]\n").unwrap();
/// let mut reader = JsonReader::<(u32, String)>::open(&firesteel_io::Stores::default(), &FileSplit { path, start: 0, length: 18 })?;
/// let mut records = vec![];
/// while reader.read_batch(&mut records, &mut fail_on_bad_row)? {}
/// assert_eq!(records, [(1, "a".into()), (2, "b".into())]);
/// # Ok::<(), firesteel_tables::TableError>(())
/// ```
pub struct JsonReader<T> {
    feed: LineFeed,
    types: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> JsonReader<T> {
    /// Opens the split's file.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(stores: &Stores, split: &FileSplit) -> Result<Self, TableError> {
        Ok(JsonReader { feed: LineFeed::open(stores, split)?, types: PhantomData })
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
        let Some(chunk) = self.feed.next_chunk()? else { return Ok(false) };
        let (mut at, mut lines) = (chunk.range.start, 0);
        while at < chunk.range.end {
            let (line, length) = first_line(&self.feed.bytes()[at..chunk.range.end]);
            match serde_json::from_slice(line) {
                Ok(record) => out.push(record),
                Err(_) if is_blank(line) => {}
                Err(error) => {
                    let offset = chunk.offset + (at - chunk.range.start) as u64;
                    on_bad_row(self.feed.bad_row(chunk.lines + lines, offset, line, fault(&error))?)?;
                }
            }
            at += length;
            lines += 1;
        }
        self.feed.passed(lines);
        Ok(true)
    }
}

/// Makes a fault of the library's error. The library counts lines too, but only in the one line that it was
/// given.
fn fault(error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text);
    Fault::new(format!("{reason} (character {} of the line)", error.column()))
}

/// Writes records as JSON lines.
///
/// ```
/// let mut writer = firesteel_tables::JsonWriter::new(vec![]);
/// writer.write(&(1, "a"))?;
/// assert_eq!(writer.into_inner(), b"[1,\"a\"]\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct JsonWriter<W> {
    sink: W,
    line: Vec<u8>,
}

impl<W: Write> JsonWriter<W> {
    /// Makes a writer to a sink, which should be buffered.
    pub fn new(sink: W) -> Self {
        JsonWriter { sink, line: vec![] }
    }

    /// Writes one record.
    ///
    /// # Errors
    /// The sink's error, or one of kind `InvalidData` for a record that JSON cannot represent, such as a map
    /// whose keys are lists.
    pub fn write<T: Serialize>(&mut self, record: &T) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, record)
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e.to_string()))?;
        self.line.push(b'\n');
        self.sink.write_all(&self.line)
    }

    /// Returns the sink.
    pub fn into_inner(self) -> W {
        self.sink
    }
}
