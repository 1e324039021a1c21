//! Hashes that place keys: [`portable_hash`], which is the same in every worker, and equal for equal keys.
//!
//! Numbers, tuples and None hash as PySpark's function of this name hashes them, so that records lie where
//! programs expect them. Workers run with a fixed hash seed, so strings agree among workers; the program's
//! own process has another seed, and must ask a worker.
//!
//! Values that the interpreter hashes by their address have different hashes in different processes: classes,
//! functions, NaN, None before 3.12. If C code hashes such a value (in a tuple), its container is hashed
//! here. If a `__hash__` of the program hashes it, that calls `hash`: in workers this name is [`hash`], which
//! returns the interpreter's hash unless an address is in it. So the program's own dicts, and objects that
//! remember their hash, see one value only.
//!
//! The rule for a type's hash is chosen once for each type, by `firesteel.keys`.

use crate::lookup::function;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyString, PyTuple, PyType};
use std::cell::Cell;

thread_local! {
    /// The number of keys that this thread is placing, one within the other.
    static PLACING: Cell<u32> = const { Cell::new(0) };
}

/// A guard: while it lives, values without a hash that all processes agree to are rejected.
struct Placing;

impl Placing {
    fn begin() -> Self {
        PLACING.set(PLACING.get() + 1);
        Placing
    }

    fn is_under_way() -> bool {
        PLACING.get() > 0
    }
}

impl Drop for Placing {
    fn drop(&mut self) {
        PLACING.set(PLACING.get() - 1);
    }
}

/// The rules by which values of a type are hashed. `firesteel.keys` has the same numbers.
enum Rule<'py> {
    /// Hashed as the interpreter does; its own code uses no address.
    Plain,
    /// Hashed as the interpreter does, except values that are not equal to themselves.
    Number,
    Tuple,
    Set,
    /// Hashed by the `__hash__` of the program or of a library, which calls [`hash`].
    Own,
    /// Hashed by code that cannot be inspected: the hash is compared with the one that another process
    /// computes.
    Tried,
    /// Equal only to itself. Hashed as the interpreter does, except where keys are placed.
    Identity,
    /// Hashed as another value that this function makes of it.
    As(Bound<'py, PyAny>),
}

impl<'py> Rule<'py> {
    fn new(rule: Bound<'py, PyAny>) -> Self {
        let code = if rule.is_exact_instance_of::<PyInt>() { rule.extract::<u8>().ok() } else { None };
        match code {
            Some(0) => Rule::Plain,
            Some(1) => Rule::Number,
            Some(2) => Rule::Tuple,
            Some(3) => Rule::Set,
            Some(4) => Rule::Own,
            Some(5) => Rule::Tried,
            Some(6) => Rule::Identity,
            _ => Rule::As(rule),
        }
    }
}

/// The largest number of types whose rules are cached.
const TYPES_AT_MOST: usize = 4096;

/// Returns the rules for a value's type: the first for placing it, the second for [`hash`].
fn rules<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    static KNOWN: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    static RULES_OF: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = value.py();
    let known = KNOWN.get_or_init(py, || PyDict::new(py).unbind()).bind(py);
    let kind: Bound<'py, PyType> = value.get_type();
    if let Some(rules) = known.get_item(&kind)? {
        return Ok(rules.cast_into::<PyTuple>()?);
    }
    let made = function(py, &RULES_OF, "firesteel.keys", "rules_of")?.call1((&kind,))?;
    if known.len() >= TYPES_AT_MOST {
        known.clear();
    }
    known.set_item(kind, &made)?;
    Ok(made.cast_into::<PyTuple>()?)
}

/// Returns the hash that places a key.
#[pyfunction]
pub(crate) fn portable_hash(key: &Bound<'_, PyAny>) -> PyResult<isize> {
    if key.is_exact_instance_of::<PyString>() || key.is_exact_instance_of::<PyInt>() {
        return key.hash();
    }
    if key.is_none() {
        return Ok(0);
    }
    if key.is_exact_instance_of::<PyTuple>() {
        return of_tuple(key.cast::<PyTuple>()?);
    }
    if key.is_exact_instance_of::<PyFloat>() {
        return of_number(key);
    }
    if key.is_exact_instance_of::<PyBytes>() {
        return key.hash();
    }
    match Rule::new(rules(key)?.get_item(0)?) {
        Rule::Plain => key.hash(),
        Rule::Number => of_number(key),
        Rule::Tuple => of_tuple(key.cast::<PyTuple>()?),
        Rule::Set => of_set(key.cast::<PyFrozenSet>()?),
        Rule::Own | Rule::Identity => of_own(key),
        Rule::Tried => {
            compare_with_another_process(key)?;
            of_own(key)
        }
        Rule::As(plain) => portable_hash(&placing(|| plain.call1((key,)))?),
    }
}

/// Calls a function of the program whose result places a key: in it [`hash`] rejects values that only this
/// process has.
pub(crate) fn placing<T>(call: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    let _placing = Placing::begin();
    call()
}

