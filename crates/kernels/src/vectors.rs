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
use std::rc::Rc;

/// One side of an operation.
enum Side {
    Arrays(Arrays),
    Numbers(Rc<Vec<f64>>),
}

impl Side {
    /// Returns a side of an operation between numpy's numbers. An `int` that a `float` does not hold is marked.
    fn of(column: &Column, mask: &mut Mask) -> Answer<Side> {
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
fn numbers(values: Vec<f64>, mask: &mut Mask) -> Column {
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
        let arrays = Arrays::new(self.data, self.lengths.into_iter());
        Ok(Column::Numpy(Numpy::Arrays(arrays.ok_or(Refused("larger arrays than a batch may have"))?)))
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
            let data = arrays.items().into_iter().map(of).collect();
            let made = Arrays::new(data, arrays.lengths());
            Numpy::Arrays(made.ok_or(Refused("larger arrays than a batch may have"))?)
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
    let [value] = arguments else { return Err(Refused("a call with these arguments")) };
    match (function, value) {
        (NumpyFunction::Array, Column::List(list)) => array(list),
        (NumpyFunction::Sum, Column::Numpy(Numpy::Arrays(arrays))) => {
            Ok(numbers((0..mask.rows()).map(|row| pairwise(arrays.get(row))).collect(), mask))
        }
        (NumpyFunction::Sqrt, Column::Numpy(Numpy::Arrays(arrays))) => mapped(arrays, mask, f64::sqrt),
        (NumpyFunction::Sqrt, Column::Float(values) | Column::Numpy(Numpy::Numbers(values))) => {
            Ok(numbers(values.iter().map(|value| value.sqrt()).collect(), mask))
        }
        (NumpyFunction::Zeros, Column::Const(Scalar::Int(length @ 0..=MOST_ZEROS))) => {
            let length = *length as usize;
            let arrays = Arrays::new(vec![0.0; mask.rows() * length], vec![length; mask.rows()].into_iter());
            Ok(Column::Numpy(Numpy::Arrays(arrays.ok_or(Refused("larger arrays than a batch may have"))?)))
        }
        (NumpyFunction::Array | NumpyFunction::Sum | NumpyFunction::Sqrt | NumpyFunction::Zeros, _) => {
            Err(Refused("a function of numpy with a value of this type"))
        }
    }
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

fn arrays(data: Rc<Vec<f64>>, spans: Rc<Vec<(u32, u32)>>) -> Column {
    Column::Numpy(Numpy::Arrays(Arrays::of(data, spans)))
}
