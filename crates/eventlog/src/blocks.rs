//! The frames around blocks of LZ4, Snappy and LZF that Java's libraries for these write, and Spark with them.
//!
//! Each block can be decompressed without the others. LZ4: the magic `LZ4Block`; a byte whose high half says whether
//! the block is compressed and whose low half bounds its length; the lengths of the block, compressed and not, and the
//! low 28 bits of the decompressed bytes' xxHash, four bytes each, the lowest first; an empty block ends the stream, and
//! another stream may follow. Snappy: the magic `\x82SNAPPY\0`, two versions, and blocks with their compressed length
//! before them, the highest byte first. LZF: `ZV`, a byte that says whether the chunk is compressed, its length, and the
//! decompressed one if it is, two bytes each, the highest first.
//!
//! Lengths that a file claims are believed only as far as its bytes bear them out: nothing is allocated for the promise
//! of data.

use crate::lzf;
use std::io::{self, Read, Write};

/// The bytes of a block that is written, as Spark has them.
const BLOCK_BYTES: usize = 32 << 10;

/// The most bytes of a compressed block that is read.
const MAX_BLOCK_BYTES: usize = 64 << 20;

/// The most bytes that one byte of lz4 can stand for: each further byte of a length is 255 bytes.
const LZ4_MAX_RATIO: usize = 255;

/// The most bytes that one byte of snappy can stand for: it turns 3 bytes into 64 at best.
const SNAPPY_MAX_RATIO: usize = 22;

/// The first bytes of each block of LZ4.
pub(crate) const LZ4_MAGIC: &[u8; 8] = b"LZ4Block";
const LZ4_SEED: u32 = 0x9747_B28C;
const LZ4_STORED: u8 = 0x10;
const LZ4_PACKED: u8 = 0x20;
/// The low half of the byte behind the magic: the length of a block is at most 2 to the power of 10 and it.
const LZ4_LEVEL: u8 = 5;

const SNAPPY_MAGIC: &[u8; 8] = b"\x82SNAPPY\0";
/// The magic, and both versions, which are 1.
const SNAPPY_HEADER: &[u8; 16] = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";

const LZF_STORED: u8 = 0;
const LZF_PACKED: u8 = 1;

/// The frames, and the compression in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Lz4,
    Snappy,
    Lzf,
}

/// Compresses into frames: a block whenever enough came together, or at a flush.
pub(crate) struct BlockWriter<W> {
    sink: W,
    framing: Framing,
    block: Vec<u8>,
    frame: Vec<u8>,
    any: bool,
}

impl<W: Write> BlockWriter<W> {
    pub(crate) fn new(sink: W, framing: Framing) -> BlockWriter<W> {
        BlockWriter { sink, framing, block: vec![], frame: vec![], any: false }
    }

    pub(crate) fn get_mut(&mut self) -> &mut W {
        &mut self.sink
    }

    /// Writes the last block and what ends the stream.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.write_block()?;
        if self.framing == Framing::Lz4 {
            self.frame.clear();
            lz4_head(&mut self.frame, LZ4_STORED, 0, 0, 0);
            self.sink.write_all(&self.frame)?;
        }
        Ok(self.sink)
    }

    fn write_block(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        self.frame.clear();
        match self.framing {
            Framing::Lz4 => lz4_block(&self.block, &mut self.frame),
            Framing::Snappy => {
                if !self.any {
                    self.frame.extend_from_slice(SNAPPY_HEADER);
                }
                let packed = snap::raw::Encoder::new().compress_vec(&self.block).map_err(io::Error::other)?;
                self.frame.extend_from_slice(&(packed.len() as u32).to_be_bytes());
                self.frame.extend_from_slice(&packed);
            }
            Framing::Lzf => lzf_chunk(&self.block, &mut self.frame),
        }
        self.any = true;
        self.block.clear();
        self.sink.write_all(&self.frame)
    }
}

impl<W: Write> Write for BlockWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(BLOCK_BYTES - self.block.len());
        self.block.extend_from_slice(&bytes[..count]);
        if self.block.len() == BLOCK_BYTES {
            self.write_block()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_block()?;
        self.sink.flush()
    }
}

fn lz4_block(block: &[u8], frame: &mut Vec<u8>) {
    let check = xxhash_rust::xxh32::xxh32(block, LZ4_SEED) & 0x0FFF_FFFF;
    let packed = lz4_flex::block::compress(block);
    if packed.len() < block.len() {
        lz4_head(frame, LZ4_PACKED, packed.len(), block.len(), check);
        frame.extend_from_slice(&packed);
    } else {
        lz4_head(frame, LZ4_STORED, block.len(), block.len(), check);
        frame.extend_from_slice(block);
    }
}

fn lz4_head(frame: &mut Vec<u8>, method: u8, packed: usize, length: usize, check: u32) {
    frame.extend_from_slice(LZ4_MAGIC);
    frame.push(method | LZ4_LEVEL);
    for number in [packed as u32, length as u32, check] {
        frame.extend_from_slice(&number.to_le_bytes());
    }
}

