//! The driver's files in a process of another host: the connection by which an agent and the workers of a cluster
//! fetch them, by the hashes that name them.

use firesteel_transfer::RemoteFetcher;
use parking_lot::Mutex;
use pyo3::exceptions::{PyLookupError, PyOSError, PyValueError};
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;

/// The connection to the driver, in an agent and in the workers of a cluster.
static FAR: Mutex<Option<Arc<RemoteFetcher>>> = Mutex::new(None);

/// Sets the connection by which the driver's files can be fetched from now on.
pub(crate) fn fetch_by(remote: &Arc<RemoteFetcher>) {
    *FAR.lock() = Some(remote.clone());
}

/// Writes the driver's file that has this BLAKE3 hash to a path.
#[pyfunction]
pub(crate) fn fetch_file(py: Python<'_>, hash: &str, to: PathBuf) -> PyResult<()> {
    let hash = from_hex(hash).ok_or_else(|| PyValueError::new_err(format!("`{hash}` is no hash")))?;
    let remote = FAR.lock().clone();
    let remote = remote.ok_or_else(|| PyLookupError::new_err("this process has no remote driver"))?;
    py.detach(|| {
        let mut file = std::fs::File::create(&to)?;
        remote.file(hash, &mut file).map_err(|error| PyOSError::new_err(error.to_string()))
    })
}

/// Returns a hash as text, in lower case.
pub(crate) fn to_hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}
