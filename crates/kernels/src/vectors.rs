//! Arithmetic as numpy does it, and those of its functions that have one result.
//!
//! Only arrays of 64-bit floats are here, and only what is the same on every machine: `+ - * /`, `** 2`, `np.sqrt`, each
//! rounded once, and sums in numpy's order. numpy warns of an overflow, a division by zero and an operation that has no
//! result; in all of these the result is not finite, so a row with such a result is marked. So is one whose arrays differ
//! in length, which numpy may stretch or refuse. An array that came out of a table is the program's own: a result may
//! be computed of it, but not be it.

use crate::answer::{Answer, Mask, Refused, placed};
use crate::column::{Column, List, Scalar};
use crate::numbers::Numbers;
use crate::numpy::{Arrays, Numpy};
use crate::program::{Binary, Comparison, NumpyFunction};
use crate::sums::pairwise;
use std::cmp::Ordering;
use std::rc::Rc;

/// One side of an operation.
pub(crate) enum Side {
    Arrays(Arrays),
    Numbers(Rc<Vec<f64>>),
}

impl Side {
    /// Returns a side of an operation between numpy's numbers. An `int` that a `float` does not hold is marked.
    pub(crate) fn of(column: &Column, mask: &mut Mask) -> Answer<Side> {
        let rows = mask.rows();
        match column {
            Column::Numpy(Numpy::Arrays(arrays)) => return Ok(Side::Arrays(arrays.clone())),
            Column::Numpy(Numpy::Numbers(values)) => return Ok(Side::Numbers(values.clone())),
            _ => {}
        }
        match Numbers::of(column, rows) {
            Some(numbers @ (Numbers::Ints(_) | Numbers::Floats(_))) => {
                numbers.mark_inexact(mask);
                Ok(Side::Numbers(numbers.floats()))
            }
            Some(Numbers::Bools(_)) | None => {
                Err(Refused("an operator between an array and a value of this type"))
            }
        }
    }
}

fn is_numpy(column: &Column) -> bool {
    matches!(column, Column::Numpy(_))
}

/// Computes an operator where a side of it is numpy's.
pub(crate) fn binary(operator: Binary, a: &Column, b: &Column, mask: &mut Mask) -> Option<Answer<Column>> {
    (is_numpy(a) || is_numpy(b)).then(|| match operator {
        Binary::Add => combined(a, b, mask, |a, b| a + b),
        Binary::Subtract => combined(a, b, mask, |a, b| a - b),
        Binary::Multiply => combined(a, b, mask, |a, b| a * b),
        Binary::Divide => combined(a, b, mask, |a, b| a / b),
        Binary::Power => match (a, b) {
            // numpy multiplies for this one. `numpy.float64` calls `pow` of the C library.
            (Column::Numpy(Numpy::Arrays(arrays)), Column::Const(Scalar::Int(2))) => {
                mapped(arrays, mask, |value| value * value)
            }
            _ => Err(Refused("a power of an array that is not its square")),
        },
        Binary::FloorDivide
        | Binary::Remainder
        | Binary::And
        | Binary::Or
        | Binary::Xor
        | Binary::ShiftLeft
        | Binary::ShiftRight => Err(Refused("an operator that numpy has rules of its own for")),
    })
}

fn combined(a: &Column, b: &Column, mask: &mut Mask, of: impl Fn(f64, f64) -> f64) -> Answer<Column> {
    let mut made = Made::with_rows(mask.rows());
    match (Side::of(a, mask)?, Side::of(b, mask)?) {
        (Side::Arrays(a), Side::Arrays(b)) => {
            for row in 0..mask.rows() {
                let (one, two) = (a.get(row), b.get(row));
                let pairs = one.iter().zip(two);
                made.push(pairs.map(|(a, b)| of(*a, *b)), one.len() == two.len(), row, mask);
            }
        }
        (Side::Arrays(a), Side::Numbers(b)) => {
            for (row, b) in b.iter().enumerate() {
                made.push(a.get(row).iter().map(|a| of(*a, *b)), true, row, mask);
            }
        }
        (Side::Numbers(a), Side::Arrays(b)) => {
            for (row, a) in a.iter().enumerate() {
                made.push(b.get(row).iter().map(|b| of(*a, *b)), true, row, mask);
            }
        }
        (Side::Numbers(a), Side::Numbers(b)) => {
            let values = a.iter().zip(b.iter()).map(|(a, b)| of(*a, *b)).collect();
            return Ok(numbers(values, mask));
        }
    }
    made.build()
}

