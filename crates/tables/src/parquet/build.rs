//! Column builders: columns that grow by one value at a time, and become Arrow's arrays.

use crate::fault::Fault;
use arrow_array::types::*;
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, ListArray, MapArray, NullArray, PrimitiveArray,
    StringArray, StructArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields};
use std::sync::Arc;

/// A column that grows.
pub(super) struct Growing {
    pub(super) values: Grown,
    /// True for each value that is not null; none if all values must be there.
    valid: Option<Vec<bool>>,
}

/// The values of a column that grows.
pub(super) enum Grown {
    Null(usize),
    Bool(Vec<bool>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Decimal(Vec<i128>),
    Text(Strings),
    Bytes(Strings),
    List(Lists),
    Map(Lists, Fields),
    Struct(Vec<Growing>, Fields),
}

/// Texts or bytes, end to end.
#[derive(Default)]
pub(super) struct Strings {
    ends: Vec<i32>,
    bytes: Vec<u8>,
}

/// Lists, end to end. Of a map the elements are structs of key and value.
pub(super) struct Lists {
    ends: Vec<i32>,
    pub(super) elements: Box<Growing>,
    element: FieldRef,
}

const TOO_LARGE: &str =
    "the texts or lists of one batch have more than 2 GiB together: make the values smaller";

impl Strings {
    pub(super) fn push(&mut self, value: &[u8]) -> Result<(), Fault> {
        self.bytes.extend_from_slice(value);
        self.end()
    }

    /// Appends to the value that `end` ends.
    pub(super) fn append(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.ends.push(i32::try_from(self.bytes.len()).map_err(|_| Fault::new(TOO_LARGE))?);
        Ok(())
    }
}

impl Lists {
    /// Ends the list that consists of the elements behind the last end.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.ends.push(i32::try_from(self.elements.len()).map_err(|_| Fault::new(TOO_LARGE))?);
        Ok(())
    }
}

impl Growing {
    pub(super) fn of(field: &Field) -> Growing {
        let valid = (field.is_nullable() && *field.data_type() != DataType::Null).then(Vec::new);
        Growing { values: Grown::of(field.data_type()), valid }
    }

    /// Notes that the next value is not null.
    #[inline]
    pub(super) fn some(&mut self) {
        if let Some(valid) = &mut self.valid {
            valid.push(true);
        }
    }

    pub(super) fn is_nullable(&self) -> bool {
        self.valid.is_some() || matches!(self.values, Grown::Null(_))
    }

