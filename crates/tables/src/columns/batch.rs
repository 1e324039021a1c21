//! [`ColumnBatch`]: a record batch that travels between tasks, encoded as a stream of Arrow's.

use super::fit::fit;
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Field, SchemaRef};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use std::fmt;
use std::io::Cursor;
use std::sync::Arc;

/// Rows as columns: a record of the engine.
///
/// ```
/// use arrow_array::{Int64Array, RecordBatch};
/// use firesteel_tables::columns::ColumnBatch;
/// use std::sync::Arc;
/// let batch = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1, 2])) as _)])?;
/// let bytes = ColumnBatch(batch.clone()).to_bytes()?;
/// assert_eq!(ColumnBatch::from_bytes(&bytes)?.0, batch);
/// # Ok::<(), arrow_schema::ArrowError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnBatch(pub RecordBatch);

impl ColumnBatch {
    /// Returns a stream of Arrow's with this batch alone.
    ///
    /// # Errors
    /// When a column has a type that such streams have no form for.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArrowError> {
        let mut writer = StreamWriter::try_new(vec![], &self.0.schema())?;
        writer.write(&self.0)?;
        writer.finish()?;
        writer.into_inner()
    }

    /// Reads all batches of a stream of Arrow's as one.
    ///
    /// # Errors
    /// When the bytes are no such stream, or hold no batch.
    pub fn from_bytes(bytes: &[u8]) -> Result<ColumnBatch, ArrowError> {
        let reader = StreamReader::try_new(Cursor::new(bytes), None)?;
        let schema = reader.schema();
        let batches = reader.collect::<Result<Vec<_>, _>>()?;
        match <[RecordBatch; 1]>::try_from(batches) {
            Ok([batch]) => Ok(ColumnBatch(batch)),
            Err(batches) => arrow_select::concat::concat_batches(&schema, &batches).map(ColumnBatch),
        }
    }
}

impl ColumnBatch {
    /// Returns the same rows in the columns of a schema, which are found by their names; those of a batch that has
    /// the same names already are taken in order, since two columns may have one name.
    ///
    /// # Errors
    /// A sentence, when a column is not there, or its values do not fit.
    pub fn fitted(&self, schema: &SchemaRef) -> Result<ColumnBatch, String> {
        let own = self.0.schema();
        let in_order = own.fields().len() == schema.fields().len()
            && own.fields().iter().zip(schema.fields()).all(|(own, field)| own.name() == field.name());
        let column = |(at, field): (usize, &Arc<Field>)| {
            let found = if in_order { Some(self.0.column(at)) } else { self.0.column_by_name(field.name()) };
            let found = found.ok_or_else(|| {
                let names: Vec<String> = own.fields().iter().map(|field| field.name().clone()).collect();
                format!("there is no column {:?}; there are {}", field.name(), names.join(", "))
            })?;
            fit(found, field.data_type()).map_err(|what| format!("column {:?}: {what}", field.name()))
        };
        let columns = schema.fields().iter().enumerate().map(column).collect::<Result<Vec<_>, _>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(self.0.num_rows()));
        let fitted = RecordBatch::try_new_with_options(schema.clone(), columns, &rows);
        fitted.map(ColumnBatch).map_err(|error| error.to_string())
    }
}

impl Serialize for ColumnBatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes().map_err(ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for ColumnBatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Stream;

        impl Visitor<'_> for Stream {
            type Value = ColumnBatch;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a stream of Arrow's")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<ColumnBatch, E> {
                ColumnBatch::from_bytes(bytes).map_err(E::custom)
            }
        }

        deserializer.deserialize_bytes(Stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Int64Array;
    use arrow_schema::{DataType, Schema};

    #[test]
    fn columns_of_one_name_stay_two_columns() {
        let fields = |names: [&str; 2]| {
            Arc::new(Schema::new(names.map(|name| Field::new(name, DataType::Int64, true)).to_vec()))
        };
        let columns = [1, 2].map(|n| Arc::new(Int64Array::from(vec![n])) as _).to_vec();
        let twice = ColumnBatch(RecordBatch::try_new(fields(["a", "a"]), columns).unwrap());
        assert_eq!(twice.fitted(&fields(["a", "a"])).unwrap(), twice);
        assert!(twice.fitted(&fields(["a", "b"])).is_err());
    }
}
