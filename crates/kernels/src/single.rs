//! [`Single`]: one key or value by itself, of any of the types that Python compares and adds as it always does.
//!
//! Tables and folds keep what is of another type than their columns as such: a float among whole numbers, a whole number
//! beyond 64 bits, None, texts. Each is slower than a row of a column and faster than the interpreter.

use crate::column::{Column, Scalar, TextBuilder};
use crate::keys::Shape;
use crate::merge::Merge;
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
            Column::Const(scalar) => Single::of_scalar(scalar),
            Column::Bool(values) => Single::Bool(values[row]),
            Column::Int(values) => Single::Int(values[row].into()),
            Column::Float(values) => Single::Float(values[row]),
            Column::Text(text) => Single::Text(text.get(row).to_string()),
            Column::Tuple(parts) => {
                Single::Tuple(parts.iter().map(|part| Single::of(part, row)).collect::<Option<_>>()?)
            }
            Column::List(_) | Column::Group(_) | Column::Record(..) | Column::Numpy(_) => return None,
        })
    }

    fn of_scalar(scalar: &Scalar) -> Single {
        match scalar {
            Scalar::None => Single::None,
            Scalar::Bool(value) => Single::Bool(*value),
            Scalar::Int(value) => Single::Int((*value).into()),
            Scalar::Float(value) => Single::Float(*value),
            Scalar::Str(text) => Single::Text(text.to_string()),
            Scalar::Tuple(items) => Single::Tuple(items.iter().map(Single::of_scalar).collect()),
        }
    }

    /// Returns the type of columns that hold such values; `None` of a whole number beyond 64 bits.
    pub(crate) fn shape(&self) -> Option<Shape> {
        Some(match self {
            Single::None => Shape::None,
            Single::Bool(_) => Shape::Bool,
            Single::Int(value) => i64::try_from(*value).ok().map(|_| Shape::Int)?,
            Single::Float(_) => Shape::Float,
            Single::Text(_) => Shape::Text,
            Single::Tuple(parts) => Shape::Tuple(parts.iter().map(Single::shape).collect::<Option<_>>()?),
        })
    }

    /// Returns about how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
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

    fn number(&self) -> Option<Number> {
        match self {
            Single::Bool(value) => Some(Number::Int((*value).into())),
            Single::Int(value) => Some(Number::Int(*value)),
            Single::Float(value) => Some(Number::Float(*value)),
            Single::None | Single::Text(_) | Single::Tuple(_) => None,
        }
    }

    /// Merges another value into this one by a rule. Returns `false`, and changes nothing, if that is not done here.
    pub(crate) fn merge(&mut self, rule: &Merge, other: &Single) -> bool {
        let can = self.can_merge(rule, other);
        if can {
            self.merge_in(rule, other);
        }
        can
    }

    fn can_merge(&self, rule: &Merge, other: &Single) -> bool {
        match (rule, self, other) {
            (Merge::First | Merge::Last, _, _) => true,
            (Merge::Parts(rules), Single::Tuple(one), Single::Tuple(two)) => {
                rules.len() == one.len()
                    && rules.len() == two.len()
                    && rules
                        .iter()
                        .zip(one.iter().zip(two))
                        .all(|(rule, (one, two))| one.can_merge(rule, two))
            }
            (Merge::Parts(_), _, _) => false,
            (Merge::Multiply | Merge::MultiplyBy, Single::Text(_), _) => false,
            (_, Single::Text(_), Single::Text(_)) => true,
            (_, one, two) => match (one.number(), two.number()) {
                (Some(one), Some(two)) => one.merged(rule, two).is_some(),
                _ => false,
            },
        }
    }

    /// Merges what can be merged.
    fn merge_in(&mut self, rule: &Merge, other: &Single) {
        match (rule, &mut *self, other) {
            (Merge::First, _, _) => {}
            (Merge::Last, one, two) => *one = two.clone(),
            (Merge::Parts(rules), Single::Tuple(one), Single::Tuple(two)) => {
                for (rule, (one, two)) in rules.iter().zip(one.iter_mut().zip(two)) {
                    one.merge_in(rule, two);
                }
            }
            (rule, Single::Text(one), Single::Text(two)) => match rule {
                Merge::Add | Merge::AddTo => one.push_str(two),
                Merge::AddBefore | Merge::AddToIt => one.insert_str(0, two),
                // The order of UTF-8's bytes is that of code points.
                Merge::Min if two < one => one.clone_from(two),
                Merge::Max if two > one => one.clone_from(two),
                Merge::Min
                | Merge::Max
                | Merge::Multiply
                | Merge::MultiplyBy
                | Merge::First
                | Merge::Last
                | Merge::Parts(_) => {}
            },
            (Merge::Min | Merge::Max, one, two) => {
                let wanted = if *rule == Merge::Min { Ordering::Less } else { Ordering::Greater };
                let (Some(known), Some(new)) = (one.number(), two.number()) else { return };
                // The first of equal ones, and of those without an order, as it is.
                if new.compared(known) == Some(wanted) {
                    *one = two.clone();
                }
            }
            (rule, one, two) => {
                let (Some(known), Some(new)) = (one.number(), two.number()) else { return };
                match known.merged(rule, new) {
                    Some(Number::Int(value)) => *one = Single::Int(value),
                    Some(Number::Float(value)) => *one = Single::Float(value),
                    None => {}
                }
            }
        }
    }
}

