//! [`Rows`]: records become rows, good ones and, as the option `mode` says, bad ones.

use super::build::{Column, Data, Record, nullable};
use super::fill::Filler;
use super::options::{JsonOptions, Mode};
use super::scan::{Broken, Scanner};
use crate::fault::Fault;
use crate::line_feed::is_blank;
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef};
use std::sync::Arc;

/// The columns that are wanted, while they are filled.
pub(super) struct Rows {
    options: JsonOptions,
    schema: SchemaRef,
    /// The columns to fill from records.
    fields: Fields,
    record: Record,
    /// The column of bad records' text, and its place in the schema.
    corrupt: Option<(usize, Column)>,
    filler: Filler,
}

impl Rows {
    pub(super) fn new(schema: &Schema, wanted: &[usize], options: JsonOptions) -> Result<Rows, String> {
        let projected = schema.project(wanted).map_err(|error| error.to_string())?;
        let fields: Fields = projected.fields().iter().map(|field| Arc::new(nullable(field))).collect();
        let place = fields.iter().position(|field| *field.name() == options.corrupt);
        let corrupt = match place {
            None => None,
            Some(place) if fields[place].data_type() == &DataType::Utf8 => {
                Some((place, Column::new(fields[place].clone())?))
            }
            Some(place) => {
                let kind = fields[place].data_type();
                let name = &options.corrupt;
                return Err(format!(
                    "the column {name:?} holds the text of bad records, a string, and not {kind}"
                ));
            }
        };
        let data = |field: &&Arc<Field>| *field.name() != options.corrupt;
        let mut filled: Fields = fields.iter().filter(data).cloned().collect();
        if filled.is_empty() && corrupt.is_some() {
            // Which records are bad is asked, and nothing else: each column has to be tried.
            filled = schema.fields().iter().filter(data).map(|field| Arc::new(nullable(field))).collect();
        }
        Ok(Rows {
            filler: Filler::new(&options),
            record: Record::new(&filled)?,
            schema: Arc::new(Schema::new(fields)),
            fields: filled,
            options,
            corrupt,
        })
    }

    /// Returns the number of rows that were taken.
    pub(super) fn len(&self) -> usize {
        self.record.rows
    }

    /// Returns the bytes of text that were taken.
    pub(super) fn bytes(&self) -> usize {
        let corrupt = self.corrupt.iter().map(|(_, column)| column.bytes());
        self.record.columns.iter().map(Column::bytes).chain(corrupt).sum()
    }

    /// Takes a record of bytes that may be no text.
    pub(super) fn take_bytes(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => self.take(text),
            Err(_) => {
                let fault = Fault::new("it is not text in UTF-8");
                self.bad(self.record.rows, &String::from_utf8_lossy(bytes), fault)
            }
        }
    }

    /// Takes a record.
    ///
    /// # Errors
    /// When it is bad, and none may be.
    pub(super) fn take(&mut self, text: &str) -> Result<(), Fault> {
        let before = self.record.rows;
        let mut scan = Scanner::new(text.strip_prefix('\u{FEFF}').unwrap_or(text), self.options.dialect);
        self.filler.bad = None;
        let taken = self.record_of(&mut scan);
        match (taken, self.filler.bad.take()) {
            (Ok(true), None) => self.fill_corrupt(None),
            (Ok(true), Some(fault)) => self.keep_partly(before, text, fault)?,
            (Ok(false), _) if is_blank(text.as_bytes()) => {}
            (Ok(false), _) => {
                self.bad(before, text, Fault::new("it is neither an object nor an array of objects"))?;
            }
            (Err(Broken { at, reason }), _) => {
                self.bad(before, text, Fault::new(format!("{reason}, at byte {at} of the record")))?;
            }
        }
        Ok(())
    }

    /// Takes an object or an array of objects, and returns whether it is one. What follows it does not count.
    fn record_of(&mut self, scan: &mut Scanner<'_>) -> Result<bool, Broken> {
        match scan.peek_any()? {
            // Blanks and comments only.
            None => return Ok(true),
            Some(b'{') => self.filler.object(scan, &mut self.record)?,
            Some(b'[') => {
                scan.enter()?;
                let (mut first, mut objects) = (true, true);
                let mut scratch = String::new();
                while scan.next_element(&mut first)? {
                    match scan.peek()? {
                        b'{' if objects => self.filler.object(scan, &mut self.record)?,
                        _ => {
                            objects = false;
                            scan.skip(&mut scratch)?;
                        }
                    }
                }
                return Ok(objects);
            }
            Some(_) => return Ok(false),
        }
        Ok(true)
    }

    /// Keeps the rows of a record some of whose fields do not fit, or leaves them out.
    fn keep_partly(&mut self, before: usize, text: &str, fault: Fault) -> Result<(), Fault> {
        match self.options.mode {
            Mode::Permissive => self.fill_corrupt(Some(text)),
            Mode::DropMalformed => self.record.truncate(before),
            Mode::FailFast => return Err(fault),
        }
        Ok(())
    }

    /// Takes a record as a row of nulls.
    #[cold]
    fn bad(&mut self, before: usize, text: &str, fault: Fault) -> Result<(), Fault> {
        self.record.truncate(before);
        if self.options.mode == Mode::Permissive {
            self.record.end_row();
        }
        self.keep_partly(before, text, fault)
    }

    fn fill_corrupt(&mut self, text: Option<&str>) {
        let Some((_, column)) = &mut self.corrupt else { return };
        while column.len() < self.record.rows {
            match (&mut column.data, text) {
                (Data::Text(ends, all), Some(text)) => {
                    all.push_str(text);
                    ends.push(all.len());
                    column.valid.append_non_null();
                }
                _ => column.push_null(),
            }
        }
    }

    /// Returns the rows that were taken, and begins anew.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = RecordBatchOptions::new().with_row_count(Some(self.record.rows));
        let fresh = Record::new(&self.fields).map_err(ArrowError::SchemaError)?;
        let record = std::mem::replace(&mut self.record, fresh);
        let mut arrays = vec![];
        if self.schema.fields().len() > usize::from(self.corrupt.is_some()) {
            arrays = record.columns.into_iter().map(Column::finish).collect::<Result<Vec<_>, _>>()?;
        }
        if let Some((place, column)) = &mut self.corrupt {
            let fresh = Column::new(column.field.clone()).map_err(ArrowError::SchemaError)?;
            arrays.insert(*place, std::mem::replace(column, fresh).finish()?);
        }
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &rows)
    }
}
