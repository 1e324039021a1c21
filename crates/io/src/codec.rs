//! Compression by suffix, as Hadoop names it. Reading goes through [`Codec::decoder`], writing through the text writer;
//! a decoder's complaint becomes a cause that says whether the file is cut short or corrupt ([`Codec::read_error`]).

use crate::encoder::Encoder;
use crate::error::{IoCause, IoError, IoOperation};
use crate::file::Input;
use crate::framing::{FramedReader, Packing};
use crate::path;
use crate::zlib::ZlibReader;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};

/// How much of a compressed file is read at once.
const COMPRESSED_BUFFER_BYTES: usize = 256 << 10;

/// How a file is compressed.
///
/// ```
/// use firesteel_io::Codec;
/// assert_eq!(Codec::of_path("/data/a.gz"), Codec::Gzip);
/// assert_eq!(Codec::of_path("https://host/a.gz?version=2"), Codec::Gzip);
/// assert_eq!(Codec::named("org.apache.hadoop.io.compress.GzipCodec"), Some(Codec::Gzip));
/// assert_eq!(Codec::Gzip.suffix(), ".gz");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// Not at all.
    Plain,
    /// `.gz`: one or several gzip members.
    Gzip,
    /// `.bz2`: one or several bzip2 streams.
    Bzip2,
    /// `.zst`: one or several zstd frames.
    Zstd,
    /// `.deflate`: one or several zlib streams, which is what Hadoop calls deflate.
    Deflate,
    /// `.snappy`: snappy in Hadoop's own frames, which are not those of other programs.
    Snappy,
    /// `.lz4`: lz4 in Hadoop's own frames, which are not those of other programs.
    Lz4,
}

/// Every codec that has a suffix.
const COMPRESSED: [Codec; 6] =
    [Codec::Gzip, Codec::Bzip2, Codec::Zstd, Codec::Deflate, Codec::Snappy, Codec::Lz4];

impl Codec {
    /// The codec that the suffix of a path stands for. Case does not matter, as in Hadoop since 3.5: `x.GZ` is gzip.
    pub fn of_path(path: &str) -> Codec {
        let name = path::without_query(path).as_bytes();
        let ends_in = |suffix: &str| {
            let at = name.len().checked_sub(suffix.len());
            at.is_some_and(|at| name[at..].eq_ignore_ascii_case(suffix.as_bytes()))
        };
        COMPRESSED.into_iter().find(|codec| ends_in(codec.suffix())).unwrap_or(Codec::Plain)
    }

    /// The codec of a short name (`gzip`, `bzip2`, `zstd`, `deflate`, `none`, ...), of a suffix without its dot, or of
    /// one of Hadoop's classes, by its full or last name. Case does not matter, except in classes.
    pub fn named(name: &str) -> Option<Codec> {
        let class = name.strip_prefix("org.apache.hadoop.io.compress.").unwrap_or(name);
        match class {
            "GzipCodec" => return Some(Codec::Gzip),
            "BZip2Codec" => return Some(Codec::Bzip2),
            "ZStandardCodec" => return Some(Codec::Zstd),
            "DefaultCodec" | "DeflateCodec" => return Some(Codec::Deflate),
            "SnappyCodec" => return Some(Codec::Snappy),
            "Lz4Codec" => return Some(Codec::Lz4),
            _ => {}
        }
        match name.to_ascii_lowercase().as_str() {
            "none" | "uncompressed" => Some(Codec::Plain),
            "gzip" | "gz" => Some(Codec::Gzip),
            "bzip2" | "bz2" => Some(Codec::Bzip2),
            "zstd" | "zst" | "zstandard" => Some(Codec::Zstd),
            "deflate" => Some(Codec::Deflate),
            "snappy" => Some(Codec::Snappy),
            "lz4" => Some(Codec::Lz4),
            _ => None,
        }
    }

