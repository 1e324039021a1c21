//! What numpy makes of numbers: arrays of one dimension, its own floats, and its own truth values.
//!
//! Only arrays of 64-bit floats are here, and only what is the same on every machine: `+ - * /`, `** 2`, `np.sqrt`, each
//! rounded once, and sums in numpy's order. numpy warns of an overflow, a division by zero and an operation that has no
//! result; in all of these the result is not finite, so a row with such a result is marked. So is one whose arrays differ
//! in length, which numpy may stretch or refuse. An array that came out of a table is the program's own: a result may
//! be computed of it, but not be it.

use crate::answer::{Answer, Mask, Refused, placed};
use crate::column::{Column, List, Scalar};
use crate::numbers::Numbers;
use crate::program::{Binary, Comparison, NumpyFunction};
use crate::sums::pairwise;
use std::rc::Rc;

/// Values of numpy's types.
#[derive(Clone, Debug)]
pub enum Numpy {
    /// `numpy.ndarray` of one dimension and of the type `float64`.
    Arrays(Arrays),
    /// `numpy.float64`.
    Numbers(Rc<Vec<f64>>),
    /// `numpy.bool`.
    Truths(Rc<Vec<bool>>),
}

/// Arrays: spans of one buffer of items.
#[derive(Clone, Debug)]
pub struct Arrays {
    data: Rc<Vec<f64>>,
    spans: Rc<Vec<(u32, u32)>>,
    /// They are those of a table.
    is_shared: bool,
}

impl Arrays {
    /// Makes arrays of their items, one behind the other, and their lengths; `None` if they are more than a column may have.
    pub fn new(data: Vec<f64>, lengths: impl Iterator<Item = usize>) -> Option<Arrays> {
        u32::try_from(data.len()).ok()?;
        let mut end = 0;
        let spans: Vec<(u32, u32)> = lengths
            .map(|length| {
                end += length;
                ((end - length) as u32, end as u32)
            })
            .collect();
        (end == data.len()).then(|| Arrays { data: Rc::new(data), spans: Rc::new(spans), is_shared: false })
    }

    /// Returns the items of a row's array.
    #[inline]
    pub fn get(&self, row: usize) -> &[f64] {
        let (from, to) = self.spans[row];
        &self.data[from as usize..to as usize]
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.spans.len()
    }

    /// Returns the lengths of all rows' arrays.
    pub fn lengths(&self) -> impl Iterator<Item = usize> {
        self.spans.iter().map(|(from, to)| (to - from) as usize)
    }

    /// Returns the items of all rows, one behind the other.
    pub fn items(&self) -> Vec<f64> {
        let mut items = Vec::with_capacity(self.lengths().sum());
        (0..self.rows()).for_each(|row| items.extend_from_slice(self.get(row)));
        items
    }

    /// Makes a column of one array.
    pub(crate) fn of_one(items: Vec<f64>) -> Arrays {
        let spans = Rc::new(vec![(0, items.len() as u32)]);
        Arrays { data: Rc::new(items), spans, is_shared: false }
    }

    /// Returns whether they are a table's own.
    pub(crate) fn are_shared(&self) -> bool {
        self.is_shared
    }

    fn gather(&self, at: &[u32]) -> Arrays {
        let spans = Rc::new(at.iter().map(|row| self.spans[*row as usize]).collect());
        Arrays { data: self.data.clone(), spans, is_shared: self.is_shared }
    }

    fn followed_by(&self, other: &Arrays) -> Option<Arrays> {
        let is_shared = self.is_shared || other.is_shared;
        if Rc::ptr_eq(&self.data, &other.data) {
            let spans = Rc::new([&self.spans[..], &other.spans].concat());
            return Some(Arrays { data: self.data.clone(), spans, is_shared });
        }
        // Without the items that neither uses.
        let items = [self.items(), other.items()].concat();
        let joined = Arrays::new(items, self.lengths().chain(other.lengths()))?;
        Some(Arrays { is_shared, ..joined })
    }
}

impl Numpy {
    pub(crate) fn gather(&self, at: &[u32]) -> Numpy {
        match self {
            Numpy::Arrays(arrays) => Numpy::Arrays(arrays.gather(at)),
            Numpy::Numbers(values) => {
                Numpy::Numbers(Rc::new(at.iter().map(|row| values[*row as usize]).collect()))
            }
            Numpy::Truths(values) => {
                Numpy::Truths(Rc::new(at.iter().map(|row| values[*row as usize]).collect()))
            }
        }
    }

    pub(crate) fn followed_by(&self, other: &Numpy) -> Option<Numpy> {
        Some(match (self, other) {
            (Numpy::Arrays(one), Numpy::Arrays(two)) => Numpy::Arrays(one.followed_by(two)?),
            (Numpy::Numbers(one), Numpy::Numbers(two)) => {
                Numpy::Numbers(Rc::new([&one[..], two].concat()))
            }
            (Numpy::Truths(one), Numpy::Truths(two)) => Numpy::Truths(Rc::new([&one[..], two].concat())),
            (Numpy::Arrays(_) | Numpy::Numbers(_) | Numpy::Truths(_), _) => return None,
        })
    }

