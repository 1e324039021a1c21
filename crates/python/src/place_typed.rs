//! The map side of a shuffle for typed records: columns are gathered, and their rows sent to the reducers as blocks.

use crate::kernels::{column_of, list_of, placing_hashes};
use crate::lookup;
use crate::objects::Objects;
use firesteel_kernels::{Column, encode, joined, ranges};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyList;

/// Columns of the same types, with the place of each of their rows.
#[derive(Default)]
pub(crate) struct Typed {
    columns: Vec<(Column, usize)>,
    places: Vec<u32>,
    /// Records among these that are in no column: the number of rows before each, and its place.
    among: Vec<(u32, u32, Py<PyAny>)>,
    bytes: usize,
}

/// The bytes that a record in no column is counted as: so many that about a thousand are held at most, whatever they hold.
const OBJECT: usize = 4096;

/// Ranges of keys.
pub(crate) struct Ranges {
    /// The greatest key of each range but the last.
    bounds: Column,
    count: usize,
    /// The number of the last range, if it has the least keys.
    last: Option<u32>,
}

impl Ranges {
    /// Returns the ranges by which a function places keys, if it does, and they are typed.
    pub(crate) fn of(function: &Bound<'_, PyAny>) -> PyResult<Option<Ranges>> {
        static RANGES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let ranges_of = lookup::function(function.py(), &RANGES, "firesteel.native.exchange", "ranges_of")?;
        let found: Option<(Bound<'_, PyList>, Option<u32>)> = ranges_of.call1((function,))?.extract()?;
        let Some((bounds, last)) = found else { return Ok(None) };
        let count = bounds.len();
        let Some((column, mask)) = column_of(&bounds, 0..count)? else { return Ok(None) };
        Ok((!mask.any()).then_some(Ranges { bounds: column.spread(count), count, last }))
    }
}

impl Typed {
    /// Returns whether a column can be gathered with those that are here.
    pub(crate) fn takes(&self, column: &Column) -> bool {
        self.columns.last().is_none_or(|(last, _)| last.is_like(column))
    }

    /// Adds pairs, placed by the hashes of their keys. Returns `false`, and adds nothing, if these have to be objects to be
    /// hashed, or records are no pairs.
    pub(crate) fn add_by_hash(
        &mut self,
        py: Python<'_>,
        column: &Column,
        rows: usize,
        places: u32,
    ) -> PyResult<bool> {
        let Column::Tuple(parts) = column else { return Ok(false) };
        let [key, _] = &parts[..] else { return Ok(false) };
        let Some(hashes) = placing_hashes(py, key, rows)? else { return Ok(false) };
        self.add(column, rows, hashes.iter().map(|hash| hash.rem_euclid(places.into()) as u32));
        Ok(true)
    }

    /// Adds pairs, placed by the ranges in which their keys lie. Returns `false`, and adds nothing, if these have to be objects.
    pub(crate) fn add_by_range(&mut self, column: &Column, rows: usize, ranges_of: &Ranges) -> bool {
        let Column::Tuple(parts) = column else { return false };
        let [key, _] = &parts[..] else { return false };
        let Some(found) = ranges(&ranges_of.bounds, ranges_of.count, key, rows) else { return false };
        let last = ranges_of.last;
        self.add(column, rows, found.into_iter().map(|place| last.map_or(place, |last| last - place)));
        true
    }

    /// Adds records, each with its place.
    pub(crate) fn add(&mut self, column: &Column, rows: usize, places: impl Iterator<Item = u32>) {
        // A column of one value takes nothing, but each row has a place.
        self.bytes += column.bytes(rows) + rows * size_of::<u32>();
        self.columns.push((column.clone(), rows));
        self.places.extend(places.take(rows));
    }

    /// Adds a record that is in no column.
    pub(crate) fn add_object(&mut self, record: Py<PyAny>, place: u32) {
        self.bytes += OBJECT;
        self.among.push((self.places.len() as u32, place, record));
    }

    pub(crate) fn rows(&self) -> usize {
        self.places.len() + self.among.len()
    }

    /// Returns about how many bytes are held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes all records: for each place that has any blocks, and lists of those that are in no column, in the order of records.
    pub(crate) fn take(&mut self, py: Python<'_>, places: u32) -> PyResult<Vec<(u32, Objects)>> {
        let taken = std::mem::take(self);
        if taken.places.is_empty() {
            return Ok(vec![]);
        }
        let Some(all) = joined(&taken.columns) else {
            return Err(PyRuntimeError::new_err("columns of several types were gathered for a shuffle"));
        };
        let mut rows: Vec<Vec<u32>> = vec![vec![]; places as usize];
        for (row, place) in taken.places.iter().enumerate() {
            rows[*place as usize].push(row as u32);
        }
        let mut objects: Vec<Vec<(u32, Py<PyAny>)>> = (0..places).map(|_| vec![]).collect();
        for (before, place, record) in taken.among {
            objects[place as usize].push((before, record));
        }
        let mut sent = vec![];
        for (place, (rows, objects)) in (0..).zip(rows.into_iter().zip(objects)) {
            let (mut from, mut waiting) = (0, PyList::empty(py));
            for (before, record) in objects {
                let to = rows.partition_point(|row| *row < before);
                if to > from {
                    send(&mut sent, place, &mut waiting)?;
                    sent.push((place, block(py, &all, &rows[from..to])?));
                }
                from = to;
                waiting.append(record)?;
            }
            send(&mut sent, place, &mut waiting)?;
            if from < rows.len() {
                sent.push((place, block(py, &all, &rows[from..])?));
            }
        }
        Ok(sent)
    }
}

/// Sends the records that wait, if there are such.
fn send<'py>(sent: &mut Vec<(u32, Objects)>, place: u32, waiting: &mut Bound<'py, PyList>) -> PyResult<()> {
    if !waiting.is_empty() {
        sent.push((place, Objects::written(crate::objects::dump(waiting)?)));
        *waiting = PyList::empty(waiting.py());
    }
    Ok(())
}

fn block(py: Python<'_>, all: &Column, rows: &[u32]) -> PyResult<Objects> {
    let column = all.gather(rows);
    match encode(&column, rows.len()) {
        Some(block) => Ok(Objects::written(block)),
        None => Ok(Objects::live(list_of(py, &column, rows.len())?)),
    }
}
