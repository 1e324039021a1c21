//! The applications that a worker hosts: each has a directory there, and a service that sends its files to
//! processes with the application's secret.

use super::config::WorkerConfig;
use super::logs::{KEPT_LOGS, KeptLogs};
use super::process_name::ProcessName;
use crate::standalone::programs::{ProgramStore, download};
use crate::standalone::{LaunchExecutor, Program};
use firesteel_net::bulk::{BlockClient, BlockClientSettings, serve_blocks};
use firesteel_net::{Connection, Credentials, Limits, Listener, Purpose, Secret, Serving};
use firesteel_protocol::LogStream;
use firesteel_standalone::{ApplicationId, DriverRun};
use firesteel_storage::LocalDirs;
use firesteel_transfer::{BlockServer, RemoteFetcher, RetryPolicy};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The applications that a worker hosts. Clones share one state.
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
    kept: Mutex<KeptLogs>,
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
            kept: Mutex::default(),
        };
        HostedApplications { shared: Arc::new(shared) }
    }

    pub(super) fn host(&self) -> &str {
        &self.shared.host
    }

    pub(super) fn masters(&self) -> &[String] {
        &self.shared.masters
    }

    /// Returns an application's directory.
    ///
    /// # Errors
    /// When the id is none that a master gives to applications.
    pub(super) fn directory(&self, application: &ApplicationId) -> io::Result<PathBuf> {
        Ok(self.shared.dir.join(checked(application.as_str(), "app-")?))
    }

    /// Makes the directory of a run of a driver.
    pub(super) fn driver_directory(&self, run: &DriverRun) -> io::Result<PathBuf> {
        let driver = checked(run.driver.as_str(), "driver-")?;
        let directory = self.shared.dir.join(format!("{driver}-{}", run.attempt));
        LocalDirs::within(directory.clone()).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(directory)
    }

    /// Makes an application's directory and serves its files, unless its service is there already. Returns
    /// the service's address.
    pub(super) fn serve(&self, application: &ApplicationId, launch: &LaunchExecutor) -> io::Result<String> {
        let mut hosted = self.shared.hosted.lock();
        if let Some(hosted) = hosted.get(application) {
            return Ok(hosted.address.clone());
        }
        let other = |error: &dyn std::fmt::Display| io::Error::other(error.to_string());
        let secret = launch.secret.as_deref().filter(|_| launch.encrypted);
        let blocks =
            BlockServer::of_application(self.directory(application)?, secret).map_err(|e| other(&e))?;
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

    /// Returns the path of a file into which a process writes, or wrote. Only files of such names below the worker's directory
    /// can be meant, whatever the name is.
    ///
    /// # Errors
    /// When the name is none that a master gives.
    pub(super) fn log(&self, of: &ProcessName, stream: LogStream) -> io::Result<PathBuf> {
        match of {
            ProcessName::Driver(run) => {
                let driver = checked(run.driver.as_str(), "driver-")?;
                Ok(self.shared.dir.join(format!("{driver}-{}", run.attempt)).join(stream.name()))
            }
            ProcessName::Executor(executor) => {
                let name = format!("executor-{}.{}", executor.executor.0, stream.name());
                let living = self.directory(&executor.application)?.join(&name);
                let kept = self.kept_logs().join(executor.application.as_str()).join(&name);
                Ok(if living.exists() { living } else { kept })
            }
        }
    }

    fn kept_logs(&self) -> PathBuf {
        self.shared.dir.join(KEPT_LOGS)
    }

    /// Stops the service of an application that has ended, and removes its files. What its executors wrote is kept for a while.
    pub(super) fn remove(&self, application: &ApplicationId) {
        let hosted = self.shared.hosted.lock().remove(application);
        drop(hosted);
        if let Ok(directory) = self.directory(application) {
            self.shared.kept.lock().keep(&directory, &self.kept_logs(), application.as_str());
            let _ = fs::remove_dir_all(directory);
        }
    }

    /// Returns the program of an application's executors. A shipped one is fetched from the driver once.
    pub(super) fn program(&self, launch: &LaunchExecutor) -> io::Result<PathBuf> {
        match &launch.program {
            Program::Installed { name } => Ok(PathBuf::from(name)),
            Program::Shipped { hash } => {
                let credentials = credentials_of(launch)?;
                self.shared.programs.get_or_fetch(hash, |file| {
                    let remote = RemoteFetcher::new(
                        credentials,
                        launch.driver.clone(),
                        String::new(),
                        RetryPolicy::NEVER,
                    );
                    remote.file(*hash, file).map_err(|error| io::Error::other(error.to_string()))
                })
            }
        }
    }

    /// Returns a file that was submitted to a master. It is fetched from there once.
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

    /// Writes the cluster's secret into a driver's directory, readable by this worker's user alone. Returns
    /// `None` when connections are not authenticated.
    pub(super) fn write_secret(&self, directory: &Path) -> io::Result<Option<PathBuf>> {
        let Some(secret) = &self.shared.secret else { return Ok(None) };
        let path = directory.join("secret");
        secret.write_new(&path)?;
        Ok(Some(path))
    }
}

/// Checks a name that a master gave and that becomes a directory's: letters, digits and dashes behind a
/// prefix, so that the path stays inside the worker's directory and meets none of the worker's own files.
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
    fn every_name_stays_inside_the_directory_and_meets_none_of_its_other_files() {
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