    /// Puts values of one type one behind the other.
    pub(crate) fn joined(all: &[&Numpy]) -> Option<Numpy> {
        let (first, others) = all.split_first()?;
        if !matches!(first, Numpy::Arrays(_)) {
            return others.iter().try_fold((*first).clone(), |joined, next| joined.followed_by(next));
        }
        let (mut items, mut lengths, mut is_shared) = (vec![], vec![], false);
        for one in all {
            let Numpy::Arrays(arrays) = one else { return None };
            (0..arrays.rows()).for_each(|row| items.extend_from_slice(arrays.get(row)));
            lengths.extend(arrays.lengths());
            is_shared |= arrays.is_shared;
        }
        Some(Numpy::Arrays(Arrays { is_shared, ..Arrays::new(items, lengths.into_iter())? }))
    }

    pub(crate) fn rows(&self) -> usize {
        match self {
            Numpy::Arrays(arrays) => arrays.rows(),
            Numpy::Numbers(values) => values.len(),
            Numpy::Truths(values) => values.len(),
        }
    }

    /// Returns the number of bytes that some rows take.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Numpy::Arrays(arrays) => arrays.lengths().map(|length| 8 + length * 8).sum(),
            Numpy::Numbers(values) => values.len() * 8,
            Numpy::Truths(values) => values.len(),
        }
    }

    /// Returns how many objects in each row could be changed.
    pub(crate) fn arrays(&self) -> usize {
        usize::from(matches!(self, Numpy::Arrays(_)))
    }

    /// Returns a number for the type.
    pub(crate) fn kind(&self) -> u8 {
        match self {
            Numpy::Arrays(_) => 0,
            Numpy::Numbers(_) => 1,
            Numpy::Truths(_) => 2,
        }
    }

    /// Returns the same values as those of a table.
    pub(crate) fn shared(self) -> Numpy {
        match self {
            Numpy::Arrays(arrays) => Numpy::Arrays(Arrays { is_shared: true, ..arrays }),
            Numpy::Numbers(_) | Numpy::Truths(_) => self,
        }
    }

    /// Returns whether any are a table's own.
    pub(crate) fn are_shared(&self) -> bool {
        matches!(self, Numpy::Arrays(Arrays { is_shared: true, .. }))
    }
}

/// Arrays that are merged, one for each key.
#[derive(Default)]
pub(crate) struct ArraysMade {
    data: Vec<f64>,
    spans: Vec<(u32, u32)>,
}

impl ArraysMade {
    /// Returns whether there is room for all of these.
    pub(crate) fn has_room_for(&self, arrays: &Arrays) -> bool {
        u32::try_from(self.data.len() + arrays.lengths().sum::<usize>()).is_ok()
    }

    /// Adds an array, for which there is room.
    pub(crate) fn push(&mut self, items: &[f64]) {
        let from = self.data.len() as u32;
        self.data.extend_from_slice(items);
        self.spans.push((from, self.data.len() as u32));
    }

    /// Returns whether an array can be merged into one that is here.
    #[inline]
    pub(crate) fn can_merge(&self, at: usize, of: fn(f64, f64) -> f64, items: &[f64]) -> bool {
        let (from, to) = self.spans[at];
        let own = &self.data[from as usize..to as usize];
        let are_finite = own.iter().zip(items).fold(true, |all, (a, b)| all & of(*a, *b).is_finite());
        own.len() == items.len() && are_finite
    }

    /// Merges an array into one that is here.
    #[inline]
    pub(crate) fn merge(&mut self, at: usize, of: fn(f64, f64) -> f64, items: &[f64]) {
        let (from, to) = self.spans[at];
        let own = &mut self.data[from as usize..to as usize];
        own.iter_mut().zip(items).for_each(|(a, b)| *a = of(*a, *b));
    }

    pub(crate) fn bytes(&self) -> usize {
        self.data.capacity() * 8 + self.spans.capacity() * 8
    }

    pub(crate) fn build(self) -> Arrays {
        Arrays { data: Rc::new(self.data), spans: Rc::new(self.spans), is_shared: false }
    }
}

/// Returns two arrays merged item by item; `None` if they differ in length, or an item is not finite then.
pub(crate) fn merged(of: fn(f64, f64) -> f64, one: &[f64], two: &[f64]) -> Option<Vec<f64>> {
    let items: Vec<f64> = one.iter().zip(two).map(|(a, b)| of(*a, *b)).collect();
    (one.len() == two.len() && items.iter().all(|item| item.is_finite())).then_some(items)
}

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
            Some(Numbers::Bools(_)) | None => Err(Refused("an operator between an array and a value of this type")),
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
        (
            NumpyFunction::Array | NumpyFunction::Sum | NumpyFunction::Sqrt | NumpyFunction::Zeros,
            _,
        ) => Err(Refused("a function of numpy with a value of this type")),
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
    Column::Numpy(Numpy::Arrays(Arrays { data, spans, is_shared: false }))
}
