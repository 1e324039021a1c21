//! Arithmetic, comparisons and truth.
//!
//! `int` is 64 bits here: what leaves them is marked. `bool` counts as `int`, as in Python. Where an `int` meets a
//! `float`, it becomes one as CPython makes it; comparing them is exact in CPython, so only an `int` that a `float` holds
//! exactly is compared here.

use crate::answer::{Answer, Mask, Refused};
use crate::column::{Column, Scalar, Text};
use crate::numpy::Numpy;
use crate::program::{Binary, Comparison};
use crate::sequences::concatenated;
use crate::text;
use std::cmp::Ordering;
use std::rc::Rc;

/// Up to here a float holds every whole number.
const EXACT: u64 = 1 << 53;

/// The numbers of a column, of one of Python's three types.
pub(crate) enum Numbers {
    Bools(Rc<Vec<bool>>),
    Ints(Rc<Vec<i64>>),
    Floats(Rc<Vec<f64>>),
}

impl Numbers {
    pub(crate) fn of(column: &Column, rows: usize) -> Option<Numbers> {
        match column.spread(rows) {
            Column::Bool(values) => Some(Numbers::Bools(values)),
            Column::Int(values) => Some(Numbers::Ints(values)),
            Column::Float(values) => Some(Numbers::Floats(values)),
            Column::Const(_)
            | Column::Text(_)
            | Column::List(_)
            | Column::Group(_)
            | Column::Tuple(_)
            | Column::Record(..)
            | Column::Numpy(_) => None,
        }
    }

    /// Returns them as `int`, unless they are `float`.
    pub(crate) fn ints(&self) -> Option<Rc<Vec<i64>>> {
        match self {
            Numbers::Bools(values) => Some(Rc::new(values.iter().map(|value| i64::from(*value)).collect())),
            Numbers::Ints(values) => Some(values.clone()),
            Numbers::Floats(_) => None,
        }
    }

    /// Marks rows whose `int` a `float` may not hold.
    pub(crate) fn mark_inexact(&self, mask: &mut Mask) {
        if let Numbers::Ints(values) = self {
            for (row, _) in values.iter().enumerate().filter(|(_, value)| value.unsigned_abs() > EXACT) {
                mask.set(row);
            }
        }
    }

    /// Returns them as `float`. A conversion rounds half to even, as CPython's does.
    pub(crate) fn floats(&self) -> Rc<Vec<f64>> {
        match self {
            Numbers::Bools(values) => {
                Rc::new(values.iter().map(|value| f64::from(u8::from(*value))).collect())
            }
            Numbers::Ints(values) => Rc::new(values.iter().map(|value| *value as f64).collect()),
            Numbers::Floats(values) => values.clone(),
        }
    }
}

pub(crate) fn binary(operator: Binary, a: &Column, b: &Column, mask: &mut Mask) -> Answer<Column> {
    let rows = mask.rows();
    let (one, two) = (Numbers::of(a, rows), Numbers::of(b, rows));
    let (Some(one), Some(two)) = (&one, &two) else {
        return match (operator, a, b) {
            (Binary::Add, Column::Tuple(one), Column::Tuple(two)) => {
                Ok(Column::Tuple([&one[..], two].concat()))
            }
            (Binary::Add, Column::List(one), Column::List(two)) => Ok(Column::List(concatenated(one, two)?)),
            (Binary::Add, _, _) => text::joined_values(a, b, mask),
            (Binary::Multiply, _, _) => {
                let times = one.as_ref().or(two.as_ref()).and_then(Numbers::ints);
                let times = times.ok_or(Refused("an operator between values of these types"))?;
                text::repeated(if one.is_none() { a } else { b }, &times, mask)
            }
            _ => Err(Refused("an operator between values of these types")),
        };
    };
    if let (Numbers::Bools(one), Numbers::Bools(two)) = (one, two) {
        let of: Option<fn(bool, bool) -> bool> = match operator {
            Binary::And => Some(|a, b| a & b),
            Binary::Or => Some(|a, b| a | b),
            Binary::Xor => Some(|a, b| a ^ b),
            _ => None,
        };
        if let Some(of) = of {
            return Ok(Column::bools(one.iter().zip(two.iter()).map(|(a, b)| of(*a, *b)).collect()));
        }
    }
    match (one.ints(), two.ints()) {
        (Some(one), Some(two)) => of_ints(operator, &one, &two, mask),
        _ => of_floats(operator, &one.floats(), &two.floats(), mask),
    }
}

fn each<A: Copy, T: Default>(a: &[A], b: &[A], mask: &mut Mask, of: impl Fn(A, A) -> Option<T>) -> Vec<T> {
    let pairs = a.iter().zip(b).enumerate();
    pairs.map(|(row, (a, b))| mask.or(row, of(*a, *b), T::default())).collect()
}

