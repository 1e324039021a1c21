//! [`JsonSink`]: writes an object for each row, in the bytes that Spark writes.

use super::encode::{Encoder, Style, check_type};
use super::options::{check_encoding, separator};
use crate::columns::options::Options;
use crate::columns::rows::WriteColumns;
use crate::columns::times::Times;
use crate::error::TableError;
use arrow_array::{RecordBatch, StructArray};
use arrow_schema::SchemaRef;
use firesteel_io::{Output, TextWriter};

/// The bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 64 << 10;

/// Writes objects.
pub(crate) struct JsonSink {
    writer: TextWriter,
    separator: Vec<u8>,
    style: Style,
}

impl JsonSink {
    pub(crate) fn create(output: Output, schema: &SchemaRef, options: &Options) -> Result<Self, TableError> {
        let path = output.path().to_string();
        let fail = |message| TableError::File { path: path.clone(), message };
        for field in schema.fields() {
            check_type(field.name(), field.data_type()).map_err(fail)?;
        }
        check_encoding(options).map_err(fail)?;
        if options.flag("pretty", false).map_err(fail)? {
            return Err(fail("the option pretty is not obeyed: objects are written on a line each".into()));
        }
        let style = Style {
            times: Times::of(options).map_err(fail)?,
            ignore_null_fields: options.flag("ignoreNullFields", true).map_err(fail)?,
            ascii: options.flag("writeNonAsciiCharacterAsCodePoint", false).map_err(fail)?,
        };
        let separator = separator(options).map_err(fail)?.unwrap_or_else(|| b"\n".to_vec());
        let writer = TextWriter::new(output, options.codec().map_err(fail)?)?;
        Ok(JsonSink { writer, separator, style })
    }
}

impl WriteColumns for JsonSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        let rows = StructArray::from(batch.clone());
        let encoder = Encoder::new(&rows, &self.style);
        let mut out = Vec::with_capacity(BUFFER_BYTES);
        for row in 0..batch.num_rows() {
            encoder.write(row, &self.style, &mut out);
            out.extend_from_slice(&self.separator);
            if out.len() >= BUFFER_BYTES {
                self.writer.write_bytes(&out)?;
                out.clear();
            }
        }
        Ok(self.writer.write_bytes(&out)?)
    }

    fn finish(self: Box<Self>) -> Result<Output, TableError> {
        Ok(self.writer.into_output()?)
    }
}
