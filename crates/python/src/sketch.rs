//! Counting different records approximately: the engine's HyperLogLog over Python's portable hashes.

use crate::hash::portable_hash;
use firesteel_data::block::{decode_value, encode_value};
use firesteel_data::hyperloglog::HyperLogLog;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Returns the sketch of some records, in bytes.
#[pyfunction]
pub(crate) fn sketch<'py>(records: &Bound<'py, PyAny>, relative_error: f64) -> PyResult<Bound<'py, PyBytes>> {
    let mut sketch = HyperLogLog::with_relative_error(relative_error);
    for record in records.try_iter()? {
        sketch.add(mixed(portable_hash(&record?)? as u64));
    }
    let bytes = encode_value(&sketch).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(PyBytes::new(records.py(), &bytes))
}

/// Estimates the number of different records in all sketches, which have the same error.
#[pyfunction]
pub(crate) fn sketch_estimate(sketches: Vec<Bound<'_, PyBytes>>, relative_error: f64) -> PyResult<u64> {
    let mut all = HyperLogLog::with_relative_error(relative_error);
    for bytes in sketches {
        let other =
            decode_value(bytes.as_bytes()).map_err(|error| PyValueError::new_err(error.to_string()))?;
        all.merge(&other);
    }
    Ok(all.estimate())
}

/// Mixes a hash with the finisher of SplitMix64 (Steele, Lea and Flood, 2014): portable hashes of small numbers are the numbers.
fn mixed(hash: u64) -> u64 {
    let hash = hash.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}
