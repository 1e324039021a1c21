//! The Parquet schema that a record's shape calls for.

use crate::shape::Kind;
use arrow_schema::{DataType, Field, Fields};
use std::sync::Arc;

/// The most digits of a decimal column, which whole numbers of 128 bits become.
pub(super) const DECIMAL_DIGITS: u8 = 38;

/// The name of the only column of a record that is a single value.
const ONLY: &str = "value";

/// Returns the columns of a table of such records.
///
/// # Errors
/// A sentence that says why there are none.
pub(super) fn columns(kind: &Kind) -> Result<Vec<(String, Kind)>, String> {
    match kind {
        Kind::Struct(fields) if fields.is_empty() => {
            Err("it has no fields, so the table would have no columns".into())
        }
        Kind::Struct(fields) => {
            Ok(fields.iter().map(|field| (field.name.to_string(), field.kind.clone())).collect())
        }
        Kind::Tuple(kinds) if !kinds.is_empty() => Ok(numbered(kinds)),
        Kind::Option(_) | Kind::Seq(_) | Kind::Map(..) | Kind::Unit | Kind::Tuple(_) | Kind::Any => {
            Err(format!("a row has columns, and it is {kind}; make it a struct with such a field"))
        }
        other => Ok(vec![(ONLY.into(), other.clone())]),
    }
}

/// Numbers the parts of a tuple, as their names.
fn numbered(kinds: &[Kind]) -> Vec<(String, Kind)> {
    kinds.iter().enumerate().map(|(index, kind)| (format!("_{}", index + 1), kind.clone())).collect()
}

/// Makes a column, or part of one.
pub(super) fn field(name: &str, kind: &Kind) -> Result<Field, String> {
    let (inner, nullable) = match kind {
        Kind::Option(inner) => (&**inner, true),
        other => (other, *other == Kind::Unit),
    };
    Ok(Field::new(name, data_type(name, inner)?, nullable))
}

fn data_type(name: &str, kind: &Kind) -> Result<DataType, String> {
    Ok(match kind {
        Kind::Bool => DataType::Boolean,
        Kind::I8 => DataType::Int8,
        Kind::I16 => DataType::Int16,
        Kind::I32 => DataType::Int32,
        Kind::I64 => DataType::Int64,
        Kind::U8 => DataType::UInt8,
        Kind::U16 => DataType::UInt16,
        Kind::U32 => DataType::UInt32,
        Kind::U64 => DataType::UInt64,
        Kind::I128 | Kind::U128 => DataType::Decimal128(DECIMAL_DIGITS, 0),
        Kind::F32 => DataType::Float32,
        Kind::F64 => DataType::Float64,
        Kind::Char | Kind::Str | Kind::Enum(_) => DataType::Utf8,
        Kind::Bytes => DataType::Binary,
        Kind::Seq(inner) if **inner == Kind::U8 => DataType::Binary,
        Kind::Unit => DataType::Null,
        Kind::Seq(inner) => DataType::List(Arc::new(field("element", inner)?)),
        Kind::Tuple(kinds) if !kinds.is_empty() => DataType::Struct(fields(&numbered(kinds))?),
        Kind::Struct(parts) if !parts.is_empty() => {
            let parts: Vec<_> = parts.iter().map(|part| (part.name.to_string(), part.kind.clone())).collect();
            DataType::Struct(fields(&parts)?)
        }
        Kind::Map(key, value) => DataType::Map(Arc::new(entries(key, value)?), false),
        Kind::Struct(_) | Kind::Tuple(_) => {
            return Err(format!("`{name}` has no fields, and Parquet no column for that"));
        }
        Kind::Any => return Err(format!("the type of `{name}` can be anything; a column has one type")),
        Kind::Option(_) => {
            return Err(format!("`{name}` is an `Option` of an `Option`; a column has only one null"));
        }
    })
}

/// Makes the entries of a map.
pub(super) fn entries(key: &Kind, value: &Kind) -> Result<Field, String> {
    if matches!(key, Kind::Option(_)) {
        return Err("the keys of a map cannot be null".into());
    }
    let parts = Fields::from(vec![field("key", key)?, field("value", value)?]);
    Ok(Field::new("key_value", DataType::Struct(parts), false))
}

/// Makes several columns.
pub(super) fn fields(parts: &[(String, Kind)]) -> Result<Fields, String> {
    parts.iter().map(|(name, kind)| field(name, kind)).collect()
}
