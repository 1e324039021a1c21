//! Table errors, as data: a file that cannot be read, columns that do not fit the record type, a row that does
//! not. Text is made from them for a person.

use firesteel_io::IoError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most characters of a bad row's text that are kept.
const TEXT_CHARACTERS: usize = 300;

/// The most characters of a bad value that are shown.
const VALUE_CHARACTERS: usize = 60;

/// A row that is not a record of the requested type.
///
/// ```
/// use firesteel_tables::BadRow;
/// let bad = BadRow {
///     path: "/data/a.csv".into(),
///     line: 17,
///     offset: 403,
///     column: Some("delay".into()),
///     value: Some("late".into()),
///     reason: "it is not a whole number (i32)".into(),
///     text: "AA,late".into(),
/// };
/// assert_eq!(
///     bad.to_string(),
///     "line 17 of /data/a.csv, column `delay`: \"late\": it is not a whole number (i32). The line: AA,late"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BadRow {
    /// The file.
    pub path: String,
    /// The line in the file that the row begins in, from 1; the row's number, in a file without lines.
    pub line: u64,
    /// The beginning of the row, in bytes from the file's beginning; decompressed ones, in a compressed file.
    pub offset: u64,
    /// The column, if one is to blame.
    pub column: Option<String>,
    /// The value in that column, shortened.
    pub value: Option<String>,
    /// The reason why the row is bad.
    pub reason: String,
    /// The row as it is in the file, shortened.
    pub text: String,
}

impl BadRow {
    /// Returns the text of a row, shortened.
    pub(crate) fn shortened(text: &[u8]) -> String {
        shorten(&String::from_utf8_lossy(&text[..text.len().min(4 * TEXT_CHARACTERS)]), TEXT_CHARACTERS)
    }
}

/// Returns a value for a message, shortened.
pub(crate) fn shorten_value(value: &str) -> String {
    shorten(value, VALUE_CHARACTERS)
}

fn shorten(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.into(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.text.is_empty() { "row" } else { "line" };
        write!(f, "{unit} {} of {}", self.line, self.path)?;
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        if let Some(value) = &self.value {
            write!(f, ": {value:?}")?;
        }
        write!(f, ": {}", self.reason)?;
        if self.text.is_empty() { Ok(()) } else { write!(f, ". The line: {}", self.text) }
    }
}

/// The reason why a table could not be read or written.
///
/// ```
/// use firesteel_io::{IoCause, IoError, IoOperation};
/// use firesteel_tables::TableError;
/// let error = TableError::from(IoError::new(IoOperation::Read, "/a.csv", IoCause::NotFound));
/// assert_eq!((error.path(), error.retryable()), (Some("/a.csv"), false));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TableError {
    /// The file itself could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The file lacks columns that the record type needs.
    #[error("{path} has no column {}. Its columns are: {}. The record type `{record}` has: {}. Name the columns as the file does \
             (`#[serde(rename = \"...\")]`), or make fields that may be missing an `Option` or `#[serde(default)]`",
            list(.missing), list(.found), list(.wanted))]
    Columns {
        /// The file.
        path: String,
        /// The record type's name.
        record: String,
        /// The columns that the type needs and the file lacks.
        missing: Vec<String>,
        /// The file's columns.
        found: Vec<String>,
        /// The type's fields.
        wanted: Vec<String>,
    },
    /// Columns have types that the fields of their names cannot take.
    #[error("{path}: {}", .mismatches.join("; "))]
    Types {
        /// The file.
        path: String,
        /// For each such column: its name, its type, and the field's.
        mismatches: Vec<String>,
    },
    /// A row is not a record of the type.
    #[error("{0}")]
    Row(BadRow),
    /// The file is not of its format, or damaged.
    #[error("{path}: {message}")]
    File {
        /// The file.
        path: String,
        /// The damage.
        message: String,
    },
    /// The record type cannot be a row of such a table.
    #[error("`{record}` cannot be a row: {message}")]
    Record {
        /// The record type's name.
        record: String,
        /// The reason, and what to do.
        message: String,
    },
}

impl TableError {
    /// Returns the file that the error is about.
    pub fn path(&self) -> Option<&str> {
        match self {
            TableError::Io(error) => Some(&error.path),
            TableError::Columns { path, .. }
            | TableError::Types { path, .. }
            | TableError::File { path, .. } => Some(path),
            TableError::Row(row) => Some(&row.path),
            TableError::Record { .. } => None,
        }
    }

    /// Returns whether another attempt could end differently: only if the storage is to blame.
    pub fn retryable(&self) -> bool {
        match self {
            TableError::Io(error) => error.retryable(),
            TableError::Columns { .. }
            | TableError::Types { .. }
            | TableError::Row(_)
            | TableError::File { .. }
            | TableError::Record { .. } => false,
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "(none)".into();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The function that a reader calls for each bad row: an error ends the reading, otherwise the row is left out.
pub type OnBadRow<'a> = dyn FnMut(BadRow) -> Result<(), TableError> + 'a;

/// Treats a bad row in the strictest way: the reading ends with it.
///
/// # Errors
/// Always: [`TableError::Row`].
pub fn fail_on_bad_row(row: BadRow) -> Result<(), TableError> {
    Err(TableError::Row(row))
}