fn mapped(arrays: &Arrays, mask: &mut Mask, of: impl Fn(f64) -> f64) -> Answer<Column> {
    let mut made = Made::with_rows(mask.rows());
    for row in 0..mask.rows() {
        made.push(arrays.get(row).iter().map(|value| of(*value)), true, row, mask);
    }
    made.build()
}

/// Returns numpy's numbers. Rows are marked whose number is not finite.
pub(crate) fn numbers(values: Vec<f64>, mask: &mut Mask) -> Column {
    for (row, _) in values.iter().enumerate().filter(|(_, value)| !value.is_finite()) {
        mask.set(row);
    }
    Column::Numpy(Numpy::Numbers(Rc::new(values)))
}

/// Arrays that are being made, row by row.
struct Made {
    data: Vec<f64>,
    lengths: Vec<usize>,
}

impl Made {
    fn with_rows(rows: usize) -> Made {
        Made { data: vec![], lengths: Vec::with_capacity(rows) }
    }

    /// Adds an array. The row is marked where it does not fit, or has an item that is not finite.
    #[inline]
    fn push(&mut self, items: impl Iterator<Item = f64>, fits: bool, row: usize, mask: &mut Mask) {
        let from = self.data.len();
        if fits {
            self.data.extend(items);
        }
        self.lengths.push(self.data.len() - from);
        let are_finite = self.data[from..].iter().fold(true, |all, item| all & item.is_finite());
        if !fits || !are_finite {
            mask.set(row);
        }
    }

    fn build(self) -> Answer<Column> {
        made(self.data, self.lengths.into_iter())
    }
}

/// Compares where a side is one of numpy's numbers.
pub(crate) fn compare(
    comparison: Comparison,
    a: &Column,
    b: &Column,
    mask: &mut Mask,
) -> Option<Answer<Column>> {
    (is_numpy(a) || is_numpy(b)).then(|| match (Side::of(a, mask)?, Side::of(b, mask)?) {
        (Side::Numbers(a), Side::Numbers(b)) => {
            let truths = a.iter().zip(b.iter()).map(|(a, b)| comparison.holds(a.partial_cmp(b))).collect();
            Ok(Column::Numpy(Numpy::Truths(Rc::new(truths))))
        }
        _ => Err(Refused("a comparison of arrays")),
    })
}

/// `-value` of numpy's numbers.
pub(crate) fn negative(value: &Numpy) -> Answer<Column> {
    signed(value, |value| -value)
}

/// `abs(value)` of numpy's numbers.
pub(crate) fn absolute(value: &Numpy) -> Answer<Column> {
    signed(value, f64::abs)
}

fn signed(value: &Numpy, of: impl Fn(f64) -> f64) -> Answer<Column> {
    Ok(Column::Numpy(match value {
        Numpy::Arrays(arrays) => {
            return made(arrays.items().into_iter().map(of).collect(), arrays.lengths());
        }
        Numpy::Numbers(values) => Numpy::Numbers(Rc::new(values.iter().map(|value| of(*value)).collect())),
        Numpy::Truths(_) => return Err(Refused("a sign of a truth value of numpy's")),
    }))
}

/// `value[index]` of arrays.
pub(crate) fn item(value: &Numpy, indices: &[i64], mask: &mut Mask) -> Answer<Column> {
    let Numpy::Arrays(arrays) = value else { return Err(Refused("an item of a number")) };
    let one = |(row, index): (usize, &i64)| {
        let items = arrays.get(row);
        mask.or(row, placed(*index, items.len()).map(|at| items[at]), 0.0)
    };
    Ok(Column::Numpy(Numpy::Numbers(Rc::new(indices.iter().enumerate().map(one).collect()))))
}

