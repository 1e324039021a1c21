//! Frames: chunks of a file, each with its length and checksum, so that a flipped bit or a missing end is
//! noticed before the contents are used.
//!
//! A frame is `length: u32, checksum: u64 (XXH3 of the contents), contents`. Spilled runs, cached partitions on
//! disk and broadcast values are made of them. The writer of a file has to remember its number of frames: a
//! file that was truncated between two frames looks like a shorter one.
//!
//! If an application has its files encrypted, the contents of a frame are encrypted ([`Cipher`]), and the
//! checksum is of the encrypted bytes.

use crate::{Cipher, DataError};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

pub(crate) const HEAD: usize = 4 + 8;
const BUFFER_BYTES: usize = 128 << 10;

/// Returns the head of a frame.
pub(crate) fn head_of(path: &Path, contents: &[u8]) -> Result<[u8; HEAD], DataError> {
    let length = u32::try_from(contents.len()).map_err(|_| DataError::Corrupt {
        source_name: path.display().to_string(),
        message: format!("a frame of {} bytes is too long to be written", contents.len()),
    })?;
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4..].copy_from_slice(&xxh3_64(contents).to_le_bytes());
    Ok(head)
}

fn length_in(head: &[u8; HEAD]) -> usize {
    u32::from_le_bytes(head[..4].try_into().expect("four bytes")) as usize
}

/// Checks what was read behind a frame's head, and decrypts it in place; the error says what is wrong with it.
pub(crate) fn opened(
    head: &[u8; HEAD],
    number: u64,
    contents: &mut Vec<u8>,
    cipher: Option<&Cipher>,
) -> Result<(), &'static str> {
    let checksum = u64::from_le_bytes(head[4..].try_into().expect("eight bytes"));
    if contents.len() != length_in(head) || xxh3_64(contents) != checksum {
        return Err("a frame's checksum does not match its contents");
    }
    if cipher.is_some_and(|cipher| !cipher.open(number, contents)) {
        return Err("a frame was not sealed by this application, or has been changed");
    }
    Ok(())
}

/// A file of frames that was written. It is removed when this is dropped.
#[derive(Debug)]
pub struct FramedFile {
    path: PathBuf,
    frames: u64,
    bytes: u64,
    is_own: bool,
    cipher: Option<Cipher>,
}

impl FramedFile {
    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns its length in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn read(&self) -> Result<FrameReader, DataError> {
        let reader = FrameReader::open(self.path.clone(), self.cipher.clone())?;
        Ok(FrameReader { left: Some(self.frames), ..reader })
    }
}

impl FramedFile {
    /// Describes a file that others wrote and own: it is not removed when this is dropped.
    pub fn foreign(path: PathBuf, frames: u64, bytes: u64, cipher: Option<Cipher>) -> Self {
        FramedFile { path, frames, bytes, is_own: false, cipher }
    }

    /// Leaves the file in place, for others to own; returns its number of frames and bytes.
    pub fn leave(mut self) -> (u64, u64) {
        self.is_own = false;
        (self.frames, self.bytes)
    }
}

