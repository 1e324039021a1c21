//! [`KernelSink`]: where results go that are added up.

use super::block::{Block, ROWS_AT_MOST};
use super::keyed::{Keyed, Of, part};
use super::leaving::Leaving;
use super::{objects, program};
use crate::budget::{Budget, is_exceeded};
use firesteel_kernels::{
    Column, CombiningStep, First, Fold, Function, Grouped, Groups, Mask, Merge, Single, Sorting, Stats, Sum,
    SumRules,
};
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList, PyTuple};
use std::ops::Range;

/// The most values of groups that leave at a time, unless those of one key are more.
const VALUES_AT_MOST: usize = 8 * ROWS_AT_MOST;

/// A sum, a fold, or a table of values merged by key.
#[pyclass(unsendable)]
pub(crate) struct KernelSink {
    into: Into,
    /// The bytes of the table that a budget knows of.
    told: usize,
    leaving: Option<Leaving>,
    /// The functions for values that the kernels do not merge: of the first combination of a key, if that is another value, and the
    /// one that merges.
    functions: Option<(Option<Py<PyAny>>, Py<PyAny>)>,
}

enum Into {
    Sum(Sum),
    Stats(Stats),
    Fold(Fold),
    /// A fold of what a function makes of each value.
    Aggregate(Fold, CombiningStep),
    Table(Box<Keyed>),
    Groups(Groups),
    Grouped(Box<Grouped>, usize),
    Sorting(Sorting),
}

#[pymethods]
impl KernelSink {
    /// Makes a sink: "sum", with how the interpreter sums; "stats", "distinct", "distinct_merged", "counts", "groups" and "sorted"; "fold", "aggregate", "table" and "merged" with the
    /// program of a function of two parameters; "combine" with that and what makes the first combination, a program, or a zero
    /// and a program; "cogroups" with the number of sides in the place of the latter,
    /// "first" with the number of pairs that are wanted, and whether their keys are the greatest. Raises ValueError for a function that is none of the rules by which the kernels merge.
    #[new]
    #[pyo3(signature = (kind, program=None, first=None))]
    fn new(
        kind: &str,
        program: Option<&Bound<'_, PyAny>>,
        first: Option<&Bound<'_, PyTuple>>,
    ) -> PyResult<Self> {
        let known = || program.map(program::function).transpose();
        let rule = || known()?.and_then(|function| Merge::of(&function)).ok_or_else(no_rule);
        let step = || known()?.and_then(|function| CombiningStep::of(&function)).ok_or_else(no_rule);
        let table = |of| Into::Table(Box::new(Keyed::new(of)));
        let into = match kind {
            "sum" => {
                let rules = first.ok_or_else(no_rule)?;
                let (compensates, compensates_ints) =
                    (rules.get_item(0)?.extract()?, rules.get_item(1)?.extract()?);
                Into::Sum(Sum::new(SumRules { compensates, compensates_ints }))
            }
            "stats" => Into::Stats(Stats::default()),
            "fold" => Into::Fold(Fold::new(rule()?)),
            "aggregate" => {
                let step = step()?;
                Into::Aggregate(Fold::new(step.merge().clone()), step)
            }
            "table" | "merged" => table(Of::Pairs(rule()?)),
            "combine" => {
                let first = first.map(of_first).transpose()?.ok_or_else(no_rule)?;
                table(Of::Combined(Box::new((first, step()?))))
            }
            "distinct" => table(Of::Records),
            "distinct_merged" => table(Of::Keys),
            "counts" => table(Of::Counts),
            "groups" => Into::Groups(Groups::default()),
            "cogroups" => {
                let sides = first.ok_or_else(no_rule)?.get_item(0)?.extract()?;
                Into::Groups(Groups::of_sides(sides))
            }
            "sorted" => Into::Sorting(Sorting::default()),
            "first" => {
                let wanted = first.ok_or_else(no_rule)?;
                Into::Sorting(Sorting::of_first(
                    wanted.get_item(0)?.extract()?,
                    wanted.get_item(1)?.extract()?,
                ))
            }
            other => return Err(PyValueError::new_err(format!("there is no sink `{other}`"))),
        };
        Ok(KernelSink { into, told: 0, leaving: None, functions: None })
    }

    /// Says what merges values that the kernels do not merge, and what makes the first combination of a key.
    fn merges_by(&mut self, merge: Py<PyAny>, create: Option<Py<PyAny>>) {
        self.functions = Some((create, merge));
    }