    /// What names of such files end in, with its dot; nothing for plain files.
    pub fn suffix(self) -> &'static str {
        match self {
            Codec::Plain => "",
            Codec::Gzip => ".gz",
            Codec::Bzip2 => ".bz2",
            Codec::Zstd => ".zst",
            Codec::Deflate => ".deflate",
            Codec::Snappy => ".snappy",
            Codec::Lz4 => ".lz4",
        }
    }

    /// Whether a file can be read from its middle. Of the compressed ones none can: Hadoop splits bzip2, we do not yet,
    /// so a bzip2 file is one split.
    pub fn splittable(self) -> bool {
        self == Codec::Plain
    }

    /// A reader of the file's decompressed bytes, from where the file stands.
    pub(crate) fn decoder(self, file: Input) -> Result<Box<dyn Read + Send>, IoCause> {
        match self {
            Codec::Plain => Ok(Box::new(file)),
            _ => self.decode(BufReader::with_capacity(COMPRESSED_BUFFER_BYTES, file)),
        }
    }

    /// A reader of what the bytes hold, decompressed.
    pub(crate) fn decode<'a>(
        self,
        bytes: impl BufRead + Send + 'a,
    ) -> Result<Box<dyn Read + Send + 'a>, IoCause> {
        Ok(match self {
            Codec::Plain => Box::new(bytes),
            Codec::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(bytes)),
            Codec::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(bytes)),
            Codec::Zstd => Box::new(zstd::Decoder::with_buffer(bytes)?),
            Codec::Deflate => Box::new(ZlibReader::new(bytes)),
            Codec::Snappy => Box::new(FramedReader::new(bytes, Packing::Snappy)),
            Codec::Lz4 => Box::new(FramedReader::new(bytes, Packing::Lz4)),
        })
    }

    /// Appends to `out` what the bytes hold, which may be `most` bytes.
    ///
    /// # Errors
    /// When they are cut short or corrupt, or hold more.
    pub fn decompress(self, bytes: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), IoCause> {
        let before = out.len();
        let mut data = self.decode(bytes)?.take((most as u64).saturating_add(1));
        data.read_to_end(out).map_err(|error| self.read_error("", error).cause)?;
        if out.len() - before > most {
            let what = format!("it holds more than the {most} bytes that it may");
            return Err(IoCause::Corrupt { codec: self, what });
        }
        Ok(())
    }

    /// Appends the bytes, compressed, to `out`.
    ///
    /// ```
    /// use firesteel_io::Codec;
    /// let (mut packed, mut data) = (vec![], vec![]);
    /// Codec::Snappy.compress(b"to be or not to be", &mut packed)?;
    /// Codec::Snappy.decompress(&packed, 100, &mut data)?;
    /// assert_eq!(data, b"to be or not to be");
    /// # Ok::<(), firesteel_io::IoCause>(())
    /// ```
    ///
    /// # Errors
    /// When the codec's library cannot begin: there is no memory for it.
    pub fn compress(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), IoCause> {
        let mut encoder = Encoder::new(out, self)?;
        encoder.write_all(bytes)?;
        encoder.finish()?;
        Ok(())
    }

    /// What a decoder's error means: the file's fault, or that of the place which it came from.
    pub(crate) fn read_error(self, path: &str, error: io::Error) -> IoError {
        let from_below =
            error.raw_os_error().is_some() || error.get_ref().is_some_and(|inner| inner.is::<IoError>());
        if self == Codec::Plain || from_below {
            return IoError::from_io(IoOperation::Read, path, error);
        }
        let cause = match error.kind() {
            io::ErrorKind::UnexpectedEof => IoCause::CutShort(self),
            _ => IoCause::Corrupt { codec: self, what: error.to_string() },
        };
        IoError::new(IoOperation::Read, path, cause)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Codec::Plain => "plain",
            Codec::Gzip => "gzip",
            Codec::Bzip2 => "bzip2",
            Codec::Zstd => "zstd",
            Codec::Deflate => "deflate",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
        })
    }
}
