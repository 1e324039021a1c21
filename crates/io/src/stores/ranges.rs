//! Reads one remote file in ranges: ahead of a consumer that goes from the front to the back, and at any
//! position for one that does not.
//!
//! A consumer that has only begun gets little, so that a look at a file's head costs little. Each range that
//! the consumer uses up doubles the next and adds one to those under way, up to the limits below; a jump
//! starts over. So a reader holds at most `RANGES_AHEAD` + 1 ranges.

use crate::error::{IoCause, IoError, IoOperation};
use crate::store::ReadFile;
use crate::stores::runtime::{self, Pending};
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// The bytes of the first range of a sequential read, and of each one beyond its expected end.
const FIRST_RANGE_BYTES: u64 = 256 << 10;

/// The largest range: a request costs some ten milliseconds, in which a connection brings about a megabyte; with four of
/// them the waiting does not show.
const MAX_RANGE_BYTES: u64 = 4 << 20;

/// The number of ranges under way at once: one connection to an object store brings 50 to 100 MB/s, a task
/// wants a few hundred.
const RANGES_AHEAD: usize = 4;

/// Reads at positions that ask for less than this get so much, and the rest is kept for the next: the footers of columnar
/// files are read in crumbs.
const CRUMB_BYTES: u64 = 64 << 10;

/// One version of a file, of which ranges can be had.
pub(crate) trait Ranges: Send + Sync + 'static {
    /// Fetches all bytes of a range that lies within the file.
    fn fetch(self: Arc<Self>, range: Range<u64>) -> BoxFuture<'static, Result<Bytes, IoError>>;
}

/// Bytes and their position in the file.
#[derive(Default)]
struct Piece {
    start: u64,
    bytes: Bytes,
}

impl Piece {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Returns the piece's bytes from a position on, if the position is in it.
    fn from(&self, position: u64) -> Option<Bytes> {
        (self.start..self.end())
            .contains(&position)
            .then(|| self.bytes.slice((position - self.start) as usize..))
    }
}

/// A remote file that is being read.
pub(crate) struct RangeReader {
    source: Arc<dyn Ranges>,
    path: String,
    length: u64,
    position: u64,
    /// The range that the consumer is in.
    current: Piece,
    /// The ranges that are under way, one behind the other.
    ahead: VecDeque<(u64, Pending<Bytes>)>,
    /// The position at which the next range will start.
    next: u64,
    /// The number of ranges that were used up without a jump.
    streak: u32,
    /// The position at which the consumer will probably stop.
    horizon: u64,
    crumbs: Mutex<Piece>,
}

