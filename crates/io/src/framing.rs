//! Reads and writes Hadoop's own frames around snappy and lz4, which are not the frames that those formats
//! have of their own.
//!
//! A file is a sequence of blocks: the block's uncompressed length, then chunks until they add up to it, each with its
//! compressed length before it. Lengths are four bytes, the highest first. There is no checksum, no sign of the end, and
//! no length of the whole: a file that was cut between two blocks looks like a shorter file. One cut anywhere else is
//! told, and so is one of no bytes, since Hadoop writes a block even for nothing.
//!
//! Called by `codec` for reading and by `encoder` for writing. Lengths that a file claims are believed only as far as its
//! bytes bear them out: nothing is allocated for the promise of data.

use std::io::{self, Read, Write};

/// The number of bytes in a block that is written. Hadoop's readers have 256 KiB for a chunk, compressed or
/// not; data that cannot be compressed grows, by a sixth at most with snappy.
const BLOCK_BYTES: usize = 192 << 10;

/// The largest chunk that is read. Hadoop's are as large as its buffer, 256 KiB unless configured.
const MAX_CHUNK_BYTES: usize = 64 << 20;

/// The most bytes that one byte of snappy can stand for: it turns 3 bytes into 64 at best.
const SNAPPY_MAX_RATIO: usize = 22;

/// The most bytes that one byte of lz4 can stand for: each further byte of a length is 255 bytes.
const LZ4_MAX_RATIO: usize = 255;

/// The compression inside the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Snappy,
    Lz4,
}

/// Decompresses a framed stream, which ends where a block does.
pub(crate) struct FramedReader<R> {
    bytes: R,
    packing: Packing,
    /// The number of bytes of the block's data that are still to come, behind the chunk at hand.
    block_left: usize,
    any_block: bool,
    compressed: Vec<u8>,
    chunk: Vec<u8>,
    /// The number of bytes of `chunk` that are data, and of those that were given out.
    filled: usize,
    taken: usize,
    failed: bool,
}

impl<R: Read> FramedReader<R> {
    pub(crate) fn new(bytes: R, packing: Packing) -> FramedReader<R> {
        let (compressed, chunk) = (vec![], vec![]);
        FramedReader {
            bytes,
            packing,
            block_left: 0,
            any_block: false,
            compressed,
            chunk,
            filled: 0,
            taken: 0,
            failed: false,
        }
    }

    /// Reads the next chunk that is not empty; returns false at the end.
    fn next_chunk(&mut self) -> io::Result<bool> {
        while self.taken == self.filled {
            while self.block_left == 0 {
                let Some(length) = self.length(!self.any_block)? else { return Ok(false) };
                self.block_left = length;
                self.any_block = true;
            }
            let length = self.length(true)?.unwrap_or(0);
            if length > MAX_CHUNK_BYTES {
                return Err(corrupt(format!(
                    "a chunk of {length} bytes is larger than any that Hadoop writes"
                )));
            }
            self.compressed.clear();
            (&mut self.bytes).take(length as u64).read_to_end(&mut self.compressed)?;
            if self.compressed.len() < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // A chunk that cannot be decompressed leaves nothing to give out.
            self.taken = 0;
            self.filled = 0;
            self.filled = self.unpack()?;
            self.block_left -= self.filled;
        }
        Ok(true)
    }

    /// Reads a length of four bytes. Returns none if the stream is over and may be.
    fn length(&mut self, needed: bool) -> io::Result<Option<usize>> {
        let (mut bytes, mut filled) = ([0; 4], 0);
        while filled < bytes.len() {
            match self.bytes.read(&mut bytes[filled..]) {
                Ok(0) if filled == 0 && !needed => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let length = i32::from_be_bytes(bytes);
        usize::try_from(length).map(Some).map_err(|_| corrupt(format!("a length is negative: {length}")))
    }

    /// Decompresses the chunk into `self.chunk` and returns the number of bytes.
    fn unpack(&mut self) -> io::Result<usize> {
        let packed = &self.compressed[..];
        // A claim is checked against the bytes before any memory is taken for it.
        let room = match self.packing {
            Packing::Snappy => {
                let claimed = snap::raw::decompress_len(packed).map_err(corrupt)?;
                if claimed > packed.len().saturating_mul(SNAPPY_MAX_RATIO) {
                    return Err(corrupt(format!("a chunk claims {claimed} bytes, more than it can hold")));
                }
                claimed
            }
            Packing::Lz4 => self.block_left.min(packed.len().saturating_mul(LZ4_MAX_RATIO)),
        };
        if room > self.block_left {
            return Err(corrupt(format!(
                "a chunk holds {room} bytes, its block only {} more",
                self.block_left
            )));
        }
        let room = room.min(MAX_CHUNK_BYTES);
        if self.chunk.len() < room {
            self.chunk.resize(room, 0);
        }
        let out = &mut self.chunk[..room];
        match self.packing {
            Packing::Snappy => snap::raw::Decoder::new().decompress(packed, out).map_err(corrupt),
            Packing::Lz4 => lz4_flex::block::decompress_into(packed, out).map_err(corrupt),
        }
    }
}

impl<R: Read> Read for FramedReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Err(corrupt("an earlier read of it failed"));
        }
        let more = self.next_chunk().inspect_err(|_| self.failed = true)?;
        if !more {
            return Ok(0);
        }
        let count = out.len().min(self.filled - self.taken);
        out[..count].copy_from_slice(&self.chunk[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

/// Compresses into a framed stream: a block of one chunk whenever enough came together.
pub(crate) struct FramedWriter<W> {
    sink: W,
    packing: Packing,
    block: Vec<u8>,
    any_block: bool,
    frame: Vec<u8>,
}

impl<W: Write> FramedWriter<W> {
    pub(crate) fn new(sink: W, packing: Packing) -> FramedWriter<W> {
        FramedWriter { sink, packing, block: vec![], any_block: false, frame: vec![] }
    }

    /// Writes the last block, or an empty one if there was no data at all, as Hadoop does.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.block.is_empty() {
            self.close_block()?;
        } else if !self.any_block {
            self.sink.write_all(&0_u32.to_be_bytes())?;
        }
        Ok(self.sink)
    }

    fn close_block(&mut self) -> io::Result<()> {
        const HEAD: usize = 4 + 4;
        let most = match self.packing {
            Packing::Snappy => snap::raw::max_compress_len(self.block.len()),
            Packing::Lz4 => lz4_flex::block::get_maximum_output_size(self.block.len()),
        };
        self.frame.resize(HEAD + most, 0);
        let out = &mut self.frame[HEAD..];
        let packed = match self.packing {
            Packing::Snappy => {
                snap::raw::Encoder::new().compress(&self.block, out).map_err(io::Error::other)?
            }
            Packing::Lz4 => lz4_flex::block::compress_into(&self.block, out).map_err(io::Error::other)?,
        };
        self.frame[..4].copy_from_slice(&(self.block.len() as u32).to_be_bytes());
        self.frame[4..HEAD].copy_from_slice(&(packed as u32).to_be_bytes());
        self.sink.write_all(&self.frame[..HEAD + packed])?;
        self.block.clear();
        self.any_block = true;
        Ok(())
    }
}

impl<W: Write> Write for FramedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(BLOCK_BYTES - self.block.len());
        self.block.extend_from_slice(&bytes[..count]);
        if self.block.len() == BLOCK_BYTES {
            self.close_block()?;
        }
        Ok(count)
    }

    /// Keeps a block that is not full: the cuts between blocks must not depend on the caller's flushes.
    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

