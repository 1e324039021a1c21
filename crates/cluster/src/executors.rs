//! Starting an executor for a driver whose program is not on this machine yet.

use crate::standalone::programs::ProgramStore;
use firesteel_data::DataError;
use firesteel_net::Credentials;
use firesteel_transfer::{RemoteFetcher, RetryPolicy};
use std::io;
use std::path::{Path, PathBuf};

pub use firesteel_protocol::handshake::AgentConfig;

/// Returns the path of the program of the driver at an address. It is fetched and its hash is checked, unless
/// `directory` has it already.
///
/// # Errors
/// When the driver cannot be reached, or the file cannot be written.
pub fn fetch_program(driver: &str, credentials: &Credentials, directory: &Path) -> io::Result<PathBuf> {
    let other = |error: DataError| io::Error::other(error.to_string());
    let remote = RemoteFetcher::new(credentials.clone(), driver.into(), String::new(), RetryPolicy::NEVER);
    let hash = remote.program().map_err(other)?;
    let programs = ProgramStore::open(&directory.join("programs"))?;
    programs.get_or_fetch(&hash, |file| remote.file(hash, file).map_err(other)).and_then(std::path::absolute)
}
