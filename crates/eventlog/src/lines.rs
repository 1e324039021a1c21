//! [`Lines`]: lines of a bounded length from any source, however long those in it are.

use std::io::{self, ErrorKind, Read};

/// The bytes of one read.
const READ_BYTES: usize = 64 << 10;

/// The bytes of a line that is skipped after which the rest of the source is given up: no program writes such a line.
const MAX_SKIPPED_BYTES: u64 = 1 << 30;

/// A line, or the reason why it is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It stands in [`Lines::line`], without its end; whether the end was there.
    Whole { is_ended: bool },
    /// It is longer than it may be, and was skipped. Holds the bytes that were read of it, which are all unless
    /// the rest of the source was given up.
    TooLong(u64),
    /// There are no more.
    End,
}

/// The lines of a source.
pub(crate) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// The part of the buffer that was not given out.
    from: usize,
    to: usize,
    line: Vec<u8>,
    most: usize,
    is_over: bool,
}

impl<R: Read> Lines<R> {
    /// Begins with a source, of whose lines none may be longer than `most` bytes.
    pub(crate) fn new(source: R, most: usize) -> Lines<R> {
        Lines { source, buffer: vec![0; READ_BYTES], from: 0, to: 0, line: vec![], most, is_over: false }
    }

    /// Returns the line that was read last.
    pub(crate) fn line(&self) -> &[u8] {
        &self.line
    }

    /// Reads the next line. What can be read before an error is given out first, and the error at the next call.
    pub(crate) fn read_line(&mut self) -> io::Result<Line> {
        self.line.clear();
        let mut length = 0_u64;
        loop {
            if self.from == self.to && !self.fill(length)? {
                return Ok(self.last(length));
            }
            let unread = &self.buffer[self.from..self.to];
            let end = memchr::memchr(b'\n', unread);
            let piece = &unread[..end.unwrap_or(unread.len())];
            length += piece.len() as u64;
            if length <= self.most as u64 {
                self.line.extend_from_slice(piece);
            } else {
                // Of a line that is not given out nothing is kept.
                self.line = vec![];
            }
            self.from += piece.len() + usize::from(end.is_some());
            if end.is_some() {
                return Ok(self.ended(length));
            }
            if length > MAX_SKIPPED_BYTES {
                self.is_over = true;
                return Ok(Line::TooLong(length));
            }
        }
    }

    /// Reads more; returns false at the end. Of a stream that broke off within a line the line comes first.
    fn fill(&mut self, length: u64) -> io::Result<bool> {
        if self.is_over {
            return Ok(false);
        }
        loop {
            match self.source.read(&mut self.buffer) {
                Ok(0) => self.is_over = true,
                Ok(count) => (self.from, self.to) = (0, count),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof && length > 0 => return Ok(false),
                Err(error) => {
                    self.is_over = true;
                    return Err(error);
                }
            }
            return Ok(!self.is_over);
        }
    }

    fn ended(&self, length: u64) -> Line {
        if length > self.most as u64 { Line::TooLong(length) } else { Line::Whole { is_ended: true } }
    }

    fn last(&self, length: u64) -> Line {
        match length {
            0 => Line::End,
            length if length > self.most as u64 => Line::TooLong(length),
            _ => Line::Whole { is_ended: false },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: impl Read) -> Vec<String> {
        let mut lines = Lines::new(source, 10);
        let mut said = vec![];
        loop {
            said.push(match lines.read_line() {
                Ok(Line::End) => return said,
                Ok(Line::Whole { is_ended }) => {
                    format!("{}{}", String::from_utf8_lossy(lines.line()), if is_ended { "" } else { "..." })
                }
                Ok(Line::TooLong(length)) => format!("({length})"),
                Err(error) => error.to_string(),
            });
        }
    }

    #[test]
    fn lines_have_a_bound() {
        assert_eq!(all(&b""[..]), Vec::<String>::new());
        assert_eq!(all(&b"a\n\nb"[..]), ["a", "", "b..."]);
        assert_eq!(all(&b"0123456789\n0123456789a\nb\n"[..]), ["0123456789", "(11)", "b"]);
        assert_eq!(all(io::repeat(b'x').take(1 << 20)), ["(1048576)"]);
    }

    #[test]
    fn a_line_without_end_takes_no_memory_and_is_given_up() {
        let mut lines = Lines::new(io::repeat(b'x'), 1000);
        assert!(matches!(lines.read_line(), Ok(Line::TooLong(length)) if length > MAX_SKIPPED_BYTES));
        assert!(lines.line.capacity() <= 2000);
        assert_eq!(lines.read_line().unwrap(), Line::End);
    }

    #[test]
    fn what_comes_before_an_error_is_given_out() {
        struct Breaks(bool);
        impl Read for Breaks {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                match std::mem::replace(&mut self.0, true) {
                    false => {
                        buffer[..3].copy_from_slice(b"a\nb");
                        Ok(3)
                    }
                    true => Err(ErrorKind::UnexpectedEof.into()),
                }
            }
        }
        assert_eq!(all(Breaks(false)), ["a", "b...", "unexpected end of file"]);
    }
}