    /// Begins a fold with a value. Returns whether it could.
    fn begin(&mut self, zero: &Bound<'_, PyAny>) -> PyResult<bool> {
        let list = PyList::new(zero.py(), [zero])?;
        let Some((column, mask)) = objects::column(&list, 0..1)? else { return Ok(false) };
        Ok(!mask.any()
            && match &mut self.into {
                Into::Fold(fold) | Into::Aggregate(fold, _) => fold.add(&column.spread(1), 1) == 1,
                Into::Sum(_)
                | Into::Stats(_)
                | Into::Table(_)
                | Into::Groups(_)
                | Into::Grouped(..)
                | Into::Sorting(_) => false,
            })
    }

    /// Adds an object; returns whether it was taken.
    fn add(&mut self, object: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.add_object(object)
    }

    /// Returns whether it is a sum of nothing but what the interpreter's loop over whole numbers takes.
    fn is_of_ints(&self) -> bool {
        matches!(&self.into, Into::Sum(sum) if sum.is_int())
    }

    /// Returns the sum, or what was folded, in a list; nothing in it if nothing was.
    fn result<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        match &self.into {
            Into::Sum(sum) => PyList::new(py, [objects::of_single(py, &sum.total())?]),
            Into::Stats(stats) => PyList::new(py, [objects::of_single(py, &stats.state())?]),
            Into::Fold(fold) | Into::Aggregate(fold, _) => match (fold.state(), fold.single()) {
                (Some(column), _) => objects::list(py, &column, 1),
                (None, Some(single)) => PyList::new(py, [objects::of_single(py, &single)?]),
                (None, None) => Ok(PyList::empty(py)),
            },
            Into::Table(_) | Into::Groups(_) | Into::Grouped(..) | Into::Sorting(_) => Ok(PyList::empty(py)),
        }
    }

    /// Tells a budget of the table's growth. Returns whether the table has to be passed on.
    fn is_full(&mut self, budget: &Bound<'_, Budget>) -> PyResult<bool> {
        let (now, keys) = match &self.into {
            Into::Table(table) => (table.bytes(), table.keys()),
            Into::Groups(groups) => (groups.bytes(), groups.keys()),
            Into::Sorting(sorting) => (sorting.bytes(), usize::from(!sorting.is_empty())),
            Into::Sum(_) | Into::Stats(_) | Into::Fold(_) | Into::Aggregate(..) | Into::Grouped(..) => {
                return Ok(false);
            }
        };
        budget.get().grow(now as i64 - self.told as i64);
        self.told = now;
        Ok(keys > 0 && is_exceeded(budget)?)
    }

    /// Puts the values of each key together: nothing more is added then. Returns the key with most values, in a list, how many
    /// these are, and how many all; None of none.
    fn group<'py>(&mut self, py: Python<'py>) -> PyResult<Option<(Bound<'py, PyList>, usize, usize)>> {
        if let Into::Groups(groups) = &mut self.into {
            let built = std::mem::take(groups).build();
            let built =
                built.ok_or_else(|| PyOverflowError::new_err("too many values for a table of columns"))?;
            self.into = Into::Grouped(Box::new(built), 0);
        }
        let Into::Grouped(grouped, _) = &self.into else { return Ok(None) };
        let Some((key, values, all)) = grouped.largest() else { return Ok(None) };
        Ok(Some((objects::list(py, &key, 1)?, values, all)))
    }

    /// Returns the next keys, each with the group of its values, as a block, and None behind the last.
    fn next_grouped(&mut self) -> Option<Block> {
        let some = self.next_keys()?;
        let rows = some.len();
        Some(Block::new(self.grouped()?.pairs(some), rows))
    }

    /// Returns the next keys, each with a list of its values, and None behind the last.
    fn next_groups<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let Some(Range { start: from, end: to }) = self.next_keys() else { return Ok(None) };
        let Some(grouped) = self.grouped() else { return Ok(None) };
        let begin = grouped.span(from).start;
        let (keys, values) = grouped.some(from..to);
        let spans = (from..to).map(|at| grouped.span(at)).map(|span| span.start - begin..span.end - begin);
        let values = objects::lists_of(py, &values, spans)?;
        let keys = objects::list(py, &keys, to - from)?;
        let groups = keys.iter().zip(values).map(|(key, values)| PyTuple::new(py, [key, values]));
        Ok(Some(PyList::new(py, groups.collect::<PyResult<Vec<_>>>()?)?))
    }

    /// Says that the key of this number has a partner in a join; returns whether it has had one before.
    fn meet(&self, key: usize) -> bool {
        self.grouped().is_some_and(|grouped| grouped.meet(key))
    }

    /// Sorts all pairs by their keys: `next_pairs` returns them in this order then.
    fn sort(&mut self, is_reversed: bool) {
        if let Into::Sorting(sorting) = &mut self.into {
            let (pairs, order) = sorting.sorted(is_reversed);
            self.leaving = Some(Leaving::in_order(pairs, order));
        }
    }

    /// Returns the next of the table's pairs, as a block, or as a list where one is in no column, and None behind the last. The table is
    /// empty from the first call on.
    fn next_pairs<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.leaving.is_none() {
            self.leaving = Some(match &mut self.into {
                Into::Table(table) => Leaving::of_table(table.take()),
                Into::Sorting(sorting) => {
                    let (pairs, rows) = sorting.take();
                    Leaving::of_table((pairs, rows, vec![]))
                }
                Into::Sum(_)
                | Into::Stats(_)
                | Into::Fold(_)
                | Into::Aggregate(..)
                | Into::Groups(_)
                | Into::Grouped(..) => return Ok(None),
            });
            self.told = 0;
        }
        let next = self.leaving.as_mut().map(|leaving| leaving.next(py)).transpose()?.flatten();
        if next.is_none() {
            self.leaving = None;
        }
        Ok(next)
    }
}