fn of_own(key: &Bound<'_, PyAny>) -> PyResult<isize> {
    placing(|| key.hash()).map_err(|error| {
        static WITHIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = key.py();
        if !error.is_instance_of::<PyTypeError>(py) {
            return error;
        }
        let within = function(py, &WITHIN, "firesteel.keys", "within");
        let told = within.and_then(|within| within.call1((key.get_type(), error.value(py))));
        told.map_or_else(|failed| failed, PyErr::from_value)
    })
}

fn compare_with_another_process(key: &Bound<'_, PyAny>) -> PyResult<()> {
    static TRY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    function(key.py(), &TRY, "firesteel.keys", "compare_with_another_process")?.call1((key,))?;
    Ok(())
}

/// Hashes a number. The interpreter hashes each NaN by its address.
fn of_number(number: &Bound<'_, PyAny>) -> PyResult<isize> {
    let is_nan = match number.cast::<PyFloat>() {
        Ok(float) => float.value().is_nan(),
        Err(_) => number.ne(number)?,
    };
    if is_nan { Ok(0) } else { number.hash() }
}

fn of_tuple(tuple: &Bound<'_, PyTuple>) -> PyResult<isize> {
    let mut hash: isize = 0x0034_5678;
    for item in tuple.iter() {
        hash ^= portable_hash(&item)?;
        hash = hash.wrapping_mul(1_000_003) & isize::MAX;
    }
    Ok(hash ^ tuple.len() as isize)
}

/// Hashes a set independently of the order of iteration.
fn of_set(set: &Bound<'_, PyFrozenSet>) -> PyResult<isize> {
    mixed(set.iter().map(|item| portable_hash(&item)))
}

fn mixed(hashes: impl Iterator<Item = PyResult<isize>>) -> PyResult<isize> {
    let mut hash: u64 = 0x5bd1_e995;
    for one in hashes {
        let one = one? as u64;
        hash = hash.wrapping_add((one ^ (one >> 29)).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }
    Ok((hash >> 1) as isize)
}

/// The `hash` of workers: the interpreter's hash, except where an address is in it; then one that is the same
/// in all workers.
#[pyfunction]
#[pyo3(signature = (obj, /))]
pub(crate) fn hash(obj: &Bound<'_, PyAny>) -> PyResult<isize> {
    if obj.is_exact_instance_of::<PyString>() || obj.is_exact_instance_of::<PyInt>() {
        return obj.hash();
    }
    if obj.is_none() {
        return of_none(obj);
    }
    if obj.is_exact_instance_of::<PyTuple>() {
        return of_items(obj, obj.cast::<PyTuple>()?.iter());
    }
    match Rule::new(rules(obj)?.get_item(1)?) {
        Rule::Plain | Rule::Own => obj.hash(),
        Rule::Number => of_number(obj),
        Rule::Tuple => of_items(obj, obj.cast::<PyTuple>()?.iter()),
        Rule::Set => of_items(obj, obj.cast::<PyFrozenSet>()?.iter()),
        Rule::Tried => {
            if Placing::is_under_way() {
                compare_with_another_process(obj)?;
            }
            obj.hash()
        }
        Rule::Identity => {
            if Placing::is_under_way() {
                return portable_hash(obj);
            }
            obj.hash()
        }
        Rule::As(plain) => match plain.call1((obj,)) {
            Ok(plain) => hash(&plain),
            Err(error) if Placing::is_under_way() => Err(error),
            // Outside of placing, an object that other processes do not have is hashed as usual.
            Err(_) => obj.hash(),
        },
    }
}

/// Hashes None. From 3.12 on its hash is the same in all processes; here it is so in all versions.
fn of_none(none: &Bound<'_, PyAny>) -> PyResult<isize> {
    const OF_NONE: isize = 0xFCA8_6420;
    if none.py().version_info() >= (3, 12) { none.hash() } else { Ok(OF_NONE) }
}

/// Returns the container's own hash, unless one of the items has another hash here than from the interpreter.
fn of_items<'py>(
    container: &Bound<'py, PyAny>,
    items: impl Iterator<Item = Bound<'py, PyAny>>,
) -> PyResult<isize> {
    let mut hashes = vec![];
    let mut is_plain = true;
    for item in items {
        let one = hash(&item)?;
        // Text and integers are the most frequent items, and need no further check.
        let is_known = item.is_exact_instance_of::<PyString>() || item.is_exact_instance_of::<PyInt>();
        is_plain = is_plain && (is_known || one == item.hash()?);
        hashes.push(one);
    }
    // The interpreter hashes all items as workers do, so its hash of the container agrees among them.
    if is_plain {
        return container.hash();
    }
    if container.is_instance_of::<PyFrozenSet>() {
        return mixed(hashes.into_iter().map(Ok));
    }
    let folded = hashes
        .iter()
        .fold(0x0034_5678, |folded: isize, one| (folded ^ one).wrapping_mul(1_000_003).rotate_left(17));
    Ok(folded ^ hashes.len() as isize)
}
