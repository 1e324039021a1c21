//! The lines of one split with their positions: the pairs of Hadoop's TextInputFormat. `chunks` reads the
//! split, as it does for `lines`, so both give the same lines of every file.

use crate::chunks::ChunkReader;
use crate::error::IoError;
use crate::records::{Terminator, ends_of};
use crate::splits::FileSplit;
use crate::stores::Stores;
use memchr::memchr2;

/// The number of bytes that are read at once: fewer than in `lines`, since a batch holds all their lines as
/// strings.
const CHUNK_BYTES: usize = 256 << 10;

/// Reads the records of one split with their positions, in batches.
///
/// A position counts bytes from the file's beginning; in a compressed file, decompressed ones; in a part of a bzip2 file,
/// as in Hadoop, the part's start and the decompressed bytes behind it. The first line's is 0, with a
/// byte order mark before it, too. Otherwise the rules are those of [`LineReader`](crate::LineReader).
///
/// ```
/// use firesteel_io::{FileSplit, LinePositions, Stores};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.txt").to_str().unwrap().to_string();
/// std::fs::write(&path, "one\r\ntwo").unwrap();
/// let split = FileSplit { path, start: 0, length: 8 };
/// let batches = LinePositions::open(&Stores::default(), &split, None)?.collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(batches, [[(0, "one".to_string()), (5, "two".to_string())]]);
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub struct LinePositions {
    chunks: ChunkReader,
    buffer: Vec<u8>,
    starts_file: bool,
    done: bool,
}

impl LinePositions {
    /// Opens the split's file. Records end with lines, or with a delimiter.
    ///
    /// # Errors
    /// When the file cannot be opened, or the split is part of a compressed file that cannot be cut.
    pub fn open(
        stores: &Stores,
        split: &FileSplit,
        delimiter: Option<&[u8]>,
    ) -> Result<LinePositions, IoError> {
        let chunks = ChunkReader::open(stores, split, Terminator::new(delimiter), CHUNK_BYTES)?;
        Ok(LinePositions { chunks, buffer: vec![], starts_file: split.start == 0, done: false })
    }

    fn next_batch(&mut self) -> Result<Option<Vec<(i64, String)>>, IoError> {
        if !self.chunks.next(&mut self.buffer)? {
            return Ok(None);
        }
        let offset = self.chunks.offset() - self.buffer.len() as u64;
        let mut lines = vec![];
        let mut push = |from: usize, end: usize| {
            let text = String::from_utf8_lossy(&self.buffer[from..end]).into_owned();
            lines.push(((offset + from as u64) as i64, text));
        };
        match self.chunks.terminator() {
            Terminator::Newline => each_line(&self.buffer, &mut push),
            Terminator::Bytes(finder) => {
                let mut from = 0;
                for next in ends_of(finder, &self.buffer) {
                    push(from, next - finder.needle().len());
                    from = next;
                }
                if from < self.buffer.len() {
                    push(from, self.buffer.len());
                }
            }
        }
        if std::mem::take(&mut self.starts_file)
            && let Some(first) = lines.first_mut()
        {
            // The byte order mark was dropped before it.
            first.0 = 0;
        }
        Ok(Some(lines))
    }
}

/// Calls `push` with the beginning and the end of each line, without its terminator.
fn each_line(bytes: &[u8], push: &mut impl FnMut(usize, usize)) {
    let mut from = 0;
    while from < bytes.len() {
        let end = memchr2(b'\r', b'\n', &bytes[from..]).map_or(bytes.len(), |length| from + length);
        push(from, end);
        from = match &bytes[end..] {
            [b'\r', b'\n', ..] => end + 2,
            _ => end + 1,
        };
    }
}

impl Iterator for LinePositions {
    type Item = Result<Vec<(i64, String)>, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let batch = self.next_batch().transpose();
        self.done = !matches!(batch, Some(Ok(_)));
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InputFile, LineOptions, LineReader, SplitOptions, file_splits};
    use proptest::prelude::*;

    fn positions(path: &str, length: u64, parts: u64, delimiter: Option<&[u8]>) -> Vec<(i64, String)> {
        let file = InputFile { path: path.into(), length };
        let splits = file_splits(&[file], &SplitOptions::new(parts));
        let batches = splits
            .iter()
            .flat_map(|split| LinePositions::open(&Stores::default(), split, delimiter).unwrap());
        batches.collect::<Result<Vec<_>, _>>().unwrap().concat()
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_other_reader_and_stand_where_they_say(
            text in "[ab\r\n\u{FEFF}é]{0,60}", parts in 1..6_u64, delimited: bool,
        ) {
            let delimiter = delimited.then_some(&b"ab"[..]);
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &text).unwrap();
            let path = file.path().to_str().unwrap();
            let whole = FileSplit { path: path.into(), start: 0, length: text.len() as u64 };
            let mut expected = vec![];
            let options = LineOptions { delimiter: delimiter.map(<[u8]>::to_vec), ..LineOptions::default() };
            LineReader::open(&Stores::default(), &whole, options).unwrap().for_each_line(|line| expected.push(line.to_string())).unwrap();
            let found = positions(path, text.len() as u64, parts, delimiter);
            prop_assert_eq!(found.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>(), expected);
            for (at, line) in &found {
                let rest = text[*at as usize..].strip_prefix('\u{FEFF}').filter(|_| *at == 0);
                prop_assert!(rest.unwrap_or(&text[*at as usize..]).starts_with(line.as_str()));
            }
        }
    }
}