impl KernelSink {
    /// Returns the next keys, with about as many values as leave at a time.
    fn next_keys(&mut self) -> Option<Range<usize>> {
        let Into::Grouped(grouped, next) = &mut self.into else { return None };
        let (from, most) = (*next, grouped.keys());
        if from == most {
            *next = 0;
            return None;
        }
        let mut to = from + 1;
        let fits = |to: usize| to - from < ROWS_AT_MOST && grouped.values(&(from..to + 1)) <= VALUES_AT_MOST;
        while to < most && fits(to) {
            to += 1;
        }
        *next = to;
        Some(from..to)
    }

    /// Returns the values that were put together by key.
    pub(super) fn grouped(&self) -> Option<&Grouped> {
        match &self.into {
            Into::Grouped(grouped, _) => Some(grouped),
            Into::Sum(_)
            | Into::Stats(_)
            | Into::Fold(_)
            | Into::Aggregate(..)
            | Into::Table(_)
            | Into::Groups(_)
            | Into::Sorting(_) => None,
        }
    }

    /// Adds some rows; returns the row before which it has stopped.
    pub(super) fn add_rows(&mut self, column: &Column, rows: usize, some: Range<usize>) -> usize {
        if some.is_empty() {
            return some.end;
        }
        let taken = match &mut self.into {
            Into::Table(table) => return table.add(column, rows, some),
            Into::Groups(groups) => return groups.add(column, rows, some),
            Into::Grouped(..) => return some.start,
            Into::Sorting(sorting) => return sorting.add(column, rows, some),
            Into::Sum(sum) => sum.add(&part(column, rows, &some), some.len()),
            Into::Stats(stats) => match stats.add(&part(column, rows, &some), some.len()) {
                true => some.len(),
                false => 0,
            },
            Into::Fold(fold) => fold.add(&part(column, rows, &some), some.len()),
            Into::Aggregate(fold, step) => {
                let mut mask = Mask::new(some.len());
                let values = step.values(&part(column, rows, &some), &mut mask);
                let good = (0..some.len()).find(|row| mask.has(*row)).unwrap_or(some.len());
                values.map_or(0, |values| fold.add(&values.spread(some.len()).slice(0..good), good))
            }
        };
        some.start + taken
    }

    /// Takes keys to be like those of these rows, if none has come yet: the first record may be another one than all others.
    pub(super) fn expect(&mut self, column: &Column, rows: usize) {
        if let Into::Table(table) = &mut self.into {
            table.expect(column, rows);
        }
    }

