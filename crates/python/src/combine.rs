//! The inner loops of all operations by key: tables over Python keys, with Python's own hash and equality.

use crate::budget::{Budget, is_exceeded};
use crate::hash::portable_hash;
use crate::sizes::{own_size, size_of};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};
use std::cell::Cell;

/// The number of pairs that are merged between two looks at the budget.
const LOOK_EVERY: usize = 8192;
/// One pair of so many is measured, on average.
const MEASURE_EVERY: usize = 32;
/// The bytes of an entry of a dict, between two growths.
const ENTRY: usize = 80;
/// The bytes of an empty list with its first slots.
const LIST: usize = 88;
/// The bytes of a further slot of a list that grows.
const LIST_SLOT: usize = 9;

/// Merges pairs into a table until they end (`False`), or the table has to be moved out of memory (`True`).
#[pyfunction]
pub(crate) fn combine(
    table: &Bound<'_, PyDict>,
    pairs: &Bound<'_, PyAny>,
    create: Option<&Bound<'_, PyAny>>,
    merge: &Bound<'_, PyAny>,
    budget: &Bound<'_, Budget>,
) -> PyResult<bool> {
    let (mut merged, mut sampling) = (0, Sampling::begin());
    for pair in pairs.try_iter()? {
        let (key, value) = parts(pair?)?;
        let known = table.get_item(&key)?;
        let is_measured = sampling.measures();
        // A combination may be changed in place: it is measured before and after.
        let before = known.as_ref().filter(|_| is_measured).map(Extent::of);
        let given = is_measured.then(|| value.clone());
        let is_new = known.is_none();
        let combined = match (known, create) {
            (Some(known), _) => merge.call1((known, value))?,
            (None, Some(create)) => create.call1((value,))?,
            (None, None) => value,
        };
        if let Some(given) = given {
            let grown = match (is_new, before) {
                (false, Some(before)) => before.grown_to(&Extent::of(&combined), &given),
                _ => (size_of(&key) + size_of(&combined) + ENTRY) as i64,
            };
            sampling.add(grown);
        }
        table.set_item(key, combined)?;
        merged += 1;
        if usize::is_multiple_of(merged, LOOK_EVERY) {
            budget.get().grow(sampling.take());
            if is_exceeded(budget)? {
                return Ok(true);
            }
        }
    }
    budget.get().complete(sampling.take());
    Ok(false)
}

/// Appends values to their keys' lists until the pairs end (`False`), or the table has to be moved out of memory (`True`). Values of the
/// type `several` are lists of values that came together.
///
/// `met` counts the keys of such values, and of one pair in many: a hot key is among them.
#[pyfunction]
pub(crate) fn append(
    table: &Bound<'_, PyDict>,
    pairs: &Bound<'_, PyAny>,
    several: &Bound<'_, PyType>,
    met: &Bound<'_, PyDict>,
    budget: &Bound<'_, Budget>,
    look_every: usize,
) -> PyResult<bool> {
    let mut sampling = Sampling::begin();
    let mut pairs = pairs.try_iter()?;
    loop {
        let (mut looked, mut together, mut last) = (0, 0, None);
        for pair in pairs.by_ref() {
            let (key, value) = parts(pair?)?;
            let held = table.get_item(&key)?;
            let values = match held {
                Some(values) => values,
                None => {
                    let values = PyList::empty(table.py()).into_any();
                    table.set_item(&key, &values)?;
                    if sampling.measures_too() {
                        sampling.add((size_of(&key) + ENTRY + LIST) as i64);
                    }
                    values
                }
            };
            let is_measured = sampling.measures();
            if value.get_type().is(several) {
                let length = value.len()?;
                values.call_method1("extend", (&value,))?;
                sampling.certain += size_of(&value) as i64;
                together += length;
                count(met, &key, length)?;
            } else {
                if is_measured {
                    sampling.add((size_of(&value) + LIST_SLOT) as i64);
                }
                match values.cast_exact::<PyList>() {
                    Ok(list) => list.append(value)?,
                    Err(_) => drop(values.call_method1("append", (value,))?),
                }
            }
            last = Some(key);
            looked += 1;
            if looked >= look_every || together >= look_every {
                break;
            }
        }
        let Some(last) = last else {
            budget.get().complete(sampling.take());
            return Ok(false);
        };
        budget.get().grow(sampling.take());
        count(met, &last, look_every)?;
        if is_exceeded(budget)? {
            return Ok(true);
        }
    }
}

fn count(met: &Bound<'_, PyDict>, key: &Bound<'_, PyAny>, more: usize) -> PyResult<()> {
    let known = met.get_item(key)?.map_or(Ok(0), |known| known.extract::<usize>())?;
    met.set_item(key, known + more)
}

