//! Hadoop's file system, through a client that speaks its protocols by itself, without Java. It has directories and renames
//! as local disks do, so files are written under a hidden name and renamed, and jobs commit by renaming.

mod cluster;
mod grow;
mod read;
mod write;

pub(crate) use cluster::Cluster;

use crate::error::{IoCause, IoError, IoOperation};
use crate::store::{
    CommitMeans, Detail, Entry, Growing, GrowingFile, Kind, Named, ReadFile, Renaming, Store, WriteFile,
};
use bytes::Bytes;
use grow::HdfsGrowing;
use hdfs_native::WriteOptions;
use hdfs_native::client::FileStatus;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use write::{HdfsOutput, hidden_sibling};

impl Store for Arc<Cluster> {
    fn root(&self) -> &str {
        &self.root
    }

    fn kind(&self, path: &str) -> Result<Option<Kind>, IoError> {
        Ok(self.status(IoOperation::List, path)?.map(|status| kind(&status)))
    }

    fn entries(&self, directory: &str) -> Result<Option<Vec<Entry>>, IoError> {
        let details = self.details(directory)?;
        Ok(details.map(|all| all.into_iter().map(|one| Entry::new(one.name, one.kind)).collect()))
    }

    fn details(&self, directory: &str) -> Result<Option<Vec<Detail>>, IoError> {
        let directory = if directory.is_empty() { "/" } else { directory };
        // The listing of a file would be the file itself.
        match self.kind(directory)? {
            Some(Kind::Directory) => {}
            Some(Kind::File { .. }) | None => return Ok(None),
        }
        let listed = self.call(IoOperation::List, directory, |cluster, path| async move {
            cluster.client.list_status(&path, false).await
        })?;
        let mut details: Vec<Detail> = listed.iter().map(detail).collect();
        details.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(details))
    }

    fn open(&self, path: &str) -> Result<Box<dyn ReadFile>, IoError> {
        Ok(Box::new(read::open(self, trimmed(path))?))
    }

    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>, IoError> {
        let path = trimmed(path);
        if self.status(IoOperation::Create, path)?.is_some() {
            return Err(IoError::new(IoOperation::Create, Cluster::shown(self, path), IoCause::OutputExists));
        }
        Ok(Box::new(HdfsOutput::create(self.clone(), path)?))
    }

    fn remove_tree(&self, path: &str) -> Result<(), IoError> {
        self.delete(IoOperation::Abort, trimmed(path), true).map(drop)
    }

    fn commit_means(&self) -> CommitMeans {
        CommitMeans::Renames(Arc::new(self.clone()))
    }

    fn growing(&self) -> Option<Arc<dyn Growing>> {
        Some(Arc::new(self.clone()))
    }
}

fn detail(status: &FileStatus) -> Detail {
    let name = name_of(&status.path).to_string();
    Detail { name, kind: kind(status), modified_ms: Some(status.modification_time) }
}

fn kind(status: &FileStatus) -> Kind {
    if status.isdir { Kind::Directory } else { Kind::File { length: status.length as u64 } }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Returns a path without the slashes at its end, but for the root's.
fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        path => path,
    }
}

impl Cluster {
    fn require(&self, path: &Path, found: Result<bool, IoError>) -> io::Result<()> {
        match found {
            Ok(true) => Ok(()),
            Ok(false) => {
                let shown = self.shown(&path.to_string_lossy());
                let absent = IoError::new(IoOperation::Abort, shown, IoCause::NotFound);
                Err(io_error(absent))
            }
            Err(error) => Err(io_error(error)),
        }
    }
}

