//! Finds the ends of records: `\n`, `\r` or `\r\n`, or a delimiter of the user's. Pure functions over buffers
//! of bytes that begin where a record does; called by `chunks`.
//!
//! All of a split's rules come down to one function of the file, B(p): the first record start behind `p`. A split from `s`
//! to `e` holds the records from B(s) to B(e), and from the file's beginning if `s` is 0. So neighbours agree on every
//! record without knowing of each other.

use crate::error::IoError;
use crate::file::Input;
use memchr::memmem::Finder;
use memchr::{memchr2, memrchr2};

/// The number of bytes that are read at once while looking back for a place to begin.
const LOOK_BACK_BYTES: u64 = 4 << 10;

/// The bytes that end a record.
#[derive(Clone, Debug)]
pub(crate) enum Terminator {
    /// `\n`, `\r` or `\r\n`.
    Newline,
    /// A delimiter of at least one byte.
    Bytes(Box<Finder<'static>>),
}

impl Terminator {
    /// Returns the terminator of a delimiter. An empty one means the ends of lines, as in Hadoop.
    pub(crate) fn new(delimiter: Option<&[u8]>) -> Terminator {
        match delimiter {
            None | Some([]) => Terminator::Newline,
            Some(bytes) => Terminator::Bytes(Box::new(Finder::new(bytes).into_owned())),
        }
    }

    /// Returns the most bytes that end a record and that must not be looked at apart. A `\r` without the `\n` behind
    /// it is an end all the same.
    pub(crate) fn longest(&self) -> usize {
        match self {
            Terminator::Newline => 1,
            Terminator::Bytes(finder) => finder.needle().len(),
        }
    }

    /// Returns the first record start behind `at`, in a buffer that begins where a record does; none if the
    /// buffer ends too early to tell. `eof` says that nothing follows it.
    pub(crate) fn start_after(&self, buffer: &[u8], at: usize, eof: bool) -> Option<usize> {
        match self {
            Terminator::Newline => {
                let end = at + memchr2(b'\r', b'\n', buffer.get(at..)?)?;
                match (buffer[end], buffer.get(end + 1)) {
                    (b'\r', Some(b'\n')) => Some(end + 2),
                    (b'\r', None) if !eof => None,
                    _ => Some(end + 1),
                }
            }
            // The search starts at the beginning, since a delimiter may overlap with itself.
            Terminator::Bytes(finder) => ends_of(finder, buffer).find(|end| *end > at),
        }
    }

    /// Returns the last record start in a buffer that begins where a record does, and that more bytes follow.
    pub(crate) fn last_start(&self, buffer: &[u8]) -> Option<usize> {
        match self {
            Terminator::Newline => {
                // A `\n` may follow a `\r` that comes last.
                let known = buffer.strip_suffix(b"\r").unwrap_or(buffer);
                memrchr2(b'\r', b'\n', known).map(|end| end + 1)
            }
            Terminator::Bytes(finder) => ends_of(finder, buffer).last(),
        }
    }

    /// Returns a position at or before `at` from which the file can be cut into records as from its
    /// beginning.
    pub(crate) fn safe_start(&self, file: &Input, at: u64) -> Result<u64, IoError> {
        match self {
            Terminator::Newline => Ok(at),
            Terminator::Bytes(finder) => unstraddled(file, at, finder.needle()),
        }
    }
}

/// Returns the ends of the delimiters in a buffer, from left to right without overlaps.
pub(crate) fn ends_of<'a>(finder: &'a Finder<'static>, buffer: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    finder.find_iter(buffer).map(|start| start + finder.needle().len())
}

/// Returns the last position up to `at` that lies inside no occurrence of the delimiter, not even in one that
/// overlaps others: cutting from the left always cuts between the bytes there. Looks back until no earlier
/// occurrence can reach that far.
fn unstraddled(file: &Input, at: u64, delimiter: &[u8]) -> Result<u64, IoError> {
    let length = delimiter.len() as u64;
    let (mut safe, mut high) = (at, at);
    while high > 0 {
        let low = high.saturating_sub(LOOK_BACK_BYTES);
        let end = high.saturating_add(length - 1).min(file.len());
        let window = file.read_at(low, end.saturating_sub(low) as usize)?;
        for start in (low..high).rev() {
            if start.saturating_add(length) <= safe {
                return Ok(safe);
            }
            if window.get((start - low) as usize..).is_some_and(|rest| rest.starts_with(delimiter)) {
                safe = start;
            }
        }
        high = low;
    }
    Ok(safe)
}
