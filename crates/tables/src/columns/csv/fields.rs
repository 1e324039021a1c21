//! Splits a record into its fields. Nothing is copied unless a field has escapes or stray quotes (`quoted`); the
//! lists are reused from record to record.

use super::dialect::Dialect;
use super::quoted;
use super::tokens::{Bounds, Kind, ParseError, bare_end};
use memchr::{memchr, memchr_iter, memchr2};

/// A field's range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
    /// True if the range is of `moved` instead of the record's text.
    pub(super) moved: bool,
}

/// The fields of one record, reused for the next.
#[derive(Default)]
pub(super) struct Fields {
    list: Vec<Field>,
    pub(super) moved: String,
}

impl Fields {
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns a field's text, or none if it is null. `text` is what was parsed.
    #[inline]
    pub(super) fn get<'a>(&'a self, text: &'a str, index: usize) -> Option<(&'a str, Kind)> {
        let field = self.list.get(index)?;
        let text = if field.moved { &self.moved[..] } else { text };
        Some((&text[field.start..field.end], field.kind))
    }

    /// Makes the ranges of the fields those of a text that begins at a place of the one that was parsed.
    pub(super) fn rebase(&mut self, start: usize) {
        for field in self.list.iter_mut().filter(|field| !field.moved) {
            (field.start, field.end) = (field.start - start, field.end - start);
        }
    }

    /// Replaces the fields by those of the record that begins at a place. Returns the place where the next one
    /// begins.
    pub(super) fn parse(
        &mut self,
        text: &str,
        start: usize,
        dialect: &Dialect,
        bounds: Bounds,
    ) -> Result<usize, ParseError> {
        self.list.clear();
        self.moved.clear();
        let bytes = text.as_bytes();
        let plain = bounds.newline.is_none()
            && dialect.separator.len() == 1
            && dialect.quote.is_none_or(|quote| memchr(quote, &bytes[start..]).is_none());
        let next = if plain {
            self.bare_line(bytes, start, dialect)
        } else {
            self.record(text, start, dialect, bounds)?
        };
        if self.list.len() > dialect.max_columns {
            return Err(ParseError::Columns(dialect.max_columns));
        }
        if let Some(most) = dialect.max_characters {
            let long =
                |index: &usize| self.get(text, *index).is_some_and(|(text, _)| text.chars().count() > most);
            if let Some(index) = (0..self.list.len()).find(long) {
                return Err(ParseError::Characters(index));
            }
        }
        Ok(next)
    }

    /// Splits a line without quotes.
    fn bare_line(&mut self, bytes: &[u8], start: usize, dialect: &Dialect) -> usize {
        let (separator, trims) = (dialect.separator[0], dialect.trim_start || dialect.trim_end);
        let mut from = start;
        for at in memchr_iter(separator, &bytes[start..]).map(|at| start + at).chain([bytes.len()]) {
            let (mut field_start, mut end) = (from, at);
            if trims {
                (field_start, end) = trimmed(bytes, from, at, dialect);
            }
            self.list.push(Field { start: field_start, end, kind: Kind::Bare, moved: false });
            from = at + 1;
        }
        bytes.len()
    }

    /// Splits a record that may have quotes and end before the text does.
    fn record(
        &mut self,
        text: &str,
        start: usize,
        dialect: &Dialect,
        bounds: Bounds,
    ) -> Result<usize, ParseError> {
        let bytes = text.as_bytes();
        let mut at = start;
        loop {
            at = self.field(text, at, dialect, bounds)?;
            if at >= bytes.len() {
                return if bounds.last { Ok(at) } else { Err(ParseError::Open) };
            }
            if bounds.newline == Some(bytes[at]) {
                return Ok(at + 1);
            }
            at += dialect.separator.len();
            if self.list.len() > dialect.max_columns {
                return Err(ParseError::Columns(dialect.max_columns));
            }
        }
    }

    /// Reads one field. Returns the place of its end: of a separator, of the record's end, or of the text's.
    fn field(
        &mut self,
        text: &str,
        start: usize,
        dialect: &Dialect,
        bounds: Bounds,
    ) -> Result<usize, ParseError> {
        let bytes = text.as_bytes();
        let mut at = start;
        while dialect.trim_start
            && at < bytes.len()
            && bytes[at] <= b' '
            && bounds.newline != Some(bytes[at])
            && !bytes[at..].starts_with(&dialect.separator)
        {
            at += 1;
        }
        if dialect.quote.is_some() && bytes.get(at).copied() == dialect.quote {
            if let Some(end) = closing(bytes, at + 1, dialect, bounds) {
                self.list.push(Field { start: at + 1, end, kind: Kind::Quoted, moved: false });
                return Ok(end + 1);
            }
            let from = self.moved.len();
            let quoted = quoted::read(text, at, dialect, bounds, &mut self.moved, self.list.len())?;
            if quoted.end >= bytes.len() && !bounds.last {
                return Err(ParseError::Open);
            }
            self.list.push(Field { start: from, end: self.moved.len(), kind: quoted.kind, moved: true });
            return Ok(quoted.end);
        }
        let end = bare_end(bytes, at, dialect, bounds);
        let (field_start, field_end) = trimmed(bytes, at, end, dialect);
        self.list.push(Field { start: field_start, end: field_end, kind: Kind::Bare, moved: false });
        Ok(end)
    }
}

/// Returns the place of the quote that closes a field, if there is nothing to remove from the field's text.
fn closing(bytes: &[u8], start: usize, dialect: &Dialect, bounds: Bounds) -> Option<usize> {
    let quote = dialect.quote?;
    let found = match dialect.escape {
        Some(escape) if escape != quote => memchr2(quote, escape, &bytes[start..]),
        _ => memchr(quote, &bytes[start..]),
    };
    let end = start + found?;
    let ends = match bytes.get(end + 1) {
        None => bounds.last,
        Some(next) => bounds.newline == Some(*next) || bytes[end + 1..].starts_with(&dialect.separator),
    };
    (bytes[end] == quote && ends && dialect.escape_escape.is_none_or(|byte| Some(byte) == dialect.escape))
        .then_some(end)
}

/// Removes white space at the sides of a bare field, as far as the dialect asks for it.
fn trimmed(bytes: &[u8], start: usize, end: usize, dialect: &Dialect) -> (usize, usize) {
    let (mut start, mut end) = (start, end);
    while dialect.trim_start && start < end && bytes[start] <= b' ' {
        start += 1;
    }
    while dialect.trim_end && end > start && bytes[end - 1] <= b' ' {
        end -= 1;
    }
    (start, end)
}
