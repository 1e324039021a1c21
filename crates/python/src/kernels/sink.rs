//! [`KernelSink`]: where results go that are added up.

use super::{objects, program};
use crate::budget::{Budget, is_exceeded};
use firesteel_kernels::{Column, Fold, Merge, Sum, Table};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use std::ops::Range;

/// The most pairs of a table that become objects at a time.
const PAIRS_AT_ONCE: usize = 4096;

/// A sum, a fold, or a table of values merged by key.
#[pyclass(unsendable)]
pub(crate) struct KernelSink {
    into: Into,
    /// The bytes of the table that a budget knows of.
    told: usize,
    /// The pairs of a table that are on their way out.
    leaving: Option<(Column, Range<usize>)>,
}

enum Into {
    Sum(Sum),
    Fold(Fold),
    Table(Box<Table>),
}

#[pymethods]
impl KernelSink {
    /// Makes a sink: "sum", or "fold" and "table" with the program of a function of two parameters. Raises ValueError for a
    /// function that is none of the rules by which the kernels merge.
    #[new]
    #[pyo3(signature = (kind, program=None))]
    fn new(kind: &str, program: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let rule = || {
            let function = program.map(program::function).transpose()?;
            let rule = function.and_then(|function| Merge::of(&function));
            rule.ok_or_else(|| PyValueError::new_err("no rule by which the kernels merge values"))
        };
        let into = match kind {
            "sum" => Into::Sum(Sum::default()),
            "fold" => Into::Fold(Fold::new(rule()?)),
            "table" => Into::Table(Box::new(Table::new(rule()?))),
            other => return Err(PyValueError::new_err(format!("there is no sink `{other}`"))),
        };
        Ok(KernelSink { into, told: 0, leaving: None })
    }

    /// Returns the sum, or what was folded, in a list; nothing in it if nothing was.
    fn result<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        match &self.into {
            Into::Sum(sum) => PyList::new(py, [sum.total()]),
            Into::Fold(fold) => match fold.state() {
                Some(column) => objects::list(py, &column, 1),
                None => Ok(PyList::empty(py)),
            },
            Into::Table(_) => Ok(PyList::empty(py)),
        }
    }

    /// Tells a budget of the table's growth. Returns whether the table has to be passed on.
    fn is_full(&mut self, budget: &Bound<'_, Budget>) -> PyResult<bool> {
        let Into::Table(table) = &self.into else { return Ok(false) };
        let now = table.bytes();
        budget.get().grow(now as i64 - self.told as i64);
        self.told = now;
        Ok(table.keys() > 0 && is_exceeded(budget)?)
    }

    /// Returns the next of the table's pairs, and None behind the last. The table is empty from the first call on.
    fn next_pairs<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        if self.leaving.is_none() {
            let Into::Table(table) = &mut self.into else { return Ok(None) };
            let (pairs, rows) = table.take();
            self.told = 0;
            self.leaving = Some((pairs, 0..rows));
        }
        let Some((pairs, left)) = &mut self.leaving else { return Ok(None) };
        if left.start == left.end {
            self.leaving = None;
            return Ok(None);
        }
        let at: Vec<u32> = left.clone().take(PAIRS_AT_ONCE).map(|row| row as u32).collect();
        left.start += at.len();
        objects::list(py, &pairs.gather(&at), at.len()).map(Some)
    }
}

impl KernelSink {
    /// Adds some rows; returns the row before which it has stopped.
    pub(super) fn add(&mut self, column: &Column, rows: usize, some: Range<usize>) -> usize {
        if some.is_empty() {
            return some.end;
        }
        let taken = match &mut self.into {
            Into::Table(table) => return table.add(column, rows, some),
            Into::Sum(sum) => sum.add(&part(column, rows, &some), some.len()),
            Into::Fold(fold) => fold.add(&part(column, rows, &some), some.len()),
        };
        if taken { some.end } else { some.start }
    }

    /// Adds an object; returns whether it was taken.
    pub(super) fn add_object(&mut self, object: &Bound<'_, PyAny>) -> PyResult<bool> {
        let list = PyList::new(object.py(), [object])?;
        let Some((column, mask)) = objects::column(&list, 0..1)? else { return Ok(false) };
        Ok(!mask.any() && self.add(&column.spread(1), 1, 0..1) == 1)
    }
}

fn part(column: &Column, rows: usize, some: &Range<usize>) -> Column {
    if *some == (0..rows) {
        return column.clone();
    }
    column.gather(&(some.start as u32..some.end as u32).collect::<Vec<_>>())
}
