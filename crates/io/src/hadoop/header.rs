//! [`SequenceHeader`]: the beginning of a SequenceFile, with classes, compression, metadata, and the marker
//! that stands between its records from time to time.
//!
//! In the file: `SEQ` and the version, 6; the classes of keys and values; a flag for compressed values, and
//! one for compressed blocks; the codec's class if any is set; the number of pairs of metadata, and these; 16
//! bytes that hardly occur by chance. Strings have their length before them in one to five bytes.

use super::body::Body;
use super::fields::put_vint_bytes;
use crate::codec::Codec;
use crate::error::IoCause;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Seek};

const MAGIC: &[u8; 3] = b"SEQ";

/// The only version that Hadoop has written since 2008.
const VERSION: u8 = 6;

/// The number that announces the marker: it cannot be a record's length.
pub(super) const ESCAPE: i32 = -1;

/// The length of the marker, without the number that announces it.
pub(super) const SYNC_BYTES: usize = 16;

/// The greatest length of a class's name, a key or a value of metadata.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// The parts of a SequenceFile that are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SequenceCompression {
    /// Nothing.
    #[default]
    None,
    /// Each value by itself.
    Record(Codec),
    /// Keys and values of many records together.
    Block(Codec),
}

impl SequenceCompression {
    /// Returns the codec; plain if nothing is compressed.
    pub fn codec(self) -> Codec {
        match self {
            SequenceCompression::None => Codec::Plain,
            SequenceCompression::Record(codec) | SequenceCompression::Block(codec) => codec,
        }
    }
}

/// The beginning of a SequenceFile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceHeader {
    /// The class of the keys, with its package.
    pub key_class: String,
    /// The class of the values, with its package.
    pub value_class: String,
    /// The parts that are compressed, and the codec.
    pub compression: SequenceCompression,
    /// The pairs of metadata that the writer was given.
    pub metadata: BTreeMap<String, String>,
    /// The marker between records.
    pub sync: [u8; SYNC_BYTES],
}

impl SequenceHeader {
    /// Makes a header for a new file, whose marker no other file has.
    pub fn new(key_class: &str, value_class: &str, compression: SequenceCompression) -> SequenceHeader {
        // Each state hashes with keys of its own, whose seed is the system's randomness.
        let half = || RandomState::new().hash_one(std::process::id()).to_be_bytes();
        let mut sync = [0; SYNC_BYTES];
        sync[..8].copy_from_slice(&half());
        sync[8..].copy_from_slice(&half());
        SequenceHeader {
            key_class: key_class.into(),
            value_class: value_class.into(),
            compression,
            metadata: BTreeMap::new(),
            sync,
        }
    }

    /// Returns the bytes that stand between records: the escape and the marker.
    pub(super) fn marker(&self) -> [u8; 4 + SYNC_BYTES] {
        let mut marker = [0xFF; 4 + SYNC_BYTES];
        marker[4..].copy_from_slice(&self.sync);
        marker
    }

    /// Returns the header as it stands in the file.
    ///
    /// # Errors
    /// When values are to be compressed with no codec.
    pub(super) fn encode(&self) -> Result<Vec<u8>, IoCause> {
        let (compressed, block, codec) = match self.compression {
            SequenceCompression::None => (false, false, None),
            SequenceCompression::Record(codec) => (true, false, Some(codec)),
            SequenceCompression::Block(codec) => (true, true, Some(codec)),
        };
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        put_vint_bytes(self.key_class.as_bytes(), &mut out);
        put_vint_bytes(self.value_class.as_bytes(), &mut out);
        out.extend([u8::from(compressed), u8::from(block)]);
        if let Some(codec) = codec {
            let class = codec_class(codec).ok_or_else(|| {
                IoCause::Unwritable("compression with the plain codec: ask for no compression instead".into())
            })?;
            put_vint_bytes(class.as_bytes(), &mut out);
        }
        out.extend((self.metadata.len() as u32).to_be_bytes());
        for text in self.metadata.iter().flat_map(|(key, value)| [key, value]) {
            put_vint_bytes(text.as_bytes(), &mut out);
        }
        out.extend(self.sync);
        Ok(out)
    }

