//! Runs of pairs in files: written once in some order, read once in that order, and checked while they are read.
//!
//! A run is a sequence of frames: `length: u32, checksum: u64 (XXH3)`, then one block of pairs. A flipped bit anywhere is
//! an error that names the file.

use crate::block::{KeyRef, Pairs, PairsBuilder};
use crate::{Data, DataError, Workspace};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::PathBuf;
use xxhash_rust::xxh3::xxh3_64;

/// A frame is closed when it has this many bytes. Merging holds one frame of each run in memory.
const FRAME_BYTES: usize = 128 << 10;
const HEAD: usize = 4 + 8;

/// A run that was written. Its file is removed when this is dropped.
pub struct Run {
    path: PathBuf,
}

impl Drop for Run {
    fn drop(&mut self) {
        // The workspace's owner removes what cannot be removed now.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Writes one run.
pub struct RunWriter<K, V> {
    run: Run,
    file: BufWriter<File>,
    frame: PairsBuilder<K, V>,
    buffer: Vec<u8>,
    bytes: u64,
}

impl<K: Data, V: Data> RunWriter<K, V> {
    /// Starts a run in a new file.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn new(workspace: &dyn Workspace) -> Result<Self, DataError> {
        let (path, file) = workspace.create_file()?;
        let (frame, buffer) = (PairsBuilder::default(), vec![]);
        Ok(RunWriter {
            run: Run { path },
            file: BufWriter::with_capacity(FRAME_BYTES, file),
            frame,
            buffer,
            bytes: 0,
        })
    }

    /// Appends a pair.
    ///
    /// # Errors
    /// When it cannot be encoded or written.
    pub fn push(&mut self, key: KeyRef<'_, K>, value: V) -> Result<(), DataError> {
        self.frame.push(0, key, value)?;
        if self.frame.encoded_len() >= FRAME_BYTES { self.close_frame() } else { Ok(()) }
    }

    fn close_frame(&mut self) -> Result<(), DataError> {
        self.buffer.clear();
        self.frame.write(&mut self.buffer);
        let length = u32::try_from(self.buffer.len()).map_err(|_| {
            DataError::encode::<(K, V)>("one pair takes more than 4 GiB, which cannot be spilled")
        })?;
        let mut write = |bytes: &[u8]| self.file.write_all(bytes);
        write(&length.to_le_bytes())
            .and_then(|()| write(&xxh3_64(&self.buffer).to_le_bytes()))
            .and_then(|()| write(&self.buffer))
            .map_err(|e| DataError::io("write", &self.run.path, e))?;
        self.bytes += (HEAD + self.buffer.len()) as u64;
        Ok(())
    }

    /// Ends the run. Gives it, and how many bytes it has.
    ///
    /// # Errors
    /// When the rest cannot be written.
    pub fn finish(mut self) -> Result<(Run, u64), DataError> {
        if !self.frame.is_empty() {
            self.close_frame()?;
        }
        self.file.flush().map_err(|e| DataError::io("write", &self.run.path, e))?;
        Ok((self.run, self.bytes))
    }
}

/// Reads one run from its beginning to its end.
pub struct RunReader<K, V> {
    run: Run,
    file: File,
    pairs: std::vec::IntoIter<(K, V)>,
    failed: bool,
}

impl<K: Data, V: Data> RunReader<K, V> {
    /// Opens a run.
    ///
    /// # Errors
    /// When its file cannot be opened.
    pub fn new(run: Run) -> Result<Self, DataError> {
        let file = File::open(&run.path).map_err(|e| DataError::io("open", &run.path, e))?;
        Ok(RunReader { run, file, pairs: vec![].into_iter(), failed: false })
    }

    /// Reads the next frame into `self.pairs`; `false` at the end.
    fn next_frame(&mut self) -> Result<bool, DataError> {
        let mut head = [0; HEAD];
        match self.read_up_to(&mut head)? {
            0 => return Ok(false),
            HEAD => {}
            _ => return Err(self.corrupt("a frame's head is cut short")),
        }
        let length = u32::from_le_bytes(head[..4].try_into().expect("four bytes")) as usize;
        let checksum = u64::from_le_bytes(head[4..].try_into().expect("eight bytes"));
        let mut frame = vec![];
        let read = (&mut self.file).take(length as u64).read_to_end(&mut frame);
        read.map_err(|e| DataError::io("read", &self.run.path, e))?;
        if frame.len() != length || xxh3_64(&frame) != checksum {
            return Err(self.corrupt("a frame's checksum does not match its contents"));
        }
        let (mut rest, mut pairs) = (&frame[..], vec![]);
        while let Some(mut block) = Pairs::take(&mut rest)? {
            pairs.reserve(block.left());
            while let Some(pair) = block.next_pair()? {
                pairs.push(pair);
            }
        }
        self.pairs = pairs.into_iter();
        Ok(true)
    }

    fn read_up_to(&mut self, buffer: &mut [u8]) -> Result<usize, DataError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(DataError::io("read", &self.run.path, e)),
            }
        }
        Ok(filled)
    }

    fn corrupt(&self, message: &str) -> DataError {
        DataError::Corrupt { source_name: self.run.path.display().to_string(), message: message.into() }
    }
}

impl<K: Data, V: Data> Iterator for RunReader<K, V> {
    type Item = Result<(K, V), DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(pair) = self.pairs.next() {
                return Some(Ok(pair));
            }
            if self.failed {
                return None;
            }
            match self.next_frame() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::testing::Small;

    fn write(workspace: &Small, pairs: u32) -> Run {
        let mut writer = RunWriter::new(workspace).unwrap();
        (0..pairs).for_each(|i| writer.push(KeyRef::Owned(i), format!("value {i}")).unwrap());
        writer.finish().unwrap().0
    }

    #[test]
    fn a_run_comes_back_and_its_file_goes() {
        let workspace = Small::with(0);
        let run = write(&workspace, 50_000);
        let path = run.path.clone();
        let read: Result<Vec<_>, _> = RunReader::<u32, String>::new(run).unwrap().collect();
        assert!(read.unwrap().into_iter().eq((0..50_000).map(|i| (i, format!("value {i}")))));
        assert!(!path.exists());
    }

    #[test]
    fn any_flipped_byte_and_any_cut_is_an_error_that_names_the_file() {
        let workspace = Small::with(0);
        let run = write(&workspace, 20);
        let bytes = std::fs::read(&run.path).unwrap();
        assert!(bytes.len() > 100);
        let outcome = |bytes: &[u8]| {
            let (path, mut file) = workspace.create_file().unwrap();
            file.write_all(bytes).unwrap();
            let name = path.display().to_string();
            let read: Result<Vec<_>, _> = RunReader::<u32, String>::new(Run { path }).unwrap().collect();
            (name, read)
        };
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            let (name, read) = outcome(&flipped);
            assert!(read.unwrap_err().to_string().contains(&name), "byte {at}");
            if at > 0 {
                let (name, read) = outcome(&bytes[..at]);
                assert!(read.unwrap_err().to_string().contains(&name), "cut at {at}");
            }
        }
    }
}
