//! [`LogCodec`]: the codecs of event logs, by the names that end the names of their files.

use std::fmt;

/// The way in which an event log is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogCodec {
    /// Zstandard frames.
    Zstd,
    /// Blocks of LZ4 in the frames of Java's library for it, which are not those of the command `lz4`.
    Lz4,
    /// Blocks of Snappy in the frames of Java's library for it, which are not those of Snappy's own documents.
    Snappy,
    /// Chunks of LZF.
    Lzf,
}

impl LogCodec {
    /// Every codec that Spark 4.3 writes logs with.
    pub const ALL: [LogCodec; 4] = [LogCodec::Zstd, LogCodec::Lz4, LogCodec::Snappy, LogCodec::Lzf];

    /// Returns the codec of a name as it stands in names of files.
    pub fn named(name: &str) -> Option<LogCodec> {
        LogCodec::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// Returns the name as it stands in names of files.
    pub fn name(self) -> &'static str {
        match self {
            LogCodec::Zstd => "zstd",
            LogCodec::Lz4 => "lz4",
            LogCodec::Snappy => "snappy",
            LogCodec::Lzf => "lzf",
        }
    }
}

impl fmt::Display for LogCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
