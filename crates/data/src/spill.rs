//! Spilled runs: pairs in files, written once in some order, read once in that order, and checked while they
//! are read.
//!
//! Each frame of the file holds one block of pairs. A flipped bit anywhere is an error that names the file.

use crate::block::{KeyRef, Pairs, PairsBuilder};
use crate::frames::{FrameReader, FrameWriter, FramedFile};
use crate::{Data, DataError, Workspace};

/// A frame is closed when it has this many bytes. Merging holds one frame of each run in memory.
const FRAME_BYTES: usize = 128 << 10;

/// A run that was written. Its file is removed when this is dropped.
pub struct Run {
    file: FramedFile,
}

/// Writes one run.
pub struct RunWriter<K, V> {
    file: FrameWriter,
    frame: PairsBuilder<K, V>,
    buffer: Vec<u8>,
}

impl<K: Data, V: Data> RunWriter<K, V> {
    /// Starts a run in a new file.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn new(workspace: &dyn Workspace) -> Result<Self, DataError> {
        let file = FrameWriter::new(workspace.create_file()?).encrypted(workspace.cipher());
        Ok(RunWriter { file, frame: PairsBuilder::default(), buffer: vec![] })
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
        if u32::try_from(self.buffer.len()).is_err() {
            return Err(DataError::encode::<(K, V)>(
                "one pair takes more than 4 GiB, which cannot be spilled",
            ));
        }
        self.file.push(&self.buffer)
    }

    /// Ends the run. Returns it, and its length in bytes.
    ///
    /// # Errors
    /// When the rest cannot be written.
    pub fn finish(mut self) -> Result<(Run, u64), DataError> {
        if !self.frame.is_empty() {
            self.close_frame()?;
        }
        let file = self.file.finish()?;
        let bytes = file.bytes();
        Ok((Run { file }, bytes))
    }
}

/// Reads one run from its beginning to its end.
pub struct RunReader<K, V> {
    reader: FrameReader,
    frame: Vec<u8>,
    pairs: std::vec::IntoIter<(K, V)>,
    failed: bool,
    /// Keeps the file there while it is read.
    _run: Run,
}

impl<K: Data, V: Data> RunReader<K, V> {
    /// Opens a run.
    ///
    /// # Errors
    /// When its file cannot be opened.
    pub fn new(run: Run) -> Result<Self, DataError> {
        let reader = run.file.read()?;
        Ok(RunReader { reader, frame: vec![], pairs: vec![].into_iter(), failed: false, _run: run })
    }

    /// Reads the next frame into `self.pairs`; returns `false` at the end.
    fn next_frame(&mut self) -> Result<bool, DataError> {
        if !self.reader.next(&mut self.frame)? {
            return Ok(false);
        }
        let (mut rest, mut pairs) = (&self.frame[..], vec![]);
        while let Some(mut block) = Pairs::take(&mut rest)? {
            pairs.reserve(block.left());
            while let Some(pair) = block.next_pair()? {
                pairs.push(pair);
            }
        }
        self.pairs = pairs.into_iter();
        Ok(true)
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
        let path = run.file.path().to_owned();
        let read: Result<Vec<_>, _> = RunReader::<u32, String>::new(run).unwrap().collect();
        assert!(read.unwrap().into_iter().eq((0..50_000).map(|i| (i, format!("value {i}")))));
        assert!(!path.exists());
    }

    #[test]
    fn any_flipped_byte_and_any_cut_is_an_error_that_names_the_file() {
        let workspace = Small::with(0);
        let length = write(&workspace, 20).file.bytes() as usize;
        assert!(length > 100);
        let outcome = |change: &dyn Fn(&mut Vec<u8>)| {
            let run = write(&workspace, 20);
            let mut bytes = std::fs::read(run.file.path()).unwrap();
            change(&mut bytes);
            std::fs::write(run.file.path(), bytes).unwrap();
            let name = run.file.path().display().to_string();
            let read: Result<Vec<_>, _> = RunReader::<u32, String>::new(run).unwrap().collect();
            (name, read)
        };
        for at in 0..length {
            let (name, read) = outcome(&|bytes| bytes[at] ^= 0x10);
            assert!(read.unwrap_err().to_string().contains(&name), "byte {at}");
            let (name, read) = outcome(&|bytes| bytes.truncate(at));
            assert!(read.unwrap_err().to_string().contains(&name), "cut at {at}");
        }
    }
}