/// Deals pairs into lists by a second hash of their keys, by the five bits from `shift` on, and calls `flush` with the number of each list
/// that has `batch` of them.
#[pyfunction]
pub(crate) fn deal(
    pairs: &Bound<'_, PyAny>,
    shift: u32,
    waiting: &Bound<'_, PyList>,
    batch: usize,
    flush: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let parts = waiting.len();
    for pair in pairs.try_iter()? {
        let pair = pair?;
        let key = match pair.cast::<PyTuple>() {
            Ok(pair) => pair.get_item(0)?,
            Err(_) => pair.get_item(0)?,
        };
        let part = (mixed(portable_hash(&key)? as u64) >> shift) as usize & (parts - 1);
        let list = waiting.get_item(part)?.cast_into::<PyList>()?;
        list.append(pair)?;
        if list.len() >= batch {
            flush.call1((part,))?;
        }
    }
    Ok(())
}

/// Mixes a hash: each partition of a shuffle sees hashes of one remainder only.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (hash ^ (hash >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// Chooses the pairs that are measured, at random, since records often repeat after a while; and adds up what stands for all.
struct Sampling {
    random: u32,
    /// The pairs until one is measured.
    left: u32,
    measured: i64,
    /// Bytes that stand for themselves.
    certain: i64,
}

thread_local! {
    static RANDOM: Cell<u32> = const { Cell::new(0x9E37_79B9) };
}

impl Sampling {
    fn begin() -> Self {
        let mut sampling = Sampling { random: RANDOM.get(), left: 0, measured: 0, certain: 0 };
        sampling.left = sampling.next() % (2 * MEASURE_EVERY as u32);
        sampling
    }

    /// Marsaglia's xorshift.
    fn next(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random
    }

    /// Returns whether this pair is measured.
    fn measures(&mut self) -> bool {
        if self.left > 0 {
            self.left -= 1;
            return false;
        }
        self.left = self.next() % (2 * MEASURE_EVERY as u32 - 1);
        true
    }

    /// Returns whether something else than a pair is measured.
    fn measures_too(&mut self) -> bool {
        self.next().is_multiple_of(MEASURE_EVERY as u32)
    }

    fn add(&mut self, bytes: i64) {
        self.measured += bytes;
    }

    /// Takes the bytes that all pairs since the last call seem to have added.
    fn take(&mut self) -> i64 {
        RANDOM.set(self.random);
        std::mem::take(&mut self.measured) * MEASURE_EVERY as i64 + std::mem::take(&mut self.certain)
    }
}

/// The size of a combination without what it holds, and the number of its items.
struct Extent {
    own: usize,
    items: usize,
}

impl Extent {
    fn of(combination: &Bound<'_, PyAny>) -> Self {
        if let Ok(tuple) = combination.cast::<PyTuple>() {
            // Combinations of several things are often tuples, made anew: what has grown is in them.
            let items: Vec<Extent> = tuple.iter().take(8).map(|item| Extent::of_item(&item)).collect();
            let own = items.iter().map(|item| item.own).sum::<usize>() + own_size(combination);
            return Extent { own, items: items.iter().map(|item| item.items).sum::<usize>() + tuple.len() };
        }
        Extent::of_item(combination)
    }

    fn of_item(item: &Bound<'_, PyAny>) -> Self {
        Extent { own: own_size(item), items: item.len().unwrap_or(0) }
    }

    /// Returns the bytes by which it has grown with a value: by its own, and by those of the value, if it holds more than before.
    fn grown_to(&self, after: &Extent, value: &Bound<'_, PyAny>) -> i64 {
        let kept = if after.items > self.items { size_of(value) } else { 0 };
        after.own as i64 - self.own as i64 + kept as i64
    }
}

/// Takes a pair apart as `key, value = pair` does, with its errors.
fn parts<'py>(pair: Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    match pair.cast::<PyTuple>() {
        Ok(pair) if pair.len() == 2 => Ok((pair.get_item(0)?, pair.get_item(1)?)),
        _ => unpack(&pair),
    }
}

fn unpack<'py>(pair: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let tuple = pair.py().import("builtins")?.getattr("tuple")?.call1((pair,))?.cast_into::<PyTuple>()?;
    if tuple.len() != 2 {
        return Err(pyo3::exceptions::PyValueError::new_err(format!(
            "operations by key need pairs (key, value), and a record has {} items",
            tuple.len()
        )));
    }
    Ok((tuple.get_item(0)?, tuple.get_item(1)?))
}