fn of_ints(operator: Binary, a: &[i64], b: &[i64], mask: &mut Mask) -> Answer<Column> {
    let values = match operator {
        Binary::Add => each(a, b, mask, i64::checked_add),
        Binary::Subtract => each(a, b, mask, i64::checked_sub),
        Binary::Multiply => each(a, b, mask, i64::checked_mul),
        Binary::FloorDivide => each(a, b, mask, |a, b| divided(a, b).map(|(quotient, _)| quotient)),
        Binary::Remainder => each(a, b, mask, |a, b| divided(a, b).map(|(_, rest)| rest)),
        Binary::Power => each(a, b, mask, |a, b| a.checked_pow(u32::try_from(b).ok()?)),
        Binary::And => each(a, b, mask, |a, b| Some(a & b)),
        Binary::Or => each(a, b, mask, |a, b| Some(a | b)),
        Binary::Xor => each(a, b, mask, |a, b| Some(a ^ b)),
        Binary::ShiftLeft => each(a, b, mask, |a, b| {
            let by = u32::try_from(b).ok().filter(|by| *by < 63)?;
            Some(a << by).filter(|shifted| shifted >> by == a)
        }),
        Binary::ShiftRight => each(a, b, mask, |a, b| (b >= 0).then(|| a >> b.min(63))),
        Binary::Divide => {
            let is_exact = |number: i64| number.unsigned_abs() <= EXACT;
            let divide = |a: i64, b: i64| (b != 0 && is_exact(a) && is_exact(b)).then(|| a as f64 / b as f64);
            return Ok(Column::floats(each(a, b, mask, divide)));
        }
    };
    Ok(Column::ints(values))
}

/// Divides as Python does: towards minus infinity, with a rest of the divisor's sign.
fn divided(a: i64, b: i64) -> Option<(i64, i64)> {
    let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
    let is_between = rest != 0 && (rest < 0) != (b < 0);
    Some(if is_between { (quotient - 1, rest + b) } else { (quotient, rest) })
}

fn of_floats(operator: Binary, a: &[f64], b: &[f64], mask: &mut Mask) -> Answer<Column> {
    let values = match operator {
        Binary::Add => each(a, b, mask, |a, b| Some(a + b)),
        Binary::Subtract => each(a, b, mask, |a, b| Some(a - b)),
        Binary::Multiply => each(a, b, mask, |a, b| Some(a * b)),
        Binary::Divide => each(a, b, mask, |a, b| (b != 0.0).then(|| a / b)),
        Binary::FloorDivide => each(a, b, mask, |a, b| (b != 0.0).then(|| floor_divided(a, b))),
        Binary::Remainder => each(a, b, mask, |a, b| (b != 0.0).then(|| rest(a, b))),
        Binary::Power => each(a, b, mask, power),
        Binary::And | Binary::Or | Binary::Xor | Binary::ShiftLeft | Binary::ShiftRight => {
            return Err(Refused("bits of a float"));
        }
    };
    Ok(Column::floats(values))
}

/// `a ** b`, where CPython gives what the C library's `pow` gives, of the amount of `a`; `f64::powf` calls the same function.
/// All that either of them treats in a way of its own is declined: infinities, complex results, overflows, and what
/// is too small to be kept whole.
pub(crate) fn power(a: f64, b: f64) -> Option<f64> {
    let is_odd = b.fract() == 0.0 && b % 2.0 != 0.0;
    if !a.is_finite() || !b.is_finite() || a == 0.0 && b < 0.0 || a < 0.0 && b.fract() != 0.0 {
        return None;
    }
    let power = a.abs().powf(b);
    let power = if a.is_sign_negative() && is_odd { -power } else { power };
    (power.is_normal() || a == 0.0).then_some(power)
}

/// `a % b`, step by step as CPython's `float_rem` does it.
fn rest(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest == 0.0 {
        return 0f64.copysign(b);
    }
    // NaN is neither zero nor less than it.
    if (b < 0.0) != (rest < 0.0) { rest + b } else { rest }
}

/// `a // b`, step by step as CPython's `_float_div_mod` does it.
fn floor_divided(a: f64, b: f64) -> f64 {
    let rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0f64.copysign(a / b);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}

pub(crate) fn negative(a: &Column, mask: &mut Mask) -> Answer<Column> {
    match Numbers::of(a, mask.rows()) {
        Some(Numbers::Floats(values)) => Ok(Column::floats(values.iter().map(|value| -value).collect())),
        Some(numbers @ (Numbers::Bools(_) | Numbers::Ints(_))) => {
            let values = numbers.ints().unwrap_or_default();
            let values = values.iter().enumerate().map(|(row, value)| mask.or(row, value.checked_neg(), 0));
            Ok(Column::ints(values.collect()))
        }
        None => Err(Refused("a sign before a value of this type")),
    }
}

