//! Reads a stretch of a bzip2 file, as Hadoop cuts one: [`Bzip2Blocks`] gives the decompressed bytes from the
//! first block that begins in the stretch, and tells where the blocks of the next stretch begin.
//!
//! A bzip2 file is one stream after another; a stream is a header of whole bytes, blocks that begin at any
//! bit, and an end mark with a checksum. A block begins with 48 bits that are found by looking at each bit,
//! and belongs to the stretch that holds the first of these. So neighbours agree on every block without
//! knowing of each other. Each block is decompressed as a stream of its own, and its checksum is compared; a
//! stream's checksum is compared where all its blocks were read. A whole file is read by the library alone.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bits that a block begins with, and those of the end mark of a stream.
const BLOCK: u64 = 0x3141_5926_5359;
const END: u64 = 0x1772_4538_5090;
const MARK_BITS: u64 = 48;
const MARK_MASK: u64 = (1 << MARK_BITS) - 1;
const CHECKSUM_BITS: u64 = 32;

/// The bits of a stream's header: `BZh` and a digit.
const HEADER_BITS: u64 = 32;

/// The number of bytes that are read at once.
const READ_BYTES: usize = 256 << 10;

/// More bytes than a block can have: it holds at most 900,000 symbols of at most 20 bits, and its tables.
const MAX_BLOCK_BYTES: u64 = 4 << 20;

/// For each byte, the alignments at which it may be the middle of a mark: of a block in the lower bits, of an
/// end mark in the upper ones.
static ALIGNMENTS: [u16; 256] = alignments();

const fn alignments() -> [u16; 256] {
    let (mut table, mut shift) = ([0; 256], 0);
    while shift < 8 {
        table[((BLOCK << shift) >> 24) as u8 as usize] |= 1 << shift;
        table[((END << shift) >> 24) as u8 as usize] |= 0x100 << shift;
        shift += 1;
    }
    table
}

/// The decompressed bytes of a bzip2 file from the first block of a stretch on, to the end of the file.
pub(crate) struct Bzip2Blocks<R> {
    file: Window<R>,
    /// The end of the stretch, in bits.
    end: u64,
    /// The position in the file of the next block or end mark; none when the file is over.
    next: Option<u64>,
    /// The checksum of the stream so far; none if its beginning was not read.
    checksum: Option<u32>,
    block: Vec<u8>,
    taken: usize,
    /// The number of bytes that were given out, with those of the block at hand.
    given: u64,
    foreign: Foreign,
}

/// The number of decompressed bytes in front of the first block that belongs to the next stretch;
/// `u64::MAX` until that block is met.
#[derive(Clone, Debug)]
pub(crate) struct Foreign(Arc<AtomicU64>);

impl Foreign {
    /// Returns the number, once it is known.
    pub(crate) fn begins(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|at| *at != u64::MAX)
    }
}

impl<R: Read> Bzip2Blocks<R> {
    /// Begins with the first block of the stretch from `start` to `end`, in bytes. `file` stands at `start`.
    pub(crate) fn open(file: R, start: u64, end: u64) -> io::Result<Bzip2Blocks<R>> {
        let mut file = Window { file, base: start, bytes: vec![], is_over: false };
        let (next, checksum) = if start == 0 {
            let first = file.header(0)?;
            (Some(first.ok_or(io::ErrorKind::UnexpectedEof)?), Some(0))
        } else {
            // The file's very first block counts as if it began with the file, as in Hadoop.
            let first = file.find_block((start * 8).max(HEADER_BITS + 1), end.saturating_mul(8))?;
            (first, None)
        };
        let foreign = Foreign(Arc::new(AtomicU64::new(if next.is_none() { 0 } else { u64::MAX })));
        let (block, taken, given) = (vec![], 0, 0);
        let end = end.saturating_mul(8);
        Ok(Bzip2Blocks { file, end, next, checksum, block, taken, given, foreign })
    }

    /// Returns where the blocks of the next stretch will have begun. It is 0 if this one has no block.
    pub(crate) fn foreign(&self) -> Foreign {
        self.foreign.clone()
    }

