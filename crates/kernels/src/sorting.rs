//! Sorting pairs by typed keys, and finding the range in which a key lies.
//!
//! Only keys of types that Python orders are sorted: whole numbers, floats that are numbers, texts (whose order is that of
//! their bytes, too), truth values, and tuples of these.

use crate::column::Column;
use crate::groups::has_nan;
use crate::joining::joined;
use std::cmp::Ordering;
use std::ops::Range;

/// Pairs that will be sorted.
#[derive(Default)]
pub struct Sorting {
    columns: Vec<(Column, usize)>,
    bytes: usize,
}

impl Sorting {
    /// Adds the pairs of some of the rows. Returns the row before which it has stopped: the end, or the beginning if they cannot
    /// be sorted here.
    pub fn add(&mut self, pairs: &Column, rows: usize, some: Range<usize>) -> usize {
        let pairs = pairs.spread(rows);
        let Some(key) = key_of(&pairs) else { return some.start };
        let bytes = self.bytes + pairs.bytes(rows) + rows * 4;
        let fits = self.columns.last().is_none_or(|(last, _)| last.is_like(&pairs));
        if !fits || u32::try_from(bytes).is_err() || !is_ordered(key) || has_nan(&pairs, rows) {
            return some.start;
        }
        let at: Vec<u32> = (some.start as u32..some.end as u32).collect();
        self.bytes = bytes;
        self.columns.push((if at.len() == rows { pairs } else { pairs.gather(&at) }, at.len()));
        some.end
    }

    /// Returns the number of bytes that are held, or will be when the pairs are sorted.
    pub fn bytes(&self) -> usize {
        2 * self.bytes
    }

    /// Returns whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Takes all pairs in the order in which they came.
    pub fn take(&mut self) -> (Column, usize) {
        let columns = std::mem::take(self).columns;
        let rows = columns.iter().map(|(_, rows)| rows).sum();
        (joined(&columns).unwrap_or(Column::Tuple(vec![])), rows)
    }

    /// Takes all pairs in the order of their keys; `is_reversed` for the greatest first. Equal ones stay in their order.
    pub fn sorted(&mut self, is_reversed: bool) -> (Column, usize) {
        let (pairs, rows) = self.take();
        let Some(key) = key_of(&pairs) else { return (pairs, rows) };
        let mut order: Vec<u32> = (0..rows as u32).collect();
        let turned = |order: Ordering| if is_reversed { order.reverse() } else { order };
        match key {
            // The usual ones without a look at the type for each comparison.
            Column::Int(keys) => order.sort_by(|a, b| turned(keys[*a as usize].cmp(&keys[*b as usize]))),
            Column::Text(keys) => {
                order.sort_by(|a, b| turned(keys.bytes(*a as usize).cmp(keys.bytes(*b as usize))));
            }
            _ => order.sort_by(|a, b| turned(compare(key, *a as usize, key, *b as usize))),
        }
        (pairs.gather(&order), rows)
    }
}

fn key_of(pairs: &Column) -> Option<&Column> {
    match pairs {
        Column::Tuple(parts) if parts.len() == 2 => parts.first(),
        _ => None,
    }
}

/// Returns whether Python orders all values of a column's types.
fn is_ordered(column: &Column) -> bool {
    match column {
        Column::Bool(_) | Column::Int(_) | Column::Float(_) | Column::Text(_) => true,
        Column::Tuple(parts) => parts.iter().all(is_ordered),
        Column::Const(_) | Column::List(_) | Column::Record(..) => false,
    }
}

/// Compares a row of a column with a row of another of the same types.
fn compare(one: &Column, at: usize, other: &Column, place: usize) -> Ordering {
    match (one, other) {
        (Column::Bool(one), Column::Bool(other)) => one[at].cmp(&other[place]),
        (Column::Int(one), Column::Int(other)) => one[at].cmp(&other[place]),
        (Column::Float(one), Column::Float(other)) => {
            one[at].partial_cmp(&other[place]).unwrap_or(Ordering::Equal)
        }
        (Column::Text(one), Column::Text(other)) => one.bytes(at).cmp(other.bytes(place)),
        (Column::Tuple(one), Column::Tuple(other)) => {
            let parts = one.iter().zip(other).map(|(one, other)| compare(one, at, other, place));
            parts.fold(Ordering::Equal, Ordering::then)
        }
        _ => Ordering::Equal,
    }
}

/// Returns for each key how many of the bounds, which ascend, are less than it; `None` if they cannot be compared here.
pub fn ranges(bounds: &Column, count: usize, keys: &Column, rows: usize) -> Option<Vec<u32>> {
    let keys = keys.spread(rows);
    if !bounds.is_like(&keys) || !is_ordered(&keys) || has_nan(bounds, count) || has_nan(&keys, rows) {
        return None;
    }
    let range = |row: usize| {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low.midpoint(high);
            match compare(bounds, middle, &keys, row) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal | Ordering::Greater => high = middle,
            }
        }
        low as u32
    };
    Some((0..rows).map(range).collect())
}
