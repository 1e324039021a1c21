//! The staging directory: the files that nodes fetch for an application's containers, among them its secret. It is the user's
//! alone, and is removed at the end.

use crate::YarnError;
use crate::configuration::Configuration;
use crate::messages::{LocalResource, StringLocalResourceMap, Url};
use crate::settings::Place;
use firesteel_io::{Directory, IoCause, IoError, Stores, remove_directory};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// The directory in a user's home that holds those of applications.
const PARENT: &str = ".firesteelStaging";

/// The permissions of directories, of secrets, and of programs.
const DIRECTORY_MODE: u32 = 0o700;
const PRIVATE_MODE: u32 = 0o600;
const PROGRAM_MODE: u32 = 0o700;

/// Bytes that are copied at a time.
const PIECE: usize = 1 << 20;

/// A file (and not an archive) that belongs to one application.
const TYPE_FILE: i32 = 2;
const VISIBLE_TO_APPLICATION: i32 = 3;

/// Returns the path of an application's staging directory in a user's home.
pub(crate) fn path(home: &str, application: &str) -> String {
    format!("{}/{PARENT}/{application}", home.trim_end_matches('/'))
}

/// An application's staging directory. It is removed when this is dropped, unless it is to be kept.
#[derive(Debug)]
pub(crate) struct Staging {
    stores: Stores,
    directory: Directory,
    /// Its path, as a user writes it.
    path: String,
    kept: bool,
    is_left: bool,
}

impl Staging {
    /// Makes the directory of an application.
    pub(crate) fn make(
        stores: &Stores,
        home: &str,
        application: &str,
        kept: bool,
    ) -> Result<Staging, YarnError> {
        let failed = |error: IoError| unstaged(home, &error);
        let home = home.trim_end_matches('/');
        let own = Directory::at(stores, home).map_err(failed)?;
        let parent = own.inside(PARENT);
        for directory in [&own, &parent] {
            match directory.make(DIRECTORY_MODE) {
                Err(error) if error.cause != IoCause::OutputExists => return Err(failed(error)),
                _ => {}
            }
        }
        let directory = parent.inside(application);
        directory.make(DIRECTORY_MODE).map_err(failed)?;
        Ok(Staging { stores: stores.clone(), directory, path: path(home, application), kept, is_left: false })
    }

    /// Takes over the directory that the submitting process has made.
    pub(crate) fn existing(stores: &Stores, path: &str, kept: bool) -> Result<Staging, YarnError> {
        let directory = Directory::at(stores, path).map_err(|error| unstaged(path, &error))?;
        Ok(Staging { stores: stores.clone(), directory, path: path.into(), kept, is_left: false })
    }

    /// Leaves the directory as it is: another process removes it.
    pub(crate) fn keep(mut self) {
        self.is_left = true;
    }

    /// Returns its path.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Copies a program of this machine here.
    pub(crate) fn add_program(
        &self,
        name: &str,
        program: &Path,
    ) -> Result<StringLocalResourceMap, YarnError> {
        let copy = || -> io::Result<()> {
            let mut from = File::open(program)?;
            let mut to = self.directory.grow(name, PROGRAM_MODE).map_err(io::Error::other)?;
            let mut piece = vec![0; PIECE];
            loop {
                match from.read(&mut piece)? {
                    0 => break,
                    read => to.write_all(&piece[..read])?,
                }
            }
            to.close().map_err(io::Error::other)
        };
        copy().map_err(|error| unstaged(&self.path, &error))?;
        self.resource(name)
    }

