//! Quoted fields with escapes, stray quotes, or no closing quote: character by character, by the rules that Spark's
//! parser shows. Such fields are rare, and the rules are odd; they were found by reading hostile text in both.

use super::dialect::{Dialect, Unescaped};
use super::tokens::{Bounds, Kind, ParseError, bare_end};

/// The end of a field that was read.
pub(super) struct Quoted {
    pub(super) end: usize,
    pub(super) kind: Kind,
}

/// The byte that stands for none: no quote or escape has it.
const NONE: u8 = 0;

/// Reads the field whose opening quote is at a place, and appends its text.
pub(super) fn read(
    text: &str,
    open: usize,
    dialect: &Dialect,
    bounds: Bounds,
    out: &mut String,
    field: usize,
) -> Result<Quoted, ParseError> {
    let start = out.len();
    let mut reader = Reader {
        text,
        at: open + 1,
        dialect,
        bounds,
        quote: dialect.quote.unwrap_or(NONE),
        escape: dialect.escape.unwrap_or(NONE),
        escape_escape: dialect.escape_escape.unwrap_or(NONE),
        previous: NONE,
        current: dialect.quote.unwrap_or(NONE),
        strayed: false,
        spaced: false,
    };
    let kind = match reader.inside(out) {
        Stop::Closed => Kind::Quoted,
        Stop::TextEnd => {
            // A quote as the last character of all is text, unless it closes the field.
            let lone = reader.current == reader.quote && reader.previous != reader.quote;
            if lone && !reader.strayed {
                out.push(char::from(reader.quote));
            }
            Kind::Quoted
        }
        Stop::Stray => match dialect.unescaped {
            Unescaped::RaiseError => return Err(ParseError::Stray(field)),
            Unescaped::SkipValue => {
                out.truncate(start);
                reader.at = bare_end(text.as_bytes(), reader.at, dialect, bounds);
                Kind::Null
            }
            _ => {
                // The quotes of the field are text up to the separator.
                out.insert(start, char::from(reader.quote));
                let end = bare_end(text.as_bytes(), reader.at, dialect, bounds);
                out.push_str(&text[reader.at..end]);
                // A field that went on behind white space, with a quote as the second character there, has one more at
                // the end of all.
                let second = text[reader.at..end].chars().nth(1);
                let doubles = reader.spaced && end == text.len() && bounds.last;
                if doubles && reader.current != reader.quote && second == Some(char::from(reader.quote)) {
                    out.push(char::from(reader.quote));
                }
                reader.at = end;
                if dialect.trim_end {
                    let kept = out[start..].trim_end_matches(|character| character <= ' ').len();
                    out.truncate(start + kept);
                }
                Kind::Quoted
            }
        },
    };
    Ok(Quoted { end: reader.at, kind })
}

/// The reason why the inside of a field is over.
enum Stop {
    /// A closing quote was found; the place is behind it and the white space that follows.
    Closed,
    /// The text ended.
    TextEnd,
    /// A stray quote turns the field into a bare one; what was read of it is in the output.
    Stray,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    dialect: &'a Dialect,
    bounds: Bounds,
    quote: u8,
    escape: u8,
    escape_escape: u8,
    /// The character before the current one, if it may mean something.
    previous: u8,
    current: u8,
    strayed: bool,
    /// True if the field went on behind a quote and white space.
    spaced: bool,
}

