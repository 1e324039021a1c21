//! What a worker has for each application: a directory, and a service that hands its files to whoever has the application's secret.

use super::WorkerConfig;
use crate::standalone::programs::{ProgramStore, download};
use crate::standalone::{LaunchExecutor, Program};
use firesteel_data::Cipher;
use firesteel_executor::blocks::{HostBlocks, RemoteFetcher, RemoteSettings};
use firesteel_net::bulk::{BlockClient, BlockClientSettings, serve_blocks};
use firesteel_net::{Connection, Credentials, Limits, Listener, Purpose, Secret, Serving};
use firesteel_protocol::handshake::SHARED_DIRECTORY;
use firesteel_standalone::{ApplicationId, DriverRun};
use firesteel_storage::{LocalDirs, SharedFiles};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The applications of a worker.
#[derive(Clone)]
pub(super) struct HostedApplications {
    shared: Arc<Shared>,
}

struct Shared {
    host: String,
    dir: PathBuf,
    masters: Vec<String>,
    secret: Option<Secret>,
    programs: Arc<ProgramStore>,
    client: BlockClient,
    hosted: Mutex<HashMap<ApplicationId, HostedApplication>>,
}

struct HostedApplication {
    address: String,
    _serving: Serving,
}

impl HostedApplications {
    pub(super) fn new(
        config: &WorkerConfig,
        dir: PathBuf,
        programs: Arc<ProgramStore>,
        secret: Option<Secret>,
    ) -> Self {
        let credentials = secret.as_ref().map_or_else(Credentials::insecure, Credentials::of);
        let client = BlockClient::new(credentials, BlockClientSettings::default());
        let shared = Shared {
            host: config.host.clone(),
            dir,
            masters: config.masters.clone(),
            secret,
            programs,
            client,
            hosted: Mutex::default(),
        };
        HostedApplications { shared: Arc::new(shared) }
    }

    pub(super) fn host(&self) -> &str {
        &self.shared.host
    }

    pub(super) fn masters(&self) -> &[String] {
        &self.shared.masters
    }

    /// An application's directory.
    ///
    /// # Errors
    /// When it has no name of an application.
    pub(super) fn directory(&self, application: &ApplicationId) -> io::Result<PathBuf> {
        Ok(self.shared.dir.join(checked(application.as_str(), "app-")?))
    }

    /// The directory of a run of a driver.
    pub(super) fn driver_directory(&self, run: &DriverRun) -> io::Result<PathBuf> {
        let driver = checked(run.driver.as_str(), "driver-")?;
        let directory = self.shared.dir.join(format!("{driver}-{}", run.attempt));
        LocalDirs::within(directory.clone()).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(directory)
    }

    /// Makes an application's directory, and serves its files. Gives the address at which it does; the first asks, others find it.
    pub(super) fn serve(&self, application: &ApplicationId, launch: &LaunchExecutor) -> io::Result<String> {
        let mut hosted = self.shared.hosted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hosted) = hosted.get(application) {
            return Ok(hosted.address.clone());
        }
        let other = |error: &dyn std::fmt::Display| io::Error::other(error.to_string());
        let dirs = Arc::new(LocalDirs::within(self.directory(application)?).map_err(|e| other(&e))?);
        let files = SharedFiles::open(dirs.path().join(SHARED_DIRECTORY)).map_err(|e| other(&e))?;
        if let Some(secret) = launch.secret.as_ref().filter(|_| launch.encrypted) {
            files.encrypt_with(&Cipher::of_secret(secret));
        }
        let blocks = HostBlocks::new(Arc::new(files), dirs);
        let credentials = credentials_of(launch)?;
        let listener = Listener::bind(&format!("{}:0", self.shared.host), credentials, Limits::default())?;
        let address = format!("{}:{}", self.shared.host, listener.address().port());
        let handle = move |connection: Connection| {
            if connection.purpose() == Purpose::Blocks {
                serve_blocks(connection, &blocks);
            }
        };
        let serving = listener.serve("firesteel-host-service", handle)?;
        hosted.insert(application.clone(), HostedApplication { address: address.clone(), _serving: serving });
        Ok(address)
    }

    /// An application has ended: its files are served no more, and go.
    pub(super) fn remove(&self, application: &ApplicationId) {
        let hosted = self.shared.hosted.lock().unwrap_or_else(PoisonError::into_inner).remove(application);
        drop(hosted);
        if let Ok(directory) = self.directory(application) {
            let _ = fs::remove_dir_all(directory);
        }
    }

    /// The program of an application's executors: fetched from its driver, where it is a file.
    pub(super) fn program(&self, launch: &LaunchExecutor) -> io::Result<PathBuf> {
        match &launch.program {
            Program::Installed { name } => Ok(PathBuf::from(name)),
            Program::Shipped { hash } => {
                let credentials = credentials_of(launch)?;
                self.shared.programs.get_or_fetch(hash, |file| {
                    let settings = RemoteSettings { retries: 0, retry_wait_ms: 0 };
                    let remote =
                        RemoteFetcher::new(credentials, launch.driver.clone(), String::new(), settings);
                    remote.file(*hash, file).map_err(|error| io::Error::other(error.to_string()))
                })
            }
        }
    }

    /// A file that a submission has brought to the master.
    pub(super) fn submitted(&self, hash: &[u8; 32]) -> io::Result<PathBuf> {
        self.shared.programs.get_or_fetch(hash, |file| {
            let mut last = io::Error::other("there is no master");
            for master in &self.shared.masters {
                match download(&self.shared.client, master, *hash, file) {
                    Ok(()) => return Ok(()),
                    Err(error) => last = error,
                }
            }
            Err(last)
        })
    }

    /// Writes the cluster's secret where only a driver of this worker's user finds it; `None` when nothing is kept secret.
    pub(super) fn write_secret(&self, directory: &Path) -> io::Result<Option<PathBuf>> {
        let Some(secret) = &self.shared.secret else { return Ok(None) };
        let path = directory.join("secret");
        secret.write_new(&path)?;
        Ok(Some(path))
    }
}

/// A name that a master gave becomes a directory's: letters, digits and dashes behind a prefix, so that it leads neither out of the
/// worker's directory nor to what else is in it.
fn checked<'a>(name: &'a str, prefix: &str) -> io::Result<&'a str> {
    let is_plain = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && is_plain(rest)) {
        true => Ok(name),
        false => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, format!("no master gives the name {name:?}")))
        }
    }
}

fn credentials_of(launch: &LaunchExecutor) -> io::Result<Credentials> {
    match &launch.secret {
        None => Ok(Credentials::insecure()),
        Some(secret) => {
            let secret = Secret::from_text(secret).map_err(|error| io::Error::other(error.to_string()))?;
            Ok(Credentials::of(&secret))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_directory_or_to_its_other_files() {
        assert!(checked("app-20261126205743-0000", "app-").is_ok());
        let bad = [
            "",
            "app-",
            "programs",
            "lock",
            "app-/..",
            "app-1/../../x",
            "../app-1",
            "driver-1",
            "app-1\0",
            "app-$(x)",
        ];
        assert!(bad.iter().all(|name| checked(name, "app-").is_err()));
    }
}
