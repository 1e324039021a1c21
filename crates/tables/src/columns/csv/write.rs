//! Writes batches as CSV, byte for byte as Spark does.

use super::dialect::{Charset, Dialect, check_locale};
use super::numbers::write_int;
use crate::columns::java_numbers::{write_decimal, write_double, write_float};
use crate::columns::options::Options;
use crate::columns::rows::WriteColumns;
use crate::columns::times::Times;
use crate::error::TableError;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};
use firesteel_io::{Output, TextWriter};
use memchr::{memchr, memchr3, memmem};

/// The number of bytes of rows that are gathered before they are given to the file.
const BUFFER_BYTES: usize = 64 << 10;

/// Writes one file.
pub(crate) struct CsvSink {
    writer: TextWriter,
    form: Form,
    times: Times,
    /// The text of a value, and that of rows.
    value: Vec<u8>,
    rows: Vec<u8>,
}

/// How values look in the file.
struct Form {
    separator: Vec<u8>,
    /// No quote, and no escape, are written as the character of code 0, as Spark does.
    quote: u8,
    escape: u8,
    escape_escape: Option<u8>,
    comment: u8,
    trim_start: bool,
    trim_end: bool,
    quote_all: bool,
    escape_quotes: bool,
    null: Vec<u8>,
    empty: Vec<u8>,
    line_end: Vec<u8>,
    charset: Charset,
}

impl CsvSink {
    pub(crate) fn create(output: Output, schema: &SchemaRef, options: &Options) -> Result<Self, TableError> {
        let path = output.path().to_string();
        let fail = |message| TableError::File { path: path.clone(), message };
        for field in schema.fields() {
            check_type(field).map_err(fail)?;
        }
        let times = Times::of(options).map_err(fail)?;
        check_locale(options, times.has_words()).map_err(fail)?;
        let dialect = Dialect::for_writing(options).map_err(fail)?;
        let form = Form::of(&dialect, options).map_err(fail)?;
        let writer = TextWriter::new(output, options.codec().map_err(fail)?)?;
        let mut sink = CsvSink { writer, form, times, value: vec![], rows: vec![] };
        if dialect.header {
            for (index, field) in schema.fields().iter().enumerate() {
                sink.form.between(index, &mut sink.rows);
                sink.form.text(index, field.name().as_bytes(), &mut sink.rows);
            }
            sink.rows.extend_from_slice(&sink.form.line_end);
        }
        Ok(sink)
    }

    fn flush(&mut self) -> Result<(), TableError> {
        match self.form.charset {
            Charset::Utf8 => self.writer.write_bytes(&self.rows)?,
            charset => self.writer.write_bytes(&encode(&self.rows, charset))?,
        }
        self.rows.clear();
        Ok(())
    }
}

impl WriteColumns for CsvSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        for row in 0..batch.num_rows() {
            for (index, column) in batch.columns().iter().enumerate() {
                self.form.between(index, &mut self.rows);
                if column.is_null(row) {
                    self.form.substitute(index, &self.form.null, &mut self.rows);
                    continue;
                }
                if let DataType::Utf8 = column.data_type() {
                    self.form.text(index, column.as_string::<i32>().value(row).as_bytes(), &mut self.rows);
                    continue;
                }
                self.value.clear();
                append(column, row, &self.times, &mut self.value);
                self.form.text(index, &self.value, &mut self.rows);
            }
            self.rows.extend_from_slice(&self.form.line_end);
            if self.rows.len() >= BUFFER_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Output, TableError> {
        self.flush()?;
        Ok(self.writer.into_output()?)
    }
}

/// Refuses types that have no text.
fn check_type(field: &Field) -> Result<(), String> {
    match field.data_type() {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::Binary
        | DataType::Date32
        | DataType::Timestamp(TimeUnit::Microsecond, _)
        | DataType::Decimal128(..) => Ok(()),
        other => Err(format!(
            "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE: column {:?} has the type {other}, which CSV files do not hold. \
             Write JSON or Parquet, or make columns of its parts",
            field.name()
        )),
    }
}