    /// Appends a null; if the column cannot have one, as below a null parent, a value without meaning.
    pub(super) fn push_null(&mut self) -> Result<(), Fault> {
        if let Some(valid) = &mut self.valid {
            valid.push(false);
        }
        match &mut self.values {
            Grown::Null(count) => *count += 1,
            Grown::Bool(values) => values.push(false),
            Grown::I8(values) => values.push(0),
            Grown::I16(values) => values.push(0),
            Grown::I32(values) => values.push(0),
            Grown::I64(values) => values.push(0),
            Grown::U8(values) => values.push(0),
            Grown::U16(values) => values.push(0),
            Grown::U32(values) => values.push(0),
            Grown::U64(values) => values.push(0),
            Grown::F32(values) => values.push(0.0),
            Grown::F64(values) => values.push(0.0),
            Grown::Decimal(values) => values.push(0),
            Grown::Text(values) | Grown::Bytes(values) => return values.end(),
            Grown::List(lists) | Grown::Map(lists, _) => return lists.end(),
            Grown::Struct(parts, _) => return parts.iter_mut().try_for_each(Growing::push_null),
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        match &self.values {
            Grown::Null(count) => *count,
            Grown::Bool(values) => values.len(),
            Grown::I8(values) => values.len(),
            Grown::I16(values) => values.len(),
            Grown::I32(values) => values.len(),
            Grown::I64(values) => values.len(),
            Grown::U8(values) => values.len(),
            Grown::U16(values) => values.len(),
            Grown::U32(values) => values.len(),
            Grown::U64(values) => values.len(),
            Grown::F32(values) => values.len(),
            Grown::F64(values) => values.len(),
            Grown::Decimal(values) => values.len(),
            Grown::Text(values) | Grown::Bytes(values) => values.ends.len(),
            Grown::List(lists) | Grown::Map(lists, _) => lists.ends.len(),
            Grown::Struct(parts, _) => parts.first().map_or(0, Growing::len),
        }
    }

    /// Estimates the memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        match &self.values {
            Grown::Text(values) | Grown::Bytes(values) => values.bytes.len() + 4 * values.ends.len(),
            Grown::List(lists) | Grown::Map(lists, _) => lists.elements.bytes() + 4 * lists.ends.len(),
            Grown::Struct(parts, _) => parts.iter().map(Growing::bytes).sum(),
            _ => 8 * self.len(),
        }
    }

    /// Returns the column so far, and begins anew.
    pub(super) fn take(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.valid.as_mut().map(|valid| NullBuffer::from(std::mem::take(valid)));
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        Ok(match &mut self.values {
            Grown::Null(count) => Arc::new(NullArray::new(std::mem::take(count))),
            Grown::Bool(values) => {
                Arc::new(BooleanArray::new(BooleanBuffer::from(std::mem::take(values)), nulls))
            }
            Grown::I8(values) => numbers::<Int8Type>(values, nulls),
            Grown::I16(values) => numbers::<Int16Type>(values, nulls),
            Grown::I32(values) => numbers::<Int32Type>(values, nulls),
            Grown::I64(values) => numbers::<Int64Type>(values, nulls),
            Grown::U8(values) => numbers::<UInt8Type>(values, nulls),
            Grown::U16(values) => numbers::<UInt16Type>(values, nulls),
            Grown::U32(values) => numbers::<UInt32Type>(values, nulls),
            Grown::U64(values) => numbers::<UInt64Type>(values, nulls),
            Grown::F32(values) => numbers::<Float32Type>(values, nulls),
            Grown::F64(values) => numbers::<Float64Type>(values, nulls),
            Grown::Decimal(values) => {
                let array = PrimitiveArray::<Decimal128Type>::new(std::mem::take(values).into(), nulls);
                Arc::new(array.with_precision_and_scale(super::schema::DECIMAL_DIGITS, 0)?)
            }
            Grown::Text(strings) => {
                let (offsets, bytes) = (offsets(&mut strings.ends), std::mem::take(&mut strings.bytes));
                Arc::new(StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls)?)
            }
            Grown::Bytes(strings) => {
                let (offsets, bytes) = (offsets(&mut strings.ends), std::mem::take(&mut strings.bytes));
                Arc::new(BinaryArray::try_new(offsets, Buffer::from_vec(bytes), nulls)?)
            }
            Grown::List(lists) => {
                let (offsets, elements) = (offsets(&mut lists.ends), lists.elements.take()?);
                Arc::new(ListArray::try_new(lists.element.clone(), offsets, elements, nulls)?)
            }
            Grown::Map(lists, parts) => {
                let (offsets, field) = (offsets(&mut lists.ends), lists.element.clone());
                let entries = match &mut lists.elements.values {
                    Grown::Struct(columns, _) => take_all(columns)?,
                    _ => vec![],
                };
                let entries = StructArray::try_new(parts.clone(), entries, None)?;
                Arc::new(MapArray::try_new(field, offsets, entries, nulls, false)?)
            }
            Grown::Struct(columns, fields) => {
                Arc::new(StructArray::try_new(fields.clone(), take_all(columns)?, nulls)?)
            }
        })
    }
}

fn take_all(columns: &mut [Growing]) -> Result<Vec<ArrayRef>, ArrowError> {
    columns.iter_mut().map(Growing::take).collect()
}

fn numbers<P: ArrowPrimitiveType>(values: &mut Vec<P::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<P>::new(ScalarBuffer::from(std::mem::take(values)), nulls))
}

/// Returns Arrow's offsets: the ends, behind a zero.
fn offsets(ends: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let ends = std::mem::take(ends);
    OffsetBuffer::new(ScalarBuffer::from_iter(std::iter::once(0).chain(ends)))
}

impl Grown {
    /// Makes an empty column of one of the types that `schema` gives; no others occur.
    fn of(data_type: &DataType) -> Grown {
        match data_type {
            DataType::Boolean => Grown::Bool(vec![]),
            DataType::Int8 => Grown::I8(vec![]),
            DataType::Int16 => Grown::I16(vec![]),
            DataType::Int32 => Grown::I32(vec![]),
            DataType::Int64 => Grown::I64(vec![]),
            DataType::UInt8 => Grown::U8(vec![]),
            DataType::UInt16 => Grown::U16(vec![]),
            DataType::UInt32 => Grown::U32(vec![]),
            DataType::UInt64 => Grown::U64(vec![]),
            DataType::Float32 => Grown::F32(vec![]),
            DataType::Float64 => Grown::F64(vec![]),
            DataType::Decimal128(..) => Grown::Decimal(vec![]),
            DataType::Utf8 => Grown::Text(Strings::default()),
            DataType::Binary => Grown::Bytes(Strings::default()),
            DataType::List(element) => Grown::List(lists(element)),
            DataType::Map(entries, _) => {
                let parts = match entries.data_type() {
                    DataType::Struct(parts) => parts.clone(),
                    _ => Fields::empty(),
                };
                Grown::Map(lists(entries), parts)
            }
            DataType::Struct(fields) => {
                Grown::Struct(fields.iter().map(|field| Growing::of(field)).collect(), fields.clone())
            }
            _ => Grown::Null(0),
        }
    }
}

fn lists(element: &FieldRef) -> Lists {
    Lists { ends: vec![], elements: Box::new(Growing::of(element)), element: element.clone() }
}
