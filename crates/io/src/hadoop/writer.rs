//! Writes a SequenceFile: records as bytes, with the marker where readers of splits look for it.

use super::fields::put_vlong;
use super::header::{SequenceCompression, SequenceHeader};
use crate::codec::Codec;
use crate::error::IoCause;
use std::io::Write;

/// The least distance of markers: Hadoop's 5 KiB times the length of one.
const SYNC_INTERVAL: u64 = 5 * 1024 * 20;

/// The number of bytes of keys and values at which a block is compressed: `io.seqfile.compress.blocksize`.
const BLOCK_BYTES: usize = 1_000_000;

/// Writes keys and values, already as their classes write them, to any sink. The file is whole after
/// [`SequenceWriter::finish`].
///
/// The example of [`super::SequenceReader`] writes and reads.
pub struct SequenceWriter<W> {
    sink: W,
    marker: [u8; 20],
    compression: SequenceCompression,
    position: u64,
    last_sync: u64,
    block: Block,
    scratch: Vec<u8>,
}

/// Records that wait to be compressed together.
#[derive(Default)]
struct Block {
    records: i64,
    key_lengths: Vec<u8>,
    keys: Vec<u8>,
    value_lengths: Vec<u8>,
    values: Vec<u8>,
}

impl<W: Write> SequenceWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(mut sink: W, header: SequenceHeader) -> Result<Self, IoCause> {
        let bytes = header.encode()?;
        sink.write_all(&bytes)?;
        Ok(SequenceWriter {
            sink,
            marker: header.marker(),
            compression: header.compression,
            position: bytes.len() as u64,
            last_sync: 0,
            block: Block::default(),
            scratch: vec![],
        })
    }

    /// Writes a record.
    ///
    /// # Errors
    /// When a record is larger than 2 GiB, the most that the format can hold, or cannot be written.
    pub fn append(&mut self, key: &[u8], value: &[u8]) -> Result<(), IoCause> {
        match self.compression {
            SequenceCompression::None => self.append_record(key, value),
            SequenceCompression::Record(codec) => {
                let mut packed = std::mem::take(&mut self.scratch);
                packed.clear();
                codec.compress(value, &mut packed)?;
                let appended = self.append_record(key, &packed);
                self.scratch = packed;
                appended
            }
            SequenceCompression::Block(codec) => {
                length(key.len() + value.len())?;
                self.block.push(key, value);
                if self.block.keys.len() + self.block.values.len() >= BLOCK_BYTES {
                    self.close_block(codec)?;
                }
                Ok(())
            }
        }
    }

    /// Writes the last block and returns the sink.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn finish(mut self) -> Result<W, IoCause> {
        if let SequenceCompression::Block(codec) = self.compression
            && self.block.records > 0
        {
            self.close_block(codec)?;
        }
        self.sink.flush()?;
        Ok(self.sink)
    }

    fn append_record(&mut self, key: &[u8], value: &[u8]) -> Result<(), IoCause> {
        let length = length(key.len() + value.len())?;
        if self.position >= self.last_sync + SYNC_INTERVAL {
            self.sync()?;
        }
        self.put(&length.to_be_bytes())?;
        self.put(&(key.len() as u32).to_be_bytes())?;
        self.put(key)?;
        self.put(value)
    }

    fn close_block(&mut self, codec: Codec) -> Result<(), IoCause> {
        self.sync()?;
        let block = std::mem::take(&mut self.block);
        let mut out = vec![];
        put_vlong(block.records, &mut out);
        for part in [&block.key_lengths, &block.keys, &block.value_lengths, &block.values] {
            self.scratch.clear();
            codec.compress(part, &mut self.scratch)?;
            put_vlong(i64::from(length(self.scratch.len())?), &mut out);
            out.extend_from_slice(&self.scratch);
        }
        self.put(&out)?;
        self.block = block.emptied();
        Ok(())
    }

    fn sync(&mut self) -> Result<(), IoCause> {
        let marker = self.marker;
        self.put(&marker)?;
        self.last_sync = self.position;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), IoCause> {
        self.sink.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}

impl Block {
    fn push(&mut self, key: &[u8], value: &[u8]) {
        self.records += 1;
        put_vlong(key.len() as i64, &mut self.key_lengths);
        self.keys.extend_from_slice(key);
        put_vlong(value.len() as i64, &mut self.value_lengths);
        self.values.extend_from_slice(value);
    }

    /// Returns the block's memory, for the next one.
    fn emptied(mut self) -> Block {
        self.records = 0;
        for part in [&mut self.key_lengths, &mut self.keys, &mut self.value_lengths, &mut self.values] {
            part.clear();
        }
        self
    }
}

fn length(bytes: usize) -> Result<u32, IoCause> {
    match u32::try_from(bytes) {
        Ok(length) if length <= i32::MAX as u32 => Ok(length),
        _ => Err(IoCause::Unwritable(format!(
            "a record has {bytes} bytes, and a SequenceFile holds records of at most 2 GiB"
        ))),
    }
}