impl Renaming for Arc<Cluster> {
    /// Makes a directory by renaming one of another name, so that of several that make the same one only the
    /// first does.
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        let path = text(path)?;
        if self.status(IoOperation::Create, path).map_err(io_error)?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let own = hidden_sibling(path);
        self.make_directories(&own, false).map_err(io_error)?;
        self.rename(IoOperation::Create, &own, path).map_err(|error| {
            let _ = self.delete(IoOperation::Create, &own, false);
            io_error(error)
        })
    }

    fn make_directories(&self, path: &Path) -> io::Result<()> {
        self.make_directories(text(path)?, true).map_err(io_error)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rename(IoOperation::Commit, text(from)?, text(to)?).map_err(io_error)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.require(path, self.delete(IoOperation::Abort, text(path)?, false))
    }

    fn remove_empty_directory(&self, path: &Path) -> io::Result<()> {
        self.require(path, self.delete(IoOperation::Abort, text(path)?, false))
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.require(path, self.delete(IoOperation::Abort, text(path)?, true))
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        Ok(self.list(directory)?.into_iter().map(|entry| entry.name).collect())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Named>> {
        let entries = self.entries(text(directory)?).map_err(io_error)?;
        let entries = entries.ok_or(io::ErrorKind::NotFound)?.into_iter();
        let is_directory = |entry: &Entry| matches!(entry.kind, Some(Kind::Directory));
        Ok(entries
            .map(|entry| Named { is_directory: is_directory(&entry), name: entry.name.into() })
            .collect())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.status(IoOperation::Commit, text(path)?).map_err(io_error)?.is_some())
    }

    fn write_text(&self, path: &Path, text_: &str) -> io::Result<()> {
        let (path, bytes) = (text(path)?, Bytes::from(text_.to_string()));
        let written = self.call(IoOperation::Write, path, |cluster, path| async move {
            let options = WriteOptions::default().create_parent(false).overwrite(true);
            let mut writer = cluster.client.create(&path, options).await?;
            if !bytes.is_empty() {
                writer.write_bytes(bytes).await?;
            }
            writer.close().await
        });
        written.map_err(io_error)
    }

    fn read_text(&self, path: &Path) -> io::Result<String> {
        let mut held = String::new();
        Store::open(self, text(path)?).map_err(io_error)?.read_to_string(&mut held)?;
        Ok(held)
    }

    fn create(&self, path: PathBuf) -> io::Result<Box<dyn WriteFile>> {
        let output = HdfsOutput::create(self.clone(), text(&path)?).map_err(io_error)?;
        Ok(Box::new(output))
    }

    fn shown(&self, path: &Path) -> String {
        Cluster::shown(self, &path.to_string_lossy())
    }
}

impl Growing for Arc<Cluster> {
    fn grow(&self, path: &str, mode: u32) -> Result<Box<dyn GrowingFile>, IoError> {
        Ok(Box::new(HdfsGrowing::create(self.clone(), trimmed(path), mode)?))
    }

    fn make_directory(&self, path: &str, mode: u32) -> Result<(), IoError> {
        let path = trimmed(path);
        if self.status(IoOperation::Create, path)?.is_some() {
            return Err(IoError::new(IoOperation::Create, Cluster::shown(self, path), IoCause::OutputExists));
        }
        self.make_directories(path, false)?;
        self.set_mode(path, mode)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), IoError> {
        Cluster::rename(self, IoOperation::Write, trimmed(from), trimmed(to))
    }

    fn remove_file(&self, path: &str) -> Result<(), IoError> {
        self.delete(IoOperation::Abort, trimmed(path), false).map(drop)
    }
}

/// Returns a path as text, from which it was made.
fn text(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// Returns an error of the kind that the local file system would have given, with the [`IoError`] inside.
fn io_error(error: IoError) -> io::Error {
    let kind = match &error.cause {
        IoCause::NotFound => io::ErrorKind::NotFound,
        IoCause::OutputExists => io::ErrorKind::AlreadyExists,
        // Of the answer that a directory is not empty the cause has kept only the words.
        IoCause::Store { message, .. } if message.contains("non empty") => io::ErrorKind::DirectoryNotEmpty,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
