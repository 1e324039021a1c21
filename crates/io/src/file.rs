//! One file, read or written: the seam between formats, which know bytes, and the places that bytes come from and go to.
//! Formats and operators open everything through [`Input`] and write everything through [`Output`]; only this module
//! and the committer know which place a path is in.

use crate::commit::StagedUpload;
use crate::error::{IoCause, IoError, IoOperation};
use crate::place::{self, Place};
#[cfg(feature = "hdfs")]
use crate::stores::hdfs::{HdfsFile, HdfsOutput};
use crate::stores::objects;
use crate::stores::ranges::RangeReader;
use crate::stores::upload::Upload;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many small writes are gathered; larger ones go straight through.
const WRITE_BUFFER_BYTES: usize = 64 << 10;

/// A file opened for reading at any position. Not buffered: formats that read in crumbs put a `BufReader` around it.
///
/// Errors that pass through [`Read`] and [`Seek`] keep the [`IoError`] inside, if there is one: [`IoError::from_io`] takes
/// it out again.
///
/// ```
/// use firesteel_io::{Input, Output};
/// use std::io::{Read, Write};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("greeting").to_str().unwrap().to_string();
/// let mut output = Output::create(&path)?;
/// output.write_all(b"hello")?;
/// assert_eq!(output.finish()?, 5);
///
/// let mut input = Input::open(&path)?;
/// assert_eq!((input.len(), input.read_at(1, 3)?), (5, b"ell".to_vec()));
/// let mut text = String::new();
/// input.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Input {
    source: Source,
    path: String,
    length: u64,
}

/// Where bytes come from.
#[derive(Debug)]
enum Source {
    Local(File),
    Ranges(RangeReader),
}

impl Input {
    /// Opens a file.
    ///
    /// # Errors
    /// When there is no such file, it may not be read, or it is a directory.
    pub fn open(path: &str) -> Result<Input, IoError> {
        match place::of(IoOperation::Read, path)? {
            Place::Local(local) => Input::open_local(path, &local),
            Place::Object(object) => Ok(Input::in_ranges(path, objects::open(&object)?)),
            #[cfg(feature = "hdfs")]
            Place::Hdfs(file) => Ok(Input::in_ranges(path, file.open()?)),
        }
    }

    fn open_local(path: &str, local: &Path) -> Result<Input, IoError> {
        let fail = |error: io::Error| IoError::new(IoOperation::Read, path, error.into());
        let file = File::open(local).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(fail(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Input { source: Source::Local(file), path: path.into(), length: metadata.len() })
    }

    fn in_ranges(path: &str, reader: RangeReader) -> Input {
        let length = reader.len();
        Input { source: Source::Ranges(reader), path: path.into(), length }
    }

    /// Tells that a sequential read will probably end there, so that less is fetched in vain.
    pub(crate) fn expect_end(&mut self, end: u64) {
        match &mut self.source {
            Source::Local(_) => {}
            Source::Ranges(reader) => reader.expect_end(end),
        }
    }

    /// How many bytes the file had when it was opened.
    #[expect(clippy::len_without_is_empty, reason = "a file's length is a number, not a question")]
    pub fn len(&self) -> u64 {
        self.length
    }

    /// The path as it was given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Exactly so many bytes from a position on, wherever [`Read`] stands, which does not move.
    ///
    /// # Errors
    /// [`IoCause::Shrunk`] when the file ends before; or when it cannot be read.
    pub fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, IoError> {
        let file = match &self.source {
            Source::Local(file) => file,
            Source::Ranges(reader) => return reader.read_at(offset, length),
        };
        let mut bytes = vec![0; length];
        match file.read_exact_at(&mut bytes, offset) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let found = file.metadata().map_or(self.length, |metadata| metadata.len());
                let cause = IoCause::Shrunk { expected: offset.saturating_add(length as u64), found };
                Err(IoError::new(IoOperation::Read, &self.path, cause))
            }
            Err(error) => Err(IoError::from_io(IoOperation::Read, &self.path, error)),
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::Local(file) => file.read(buffer),
            Source::Ranges(reader) => reader.read(buffer).map_err(io::Error::from),
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.source {
            Source::Local(file) => file.seek(to),
            Source::Ranges(reader) => reader.seek(to),
        }
    }
}

/// A file being written. Nothing is visible under its name before [`Output::finish`]; dropped unfinished, it leaves nothing.
///
/// Small writes are gathered. Errors that pass through [`Write`] keep the [`IoError`] inside, if there is one.
///
/// ```
/// use std::io::Write;
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("greeting").to_str().unwrap().to_string();
/// let mut output = firesteel_io::Output::create(&path)?;
/// output.write_all(b"hello")?;
/// assert!(!std::fs::exists(&path)?);
/// drop(output);
/// assert_eq!(std::fs::read_dir(dir.path())?.count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Output {
    sink: Sink,
    path: String,
    bytes: u64,
}

/// Where bytes go to.
#[derive(Debug)]
enum Sink {
    Local(LocalOutput),
    Upload(Upload),
    /// One whose parts the committer will put together.
    Staged(StagedUpload),
    #[cfg(feature = "hdfs")]
    Hdfs(HdfsOutput),
}

