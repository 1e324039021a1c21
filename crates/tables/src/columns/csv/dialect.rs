//! The dialect: what the options say about the form of a file. Options that Spark has and nothing here obeys are
//! refused; unknown ones are none of our business, as in Spark.

use crate::columns::options::Options;

/// The form of CSV files.
#[derive(Clone, Debug)]
pub(super) struct Dialect {
    pub(super) separator: Vec<u8>,
    /// None if no character quotes.
    pub(super) quote: Option<u8>,
    pub(super) escape: Option<u8>,
    /// The character before an escape that is meant as itself.
    pub(super) escape_escape: Option<u8>,
    pub(super) comment: Option<u8>,
    pub(super) trim_start: bool,
    pub(super) trim_end: bool,
    pub(super) unescaped: Unescaped,
    pub(super) max_columns: usize,
    /// The most characters of a field; none if there is no limit.
    pub(super) max_characters: Option<usize>,
    pub(super) header: bool,
    pub(super) multi_line: bool,
    /// The end of lines, if not one of the usual ends.
    pub(super) line_end: Option<Vec<u8>>,
    pub(super) null: String,
    pub(super) empty: Option<String>,
    pub(super) charset: Charset,
}

/// The meaning of a quote that neither ends a field nor is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unescaped {
    /// The field reaches to the next separator, with its quotes.
    StopAtDelimiter,
    /// The field reaches to the next quote that ends one.
    StopAtClosingQuote,
    /// The field is null.
    SkipValue,
    RaiseError,
}

/// The encodings of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    Latin1,
    Ascii,
}

/// The most fields of a record, unless an option sets it.
const MAX_COLUMNS: usize = 20_480;

impl Dialect {
    /// Reads the options that reading obeys.
    pub(super) fn for_reading(options: &Options) -> Result<Dialect, String> {
        let dialect = Dialect::of(options, false)?;
        if options.get("singleVariantColumn").is_some() {
            return Err("the option singleVariantColumn is not obeyed here: there is no type variant".into());
        }
        Ok(dialect)
    }

    /// Reads the options that writing obeys.
    pub(super) fn for_writing(options: &Options) -> Result<Dialect, String> {
        Dialect::of(options, true)
    }

    fn of(options: &Options, trim: bool) -> Result<Dialect, String> {
        let quote = character(options, "quote", Some(b'"'))?;
        let escape = character(options, "escape", Some(b'\\'))?;
        let default = if escape == quote { None } else { escape };
        let line_end = options.get("lineSep").map(line_end).transpose()?;
        let multi_line = options.flag("multiLine", false)?;
        if multi_line && line_end.as_ref().is_some_and(|end| end.len() == 2 && end != b"\r\n") {
            return Err("the option lineSep is one character or \\r\\n where multiLine is true".into());
        }
        let max_characters = options.number("maxCharsPerColumn", -1_i64)?;
        Ok(Dialect {
            separator: separator(options.first(&["sep", "delimiter"]).unwrap_or(","))?,
            quote,
            escape,
            escape_escape: character(options, "charToEscapeQuoteEscaping", default)?,
            comment: character(options, "comment", None)?,
            trim_start: options.flag("ignoreLeadingWhiteSpace", trim)?,
            trim_end: options.flag("ignoreTrailingWhiteSpace", trim)?,
            unescaped: unescaped(options)?,
            max_columns: options.number("maxColumns", MAX_COLUMNS)?,
            max_characters: usize::try_from(max_characters).ok(),
            header: options.flag("header", false)?,
            multi_line,
            line_end,
            null: options.get("nullValue").unwrap_or("").to_string(),
            empty: options.get("emptyValue").map(str::to_string),
            charset: charset(options)?,
        })
    }

    /// Returns whether a line, which is one of several in a file, holds no record.
    pub(super) fn skips(&self, line: &[u8]) -> bool {
        line.iter().all(|byte| *byte <= b' ')
            || (self.comment.is_some() && line.first().copied() == self.comment)
    }
}

/// Returns the option that is one character. An empty one, and that of code 0, mean that there is none.
fn character(options: &Options, name: &str, default: Option<u8>) -> Result<Option<u8>, String> {
    match options.get(name) {
        None => Ok(default),
        Some("" | "\0") => Ok(None),
        Some(text) => match text.as_bytes() {
            [byte] => Ok(Some(*byte)),
            _ => Err(format!("the option {name} is one character of ASCII, and not {text:?}")),
        },
    }
}

/// Returns what separates fields. A backslash begins the name of a character: `\t`.
fn separator(text: &str) -> Result<Vec<u8>, String> {
    let refuse = |what: &str| Err(format!("the option sep: {what}, in {text:?}"));
    let (mut bytes, mut rest) = (vec![], text);
    if text.is_empty() {
        return Err("the option sep is at least one character, and not empty".into());
    }
    if text == "\\" {
        return refuse("a backslash is written twice");
    }
    while let Some(character) = rest.chars().next() {
        if character != '\\' {
            bytes.extend_from_slice(&rest.as_bytes()[..character.len_utf8()]);
            rest = &rest[character.len_utf8()..];
            continue;
        }
        if let Some(after) = rest.strip_prefix("\\u0000") {
            bytes.push(0);
            rest = after;
            continue;
        }
        bytes.push(match rest.as_bytes().get(1) {
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(byte @ (b'"' | b'\'' | b'\\')) => *byte,
            _ => return refuse("behind a backslash stands one of t r b f \" ' \\"),
        });
        rest = &rest[2..];
    }
    Ok(bytes)
}

