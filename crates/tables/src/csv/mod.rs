//! CSV: fields between delimiters, quoted where they hold one. The dialect is RFC 4180's unless told otherwise; see
//! [`CsvFormat`].
//!
//! Records are lines, so that a file can be read from its middle, unless line ends may stand inside quotes
//! ([`CsvFormat::multi_line`]): then a file is one split, since only its beginning tells what is quoted.

mod cell;
mod parse;
mod read;
mod write;

pub use read::CsvReader;
pub use write::CsvWriter;

use serde::{Deserialize, Serialize};

/// The dialect of CSV files. Travels to tasks.
///
/// ```
/// use firesteel_tables::CsvFormat;
/// let format = CsvFormat { delimiter: b';', nulls: vec!["NA".into()], ..CsvFormat::default() };
/// assert!(format.header && format.check().is_ok());
/// assert!(CsvFormat { delimiter: b'"', ..format }.check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvFormat {
    /// Whether a file's first line names its columns. Otherwise columns stand in the order of the record's fields.
    pub header: bool,
    /// What separates fields: an ASCII character. A comma by default.
    pub delimiter: u8,
    /// What fields with delimiters in them stand between; doubled inside, it stands for itself. Without one, nothing is quoted.
    pub quote: Option<u8>,
    /// What takes the meaning from the character after it, between quotes. None by default.
    pub escape: Option<u8>,
    /// What an `Option` is `None` for, where it stands unquoted. The empty field by default.
    pub nulls: Vec<String>,
    /// Whether quoted fields may hold line ends.
    pub multi_line: bool,
}

impl Default for CsvFormat {
    fn default() -> Self {
        CsvFormat {
            header: true,
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            nulls: vec![String::new()],
            multi_line: false,
        }
    }
}

impl CsvFormat {
    /// Whether characters and nulls can be told apart.
    ///
    /// # Errors
    /// In words, when they cannot.
    pub fn check(&self) -> Result<(), String> {
        let named = [("delimiter", Some(self.delimiter)), ("quote", self.quote), ("escape", self.escape)];
        for (index, (name, byte)) in named.iter().enumerate() {
            let Some(byte) = byte else { continue };
            if !byte.is_ascii() || matches!(byte, b'\r' | b'\n') {
                return Err(format!(
                    "the {name} must be an ASCII character and no line end, and it is byte 0x{byte:02X}"
                ));
            }
            if let Some((other, _)) = named[..index].iter().find(|(_, earlier)| *earlier == Some(*byte)) {
                return Err(format!("{:?} cannot be both {other} and {name}", char::from(*byte)));
            }
        }
        let marks = |null: &&String| null.bytes().any(|byte| self.is_mark(byte));
        match self.nulls.iter().find(marks) {
            Some(null) => Err(format!(
                "the null {null:?} holds a delimiter, quote, escape or line end, so no field can be it"
            )),
            None => Ok(()),
        }
    }

    /// Whether a byte has a meaning of its own.
    fn is_mark(&self, byte: u8) -> bool {
        byte == self.delimiter
            || matches!(byte, b'\r' | b'\n')
            || [self.quote, self.escape].contains(&Some(byte))
    }

    fn is_null(&self, text: &str) -> bool {
        self.nulls.iter().any(|null| null == text)
    }
}