impl Output {
    /// Begins a file, in a directory that exists.
    ///
    /// # Errors
    /// [`IoCause::OutputExists`] when there is a file of that name; or when none can be made there.
    pub fn create(path: &str) -> Result<Output, IoError> {
        let refuse = || Err(IoError::new(IoOperation::Create, path, IoCause::OutputExists));
        let sink = match place::of(IoOperation::Create, path)? {
            Place::Local(local) if local.symlink_metadata().is_ok() => return refuse(),
            Place::Local(local) => {
                return Output::create_local(local)
                    .map_err(|error| IoError::new(IoOperation::Create, path, error.into()));
            }
            Place::Object(object) if objects::exists(IoOperation::Create, &object)? => return refuse(),
            Place::Object(object) => Sink::Upload(Upload::new(object)?),
            #[cfg(feature = "hdfs")]
            Place::Hdfs(file) if file.exists(IoOperation::Create)? => return refuse(),
            #[cfg(feature = "hdfs")]
            Place::Hdfs(file) => Sink::Hdfs(HdfsOutput::create(file)?),
        };
        Ok(Output { sink, path: path.into(), bytes: 0 })
    }

    /// A file whose parts are put together by the committer.
    pub(crate) fn staged(upload: StagedUpload, path: String) -> Output {
        Output { sink: Sink::Staged(upload), path, bytes: 0 }
    }

    /// A file in a directory of Hadoop's file system that exists.
    #[cfg(feature = "hdfs")]
    pub(crate) fn create_hdfs(file: HdfsFile) -> Result<Output, IoError> {
        let path = file.path();
        Ok(Output { sink: Sink::Hdfs(HdfsOutput::create(file)?), path, bytes: 0 })
    }

    /// Begins a file in a directory that exists; one of the same name would be replaced.
    pub(crate) fn create_local(path: PathBuf) -> io::Result<Output> {
        let shown = path.to_string_lossy().into_owned();
        Ok(Output { sink: Sink::Local(LocalOutput::create(path)?), path: shown, bytes: 0 })
    }

    /// The path that the file will have.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Makes the file appear, whole, and tells how many bytes it has. It is then with the operating system, which may not
    /// have put it on the disk yet.
    ///
    /// # Errors
    /// When what was gathered cannot be written. Nothing is left then.
    pub fn finish(self) -> Result<u64, IoError> {
        let Output { sink, path, bytes } = self;
        match sink {
            Sink::Local(local) => {
                local.finish().map_err(|error| IoError::from_io(IoOperation::Write, path, error))?;
            }
            Sink::Upload(upload) => upload.complete()?,
            Sink::Staged(upload) => upload.finish(bytes)?,
            #[cfg(feature = "hdfs")]
            Sink::Hdfs(output) => output.finish()?,
        }
        Ok(bytes)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.sink {
            Sink::Local(local) => local.file.write(bytes)?,
            Sink::Upload(upload) => upload.write(bytes)?,
            Sink::Staged(upload) => upload.write(bytes)?,
            #[cfg(feature = "hdfs")]
            Sink::Hdfs(output) => output.write(bytes)?,
        };
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Local(local) => local.file.flush(),
            // Half a part cannot be sent, and nobody could see it.
            Sink::Upload(_) | Sink::Staged(_) => Ok(()),
            #[cfg(feature = "hdfs")]
            Sink::Hdfs(_) => Ok(()),
        }
    }
}

/// A local file, written beside its place under a hidden name, and renamed.
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

    fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        std::fs::rename(&self.temporary, &self.path)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for LocalOutput {
    fn drop(&mut self) {
        if !self.finished {
            // Gone already, or for whoever cleans the directory: nobody is left to be told.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// A hidden name beside a path, which no other output of this host has.
fn temporary_name(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}-{number}.writing", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output whose file is this one, for tests of what cannot be written.
    impl Output {
        pub(crate) fn into_device(device: &str, path: &str) -> Output {
            let file = File::options().write(true).open(device).unwrap();
            let file = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
            let temporary = PathBuf::from("/no/such/file");
            let sink = LocalOutput { file, temporary, path: path.into(), finished: false };
            Output { sink: Sink::Local(sink), path: path.into(), bytes: 0 }
        }
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a").to_str().unwrap().to_string();
        let mut output = Output::create(&path).unwrap();
        output.write_all(&[7; 100_000]).unwrap();
        assert!(!dir.path().join("a").exists());
        drop(output);
        assert!(names(dir.path()).is_empty());
        let mut output = Output::create(&format!("file:{path}")).unwrap();
        output.write_all(&[7; 100_000]).unwrap();
        assert_eq!(output.finish().unwrap(), 100_000);
        assert_eq!(names(dir.path()), ["a"]);
        let error = Output::create(&path).unwrap_err();
        assert_eq!((error.operation, error.cause), (IoOperation::Create, IoCause::OutputExists));
    }

    #[test]
    fn what_is_read_at_a_position_is_all_there_or_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a").to_str().unwrap().to_string();
        std::fs::write(&path, "0123456789").unwrap();
        let mut input = Input::open(&path).unwrap();
        input.seek(SeekFrom::Start(8)).unwrap();
        assert_eq!(input.read_at(3, 4).unwrap(), b"3456");
        assert_eq!(input.read_at(10, 0).unwrap(), b"");
        let mut rest = vec![];
        input.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"89");
        let error = input.read_at(8, 3).unwrap_err();
        assert_eq!(error.cause, IoCause::Shrunk { expected: 11, found: 10 });
        assert!(Input::open(dir.path().to_str().unwrap()).is_err());
    }

    #[test]
    fn an_error_passes_through_the_standard_one_whole() {
        let error = IoError::new(IoOperation::List, "/a", IoCause::NotSplittable(crate::Codec::Gzip));
        let through = IoError::from_io(IoOperation::Read, "/b", io::Error::from(error.clone()));
        assert_eq!(through, error);
        let other = IoError::from_io(IoOperation::Read, "/b", io::ErrorKind::StorageFull.into());
        assert_eq!(other, IoError::new(IoOperation::Read, "/b", IoCause::DiskFull));
    }
}
