//! [`Scanner`]: the tokens of one record, strictly by the grammar except where the [`Dialect`] allows more.
//!
//! The dialect is Jackson's, Spark's parser: strings in single quotes, `NaN` for a number. General libraries
//! have no such dialects, and lose the text of numbers that Spark keeps in columns of strings.

/// The liberties that a program may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dialect {
    /// `/* ... */` and `// ...` between tokens.
    pub(super) comments: bool,
    /// Names of fields without quotes.
    pub(super) unquoted_names: bool,
    /// Strings in single quotes.
    pub(super) single_quotes: bool,
    /// Numbers such as 007.
    pub(super) leading_zeros: bool,
    /// `NaN`, `Infinity` and their like.
    pub(super) non_numeric: bool,
    /// A backslash before any character.
    pub(super) any_escape: bool,
    /// Control characters in strings.
    pub(super) control_characters: bool,
}

/// A record that is not JSON.
#[derive(Debug)]
pub(super) struct Broken {
    /// The byte of the record that does not fit.
    pub(super) at: usize,
    pub(super) reason: &'static str,
}

/// The deepest nesting.
const DEPTH: u32 = 1000;

/// A number, or a word for one.
pub(super) struct Number<'a> {
    pub(super) text: &'a str,
    /// True if it is written without a fraction, an exponent or a word.
    pub(super) whole: bool,
    /// True if it is a word, such as `NaN`.
    pub(super) word: bool,
}

/// The words for numbers, where they are allowed.
const WORDS: [&str; 6] = ["NaN", "Infinity", "-Infinity", "+Infinity", "-INF", "+INF"];

