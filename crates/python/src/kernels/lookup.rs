//! [`KernelTable`]: a dict, a set, a list or a tuple of the program, as a table that kernels look things up in.

use super::objects;
use firesteel_kernels::{Item, Keys, Lookup};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList, PyString, PyTuple};

/// A table for the instructions `found` and `looked_up` of programs.
#[pyclass(unsendable)]
pub(crate) struct KernelTable {
    pub(super) lookup: Lookup,
}

#[pymethods]
impl KernelTable {
    /// Makes a table of keys, all `int`, all `str` or all tuples of these, and a list of their values, if there are any. Raises ValueError for
    /// keys of other types, and for values most of which are not of one type.
    #[new]
    #[pyo3(signature = (keys, values=None))]
    fn new(keys: &Bound<'_, PyList>, values: Option<&Bound<'_, PyList>>) -> PyResult<Self> {
        let values = match values {
            Some(values) if !values.is_empty() => {
                let made = objects::column(values, 0..values.len())?;
                Some(made.ok_or_else(|| PyValueError::new_err("values of several types, or of other ones"))?)
            }
            _ => None,
        };
        Ok(KernelTable { lookup: Lookup::new(of_objects(keys)?, values) })
    }
}

fn of_objects(keys: &Bound<'_, PyList>) -> PyResult<Keys> {
    if u32::try_from(keys.len()).is_err() {
        return Err(PyValueError::new_err("more keys than a table may have"));
    }
    if keys.is_empty() || keys.get_item(0)?.is_exact_instance_of::<PyInt>() {
        let key = |object: Bound<'_, PyAny>| match object.is_exact_instance_of::<PyInt>() {
            // No number of a batch is one beyond 64 bits.
            true => Ok(object.extract().ok()),
            false => Err(of_another_type()),
        };
        return Ok(Keys::of_ints(keys.iter().map(key).collect::<PyResult<_>>()?));
    }
    if let Ok(first) = keys.get_item(0)?.cast_exact::<PyTuple>() {
        return of_tuples(first, keys);
    }
    Ok(Keys::of_texts(keys.iter().map(|key| text(&key)).collect::<PyResult<_>>()?))
}

fn text(object: &Bound<'_, PyAny>) -> PyResult<Option<Box<[u8]>>> {
    let text = object.cast_exact::<PyString>().map_err(|_| of_another_type())?;
    // No text of a batch is one with half of a surrogate pair.
    Ok(text.to_str().ok().map(|text| text.as_bytes().into()))
}

/// Makes keys that are tuples, with items of the types that those of the first one have.
fn of_tuples(first: &Bound<'_, PyTuple>, keys: &Bound<'_, PyList>) -> PyResult<Keys> {
    let are_texts: Vec<bool> = first.iter().map(|item| item.is_exact_instance_of::<PyString>()).collect();
    let item = |(item, is_text): (Bound<'_, PyAny>, &bool)| -> PyResult<Option<Item>> {
        if *is_text {
            return Ok(text(&item)?.map(Item::Text));
        }
        match item.is_exact_instance_of::<PyInt>() {
            true => Ok(item.extract().ok().map(Item::Int)),
            false => Err(of_another_type()),
        }
    };
    let key = |object: Bound<'_, PyAny>| -> PyResult<Option<Vec<Item>>> {
        let tuple = object.cast_exact::<PyTuple>().map_err(|_| of_another_type())?;
        if tuple.len() != are_texts.len() {
            return Err(of_another_type());
        }
        tuple.iter().zip(&are_texts).map(item).collect()
    };
    let keys = keys.iter().map(key).collect::<PyResult<_>>()?;
    Ok(Keys::of_tuples(are_texts, keys))
}

fn of_another_type() -> PyErr {
    PyValueError::new_err("keys that are neither all int nor all str, nor tuples of these")
}
