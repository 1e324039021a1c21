//! The header of a table: the first record of its first file, which names its columns, or tells how many there are.

use super::dialect::Dialect;
use super::fields::Fields;
use super::names::column_names;
use super::records::Records;
use super::tokens::Kind;
use crate::columns::options::Options;
use crate::error::TableError;
use firesteel_io::{FileSplit, Input, Stores};
use serde::{Deserialize, Serialize};

/// The names of a table's columns, from the first record of its first file. Sent to tasks.
///
/// ```
/// use firesteel_io::Stores;
/// use firesteel_tables::columns::{CsvHeader, Options};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.csv").to_str().unwrap().to_string();
/// std::fs::write(&path, "id,,id\n1,2,3\n").unwrap();
/// let options = Options::from_iter([("header", "true")]);
/// let header = CsvHeader::read(&Stores::default(), &path, &options)?.unwrap();
/// assert_eq!(header.names(), ["id0", "_c1", "id2"]);
/// # Ok::<(), firesteel_tables::TableError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvHeader {
    names: Vec<String>,
    /// The header's text: lines that look like it are no rows when types are inferred.
    line: Option<String>,
}

impl CsvHeader {
    /// Reads the header of a file, or none if the file has no records: then the table's next file has it.
    ///
    /// # Errors
    /// When the file cannot be read, or an option is bad.
    pub fn read(stores: &Stores, path: &str, options: &Options) -> Result<Option<CsvHeader>, TableError> {
        let Some((fields, line)) = first_record(stores, path, options)? else { return Ok(None) };
        let header = options.flag("header", false).unwrap_or(false);
        let fields = if header { fields } else { vec![None; fields.len()] };
        let null = options.get("nullValue").unwrap_or("");
        Ok(Some(CsvHeader { names: column_names(&fields, null), line: header.then_some(line) }))
    }

    /// Returns the names of the columns. Two may differ in their case alone, or be equal, where the file has names
    /// like those that are made up: `_c1,`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn line(&self) -> Option<&str> {
        self.line.as_deref()
    }
}

/// The fields of a record, and its text.
type Texts = (Vec<Option<String>>, String);

/// Returns the fields of a file's first record, where empty ones are none, and its text.
fn first_record(stores: &Stores, path: &str, options: &Options) -> Result<Option<Texts>, TableError> {
    let fail = |message| TableError::File { path: path.to_string(), message };
    let dialect = Dialect { header: false, ..Dialect::for_reading(options).map_err(fail)? };
    let split = FileSplit { path: path.to_string(), start: 0, length: Input::open(stores, path)?.len() };
    let mut records = Records::open(stores, &split, &dialect, true)?;
    let mut first = None;
    while first.is_none() {
        let more = records.next(&mut |record, fields, error| {
            if let (None, Some(error)) = (&first, error) {
                let fault = crate::fault::Fault::new(error.sentence());
                return Err((record.place, record.text.to_string(), fault));
            }
            first.get_or_insert_with(|| (texts(record.text, fields, &dialect), record.text.to_string()));
            Ok(())
        })?;
        if !more {
            break;
        }
    }
    Ok(first)
}

fn texts(text: &str, fields: &Fields, dialect: &Dialect) -> Vec<Option<String>> {
    (0..fields.len()).map(|index| filled(text, fields, index, dialect).map(str::to_string)).collect()
}

/// Returns the text of a field, or none if it is empty.
fn filled<'a>(text: &'a str, fields: &'a Fields, index: usize, dialect: &'a Dialect) -> Option<&'a str> {
    let (text, kind) = fields.get(text, index)?;
    let text =
        if text.is_empty() && kind == Kind::Quoted { dialect.empty.as_deref().unwrap_or("") } else { text };
    (kind != Kind::Null && !text.is_empty()).then_some(text)
}

/// Returns the text of a field, or none if it is null or empty.
pub(super) fn value<'a>(
    text: &'a str,
    fields: &'a Fields,
    index: usize,
    dialect: &'a Dialect,
) -> Option<&'a str> {
    filled(text, fields, index, dialect).filter(|text| *text != dialect.null)
}

/// Checks that a file's header has the names of a schema, whose case does not matter, and as many, if all are read.
pub(super) fn check_names(
    stores: &Stores,
    path: &str,
    wanted: &[(usize, String)],
    width: Option<usize>,
    options: &Options,
) -> Result<(), TableError> {
    let Some((fields, _)) = first_record(stores, path, options)? else { return Ok(()) };
    if let Some(width) = width.filter(|width| *width != fields.len()) {
        return Err(TableError::File {
            path: path.to_string(),
            message: format!(
                "the header has {} columns, and the schema {width}. Correct the schema, or set the option \
                 enforceSchema to true, by which headers do not matter",
                fields.len()
            ),
        });
    }
    let name = |position: usize| fields.get(position).and_then(Option::as_deref).unwrap_or("");
    for (position, wanted) in wanted {
        if name(*position).to_lowercase() != wanted.to_lowercase() {
            return Err(TableError::File {
                path: path.to_string(),
                message: format!(
                    "column {} is named {:?} in the header, and {wanted:?} in the schema. Correct the schema, or \
                     set the option enforceSchema to true, by which names in headers do not matter",
                    position + 1,
                    name(*position)
                ),
            });
        }
    }
    Ok(())
}
