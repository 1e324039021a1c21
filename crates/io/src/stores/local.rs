//! The local disks. Files are written beside their place under a hidden name and renamed, so that they appear whole.

use crate::error::{IoCause, IoError, IoOperation};
use crate::path;
use crate::store::{
    CommitMeans, Detail, Entry, Growing, GrowingFile, Kind, Named, ReadFile, Renaming, Store, WriteFile,
};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of bytes of small writes that are gathered; larger writes go straight through.
const WRITE_BUFFER_BYTES: usize = 64 << 10;

/// The disks of this machine, as its file system shows them.
pub(crate) struct Local;

impl Store for Local {
    fn root(&self) -> &str {
        ""
    }

    fn kind(&self, path: &str) -> Result<Option<Kind>, IoError> {
        let path = Path::new(path);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Ok(Some(Kind::Directory)),
            Ok(metadata) => Ok(Some(Kind::File { length: metadata.len() })),
            // A link without a target is there, and cannot be read.
            Err(error) if is_absence(&error) && fs::symlink_metadata(path).is_err() => Ok(None),
            Err(error) => Err(IoError::os(IoOperation::List, path, error)),
        }
    }

    fn entries(&self, directory: &str) -> Result<Option<Vec<Entry>>, IoError> {
        let listed = fs::read_dir(directory)
            .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>());
        match listed {
            Ok(mut names) => {
                names.sort();
                Ok(Some(names.iter().map(|name| local_entry(name)).collect()))
            }
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(IoError::os(IoOperation::List, Path::new(directory), error)),
        }
    }

    fn details(&self, directory: &str) -> Result<Option<Vec<Detail>>, IoError> {
        let listed = fs::read_dir(directory).and_then(|entries| {
            // A name that is gone by now, or is no text, is left out.
            let detail =
                |entry: io::Result<fs::DirEntry>| entry.map(|entry| local_detail(&entry)).transpose();
            entries.filter_map(detail).collect::<io::Result<Vec<_>>>()
        });
        match listed {
            Ok(mut details) => {
                details.sort_by(|a, b| a.name.cmp(&b.name));
                Ok(Some(details))
            }
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(IoError::os(IoOperation::List, Path::new(directory), error)),
        }
    }

    fn open(&self, path: &str) -> Result<Box<dyn ReadFile>, IoError> {
        let fail = |error: io::Error| IoError::new(IoOperation::Read, path, error.into());
        let file = File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(fail(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Box::new(LocalFile { file, path: path.into(), length: metadata.len() }))
    }

    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>, IoError> {
        // The program may go to another directory before the file is finished.
        let absolute = path::absolute(IoOperation::Create, path)?;
        if absolute.symlink_metadata().is_ok() {
            return Err(IoError::new(IoOperation::Create, path, IoCause::OutputExists));
        }
        let output = LocalOutput::create(absolute);
        Ok(Box::new(output.map_err(|error| IoError::new(IoOperation::Create, path, error.into()))?))
    }

    fn remove_tree(&self, path: &str) -> Result<(), IoError> {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(IoError::new(IoOperation::Abort, path, error.into()))
            }
            _ => Ok(()),
        }
    }

    fn commit_means(&self) -> CommitMeans {
        CommitMeans::Renames(Arc::new(Local))
    }

    fn growing(&self) -> Option<Arc<dyn Growing>> {
        Some(Arc::new(Local))
    }
}

fn local_detail(entry: &fs::DirEntry) -> Option<Detail> {
    let name = entry.file_name().into_string().ok()?;
    // Of the target, where it is a link.
    let metadata = fs::metadata(entry.path()).ok()?;
    let kind = match metadata.is_dir() {
        true => Kind::Directory,
        false => Kind::File { length: metadata.len() },
    };
    let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Some(Detail { name, kind, modified_ms: since.map(|since| since.as_millis() as u64) })
}

fn local_entry(name: &std::ffi::OsStr) -> Entry {
    Entry { name: name.to_string_lossy().into_owned(), kind: None, is_text: name.to_str().is_some() }
}

/// Returns whether the error says that nothing of that name is there.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

impl Renaming for Local {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn make_directories(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_empty_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Named>> {
        let named = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            Ok(Named { name: entry.file_name(), is_directory: entry.file_type()?.is_dir() })
        };
        fs::read_dir(directory)?.map(named).collect()
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }

    fn write_text(&self, path: &Path, text: &str) -> io::Result<()> {
        fs::write(path, text)
    }

    fn read_text(&self, path: &Path) -> io::Result<String> {
        fs::read_to_string(path)
    }

