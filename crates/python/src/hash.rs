//! Where keys belong: [`portable_hash`], which is the same in every worker.
//!
//! Numbers, tuples and None hash as PySpark's function of this name hashes them, so that records lie where programs expect them. Workers
//! run with a fixed hash seed, so strings, and what contains them, agree among workers; the program's own process has another seed,
//! and must ask a worker.

use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyFrozenSet, PyInt, PyString, PyTuple};

/// The hash that places a key.
#[pyfunction]
pub(crate) fn portable_hash(key: &Bound<'_, PyAny>) -> PyResult<isize> {
    if key.is_exact_instance_of::<PyString>() || key.is_exact_instance_of::<PyInt>() {
        return key.hash();
    }
    if key.is_none() {
        return Ok(0);
    }
    if let Ok(tuple) = key.cast::<PyTuple>() {
        return of_tuple(tuple);
    }
    if let Ok(number) = key.cast::<PyFloat>() {
        // The interpreter hashes each NaN by its address.
        return if number.value().is_nan() { Ok(0) } else { key.hash() };
    }
    if let Ok(set) = key.cast::<PyFrozenSet>() {
        return of_set(set);
    }
    key.hash()
}

fn of_tuple(tuple: &Bound<'_, PyTuple>) -> PyResult<isize> {
    let mut hash: isize = 0x0034_5678;
    for item in tuple.iter() {
        hash ^= portable_hash(&item)?;
        hash = hash.wrapping_mul(1_000_003) & isize::MAX;
    }
    Ok(hash ^ tuple.len() as isize)
}

/// The same whatever the order of iteration, and though None hashes by its address in older interpreters.
fn of_set(set: &Bound<'_, PyFrozenSet>) -> PyResult<isize> {
    let mut hash: u64 = 0x5bd1_e995;
    for item in set.iter() {
        let one = portable_hash(&item)? as u64;
        hash = hash.wrapping_add((one ^ (one >> 29)).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }
    Ok((hash >> 1) as isize)
}
