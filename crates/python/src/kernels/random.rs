//! The state of Python's `random`: taken for a batch and given back, or taken for all draws of a sample.

use super::block::Block;
use firesteel_kernels::{Twister, WORDS};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

/// Chooses records by a draw for each, as a sample without replacement does.
#[pyclass(unsendable)]
pub(crate) struct KernelSample {
    random: Twister,
    fraction: f64,
}

#[pymethods]
impl KernelSample {
    /// Makes a sample whose draws are those that a `random.Random` would give next. Raises ValueError for a generator of another kind.
    #[new]
    fn new(generator: &Bound<'_, PyAny>, fraction: f64) -> PyResult<Self> {
        let random = taken(generator)?;
        let random = random.ok_or_else(|| PyValueError::new_err("a generator with another kind of state"))?;
        Ok(KernelSample { random, fraction })
    }

    /// Draws for one record; returns whether it is kept.
    fn draw(&mut self) -> bool {
        self.random.next_float() < self.fraction
    }

    /// Draws for all records of a block; returns those that are kept.
    fn of(&mut self, block: PyRef<'_, Block>) -> PyResult<Py<PyList>> {
        let kept: Vec<u32> = (0..block.parts().1 as u32).filter(|_| self.draw()).collect();
        block.at(block.py(), &kept)
    }
}

/// Returns a `random.Random` as it is now; `None` if its state is of an unknown kind.
pub(super) fn taken(generator: &Bound<'_, PyAny>) -> PyResult<Option<Twister>> {
    let state = method(generator.py(), "getstate")?.call1((generator,))?;
    let state: Vec<u32> = state.extract()?;
    let Some((used, words)) = state.split_last() else { return Ok(None) };
    let words: Option<Box<[u32; WORDS]>> = words.to_vec().into_boxed_slice().try_into().ok();
    Ok(words.and_then(|words| Twister::new(words, *used as usize)))
}

/// Sets a generator to another point of its stream.
pub(super) fn given(generator: &Bound<'_, PyAny>, random: &Twister) -> PyResult<()> {
    let py = generator.py();
    let (words, used) = random.state();
    let state = PyTuple::new(py, words.iter().copied().chain([used as u32]).collect::<Vec<_>>())?;
    method(py, "setstate")?.call1((generator, state))?;
    Ok(())
}

/// Returns a method of the type below `random.Random`, which adds to the state what only `gauss` uses.
fn method<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("_random")?.getattr("Random")?.getattr(name)
}