    /// Adds an object; returns whether it was taken.
    pub(super) fn add_object(&mut self, object: &Bound<'_, PyAny>) -> PyResult<bool> {
        let single = objects::single(object);
        if let (None, Into::Sum(sum)) = (&single, &mut self.into)
            && sum.is_float()
            && object.is_instance_of::<PyInt>()
        {
            // Among floats, `sum` adds whole numbers of all classes as floats. Others are the caller's to add: those that are too large.
            let value = match sum.adds_as_floats() {
                true => float_of(object).map(Single::Float),
                false => object.extract::<i64>().ok().map(|value| Single::Int(value.into())),
            };
            return Ok(value.is_some_and(|value| sum.add_single(&value)));
        }
        if let Some(single) = &single {
            let taken = match &mut self.into {
                Into::Table(table) => table.add_single(single),
                Into::Sum(sum) => sum.add_single(single),
                Into::Fold(fold) => fold.merge_single(single),
                Into::Stats(_)
                | Into::Aggregate(..)
                | Into::Groups(_)
                | Into::Grouped(..)
                | Into::Sorting(_) => false,
            };
            if taken {
                return Ok(true);
            }
        }
        let list = PyList::new(object.py(), [object])?;
        if let Some((column, mask)) = objects::column(&list, 0..1)?
            && !mask.any()
            && self.add_rows(&column.spread(1), 1, 0..1) == 1
        {
            return Ok(true);
        }
        single.map_or(Ok(false), |single| self.call(object, single))
    }

    /// Adds a row, as an object; returns whether it was taken.
    pub(super) fn add_row(&mut self, py: Python<'_>, column: &Column, row: usize) -> PyResult<bool> {
        let object = objects::list(py, &column.slice(row..row + 1), 1)?.get_item(0)?;
        objects::single(&object).map_or(Ok(false), |single| self.call(&object, single))
    }

    /// Has a function of Python merge a value that the kernels have not merged. Returns whether the result has a place here: a large one,
    /// such as a tuple that grows, has none, since each call makes it anew.
    ///
    /// The function can be lowered and gets nothing but values that cannot change: to call it for nothing is not seen.
    fn call(&mut self, object: &Bound<'_, PyAny>, single: Single) -> PyResult<bool> {
        let (py, Some((create, merge))) = (object.py(), &self.functions) else { return Ok(false) };
        let merged = |known: &Single, value: &Bound<'_, PyAny>| -> PyResult<Option<Single>> {
            Ok(objects::single(&merge.bind(py).call1((objects::of_single(py, known)?, value))?))
        };
        match &mut self.into {
            Into::Table(table) => {
                let Single::Tuple(parts) = &single else { return Ok(false) };
                let ([key, _], Some(table)) = (&parts[..], table.combinations()) else { return Ok(false) };
                let Some(known) = table.known(key) else { return Ok(false) };
                let value = object.cast::<PyTuple>()?.get_item(1)?;
                let combined = match (known, create) {
                    (Some(known), _) => merged(&known, &value)?,
                    (None, Some(create)) => objects::single(&create.bind(py).call1((value,))?),
                    (None, None) => objects::single(&value),
                };
                Ok(combined.is_some_and(|combined| is_small(&combined) && table.put(key, combined)))
            }
            Into::Fold(fold) | Into::Aggregate(fold, _) => {
                let Some(known) = fold.single() else { return Ok(false) };
                let merged = merged(&known, object)?.filter(is_small);
                let is_merged = merged.is_some();
                merged.into_iter().for_each(|merged| fold.set(merged));
                Ok(is_merged)
            }
            Into::Stats(stats) => {
                let merged = merged(&stats.state(), object)?;
                Ok(merged.is_some_and(|merged| stats.set(&merged)))
            }
            Into::Sum(_) | Into::Groups(_) | Into::Grouped(..) | Into::Sorting(_) => Ok(false),
        }
    }
}

/// Returns a whole number as `int` itself makes a float of it; `None` of one that is too large.
fn float_of(object: &Bound<'_, PyAny>) -> Option<f64> {
    let made = object.py().get_type::<PyInt>().call_method1("__float__", (object,));
    made.and_then(|made| made.extract()).ok()
}

fn no_rule() -> PyErr {
    PyValueError::new_err("no rule by which the kernels merge values")
}

/// Returns whether a value is made anew for each call of a function in no time.
fn is_small(value: &Single) -> bool {
    const BYTES_AT_MOST: usize = 4096;
    value.bytes() <= BYTES_AT_MOST
}

/// Reads what makes the first combination of a key.
fn of_first(first: &Bound<'_, PyTuple>) -> PyResult<First> {
    let of = |at: usize| -> PyResult<Function> { program::function(&first.get_item(at)?) };
    match first.len() {
        1 => Ok(First::Of(of(0)?)),
        _ => Ok(First::FromZero(program::scalar(&first.get_item(0)?)?, of(1)?)),
    }
}
