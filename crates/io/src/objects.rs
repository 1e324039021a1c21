//! Reads and writes object files: records of any type in Firesteel's own encoding, checked, and cut where
//! blocks begin.
//!
//! Version 1, all numbers lowest byte first, checksums XXH3 of 64 bits:
//!
//! ```text
//! header   "FIREOBJ" 1 | marker: 16 bytes that no other file has | length of the type's name: u32 | name | checksum of all that
//! block    marker | length: u32 | checksum of the data, with the length as its seed: u64 | data: blocks of records, as shuffles hold them
//! trailer  marker | u32::MAX | how many records: u64 | checksum of these two: u64
//! ```
//!
//! A split from `s` to `e` holds the blocks from the first marker at or behind `s` to the first at or behind
//! `e`, as in a SequenceFile. The reader of any split looks at the trailer first, so a file that was cut
//! short is never taken for whole. Types are compared by their names without modules, since modules move.

use crate::error::{IoCause, IoError, IoOperation};
use crate::file::{Input, Output};
use crate::hadoop::{SequenceHeader, SequencePairs, java_records};
use crate::inputs::InputFile;
use crate::splits::{FileSplit, SplitOptions, cut_files};
use crate::stores::Stores;
use bytes::Bytes;
use firesteel_data::block::{take_records, write_records};
use firesteel_data::{Data, DataError};
use memchr::memmem::Finder;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const MAGIC: &[u8; 7] = b"FIREOBJ";
const VERSION: u8 = 1;
const MARKER_BYTES: usize = 16;
const FIXED_HEAD_BYTES: usize = 8 + MARKER_BYTES + 4;
/// Marker, length, checksum.
const BLOCK_HEAD_BYTES: usize = MARKER_BYTES + 4 + 8;
/// Marker, sign, count, checksum.
const TRAILER_BYTES: usize = MARKER_BYTES + 4 + 8 + 8;
/// The number in place of a block's length, by which the trailer is told from a block.
const TRAILER_SIGN: u32 = u32::MAX;

/// A block is closed when it has this many bytes.
const BLOCK_BYTES: usize = 1 << 20;
const BUFFER_BYTES: usize = 256 << 10;
/// The most bytes of a type's name: a longer one is a sign of changed bytes.
const MAX_NAME_BYTES: usize = 64 << 10;

/// Writes records to an object file.
///
/// ```
/// use firesteel_io::{ObjectReader, ObjectWriter};
/// use std::io::Cursor;
/// let mut writer = ObjectWriter::<Vec<u8>, (u32, String)>::new(vec![])?;
/// writer.append(&[(1, "one".to_string())])?;
/// let bytes = writer.finish()?;
/// let end = bytes.len() as u64;
/// let mut reader = ObjectReader::<_, (u32, String)>::new(Cursor::new(bytes), 0, end)?;
/// assert_eq!(reader.next_block()?, Some(vec![(1, "one".to_string())]));
/// assert_eq!(reader.next_block()?, None);
/// # Ok::<(), firesteel_io::IoCause>(())
/// ```
pub struct ObjectWriter<W, T> {
    sink: W,
    marker: [u8; MARKER_BYTES],
    block: Vec<u8>,
    records: u64,
    types: PhantomData<fn(T)>,
}

impl<W: Write, T: Data> ObjectWriter<W, T> {
    /// Writes the header.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(mut sink: W) -> Result<Self, IoCause> {
        let marker = SequenceHeader::new("", "", Default::default()).sync;
        let name = std::any::type_name::<T>();
        let mut header = MAGIC.to_vec();
        header.push(VERSION);
        header.extend(marker);
        header.extend((name.len() as u32).to_le_bytes());
        header.extend_from_slice(name.as_bytes());
        header.extend(xxh3_64(&header).to_le_bytes());
        sink.write_all(&header)?;
        Ok(ObjectWriter { sink, marker, block: vec![], records: 0, types: PhantomData })
    }

    /// Writes records.
    ///
    /// # Errors
    /// When one cannot be encoded, or cannot be written.
    pub fn append(&mut self, records: &[T]) -> Result<(), IoCause> {
        if records.is_empty() {
            return Ok(());
        }
        write_records(records, &mut self.block).map_err(|error| IoCause::Unwritable(error.to_string()))?;
        self.records += records.len() as u64;
        if self.block.len() >= BLOCK_BYTES { self.close_block() } else { Ok(()) }
    }

    /// Writes the last block and the trailer, and returns the sink.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn finish(mut self) -> Result<W, IoCause> {
        self.close_block()?;
        let mut body = TRAILER_SIGN.to_le_bytes().to_vec();
        body.extend(self.records.to_le_bytes());
        let sum = xxh3_64(&body);
        self.sink.write_all(&self.marker)?;
        self.sink.write_all(&body)?;
        self.sink.write_all(&sum.to_le_bytes())?;
        self.sink.flush()?;
        Ok(self.sink)
    }

    fn close_block(&mut self) -> Result<(), IoCause> {
        if self.block.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(self.block.len()).ok().filter(|length| *length != TRAILER_SIGN);
        let length = length.ok_or_else(|| IoCause::Unwritable("a record takes more than 4 GiB".into()))?;
        self.sink.write_all(&self.marker)?;
        self.sink.write_all(&length.to_le_bytes())?;
        self.sink.write_all(&block_checksum(length, &self.block).to_le_bytes())?;
        self.sink.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }
}

