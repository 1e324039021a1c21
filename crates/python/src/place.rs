//! The map side of a shuffle: records are dealt into buckets, one for each reducer, and sent pickled; typed blocks are dealt
//! as columns ([`crate::place_typed`]), and sent as typed blocks.

use crate::failure::from_python;
use crate::function::Function;
use crate::hash::{placing, portable_hash};
use crate::kernels::list_of;
use crate::objects::Objects;
use crate::place_typed::{Ranges, Typed};
use crate::turns::Turns;
use firesteel_data::Batch;
use firesteel_operators::{Batches, Outcome, Stream};
use firesteel_types::Partition;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The rules by which records are placed.
#[derive(Serialize, Deserialize)]
pub(crate) enum Rule {
    /// Places pairs by [`portable_hash`] of the key.
    Hash,
    /// Places pairs by a function of the key.
    Function(Function),
    /// Places records in turn, by their position ([`Turns`]): each run deals the same.
    InTurn,
}

/// The rule that places records, and the number of places.
#[derive(Serialize, Deserialize)]
pub(crate) struct Places {
    pub(crate) partitions: u32,
    pub(crate) rule: Rule,
}

/// Buckets are sent on when together they have about this many pickled bytes.
const BYTES: usize = 4 << 20;
const RECORDS_AT_FIRST: usize = 8 << 10;
/// So few records that are in no column stand among those that are: for more, all become objects.
const FEW: usize = 64;
const RECORDS_AT_MOST: usize = 1 << 20;

/// The buckets of one partition's records.
pub(crate) struct Buckets {
    places: Arc<Places>,
    stream: Stream<Objects>,
    function: Option<Py<PyAny>>,
    buckets: Vec<Py<PyList>>,
    /// Records that are not objects. Either these or the buckets are empty, so that records stay in order.
    typed: Typed,
    /// The ranges by which the function places keys, if that is how it does; `None` before it was looked at.
    ranges: Option<Option<Ranges>>,
    held: usize,
    hold: usize,
    turns: Turns,
    done: bool,
}

impl Buckets {
    pub(crate) fn new(places: &Arc<Places>, partition: Partition, stream: Stream<Objects>) -> Self {
        let buckets =
            Python::attach(|py| (0..places.partitions).map(|_| PyList::empty(py).unbind()).collect());
        let turns = Turns::new(partition.0, places.partitions);
        let places = places.clone();
        Buckets {
            places,
            stream,
            function: None,
            buckets,
            typed: Typed::default(),
            ranges: None,
            held: 0,
            hold: RECORDS_AT_FIRST,
            turns,
            done: false,
        }
    }

    /// Deals some records out; returns what had to be sent on before.
    fn take(&mut self, py: Python<'_>, objects: &Objects) -> PyResult<Vec<(u32, Objects)>> {
        if let (Rule::Function(_), None) = (&self.places.rule, &self.ranges) {
            let function = self.function(py)?;
            self.ranges = Some(function.map(|function| Ranges::of(&function)).transpose()?.flatten());
        }
        let is_known = !matches!((&self.places.rule, &self.ranges), (Rule::Function(_), None | Some(None)));
        let typed = if is_known && self.held <= FEW { objects.typed()? } else { None };
        if let Some((column, rows)) = typed {
            let mut sent = if self.held == 0 { vec![] } else { self.empty(py)? };
            if !self.typed.takes(&column) {
                sent.append(&mut self.empty_typed(py)?);
            }
            let n = self.places.partitions;
            let placed = match (&self.places.rule, &self.ranges) {
                (Rule::Hash, _) => self.typed.add_by_hash(py, &column, rows, n)?,
                (Rule::Function(_), Some(Some(ranges))) => self.typed.add_by_range(&column, rows, ranges),
                (Rule::Function(_), _) => false,
                (Rule::InTurn, _) => {
                    let turns = &mut self.turns;
                    self.typed.add(&column, rows, (0..rows).map(|_| turns.take() as u32));
                    true
                }
            };
            if placed {
                return Ok(sent);
            }
            sent.append(&mut self.empty_typed(py)?);
            self.fill(py, &list_of(py, &column, rows)?)?;
            return Ok(sent);
        }
        let list = objects.list(py)?;
        if list.len() <= FEW && self.typed.rows() > 0 {
            self.place_all(py, &list, |buckets, record, place| {
                buckets.typed.add_object(record.unbind(), place as u32);
                Ok(())
            })?;
            return Ok(vec![]);
        }
        let sent = self.empty_typed(py)?;
        self.fill(py, &list)?;
        Ok(sent)
    }