    /// Reads the header of a file that stands at its beginning.
    pub(super) fn read<R: Read + Seek>(body: &mut Body<R>) -> Result<SequenceHeader, IoCause> {
        let [magic @ .., version] = body.array::<4>("the header")?;
        if magic != *MAGIC {
            return Err(IoCause::Malformed {
                offset: 0,
                what: "it does not begin with SEQ, so it is not a SequenceFile".into(),
            });
        }
        if version != VERSION {
            let what = format!(
                "it is a SequenceFile of version {version}; only version {VERSION} is read, which Hadoop writes since 2008"
            );
            return Err(IoCause::Malformed { offset: 3, what });
        }
        let (key_class, value_class) = (text(body)?, text(body)?);
        let compressed = flag(body)?;
        let block = flag(body)?;
        let compression = match (compressed, block) {
            (false, false) => SequenceCompression::None,
            (true, false) => SequenceCompression::Record(codec(body)?),
            (true, true) => SequenceCompression::Block(codec(body)?),
            (false, true) => {
                return Err(
                    body.malformed("the header asks for blocks, but for no compression of them".into())
                );
            }
        };
        let pairs = body.array::<4>("the header").map(i32::from_be_bytes)?;
        if pairs < 0 {
            return Err(body.malformed(format!("the number of pairs of metadata is negative: {pairs}")));
        }
        let mut metadata = BTreeMap::new();
        for _ in 0..pairs {
            let key = text(body)?;
            metadata.insert(key, text(body)?);
        }
        let sync = body.array("the header")?;
        Ok(SequenceHeader { key_class, value_class, compression, metadata, sync })
    }
}

/// Returns the class of a codec in Hadoop; none for plain files.
fn codec_class(codec: Codec) -> Option<&'static str> {
    Some(match codec {
        Codec::Plain => return None,
        Codec::Gzip => "org.apache.hadoop.io.compress.GzipCodec",
        Codec::Bzip2 => "org.apache.hadoop.io.compress.BZip2Codec",
        Codec::Zstd => "org.apache.hadoop.io.compress.ZStandardCodec",
        Codec::Deflate => "org.apache.hadoop.io.compress.DefaultCodec",
        Codec::Snappy => "org.apache.hadoop.io.compress.SnappyCodec",
        Codec::Lz4 => "org.apache.hadoop.io.compress.Lz4Codec",
    })
}

fn codec<R: Read + Seek>(body: &mut Body<R>) -> Result<Codec, IoCause> {
    let class = text(body)?;
    let known = class.starts_with("org.apache.hadoop.io.compress.").then(|| Codec::named(&class)).flatten();
    known.ok_or_else(|| {
        body.malformed(format!(
            "the header names the codec {class}, which is not known: DefaultCodec, GzipCodec, BZip2Codec, SnappyCodec, \
             Lz4Codec and ZStandardCodec are"
        ))
    })
}

fn text<R: Read + Seek>(body: &mut Body<R>) -> Result<String, IoCause> {
    let length = body.vint("the header")?;
    match usize::try_from(length) {
        Ok(length) if length <= MAX_TEXT_BYTES => {
            let mut bytes = vec![];
            body.take(length, "the header", &mut bytes)?;
            String::from_utf8(bytes).map_err(|_| body.malformed("a name in the header is not UTF-8".into()))
        }
        _ => Err(body.malformed(format!("a name in the header has {length} bytes"))),
    }
}

fn flag<R: Read + Seek>(body: &mut Body<R>) -> Result<bool, IoCause> {
    match body.array::<1>("the header")? {
        [0] => Ok(false),
        [1] => Ok(true),
        [other] => Err(body.malformed(format!("a flag in the header is {other}, neither 0 nor 1"))),
    }
}
