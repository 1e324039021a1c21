//! How much memory Python's objects take, with all that they hold: an estimate, from a few of the items of long containers.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple};

/// Containers within containers are followed so far.
const DEPTH: u32 = 6;
/// The items of a container that stand for all.
const ITEMS: usize = 16;
/// The bytes in front of an object that the cycle collector follows.
const COLLECTED: usize = 16;

/// Returns the bytes of a list's items, and of what they hold, by so many of them.
pub(crate) fn size_of_all(list: &Bound<'_, PyList>, samples: usize) -> usize {
    let (length, samples) = (list.len(), samples.min(list.len()));
    let sampled = (0..samples).filter_map(|sample| list.get_item(sample * length / samples).ok());
    let bytes: usize = sampled.map(|item| size_of(&item)).sum();
    (bytes as u64 * length as u64).checked_div(samples as u64).unwrap_or(0) as usize
}

/// Returns the bytes of an object, and of what it holds.
pub(crate) fn size_of(object: &Bound<'_, PyAny>) -> usize {
    deep(object, DEPTH)
}

fn deep(object: &Bound<'_, PyAny>, depth: u32) -> usize {
    if let Some(size) = of_atom(object) {
        return size;
    }
    let own = own_size(object);
    let Some(depth) = depth.checked_sub(1) else { return own };
    if let Ok(tuple) = object.cast::<PyTuple>() {
        return own + sampled(tuple.len(), tuple.iter(), depth);
    }
    if let Ok(list) = object.cast::<PyList>() {
        let (length, step) = (list.len(), list.len().div_ceil(ITEMS).max(1));
        return own
            + sampled(length, (0..length).step_by(step).filter_map(|at| list.get_item(at).ok()), depth);
    }
    if let Ok(set) = object.cast::<PySet>() {
        return own + sampled(set.len(), set.iter(), depth);
    }
    if let Ok(set) = object.cast::<PyFrozenSet>() {
        return own + sampled(set.len(), set.iter(), depth);
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        let pairs = dict.iter().flat_map(|(key, value)| [key, value]);
        return own + sampled(dict.len() * 2, pairs, depth);
    }
    // A class is not the record's own, whatever holds it.
    if object.is_instance_of::<pyo3::types::PyType>() {
        return 0;
    }
    let attributes = object.getattr_opt("__dict__").ok().flatten();
    own + attributes.map_or(0, |attributes| deep(&attributes, depth))
}

/// Returns the size of numbers and texts, without a call where that is possible.
fn of_atom(object: &Bound<'_, PyAny>) -> Option<usize> {
    if object.is_exact_instance_of::<PyString>() {
        return Some(own_size(object));
    }
    if object.is_exact_instance_of::<PyInt>() {
        // The interpreter has small ones already, and all share them.
        let is_shared = object.extract::<i64>().is_ok_and(|number| (-5..=256).contains(&number));
        return Some(if is_shared { 0 } else { 32 });
    }
    if object.is_exact_instance_of::<PyFloat>() {
        return Some(24);
    }
    (object.is_none() || object.is_instance_of::<PyBool>()).then_some(0)
}

/// Returns the bytes of an object without what it holds.
pub(crate) fn own_size(object: &Bound<'_, PyAny>) -> usize {
    const UNKNOWN: usize = 64;
    let told = object.call_method0("__sizeof__").and_then(|size| size.extract::<usize>());
    told.unwrap_or(UNKNOWN) + COLLECTED
}

/// Returns the bytes of so many items, of which some are given.
fn sampled<'py>(length: usize, items: impl Iterator<Item = Bound<'py, PyAny>>, depth: u32) -> usize {
    let (mut bytes, mut seen) = (0, 0);
    for item in items.take(ITEMS) {
        bytes += deep(&item, depth);
        seen += 1;
    }
    // Rounded once, so that a container of many small things does not seem to hold nothing.
    (bytes as u64 * length as u64).checked_div(seen).unwrap_or(0) as usize
}
