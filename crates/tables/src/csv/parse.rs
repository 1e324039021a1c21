//! The CSV parser: splits one record's text into its fields. Nothing is copied unless a field has escaped
//! characters; the lists are reused from record to record. It also finds the end of a record whose quoted
//! fields may contain line ends.

use super::CsvFormat;
use memchr::{memchr, memchr_iter};

/// A field's range, and whether it was quoted.
#[derive(Clone, Copy, Debug)]
struct Field {
    start: usize,
    end: usize,
    quoted: bool,
    /// True if the range is of `unescaped` instead of the record's text.
    moved: bool,
}

/// The fields of one record, reused for the next.
#[derive(Default)]
pub(super) struct Fields {
    list: Vec<Field>,
    unescaped: String,
}

/// The reason why a record cannot be split into fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParseError {
    /// A quote opens a field, the first being 0, and none closes it.
    Open(usize),
    /// A character that is no delimiter follows a closing quote, in this field.
    AfterQuote(usize),
}

impl Fields {
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns a field's text, and whether it was quoted. `record` is the text that was parsed.
    #[inline]
    pub(super) fn get<'a>(&'a self, record: &'a str, index: usize) -> (&'a str, bool) {
        let field = self.list[index];
        let text = if field.moved { &self.unescaped[..] } else { record };
        (&text[field.start..field.end], field.quoted)
    }

    /// Replaces the fields by those of a record, whose line end was removed.
    pub(super) fn parse(&mut self, record: &str, format: &CsvFormat) -> Result<(), ParseError> {
        self.list.clear();
        let bytes = record.as_bytes();
        match format.quote {
            Some(quote) if memchr(quote, bytes).is_some() => self.parse_quoted(record, quote, format),
            _ => {
                let mut start = 0;
                for end in memchr_iter(format.delimiter, bytes) {
                    self.list.push(Field { start, end, quoted: false, moved: false });
                    start = end + 1;
                }
                self.list.push(Field { start, end: bytes.len(), quoted: false, moved: false });
                Ok(())
            }
        }
    }

    fn parse_quoted(&mut self, record: &str, quote: u8, format: &CsvFormat) -> Result<(), ParseError> {
        self.unescaped.clear();
        let (bytes, mut at) = (record.as_bytes(), 0);
        loop {
            if bytes.get(at) == Some(&quote) {
                at = self.quoted_field(record, at + 1, quote, format.escape)?;
            } else {
                let end = memchr(format.delimiter, &bytes[at..]).map_or(bytes.len(), |length| at + length);
                self.list.push(Field { start: at, end, quoted: false, moved: false });
                at = end;
            }
            match bytes.get(at) {
                None => return Ok(()),
                Some(byte) if *byte == format.delimiter => at += 1,
                Some(_) => return Err(ParseError::AfterQuote(self.list.len() - 1)),
            }
        }
    }

    /// Parses the field behind a quote. Returns the position behind its closing quote.
    fn quoted_field(
        &mut self,
        record: &str,
        start: usize,
        quote: u8,
        escape: Option<u8>,
    ) -> Result<usize, ParseError> {
        let bytes = record.as_bytes();
        let (moved_start, mut from, mut at) = (self.unescaped.len(), start, start);
        loop {
            match bytes.get(at) {
                None => return Err(ParseError::Open(self.list.len())),
                Some(byte) if Some(*byte) == escape && at + 1 < bytes.len() => {
                    self.unescaped += &record[from..at];
                    from = at + 1;
                    // A whole character: escapes stand before those beyond ASCII too.
                    at += 1 + record[from..].chars().next().map_or(1, char::len_utf8);
                }
                Some(byte) if *byte == quote && bytes.get(at + 1) == Some(&quote) => {
                    self.unescaped += &record[from..=at];
                    from = at + 2;
                    at += 2;
                }
                Some(byte) if *byte == quote => break,
                Some(_) => at += 1,
            }
        }
        let field = if from == start {
            Field { start, end: at, quoted: true, moved: false }
        } else {
            self.unescaped += &record[from..at];
            Field { start: moved_start, end: self.unescaped.len(), quoted: true, moved: true }
        };
        self.list.push(field);
        Ok(at + 1)
    }
}