fn block_checksum(length: u32, data: &[u8]) -> u64 {
    xxh3_64_with_seed(data, u64::from(length))
}

/// Reads the records of one split of an object file.
pub struct ObjectReader<R, T> {
    input: BufReader<R>,
    marker: [u8; MARKER_BYTES],
    position: u64,
    length: u64,
    end: u64,
    /// The number of records that the trailer promises, if this split began with the file.
    promised: Option<u64>,
    read: u64,
    done: bool,
    types: PhantomData<fn() -> T>,
}

impl<R: Read + Seek, T: Data> ObjectReader<R, T> {
    /// Reads header and trailer, and goes to the first block of the split from `start` to `end`.
    ///
    /// # Errors
    /// When this is no object file, or one of another type, or cut short.
    pub fn new(input: R, start: u64, end: u64) -> Result<Self, IoCause> {
        let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
        let length = input.seek(SeekFrom::End(0))?;
        if end > length {
            return Err(IoCause::Shrunk { expected: end, found: length });
        }
        input.seek(SeekFrom::Start(0))?;
        let (marker, position) = read_header::<R, T>(&mut input, length)?;
        let records = read_trailer(&mut input, length, position, &marker)?;
        let mut reader = ObjectReader {
            input,
            marker,
            position,
            length,
            end,
            // Only a reader from the file's first block on can count all its records.
            promised: (start <= position).then_some(records),
            read: 0,
            done: position >= end,
            types: PhantomData,
        };
        reader.seek(position)?;
        if start > position && !reader.done {
            match reader.find(start, end)? {
                Some(block) => reader.seek(block)?,
                None => reader.done = true,
            }
        }
        Ok(reader)
    }

    /// Returns the records of the next block; none when the split is over.
    ///
    /// # Errors
    /// When a byte was changed: the cause tells in which block.
    pub fn next_block(&mut self) -> Result<Option<Vec<T>>, IoCause> {
        if self.done {
            return Ok(None);
        }
        let offset = self.position;
        let head: [u8; BLOCK_HEAD_BYTES] = self.array()?;
        let (marker, rest) = head.split_at(MARKER_BYTES);
        if marker != self.marker {
            return Err(malformed(offset, "a block does not begin with the file's marker"));
        }
        let (length, sum) = (number(&rest[..4]) as u32, number(&rest[4..]));
        if offset >= self.end || length == TRAILER_SIGN {
            return self.finish(offset, length == TRAILER_SIGN);
        }
        let left = self.length - self.position.min(self.length);
        if u64::from(length) > left {
            return Err(malformed(offset, "a block is longer than its file"));
        }
        let mut data = vec![];
        (&mut self.input).take(u64::from(length)).read_to_end(&mut data)?;
        self.position += data.len() as u64;
        if data.len() < length as usize || block_checksum(length, &data) != sum {
            return Err(malformed(
                offset,
                "a block's checksum does not match its contents: bytes were changed",
            ));
        }
        let records = decode(&data).map_err(|error| malformed(offset, &format!("in a block, {error}")))?;
        self.read += records.len() as u64;
        Ok(Some(records))
    }