impl Drop for FramedFile {
    fn drop(&mut self) {
        if self.is_own {
            // If the file cannot be removed now, the owner of the directory removes it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Writes a file of frames. Dropped unfinished, it removes the file.
pub struct FrameWriter {
    written: FramedFile,
    file: BufWriter<File>,
}

impl FrameWriter {
    /// Begins a file that was just created.
    pub fn new((path, file): (PathBuf, File)) -> Self {
        let written = FramedFile { path, frames: 0, bytes: 0, is_own: true, cipher: None };
        FrameWriter { written, file: BufWriter::with_capacity(BUFFER_BYTES, file) }
    }

    /// Encrypts the frames with this key, if there is one.
    pub fn encrypted(mut self, cipher: Option<Cipher>) -> Self {
        self.written.cipher = cipher;
        self
    }

    /// Appends a frame.
    ///
    /// # Errors
    /// When it cannot be written: the disk is full, say.
    pub fn push(&mut self, contents: &[u8]) -> Result<(), DataError> {
        let encrypted =
            self.written.cipher.as_ref().map(|cipher| cipher.encrypt(self.written.frames, contents));
        self.push_as_it_is(encrypted.as_deref().unwrap_or(contents))
    }

    fn push_as_it_is(&mut self, contents: &[u8]) -> Result<(), DataError> {
        let head = head_of(&self.written.path, contents)?;
        let mut write = |bytes: &[u8]| self.file.write_all(bytes);
        write(&head)
            .and_then(|()| write(contents))
            .map_err(|e| DataError::io("write", &self.written.path, e))?;
        self.written.frames += 1;
        self.written.bytes += (HEAD + contents.len()) as u64;
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When the rest cannot be written.
    pub fn finish(self) -> Result<FramedFile, DataError> {
        let FrameWriter { written, mut file } = self;
        file.flush().map_err(|e| DataError::io("write", &written.path, e))?;
        Ok(written)
    }
}

/// Reads a file of frames from its beginning to its end.
pub struct FrameReader {
    path: PathBuf,
    file: File,
    /// The number of frames to come, if it is known. Else the frames end with the file.
    left: Option<u64>,
    /// The number of the next frame.
    next: u64,
    cipher: Option<Cipher>,
}

impl FrameReader {
    /// Reads a file that was published as a whole: its end is where its frames end. They are encrypted with
    /// `cipher`, if that is given.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: PathBuf, cipher: Option<Cipher>) -> Result<Self, DataError> {
        let file = File::open(&path).map_err(|e| DataError::io("open", &path, e))?;
        Ok(FrameReader { path, file, left: None, next: 0, cipher })
    }

    /// Reads the next frame into `contents`, replacing it; returns `false` at the end.
    ///
    /// # Errors
    /// When the file cannot be read, or its contents are not what was written; the error names it.
    pub fn next(&mut self, contents: &mut Vec<u8>) -> Result<bool, DataError> {
        contents.clear();
        match &mut self.left {
            Some(0) => return Ok(false),
            Some(left) => *left -= 1,
            None => {}
        }
        let mut head = [0; HEAD];
        let filled = self.fill(&mut head)?;
        if filled == 0 && self.left.is_none() {
            return Ok(false);
        }
        if filled < HEAD {
            return Err(self.corrupt("a frame's head is cut short"));
        }
        let read = (&mut self.file).take(length_in(&head) as u64).read_to_end(contents);
        read.map_err(|e| DataError::io("read", &self.path, e))?;
        opened(&head, self.next, contents, self.cipher.as_ref()).map_err(|message| self.corrupt(message))?;
        self.next += 1;
        Ok(true)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, DataError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(DataError::io("read", &self.path, e)),
            }
        }
        Ok(filled)
    }

    fn corrupt(&self, message: &str) -> DataError {
        DataError::Corrupt { source_name: self.path.display().to_string(), message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Workspace;
    use crate::workspace::testing::Small;

    fn write(workspace: &Small) -> FramedFile {
        let mut writer = FrameWriter::new(workspace.create_file().unwrap());
        for contents in [&b"one"[..], b"", &[7; 1000]] {
            writer.push(contents).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(file: &FramedFile) -> Result<Vec<Vec<u8>>, DataError> {
        let (mut reader, mut frames, mut frame) = (file.read()?, vec![], vec![]);
        while reader.next(&mut frame)? {
            frames.push(frame.clone());
        }
        Ok(frames)
    }

    #[test]
    fn frames_come_back_and_their_file_goes() {
        let workspace = Small::with(0);
        let file = write(&workspace);
        assert_eq!(read(&file).unwrap(), [b"one".to_vec(), vec![], vec![7; 1000]]);
        assert_eq!(std::fs::metadata(file.path()).unwrap().len(), file.bytes());
        let path = file.path().to_owned();
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn any_flipped_byte_and_any_cut_is_an_error_that_names_the_file() {
        let workspace = Small::with(0);
        let file = write(&workspace);
        let bytes = std::fs::read(file.path()).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            for broken in [&flipped[..], &bytes[..at]] {
                std::fs::write(file.path(), broken).unwrap();
                let error = read(&file).unwrap_err().to_string();
                assert!(error.contains(&*file.path().to_string_lossy()), "at {at}: {error}");
            }
        }
    }

    #[test]
    fn sealed_frames_show_nothing_come_back_and_do_not_open_when_they_were_changed_or_moved() {
        let (workspace, cipher) = (Small::with(0), Cipher::by_chance());
        let write = |cipher: &Cipher| {
            let mut writer =
                FrameWriter::new(workspace.create_file().unwrap()).encrypted(Some(cipher.clone()));
            [&b"secret one"[..], b"secret two", b""].iter().for_each(|frame| writer.push(frame).unwrap());
            writer.finish().unwrap()
        };
        let file = write(&cipher);
        assert_eq!(read(&file).unwrap(), [b"secret one".to_vec(), b"secret two".to_vec(), vec![]]);
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"secret"));
        assert_eq!(bytes.len() as u64, file.bytes());
        let mut others = write(&Cipher::by_chance());
        others.cipher = Some(cipher.clone());
        assert!(read(&others).unwrap_err().to_string().contains("sealed by this application"));
        // The first two frames, which are as long as each other, change places; their checksums go along.
        let length = HEAD + 10 + 40;
        let moved = [&bytes[length..2 * length], &bytes[..length], &bytes[2 * length..]].concat();
        std::fs::write(file.path(), moved).unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("changed"));
        // A changed byte whose checksum was mended, too.
        let mut changed = bytes.clone();
        changed[HEAD + 30] ^= 1;
        let sum = xxh3_64(&changed[HEAD..length]).to_le_bytes();
        changed[4..HEAD].copy_from_slice(&sum);
        std::fs::write(file.path(), changed).unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("changed"));
    }
}
