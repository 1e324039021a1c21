//! Python's rows as column batches, by a schema of Spark's. A value that its column cannot hold is refused with
//! the words of `firesteel.sql.types`, which is asked once this file has found one.

use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, NullBufferBuilder, PrimitiveBuilder, StringBuilder,
};
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, IntervalYearMonthType, Time64NanosecondType,
    TimestampMicrosecondType,
};
use arrow_array::{ArrayRef, ListArray, MapArray, NullArray, RecordBatch, RecordBatchOptions, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, FieldRef, Fields, SchemaRef};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use std::sync::Arc;

/// The reason why a record has no place in the columns.
pub(crate) struct Misfit;

impl From<PyErr> for Misfit {
    fn from(_: PyErr) -> Misfit {
        Misfit
    }
}

/// Columns that grow by one row at a time.
pub(crate) struct Columns {
    schema: SchemaRef,
    rows: Structs,
}

struct Structs {
    fields: Fields,
    parts: Vec<Growing>,
    valid: NullBufferBuilder,
}

enum Growing {
    Null(usize),
    Boolean(BooleanBuilder),
    Byte(PrimitiveBuilder<Int8Type>),
    Short(PrimitiveBuilder<Int16Type>),
    Int(PrimitiveBuilder<Int32Type>),
    Long(PrimitiveBuilder<Int64Type>),
    Float(PrimitiveBuilder<Float32Type>),
    Double(PrimitiveBuilder<Float64Type>),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(PrimitiveBuilder<Date32Type>),
    Timestamp(PrimitiveBuilder<TimestampMicrosecondType>, bool),
    Time(PrimitiveBuilder<Time64NanosecondType>),
    Duration(PrimitiveBuilder<DurationMicrosecondType>),
    Months(PrimitiveBuilder<IntervalYearMonthType>),
    Decimal(PrimitiveBuilder<Decimal128Type>, u8, i8),
    Struct(Structs),
    List(Box<Growing>, FieldRef, Vec<i32>, NullBufferBuilder),
    Map(Box<(Growing, Growing)>, FieldRef, Vec<i32>, NullBufferBuilder),
}

impl Columns {
    /// Makes columns without rows.
    ///
    /// # Errors
    /// TypeError, when a column has a type that Python's values cannot have.
    pub(crate) fn new(schema: &SchemaRef) -> PyResult<Columns> {
        Ok(Columns { schema: schema.clone(), rows: Structs::new(schema.fields())? })
    }

    /// Appends a record: a tuple, a list, a dictionary, or an object with attributes.
    pub(crate) fn push(&mut self, record: &Bound<'_, PyAny>) -> Result<(), Misfit> {
        self.rows.push(record)
    }

    /// Returns the rows so far, and begins anew.
    ///
    /// # Errors
    /// TypeError, when a column must not be null and has nulls.
    pub(crate) fn take(&mut self) -> PyResult<RecordBatch> {
        let count = self.rows.valid.len();
        self.rows.valid = NullBufferBuilder::new(0);
        let columns = self.rows.parts.iter_mut().map(Growing::take).collect::<PyResult<Vec<_>>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &rows)
            .map_err(|error| refused(&error))
    }
}

fn refused(error: &dyn std::fmt::Display) -> PyErr {
    PyTypeError::new_err(error.to_string())
}

impl Structs {
    fn new(fields: &Fields) -> PyResult<Structs> {
        let parts = fields.iter().map(|field| Growing::of(field)).collect::<PyResult<_>>()?;
        Ok(Structs { fields: fields.clone(), parts, valid: NullBufferBuilder::new(0) })
    }

    fn push(&mut self, record: &Bound<'_, PyAny>) -> Result<(), Misfit> {
        if let Ok(values) = record.cast::<PyTuple>() {
            self.push_all(values.len(), values.iter())?;
        } else if let Ok(values) = record.cast::<PyList>() {
            self.push_all(values.len(), values.iter())?;
        } else {
            let by_name = record.cast::<PyDict>().ok().cloned();
            let by_name = match by_name {
                Some(dict) => dict,
                // An object of a class of the program's: its attributes are the fields.
                None => record.getattr("__dict__")?.cast_into::<PyDict>().map_err(|_| Misfit)?,
            };
            for (field, part) in self.fields.iter().zip(&mut self.parts) {
                let value = by_name.get_item(field.name())?;
                match value.filter(|value| !value.is_none()) {
                    Some(value) => part.push(&value)?,
                    None => part.push_null(field)?,
                }
            }
        }
        self.valid.append_non_null();
        Ok(())
    }