    /// Ends the split, at a block or at the trailer, and checks that the next split begins there.
    fn finish(&mut self, offset: u64, at_trailer: bool) -> Result<Option<Vec<T>>, IoCause> {
        self.done = true;
        if at_trailer {
            if offset + TRAILER_BYTES as u64 != self.length {
                return Err(malformed(offset, "there is a trailer in the middle of the file"));
            }
            if self.promised.is_some_and(|promised| promised != self.read) {
                let promised = self.promised.unwrap_or(0);
                return Err(malformed(
                    offset,
                    &format!("{} records of {promised} are in the file", self.read),
                ));
            }
        }
        // The next split looks for the marker from its start on, and must find the block at which this one ended.
        if offset > self.end && self.find(self.end, self.length)? != Some(offset) {
            return Err(malformed(self.end, "data holds the file's own marker: read it in one partition"));
        }
        Ok(None)
    }

    fn seek(&mut self, position: u64) -> Result<(), IoCause> {
        self.input.seek(SeekFrom::Start(position))?;
        self.position = position;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], IoCause> {
        let mut bytes = [0; N];
        read_exact(&mut self.input, &mut bytes, self.position)?;
        self.position += N as u64;
        Ok(bytes)
    }

    /// Returns the first position of the marker at or behind `from` and before `to`.
    fn find(&mut self, from: u64, to: u64) -> Result<Option<u64>, IoCause> {
        self.seek(from)?;
        let (finder, mut window, mut start) = (Finder::new(&self.marker), vec![], from);
        while start < to {
            let read = (&mut self.input).take(BUFFER_BYTES as u64).read_to_end(&mut window)?;
            if let Some(at) = finder.find(&window) {
                return Ok(Some(start + at as u64).filter(|found| *found < to));
            }
            if read == 0 {
                return Ok(None);
            }
            // A marker may begin in this window and end in the next.
            let dropped = window.len() - (MARKER_BYTES - 1).min(window.len());
            start += dropped as u64;
            window.drain(..dropped);
        }
        Ok(None)
    }
}

/// Reads the records of one split of an object file of Firesteel's, or of Spark's, in batches. Of Spark's
/// records, numbers, booleans, strings, and arrays and tuples of them can be read.
pub struct ObjectBatches<T> {
    path: String,
    reader: Objects<T>,
}

enum Objects<T> {
    Ours(Box<ObjectReader<Input, T>>),
    Spark(Box<SequencePairs<(), Bytes>>),
    Over,
}

impl<T: Data> ObjectBatches<T> {
    /// Opens the split's file.
    ///
    /// # Errors
    /// When it is no object file, or one of other records, or was cut short; the error names it.
    pub fn open(stores: &Stores, split: &FileSplit) -> Result<Self, IoError> {
        let path = split.path.clone();
        let input = Input::open(stores, &path)?;
        let reader = if input.read_at(0, input.len().min(3) as usize)? == b"SEQ" {
            Objects::Spark(Box::new(SequencePairs::open(stores, split)?))
        } else {
            let reader = ObjectReader::new(input, split.start, split.end());
            let reader = reader.map_err(|cause| IoError::new(IoOperation::Read, &path, cause))?;
            Objects::Ours(Box::new(reader))
        };
        Ok(ObjectBatches { path, reader })
    }

    fn next_batch(&mut self) -> Result<Option<Vec<T>>, IoError> {
        let fail = |cause| IoError::new(IoOperation::Read, &self.path, cause);
        match &mut self.reader {
            Objects::Over => Ok(None),
            Objects::Ours(reader) => reader.next_block().map_err(fail),
            Objects::Spark(pairs) => {
                let Some(batch) = pairs.next().transpose()? else { return Ok(None) };
                let offset = pairs.offset();
                let malformed = |what| {
                    let what = format!(
                        "at or before this place, Java's objects cannot be read as {}: {what}",
                        std::any::type_name::<T>()
                    );
                    fail(IoCause::Malformed { offset, what })
                };
                let mut records = vec![];
                for ((), bytes) in batch {
                    records.extend(java_records::<T>(&bytes).map_err(malformed)?);
                }
                Ok(Some(records))
            }
        }
    }
}

impl<T: Data> Iterator for ObjectBatches<T> {
    type Item = Result<Vec<T>, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.next_batch().transpose();
        if !matches!(batch, Some(Ok(_))) {
            self.reader = Objects::Over;
        }
        batch
    }
}

impl<T: Data> ObjectWriter<Output, T> {
    /// Writes the header to a file that was begun.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(output: Output) -> Result<Self, IoError> {
        let path = output.path().to_string();
        ObjectWriter::new(output).map_err(|cause| IoError::new(IoOperation::Write, path, cause))
    }
}

