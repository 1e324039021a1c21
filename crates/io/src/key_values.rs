//! Lines that hold a key and a value, as Hadoop's `KeyValueTextInputFormat` reads them.

use crate::error::IoError;
use crate::line_positions::LinePositions;
use crate::splits::FileSplit;
use crate::stores::Stores;

/// Reads the lines of one split as pairs, in batches: what stands before the first separator, and what stands behind it.
/// A line without one is a key, and its value is empty. The rules of lines are those of
/// [`LineReader`](crate::LineReader).
///
/// ```
/// use firesteel_io::{FileSplit, KeyValueLines, Stores};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.txt").to_str().unwrap().to_string();
/// std::fs::write(&path, "a;1;2\nb").unwrap();
/// let split = FileSplit { path, start: 0, length: 7 };
/// let batches = KeyValueLines::open(&Stores::default(), &split, b';')?.collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(batches, [[("a".to_string(), "1;2".to_string()), ("b".into(), "".into())]]);
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub struct KeyValueLines {
    lines: LinePositions,
    separator: char,
}

impl KeyValueLines {
    /// Opens the split's file. The separator is of ASCII.
    ///
    /// # Errors
    /// When the file cannot be opened, or the split is part of a compressed file that cannot be cut.
    pub fn open(stores: &Stores, split: &FileSplit, separator: u8) -> Result<KeyValueLines, IoError> {
        Ok(KeyValueLines { lines: LinePositions::open(stores, split, None)?, separator: separator.into() })
    }
}

impl Iterator for KeyValueLines {
    type Item = Result<Vec<(String, String)>, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        let pair = |(_, mut line): (i64, String)| match line.find(self.separator) {
            Some(at) => {
                let value = line[at + self.separator.len_utf8()..].to_string();
                line.truncate(at);
                (line, value)
            }
            None => (line, String::new()),
        };
        Some(self.lines.next()?.map(|lines| lines.into_iter().map(pair).collect()))
    }
}