fn line_end(text: &str) -> Result<Vec<u8>, String> {
    match text.chars().count() {
        0 => Err("the option lineSep is one or two characters, and not empty".into()),
        1 | 2 => Ok(text.as_bytes().to_vec()),
        _ => Err(format!("the option lineSep is one or two characters, and not {text:?}")),
    }
}

fn unescaped(options: &Options) -> Result<Unescaped, String> {
    let Some(text) = options.get("unescapedQuoteHandling") else { return Ok(Unescaped::StopAtDelimiter) };
    match text.to_ascii_uppercase().as_str() {
        "STOP_AT_DELIMITER" => Ok(Unescaped::StopAtDelimiter),
        "STOP_AT_CLOSING_QUOTE" => Ok(Unescaped::StopAtClosingQuote),
        "SKIP_VALUE" => Ok(Unescaped::SkipValue),
        "RAISE_ERROR" => Ok(Unescaped::RaiseError),
        "BACK_TO_DELIMITER" => {
            Err("the option unescapedQuoteHandling: BACK_TO_DELIMITER is not obeyed here. Use \
                                    STOP_AT_DELIMITER, STOP_AT_CLOSING_QUOTE, SKIP_VALUE or RAISE_ERROR"
                .into())
        }
        _ => Err(format!(
            "the option unescapedQuoteHandling is STOP_AT_DELIMITER, STOP_AT_CLOSING_QUOTE, SKIP_VALUE or \
             RAISE_ERROR, and not {text:?}"
        )),
    }
}

fn charset(options: &Options) -> Result<Charset, String> {
    let Some(text) = options.first(&["encoding", "charset"]) else { return Ok(Charset::Utf8) };
    match text.to_ascii_uppercase().as_str() {
        "UTF-8" => Ok(Charset::Utf8),
        "ISO-8859-1" => Ok(Charset::Latin1),
        "US-ASCII" => Ok(Charset::Ascii),
        _ => Err(format!(
            "the option encoding is UTF-8, ISO-8859-1 or US-ASCII here, and not {text:?}. Convert the files: \
             iconv -f {text} -t UTF-8"
        )),
    }
}

/// Refuses a language whose numbers and names of months are not those of English, where these are read.
pub(super) fn check_locale(options: &Options, matters: bool) -> Result<(), String> {
    let locale = options.get("locale").unwrap_or("en-US");
    let english = locale.split(['-', '_']).next().is_some_and(|language| language.eq_ignore_ascii_case("en"));
    match matters && !english {
        false => Ok(()),
        true => Err(format!(
            "the option locale: numbers and names of months of {locale:?} are not known here, only those of en-US. \
             Read the column as a string"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<Dialect, String> {
        Dialect::for_reading(&Options::from_iter([(name, value)]))
    }

    #[test]
    fn separators_have_names_for_characters() {
        for (text, bytes) in
            [("\\t", "\t"), ("\\\\", "\\"), ("||", "||"), ("a\\tb", "a\tb"), ("\\u0000", "\0")]
        {
            assert_eq!(read("sep", text).unwrap().separator, bytes.as_bytes(), "{text}");
        }
        for text in ["", "\\", "\\|", "\\0", "\\u0041", "\\\t"] {
            assert!(read("sep", text).unwrap_err().contains("sep"), "{text}");
        }
        assert_eq!(read("delimiter", ";").unwrap().separator, b";");
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        let cases = [
            ("quote", "ab"),
            ("escape", "ä"),
            ("comment", "##"),
            ("header", "yes"),
            ("maxColumns", "x"),
            ("encoding", "UTF-16"),
            ("unescapedQuoteHandling", "BACK_TO_DELIMITER"),
            ("unescapedQuoteHandling", "nope"),
            ("lineSep", "abc"),
            ("lineSep", ""),
        ];
        for (name, value) in cases {
            assert!(read(name, value).unwrap_err().contains(name), "{name}");
        }
        assert_eq!(read("quote", "").unwrap().quote, None);
        assert_eq!(read("charset", "iso-8859-1").unwrap().charset, Charset::Latin1);
        assert!(read("unknown", "x").is_ok());
    }

    #[test]
    fn the_escape_of_the_escape_is_the_escape_unless_that_is_the_quote() {
        let of = |pairs: &[(&str, &str)]| {
            Dialect::for_reading(&Options::from_iter(pairs.iter().copied())).unwrap()
        };
        assert_eq!(of(&[]).escape_escape, Some(b'\\'));
        assert_eq!(of(&[("escape", "\"")]).escape_escape, None);
        assert_eq!(of(&[("charToEscapeQuoteEscaping", "#")]).escape_escape, Some(b'#'));
    }
}