fn lzf_chunk(block: &[u8], frame: &mut Vec<u8>) {
    frame.extend_from_slice(b"ZV");
    let packed = lzf::compress(block);
    if packed.len() < block.len() {
        frame.push(LZF_PACKED);
        frame.extend_from_slice(&(packed.len() as u16).to_be_bytes());
        frame.extend_from_slice(&(block.len() as u16).to_be_bytes());
        frame.extend_from_slice(&packed);
    } else {
        frame.push(LZF_STORED);
        frame.extend_from_slice(&(block.len() as u16).to_be_bytes());
        frame.extend_from_slice(block);
    }
}

/// Decompresses a framed stream. One that was cut within a block fails with
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) behind its last whole block.
pub(crate) struct BlockReader<R> {
    bytes: R,
    framing: Framing,
    packed: Vec<u8>,
    block: Vec<u8>,
    taken: usize,
    any: bool,
}

impl<R: Read> BlockReader<R> {
    pub(crate) fn new(bytes: R, framing: Framing) -> BlockReader<R> {
        BlockReader { bytes, framing, packed: vec![], block: vec![], taken: 0, any: false }
    }

    /// Reads the next block that is not empty; returns false at the end.
    fn next_block(&mut self) -> io::Result<bool> {
        while self.taken == self.block.len() {
            self.block.clear();
            self.taken = 0;
            let more = match self.framing {
                Framing::Lz4 => self.next_lz4()?,
                Framing::Snappy => self.next_snappy()?,
                Framing::Lzf => self.next_lzf()?,
            };
            if !more {
                return Ok(false);
            }
            self.any = true;
        }
        Ok(true)
    }

    fn next_lz4(&mut self) -> io::Result<bool> {
        let mut head = [0; 21];
        if !self.fill(&mut head)? {
            return Ok(false);
        }
        if head[..8] != *LZ4_MAGIC {
            return Err(corrupt("a block does not begin with LZ4Block"));
        }
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (method, packed, length) = (head[8] & 0xF0, number(9) as usize, number(13) as usize);
        if length > 1 << (10 + (head[8] & 0x0F)) {
            return Err(corrupt("a block of LZ4 claims to be longer than its own bound"));
        }
        self.take(packed)?;
        match method {
            LZ4_STORED if packed == length => self.block.extend_from_slice(&self.packed),
            LZ4_PACKED if length <= packed.saturating_mul(LZ4_MAX_RATIO) => {
                self.block.resize(length, 0);
                let filled = lz4_flex::block::decompress_into(&self.packed, &mut self.block);
                if filled.map_err(corrupt)? != length {
                    return Err(corrupt("a block of LZ4 is shorter than it claims"));
                }
            }
            _ => return Err(corrupt("a block of LZ4 claims what it cannot hold")),
        }
        let check = xxhash_rust::xxh32::xxh32(&self.block, LZ4_SEED) & 0x0FFF_FFFF;
        if length > 0 && check != number(17) {
            self.block.clear();
            return Err(corrupt("the checksum of a block of LZ4 is wrong"));
        }
        Ok(true)
    }

    fn next_snappy(&mut self) -> io::Result<bool> {
        let mut head = [0; 4];
        if !self.fill(&mut head)? {
            return Ok(false);
        }
        if head == SNAPPY_MAGIC[..4] {
            // Another stream may follow one that has ended.
            let mut rest = [0; 12];
            self.fill_all(&mut rest)?;
            return if rest[..4] == SNAPPY_MAGIC[4..] {
                Ok(true)
            } else {
                Err(corrupt("no header of Snappy"))
            };
        }
        if !self.any {
            return Err(corrupt("it does not begin with the header of Snappy"));
        }
        self.take(u32::from_be_bytes(head) as usize)?;
        let length = snap::raw::decompress_len(&self.packed).map_err(corrupt)?;
        if length > self.packed.len().saturating_mul(SNAPPY_MAX_RATIO) {
            return Err(corrupt("a block of Snappy claims what it cannot hold"));
        }
        self.block.resize(length, 0);
        let filled = snap::raw::Decoder::new().decompress(&self.packed, &mut self.block);
        let filled = filled.inspect_err(|_| self.block.clear()).map_err(corrupt)?;
        self.block.truncate(filled);
        Ok(true)
    }

    fn next_lzf(&mut self) -> io::Result<bool> {
        let mut head = [0; 5];
        if !self.fill(&mut head)? {
            return Ok(false);
        }
        if head[..2] != *b"ZV" {
            return Err(corrupt("a chunk does not begin with ZV"));
        }
        let packed = usize::from(u16::from_be_bytes([head[3], head[4]]));
        match head[2] {
            LZF_STORED => {
                self.take(packed)?;
                self.block.extend_from_slice(&self.packed);
            }
            LZF_PACKED => {
                let mut length = [0; 2];
                self.fill_all(&mut length)?;
                self.take(packed)?;
                let length = usize::from(u16::from_be_bytes(length));
                self.block =
                    lzf::decompress(&self.packed, length).ok_or_else(|| corrupt("a broken chunk of LZF"))?;
            }
            _ => return Err(corrupt("an unknown kind of chunk")),
        }
        Ok(true)
    }