impl Reader<'_> {
    /// Takes the next character, or returns false at the text's end.
    fn next(&mut self) -> bool {
        match self.text.as_bytes().get(self.at) {
            None => false,
            Some(byte) => {
                self.current = *byte;
                self.at += 1;
                true
            }
        }
    }

    /// Returns whether the current character begins what ends a field.
    fn at_end(&self) -> bool {
        self.bounds.newline == Some(self.current)
            || self.text.as_bytes()[self.at - 1..].starts_with(&self.dialect.separator)
    }

    /// Appends the current character, and those that follow up to one that means something.
    fn plain(&mut self, out: &mut String) -> bool {
        let bytes = self.text.as_bytes();
        let special = |byte: &u8| {
            *byte == self.quote || *byte != NONE && (*byte == self.escape || *byte == self.escape_escape)
        };
        let from = self.at - 1;
        // A character that escapes escapes is lost where it escapes none.
        let more = bytes[from..].iter().position(special);
        let end = more.map_or(bytes.len(), |more| from + more);
        out.push_str(&self.text[from..end]);
        self.at = end;
        if !self.next() {
            self.previous = NONE;
            self.current = NONE;
            return false;
        }
        true
    }

    fn inside(&mut self, out: &mut String) -> Stop {
        if !self.next() {
            return Stop::TextEnd;
        }
        loop {
            let after_quote = self.previous == self.quote;
            if after_quote && (self.at_end() || self.current <= b' ') {
                match self.closed(out) {
                    Some(stop) => return stop,
                    None => continue,
                }
            }
            if self.current != self.quote && self.current != self.escape {
                if after_quote {
                    self.strayed = true;
                    out.push(char::from(self.quote));
                    if self.dialect.unescaped != Unescaped::StopAtClosingQuote {
                        self.at -= 1;
                        return Stop::Stray;
                    }
                } else if self.previous == self.escape && self.escape != NONE {
                    out.push(char::from(self.escape));
                }
                self.previous = NONE;
                if !self.plain(out) {
                    return Stop::TextEnd;
                }
            } else {
                match self.special(out) {
                    Ok(true) => {}
                    Ok(false) => return Stop::TextEnd,
                    Err(stop) => return stop,
                }
            }
            self.previous = self.current;
            if !self.next() {
                return Stop::TextEnd;
            }
        }
    }

    /// Looks at a quote or an escape. Returns false at the text's end.
    fn special(&mut self, out: &mut String) -> Result<bool, Stop> {
        let (current, previous) = (self.current, self.previous);
        if current == self.escape && previous == self.escape_escape && previous != NONE {
            out.push(char::from(self.escape));
            self.current = NONE;
        } else if previous == self.escape {
            if current == self.quote {
                out.push(char::from(self.quote));
                self.current = NONE;
            } else {
                out.push(char::from(previous));
            }
        } else if current == self.quote && previous == self.quote {
            out.push(char::from(self.quote));
        } else if previous == self.quote {
            return self.stray_escape(out);
        }
        Ok(true)
    }

    /// Goes on behind a quote that an escape follows: up to the next separator, which is lost with it.
    fn stray_escape(&mut self, out: &mut String) -> Result<bool, Stop> {
        if matches!(self.dialect.unescaped, Unescaped::SkipValue | Unescaped::RaiseError) {
            self.at -= 1;
            return Err(Stop::Stray);
        }
        out.push(char::from(self.quote));
        self.previous = self.current;
        while !self.at_end() {
            if self.current == self.quote || self.current == self.escape {
                if !self.special(out)? {
                    return Ok(false);
                }
            } else if self.previous == self.quote {
                return self.stray_escape(out);
            } else {
                let from = self.at - 1;
                while self.at < self.text.len() && !self.text.is_char_boundary(self.at) {
                    self.at += 1;
                }
                out.push_str(&self.text[from..self.at]);
            }
            self.previous = self.current;
            if !self.next() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Passes the white space behind a quote. Returns nothing if the field goes on behind it.
    fn closed(&mut self, out: &mut String) -> Option<Stop> {
        let from = self.at - 1;
        while !self.at_end() && self.current <= b' ' {
            if !self.next() {
                return Some(Stop::Closed);
            }
        }
        if self.at_end() {
            self.at -= 1;
            return Some(Stop::Closed);
        }
        // There is more: the quote and the space are text.
        self.spaced = true;
        out.push(char::from(self.quote));
        out.push_str(&self.text[from..self.at - 1]);
        if self.dialect.unescaped != Unescaped::StopAtClosingQuote {
            self.at -= 1;
            return Some(Stop::Stray);
        }
        self.previous = NONE;
        None
    }
}