    fn push_all<'py>(
        &mut self,
        count: usize,
        values: impl Iterator<Item = Bound<'py, PyAny>>,
    ) -> Result<(), Misfit> {
        if count != self.parts.len() {
            return Err(Misfit);
        }
        for ((field, part), value) in self.fields.iter().zip(&mut self.parts).zip(values) {
            match value.is_none() {
                true => part.push_null(field)?,
                false => part.push(&value)?,
            }
        }
        Ok(())
    }

    /// Appends a struct that is null. Its parts have rows, too, which nothing reads.
    fn push_null(&mut self) {
        self.parts.iter_mut().for_each(Growing::fill);
        self.valid.append_null();
    }

    fn take(&mut self) -> PyResult<StructArray> {
        let count = self.valid.len();
        let nulls = self.valid.finish();
        let columns = self.parts.iter_mut().map(Growing::take).collect::<PyResult<Vec<_>>>()?;
        StructArray::try_new_with_length(self.fields.clone(), columns, nulls, count).map_err(|e| refused(&e))
    }
}

impl Growing {
    fn of(field: &Field) -> PyResult<Growing> {
        Ok(match field.data_type() {
            DataType::Null => Growing::Null(0),
            DataType::Boolean => Growing::Boolean(BooleanBuilder::new()),
            DataType::Int8 => Growing::Byte(PrimitiveBuilder::new()),
            DataType::Int16 => Growing::Short(PrimitiveBuilder::new()),
            DataType::Int32 => Growing::Int(PrimitiveBuilder::new()),
            DataType::Int64 => Growing::Long(PrimitiveBuilder::new()),
            DataType::Float32 => Growing::Float(PrimitiveBuilder::new()),
            DataType::Float64 => Growing::Double(PrimitiveBuilder::new()),
            DataType::Utf8 => Growing::Text(StringBuilder::new()),
            DataType::Binary => Growing::Bytes(BinaryBuilder::new()),
            DataType::Date32 => Growing::Date(PrimitiveBuilder::new()),
            DataType::Timestamp(_, zone) => {
                let builder = PrimitiveBuilder::new().with_data_type(field.data_type().clone());
                Growing::Timestamp(builder, zone.is_some())
            }
            DataType::Time64(_) => Growing::Time(PrimitiveBuilder::new()),
            DataType::Duration(_) => Growing::Duration(PrimitiveBuilder::new()),
            DataType::Interval(_) => Growing::Months(PrimitiveBuilder::new()),
            DataType::Decimal128(precision, scale) => {
                let builder = PrimitiveBuilder::new().with_data_type(field.data_type().clone());
                Growing::Decimal(builder, *precision, *scale)
            }
            DataType::Struct(fields) => Growing::Struct(Structs::new(fields)?),
            DataType::List(element) => Growing::List(
                Box::new(Growing::of(element)?),
                element.clone(),
                vec![0],
                NullBufferBuilder::new(0),
            ),
            DataType::Map(entries, _) => {
                let DataType::Struct(parts) = entries.data_type() else {
                    return Err(refused(&format!("{} is no map", field.name())));
                };
                let inner = Box::new((Growing::of(&parts[0])?, Growing::of(&parts[1])?));
                Growing::Map(inner, entries.clone(), vec![0], NullBufferBuilder::new(0))
            }
            other => {
                return Err(refused(&format!(
                    "column {:?} of {other} cannot be made of Python's values",
                    field.name()
                )));
            }
        })
    }

    /// Appends a null where the column may have one.
    fn push_null(&mut self, field: &Field) -> Result<(), Misfit> {
        if !field.is_nullable() {
            return Err(Misfit);
        }
        self.fill();
        Ok(())
    }