/// `len(value)` of arrays.
pub(crate) fn length(value: &Numpy) -> Answer<Vec<i64>> {
    match value {
        Numpy::Arrays(arrays) => Ok(arrays.lengths().map(|length| length as i64).collect()),
        Numpy::Numbers(_) | Numpy::Truths(_) => Err(Refused("len of a number")),
    }
}

/// Returns numpy's floats as Python's, for functions that make no difference between them; other columns as they are.
pub(crate) fn plain(column: &Column) -> Column {
    match column {
        Column::Numpy(Numpy::Numbers(values)) => Column::Float(values.clone()),
        other => other.clone(),
    }
}

/// Calls a function of the module `numpy`.
pub(crate) fn call(function: NumpyFunction, arguments: &[Column], mask: &mut Mask) -> Answer<Column> {
    match (function, arguments) {
        (NumpyFunction::Array, [Column::List(list)]) => array(list),
        (NumpyFunction::ArrayOfFloats, [Column::List(list)]) => array_of_floats(list),
        (NumpyFunction::Sum, [Column::Numpy(Numpy::Arrays(arrays))]) => {
            Ok(reduced(arrays, mask, |items| Some(pairwise(items))))
        }
        (NumpyFunction::Mean, [Column::Numpy(Numpy::Arrays(arrays))]) => {
            // The mean of nothing is no number.
            Ok(reduced(arrays, mask, |items| Some(pairwise(items) / items.len() as f64)))
        }
        (NumpyFunction::Max, [Column::Numpy(Numpy::Arrays(arrays))]) => {
            Ok(reduced(arrays, mask, |items| extreme(items, greater)))
        }
        (NumpyFunction::Min, [Column::Numpy(Numpy::Arrays(arrays))]) => {
            Ok(reduced(arrays, mask, |items| extreme(items, less)))
        }
        (NumpyFunction::Maximum, [a, b]) => of_floats(a, b, mask, greater),
        (NumpyFunction::Minimum, [a, b]) => of_floats(a, b, mask, less),
        (NumpyFunction::Abs, [Column::Numpy(values)]) => absolute(values),
        (NumpyFunction::Sqrt, [Column::Numpy(Numpy::Arrays(arrays))]) => mapped(arrays, mask, f64::sqrt),
        (NumpyFunction::Sqrt, [Column::Float(values) | Column::Numpy(Numpy::Numbers(values))]) => {
            Ok(numbers(values.iter().map(|value| value.sqrt()).collect(), mask))
        }
        (NumpyFunction::Abs, [Column::Float(values)]) => {
            Ok(numbers(values.iter().map(|value| value.abs()).collect(), mask))
        }
        (NumpyFunction::Zeros, [Column::Const(Scalar::Int(length @ 0..=MOST_ZEROS))]) => {
            let length = *length as usize;
            made(vec![0.0; mask.rows() * length], vec![length; mask.rows()].into_iter())
        }
        (
            NumpyFunction::Abs
            | NumpyFunction::Array
            | NumpyFunction::ArrayOfFloats
            | NumpyFunction::Max
            | NumpyFunction::Maximum
            | NumpyFunction::Mean
            | NumpyFunction::Min
            | NumpyFunction::Minimum
            | NumpyFunction::Sqrt
            | NumpyFunction::Sum
            | NumpyFunction::Zeros,
            _,
        ) => Err(Refused("a function of numpy with values of these types")),
    }
}

/// Returns one number for each array. A row without one, or with one that is not finite, is marked.
fn reduced(arrays: &Arrays, mask: &mut Mask, of: impl Fn(&[f64]) -> Option<f64>) -> Column {
    numbers((0..mask.rows()).map(|row| of(arrays.get(row)).unwrap_or(f64::NAN)).collect(), mask)
}

