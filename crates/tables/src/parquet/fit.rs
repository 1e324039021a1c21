//! Column fit: checks whether a field can take a column's values. Checked once for each file, so that a mistake
//! shows before the first row and names the column. Checks that depend on the value, such as whether a number
//! is small enough, are made at its row.

use crate::shape::{Field, Kind};
use arrow_schema::DataType;

/// Describes the misfit of a column and a field: the path to the column, its type, and the field's. None if it
/// fits.
pub(super) fn misfit(name: &str, kind: &Kind, column: &DataType) -> Option<String> {
    let fits = match (kind, column) {
        (Kind::Any, _) => true,
        (Kind::Option(inner), _) => return misfit(name, inner, column),
        (Kind::Unit, column) => *column == DataType::Null,
        (Kind::Struct(fields), DataType::Struct(columns)) => return struct_misfit(name, fields, columns),
        (Kind::Map(_, value), DataType::Struct(columns)) => {
            return columns
                .iter()
                .find_map(|c| misfit(&format!("{name}.{}", c.name()), value, c.data_type()));
        }
        (Kind::Seq(inner), DataType::List(element)) => {
            return misfit(&format!("{name}.element"), inner, element.data_type());
        }
        (Kind::Tuple(kinds), DataType::List(element)) => {
            return kinds
                .iter()
                .find_map(|kind| misfit(&format!("{name}.element"), kind, element.data_type()));
        }
        (Kind::Tuple(kinds), DataType::Struct(columns)) if kinds.len() == columns.len() => {
            let mut pairs = kinds.iter().zip(columns.iter());
            return pairs.find_map(|(kind, c)| misfit(&format!("{name}.{}", c.name()), kind, c.data_type()));
        }
        (Kind::Map(key, value), DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(columns) if columns.len() == 2 => {
                return misfit(&format!("{name}.key"), key, columns[0].data_type())
                    .or_else(|| misfit(&format!("{name}.value"), value, columns[1].data_type()));
            }
            _ => false,
        },
        (Kind::Seq(inner), DataType::Binary | DataType::FixedSizeBinary(_)) => **inner == Kind::U8,
        (kind, column) => scalar_fits(kind, column),
    };
    (!fits).then(|| {
        format!(
            "column `{name}` is {}, which a field of type {kind} cannot hold{}",
            shown(column),
            hint(column)
        )
    })
}

/// Checks a struct's fields. Fields without a column are no misfit: whether they may be missing is for the type
/// to decide, when the first row is made.
fn struct_misfit(name: &str, fields: &[Field], columns: &arrow_schema::Fields) -> Option<String> {
    fields.iter().find_map(|field| {
        let answers = |column: &str| field.name == column || field.aliases.contains(&column);
        let column = columns.iter().find(|column| answers(column.name()))?;
        misfit(&format!("{name}.{}", field.name), &field.kind, column.data_type())
    })
}

fn scalar_fits(kind: &Kind, column: &DataType) -> bool {
    use DataType::*;
    match kind {
        Kind::Bool => matches!(column, Boolean),
        Kind::I8
        | Kind::I16
        | Kind::I32
        | Kind::I64
        | Kind::I128
        | Kind::U8
        | Kind::U16
        | Kind::U32
        | Kind::U64
        | Kind::U128 => {
            column.is_integer()
                || matches!(column, Date32 | Time32(_) | Time64(_) | Timestamp(..) | Decimal128(_, 0))
        }
        // Only if nothing is lost.
        Kind::F32 => matches!(column, Float16 | Float32 | Int8 | Int16 | UInt8 | UInt16),
        Kind::F64 => {
            matches!(
                column,
                Float16 | Float32 | Float64 | Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32 | Decimal128(..)
            )
        }
        Kind::Char => matches!(column, Utf8),
        Kind::Str => matches!(column, Utf8 | Date32 | Time32(_) | Time64(_) | Timestamp(..) | Decimal128(..)),
        Kind::Bytes => matches!(column, Utf8 | Binary | FixedSizeBinary(_)),
        Kind::Enum(_) => matches!(column, Utf8),
        Kind::Any => true,
        Kind::Unit | Kind::Option(_) | Kind::Seq(_) | Kind::Tuple(_) | Kind::Map(..) | Kind::Struct(_) => {
            false
        }
    }
}

fn shown(column: &DataType) -> String {
    match column {
        DataType::List(element) => format!("a list of {}", shown(element.data_type())),
        DataType::Struct(fields) => format!("a struct of {} fields", fields.len()),
        DataType::Map(..) => "a map".into(),
        other => other.to_string(),
    }
}

fn hint(column: &DataType) -> &'static str {
    match column {
        DataType::Decimal128(..) => " (String holds it exactly, f64 nearly)",
        DataType::Timestamp(..) => " (i64 holds it as microseconds, String as text)",
        DataType::Date32 => " (i32 holds it as days since 1970, String as text)",
        DataType::Int64 | DataType::UInt64 => " (i64 and u64 hold it)",
        DataType::Float64 => " (f64 holds it)",
        DataType::Decimal256(..) | DataType::Interval(_) => ": columns of this type are not supported",
        _ => "",
    }
}