    /// Appends a row without a value.
    fn fill(&mut self) {
        match self {
            Growing::Null(count) => *count += 1,
            Growing::Boolean(builder) => builder.append_null(),
            Growing::Byte(builder) => builder.append_null(),
            Growing::Short(builder) => builder.append_null(),
            Growing::Int(builder) => builder.append_null(),
            Growing::Long(builder) => builder.append_null(),
            Growing::Float(builder) => builder.append_null(),
            Growing::Double(builder) => builder.append_null(),
            Growing::Text(builder) => builder.append_null(),
            Growing::Bytes(builder) => builder.append_null(),
            Growing::Date(builder) => builder.append_null(),
            Growing::Timestamp(builder, _) => builder.append_null(),
            Growing::Time(builder) => builder.append_null(),
            Growing::Duration(builder) => builder.append_null(),
            Growing::Months(builder) => builder.append_null(),
            Growing::Decimal(builder, ..) => builder.append_null(),
            Growing::Struct(structs) => structs.push_null(),
            Growing::List(_, _, ends, valid) | Growing::Map(_, _, ends, valid) => {
                ends.push(ends.last().copied().unwrap_or(0));
                valid.append_null();
            }
        }
    }

    fn push(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Misfit> {
        match self {
            Growing::Null(_) => return Err(Misfit),
            Growing::Boolean(builder) => {
                builder.append_value(value.cast::<PyBool>().map_err(|_| Misfit)?.is_true())
            }
            Growing::Byte(builder) => push_whole(builder, value)?,
            Growing::Short(builder) => push_whole(builder, value)?,
            Growing::Int(builder) => push_whole(builder, value)?,
            Growing::Long(builder) => push_whole(builder, value)?,
            Growing::Float(builder) => builder.append_value(float(value)? as f32),
            Growing::Double(builder) => builder.append_value(float(value)?),
            Growing::Text(builder) => match value.cast::<PyString>() {
                Ok(text) => builder.append_value(text.to_cow()?),
                // Everything is text where a column is, as in Spark.
                Err(_) => {
                    let text = helper(value, "text", NOTHING)?.cast_into::<PyString>().map_err(|_| Misfit)?;
                    builder.append_value(text.to_cow()?);
                }
            },
            Growing::Bytes(builder) => match value.cast::<PyBytes>() {
                Ok(bytes) => builder.append_value(bytes.as_bytes()),
                Err(_) => {
                    let bytes: Vec<u8> = value.cast::<PyByteArray>().map_err(|_| Misfit)?.extract()?;
                    builder.append_value(bytes);
                }
            },
            Growing::Date(builder) => {
                let days: i32 = helper(value, "days", NOTHING)?.extract()?;
                builder.append_value(days);
            }
            Growing::Timestamp(builder, is_instant) => {
                let name = if *is_instant { "micros" } else { "micros_ntz" };
                builder.append_value(helper(value, name, NOTHING)?.extract()?);
            }
            Growing::Time(builder) => builder.append_value(helper(value, "nanos", NOTHING)?.extract()?),
            Growing::Duration(builder) => {
                builder.append_value(helper(value, "duration", NOTHING)?.extract()?)
            }
            Growing::Months(builder) => builder.append_value(whole(value)?.extract()?),
            Growing::Decimal(builder, precision, scale) => {
                let digits: i128 = helper(value, "unscaled", (*precision, *scale))?.extract()?;
                builder.append_value(digits);
            }
            Growing::Struct(structs) => structs.push(value)?,
            Growing::List(inner, element, ends, valid) => {
                push_list(inner, element, ends, value)?;
                valid.append_non_null();
            }
            Growing::Map(inner, entries, ends, valid) => {
                push_map(inner, entries, ends, value)?;
                valid.append_non_null();
            }
        }
        Ok(())
    }

    fn take(&mut self) -> PyResult<ArrayRef> {
        Ok(match self {
            Growing::Null(count) => Arc::new(NullArray::new(std::mem::take(count))),
            Growing::Boolean(builder) => ArrayBuilder::finish(builder),
            Growing::Byte(builder) => ArrayBuilder::finish(builder),
            Growing::Short(builder) => ArrayBuilder::finish(builder),
            Growing::Int(builder) => ArrayBuilder::finish(builder),
            Growing::Long(builder) => ArrayBuilder::finish(builder),
            Growing::Float(builder) => ArrayBuilder::finish(builder),
            Growing::Double(builder) => ArrayBuilder::finish(builder),
            Growing::Text(builder) => ArrayBuilder::finish(builder),
            Growing::Bytes(builder) => ArrayBuilder::finish(builder),
            Growing::Date(builder) => ArrayBuilder::finish(builder),
            Growing::Timestamp(builder, _) => ArrayBuilder::finish(builder),
            Growing::Time(builder) => ArrayBuilder::finish(builder),
            Growing::Duration(builder) => ArrayBuilder::finish(builder),
            Growing::Months(builder) => ArrayBuilder::finish(builder),
            Growing::Decimal(builder, ..) => ArrayBuilder::finish(builder),
            Growing::Struct(structs) => Arc::new(structs.take()?),
            Growing::List(inner, element, ends, valid) => {
                let (offsets, nulls) =
                    (OffsetBuffer::new(std::mem::replace(ends, vec![0]).into()), valid.finish());
                let list = ListArray::try_new(element.clone(), offsets, inner.take()?, nulls);
                Arc::new(list.map_err(|error| refused(&error))?)
            }
            Growing::Map(inner, entries, ends, valid) => {
                let (offsets, nulls) =
                    (OffsetBuffer::new(std::mem::replace(ends, vec![0]).into()), valid.finish());
                let DataType::Struct(parts) = entries.data_type() else { return Err(refused(&"no map")) };
                let columns = vec![inner.0.take()?, inner.1.take()?];
                let map = StructArray::try_new(parts.clone(), columns, None)
                    .and_then(|columns| MapArray::try_new(entries.clone(), offsets, columns, nulls, false));
                Arc::new(map.map_err(|error| refused(&error))?)
            }
        })
    }
}

fn push_whole<'py, T: ArrowPrimitiveType>(
    builder: &mut PrimitiveBuilder<T>,
    value: &Bound<'py, PyAny>,
) -> Result<(), Misfit>
where
    T::Native: for<'a> FromPyObject<'a, 'py>,
{
    let number = whole(value)?.extract::<T::Native>().map_err(|_| Misfit)?;
    builder.append_value(number);
    Ok(())
}

