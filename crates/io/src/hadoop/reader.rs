//! Reads the records of one split of a SequenceFile, as bytes.
//!
//! A split from `s` to `e` holds the records from the first marker at or behind `s` to the first one at or
//! behind `e`; the header counts as a marker. By this rule, which is Hadoop's, neighbours agree without
//! knowing of each other, unless a value holds the file's own marker: then the right neighbour takes it for
//! one. The left neighbour, which reads on across `e` from record to record, therefore looks for the marker
//! as its neighbour will, and a disagreement is an error.
//!
//! A file that ends anywhere but behind a record or a block is an error. One that was cut there cannot be
//! told from a shorter file, since the format has no sign of its end; nor can changed bytes in uncompressed
//! data be told, since it has no checksums.

use super::body::Body;
use super::fields::Fields;
use super::header::{ESCAPE, SequenceCompression, SequenceHeader};
use crate::codec::Codec;
use crate::error::IoCause;
use std::io::{Read, Seek};

/// The most bytes of a Java array: no key, value or part of a block is larger.
const MAX_ARRAY_BYTES: usize = i32::MAX as usize;

/// A key and a value, as their classes wrote them.
pub type RawPair<'a> = (&'a [u8], &'a [u8]);

/// Reads the records of one split, from any input that can be read from the middle.
///
/// ```
/// use firesteel_io::hadoop::{SequenceCompression, SequenceHeader, SequenceReader, SequenceWriter};
/// use std::io::Cursor;
///
/// let header = SequenceHeader::new("org.example.Key", "org.example.Value", SequenceCompression::None);
/// let mut writer = SequenceWriter::new(vec![], header)?;
/// writer.append(b"key", b"value")?;
/// let bytes = writer.finish()?;
///
/// let length = bytes.len() as u64;
/// let mut reader = SequenceReader::open(Cursor::new(bytes), 0, length)?;
/// assert_eq!(reader.header().key_class, "org.example.Key");
/// assert_eq!(reader.next_pair()?, Some((&b"key"[..], &b"value"[..])));
/// assert_eq!(reader.next_pair()?, None);
/// # Ok::<(), firesteel_io::IoCause>(())
/// ```
pub struct SequenceReader<R> {
    body: Body<R>,
    header: SequenceHeader,
    end: u64,
    /// The position of the record that was returned last, or of the block that holds it.
    offset: u64,
    /// The most bytes that a part may have, decompressed.
    limit: usize,
    key: Vec<u8>,
    value: Vec<u8>,
    packed: Vec<u8>,
    block: Block,
    done: bool,
    failed: Option<IoCause>,
}

/// A block of records, decompressed, and the part of it that was given out.
#[derive(Default)]
struct Block {
    left: usize,
    /// Lengths of keys, keys, lengths of values, values.
    parts: [Vec<u8>; 4],
    taken: [usize; 4],
}

impl<R: Read + Seek> SequenceReader<R> {
    /// Reads the header, and goes to the first record of the split from `start` to `end`, both in bytes.
    ///
    /// # Errors
    /// When this is no SequenceFile that can be read, or is shorter than the split.
    pub fn open(input: R, start: u64, end: u64) -> Result<Self, IoCause> {
        let mut body = Body::new(input)?;
        if end > body.length {
            return Err(IoCause::Shrunk { expected: end, found: body.length });
        }
        let header = SequenceHeader::read(&mut body)?;
        let mut done = body.position >= end;
        if start > body.position && !done {
            match body.find(&header.marker(), start, end)? {
                Some(marker) => body.seek(marker)?,
                None => done = true,
            }
        }
        let (offset, key, value, packed) = (body.position, vec![], vec![], vec![]);
        let limit = MAX_ARRAY_BYTES;
        Ok(SequenceReader {
            body,
            header,
            end,
            offset,
            limit,
            key,
            value,
            packed,
            block: Block::default(),
            done,
            failed: None,
        })
    }

    /// Returns the file's header.
    pub fn header(&self) -> &SequenceHeader {
        &self.header
    }

