//! [`Single`]: one key or value by itself, of any of the types that Python compares and adds as it always does.
//!
//! Tables and folds keep what is of another type than their columns as such: a float among whole numbers, a whole number
//! beyond 64 bits, None, texts. Each is slower than a row of a column and faster than the interpreter.

use crate::column::{Column, Scalar, TextBuilder};
use std::cmp::Ordering;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Single {
    /// `None`.
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int`.
    Int(i128),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Text(String),
    /// A `tuple`.
    Tuple(Vec<Single>),
}

impl Single {
    /// Returns a row of a column whose constants were written out; `None` for other types.
    pub fn of(column: &Column, row: usize) -> Option<Single> {
        Some(match column {
            Column::Const(scalar) => Single::of_scalar(scalar)?,
            Column::Bool(values) => Single::Bool(values[row]),
            Column::Int(values) => Single::Int(values[row].into()),
            Column::Float(values) => Single::Float(values[row]),
            Column::Text(text) => Single::Text(text.get(row).to_string()),
            Column::Tuple(parts) => Single::tuple(parts.iter().map(|part| Single::of(part, row)))?,
            Column::List(_) | Column::Group(_) | Column::Record(..) | Column::Numpy(_) => return None,
        })
    }

    /// Makes a tuple of items; `None` if one of them is no such value, or not a number: tuples compare their items by what objects they are first,
    /// and a NaN that is made anew is not the one that it was.
    pub fn tuple(items: impl Iterator<Item = Option<Single>>) -> Option<Single> {
        let is_nan = |item: &Single| matches!(item, Single::Float(value) if value.is_nan());
        items.map(|item| item.filter(|item| !is_nan(item))).collect::<Option<_>>().map(Single::Tuple)
    }

    fn of_scalar(scalar: &Scalar) -> Option<Single> {
        Some(match scalar {
            Scalar::None => Single::None,
            Scalar::Bool(value) => Single::Bool(*value),
            Scalar::Int(value) => Single::Int((*value).into()),
            Scalar::Float(value) => Single::Float(*value),
            Scalar::Str(text) => Single::Text(text.to_string()),
            Scalar::Tuple(items) => Single::tuple(items.iter().map(Single::of_scalar))?,
        })
    }

    /// Returns about how many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let held = match self {
            Single::None | Single::Bool(_) | Single::Int(_) | Single::Float(_) => 0,
            Single::Text(text) => text.capacity(),
            Single::Tuple(parts) => parts.iter().map(Single::bytes).sum(),
        };
        size_of::<Single>() + held
    }

    /// Returns the whole number to which it is equal, if there is one.
    pub(crate) fn as_int(&self) -> Option<i128> {
        match self {
            Single::Bool(value) => Some((*value).into()),
            Single::Int(value) => Some(*value),
            Single::Float(value) => whole(*value),
            Single::None | Single::Text(_) | Single::Tuple(_) => None,
        }
    }

    /// Returns the float to which it is equal, if there is one that is a number.
    pub(crate) fn as_float(&self) -> Option<f64> {
        match self {
            Single::Float(value) => (!value.is_nan()).then_some(*value + 0.0),
            Single::Bool(_) | Single::Int(_) => {
                let value = self.as_int()?;
                (whole(value as f64) == Some(value)).then_some(value as f64)
            }
            Single::None | Single::Text(_) | Single::Tuple(_) => None,
        }
    }

    /// Appends bytes that are equal for equal values, of whatever types; `false` of what is not equal to itself.
    pub(crate) fn put(&self, into: &mut Vec<u8>) -> bool {
        match self {
            Single::None => into.push(0),
            Single::Bool(_) | Single::Int(_) | Single::Float(_) => match (self.as_int(), self) {
                (Some(value), _) => {
                    into.push(1);
                    into.extend(value.to_le_bytes());
                }
                (None, Single::Float(value)) => {
                    into.push(2);
                    into.extend(value.to_le_bytes());
                    return !value.is_nan();
                }
                (None, _) => return false,
            },
            Single::Text(text) => {
                into.push(3);
                into.extend((text.len() as u64).to_le_bytes());
                into.extend_from_slice(text.as_bytes());
            }
            Single::Tuple(parts) => {
                into.push(4);
                into.extend((parts.len() as u64).to_le_bytes());
                return parts.iter().all(|part| part.put(into));
            }
        }
        true
    }

    /// Returns it as a number, if it is one.
    pub(crate) fn number(&self) -> Option<Number> {
        match self {
            Single::Bool(value) => Some(Number::Int((*value).into())),
            Single::Int(value) => Some(Number::Int(*value)),
            Single::Float(value) => Some(Number::Float(*value)),
            Single::None | Single::Text(_) | Single::Tuple(_) => None,
        }
    }
}

/// A number, in the types of Python's arithmetic.
#[derive(Clone, Copy)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    /// Converts it as CPython does, half to even. The greatest of these whole numbers is far below the greatest float.
    pub(crate) fn float(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Float(value) => value,
        }
    }

    /// Compares two numbers exactly, as CPython does.
    pub(crate) fn compared(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Int(one), Number::Int(two)) => Some(one.cmp(&two)),
            (Number::Float(one), Number::Float(two)) => one.partial_cmp(&two),
            (Number::Int(one), Number::Float(two)) => compared(one, two),
            (Number::Float(one), Number::Int(two)) => compared(two, one).map(Ordering::reverse),
        }
    }
}

fn compared(whole_number: i128, float: f64) -> Option<Ordering> {
    match whole(float.trunc()) {
        Some(part) => Some(whole_number.cmp(&part).then_with(|| 0.0_f64.total_cmp(&(float.fract() + 0.0)))),
        // It is beyond every whole number here, or no number.
        None => 0.0_f64.partial_cmp(&float),
    }
}

/// Returns the whole number that a float is.
fn whole(value: f64) -> Option<i128> {
    const BEYOND: f64 = (1_u128 << 127) as f64;
    (value.trunc() == value && (-BEYOND..BEYOND).contains(&value)).then_some(value as i128)
}

/// Returns values as a column, if all have one type.
pub fn column(values: &[&Single]) -> Option<Column> {
    let first = values.first()?;
    Some(match first {
        Single::None => {
            values.iter().all(|value| **value == Single::None).then_some(Column::Const(Scalar::None))?
        }
        Single::Bool(_) => {
            let read = |value: &&Single| if let Single::Bool(value) = value { Some(*value) } else { None };
            Column::of_bools(values.iter().map(read).collect::<Option<_>>()?)
        }
        Single::Int(_) => {
            let read = |value: &&Single| {
                if let Single::Int(value) = value { i64::try_from(*value).ok() } else { None }
            };
            Column::ints(values.iter().map(read).collect::<Option<_>>()?)
        }
        Single::Float(_) => {
            let read = |value: &&Single| if let Single::Float(value) = value { Some(*value) } else { None };
            Column::floats(values.iter().map(read).collect::<Option<_>>()?)
        }
        Single::Text(_) => {
            let mut made = TextBuilder::with_rows(values.len());
            let mut fits = |value: &&Single| matches!(value, Single::Text(text) if made.push(text));
            if !values.iter().all(&mut fits) {
                return None;
            }
            Column::Text(made.build())
        }
        Single::Tuple(parts) => {
            let mut columns = vec![];
            for at in 0..parts.len() {
                let one = |value: &&'_ Single| match value {
                    Single::Tuple(others) if others.len() == parts.len() => Some(others[at].clone()),
                    _ => None,
                };
                let some = values.iter().map(one).collect::<Option<Vec<_>>>()?;
                columns.push(column(&some.iter().collect::<Vec<_>>())?);
            }
            if columns.is_empty() {
                return None;
            }
            Column::Tuple(columns)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_bytes() {
        let bytes = |value: &Single| {
            let mut into = vec![];
            value.put(&mut into).then_some(into)
        };
        let all = [Single::Bool(true), Single::Int(1), Single::Float(1.0)];
        assert!(all.iter().all(|value| bytes(value) == bytes(&Single::Int(1))));
        assert_eq!(bytes(&Single::Float(-0.0)), bytes(&Single::Bool(false)));
        assert_ne!(bytes(&Single::Float(0.5)), bytes(&Single::Int(0)));
        for whole in [i128::MIN, -(1 << 63), 1 << 63, 1 << 53, i128::MIN / 2] {
            assert_eq!(bytes(&Single::Float(whole as f64)), bytes(&Single::Int(whole)), "{whole}");
            assert_eq!(compared(whole, whole as f64), Some(Ordering::Equal), "{whole}");
            assert_ne!(bytes(&Single::Float(whole as f64)), bytes(&Single::Int(whole + 1)), "{whole}");
        }
        // Beyond all whole numbers that are here, though the nearest float to the greatest of them.
        assert_ne!(bytes(&Single::Float(i128::MAX as f64)), bytes(&Single::Int(i128::MAX)));
        assert_eq!(compared(i128::MAX, i128::MAX as f64), Some(Ordering::Less));
        assert_eq!(bytes(&Single::Tuple(vec![Single::Float(f64::NAN)])), None);
    }
}
