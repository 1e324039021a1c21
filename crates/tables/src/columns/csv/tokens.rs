//! The words that splitting a record is described with: kinds of fields, bounds of records, and why one cannot be split.

use super::dialect::Dialect;
use memchr::{memchr, memchr2, memmem};

/// The kind of a field, before its text is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bare,
    Quoted,
    /// Skipped, as the handling of stray quotes asks for.
    Null,
}

/// The reason why a record cannot be split into fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ParseError {
    /// The text ends before the record does, and more text may follow.
    Open,
    /// A quote stands where none may.
    Stray(usize),
    /// There are more fields than allowed.
    Columns(usize),
    /// A field is longer than allowed.
    Characters(usize),
}

impl ParseError {
    /// Returns the reason, and what to do, as a sentence.
    pub(super) fn sentence(&self) -> String {
        match self {
            ParseError::Open => "the record has no end".into(),
            ParseError::Stray(field) => format!(
                "a quote in field {} is neither escaped nor at the end, and the option unescapedQuoteHandling is \
                 RAISE_ERROR",
                field + 1
            ),
            ParseError::Columns(most) => {
                format!("the record has more than {most} fields: raise the option maxColumns")
            }
            ParseError::Characters(field) => {
                format!("field {} is longer than the option maxCharsPerColumn allows: raise it", field + 1)
            }
        }
    }
}

/// Where records are parsed: what ends one, and what the end of the text means.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// The byte that ends a record, if one does.
    pub(super) newline: Option<u8>,
    /// True if the text's end is that of the file, and so of a record.
    pub(super) last: bool,
}

/// The bounds of a record that is a line.
pub(super) const LINE: Bounds = Bounds { newline: None, last: true };

/// Returns the place of the first separator or record's end.
pub(super) fn bare_end(bytes: &[u8], start: usize, dialect: &Dialect, bounds: Bounds) -> usize {
    let rest = &bytes[start..];
    let found = match (&dialect.separator[..], bounds.newline) {
        ([separator], None) => memchr(*separator, rest),
        ([separator], Some(newline)) => memchr2(*separator, newline, rest),
        (separator, newline) => {
            let end = newline.and_then(|newline| memchr(newline, rest));
            memmem::find(&rest[..end.unwrap_or(rest.len())], separator).or(end)
        }
    };
    found.map_or(bytes.len(), |at| start + at)
}