/// Appends the text of a value that is not null and not text itself.
fn append(column: &dyn Array, row: usize, times: &Times, out: &mut Vec<u8>) {
    match column.data_type() {
        DataType::Boolean => {
            out.extend_from_slice(if column.as_boolean().value(row) { b"true" } else { b"false" });
        }
        DataType::Int8 => write_int(column.as_primitive::<Int8Type>().value(row).into(), out),
        DataType::Int16 => write_int(column.as_primitive::<Int16Type>().value(row).into(), out),
        DataType::Int32 => write_int(column.as_primitive::<Int32Type>().value(row).into(), out),
        DataType::Int64 => write_int(column.as_primitive::<Int64Type>().value(row), out),
        DataType::Float32 => write_float(column.as_primitive::<Float32Type>().value(row), out),
        DataType::Float64 => write_double(column.as_primitive::<Float64Type>().value(row), out),
        DataType::Date32 => times.write_date(column.as_primitive::<Date32Type>().value(row), out),
        DataType::Timestamp(_, zone) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            match zone {
                Some(_) => times.write_timestamp(micros, out),
                None => times.write_timestamp_ntz(micros, out),
            }
        }
        DataType::Decimal128(_, scale) => {
            write_decimal(column.as_primitive::<Decimal128Type>().value(row), *scale, out);
        }
        DataType::Binary => {
            out.push(b'[');
            for (index, byte) in column.as_binary::<i32>().value(row).iter().enumerate() {
                if index > 0 {
                    out.push(b' ');
                }
                out.extend([byte >> 4, byte & 15].map(|digit| b"0123456789ABCDEF"[usize::from(digit)]));
            }
            out.push(b']');
        }
        // The sink was created for no other types.
        _ => {}
    }
}

impl Form {
    fn of(dialect: &Dialect, options: &Options) -> Result<Form, String> {
        let empty = dialect.empty.clone().unwrap_or_else(|| "\"\"".into());
        Ok(Form {
            separator: dialect.separator.clone(),
            quote: dialect.quote.unwrap_or(0),
            escape: dialect.escape.unwrap_or(0),
            escape_escape: dialect.escape_escape,
            // Spark protects a first field that looks like a comment, which begins with # unless an option says otherwise.
            comment: dialect.comment.unwrap_or(b'#'),
            trim_start: dialect.trim_start,
            trim_end: dialect.trim_end,
            quote_all: options.flag("quoteAll", false)?,
            escape_quotes: options.flag("escapeQuotes", true)?,
            null: dialect.null.clone().into_bytes(),
            empty: empty.into_bytes(),
            line_end: dialect.line_end.clone().unwrap_or_else(|| b"\n".to_vec()),
            charset: dialect.charset,
        })
    }

    /// Appends what stands before the field of a column.
    fn between(&self, index: usize, out: &mut Vec<u8>) {
        if index > 0 {
            out.extend_from_slice(&self.separator);
        }
    }

    /// Appends the text of a value.
    fn text(&self, index: usize, text: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        if !text.is_empty() {
            self.field(index, text, false, out);
        }
        if out.len() == start {
            self.substitute(index, &self.empty, out);
        }
    }

    /// Appends the text that stands for nulls, or for text without characters.
    fn substitute(&self, index: usize, text: &[u8], out: &mut Vec<u8>) {
        self.field(index, text, true, out);
    }

    fn field(&self, index: usize, text: &[u8], substitute: bool, out: &mut Vec<u8>) {
        let space = |byte: &&u8| **byte <= b' ';
        let start = if self.trim_start { text.iter().take_while(space).count() } else { 0 };
        let shown = &text[start..];
        let comments = index == 0 && text.first() == Some(&self.comment);
        let forced = self.quote_all || shown.first() == Some(&self.quote) || (comments && !shown.is_empty());
        let ends = if self.trim_end { shown.iter().rev().take_while(space).count() } else { 0 };
        let kept = &shown[..shown.len() - ends];
        if forced
            && substitute
            && text.len() >= 2
            && text[0] == self.quote
            && text.last() == Some(&self.quote)
        {
            // It has its quotes already.
            return out.extend_from_slice(text);
        }
        if !forced && !self.needs_quotes(shown) {
            return out.extend_from_slice(kept);
        }
        if kept.is_empty() && !substitute {
            return;
        }
        out.push(self.quote);
        for byte in kept {
            if *byte == self.quote {
                out.push(self.escape);
            } else if *byte == self.escape {
                out.extend(self.escape_escape);
            }
            match self.line_end.len() {
                2 if *byte == b'\n' => out.extend_from_slice(&self.line_end),
                _ => out.push(*byte),
            }
        }
        out.push(self.quote);
    }

    fn needs_quotes(&self, text: &[u8]) -> bool {
        let quote = if self.escape_quotes { self.quote } else { b'\n' };
        memchr3(b'\n', b'\r', quote, text).is_some()
            || memchr(self.separator[0], text).is_some_and(|at| self.has_separator(&text[at..]))
            || matches!(self.line_end[..], [byte] if byte != b'\n' && memchr(byte, text).is_some())
    }

    fn has_separator(&self, text: &[u8]) -> bool {
        self.separator.len() == 1 || memmem::find(text, &self.separator).is_some()
    }
}

/// Encodes text in an encoding of few characters; a question mark stands for all others.
fn encode(text: &[u8], charset: Charset) -> Vec<u8> {
    let most = if charset == Charset::Latin1 { 255 } else { 127 };
    let byte = |character: char| {
        u8::try_from(u32::from(character)).ok().filter(|byte| *byte <= most).unwrap_or(b'?')
    };
    String::from_utf8_lossy(text).chars().map(byte).collect()
}
