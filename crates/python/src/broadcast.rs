//! Broadcast variables: a pickled value, sent once to each machine.

use crate::failure::to_python;
use crate::worker::services;
use firesteel_data::block::decode_value;
use firesteel_driver::{DriverContext, site};
use firesteel_types::BroadcastId;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_bytes::ByteBuf;
use std::panic::Location;

/// The program's end of a broadcast variable.
#[pyclass(frozen)]
pub(crate) struct Broadcast {
    pub(crate) value: firesteel_operators::Broadcast<ByteBuf>,
    context: DriverContext,
}

impl Broadcast {
    pub(crate) fn new(py: Python<'_>, context: &DriverContext, pickled: &[u8]) -> PyResult<Self> {
        let (site, value) = (site("broadcast", Location::caller()), ByteBuf::from(pickled));
        let value = py.detach(|| context.broadcast(site, value)).map_err(|error| to_python(py, error))?;
        Ok(Broadcast { value, context: context.clone() })
    }
}

#[pymethods]
impl Broadcast {
    #[getter]
    fn id(&self) -> u64 {
        self.value.id()
    }

    fn load<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let value = py.detach(|| self.value.try_value());
        let value = value
            .map_err(|error| PyRuntimeError::new_err(format!("broadcast variable {}: {error}", self.id())))?;
        Ok(PyBytes::new(py, value))
    }

    fn unpersist(&self, py: Python<'_>) {
        py.detach(|| self.value.unpersist());
        self.context.forget_broadcast(BroadcastId(self.id()));
    }

    fn destroy(&self, py: Python<'_>) {
        py.detach(|| self.value.destroy());
        self.context.forget_broadcast(BroadcastId(self.id()));
    }
}

/// Returns the pickled value, in a worker.
#[pyfunction]
pub(crate) fn load_broadcast(py: Python<'_>, broadcast: u64) -> PyResult<Bound<'_, PyBytes>> {
    let failed = |error: String| PyRuntimeError::new_err(format!("broadcast variable {broadcast}: {error}"));
    let services = services().ok_or_else(|| failed("this process runs no tasks".into()))?;
    let bytes =
        services.broadcasts.bytes(BroadcastId(broadcast)).map_err(|error| failed(error.to_string()))?;
    let value: ByteBuf = decode_value(&bytes).map_err(|error| failed(error.to_string()))?;
    Ok(PyBytes::new(py, &value))
}