    /// Writes a file that only the user may read.
    pub(crate) fn add_private(
        &self,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<StringLocalResourceMap, YarnError> {
        self.directory.put(name, bytes, PRIVATE_MODE).map_err(|error| unstaged(&self.path, &error))?;
        self.resource(name)
    }

    /// Describes a file for nodes: they compare size and time with what they find.
    pub(crate) fn resource(&self, name: &str) -> Result<StringLocalResourceMap, YarnError> {
        let entries =
            self.directory.entries().map_err(|error| unstaged(&self.path, &error))?.unwrap_or_default();
        let entry = entries.into_iter().find(|entry| entry.name == name);
        let (size, time) = entry.and_then(|entry| entry.length.zip(entry.modified_ms)).unwrap_or_default();
        let value = LocalResource {
            resource: Some(url(&format!("{}/{name}", self.path))),
            size: Some(size as i64),
            timestamp: Some(time as i64),
            kind: Some(TYPE_FILE),
            visibility: Some(VISIBLE_TO_APPLICATION),
        };
        Ok(StringLocalResourceMap { key: Some(name.into()), value: Some(value) })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.is_left {
            return;
        }
        if self.kept {
            return tracing::warn!(
                "the files of the application stay in {}, with its secret among them",
                self.path
            );
        }
        if let Err(error) = remove_directory(&self.stores, &self.path) {
            tracing::warn!("the files of the application in {} cannot be removed: {error}", self.path);
        }
    }
}

/// Returns the directory in which those of applications are made.
pub(crate) fn home(place: &Place) -> Result<String, YarnError> {
    let local_home = std::env::var("HOME").ok();
    home_of(&place.configuration, place.staging.as_deref(), &place.user, local_home)
}

/// Returns the user's home in the cluster's file system; in a directory that is set, the user's own.
fn home_of(
    configuration: &Configuration,
    set: Option<&str>,
    user: &str,
    local_home: Option<String>,
) -> Result<String, YarnError> {
    let system =
        configuration.get("fs.defaultFS").or(configuration.get("fs.default.name")).unwrap_or("file:///");
    let system = system.trim_end_matches('/');
    let is_local = system.starts_with("file:");
    if let Some(set) = set {
        let set = set.trim_end_matches('/');
        let whole = if set.contains(':') || is_local { set.to_string() } else { format!("{system}{set}") };
        return Ok(format!("{whole}/{user}"));
    }
    if !is_local {
        let prefix = configuration.get("dfs.user.home.dir.prefix").unwrap_or("/user");
        return Ok(format!("{system}{prefix}/{user}"));
    }
    local_home.filter(|home| home.starts_with('/')).ok_or_else(|| YarnError::Configuration {
        what: "there is no home directory for the files of containers".into(),
        remedy:
            "set `firesteel.yarn.staging_dir` to a directory that this machine and the cluster's nodes have"
                .into(),
    })
}

fn unstaged(place: &str, error: &dyn std::fmt::Display) -> YarnError {
    YarnError::Configuration {
        what: format!("the files for containers cannot be put below {place}: {error}"),
        remedy: "set `firesteel.yarn.staging_dir` to a directory that you may write to, and that the cluster's nodes reach".into(),
    }
}

/// Returns a path as YARN's record of an address.
fn url(path: &str) -> Url {
    let (scheme, rest) = match path.split_once(':') {
        Some((scheme, rest)) if !scheme.contains('/') => (scheme, rest),
        _ => ("file", path),
    };
    let (authority, file) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().unwrap_or(-1)),
        None => (authority, -1),
    };
    Url {
        scheme: Some(scheme.into()),
        host: Some(host.to_string()).filter(|host| !host.is_empty()),
        port: Some(port),
        file: Some(file.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn files_are_the_users_alone_and_go_with_the_application() {
        let home = tempfile::tempdir().unwrap();
        let program = home.path().join("program");
        std::fs::write(&program, "#!").unwrap();
        let staging =
            Staging::make(&Stores::default(), home.path().to_str().unwrap(), "application_1_0001", false)
                .unwrap();
        let place = home.path().join(".firesteelStaging/application_1_0001");
        let secret = staging.add_private("c.json", b"{}".to_vec()).unwrap().value.unwrap();
        assert_eq!(secret.size, Some(2));
        let modified = std::fs::metadata(place.join("c.json")).unwrap().modified().unwrap();
        let modified = modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
        assert_eq!(secret.timestamp, Some(modified));
        staging.add_program("program", &program).unwrap();
        let mode = |name: &str| std::fs::metadata(place.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("."), mode(".."), mode("c.json"), mode("program")), (0o700, 0o700, 0o600, 0o700));
        drop(staging);
        assert!(!place.exists() && place.parent().unwrap().exists());
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_told_with_what_to_set() {
        let error = Staging::make(&Stores::default(), "/no/such/home", "a", false).unwrap_err().to_string();
        assert!(error.contains("/no/such/home") && error.contains("firesteel.yarn.staging_dir"), "{error}");
    }

    #[test]
    fn addresses_as_nodes_read_them() {
        let parts = |path: &str| {
            let url = url(path);
            (url.scheme.unwrap(), url.host.unwrap_or_default(), url.port.unwrap(), url.file.unwrap())
        };
        let of = |scheme: &str, host: &str, port, file: &str| (scheme.into(), host.into(), port, file.into());
        assert_eq!(parts("/a/b"), of("file", "", -1, "/a/b"));
        assert_eq!(parts("file:///a"), of("file", "", -1, "/a"));
        assert_eq!(parts("file:/a"), of("file", "", -1, "/a"));
        assert_eq!(parts("hdfs://nn:8020/a"), of("hdfs", "nn", 8020, "/a"));
        assert_eq!(parts("hdfs://service/a/b"), of("hdfs", "service", -1, "/a/b"));
    }
}