/// The greater of two numbers. There is none of what is no number, of which numpy may warn, nor of two zeros of different signs, of
/// which numpy gives the one or the other by where in an array they stand.
fn greater(a: f64, b: f64) -> f64 {
    match a.partial_cmp(&b) {
        Some(Ordering::Greater) => a,
        Some(Ordering::Less) => b,
        Some(Ordering::Equal) if a.to_bits() == b.to_bits() => a,
        Some(Ordering::Equal) | None => f64::NAN,
    }
}

/// The less of two numbers, as [`greater`].
fn less(a: f64, b: f64) -> f64 {
    -greater(-a, -b)
}

/// The greatest or least item. Two zeros of different signs leave none, unless there is something beyond them.
fn extreme(items: &[f64], of: fn(f64, f64) -> f64) -> Option<f64> {
    let (first, others) = items.split_first()?;
    let mut best = *first;
    let mut is_zero_twice = false;
    for item in others {
        if item.is_nan() || best.is_nan() {
            return None;
        }
        if best == 0.0 && *item == 0.0 {
            is_zero_twice |= best.to_bits() != item.to_bits();
        } else {
            best = of(best, *item);
        }
    }
    (best != 0.0 || !is_zero_twice).then_some(best)
}

/// Computes a function of two arrays or numbers, of which not both are `int`, which stay such.
fn of_floats(a: &Column, b: &Column, mask: &mut Mask, of: fn(f64, f64) -> f64) -> Answer<Column> {
    let is_whole = |column: &Column| matches!(column, Column::Int(_) | Column::Const(Scalar::Int(_)));
    if is_whole(a) && is_whole(b) {
        return Err(Refused("a whole number of numpy's"));
    }
    combined(a, b, mask, of)
}

/// The most zeros that each row may ask for.
const MOST_ZEROS: i64 = 1 << 16;

/// `np.array(list)`
fn array(list: &List) -> Answer<Column> {
    let is_empty = list.spans.iter().all(|(from, to)| from == to);
    let data = match &*list.items {
        Column::Float(values) | Column::Numpy(Numpy::Numbers(values)) => values.clone(),
        _ if is_empty => return Ok(arrays(Rc::new(vec![]), Rc::new(vec![(0, 0); list.spans.len()]))),
        _ => return Err(Refused("an array of something else than float")),
    };
    Ok(arrays(data, list.spans.clone()))
}

/// `np.array(list, dtype=float)`
fn array_of_floats(list: &List) -> Answer<Column> {
    let count = list.spans.iter().map(|(_, to)| *to as usize).max().unwrap_or(0);
    match Numbers::of(&list.items, count) {
        Some(numbers @ (Numbers::Bools(_) | Numbers::Ints(_))) => {
            Ok(arrays(numbers.floats(), list.spans.clone()))
        }
        Some(Numbers::Floats(_)) | None => array(list),
    }
}

/// Makes arrays of their items, one behind the other, and their lengths.
pub(crate) fn made(data: Vec<f64>, lengths: impl Iterator<Item = usize>) -> Answer<Column> {
    let arrays = Arrays::new(data, lengths).ok_or(Refused("larger arrays than a batch may have"))?;
    Ok(Column::Numpy(Numpy::Arrays(arrays)))
}

fn arrays(data: Rc<Vec<f64>>, spans: Rc<Vec<(u32, u32)>>) -> Column {
    Column::Numpy(Numpy::Arrays(Arrays::of(data, spans)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_item_is_one_unless_it_is_a_zero_of_both_signs_or_no_number() {
        let of = |items: &[f64]| extreme(items, greater).map(f64::to_bits);
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[-0.0]), Some((-0.0f64).to_bits()));
        assert_eq!(of(&[-1.0, -0.0, -2.0, -0.0]), Some((-0.0f64).to_bits()));
        assert_eq!(of(&[0.0, -0.0, -1.0]), None);
        assert_eq!(of(&[0.0, -0.0, 2.0]), Some(2.0f64.to_bits()));
        assert_eq!(of(&[1.0, f64::NAN]), None);
        assert_eq!(extreme(&[0.0, -0.0, -2.0, 5.0], less), Some(-2.0));
    }
}
