//! CSV: fields between delimiters, quoted if they contain one. The dialect is RFC 4180's unless configured
//! otherwise; see [`CsvFormat`].
//!
//! Records are lines, so that a file can be read from its middle, unless quoted fields may contain line ends
//! ([`CsvFormat::multi_line`]): then a file is one split, since only its beginning tells what is quoted.

mod cell;
mod parse;
mod read;
mod write;

pub use read::CsvReader;
pub use write::CsvWriter;

use serde::{Deserialize, Serialize};

/// The dialect of CSV files. Sent to tasks.
///
/// ```
/// use firesteel_tables::CsvFormat;
/// let format = CsvFormat { delimiter: b';', nulls: vec!["NA".into()], ..CsvFormat::default() };
/// assert!(format.header && format.check().is_ok());
/// assert!(CsvFormat { delimiter: b'"', ..format }.check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvFormat {
    /// True if a file's first line names its columns. Otherwise columns are in the order of the record's
    /// fields.
    pub header: bool,
    /// The character between fields: ASCII, a comma by default.
    pub delimiter: u8,
    /// The character around fields that contain delimiters; doubled inside, it stands for itself. Without one,
    /// nothing is quoted.
    pub quote: Option<u8>,
    /// The character that makes the next one literal, between quotes. None by default.
    pub escape: Option<u8>,
    /// The unquoted fields for which an `Option` is `None`. The empty field by default.
    pub nulls: Vec<String>,
    /// True if quoted fields may contain line ends.
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
    /// Checks that characters and nulls can be told apart.
    ///
    /// # Errors
    /// A sentence that says which cannot.
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

    /// Returns whether a byte has a meaning in this dialect.
    fn is_mark(&self, byte: u8) -> bool {
        byte == self.delimiter
            || matches!(byte, b'\r' | b'\n')
            || [self.quote, self.escape].contains(&Some(byte))
    }

    fn is_null(&self, text: &str) -> bool {
        self.nulls.iter().any(|null| null == text)
    }
}
