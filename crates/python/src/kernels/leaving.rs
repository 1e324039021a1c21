//! [`Leaving`]: the pairs of a table on their way out.

use super::block::{Block, ROWS_AT_MOST};
use super::objects;
use firesteel_kernels::{Column, OddEntry, column_of_singles};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::collections::VecDeque;
use std::ops::Range;

/// So many rows at least are worth a block of their own.
const BLOCK_AT_LEAST: usize = 64;

/// Pairs that leave piece by piece: blocks, and lists where some are in no column.
pub(super) struct Leaving {
    pairs: Column,
    /// The rows in the order in which they leave, if that is another one.
    order: Option<Vec<u32>>,
    left: Range<usize>,
    /// The odd parts of some rows, in their order.
    odd: VecDeque<OddEntry>,
}

impl Leaving {
    pub(super) fn of_table((pairs, rows, odd): (Column, usize, Vec<OddEntry>)) -> Leaving {
        Leaving { pairs, order: None, left: 0..rows, odd: odd.into() }
    }

    pub(super) fn in_order(pairs: Column, order: Vec<u32>) -> Leaving {
        Leaving { pairs, left: 0..order.len(), order: Some(order), odd: VecDeque::new() }
    }

    /// Returns the next pairs; `None` behind the last.
    pub(super) fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let from = self.left.start;
        let end = self.left.end.min(from + ROWS_AT_MOST);
        if from == end {
            return Ok(None);
        }
        let next_odd = self.odd.front().map_or(end, |odd| odd.row.min(end));
        let is_block = next_odd == end || next_odd - from >= BLOCK_AT_LEAST;
        let some = from..if is_block { next_odd } else { self.end_of_odd(end) };
        self.left.start = some.end;
        if !is_block {
            return self.with_odd(py, some).map(Some);
        }
        let rows = some.len();
        let column = match &self.order {
            Some(order) => self.pairs.gather(&order[some]),
            None => self.pairs.slice(some),
        };
        Ok(Some(Bound::new(py, Block::new(column, rows))?.into_any()))
    }

    /// Returns where the rows end among which odd ones are so near each other that no block would stand between them.
    fn end_of_odd(&self, end: usize) -> usize {
        let mut last = None;
        for odd in &self.odd {
            if odd.row >= end || last.is_some_and(|last| odd.row - last > BLOCK_AT_LEAST) {
                break;
            }
            last = Some(odd.row);
        }
        last.map_or(end, |last| last + 1)
    }

    /// Returns rows of which some are odd: as a block, if all are and have one type.
    fn with_odd<'py>(&mut self, py: Python<'py>, some: Range<usize>) -> PyResult<Bound<'py, PyAny>> {
        let count = self.odd.iter().take_while(|odd| odd.row < some.end).count();
        let odd: Vec<OddEntry> = self.odd.drain(..count).collect();
        let rows = some.len();
        let values: Option<Vec<_>> =
            odd.iter().map(|odd| odd.value.as_ref().filter(|_| odd.key.is_none())).collect();
        if let (Some(values), Column::Tuple(parts)) = (values, &self.pairs)
            && values.len() == rows
            && let ([keys, _], Some(values)) = (&parts[..], column_of_singles(&values))
        {
            let column = Column::Tuple(vec![keys.slice(some), values]);
            return Ok(Bound::new(py, Block::new(column, rows))?.into_any());
        }
        let pairs = objects::list(py, &self.pairs.slice(some.clone()), rows)?;
        for odd in odd {
            let pair = pairs.get_item(odd.row - some.start)?.cast_into::<PyTuple>()?;
            let key = odd.key.as_ref().map_or_else(|| pair.get_item(0), |key| objects::of_single(py, key));
            let value =
                odd.value.as_ref().map_or_else(|| pair.get_item(1), |value| objects::of_single(py, value));
            pairs.set_item(odd.row - some.start, PyTuple::new(py, [key?, value?])?)?;
        }
        Ok(pairs.into_any())
    }
}