    /// Reads a compressed block.
    fn take(&mut self, length: usize) -> io::Result<()> {
        if length > MAX_BLOCK_BYTES {
            return Err(corrupt(format!("a block of {length} bytes is larger than any that Spark writes")));
        }
        self.packed.clear();
        (&mut self.bytes).take(length as u64).read_to_end(&mut self.packed)?;
        if self.packed.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Fills a buffer; returns false if the stream has ended before it.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.bytes.read(&mut buffer[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn fill_all(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        if self.fill(buffer)? { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl<R: Read> Read for BlockReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.next_block()? {
            return Ok(0);
        }
        let count = out.len().min(self.block.len() - self.taken);
        out[..count].copy_from_slice(&self.block[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

fn corrupt(what: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAMINGS: [Framing; 3] = [Framing::Lz4, Framing::Snappy, Framing::Lzf];

    fn pack(data: &[u8], framing: Framing) -> Vec<u8> {
        let mut writer = BlockWriter::new(vec![], framing);
        writer.write_all(data).unwrap();
        writer.finish().unwrap()
    }

    fn unpack(bytes: &[u8], framing: Framing) -> io::Result<Vec<u8>> {
        let mut data = vec![];
        BlockReader::new(bytes, framing).read_to_end(&mut data).map(|_| data)
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            (state >> 33) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn what_is_packed_is_unpacked_and_streams_may_follow_each_other() {
        for framing in FRAMINGS {
            let text: Vec<u8> = (0..20_000).flat_map(|i| format!("line {}\n", i % 97).into_bytes()).collect();
            for data in [vec![], vec![1], vec![7; 200_000], noise(100_000), noise(BLOCK_BYTES), text] {
                let bytes = pack(&data, framing);
                assert!(unpack(&bytes, framing).unwrap() == data, "{framing:?}");
                let twice = [bytes.clone(), bytes].concat();
                assert!(unpack(&twice, framing).unwrap() == [data.clone(), data].concat(), "{framing:?}");
            }
        }
    }

    #[test]
    fn what_was_flushed_is_read_from_a_stream_without_end() {
        for framing in FRAMINGS {
            let mut writer = BlockWriter::new(vec![], framing);
            writer.write_all(b"flushed").unwrap();
            writer.flush().unwrap();
            writer.write_all(b"not flushed").unwrap();
            let whole = unpack(writer.get_mut(), framing).unwrap();
            assert_eq!(whole, b"flushed");
            // Cut within the next block.
            writer.flush().unwrap();
            let bytes = writer.get_mut();
            let mut read = vec![];
            let error =
                BlockReader::new(&bytes[..bytes.len() - 1], framing).read_to_end(&mut read).unwrap_err();
            assert_eq!(
                (error.kind(), &read[..]),
                (io::ErrorKind::UnexpectedEof, &b"flushed"[..]),
                "{framing:?}"
            );
        }
    }

    #[test]
    fn promises_that_the_bytes_do_not_keep_cost_no_memory() {
        let giant = u32::MAX.to_be_bytes();
        let lz4 = |length: u32| {
            let mut head = vec![];
            lz4_head(&mut head, LZ4_PACKED | 0x0F, 5, length as usize, 0);
            [head, vec![0; 5]].concat()
        };
        for (bytes, framing) in [
            (lz4(1 << 25), Framing::Lz4),
            (lz4(u32::MAX), Framing::Lz4),
            ([&SNAPPY_HEADER[..], &giant].concat(), Framing::Snappy),
            ([&SNAPPY_HEADER[..], &[0, 0, 0, 5, 0xFF, 0xFF, 0xFF, 0xFF, 0x07]].concat(), Framing::Snappy),
            (b"ZV\x01\xFF\xFF\xFF\xFF".to_vec(), Framing::Lzf),
            (b"ZW\x01\xFF\xFF\xFF\xFF".to_vec(), Framing::Lzf),
        ] {
            let mut reader = BlockReader::new(&bytes[..], framing);
            assert!(reader.read(&mut [0; 10]).is_err(), "{bytes:?}");
            assert!(reader.block.capacity() < 100_000, "{framing:?}: {}", reader.block.capacity());
        }
    }

    #[test]
    fn a_flipped_bit_of_lz4_is_told_by_its_checksum() {
        let mut bytes = pack(&noise(1000), Framing::Lz4);
        bytes[500] ^= 1;
        assert!(unpack(&bytes, Framing::Lz4).unwrap_err().to_string().contains("checksum"));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>, flip in any::<(prop::sample::Index, u8)>()) {
            for framing in FRAMINGS {
                let _ = unpack(&bytes, framing);
                let mut good = pack(&bytes, framing);
                prop_assert_eq!(&unpack(&good, framing).unwrap(), &bytes);
                if !good.is_empty() {
                    let at = flip.0.index(good.len());
                    good[at] ^= flip.1;
                    let _ = unpack(&good, framing);
                }
            }
        }
    }
}
