//! Text: a row for each line, with the line as its only column, `value`; whole files with the option
//! `wholetext`.

use super::{BATCH_ROWS, Options, ReadColumns, Table, WriteColumns};
use crate::error::TableError;
use crate::line_feed::{LineFeed, first_line};
use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::{DataType, SchemaRef};
use firesteel_io::{FileSplit, Output, Stores, TextWriter, read_text};
use std::sync::Arc;

/// Reads lines.
pub(super) struct TextColumns {
    lines: Lines,
    schema: SchemaRef,
}

enum Lines {
    Feed(Box<LineFeed>),
    /// A whole file.
    Whole(Option<String>),
}

impl TextColumns {
    pub(super) fn open(
        stores: &Stores,
        split: &FileSplit,
        schema: &SchemaRef,
        table: &Table,
    ) -> Result<Self, TableError> {
        let fail = |message| TableError::File { path: split.path.clone(), message };
        let lines = match table.options.flag("wholetext", false).map_err(fail)? {
            true => Lines::Whole(Some(read_text(stores, &split.path)?)),
            false => Lines::Feed(Box::new(LineFeed::open(stores, split)?)),
        };
        let schema = Arc::new(schema.project(&table.wanted).map_err(|error| fail(error.to_string()))?);
        Ok(TextColumns { lines, schema })
    }
}

impl ReadColumns for TextColumns {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, TableError> {
        let texts: StringArray = match &mut self.lines {
            Lines::Whole(text) => match text.take() {
                None => return Ok(None),
                Some(text) => StringArray::from(vec![text]),
            },
            Lines::Feed(feed) => {
                let Some(chunk) = feed.next_chunk()? else { return Ok(None) };
                let bytes = &feed.bytes()[chunk.range.clone()];
                let mut lines = Vec::with_capacity(BATCH_ROWS);
                let mut at = 0;
                while at < bytes.len() {
                    let (line, length) = first_line(&bytes[at..]);
                    lines.push(String::from_utf8_lossy(line));
                    at += length;
                }
                StringArray::from_iter_values(lines)
            }
        };
        let rows = RecordBatchOptions::new().with_row_count(Some(texts.len()));
        let columns: Vec<Arc<dyn Array>> = match self.schema.fields().is_empty() {
            true => vec![],
            false => vec![Arc::new(texts)],
        };
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &rows);
        batch.map(Some).map_err(|error| TableError::File { path: String::new(), message: error.to_string() })
    }
}

/// Writes lines.
pub(super) struct TextSink {
    writer: TextWriter,
    separator: Vec<u8>,
}

impl TextSink {
    pub(super) fn create(output: Output, schema: &SchemaRef, options: &Options) -> Result<Self, TableError> {
        let path = output.path().to_string();
        let fail = |message| TableError::File { path: path.clone(), message };
        if schema.fields().len() != 1 || schema.field(0).data_type() != &DataType::Utf8 {
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            let what = format!(
                "text files hold one column of strings, and this table has {}: {}. Select one, or write CSV",
                names.len(),
                names.join(", ")
            );
            return Err(fail(what));
        }
        let separator = options.get("lineSep").unwrap_or("\n").as_bytes().to_vec();
        let writer = TextWriter::new(output, options.codec().map_err(fail)?)?;
        Ok(TextSink { writer, separator })
    }
}

impl WriteColumns for TextSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        let mut out = vec![];
        for text in batch.column(0).as_string::<i32>() {
            // Spark writes a null as an empty line.
            out.extend_from_slice(text.unwrap_or("").as_bytes());
            out.extend_from_slice(&self.separator);
        }
        Ok(self.writer.write_bytes(&out)?)
    }

    fn finish(self: Box<Self>) -> Result<Output, TableError> {
        Ok(self.writer.into_output()?)
    }
}
