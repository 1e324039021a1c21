//! [`Codec`]: the ways in which files are compressed, by Hadoop's suffixes and names. It knows names alone:
//! `coding` compresses and decompresses.

use crate::scheme::without_query;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The way in which a file is compressed.
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
    /// `.deflate`: one or several zlib streams, which Hadoop calls deflate.
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
    /// Returns the codec that the suffix of a path stands for. Case does not matter, as in Hadoop since 3.5:
    /// `x.GZ` is gzip.
    pub fn of_path(path: &str) -> Codec {
        let name = without_query(path).as_bytes();
        let ends_in = |suffix: &str| {
            let at = name.len().checked_sub(suffix.len());
            at.is_some_and(|at| name[at..].eq_ignore_ascii_case(suffix.as_bytes()))
        };
        COMPRESSED.into_iter().find(|codec| ends_in(codec.suffix())).unwrap_or(Codec::Plain)
    }

    /// Returns the codec of a short name (`gzip`, `bzip2`, `zstd`, `deflate`, `none`, ...), of a suffix
    /// without its dot, or of one of Hadoop's classes, by its full or last name. Case does not matter, except
    /// in classes.
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

    /// Returns the suffix of such files, with its dot; nothing for plain files.
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

    /// Returns whether the lines of a file can be read from its middle: a plain one's, and a bzip2 one's, whose
    /// blocks can be told.
    pub fn splittable(self) -> bool {
        matches!(self, Codec::Plain | Codec::Bzip2)
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
