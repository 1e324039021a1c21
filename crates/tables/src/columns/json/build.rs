//! Columns while they are filled. Unlike Arrow's builders they forget their last rows again: a bad field is
//! found out after some of it was taken.

use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, ListArray, MapArray, NullArray, PrimitiveArray, StringArray,
    StructArray,
};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, TimeUnit};
use std::sync::Arc;

/// A column.
pub(super) struct Column {
    pub(super) field: FieldRef,
    pub(super) valid: NullBufferBuilder,
    pub(super) data: Data,
}

/// The values of a column; a null has one, too.
pub(super) enum Data {
    Null,
    Boolean(BooleanBufferBuilder),
    Byte(Vec<i8>),
    Short(Vec<i16>),
    Integer(Vec<i32>),
    Long(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Decimal(Vec<i128>, u8, i8),
    Date(Vec<i32>),
    Timestamp(Vec<i64>),
    TimestampNtz(Vec<i64>),
    Text(Ends, String),
    Binary(Ends, Vec<u8>),
    List(Ends, Box<Column>),
    Map(Ends, Box<Column>, Box<Column>),
    Struct(Record),
}

/// The ends of values that lie one after the other, with a zero before them.
pub(super) struct Ends(Vec<i32>);

impl Ends {
    fn new() -> Ends {
        Ends(vec![0])
    }

    /// Ends a value, or none at all, where its content ends.
    pub(super) fn push(&mut self, end: usize) {
        self.0.push(end as i32);
    }

    fn truncate(&mut self, rows: usize) -> usize {
        self.0.truncate(rows + 1);
        self.last()
    }

    fn last(&self) -> usize {
        self.0.last().map_or(0, |end| *end as usize)
    }

    fn finish(self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(self.0))
    }
}

/// The fields of objects.
pub(super) struct Record {
    pub(super) rows: usize,
    pub(super) columns: Vec<Column>,
    /// The positions in the text of the values that the last row's fields have.
    pub(super) places: Vec<(usize, u32)>,
    /// The names that the object before had, in their order, with the columns that they stand for.
    order: Vec<(String, Option<usize>)>,
}

impl Record {
    pub(super) fn new(fields: &Fields) -> Result<Record, String> {
        let columns = fields.iter().map(|field| Column::new(field.clone())).collect::<Result<Vec<_>, _>>()?;
        let places = vec![(0, 0); columns.len()];
        Ok(Record { rows: 0, columns, places, order: vec![] })
    }

    /// Returns the column of the object's `at`th name: the one it was in the object before, mostly.
    #[inline]
    pub(super) fn find(&mut self, at: usize, name: &str) -> Option<usize> {
        match self.order.get(at) {
            Some((known, column)) if known == name => *column,
            _ => self.look_up(at, name),
        }
    }

    fn look_up(&mut self, at: usize, name: &str) -> Option<usize> {
        let column = self.columns.iter().position(|column| column.field.name() == name);
        // The names of a map, written as an object, have no end.
        let room = self.order.len() < 1000;
        match self.order.get_mut(at) {
            Some((known, place)) => {
                known.clear();
                known.push_str(name);
                *place = column;
            }
            None if room => self.order.push((name.into(), column)),
            None => {}
        }
        column
    }

    /// Ends a row: the fields that it lacks are null.
    pub(super) fn end_row(&mut self) {
        self.rows += 1;
        for column in &mut self.columns {
            if column.len() < self.rows {
                column.push_null();
            }
        }
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.rows = rows;
        self.columns.iter_mut().for_each(|column| column.truncate(rows));
    }
}

impl Column {
    pub(super) fn new(field: FieldRef) -> Result<Column, String> {
        let unreadable = || {
            format!(
                "column {:?}: JSON is not read as {}: read a string, and cast it",
                field.name(),
                field.data_type()
            )
        };
        let data = match field.data_type() {
            DataType::Null => Data::Null,
            DataType::Boolean => Data::Boolean(BooleanBufferBuilder::new(0)),
            DataType::Int8 => Data::Byte(vec![]),
            DataType::Int16 => Data::Short(vec![]),
            DataType::Int32 => Data::Integer(vec![]),
            DataType::Int64 => Data::Long(vec![]),
            DataType::Float32 => Data::Float(vec![]),
            DataType::Float64 => Data::Double(vec![]),
            DataType::Decimal128(precision, scale) => Data::Decimal(vec![], *precision, *scale),
            DataType::Utf8 => Data::Text(Ends::new(), String::new()),
            DataType::Binary => Data::Binary(Ends::new(), vec![]),
            DataType::Date32 => Data::Date(vec![]),
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => Data::Timestamp(vec![]),
            DataType::Timestamp(TimeUnit::Microsecond, None) => Data::TimestampNtz(vec![]),
            DataType::Struct(fields) => Data::Struct(Record::new(fields)?),
            DataType::List(item) => Data::List(Ends::new(), Box::new(Column::new(item.clone())?)),
            DataType::Map(entries, _) => {
                let DataType::Struct(parts) = entries.data_type() else { return Err(unreadable()) };
                if parts[0].data_type() != &DataType::Utf8 {
                    let what = format!("column {:?}: the keys of maps in JSON are strings", field.name());
                    return Err(format!("{what}, and not {}", parts[0].data_type()));
                }
                let [key, value] = [0, 1].map(|at| Column::new(parts[at].clone()));
                Data::Map(Ends::new(), Box::new(key?), Box::new(value?))
            }
            _ => return Err(unreadable()),
        };
        Ok(Column { field, valid: NullBufferBuilder::new(0), data })
    }