fn corrupt(what: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PACKINGS: [Packing; 2] = [Packing::Snappy, Packing::Lz4];

    fn pack(data: &[u8], packing: Packing) -> Vec<u8> {
        let mut writer = FramedWriter::new(vec![], packing);
        writer.write_all(data).unwrap();
        writer.finish().unwrap()
    }

    fn unpack(bytes: &[u8], packing: Packing) -> io::Result<Vec<u8>> {
        let mut data = vec![];
        FramedReader::new(bytes, packing).read_to_end(&mut data).map(|_| data)
    }

    /// One block, of these chunks.
    fn frame(block: u32, chunks: &[&[u8]]) -> Vec<u8> {
        let mut bytes = block.to_be_bytes().to_vec();
        for chunk in chunks {
            bytes.extend((chunk.len() as u32).to_be_bytes());
            bytes.extend_from_slice(chunk);
        }
        bytes
    }

    /// Data that cannot be compressed.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            (state >> 33) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        for packing in PACKINGS {
            for data in [vec![], vec![1], vec![7; 1 << 20], noise(500_000), noise(BLOCK_BYTES)] {
                let bytes = pack(&data, packing);
                assert!(unpack(&bytes, packing).unwrap() == data);
                // As Hadoop's readers demand.
                let packed =
                    bytes.get(4..8).map_or(0, |length| u32::from_be_bytes(length.try_into().unwrap()));
                assert!(packed <= 256 << 10, "{packing:?}: {packed}");
            }
        }
        assert_eq!(pack(&[], Packing::Lz4), [0; 4]);
    }

    #[test]
    fn a_block_may_have_several_chunks_and_none_when_it_is_empty() {
        let snappy = |data: &[u8]| snap::raw::Encoder::new().compress_vec(data).unwrap();
        let (one, two) = (snappy(b"one"), snappy(b"three"));
        let bytes = [frame(8, &[&one, &two]), frame(0, &[]), frame(3, &[&one])].concat();
        assert_eq!(unpack(&bytes, Packing::Snappy).unwrap(), b"onethreeone");
    }

    #[test]
    fn every_cut_within_a_block_is_told() {
        for packing in PACKINGS {
            let bytes = pack(b"some data, some more data, and some data again", packing);
            for cut in 0..bytes.len() {
                let error = unpack(&bytes[..cut], packing).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{packing:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn promises_that_the_bytes_do_not_keep_cost_no_memory() {
        let giant = (i32::MAX as u32).to_be_bytes();
        for packing in PACKINGS {
            assert!(unpack(&[giant, giant].concat(), packing).is_err());
            assert!(unpack(&[&giant[..], &[0, 0, 0, 1, 0]].concat(), packing).is_err());
            assert!(unpack(&[0xFF; 8], packing).unwrap_err().to_string().contains("negative"));
            let mut reader =
                FramedReader::new(&b"\x7F\xFF\xFF\xFF\0\0\0\x05\xFF\xFF\xFF\xFF\x07"[..], packing);
            assert!(reader.read(&mut [0; 10]).is_err());
            assert!(reader.chunk.capacity() < 10_000, "{packing:?}: {}", reader.chunk.capacity());
            assert!(reader.read(&mut [0; 10]).is_err(), "an error comes again");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>, block in 0..100_u32, flip in any::<(prop::sample::Index, u8)>()) {
            for packing in PACKINGS {
                let _ = unpack(&bytes, packing);
                let _ = unpack(&frame(block, &[&bytes]), packing);
                let mut good = pack(&bytes, packing);
                let at = flip.0.index(good.len());
                good[at] ^= flip.1;
                let _ = unpack(&good, packing);
            }
        }
    }
}