/// Returns which values are true.
pub(crate) fn truths(column: &Column, rows: usize) -> Answer<Rc<Vec<bool>>> {
    let truths = match column {
        Column::Const(Scalar::None) => vec![false; rows],
        Column::Const(Scalar::Tuple(items)) => vec![!items.is_empty(); rows],
        Column::Const(_) => return truths(&column.spread(rows), rows),
        Column::Bool(values) | Column::Numpy(Numpy::Truths(values)) => return Ok(values.clone()),
        Column::Numpy(Numpy::Numbers(values)) => values.iter().map(|value| *value != 0.0).collect(),
        Column::Numpy(Numpy::Arrays(_)) => return Err(Refused("whether an array is true")),
        Column::Int(values) => values.iter().map(|value| *value != 0).collect(),
        Column::Float(values) => values.iter().map(|value| *value != 0.0).collect(),
        Column::Text(text) => text.spans.iter().map(|(from, to)| from != to).collect(),
        Column::List(list) | Column::Group(list) => list.spans.iter().map(|(from, to)| from != to).collect(),
        Column::Record(class, _) if !class.is_tuple() => vec![true; rows],
        Column::Tuple(parts) | Column::Record(_, parts) => vec![!parts.is_empty(); rows],
    };
    Ok(Rc::new(truths))
}

impl Comparison {
    pub(crate) fn holds(self, ordering: Option<Ordering>) -> bool {
        match (self, ordering) {
            (Comparison::NotEqual, None) => true,
            (_, None) => false,
            (Comparison::Less, Some(ordering)) => ordering.is_lt(),
            (Comparison::LessOrEqual, Some(ordering)) => ordering.is_le(),
            (Comparison::Equal, Some(ordering)) => ordering.is_eq(),
            (Comparison::NotEqual, Some(ordering)) => ordering.is_ne(),
            (Comparison::Greater, Some(ordering)) => ordering.is_gt(),
            (Comparison::GreaterOrEqual, Some(ordering)) => ordering.is_ge(),
        }
    }
}

pub(crate) fn compare(comparison: Comparison, a: &Column, b: &Column, mask: &mut Mask) -> Answer<Column> {
    let rows = mask.rows();
    if let (Some(one), Some(two)) = (Numbers::of(a, rows), Numbers::of(b, rows)) {
        return Ok(Column::bools(match (one.ints(), two.ints()) {
            (Some(one), Some(two)) => {
                one.iter().zip(two.iter()).map(|(a, b)| comparison.holds(Some(a.cmp(b)))).collect()
            }
            _ => {
                one.mark_inexact(mask);
                two.mark_inexact(mask);
                let (one, two) = (one.floats(), two.floats());
                one.iter().zip(two.iter()).map(|(a, b)| comparison.holds(a.partial_cmp(b))).collect()
            }
        }));
    }
    if is_atom(a) && is_atom(b) {
        if let (Column::Text(one), Column::Text(two)) = (a.spread(rows), b.spread(rows)) {
            return Ok(Column::bools(compare_texts(comparison, &one, &two, rows)));
        }
        let is_none = |column: &Column| matches!(column, Column::Const(Scalar::None));
        let is_equal = is_none(a) && is_none(b);
        return match comparison {
            Comparison::Equal => Ok(Column::Const(Scalar::Bool(is_equal))),
            Comparison::NotEqual => Ok(Column::Const(Scalar::Bool(!is_equal))),
            Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => {
                Err(Refused("an order between values of two types"))
            }
        };
    }
    Err(Refused("a comparison of tuples or lists"))
}

/// Texts in UTF-8 have the order of their code points.
fn compare_texts(comparison: Comparison, a: &Text, b: &Text, rows: usize) -> Vec<bool> {
    (0..rows).map(|row| comparison.holds(Some(a.bytes(row).cmp(b.bytes(row))))).collect()
}

fn is_atom(column: &Column) -> bool {
    !matches!(
        column,
        Column::Tuple(_)
            | Column::Record(..)
            | Column::List(_)
            | Column::Group(_)
            | Column::Numpy(_)
            | Column::Const(Scalar::Tuple(_))
    )
}

pub(crate) fn contains(item: &Column, container: &Column, mask: &mut Mask) -> Answer<Column> {
    if let Column::Const(Scalar::Tuple(choices)) = container {
        let mut found = vec![false; mask.rows()];
        for choice in choices {
            let equal = compare(Comparison::Equal, item, &Column::Const(choice.clone()), mask)?;
            for (found, equal) in found.iter_mut().zip(truths(&equal, mask.rows())?.iter()) {
                *found |= equal;
            }
        }
        return Ok(Column::bools(found));
    }
    text::contains(item, container, mask.rows())
}
