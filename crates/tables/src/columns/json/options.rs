//! The options of JSON, read once for each split.

use super::scan::Dialect;
use crate::columns::options::Options;
use crate::columns::times::Times;

/// The ways of dealing with a bad record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Its good fields are kept, and the others null.
    Permissive,
    /// It is left out.
    DropMalformed,
    /// It ends the reading.
    FailFast,
}

/// The options of reading.
#[derive(Clone, Debug)]
pub(super) struct JsonOptions {
    pub(super) dialect: Dialect,
    pub(super) mode: Mode,
    /// The name of the column that holds the text of bad records.
    pub(super) corrupt: String,
    pub(super) multi_line: bool,
    /// The end of a record, if not that of a line.
    pub(super) separator: Option<Vec<u8>>,
    pub(super) times: Times,
    /// True if a date may be a number of days in a string: without a format of the program's.
    pub(super) days: bool,
    pub(super) primitives_as_string: bool,
    pub(super) prefers_decimal: bool,
    pub(super) drop_all_null: bool,
    pub(super) infer_timestamp: bool,
    /// The part of the records that inference looks at.
    pub(super) sampling: f64,
}

impl JsonOptions {
    pub(super) fn of(options: &Options) -> Result<JsonOptions, String> {
        check_encoding(options)?;
        check_locale(options)?;
        let flag = |name| options.flag(name, false);
        let times = Times::of(options)?;
        times.check_reading()?;
        Ok(JsonOptions {
            dialect: Dialect {
                comments: flag("allowComments")?,
                unquoted_names: flag("allowUnquotedFieldNames")?,
                single_quotes: options.flag("allowSingleQuotes", true)?,
                leading_zeros: flag("allowNumericLeadingZeros")?,
                non_numeric: options.flag("allowNonNumericNumbers", true)?,
                any_escape: flag("allowBackslashEscapingAnyCharacter")?,
                control_characters: flag("allowUnquotedControlChars")?,
            },
            mode: mode(options)?,
            corrupt: options.get("columnNameOfCorruptRecord").unwrap_or("_corrupt_record").into(),
            multi_line: flag("multiLine")?,
            separator: separator(options)?,
            times,
            days: options.get("dateFormat").is_none(),
            primitives_as_string: flag("primitivesAsString")?,
            prefers_decimal: flag("prefersDecimal")?,
            drop_all_null: flag("dropFieldIfAllNull")?,
            infer_timestamp: flag("inferTimestamp")?,
            sampling: sampling(options)?,
        })
    }
}

fn mode(options: &Options) -> Result<Mode, String> {
    let Some(name) = options.get("mode") else { return Ok(Mode::Permissive) };
    match name.to_ascii_uppercase().as_str() {
        "PERMISSIVE" => Ok(Mode::Permissive),
        "DROPMALFORMED" => Ok(Mode::DropMalformed),
        "FAILFAST" => Ok(Mode::FailFast),
        _ => Err(format!("the option mode is PERMISSIVE, DROPMALFORMED or FAILFAST, and not {name:?}")),
    }
}

/// Returns the end of records, which may not be nothing.
pub(super) fn separator(options: &Options) -> Result<Option<Vec<u8>>, String> {
    match options.get("lineSep") {
        Some("") => Err("the option lineSep is the text that ends a record, and cannot be empty".into()),
        separator => Ok(separator.map(|text| text.as_bytes().to_vec())),
    }
}

/// Refuses what would be read or written as UTF-8 although the program asks for something else.
pub(super) fn check_encoding(options: &Options) -> Result<(), String> {
    match options.first(&["encoding", "charset"]) {
        Some(name) if !name.eq_ignore_ascii_case("UTF-8") => Err(format!(
            "the option encoding is UTF-8 here, and not {name:?}: convert the files with iconv, or with Spark"
        )),
        _ => Ok(()),
    }
}

fn check_locale(options: &Options) -> Result<(), String> {
    match options.get("locale") {
        Some(name) if name != "en" && !name.starts_with("en-") => {
            Err(format!("the option locale is en-US here, and not {name:?}: other languages are not known"))
        }
        _ => Ok(()),
    }
}

fn sampling(options: &Options) -> Result<f64, String> {
    let ratio: f64 = options.number("samplingRatio", 1.0)?;
    match ratio > 0.0 {
        true => Ok(ratio),
        false => Err(format!("the option samplingRatio is a part of the records above 0, and not {ratio}")),
    }
}
