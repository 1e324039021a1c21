//! [`Encoder`]: the values of an Arrow column as JSON, in Spark's bytes.

use super::super::java_numbers::{write_decimal, write_double, write_float};
use crate::columns::times::Times;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrowPrimitiveType, BinaryArray, BooleanArray, PrimitiveArray, StringArray};
use arrow_schema::{DataType, TimeUnit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// A column that is written.
pub(super) struct Encoder<'a> {
    array: &'a dyn Array,
    values: Values<'a>,
}

enum Values<'a> {
    Null,
    Boolean(&'a BooleanArray),
    Byte(&'a PrimitiveArray<Int8Type>),
    Short(&'a PrimitiveArray<Int16Type>),
    Integer(&'a PrimitiveArray<Int32Type>),
    Long(&'a PrimitiveArray<Int64Type>),
    Float(&'a PrimitiveArray<Float32Type>),
    Double(&'a PrimitiveArray<Float64Type>),
    Decimal(&'a PrimitiveArray<Decimal128Type>, i8),
    Date(&'a PrimitiveArray<Date32Type>),
    Timestamp(&'a PrimitiveArray<TimestampMicrosecondType>),
    TimestampNtz(&'a PrimitiveArray<TimestampMicrosecondType>),
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
    List(&'a [i32], Box<Encoder<'a>>),
    Map(&'a [i32], Box<Encoder<'a>>, Box<Encoder<'a>>),
    Struct(Vec<Member<'a>>),
}

/// A field of an object.
struct Member<'a> {
    /// Its name with quotes and a colon.
    name: Vec<u8>,
    values: Encoder<'a>,
}

/// The rules of writing.
pub(super) struct Style {
    pub(super) times: Times,
    pub(super) ignore_null_fields: bool,
    /// True if characters beyond ASCII are escaped.
    pub(super) ascii: bool,
}

impl<'a> Encoder<'a> {
    /// Makes an encoder of a column whose type can be written: see [`check_type`].
    pub(super) fn new(array: &'a dyn Array, style: &Style) -> Encoder<'a> {
        let values = match array.data_type() {
            DataType::Boolean => Values::Boolean(array.as_boolean()),
            DataType::Int8 => Values::Byte(array.as_primitive()),
            DataType::Int16 => Values::Short(array.as_primitive()),
            DataType::Int32 => Values::Integer(array.as_primitive()),
            DataType::Int64 => Values::Long(array.as_primitive()),
            DataType::Float32 => Values::Float(array.as_primitive()),
            DataType::Float64 => Values::Double(array.as_primitive()),
            DataType::Decimal128(_, scale) => Values::Decimal(array.as_primitive(), *scale),
            DataType::Date32 => Values::Date(array.as_primitive()),
            DataType::Timestamp(_, Some(_)) => Values::Timestamp(array.as_primitive()),
            DataType::Timestamp(_, None) => Values::TimestampNtz(array.as_primitive()),
            DataType::Utf8 => Values::Text(array.as_string()),
            DataType::Binary => Values::Binary(array.as_binary()),
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Values::List(list.value_offsets(), Box::new(Encoder::new(list.values().as_ref(), style)))
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let [key, value] = [map.keys(), map.values()].map(|part| Encoder::new(part.as_ref(), style));
                Values::Map(map.value_offsets(), Box::new(key), Box::new(value))
            }
            DataType::Struct(fields) => {
                let member = |(field, column): (
                    &std::sync::Arc<arrow_schema::Field>,
                    &'a std::sync::Arc<dyn Array>,
                )| {
                    let mut name = vec![];
                    write_string(field.name(), style.ascii, &mut name);
                    name.push(b':');
                    Member { name, values: Encoder::new(column.as_ref(), style) }
                };
                Values::Struct(fields.iter().zip(array.as_struct().columns()).map(member).collect())
            }
            _ => Values::Null,
        };
        Encoder { array, values }
    }

    fn is_null(&self, row: usize) -> bool {
        matches!(self.values, Values::Null) || self.array.is_null(row)
    }

    /// Appends the value of a row.
    pub(super) fn write(&self, row: usize, style: &Style, out: &mut Vec<u8>) {
        if self.is_null(row) {
            return out.extend_from_slice(b"null");
        }
        match &self.values {
            Values::Text(values) => write_string(values.value(row), style.ascii, out),
            Values::Binary(values) => quoted(out, |out| {
                out.extend_from_slice(BASE64.encode(values.value(row)).as_bytes());
            }),
            Values::Float(values) if !values.value(row).is_finite() => {
                quoted(out, |out| self.write_bare(row, out))
            }
            Values::Double(values) if !values.value(row).is_finite() => {
                quoted(out, |out| self.write_bare(row, out))
            }
            Values::Date(values) => quoted(out, |out| style.times.write_date(values.value(row), out)),
            Values::Timestamp(values) => {
                quoted(out, |out| style.times.write_timestamp(values.value(row), out))
            }
            Values::TimestampNtz(values) => {
                quoted(out, |out| style.times.write_timestamp_ntz(values.value(row), out));
            }
            Values::List(ends, item) => {
                out.push(b'[');
                for at in ends[row]..ends[row + 1] {
                    separate(out, at > ends[row]);
                    item.write(at as usize, style, out);
                }
                out.push(b']');
            }
            Values::Map(ends, key, value) => {
                out.push(b'{');
                for at in ends[row]..ends[row + 1] {
                    separate(out, at > ends[row]);
                    key.write_key(at as usize, style, out);
                    out.push(b':');
                    value.write(at as usize, style, out);
                }
                out.push(b'}');
            }
            Values::Struct(members) => write_members(members, row, style, out),
            _ => self.write_bare(row, out),
        }
    }

    /// Appends a number or another value that needs no quotes.
    fn write_bare(&self, row: usize, out: &mut Vec<u8>) {
        match &self.values {
            Values::Boolean(values) => {
                out.extend_from_slice(if values.value(row) { b"true" } else { b"false" })
            }
            Values::Byte(values) => whole(values, row, out),
            Values::Short(values) => whole(values, row, out),
            Values::Integer(values) => whole(values, row, out),
            Values::Long(values) => whole(values, row, out),
            Values::Date(values) => whole(values, row, out),
            Values::Timestamp(values) | Values::TimestampNtz(values) => whole(values, row, out),
            Values::Float(values) => write_float(values.value(row), out),
            Values::Double(values) => write_double(values.value(row), out),
            Values::Decimal(values, scale) => write_decimal(values.value(row), *scale, out),
            _ => {}
        }
    }

    /// Appends the key of a map's entry. Dates and times are their numbers in Spark's.
    fn write_key(&self, row: usize, style: &Style, out: &mut Vec<u8>) {
        match &self.values {
            Values::Text(values) => write_string(values.value(row), style.ascii, out),
            _ => quoted(out, |out| self.write_bare(row, out)),
        }
    }
}

fn write_members(members: &[Member<'_>], row: usize, style: &Style, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut more = false;
    for member in members {
        if style.ignore_null_fields && member.values.is_null(row) {
            continue;
        }
        separate(out, more);
        more = true;
        out.extend_from_slice(&member.name);
        member.values.write(row, style, out);
    }
    out.push(b'}');
}

fn separate(out: &mut Vec<u8>, more: bool) {
    if more {
        out.push(b',');
    }
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

fn whole<T: ArrowPrimitiveType>(values: &PrimitiveArray<T>, row: usize, out: &mut Vec<u8>)
where
    T::Native: Into<i64>,
{
    let value: i64 = values.value(row).into();
    let (mut digits, mut at, mut rest) = ([0; 20], 20, value.unsigned_abs());
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a string in quotes.
fn write_string(text: &str, ascii: bool, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let plain = byte >= b' ' && byte != b'"' && byte != b'\\' && !(ascii && byte >= 0x80);
        if plain {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[from.min(at)..at]);
        from = from.max(at + 1);
        if byte >= 0x80 {
            // The first byte of a character stands for all of it.
            if let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    out.extend_from_slice(format!("\\u{unit:04X}").as_bytes());
                }
                from = at + character.len_utf8();
            }
            continue;
        }
        write_escape(byte, out);
    }
    out.extend_from_slice(&text.as_bytes()[from..]);
    out.push(b'"');
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        0x0C => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => return out.extend_from_slice(format!("\\u{byte:04X}").as_bytes()),
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Refuses a type that JSON is not written of.
pub(super) fn check_type(name: &str, data_type: &DataType) -> Result<(), String> {
    match data_type {
        DataType::Struct(fields) => fields.iter().try_for_each(|field| check_type(name, field.data_type())),
        DataType::List(item) => check_type(name, item.data_type()),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(parts) if parts.len() == 2 => {
                match parts[0].data_type() {
                    DataType::Binary | DataType::Struct(_) | DataType::List(_) | DataType::Map(..) => {
                        let kind = parts[0].data_type();
                        return Err(format!(
                            "column {name:?}: the keys of maps in JSON are strings or numbers, and not \
                             {kind}: cast them"
                        ));
                    }
                    simple => check_type(name, simple)?,
                }
                check_type(name, parts[1].data_type())
            }
            _ => Err(format!("column {name:?}: JSON is not written of {data_type}")),
        },
        DataType::Null | DataType::Boolean | DataType::Int8 | DataType::Int16 | DataType::Int32 => Ok(()),
        DataType::Int64 | DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => Ok(()),
        DataType::Utf8 | DataType::Binary | DataType::Date32 => Ok(()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Ok(()),
        _ => Err(format!("column {name:?}: JSON is not written of {data_type}: cast it to a string")),
    }
}
