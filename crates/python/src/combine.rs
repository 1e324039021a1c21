//! The inner loop of all operations by key: a table over Python keys, with Python's own hash and equality.

use firesteel_executor::resident_bytes;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// The number of pairs that are merged between two checks of the process's memory.
const LOOK_EVERY: usize = 8192;

/// Merges pairs into a table until they end (`False`), or the process holds more than `limit` bytes (`True`).
#[pyfunction]
pub(crate) fn combine(
    table: &Bound<'_, PyDict>,
    pairs: &Bound<'_, PyAny>,
    create: Option<&Bound<'_, PyAny>>,
    merge: &Bound<'_, PyAny>,
    limit: u64,
) -> PyResult<bool> {
    let mut merged = 0;
    for pair in pairs.try_iter()? {
        let pair = pair?;
        let (key, value) = match pair.cast::<PyTuple>() {
            Ok(pair) if pair.len() == 2 => (pair.get_item(0)?, pair.get_item(1)?),
            _ => unpack(&pair)?,
        };
        let combined = match (table.get_item(&key)?, create) {
            (Some(known), _) => merge.call1((known, value))?,
            (None, Some(create)) => create.call1((value,))?,
            (None, None) => value,
        };
        table.set_item(key, combined)?;
        merged += 1;
        if usize::is_multiple_of(merged, LOOK_EVERY) && resident_bytes(std::process::id()) > limit {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Unpacks a pair as `key, value = pair` does, with its errors.
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
