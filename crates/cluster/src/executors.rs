//! What is needed to start an executor for a driver whose program is not here yet.

use crate::standalone::programs::ProgramStore;
use firesteel_executor::blocks::{RemoteFetcher, RemoteSettings};
use firesteel_net::Credentials;
use std::io;
use std::path::{Path, PathBuf};

pub use firesteel_protocol::handshake::AgentConfig;

/// The program of the driver at an address: fetched, unless `directory` has it, and checked by its hash.
///
/// # Errors
/// When the driver cannot be reached, or the file cannot be written.
pub fn fetch_program(driver: &str, credentials: &Credentials, directory: &Path) -> io::Result<PathBuf> {
    let other = |error: firesteel_data::DataError| io::Error::other(error.to_string());
    let settings = RemoteSettings { retries: 0, retry_wait_ms: 0 };
    let remote = RemoteFetcher::new(credentials.clone(), driver.into(), String::new(), settings);
    let hash = remote.program().map_err(other)?;
    let programs = ProgramStore::open(&directory.join("programs"))?;
    programs.get_or_fetch(&hash, |file| remote.file(hash, file).map_err(other)).and_then(std::path::absolute)
}
