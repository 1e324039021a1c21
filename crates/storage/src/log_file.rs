//! Files into which processes of users write their standard output and error: read in parts, for people who look.
//!
//! The program that writes may put anything in the place of its file. So only a plain file is read, at most so many bytes at a
//! time; a link is not followed, since it could lead to what its reader may see and the program's author may not; and nobody waits
//! for a pipe.

use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A part of such a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogText {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The number of bytes before it.
    pub offset: u64,
    /// The length of the whole file, when it was read.
    pub length: u64,
}

impl LogText {
    /// Reads at most so many bytes: from `offset`, or the last ones if there is none. Behind the end there is nothing.
    ///
    /// # Errors
    /// When there is no plain file of this name, or it cannot be read.
    pub fn read(path: &Path, offset: Option<u64>, most: u64) -> io::Result<Self> {
        let mut file = open(path)?;
        let length = file.metadata()?.len();
        let offset = offset.unwrap_or(length.saturating_sub(most)).min(length);
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![];
        file.take(most).read_to_end(&mut bytes)?;
        // The file may have grown meanwhile.
        let length = length.max(offset + bytes.len() as u64);
        Ok(LogText { bytes, offset, length })
    }
}

/// Opens a plain file. To open a pipe would wait for its other end.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no plain file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_part_is_read_and_never_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stdout");
        fs::write(&path, "0123456789").unwrap();
        let part = |offset, most| LogText::read(&path, offset, most).unwrap();
        assert_eq!(part(None, 4), LogText { bytes: b"6789".to_vec(), offset: 6, length: 10 });
        assert_eq!(part(None, 99).bytes, b"0123456789");
        assert_eq!(part(Some(2), 3), LogText { bytes: b"234".to_vec(), offset: 2, length: 10 });
        assert_eq!(part(Some(u64::MAX), 3), LogText { bytes: vec![], offset: 10, length: 10 });
    }

    #[test]
    fn links_directories_and_pipes_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret"), "hidden").unwrap();
        let link = dir.path().join("stdout");
        std::os::unix::fs::symlink(dir.path().join("secret"), &link).unwrap();
        assert!(LogText::read(&link, None, 10).is_err());
        assert!(LogText::read(dir.path(), None, 10).is_err());
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(LogText::read(&pipe, None, 10).is_err(), "and it is not waited for");
    }
}