/// A number, in the types of Python's arithmetic.
#[derive(Clone, Copy)]
enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    /// Converts it as CPython does, half to even. The greatest of these whole numbers is far below the greatest float.
    fn float(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Float(value) => value,
        }
    }

    fn merged(self, rule: &Merge, other: Number) -> Option<Number> {
        let is_sum = match rule {
            Merge::Add | Merge::AddTo | Merge::AddBefore | Merge::AddToIt => true,
            Merge::Multiply | Merge::MultiplyBy => false,
            Merge::Min | Merge::Max | Merge::First | Merge::Last => return Some(self),
            Merge::Parts(_) => return None,
        };
        match (self, other) {
            (Number::Int(one), Number::Int(two)) => {
                let merged = if is_sum { one.checked_add(two) } else { one.checked_mul(two) };
                merged.map(Number::Int)
            }
            (one, two) => {
                let (one, two) = (one.float(), two.float());
                Some(Number::Float(if is_sum { one + two } else { one * two }))
            }
        }
    }

    /// Compares two numbers exactly, as CPython does.
    fn compared(self, other: Number) -> Option<Ordering> {
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
    (value.trunc() == value && value.abs() < BEYOND).then_some(value as i128)
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

    fn merged(rule: Merge, one: Single, two: Single) -> Option<Single> {
        let mut one = one;
        one.merge(&rule, &two).then_some(one)
    }

    #[test]
    fn numbers_are_merged_in_the_type_that_python_gives_them() {
        let (int, float) = (Single::Int, Single::Float);
        assert_eq!(merged(Merge::Add, Single::Bool(true), Single::Bool(true)), Some(int(2)));
        assert_eq!(merged(Merge::Add, int(1 << 70), int(1)), Some(int((1 << 70) + 1)));
        assert_eq!(merged(Merge::Add, int(i128::MAX), int(1)), None);
        assert_eq!(merged(Merge::Add, int(2), float(0.5)), Some(float(2.5)));
        assert_eq!(merged(Merge::Max, int(1), float(1.0)), Some(int(1)));
        assert_eq!(merged(Merge::Max, int(1), float(1.5)), Some(float(1.5)));
        assert_eq!(merged(Merge::Min, float(-0.5), int(0)), Some(float(-0.5)));
        assert_eq!(
            merged(Merge::Min, float(f64::NAN), int(0)).map(|value| value.shape()),
            Some(Some(Shape::Float))
        );
        // 2^53 + 1 is no float: rounded, both would be equal.
        assert_eq!(
            merged(Merge::Max, float(9007199254740992.0), int(9007199254740993)),
            Some(int(9007199254740993))
        );
        assert_eq!(merged(Merge::Add, Single::None, int(0)), None);
        assert_eq!(merged(Merge::Last, Single::None, int(0)), Some(int(0)));
    }

    #[test]
    fn texts_are_added_on_the_side_that_the_rule_says() {
        let text = |text: &str| Single::Text(text.to_string());
        assert_eq!(merged(Merge::Add, text("a"), text("b")), Some(text("ab")));
        assert_eq!(merged(Merge::AddBefore, text("a"), text("b")), Some(text("ba")));
        assert_eq!(merged(Merge::Max, text("z"), text("é")), Some(text("é")));
        assert_eq!(merged(Merge::Multiply, text("a"), text("b")), None);
        let pair = |one: Single, two: Single| Single::Tuple(vec![one, two]);
        let rule = Merge::Parts(vec![Merge::Add, Merge::Add]);
        // As a whole or not at all.
        let mut known = pair(text("a"), Single::None);
        assert!(!known.merge(&rule, &pair(text("b"), Single::Int(1))));
        assert_eq!(known, pair(text("a"), Single::None));
    }

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
        assert_eq!(bytes(&Single::Tuple(vec![Single::Float(f64::NAN)])), None);
    }
}