impl RangeReader {
    pub(crate) fn new(source: Arc<dyn Ranges>, path: String, length: u64) -> RangeReader {
        RangeReader {
            source,
            path,
            length,
            position: 0,
            current: Piece::default(),
            ahead: VecDeque::new(),
            next: 0,
            streak: 0,
            horizon: length,
            crumbs: Mutex::default(),
        }
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, IoError> {
        if buffer.is_empty() || self.position >= self.length {
            return Ok(0);
        }
        let rest = match self.current.from(self.position) {
            Some(rest) => rest,
            None => {
                self.advance()?;
                self.current.from(self.position).unwrap_or_default()
            }
        };
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.position += count as u64;
        Ok(count)
    }

    /// Makes the range at the position the current one.
    fn advance(&mut self) -> Result<(), IoError> {
        // The consumer has jumped: the ranges under way are of no use, and dropping them cancels them.
        if self.ahead.front().map_or(self.next, |(start, _)| *start) != self.position {
            self.ahead.clear();
            (self.next, self.streak) = (self.position, 0);
        }
        self.current = Piece::default();
        self.fill()?;
        if let Some((start, pending)) = self.ahead.pop_front() {
            self.current = Piece { start, bytes: pending.wait()? };
        }
        self.streak += 1;
        self.fill_behind()
    }

    /// Starts at least one range, and as many as are due.
    fn fill(&mut self) -> Result<(), IoError> {
        let due = (self.streak as usize).clamp(1, RANGES_AHEAD);
        while self.ahead.len() < due && self.next < self.length {
            // Beyond the horizon one range at a time is fetched: the consumer may stop at any record.
            let beyond = self.next >= self.horizon;
            if beyond && !self.ahead.is_empty() {
                break;
            }
            let wanted = if beyond { FIRST_RANGE_BYTES } else { range_bytes(self.streak) };
            let stop = if beyond { self.length } else { self.horizon };
            let range = self.next..self.next.saturating_add(wanted).min(stop);
            self.next = range.end;
            let future = self.source.clone().fetch(range.clone());
            self.ahead.push_back((range.start, runtime::start(IoOperation::Read, &self.path, future)?));
        }
        Ok(())
    }

    /// Starts ranges for later, while the consumer is busy with the current one; but none for one that has only begun, or
    /// that will probably stop.
    fn fill_behind(&mut self) -> Result<(), IoError> {
        if self.next < self.horizon && self.streak > 1 { self.fill() } else { Ok(()) }
    }

    /// Fetches a large range as several at once.
    fn fetch_parallel(&self, range: Range<u64>) -> Result<BytesMut, IoError> {
        let source = self.source.clone();
        runtime::wait(IoOperation::Read, &self.path, async move {
            let starts = (range.start..range.end).step_by(MAX_RANGE_BYTES as usize);
            let end = range.end;
            let pieces = starts.map(|start| source.clone().fetch(start..(start + MAX_RANGE_BYTES).min(end)));
            let gathered = BytesMut::with_capacity((range.end - range.start) as usize);
            let in_order = stream::iter(pieces).buffered(RANGES_AHEAD);
            in_order
                .try_fold(gathered, |mut gathered, piece| async move {
                    gathered.extend_from_slice(&piece);
                    Ok(gathered)
                })
                .await
        })
    }
}

impl ReadFile for RangeReader {
    fn len(&self) -> u64 {
        self.length
    }

    /// Sets the end behind which no range is fetched before it is asked for.
    fn expect_end(&mut self, end: u64) {
        self.horizon = end.min(self.length);
    }

    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, IoError> {
        let end = offset.saturating_add(length as u64);
        if end > self.length {
            let cause = IoCause::Shrunk { expected: end, found: self.length };
            return Err(IoError::new(IoOperation::Read, &self.path, cause));
        }
        if length as u64 > CRUMB_BYTES {
            return Ok(self.fetch_parallel(offset..end)?.into());
        }
        let mut crumbs = self.crumbs.lock();
        let holds = |piece: &Piece| piece.start <= offset && end <= piece.end();
        if !holds(&crumbs) && length > 0 {
            // At the end of the file, the bytes before are more likely to be asked for.
            let start = offset.min(self.length.saturating_sub(CRUMB_BYTES));
            let range = start..(start + CRUMB_BYTES).min(self.length);
            let bytes = runtime::wait(IoOperation::Read, &self.path, self.source.clone().fetch(range))?;
            *crumbs = Piece { start, bytes };
        }
        Ok(crumbs.from(offset).map_or(vec![], |rest| rest[..length].to_vec()))
    }
}

impl io::Read for RangeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_some(buffer).map_err(io::Error::from)
    }
}

impl io::Seek for RangeReader {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let position = match to {
            io::SeekFrom::Start(position) => Some(position),
            io::SeekFrom::End(distance) => self.length.checked_add_signed(distance),
            io::SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

fn range_bytes(streak: u32) -> u64 {
    FIRST_RANGE_BYTES.checked_shl(streak.min(8)).unwrap_or(MAX_RANGE_BYTES).min(MAX_RANGE_BYTES)
}

impl fmt::Debug for RangeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} of {}", self.path, self.position, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use proptest::prelude::*;
    use std::io::{Read, Seek};

    /// A file of known bytes that notes what is fetched.
    struct Known {
        length: u64,
        fetched: Mutex<Vec<Range<u64>>>,
    }

