//! Typed columns: Arrow's arrays, with their types resolved once for each batch, so that a cell reads from a
//! slice of numbers or text.

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, BinaryArray, BooleanArray, FixedSizeBinaryArray, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};
use half::f16;

/// One column of a batch.
pub(super) struct Column<'a> {
    pub(super) nulls: Option<&'a NullBuffer>,
    pub(super) values: Values<'a>,
}

/// Its values; the ones at nulls have no meaning.
pub(super) enum Values<'a> {
    Null,
    Bool(&'a BooleanArray),
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    F16(&'a [f16]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    FixedBytes(&'a FixedSizeBinaryArray),
    /// Days since 1970.
    Date(&'a [i32]),
    /// Since midnight, with the number of units in a second.
    Time32(&'a [i32], i64),
    Time64(&'a [i64], i64),
    /// Since 1970, with the number of units in a second; true if it is a point in time, false if it is a wall
    /// clock's.
    Timestamp(&'a [i64], i64, bool),
    /// The digits, and the number of them behind the point.
    Decimal(&'a [i128], i8),
    List(&'a [i32], Box<Column<'a>>),
    Struct(Vec<(&'a str, Column<'a>)>),
    Map(&'a [i32], Box<(Column<'a>, Column<'a>)>),
    /// A type that no field takes.
    Other(&'a DataType),
}

/// Returns the number of a unit in a second.
fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

impl<'a> Column<'a> {
    pub(super) fn of(array: &'a dyn Array) -> Column<'a> {
        Column { nulls: array.nulls().filter(|nulls| nulls.null_count() > 0), values: Values::of(array) }
    }

    #[inline]
    pub(super) fn is_null(&self, row: usize) -> bool {
        match self.nulls {
            Some(nulls) => nulls.is_null(row),
            None => matches!(self.values, Values::Null),
        }
    }
}

impl<'a> Values<'a> {
    fn of(array: &'a dyn Array) -> Values<'a> {
        match array.data_type() {
            DataType::Null => Values::Null,
            DataType::Boolean => Values::Bool(array.as_boolean()),
            DataType::Int8 => Values::I8(array.as_primitive::<Int8Type>().values()),
            DataType::Int16 => Values::I16(array.as_primitive::<Int16Type>().values()),
            DataType::Int32 => Values::I32(array.as_primitive::<Int32Type>().values()),
            DataType::Int64 => Values::I64(array.as_primitive::<Int64Type>().values()),
            DataType::UInt8 => Values::U8(array.as_primitive::<UInt8Type>().values()),
            DataType::UInt16 => Values::U16(array.as_primitive::<UInt16Type>().values()),
            DataType::UInt32 => Values::U32(array.as_primitive::<UInt32Type>().values()),
            DataType::UInt64 => Values::U64(array.as_primitive::<UInt64Type>().values()),
            DataType::Float16 => Values::F16(array.as_primitive::<Float16Type>().values()),
            DataType::Float32 => Values::F32(array.as_primitive::<Float32Type>().values()),
            DataType::Float64 => Values::F64(array.as_primitive::<Float64Type>().values()),
            DataType::Utf8 => Values::Text(array.as_string()),
            DataType::Binary => Values::Bytes(array.as_binary()),
            DataType::FixedSizeBinary(_) => Values::FixedBytes(array.as_fixed_size_binary()),
            DataType::Date32 => Values::Date(array.as_primitive::<Date32Type>().values()),
            DataType::Time32(TimeUnit::Second) => {
                Values::Time32(array.as_primitive::<Time32SecondType>().values(), 1)
            }
            DataType::Time32(_) => {
                Values::Time32(array.as_primitive::<Time32MillisecondType>().values(), 1_000)
            }
            DataType::Time64(TimeUnit::Nanosecond) => {
                Values::Time64(array.as_primitive::<Time64NanosecondType>().values(), 1_000_000_000)
            }
            DataType::Time64(_) => {
                Values::Time64(array.as_primitive::<Time64MicrosecondType>().values(), 1_000_000)
            }
            DataType::Timestamp(unit, zone) => {
                let values: &[i64] = match unit {
                    TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
                    TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
                    TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
                    TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
                };
                Values::Timestamp(values, per_second(*unit), zone.is_some())
            }
            DataType::Decimal128(_, scale) => {
                Values::Decimal(array.as_primitive::<Decimal128Type>().values(), *scale)
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Values::List(list.value_offsets(), Box::new(Column::of(list.values())))
            }
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns().iter().map(|column| Column::of(column));
                Values::Struct(fields.iter().map(|field| field.name().as_str()).zip(columns).collect())
            }
            DataType::Map(..) => {
                let map = array.as_map();
                Values::Map(map.value_offsets(), Box::new((Column::of(map.keys()), Column::of(map.values()))))
            }
            other => Values::Other(other),
        }
    }
}
