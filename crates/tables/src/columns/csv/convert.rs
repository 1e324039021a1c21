//! Makes values of fields, in builders of columns.

use super::numbers::{Words, parse_f32, parse_f64};
use crate::columns::decimal::Decimal;
use crate::columns::options::Options;
use crate::columns::times::Times;
use arrow_array::ArrayRef;
use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder,
    Float64Builder, Int8Builder, Int16Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_schema::{DataType, Field, TimeUnit};

/// The rules by which text becomes values.
pub(super) struct Rules {
    pub(super) words: Words,
    pub(super) times: Times,
}

impl Rules {
    pub(super) fn of(options: &Options) -> Result<Rules, String> {
        let word = |name, default: &str| options.get(name).unwrap_or(default).to_string();
        let words = Words {
            nan: word("nanValue", "NaN"),
            positive: word("positiveInf", "Inf"),
            negative: word("negativeInf", "-Inf"),
        };
        let times = Times::of(options)?;
        times.check_reading()?;
        Ok(Rules { words, times })
    }
}

/// A column that is built.
pub(super) enum Column {
    Boolean(BooleanBuilder),
    Byte(Int8Builder),
    Short(Int16Builder),
    Int(Int32Builder),
    Long(Int64Builder),
    Float(Float32Builder),
    Double(Float64Builder),
    String(StringBuilder),
    Binary(BinaryBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    TimestampNtz(TimestampMicrosecondBuilder),
    Decimal(Decimal128Builder, u8, i8),
}

impl Column {
    /// Makes a builder for a column.
    pub(super) fn of(field: &Field) -> Result<Column, String> {
        Ok(match field.data_type() {
            DataType::Boolean => Column::Boolean(BooleanBuilder::new()),
            DataType::Int8 => Column::Byte(Int8Builder::new()),
            DataType::Int16 => Column::Short(Int16Builder::new()),
            DataType::Int32 => Column::Int(Int32Builder::new()),
            DataType::Int64 => Column::Long(Int64Builder::new()),
            DataType::Float32 => Column::Float(Float32Builder::new()),
            DataType::Float64 => Column::Double(Float64Builder::new()),
            DataType::Utf8 => Column::String(StringBuilder::new()),
            DataType::Binary => Column::Binary(BinaryBuilder::new()),
            DataType::Date32 => Column::Date(Date32Builder::new()),
            kind @ DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                let builder = TimestampMicrosecondBuilder::new().with_data_type(kind.clone());
                if zone.is_some() { Column::Timestamp(builder) } else { Column::TimestampNtz(builder) }
            }
            kind @ DataType::Decimal128(precision, scale) => {
                let builder = Decimal128Builder::new().with_data_type(kind.clone());
                Column::Decimal(builder, *precision, *scale)
            }
            other => {
                return Err(format!(
                    "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE: column {:?} has the type {other}, which CSV files do not \
                     hold here. Use Parquet or JSON",
                    field.name()
                ));
            }
        })
    }

    /// Appends the value of a text. Returns false, and appends nothing, if it has none.
    #[inline]
    pub(super) fn append(&mut self, text: &str, rules: &Rules) -> bool {
        macro_rules! some {
            ($builder:expr, $value:expr) => {
                match $value {
                    Some(value) => {
                        $builder.append_value(value);
                        true
                    }
                    None => false,
                }
            };
        }
        match self {
            Column::String(builder) => some!(builder, Some(text)),
            Column::Int(builder) => some!(builder, text.parse().ok()),
            Column::Long(builder) => some!(builder, text.parse().ok()),
            Column::Double(builder) => some!(builder, parse_f64(text, &rules.words)),
            Column::Boolean(builder) => some!(builder, boolean(text)),
            Column::Byte(builder) => some!(builder, text.parse().ok()),
            Column::Short(builder) => some!(builder, text.parse().ok()),
            Column::Float(builder) => some!(builder, parse_f32(text, &rules.words)),
            Column::Binary(builder) => some!(builder, Some(text.as_bytes())),
            Column::Date(builder) => some!(builder, rules.times.parse_date(text)),
            Column::Timestamp(builder) => some!(builder, rules.times.parse_timestamp(text)),
            Column::TimestampNtz(builder) => some!(builder, rules.times.parse_timestamp_ntz(text)),
            Column::Decimal(builder, precision, scale) => {
                some!(builder, Decimal::of(text).and_then(|decimal| decimal.rounded(*precision, *scale)))
            }
        }
    }

    pub(super) fn append_null(&mut self) {
        match self {
            Column::Boolean(builder) => builder.append_null(),
            Column::Byte(builder) => builder.append_null(),
            Column::Short(builder) => builder.append_null(),
            Column::Int(builder) => builder.append_null(),
            Column::Long(builder) => builder.append_null(),
            Column::Float(builder) => builder.append_null(),
            Column::Double(builder) => builder.append_null(),
            Column::String(builder) => builder.append_null(),
            Column::Binary(builder) => builder.append_null(),
            Column::Date(builder) => builder.append_null(),
            Column::Timestamp(builder) | Column::TimestampNtz(builder) => builder.append_null(),
            Column::Decimal(builder, ..) => builder.append_null(),
        }
    }

    /// Returns the values, and begins anew.
    pub(super) fn finish(&mut self) -> ArrayRef {
        let builder: &mut dyn ArrayBuilder = match self {
            Column::Boolean(builder) => builder,
            Column::Byte(builder) => builder,
            Column::Short(builder) => builder,
            Column::Int(builder) => builder,
            Column::Long(builder) => builder,
            Column::Float(builder) => builder,
            Column::Double(builder) => builder,
            Column::String(builder) => builder,
            Column::Binary(builder) => builder,
            Column::Date(builder) => builder,
            Column::Timestamp(builder) | Column::TimestampNtz(builder) => builder,
            Column::Decimal(builder, ..) => builder,
        };
        builder.finish()
    }

    /// Returns what a text would have to be, and what to do if it is not, as a sentence.
    pub(super) fn expectation(&self) -> String {
        let what = match self {
            Column::Boolean(_) => "true or false (boolean)",
            Column::Byte(_) => "a whole number from -128 to 127 (byte)",
            Column::Short(_) => "a whole number from -32768 to 32767 (short)",
            Column::Int(_) => "a whole number of at most 32 bits (int)",
            Column::Long(_) => "a whole number of at most 64 bits (long)",
            Column::Float(_) | Column::Double(_) => "a number (float, double)",
            Column::String(_) | Column::Binary(_) => "text",
            Column::Date(_) => "a date; the option dateFormat sets its form",
            Column::Timestamp(_) => "a time; the option timestampFormat sets its form",
            Column::TimestampNtz(_) => "a time without a zone; the option timestampNTZFormat sets its form",
            Column::Decimal(_, precision, scale) => {
                return format!("it is not a number that fits decimal({precision},{scale})");
            }
        };
        format!("it is not {what}")
    }
}

#[inline]
pub(super) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}
