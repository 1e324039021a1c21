//! One file, read or written, wherever it is: the seam between formats, which know bytes, and the stores that bytes come from and
//! go to. Formats and operators open everything through [`Input`] and write everything through [`Output`].

use crate::error::{IoError, IoOperation};
use crate::location::Location;
use crate::store::{ReadFile, WriteFile};
use crate::stores::Stores;
use crate::traffic;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// A file opened for reading at any position. Not buffered: formats that read in crumbs put a `BufReader` around it.
///
/// Errors that pass through [`Read`] and [`Seek`] keep the [`IoError`] inside, if there is one: [`IoError::from_io`] takes
/// it out again.
///
/// ```
/// use firesteel_io::{Input, Output, Stores};
/// use std::io::{Read, Write};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("greeting").to_str().unwrap().to_string();
/// let stores = Stores::default();
/// let mut output = Output::create(&stores, &path)?;
/// output.write_all(b"hello")?;
/// assert_eq!(output.finish()?, 5);
///
/// let mut input = Input::open(&stores, &path)?;
/// assert_eq!((input.len(), input.read_at(1, 3)?), (5, b"ell".to_vec()));
/// let mut text = String::new();
/// input.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Input {
    file: Box<dyn ReadFile>,
    path: String,
}

impl Input {
    /// Opens a file.
    ///
    /// # Errors
    /// When there is no such file, it may not be read, or it is a directory.
    pub fn open(stores: &Stores, path: &str) -> Result<Input, IoError> {
        let location = Location::of(stores, IoOperation::Read, path)?;
        Ok(Input { file: location.store.open(&location.path)?, path: path.into() })
    }

    /// Tells that a sequential read will probably end at `end`, so that less is fetched beyond it.
    pub(crate) fn expect_end(&mut self, end: u64) {
        self.file.expect_end(end);
    }

    /// Returns the number of bytes that the file had when it was opened.
    #[expect(clippy::len_without_is_empty, reason = "a file's length is a number, not a question")]
    pub fn len(&self) -> u64 {
        self.file.len()
    }

    /// Returns the path as it was given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns exactly `length` bytes from `offset` on. The position of [`Read`] does not matter, and does
    /// not move.
    ///
    /// # Errors
    /// [`IoCause::Shrunk`](crate::IoCause::Shrunk) when the file ends before; or when it cannot be read.
    pub fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, IoError> {
        let bytes = self.file.read_at(offset, length)?;
        traffic::count_read(bytes.len());
        Ok(bytes)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        traffic::count_read(length);
        Ok(length)
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// A file being written. Nothing is visible under its name before [`Output::finish`]; dropped unfinished, it leaves nothing.
///
/// Small writes are gathered. Errors that pass through [`Write`] keep the [`IoError`] inside, if there is one.
///
/// ```
/// use std::io::Write;
/// use firesteel_io::{Output, Stores};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("greeting").to_str().unwrap().to_string();
/// let mut output = Output::create(&Stores::default(), &path)?;
/// output.write_all(b"hello")?;
/// assert!(!std::fs::exists(&path)?);
/// drop(output);
/// assert_eq!(std::fs::read_dir(dir.path())?.count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Output {
    file: Box<dyn WriteFile>,
    path: String,
    bytes: u64,
}

impl Output {
    /// Begins a file, in a directory that exists.
    ///
    /// # Errors
    /// [`IoCause::OutputExists`](crate::IoCause::OutputExists) when there is a file of that name; or when none can be made there.
    pub fn create(stores: &Stores, path: &str) -> Result<Output, IoError> {
        let location = Location::of(stores, IoOperation::Create, path)?;
        Ok(Output::new(location.store.create(&location.path)?, path.into()))
    }

    /// Takes a file that a store has begun.
    pub(crate) fn new(file: Box<dyn WriteFile>, path: String) -> Output {
        Output { file, path, bytes: 0 }
    }

    /// Returns the path that the file will have.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Makes the file appear, whole, and returns the number of its bytes. It is then with the operating
    /// system, which may not have put it on the disk yet.
    ///
    /// # Errors
    /// When the gathered bytes cannot be written. Nothing is left then.
    pub fn finish(self) -> Result<u64, IoError> {
        self.file.finish()?;
        Ok(self.bytes)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        traffic::count_written(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::IoCause;
    use std::path::Path;

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a").to_str().unwrap().to_string();
        let mut output = Output::create(&Stores::default(), &path).unwrap();
        output.write_all(&[7; 100_000]).unwrap();
        assert!(!dir.path().join("a").exists());
        drop(output);
        assert!(names(dir.path()).is_empty());
        let mut output = Output::create(&Stores::default(), &format!("file:{path}")).unwrap();
        output.write_all(&[7; 100_000]).unwrap();
        assert_eq!(output.finish().unwrap(), 100_000);
        assert_eq!(names(dir.path()), ["a"]);
        let error = Output::create(&Stores::default(), &path).unwrap_err();
        assert_eq!((error.operation, error.cause), (IoOperation::Create, IoCause::OutputExists));
    }

    #[test]
    fn what_is_read_at_a_position_is_all_there_or_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a").to_str().unwrap().to_string();
        std::fs::write(&path, "0123456789").unwrap();
        let mut input = Input::open(&Stores::default(), &path).unwrap();
        input.seek(SeekFrom::Start(8)).unwrap();
        assert_eq!(input.read_at(3, 4).unwrap(), b"3456");
        assert_eq!(input.read_at(10, 0).unwrap(), b"");
        let mut rest = vec![];
        input.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"89");
        let error = input.read_at(8, 3).unwrap_err();
        assert_eq!(error.cause, IoCause::Shrunk { expected: 11, found: 10 });
        assert!(Input::open(&Stores::default(), dir.path().to_str().unwrap()).is_err());
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