/// Cuts object files into splits.
pub fn object_splits(files: &[InputFile], options: &SplitOptions) -> Vec<FileSplit> {
    // An empty file is no object file. As a split of its own it makes its task fail, instead of passing for
    // no records.
    let min_size = options.min_size.max(BLOCK_BYTES as u64);
    let options = SplitOptions { min_size, empty_splits: true, ..*options };
    cut_files(files, &options, 1, |_| true)
}

fn decode<T: Data>(mut data: &[u8]) -> Result<Vec<T>, DataError> {
    let mut records = vec![];
    while let Some(more) = take_records(&mut data)? {
        if records.is_empty() {
            records = more;
        } else {
            records.extend(more);
        }
    }
    Ok(records)
}

fn read_header<R: Read + Seek, T>(
    input: &mut BufReader<R>,
    length: u64,
) -> Result<([u8; MARKER_BYTES], u64), IoCause> {
    let mut header = vec![0; FIXED_HEAD_BYTES.min(length as usize)];
    read_exact(input, &mut header, 0)?;
    if !header.starts_with(MAGIC) {
        return Err(malformed(0, "it does not begin with FIREOBJ, so it is not an object file"));
    }
    if header.len() < FIXED_HEAD_BYTES {
        return Err(cut_short(length));
    }
    if header[7] != VERSION {
        let what = format!("it is an object file of version {}, and version {VERSION} is read", header[7]);
        return Err(malformed(7, &what));
    }
    let marker: [u8; MARKER_BYTES] = header[8..8 + MARKER_BYTES].try_into().expect("that many");
    let name_bytes = number(&header[8 + MARKER_BYTES..]) as usize;
    if name_bytes > MAX_NAME_BYTES {
        return Err(malformed(8 + MARKER_BYTES as u64, "the type's name is longer than any"));
    }
    header.resize(FIXED_HEAD_BYTES + name_bytes, 0);
    read_exact(input, &mut header[FIXED_HEAD_BYTES..], FIXED_HEAD_BYTES as u64)?;
    let mut sum = [0; 8];
    read_exact(input, &mut sum, header.len() as u64)?;
    if u64::from_le_bytes(sum) != xxh3_64(&header) {
        return Err(malformed(0, "the header's checksum does not match it: bytes were changed"));
    }
    let found = String::from_utf8_lossy(&header[FIXED_HEAD_BYTES..]).into_owned();
    let asked = std::any::type_name::<T>();
    if without_modules(&found) != without_modules(asked) {
        let instead = format!("write object_file::<{}>", without_modules(&found));
        return Err(IoCause::OtherTypes {
            found: format!("records of type {found}"),
            asked: asked.into(),
            instead,
        });
    }
    Ok((marker, header.len() as u64 + 8))
}

fn read_trailer<R: Read + Seek>(
    input: &mut BufReader<R>,
    length: u64,
    header: u64,
    marker: &[u8; MARKER_BYTES],
) -> Result<u64, IoCause> {
    let offset = length.checked_sub(TRAILER_BYTES as u64).filter(|offset| *offset >= header);
    let offset = offset.ok_or_else(|| cut_short(length))?;
    input.seek(SeekFrom::Start(offset))?;
    let mut trailer = [0; TRAILER_BYTES];
    read_exact(input, &mut trailer, offset)?;
    let (body, sum) = trailer[MARKER_BYTES..].split_at(4 + 8);
    if trailer[..MARKER_BYTES] != *marker || number(&body[..4]) as u32 != TRAILER_SIGN {
        return Err(cut_short(length));
    }
    if number(sum) != xxh3_64(body) {
        return Err(malformed(offset, "the trailer's checksum does not match it: bytes were changed"));
    }
    Ok(number(&body[4..]))
}

/// Returns the name of a type without the modules of the types in it: `Option<String>`.
fn without_modules(name: &str) -> String {
    let (mut short, mut word) = (String::new(), String::new());
    for c in name.chars() {
        match c {
            ':' => word.clear(),
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            c => {
                short.push_str(&word);
                word.clear();
                short.push(c);
            }
        }
    }
    short + &word
}

/// Returns the number in up to eight bytes, the lowest first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn read_exact(input: &mut impl Read, out: &mut [u8], offset: u64) -> Result<(), IoCause> {
    input.read_exact(out).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => cut_short(offset),
        _ => error.into(),
    })
}

fn cut_short(offset: u64) -> IoCause {
    malformed(offset, "it does not end as an object file does: it was cut short")
}

fn malformed(offset: u64, what: &str) -> IoCause {
    IoCause::Malformed { offset, what: what.into() }
}

#[cfg(test)]
mod tests;