    pub(super) fn len(&self) -> usize {
        self.valid.len()
    }

    pub(super) fn push_null(&mut self) {
        self.valid.append_null();
        match &mut self.data {
            Data::Null => {}
            Data::Boolean(values) => values.append(false),
            Data::Byte(values) => values.push(0),
            Data::Short(values) => values.push(0),
            Data::Integer(values) | Data::Date(values) => values.push(0),
            Data::Long(values) | Data::Timestamp(values) | Data::TimestampNtz(values) => values.push(0),
            Data::Float(values) => values.push(0.0),
            Data::Double(values) => values.push(0.0),
            Data::Decimal(values, ..) => values.push(0),
            Data::Text(ends, _) | Data::Binary(ends, _) | Data::List(ends, _) | Data::Map(ends, ..) => {
                ends.push(ends.last());
            }
            Data::Struct(record) => record.end_row(),
        }
    }

    /// Forgets all rows but the first ones.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.valid.truncate(rows);
        match &mut self.data {
            Data::Null => {}
            Data::Boolean(values) => values.truncate(rows),
            Data::Byte(values) => values.truncate(rows),
            Data::Short(values) => values.truncate(rows),
            Data::Integer(values) | Data::Date(values) => values.truncate(rows),
            Data::Long(values) | Data::Timestamp(values) | Data::TimestampNtz(values) => {
                values.truncate(rows)
            }
            Data::Float(values) => values.truncate(rows),
            Data::Double(values) => values.truncate(rows),
            Data::Decimal(values, ..) => values.truncate(rows),
            Data::Text(ends, text) => text.truncate(ends.truncate(rows)),
            Data::Binary(ends, bytes) => bytes.truncate(ends.truncate(rows)),
            Data::List(ends, item) => item.truncate(ends.truncate(rows)),
            Data::Map(ends, key, value) => {
                let entries = ends.truncate(rows);
                key.truncate(entries);
                value.truncate(entries);
            }
            Data::Struct(record) => record.truncate(rows),
        }
    }

    /// Returns the bytes of text that the column holds.
    pub(super) fn bytes(&self) -> usize {
        match &self.data {
            Data::Text(_, text) => text.len(),
            Data::Binary(_, bytes) => bytes.len(),
            Data::List(_, item) => item.bytes(),
            Data::Map(_, key, value) => key.bytes() + value.bytes(),
            Data::Struct(record) => record.columns.iter().map(Column::bytes).sum(),
            _ => 0,
        }
    }

    /// Returns the column as Arrow's.
    pub(super) fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let rows = self.len();
        let nulls = self.valid.finish();
        macro_rules! primitive {
            ($kind:ty, $values:expr) => {
                Arc::new(
                    PrimitiveArray::<$kind>::try_new($values.into(), nulls)?
                        .with_data_type(self.field.data_type().clone()),
                )
            };
        }
        Ok(match self.data {
            Data::Null => Arc::new(NullArray::new(rows)),
            Data::Boolean(mut values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Data::Byte(values) => primitive!(Int8Type, values),
            Data::Short(values) => primitive!(Int16Type, values),
            Data::Integer(values) => primitive!(Int32Type, values),
            Data::Long(values) => primitive!(Int64Type, values),
            Data::Float(values) => primitive!(Float32Type, values),
            Data::Double(values) => primitive!(Float64Type, values),
            Data::Decimal(values, ..) => primitive!(Decimal128Type, values),
            Data::Date(values) => primitive!(Date32Type, values),
            Data::Timestamp(values) | Data::TimestampNtz(values) => {
                primitive!(TimestampMicrosecondType, values)
            }
            Data::Text(ends, text) => {
                Arc::new(StringArray::try_new(ends.finish(), text.into_bytes().into(), nulls)?)
            }
            Data::Binary(ends, bytes) => Arc::new(BinaryArray::try_new(ends.finish(), bytes.into(), nulls)?),
            Data::List(ends, item) => {
                let field = item.field.clone();
                Arc::new(ListArray::try_new(field, ends.finish(), item.finish()?, nulls)?)
            }
            Data::Map(ends, key, value) => {
                let DataType::Map(entries, _) = self.field.data_type() else { unreachable!("it was one") };
                let fields = Fields::from(vec![key.field.clone(), value.field.clone()]);
                let parts = StructArray::try_new(fields, vec![key.finish()?, value.finish()?], None)?;
                Arc::new(MapArray::try_new(entries.clone(), ends.finish(), parts, nulls, false)?)
            }
            Data::Struct(record) => struct_array(record, nulls)?,
        })
    }
}

fn struct_array(record: Record, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let rows = record.rows;
    let fields: Fields = record.columns.iter().map(|column| column.field.clone()).collect();
    let arrays = record.columns.into_iter().map(Column::finish).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(StructArray::try_new_with_length(fields, arrays, nulls, rows)?))
}

/// Returns a field that may be null, with all that it holds: Spark reads files so, whatever a schema says.
pub(super) fn nullable(field: &Field) -> Field {
    let inside = |field: &FieldRef| Arc::new(nullable(field));
    let data_type = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inside).collect()),
        DataType::List(item) => DataType::List(inside(item)),
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(parts) if parts.len() == 2 => {
                let parts = DataType::Struct(Fields::from(vec![parts[0].clone(), inside(&parts[1])]));
                DataType::Map(Arc::new(entries.as_ref().clone().with_data_type(parts)), *sorted)
            }
            other => other.clone(),
        },
        other => other.clone(),
    };
    field.clone().with_data_type(data_type).with_nullable(true)
}
