//! [`Kind`]: the types that values were seen to have. Kinds join in any order with the same result.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The type that takes all values seen of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Only nulls were seen.
    #[default]
    Null,
    Boolean,
    Long,
    /// A decimal: the digits before its point, and behind it.
    Decimal(u8, u8),
    Double,
    Timestamp,
    String,
    Array(Box<Kind>),
    Object(Fields),
}

/// The fields of objects by name.
pub(super) type Fields = BTreeMap<String, Seen>;

/// A field of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) kind: Kind,
    /// True if an object had it twice.
    pub(super) twice: bool,
    /// The last object that had it, while objects are observed.
    #[serde(skip)]
    pub(super) object: u64,
}

/// The most digits of a decimal.
const DIGITS: u8 = 38;

/// The digits of the longest whole number that fits no long for sure.
const LONG_DIGITS: u8 = 20;

impl Kind {
    /// Returns a decimal's kind, or that of a double when it has too many digits.
    pub(super) fn decimal(digits: i64, behind: i64) -> Kind {
        let before = (digits - behind).max(0);
        let behind = behind.max(0);
        match before + behind <= i64::from(DIGITS) {
            true => Kind::Decimal(before as u8, behind as u8),
            false => Kind::Double,
        }
    }

    /// Takes the values of another kind in, too.
    pub(super) fn join(&mut self, other: Kind) {
        if *self == other {
            return;
        }
        *self = match (std::mem::take(self), other) {
            (Kind::Null, kind) | (kind, Kind::Null) => kind,
            (Kind::Array(mut element), Kind::Array(other)) => {
                element.join(*other);
                Kind::Array(element)
            }
            (Kind::Object(mut fields), Kind::Object(others)) => {
                join_fields(&mut fields, others);
                Kind::Object(fields)
            }
            (one, other) => match (one.digits(), other.digits()) {
                (Some((before, behind)), Some((more, beyond))) => {
                    let (before, behind) = (i64::from(before.max(more)), i64::from(behind.max(beyond)));
                    Kind::decimal(before + behind, behind)
                }
                _ if one.is_number() && other.is_number() => Kind::Double,
                _ => Kind::String,
            },
        };
    }

    fn is_number(&self) -> bool {
        matches!(self, Kind::Long | Kind::Decimal(..) | Kind::Double)
    }

    /// Returns the digits before and behind the point of a decimal that takes all values.
    fn digits(&self) -> Option<(u8, u8)> {
        match self {
            Kind::Long => Some((LONG_DIGITS, 0)),
            Kind::Decimal(before, behind) => Some((*before, *behind)),
            _ => None,
        }
    }

    /// Returns Spark's type in JSON; none when there is nothing to have: an object without fields.
    pub(super) fn to_json(&self, drop_null: bool) -> Option<Value> {
        Some(match self {
            Kind::Null if drop_null => return None,
            Kind::Null | Kind::String => json!("string"),
            Kind::Boolean => json!("boolean"),
            Kind::Long => json!("long"),
            Kind::Decimal(before, behind) => json!(format!("decimal({},{behind})", (before + behind).max(1))),
            Kind::Double => json!("double"),
            Kind::Timestamp => json!("timestamp"),
            Kind::Array(element) => {
                json!({"type": "array", "elementType": element.to_json(drop_null)?, "containsNull": true})
            }
            Kind::Object(fields) => {
                let fields = fields_to_json(fields, drop_null);
                if fields.is_empty() {
                    return None;
                }
                json!({"type": "struct", "fields": fields})
            }
        })
    }
}

pub(super) fn join_fields(fields: &mut Fields, others: Fields) {
    for (name, seen) in others {
        let field = fields.entry(name).or_default();
        field.kind.join(seen.kind);
        field.twice |= seen.twice;
    }
}

/// Returns fields as Spark's schema has them: sorted as Java sorts strings, without one that has no name. One
/// that an object had twice is there twice, which Spark refuses when it checks the schema.
pub(super) fn fields_to_json(fields: &Fields, drop_null: bool) -> Vec<Value> {
    let mut sorted: Vec<(&String, &Seen)> = fields.iter().filter(|(name, _)| !name.is_empty()).collect();
    sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
    let mut columns = vec![];
    for (name, seen) in sorted {
        let Some(kind) = seen.kind.to_json(drop_null) else { continue };
        let column = json!({"name": name, "type": kind, "nullable": true, "metadata": {}});
        if seen.twice {
            columns.push(column.clone());
        }
        columns.push(column);
    }
    columns
}