/// Returns the end of a record, before its line end, when quoted fields may contain line ends. None when the
/// bytes end before it does.
pub(super) fn record_end(bytes: &[u8], format: &CsvFormat) -> Option<usize> {
    let (mut at, mut field_start, mut quoted) = (0, true, false);
    while at < bytes.len() {
        let byte = bytes[at];
        if quoted {
            if Some(byte) == format.escape {
                at += 1;
            } else if Some(byte) == format.quote {
                if bytes.get(at + 1) == Some(&byte) {
                    at += 1;
                } else {
                    quoted = false;
                }
            }
        } else if matches!(byte, b'\r' | b'\n') {
            return Some(at);
        } else {
            quoted = field_start && Some(byte) == format.quote;
            field_start = byte == format.delimiter;
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(record: &str, format: &CsvFormat) -> Result<Vec<(String, bool)>, ParseError> {
        let mut fields = Fields::default();
        fields.parse(record, format)?;
        Ok((0..fields.len())
            .map(|i| fields.get(record, i))
            .map(|(text, quoted)| (text.to_string(), quoted))
            .collect())
    }

    fn texts(record: &str) -> Vec<String> {
        fields(record, &CsvFormat::default()).unwrap().into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn fields_with_and_without_quotes() {
        assert_eq!(texts("a,b,,c"), ["a", "b", "", "c"]);
        assert_eq!(texts(""), [""]);
        assert_eq!(texts("\"a,b\",\"c\"\"d\",\"\""), ["a,b", "c\"d", ""]);
        assert_eq!(texts("5\" pipe,x"), ["5\" pipe", "x"]);
        assert_eq!(texts("\"a\","), ["a", ""]);
        let format = CsvFormat { escape: Some(b'\\'), ..CsvFormat::default() };
        assert_eq!(
            fields(r#""a\"b\\","ü\ü""#, &format).unwrap(),
            [("a\"b\\".into(), true), ("üü".into(), true)]
        );
        let bare = CsvFormat { quote: None, delimiter: b'\t', ..CsvFormat::default() };
        assert_eq!(fields("\"a\tb", &bare).unwrap(), [("\"a".into(), false), ("b".into(), false)]);
    }

    #[test]
    fn quotes_that_do_not_close_or_close_too_early() {
        let format = CsvFormat::default();
        assert_eq!(fields("a,\"b", &format), Err(ParseError::Open(1)));
        assert_eq!(fields("a,\"b\"\"", &format), Err(ParseError::Open(1)));
        assert_eq!(fields("\"b\"x,a", &format), Err(ParseError::AfterQuote(0)));
    }

    #[test]
    fn records_with_line_ends_in_quotes() {
        let format = CsvFormat::default();
        assert_eq!(record_end(b"a,\"b\nc\",d\ne", &format), Some(9));
        assert_eq!(record_end(b"a,\"b\n\"\"", &format), None);
        assert_eq!(record_end(b"a\"\nb", &format), Some(2));
    }

    proptest! {
        /// The `csv` crate reads the same fields wherever this parser finds no fault.
        #[test]
        fn fields_are_those_that_another_parser_finds(record in "[ab\",é;]{1,24}") {
            if let Ok(ours) = fields(&record, &CsvFormat::default()) {
                let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(record.as_bytes());
                let theirs = reader.records().next().unwrap().unwrap();
                let ours: Vec<_> = ours.into_iter().map(|(text, _)| text).collect();
                prop_assert_eq!(ours, theirs.iter().map(String::from).collect::<Vec<_>>());
            }
        }
    }
}