    fn byte(at: u64) -> u8 {
        (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
    }

    impl Ranges for Known {
        fn fetch(self: Arc<Self>, range: Range<u64>) -> BoxFuture<'static, Result<Bytes, IoError>> {
            assert!(range.start < range.end && range.end <= self.length);
            self.fetched.lock().push(range.clone());
            async move { Ok(range.map(byte).collect::<Vec<u8>>().into()) }.boxed()
        }
    }

    fn reader(length: u64) -> (Arc<Known>, RangeReader) {
        let known = Arc::new(Known { length, fetched: Mutex::default() });
        (known.clone(), RangeReader::new(known, "memory://b/f".into(), length))
    }

    #[derive(Clone, Debug)]
    enum Step {
        Read(usize),
        Seek(u64),
        At(u64, usize),
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

        #[test]
        fn any_order_of_reads_gives_the_bytes_that_are_there(
            length in prop_oneof![0..1_000_u64, 1_000_000..9_000_000_u64],
            horizon in 0..10_000_000_u64,
            steps in proptest::collection::vec(prop_oneof![
                4 => (0..2_000_000_usize).prop_map(Step::Read),
                1 => (0..9_500_000_u64).prop_map(Step::Seek),
                1 => (0..9_500_000_u64, 0..300_000_usize).prop_map(|(at, n)| Step::At(at, n)),
            ], 1..12),
        ) {
            let (_, mut reader) = reader(length);
            reader.expect_end(horizon);
            let mut position = 0;
            for step in steps {
                match step {
                    Step::Seek(to) => position = reader.seek(io::SeekFrom::Start(to)).unwrap(),
                    Step::Read(count) => {
                        let mut buffer = vec![0; count];
                        let read = reader.read(&mut buffer).unwrap();
                        prop_assert_eq!(read == 0, count == 0 || position >= length);
                        prop_assert!(buffer[..read].iter().zip(position..).all(|(b, at)| *b == byte(at)));
                        position += read as u64;
                    }
                    Step::At(at, count) if at + count as u64 > length => {
                        prop_assert!(reader.read_at(at, count).is_err());
                    }
                    Step::At(at, count) => {
                        let bytes = reader.read_at(at, count).unwrap();
                        prop_assert_eq!(bytes.len(), count);
                        prop_assert!(bytes.iter().zip(at..).all(|(b, at)| *b == byte(at)));
                    }
                }
            }
        }
    }

    #[test]
    fn a_look_at_the_head_fetches_little_and_crumbs_are_fetched_once() {
        let (known, mut reader) = reader(1 << 30);
        reader.read_exact(&mut [0; 4]).unwrap();
        assert_eq!(*known.fetched.lock(), std::slice::from_ref(&(0..FIRST_RANGE_BYTES)));
        known.fetched.lock().clear();
        for at in [(1 << 30) - 8, (1 << 30) - 500, (1 << 30) - 8] {
            reader.read_at(at, 8).unwrap();
        }
        let tail = (1 << 30) - CRUMB_BYTES..1 << 30;
        assert_eq!(*known.fetched.lock(), std::slice::from_ref(&tail));
    }

    #[test]
    fn every_byte_is_fetched_once_and_none_far_behind_the_expected_end() {
        let (known, mut reader) = reader(60_000_000);
        reader.expect_end(40_000_000);
        let mut buffer = vec![0; 1 << 20];
        let mut position = 0;
        while position < 40_000_100 {
            position += reader.read(&mut buffer).unwrap();
        }
        drop(reader);
        let mut fetched = known.fetched.lock().clone();
        fetched.sort_by_key(|range| range.start);
        assert!(fetched.windows(2).all(|pair| pair[0].end == pair[1].start), "{fetched:?}");
        assert!(fetched.last().unwrap().end <= 40_000_000 + 2 * FIRST_RANGE_BYTES);
        assert!(fetched.iter().any(|range| range.end - range.start == MAX_RANGE_BYTES));
    }
}
