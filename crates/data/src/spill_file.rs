//! Spill files that have no name: frames that are written one after the other and read back in any order, also while more are written.
//!
//! [`crate::spill`] writes whole runs of typed pairs and reads each once. This file is for records that only their owner can encode,
//! such as Python's: it takes their bytes and gives them back one frame at a time. A frame is as in [`crate::frames`]: its length, a
//! checksum, and its contents, encrypted where the application's files are.
//!
//! The file's name is removed as soon as the file is open. So the system frees its space when the last owner drops it, also when the
//! process is killed.

use crate::frames::{HEAD, head_of, opened};
use crate::{Cipher, DataError, Workspace};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// A spill file. Its space is free again when this is dropped.
#[derive(Debug)]
pub struct SpillFile {
    /// The name that it was made with.
    path: PathBuf,
    file: File,
    /// Where each frame ends.
    ends: Vec<u64>,
    cipher: Option<Cipher>,
    /// A frame on its way to the file.
    buffer: Vec<u8>,
}

impl SpillFile {
    /// Makes an empty file.
    ///
    /// # Errors
    /// When no file can be created.
    pub fn new(workspace: &dyn Workspace) -> Result<Self, DataError> {
        let (path, file) = workspace.create_file()?;
        std::fs::remove_file(&path).map_err(|e| DataError::io("remove", &path, e))?;
        Ok(SpillFile { path, file, ends: vec![], cipher: workspace.cipher(), buffer: vec![] })
    }

    /// Returns the number of frames.
    pub fn frames(&self) -> usize {
        self.ends.len()
    }

    /// Returns its length in bytes.
    pub fn bytes(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Appends a frame. Returns the bytes that it takes in the file.
    ///
    /// # Errors
    /// When it has 4 GiB, or cannot be written: the disk is full, say. Then the file is as it was.
    pub fn push(&mut self, contents: &[u8]) -> Result<u64, DataError> {
        let encrypted = self.cipher.as_ref().map(|cipher| cipher.encrypt(self.ends.len() as u64, contents));
        let contents = encrypted.as_deref().unwrap_or(contents);
        self.buffer.clear();
        self.buffer.extend_from_slice(&head_of(&self.path, contents)?);
        self.buffer.extend_from_slice(contents);
        let begin = self.bytes();
        self.file.write_all_at(&self.buffer, begin).map_err(|e| DataError::io("write", &self.path, e))?;
        let written = self.buffer.len() as u64;
        self.ends.push(begin + written);
        Ok(written)
    }

    /// Returns the contents of a frame; `None` behind the last one.
    ///
    /// # Errors
    /// When the file cannot be read, or the frame is not what was written; the error names the file.
    pub fn read(&self, frame: usize) -> Result<Option<Vec<u8>>, DataError> {
        let Some(end) = self.ends.get(frame) else { return Ok(None) };
        let begin = frame.checked_sub(1).map_or(0, |before| self.ends[before]);
        let mut head = [0; HEAD];
        let mut contents = vec![0; (end - begin) as usize - HEAD];
        let read = self.file.read_exact_at(&mut head, begin);
        let read = read.and_then(|()| self.file.read_exact_at(&mut contents, begin + HEAD as u64));
        match read {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(self.corrupt("it is shorter than what was written"))
            }
            Err(error) => Err(DataError::io("read", &self.path, error)),
            Ok(()) => match opened(&head, frame as u64, &mut contents, self.cipher.as_ref()) {
                Ok(()) => Ok(Some(contents)),
                Err(message) => Err(self.corrupt(message)),
            },
        }
    }

    fn corrupt(&self, message: &str) -> DataError {
        let source_name = format!("the spill file {}", self.path.display());
        DataError::Corrupt { source_name, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::testing::Small;

    fn written(cipher: Option<Cipher>) -> SpillFile {
        let workspace = Small::with(0);
        let mut file = SpillFile::new(&*workspace).unwrap();
        file.cipher = cipher;
        for contents in [&b"secret one"[..], b"", &[7; 1000]] {
            file.push(contents).unwrap();
        }
        file
    }

    fn bytes_of(file: &SpillFile) -> Vec<u8> {
        let mut bytes = vec![0; file.bytes() as usize];
        file.file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    #[test]
    fn frames_come_back_in_any_order_while_more_are_written_and_no_name_is_left() {
        for cipher in [None, Some(Cipher::by_chance())] {
            let workspace = Small::with(0);
            let mut file = SpillFile::new(&*workspace).unwrap();
            assert_eq!(std::fs::read_dir(workspace.dir.path()).unwrap().count(), 0);
            file.cipher = cipher;
            let mut disk = 0;
            for number in 0..20_u8 {
                disk += file.push(&vec![number; usize::from(number) * 10]).unwrap();
                for frame in (0..=number).rev() {
                    let expected = vec![frame; usize::from(frame) * 10];
                    assert_eq!(file.read(usize::from(frame)).unwrap(), Some(expected));
                }
            }
            assert_eq!((file.frames(), file.bytes()), (20, disk));
            assert_eq!(file.read(20).unwrap(), None);
        }
    }

    #[test]
    fn any_flipped_byte_and_any_cut_is_an_error_that_names_the_file() {
        for cipher in [None, Some(Cipher::by_chance())] {
            let file = written(cipher);
            let bytes = bytes_of(&file);
            let frame_at = |at: u64| file.ends.iter().position(|end| at < *end).unwrap();
            for at in 0..bytes.len() {
                let frame = frame_at(at as u64);
                let named = |error: DataError| {
                    let text = error.to_string();
                    assert!(error.is_lost() && text.contains(&*file.path.to_string_lossy()), "{text}");
                };
                file.file.write_all_at(&[bytes[at] ^ 0x10], at as u64).unwrap();
                named(file.read(frame).unwrap_err());
                file.file.set_len(at as u64).unwrap();
                named(file.read(frame).unwrap_err());
                file.file.write_all_at(&bytes, 0).unwrap();
            }
            assert_eq!(file.read(0).unwrap().unwrap(), b"secret one");
        }
    }

    #[test]
    fn what_is_encrypted_shows_nothing_and_does_not_open_in_anothers_place() {
        let plain = written(None);
        assert!(bytes_of(&plain).windows(6).any(|bytes| bytes == b"secret"));
        let workspace = Small::with(0);
        let mut file = SpillFile::new(&*workspace).unwrap();
        file.cipher = Some(Cipher::by_chance());
        file.push(b"secret one").unwrap();
        file.push(b"secret two").unwrap();
        let bytes = bytes_of(&file);
        assert!(!bytes.windows(6).any(|bytes| bytes == b"secret"));
        let half = bytes.len() / 2;
        file.file.write_all_at(&[&bytes[half..], &bytes[..half]].concat(), 0).unwrap();
        assert!(file.read(0).unwrap_err().to_string().contains("changed"));
    }
}