    fn create(&self, path: PathBuf) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(LocalOutput::create(path)?))
    }

    fn shown(&self, path: &Path) -> String {
        path.to_string_lossy().into_owned()
    }
}

impl Growing for Local {
    fn grow(&self, path: &str, mode: u32) -> Result<Box<dyn GrowingFile>, IoError> {
        // The program may go to another directory before the file is closed.
        let absolute = path::absolute(IoOperation::Create, path)?;
        let fail = |error: io::Error| IoError::new(IoOperation::Create, path, error.into());
        let mut options = File::options();
        let file =
            options.write(true).create(true).truncate(true).mode(mode).open(&absolute).map_err(fail)?;
        // The mask of the process does not apply: who may read a log is the caller's to say.
        file.set_permissions(fs::Permissions::from_mode(mode)).map_err(fail)?;
        let path = path.to_string();
        Ok(Box::new(LocalGrowing { file: BufWriter::with_capacity(WRITE_BUFFER_BYTES, file), path }))
    }

    fn make_directory(&self, path: &str, mode: u32) -> Result<(), IoError> {
        let made = fs::DirBuilder::new().mode(mode).create(path);
        made.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode))).map_err(|error| {
            let cause = match error.kind() {
                io::ErrorKind::AlreadyExists => IoCause::OutputExists,
                _ => error.into(),
            };
            IoError::new(IoOperation::Create, path, cause)
        })
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), IoError> {
        fs::rename(from, to).map_err(|error| {
            let cause = IoCause::Rename { to: to.into(), message: error.to_string() };
            IoError::new(IoOperation::Write, from, cause)
        })
    }

    fn remove_file(&self, path: &str) -> Result<(), IoError> {
        match fs::remove_file(path) {
            Err(error) if !is_absence(&error) => Err(IoError::new(IoOperation::Abort, path, error.into())),
            _ => Ok(()),
        }
    }
}

/// A file that grows in its place.
#[derive(Debug)]
struct LocalGrowing {
    file: BufWriter<File>,
    path: String,
}

impl Write for LocalGrowing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl GrowingFile for LocalGrowing {
    fn show(&mut self) -> Result<(), IoError> {
        self.file.flush().map_err(|error| IoError::from_io(IoOperation::Write, &self.path, error))
    }
}

/// A file that is read.
#[derive(Debug)]
struct LocalFile {
    file: File,
    path: String,
    length: u64,
}

impl ReadFile for LocalFile {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, IoError> {
        let mut bytes = vec![0; length];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let found = self.file.metadata().map_or(self.length, |metadata| metadata.len());
                let cause = IoCause::Shrunk { expected: offset.saturating_add(length as u64), found };
                Err(IoError::new(IoOperation::Read, &self.path, cause))
            }
            Err(error) => Err(IoError::from_io(IoOperation::Read, &self.path, error)),
        }
    }
}

impl Read for LocalFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for LocalFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// A file that is written, beside its place under a hidden name, and renamed.
#[derive(Debug)]
struct LocalOutput {
    file: BufWriter<File>,
    temporary: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl LocalOutput {
    fn create(path: PathBuf) -> io::Result<LocalOutput> {
        let temporary = temporary_name(&path);
        let file = BufWriter::with_capacity(WRITE_BUFFER_BYTES, File::create_new(&temporary)?);
        Ok(LocalOutput { file, temporary, path, finished: false })
    }

    fn put_in_place(&mut self) -> io::Result<()> {
        self.file.flush()?;
        fs::rename(&self.temporary, &self.path)?;
        self.finished = true;
        Ok(())
    }
}

impl WriteFile for LocalOutput {
    fn finish(mut self: Box<Self>) -> Result<(), IoError> {
        self.put_in_place()
            .map_err(|error| IoError::from_io(IoOperation::Write, self.path.to_string_lossy(), error))
    }
}

impl Write for LocalOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for LocalOutput {
    fn drop(&mut self) {
        if !self.finished {
            // The file may be gone with its directory. One that stays is hidden, so no reader takes it for
            // data.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Returns a hidden name beside a path, which no other output of this host has.
fn temporary_name(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}-{number}.writing", std::process::id()))
}

/// Returns a file that writes to a device, for tests of writes that fail.
#[cfg(test)]
pub(crate) fn device(device: &str, path: &str) -> Box<dyn WriteFile> {
    let file = File::options().write(true).open(device).unwrap();
    let file = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
    let temporary = PathBuf::from("/no/such/file");
    Box::new(LocalOutput { file, temporary, path: path.into(), finished: false })
}