/// Returns a whole number; a truth value is none, although Python takes it for one.
fn whole<'a, 'py>(value: &'a Bound<'py, PyAny>) -> Result<&'a Bound<'py, PyInt>, Misfit> {
    let number = value.cast::<PyInt>().map_err(|_| Misfit)?;
    if value.is_instance_of::<PyBool>() { Err(Misfit) } else { Ok(number) }
}

fn float(value: &Bound<'_, PyAny>) -> Result<f64, Misfit> {
    Ok(value.cast::<PyFloat>().map_err(|_| Misfit)?.value())
}

/// For helpers that need to know nothing more.
const NOTHING: (u8, i8) = (0, 0);

/// Calls a function of `firesteel.sql.rows` with a value.
fn helper<'py>(value: &Bound<'py, PyAny>, name: &str, more: (u8, i8)) -> Result<Bound<'py, PyAny>, Misfit> {
    static KNOWN: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let py = value.py();
    // The module's own dictionary: looked up once, and then by name for each value.
    let known =
        KNOWN.get_or_try_init(py, || Ok::<_, PyErr>(py.import("firesteel.sql.rows")?.dict().unbind()))?;
    let function = known.bind(py).get_item(name)?.ok_or(Misfit)?;
    Ok(function.call1((value, more))?)
}

fn push_list(
    inner: &mut Growing,
    element: &Field,
    ends: &mut Vec<i32>,
    value: &Bound<'_, PyAny>,
) -> Result<(), Misfit> {
    let mut end = ends.last().copied().unwrap_or(0);
    // Lists, tuples, and arrays of numbers (`array.array`, numpy), but no text.
    if value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyDict>()
    {
        return Err(Misfit);
    }
    for item in helper(value, "items", NOTHING)?.try_iter()? {
        let item = item?;
        match item.is_none() {
            true => inner.push_null(element)?,
            false => inner.push(&item)?,
        }
        end += 1;
    }
    ends.push(end);
    Ok(())
}

fn push_map(
    inner: &mut (Growing, Growing),
    entries: &Field,
    ends: &mut Vec<i32>,
    value: &Bound<'_, PyAny>,
) -> Result<(), Misfit> {
    let DataType::Struct(parts) = entries.data_type() else { return Err(Misfit) };
    let dict = value.cast::<PyDict>().map_err(|_| Misfit)?;
    for (key, value) in dict.iter() {
        if key.is_none() {
            return Err(Misfit);
        }
        inner.0.push(&key)?;
        match value.is_none() {
            true => inner.1.push_null(&parts[1])?,
            false => inner.1.push(&value)?,
        }
    }
    ends.push(ends.last().copied().unwrap_or(0) + i32::try_from(dict.len()).map_err(|_| Misfit)?);
    Ok(())
}