#[derive(Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    dialect: Dialect,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Scanner<'a> {
        Scanner { text, at: 0, depth: 0, dialect }
    }

    /// Returns the position, to go back to or to cut text from.
    pub(super) fn position(&self) -> (usize, u32) {
        (self.at, self.depth)
    }

    pub(super) fn go_to(&mut self, (at, depth): (usize, u32)) {
        (self.at, self.depth) = (at, depth);
    }

    /// Returns the text from a position to here.
    pub(super) fn since(&self, (at, _): (usize, u32)) -> &'a str {
        &self.text[at..self.at]
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[cold]
    fn broken<T>(&self, reason: &'static str) -> Result<T, Broken> {
        Err(Broken { at: self.at, reason })
    }

    /// Returns the first byte of the next token, without taking it; none at the end.
    #[inline]
    pub(super) fn peek_any(&mut self) -> Result<Option<u8>, Broken> {
        loop {
            match self.byte() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(b'/') if self.dialect.comments => self.comment()?,
                byte => return Ok(byte),
            }
        }
    }

    /// Returns the first byte of the next token, without taking it.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, Broken> {
        match self.peek_any()? {
            Some(byte) => Ok(byte),
            None => self.broken("it ends too early"),
        }
    }

    fn comment(&mut self) -> Result<(), Broken> {
        let rest = &self.text[self.at..];
        let length = match rest.as_bytes().get(1) {
            Some(b'/') => Some(rest.find('\n').unwrap_or(rest.len())),
            Some(b'*') => rest[2..].find("*/").map(|end| end + 4),
            _ => None,
        };
        match length {
            Some(length) => self.at += length,
            None => return self.broken("a comment does not end"),
        }
        Ok(())
    }

    /// Takes the bracket that an object or array begins with.
    #[inline]
    pub(super) fn enter(&mut self) -> Result<(), Broken> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH { self.broken("it is nested more than 1,000 deep") } else { Ok(()) }
    }

    /// Goes to the next element of an array, or behind its end and returns false.
    #[inline]
    pub(super) fn next_element(&mut self, first: &mut bool) -> Result<bool, Broken> {
        self.next_part(first, b']', "there should be a comma or ] here")
    }

    #[inline]
    fn next_part(&mut self, first: &mut bool, end: u8, reason: &'static str) -> Result<bool, Broken> {
        let byte = self.peek()?;
        if byte == end {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if !std::mem::replace(first, false) {
            if byte != b',' {
                return self.broken(reason);
            }
            self.at += 1;
            self.peek()?;
        }
        Ok(true)
    }

    /// Takes the next name of an object and its colon, or the object's end and returns none.
    #[inline]
    pub(super) fn next_name<'s>(
        &mut self,
        first: &mut bool,
        scratch: &'s mut String,
    ) -> Result<Option<&'s str>, Broken>
    where
        'a: 's,
    {
        if !self.next_part(first, b'}', "there should be a comma or } here")? {
            return Ok(None);
        }
        let name = match self.byte() {
            Some(b'"') => self.string(scratch)?,
            Some(b'\'') if self.dialect.single_quotes => self.string(scratch)?,
            _ if self.dialect.unquoted_names => self.bare_name()?,
            _ => return self.broken("there should be a field's name in quotes here"),
        };
        if self.peek()? != b':' {
            return self.broken("there should be a colon here");
        }
        self.at += 1;
        Ok(Some(name))
    }

    fn bare_name(&mut self) -> Result<&'a str, Broken> {
        let rest = &self.text[self.at..];
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$@#*-+".contains(byte);
        match rest.bytes().take_while(fits).count() {
            0 => self.broken("there should be a field's name here"),
            length => {
                self.at += length;
                Ok(&rest[..length])
            }
        }
    }

    /// Returns whether a string begins with this byte.
    #[inline]
    pub(super) fn quotes(&self, byte: u8) -> bool {
        byte == b'"' || (byte == b'\'' && self.dialect.single_quotes)
    }

    /// Takes a string. One with escapes is made in `scratch`.
    #[inline]
    pub(super) fn string<'s>(&mut self, scratch: &'s mut String) -> Result<&'s str, Broken>
    where
        'a: 's,
    {
        let quote = self.byte().unwrap_or(b'"');
        self.at += 1;
        let from = self.at;
        self.plain_run(quote)?;
        if self.byte() == Some(quote) {
            self.at += 1;
            return Ok(&self.text[from..self.at - 1]);
        }
        scratch.clear();
        scratch.push_str(&self.text[from..self.at]);
        loop {
            match self.byte() {
                Some(b'\\') => self.escape(scratch)?,
                _ => {
                    self.at += 1;
                    return Ok(scratch);
                }
            }
            let from = self.at;
            self.plain_run(quote)?;
            scratch.push_str(&self.text[from..self.at]);
        }
    }

    /// Goes to the next quote or backslash.
    #[inline]
    fn plain_run(&mut self, quote: u8) -> Result<(), Broken> {
        let bytes = self.text.as_bytes();
        loop {
            while let Some(eight) = bytes.get(self.at..self.at + 8) {
                let word = u64::from_le_bytes(eight.try_into().unwrap_or_default());
                match first_special(word, quote) {
                    8 => self.at += 8,
                    at => {
                        self.at += at;
                        break;
                    }
                }
            }
            match bytes.get(self.at) {
                None => return self.broken("a string does not end"),
                Some(byte) if *byte == quote || *byte == b'\\' => return Ok(()),
                Some(..b' ') if !self.dialect.control_characters => {
                    return self.broken("a control character in a string should be escaped");
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), Broken> {
        let Some(escaped) = self.text[self.at + 1..].chars().next() else {
            return self.broken("a string does not end");
        };
        let character = match escaped {
            '"' | '\\' | '/' => escaped,
            'b' => '\u{8}',
            'f' => '\u{C}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(out),
            '\'' if self.dialect.single_quotes => escaped,
            _ if self.dialect.any_escape => escaped,
            _ => return self.broken("there is no such escape"),
        };
        out.push(character);
        self.at += 1 + escaped.len_utf8();
        Ok(())
    }

    /// Takes `\uXXXX`, or two that make one character. Half of one becomes a question mark, as in Java.
    fn unicode(&mut self, out: &mut String) -> Result<(), Broken> {
        let Some(unit) = self.hexadecimal() else { return self.broken("four hexadecimal digits follow \\u") };
        self.at += 6;
        let mut code = unit;
        if (0xD800..0xDC00).contains(&unit)
            && let Some(low @ 0xDC00..0xE000) = self.hexadecimal()
        {
            self.at += 6;
            code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        }
        out.push(char::from_u32(code).unwrap_or('?'));
        Ok(())
    }

    fn hexadecimal(&self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 6)?.strip_prefix("\\u")?;
        let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        all.then(|| u32::from_str_radix(digits, 16).ok())?
    }

    /// Takes the word, if it is the next token.
    #[inline]
    pub(super) fn word(&mut self, word: &str) -> Result<(), Broken> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.broken("there is no such word");
        }
        self.at += word.len();
        Ok(())
    }

    /// Returns whether a number, or a word for one, begins with this byte.
    #[inline]
    pub(super) fn counts(byte: u8) -> bool {
        matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'N' | b'I')
    }

    /// Takes a number, or a word for one.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Number<'a>, Broken> {
        let bytes = self.text.as_bytes();
        let from = self.at;
        let mut at = from + usize::from(bytes[from] == b'-');
        let digits = digits(&bytes[at.min(bytes.len())..]);
        if digits == 0 {
            return self.number_word();
        }
        if digits > 1 && bytes[at] == b'0' && !self.dialect.leading_zeros {
            return self.broken("a number begins with a zero");
        }
        at += digits;
        let mut whole = true;
        if bytes.get(at) == Some(&b'.') {
            whole = false;
            at = self.more_digits(at + 1)?;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            whole = false;
            at = self.more_digits(at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-'))))?;
        }
        self.at = at;
        Ok(Number { text: &self.text[from..at], whole, word: false })
    }

    fn more_digits(&self, at: usize) -> Result<usize, Broken> {
        match digits(self.text.as_bytes().get(at..).unwrap_or_default()) {
            0 => Err(Broken { at, reason: "there should be a digit here" }),
            more => Ok(at + more),
        }
    }

    #[cold]
    fn number_word(&mut self) -> Result<Number<'a>, Broken> {
        let rest = &self.text[self.at..];
        let word = WORDS.iter().find(|word| rest.starts_with(**word)).filter(|_| self.dialect.non_numeric);
        let Some(word) = word else { return self.broken("there is no such number") };
        self.at += word.len();
        Ok(Number { text: &rest[..word.len()], whole: false, word: true })
    }

    /// Goes behind the next value.
    pub(super) fn skip(&mut self, scratch: &mut String) -> Result<(), Broken> {
        let mut first = true;
        match self.peek()? {
            b'{' => {
                self.enter()?;
                while self.next_name(&mut first, scratch)?.is_some() {
                    self.skip(scratch)?;
                }
            }
            b'[' => {
                self.enter()?;
                while self.next_element(&mut first)? {
                    self.skip(scratch)?;
                }
            }
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            quote if self.quotes(quote) => {
                self.string(scratch)?;
            }
            byte if Self::counts(byte) => {
                self.number()?;
            }
            _ => return self.broken("there should be a value here"),
        }
        Ok(())
    }
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Returns the place among eight bytes of the first quote, backslash or control character; eight if there is
/// none.
#[inline]
fn first_special(word: u64, quote: u8) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let same = |byte: u8| zero(word ^ (ONES * u64::from(byte)));
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
    ((same(quote) | same(b'\\') | control).trailing_zeros() / 8) as usize
}