    /// Returns the position of the record that was returned last, or of the block that holds it, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Refuses values, or parts of blocks, that are larger than this when they are decompressed. Otherwise the limit is that
    /// of a Java array, 2 GiB.
    pub fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// Returns the next key and value; none when the split is over. A reader that has failed once fails
    /// again.
    ///
    /// # Errors
    /// When the file is cut short or corrupt: the cause tells where.
    pub fn next_pair(&mut self) -> Result<Option<RawPair<'_>>, IoCause> {
        if let Some(cause) = &self.failed {
            return Err(cause.clone());
        }
        let more = match self.header.compression {
            SequenceCompression::None => self.next_record(None),
            SequenceCompression::Record(codec) => self.next_record(Some(codec)),
            SequenceCompression::Block(codec) => self.next_of_block(codec),
        };
        let more = more.inspect_err(|cause| self.failed = Some(cause.clone()))?;
        Ok(more.then_some((&self.key[..], &self.value[..])))
    }

    /// Reads a record into `key` and `value`; returns false when the split is over.
    fn next_record(&mut self, codec: Option<Codec>) -> Result<bool, IoCause> {
        if self.done {
            return Ok(false);
        }
        loop {
            self.offset = self.body.position;
            if self.body.is_at_end() {
                return self.finish(None);
            }
            let length = self.body.i32("a record's length")?;
            if length == ESCAPE {
                self.check_sync()?;
                if self.offset >= self.end {
                    return self.finish(Some(self.offset));
                }
                continue;
            }
            let key_length = self.body.i32("a key's length")?;
            let lengths = (usize::try_from(length), usize::try_from(key_length));
            let (Ok(length), Ok(key_length)) = lengths else {
                return Err(self.malformed(format!(
                    "a record says that it has {length} bytes, {key_length} of them in its key"
                )));
            };
            let Some(value_length) = length.checked_sub(key_length) else {
                return Err(self.malformed(format!("a key of {key_length} bytes is in a record of {length}")));
            };
            self.body.take(key_length, "a key", &mut self.key)?;
            return match codec {
                None => self.body.take(value_length, "a value", &mut self.value),
                Some(codec) => {
                    self.body.take(value_length, "a value", &mut self.packed)?;
                    self.value.clear();
                    codec
                        .decompress(&self.packed, self.limit, &mut self.value)
                        .map_err(|cause| self.located(cause))
                }
            }
            .map(|()| true);
        }
    }

    /// Copies a record of the block into `key` and `value`; returns false when the split is over.
    fn next_of_block(&mut self, codec: Codec) -> Result<bool, IoCause> {
        while self.block.left == 0 {
            if self.done || !self.next_block(codec)? {
                return Ok(false);
            }
        }
        let block = &mut self.block;
        let taken = block.next(0, &mut self.key).and_then(|()| block.next(2, &mut self.value));
        block.left -= 1;
        let rest = || block.parts.iter().zip(block.taken).any(|(part, taken)| part.len() > taken);
        match taken {
            Err(what) => Err(self.malformed(what)),
            Ok(()) if block.left == 0 && rest() => {
                Err(self.malformed("a block holds more than its records".into()))
            }
            Ok(()) => Ok(true),
        }
    }

    fn next_block(&mut self, codec: Codec) -> Result<bool, IoCause> {
        self.offset = self.body.position;
        if self.body.is_at_end() {
            return self.finish(None);
        }
        let escape = self.body.i32("a block's marker")?;
        if escape != ESCAPE {
            return Err(self.malformed("a block does not begin with the file's marker".into()));
        }
        self.check_sync()?;
        if self.offset >= self.end {
            return self.finish(Some(self.offset));
        }
        let records = self.body.vint("a block's head")?;
        for part in 0..4 {
            let length = self.body.vint("a block")?;
            let length = usize::try_from(length)
                .map_err(|_| self.malformed(format!("a length in a block is negative: {length}")))?;
            self.body.take(length, "a block", &mut self.packed)?;
            let out = &mut self.block.parts[part];
            out.clear();
            codec.decompress(&self.packed, self.limit, out).map_err(|cause| located(self.offset, cause))?;
        }
        self.block.taken = [0; 4];
        // Each record has one byte at least among the lengths, so a number that the block cannot hold is
        // found here.
        self.block.left = match usize::try_from(records) {
            Ok(records) if records <= self.block.parts[0].len() => records,
            _ => {
                return Err(
                    self.malformed(format!("a block claims {records} records and does not hold them"))
                );
            }
        };
        Ok(true)
    }

    fn check_sync(&mut self) -> Result<(), IoCause> {
        match self.body.array("a marker")? {
            sync if sync == self.header.sync => Ok(()),
            _ => Err(self.malformed("a marker between records is not the file's own".into())),
        }
    }

    /// Ends the split, at a marker or with the file, and checks that the next split begins there.
    fn finish(&mut self, marker: Option<u64>) -> Result<bool, IoCause> {
        self.done = true;
        if marker.unwrap_or(self.body.length) > self.end {
            let seen = self.body.find(&self.header.marker(), self.end, self.body.length)?;
            if seen != marker {
                return Err(IoCause::Malformed {
                    offset: seen.unwrap_or(self.end),
                    what: "a value holds the file's own marker, so the file cannot be cut into splits: read it in one \
                           partition"
                        .into(),
                });
            }
        }
        Ok(false)
    }

    fn malformed(&self, what: String) -> IoCause {
        IoCause::Malformed { offset: self.offset, what }
    }

    fn located(&self, cause: IoCause) -> IoCause {
        located(self.offset, cause)
    }
}

/// Adds the place in the file to a codec's complaint about a part of it.
fn located(offset: u64, cause: IoCause) -> IoCause {
    match cause {
        IoCause::CutShort(codec) => {
            IoCause::Malformed { offset, what: format!("a value or block of {codec} data ends too early") }
        }
        IoCause::Corrupt { codec, what } => IoCause::Malformed {
            offset,
            what: format!("a value or block of {codec} data is corrupt: {what}"),
        },
        other => other,
    }
}

impl Block {
    /// Copies the next key (lengths in part 0) or value (lengths in part 2).
    fn next(&mut self, lengths: usize, out: &mut Vec<u8>) -> Result<(), String> {
        let mut fields = Fields::new(&self.parts[lengths][self.taken[lengths]..]);
        let length = fields.vint().map_err(|what| format!("a length in a block cannot be read: {what}"))?;
        self.taken[lengths] = self.parts[lengths].len() - fields.left();
        let mut data = Fields::new(&self.parts[lengths + 1][self.taken[lengths + 1]..]);
        let length =
            usize::try_from(length).map_err(|_| format!("a length in a block is negative: {length}"))?;
        let bytes =
            data.bytes(length).map_err(|what| format!("a record of a block goes beyond it: {what}"))?;
        out.clear();
        out.extend_from_slice(bytes);
        self.taken[lengths + 1] += length;
        Ok(())
    }
}