    /// Returns the function that places keys, if one does.
    fn function<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match (&self.places.rule, &self.function) {
            (Rule::Function(_), Some(function)) => Ok(Some(function.bind(py).clone())),
            (Rule::Function(function), None) => {
                let loaded = function.load(py)?;
                self.function = Some(loaded.clone().unbind());
                Ok(Some(loaded))
            }
            (Rule::Hash | Rule::InTurn, _) => Ok(None),
        }
    }

    fn empty_typed(&mut self, py: Python<'_>) -> PyResult<Vec<(u32, Objects)>> {
        let held = self.typed.rows();
        let sent = self.typed.take(py, self.places.partitions)?;
        // The engine counts each block as one record.
        self.stream.task().meter().shuffle_records_written.add((held - sent.len()) as u64);
        Ok(sent)
    }

    fn fill<'py>(&mut self, py: Python<'py>, list: &Bound<'py, PyList>) -> PyResult<()> {
        self.place_all(py, list, |buckets, record, place| buckets.buckets[place].bind(py).append(record))?;
        self.held += list.len();
        Ok(())
    }

    /// Finds the place of each record.
    fn place_all<'py>(
        &mut self,
        py: Python<'py>,
        list: &Bound<'py, PyList>,
        mut take: impl FnMut(&mut Buckets, Bound<'py, PyAny>, usize) -> PyResult<()>,
    ) -> PyResult<()> {
        let n = self.places.partitions;
        let function = self.function(py)?;
        let in_turn = matches!(self.places.rule, Rule::InTurn);
        for record in list.iter() {
            let (place, record) = if in_turn {
                (self.turns.take(), record)
            } else {
                let pair = pair(record)?;
                let key = pair.get_item(0)?;
                let place = match &function {
                    None => modulo(portable_hash(&key)?, n),
                    Some(function) => {
                        let place = placing(|| function.call1((key,)))?;
                        match place.extract::<isize>() {
                            Ok(place) => modulo(place, n),
                            // Numbers that do not fit are reduced by Python's own `%`.
                            Err(_) => place.rem(n)?.extract()?,
                        }
                    }
                };
                (place, pair.into_any())
            };
            take(self, record, place)?;
        }
        Ok(())
    }

    fn empty(&mut self, py: Python<'_>) -> PyResult<Vec<(u32, Objects)>> {
        let (mut sent, mut bytes) = (vec![], 0);
        for (place, bucket) in self.buckets.iter_mut().enumerate() {
            if bucket.bind(py).is_empty() {
                continue;
            }
            let full = std::mem::replace(bucket, PyList::empty(py).unbind());
            let pickled = crate::objects::dump(full.bind(py))?;
            bytes += pickled.len();
            sent.push((place as u32, Objects::written(pickled)));
        }
        // The engine counts each list as one record.
        self.stream.task().meter().shuffle_records_written.add((self.held - sent.len()) as u64);
        if self.held == 0 {
            return Ok(sent);
        }
        let wanted = self.held.saturating_mul(BYTES) / bytes.max(1);
        self.hold = wanted.clamp(64, RECORDS_AT_MOST);
        self.held = 0;
        Ok(sent)
    }
}

fn modulo(hash: isize, n: u32) -> usize {
    hash.rem_euclid(n as isize) as usize
}

/// Takes a record that has to be a pair apart, as `for key, value in ...` does.
fn pair(record: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyTuple>> {
    let record = match record.cast_into::<PyTuple>() {
        Ok(tuple) if tuple.len() == 2 => return Ok(tuple),
        Ok(tuple) => tuple.into_any(),
        Err(other) => other.into_inner(),
    };
    let items = record.try_iter().map_err(|_| {
        let of = record.get_type().name().map_or_else(|_| "an object".into(), |name| name.to_string());
        PyTypeError::new_err(format!(
            "operations by key need pairs (key, value), and a record is of type {of}; write `.map(lambda x: (key, x))` before"
        ))
    })?;
    let items = items.collect::<PyResult<Vec<_>>>()?;
    if items.len() != 2 {
        return Err(PyValueError::new_err(format!(
            "operations by key need pairs (key, value), and a record has {} items; write `.map(lambda x: (x[0], x[1:]))` before, say",
            items.len()
        )));
    }
    PyTuple::new(record.py(), items)
}

impl Batches<(u32, Objects)> for Buckets {
    fn next_batch(&mut self) -> Outcome<Option<Batch<(u32, Objects)>>> {
        let raised = |error| Python::attach(|py| from_python(py, error));
        while !self.done {
            let mut sent = vec![];
            match self.stream.next_batch()? {
                Some(batch) => {
                    for objects in batch.into_vec() {
                        sent.append(&mut Python::attach(|py| self.take(py, &objects)).map_err(raised)?);
                    }
                    if sent.is_empty() && self.held < self.hold && self.typed.bytes() < BYTES {
                        continue;
                    }
                }
                None => self.done = true,
            }
            let full = self.done || self.held >= self.hold || self.typed.bytes() >= BYTES;
            if full {
                sent.append(&mut Python::attach(|py| self.empty_typed(py)).map_err(raised)?);
                sent.append(&mut Python::attach(|py| self.empty(py)).map_err(raised)?);
            }
            if !sent.is_empty() {
                return Ok(Some(Batch::Owned(sent)));
            }
        }
        Ok(None)
    }
}