    /// Decompresses the next block. Returns false at the end of the file.
    fn next_block(&mut self) -> io::Result<bool> {
        let Some(mut at) = self.next else { return Ok(false) };
        self.file.forget_before(at);
        while self.file.bits(at, MARK_BITS)? == END {
            let checksum = self.file.bits(at + MARK_BITS, CHECKSUM_BITS)? as u32;
            if self.checksum.is_some_and(|found| found != checksum) {
                return Err(corrupt("a stream's checksum does not fit its blocks"));
            }
            let behind = (at + MARK_BITS + CHECKSUM_BITS).next_multiple_of(8);
            self.checksum = Some(0);
            self.next = self.file.header(behind)?;
            let Some(next) = self.next else { return Ok(false) };
            at = next;
        }
        if at > HEADER_BITS && at >= self.end && self.foreign.begins().is_none() {
            self.foreign.0.store(self.given, Ordering::Relaxed);
        }
        self.next = Some(self.decompress(at)?);
        self.given += self.block.len() as u64;
        Ok(true)
    }

    /// Decompresses the block at a bit, and returns the bit behind it.
    fn decompress(&mut self, at: u64) -> io::Result<u64> {
        if self.file.bits(at, MARK_BITS)? != BLOCK {
            return Err(corrupt("there is neither a block nor an end mark where one should be"));
        }
        let checksum = self.file.bits(at + MARK_BITS, CHECKSUM_BITS)? as u32;
        let (mut to, mut failure) = (at + MARK_BITS, None);
        // Data may look like a mark by chance: then the block ends at a later one.
        while let Some(mark) = self.file.find_mark(to + 1, at + MAX_BLOCK_BYTES * 8)? {
            to = mark;
            let stream = self.file.stream_of_block(at, to, checksum);
            let mut decoder = bzip2::bufread::BzDecoder::new(&stream[..]);
            self.block.clear();
            self.taken = 0;
            match decoder.read_to_end(&mut self.block) {
                Ok(_) if decoder.total_in() == stream.len() as u64 => {
                    self.checksum = self.checksum.map(|before| before.rotate_left(1) ^ checksum);
                    return Ok(to);
                }
                Ok(_) => failure = failure.or_else(|| Some(corrupt("bytes follow the data of a block"))),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        self.block.clear();
        // A block that nothing follows at all was cut short.
        Err(match failure {
            Some(error) if error.kind() != io::ErrorKind::UnexpectedEof => error,
            Some(_) => corrupt("a block is broken"),
            None if self.file.is_over => io::ErrorKind::UnexpectedEof.into(),
            None => corrupt("a block has no end"),
        })
    }
}

impl<R: Read> Read for Bzip2Blocks<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.block.len() {
            if !self.next_block()? {
                return Ok(0);
            }
        }
        let count = out.len().min(self.block.len() - self.taken);
        out[..count].copy_from_slice(&self.block[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

/// The part of the file that is looked at. Positions are bits of the file.
struct Window<R> {
    file: R,
    /// The position of the first byte that is held.
    base: u64,
    bytes: Vec<u8>,
    is_over: bool,
}

impl<R: Read> Window<R> {
    /// Reads on until all bytes before the bit are held. Returns false if the file ends before.
    fn reach(&mut self, bit: u64) -> io::Result<bool> {
        let wanted = usize::try_from(bit.div_ceil(8).saturating_sub(self.base)).unwrap_or(usize::MAX);
        while self.bytes.len() < wanted && !self.is_over {
            let read = (&mut self.file).take(READ_BYTES as u64).read_to_end(&mut self.bytes)?;
            self.is_over = read == 0;
        }
        Ok(self.bytes.len() >= wanted)
    }

    /// Drops the bytes before the bit.
    fn forget_before(&mut self, bit: u64) {
        let count = ((bit / 8).saturating_sub(self.base) as usize).min(self.bytes.len());
        self.bytes.drain(..count);
        self.base += count as u64;
    }

    /// Returns up to 56 bits.
    fn bits(&mut self, at: u64, count: u64) -> io::Result<u64> {
        if !self.reach(at + count)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let held = at - self.base * 8;
        Ok((held..held + count)
            .fold(0, |bits, at| bits << 1 | u64::from(self.bytes[(at / 8) as usize] >> (7 - at % 8) & 1)))
    }

    /// Reads the header of a stream, and returns the position behind it; none at the end of the file.
    fn header(&mut self, at: u64) -> io::Result<Option<u64>> {
        if !self.reach(at + 1)? {
            return Ok(None);
        }
        let header = (self.bits(at, HEADER_BITS)? as u32).to_be_bytes();
        match header {
            [b'B', b'Z', b'h', b'1'..=b'9'] => Ok(Some(at + HEADER_BITS)),
            _ => Err(corrupt("what follows a stream is none")),
        }
    }

    /// Returns the first block that begins at or behind `from` and before `end`.
    fn find_block(&mut self, from: u64, end: u64) -> io::Result<Option<u64>> {
        let mut from = from;
        while from < end && self.reach(from + MARK_BITS)? {
            let until = end.min(from + READ_BYTES as u64 * 8);
            from = match self.find_mark(from, until)? {
                Some(mark) if self.bits(mark, MARK_BITS)? == BLOCK => return Ok(Some(mark)),
                Some(mark) => mark + 1,
                None => until,
            };
            self.forget_before(from);
        }
        Ok(None)
    }

    /// Returns the first mark that begins at or behind `from` and before `end`. All bytes up to it are kept.
    fn find_mark(&mut self, from: u64, end: u64) -> io::Result<Option<u64>> {
        let mut from = from;
        while from < end {
            // One stretch of the search at a time, each overlapping the one before by a mark.
            let until = end.min(from + READ_BYTES as u64 * 8);
            self.reach(until + MARK_BITS)?;
            let held = (from - self.base * 8) as usize;
            let last = (until - self.base * 8) as usize;
            match first_mark(&self.bytes, held, last) {
                Some(mark) => return Ok(Some(self.base * 8 + mark as u64)),
                None if self.is_over && self.base + self.bytes.len() as u64 <= until / 8 => return Ok(None),
                None => from = until,
            }
        }
        Ok(None)
    }

    /// Returns a stream of the one block between two bits, which are held.
    fn stream_of_block(&self, from: u64, to: u64, checksum: u32) -> Vec<u8> {
        let (from, to) = ((from - self.base * 8) as usize, (to - self.base * 8) as usize);
        let (whole, left) = ((to - from) / 8, (to - from) % 8);
        let byte_at = |bit: usize| {
            let byte = |at: usize| self.bytes.get(at).copied().unwrap_or(0);
            (u16::from_be_bytes([byte(bit / 8), byte(bit / 8 + 1)]) >> (8 - bit % 8)) as u8
        };
        let mut stream = Vec::with_capacity(whole + 16);
        stream.extend(b"BZh9");
        stream.extend((0..whole).map(|i| byte_at(from + 8 * i)));
        // The checksum of a stream of one block is the block's.
        let rest = u128::from(byte_at(to - left) >> (8 - left).min(7)) * u128::from(left > 0);
        let tail = (rest << 80 | u128::from(END) << 32 | u128::from(checksum)) << ((8 - left) % 8);
        let bytes = (left + 80).div_ceil(8);
        stream.extend(&tail.to_be_bytes()[16 - bytes..]);
        stream
    }
}

/// Returns the first mark that begins at or behind one bit of the bytes, and before another.
fn first_mark(bytes: &[u8], from: usize, until: usize) -> Option<usize> {
    let mark_bits = MARK_BITS as usize;
    let held = until.saturating_add(mark_bits).div_ceil(8).min(bytes.len());
    let mut window = 0_u64;
    // At each byte, the window holds it and the seven before it.
    for (i, byte) in bytes[..held].iter().enumerate().skip(from / 8) {
        window = window << 8 | u64::from(*byte);
        let possible = ALIGNMENTS[usize::from((window >> 24) as u8)];
        if possible == 0 {
            continue;
        }
        let first = (0..8).rev().find_map(|shift| {
            let start = ((i + 1) * 8 - shift).checked_sub(mark_bits)?;
            let value = window >> shift & MARK_MASK;
            (start >= from && start < until && (value == BLOCK || value == END)).then_some(start)
        });
        if first.is_some() {
            return first;
        }
    }
    None
}

fn corrupt(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn pack(data: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(vec![], bzip2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    /// Bytes that bzip2 makes blocks of 100,000 from, which end at any bit.
    fn noise(length: usize, seed: u64) -> Vec<u8> {
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            (state >> 60) as u8 * 16
        };
        (0..length).map(|_| next()).collect()
    }

    /// The bytes of the blocks that belong to each of the stretches between the cuts.
    fn owned(file: &[u8], cuts: &[u64]) -> Vec<Vec<u8>> {
        let read = |cut: &[u64]| {
            let mut blocks = Bzip2Blocks::open(&file[cut[0] as usize..], cut[0], cut[1]).unwrap();
            let (foreign, mut data) = (blocks.foreign(), vec![]);
            blocks.read_to_end(&mut data).unwrap();
            data.truncate(foreign.begins().map_or(usize::MAX, |at| at as usize));
            data
        };
        cuts.windows(2).map(read).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn every_block_belongs_to_one_stretch(
            streams in proptest::collection::vec(
                prop_oneof![Just(0), 1..40_usize, Just(99_981), 80_000..350_000_usize], 1..6),
            seed: u64,
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
        ) {
            let data: Vec<_> = streams.iter().map(|length| noise(*length, seed ^ *length as u64)).collect();
            let file = data.iter().map(|data| pack(data)).collect::<Vec<_>>().concat();
            let mut cuts: Vec<u64> = cuts.iter().map(|cut| cut.index(file.len()) as u64).collect();
            cuts.extend([0, file.len() as u64]);
            cuts.sort_unstable();
            cuts.dedup();
            prop_assert!(owned(&file, &cuts).concat() == data.concat());
        }

        #[test]
        fn a_mark_is_found_at_every_bit(before in 0..200_usize, after in 0..20_usize, seed: u64, end: bool) {
            let mut bits: Vec<bool> = noise(before, seed).iter().map(|byte| byte & 0x20 != 0).collect();
            let mark = if end { END } else { BLOCK };
            bits.extend((0..48).rev().map(|at| mark >> at & 1 == 1));
            bits.extend(std::iter::repeat_n(false, after));
            let byte = |bits: &[bool]| (0..8).fold(0, |byte, at| byte << 1 | u8::from(bits.get(at) == Some(&true)));
            let bytes: Vec<u8> = bits.chunks(8).map(byte).collect();
            prop_assert_eq!(first_mark(&bytes, 0, usize::MAX), Some(before));
            prop_assert_eq!(first_mark(&bytes, before, before + 1), Some(before));
            prop_assert_eq!(first_mark(&bytes, before + 1, usize::MAX), None);
            prop_assert_eq!(first_mark(&bytes, 0, before), None);
        }
    }

    #[test]
    fn a_block_belongs_to_the_stretch_that_holds_its_first_bit() {
        let file = pack(&noise(150_000, 7));
        let second = first_mark(&file, 81, usize::MAX).unwrap() as u64;
        let first = owned(&file, &[0, 1])[0].len();
        assert!((99_000..100_000).contains(&first));
        let lengths =
            |cut: u64| owned(&file, &[0, cut, file.len() as u64]).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(second / 8), [first, 150_000 - first]);
        assert_eq!(lengths(second / 8 + 1), [150_000, 0]);
        // The first block belongs to the first stretch, however short that is.
        assert_eq!(lengths(1), [first, 150_000 - first]);
        assert_eq!(lengths(4), [first, 150_000 - first]);
    }

    #[test]
    fn damage_in_any_stretch_is_an_error() {
        let file = [pack(&noise(250_000, 3)), pack(b"the second stream")].concat();
        let cut = file.len() as u64 / 2;
        let read = |file: &[u8]| {
            let both = [(0, cut), (cut, file.len() as u64)].map(|(start, end)| {
                Bzip2Blocks::open(&file[start as usize..], start, end)?.read_to_end(&mut vec![])
            });
            both.into_iter().collect::<io::Result<Vec<_>>>()
        };
        assert!(read(&file).is_ok());
        for bit in (0..file.len() * 8).step_by(file.len() / 20) {
            let mut broken = file.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            // The bits that only fill up the last byte of a stream, and the header's digit, say nothing.
            assert!(read(&broken).is_err(), "bit {bit}");
        }
        for cut in [1, 4, 9, 13, 30, 60, 1000] {
            let error = read(&file[..file.len() - cut]).unwrap_err();
            assert!(cut > 60 || error.kind() == io::ErrorKind::UnexpectedEof, "{cut}: {error}");
        }
        assert!(read(&[&file[..], b"BZ"].concat()).is_err());
        assert!(read(&[&file[..], b"garbage"].concat()).is_err());
    }

    #[test]
    fn data_that_looks_like_a_mark_ends_no_block() {
        // A block whose codes are four bits each, so that its symbols could be chosen to be a mark.
        let file = "425a68313141592653596004180e00000001003fff200022000010000091a0d5cc50564994d65ddeccb13c5dc914e1424180106038";
        let byte = |at: usize| u8::from_str_radix(&file[at..at + 2], 16).unwrap();
        let file: Vec<u8> = (0..file.len()).step_by(2).map(byte).collect();
        assert_eq!(first_mark(&file, 33, usize::MAX), Some(258));
        assert_eq!(owned(&file, &[0, 20]), [b"adafhalkkihhdghedbadafhalkkih"]);
        assert_eq!(owned(&file, &[33, 40]), [b""]);
        // Nobody can tell who begins with it: that is an error, and not other data.
        assert!(Bzip2Blocks::open(&file[20..], 20, 53).unwrap().read_to_end(&mut vec![]).is_err());
    }
}
