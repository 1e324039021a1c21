//! One part file: lines, compressed or not. Written by a task to the path that the output committer gave it.

use crate::codec::Codec;
use crate::error::{IoCause, IoError, IoOperation};
use crate::path;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// How much text is gathered before it is compressed or written.
const BUFFER_BYTES: usize = 256 << 10;

/// Hadoop's block size for bzip2, in units of 100 kB.
const BZIP2_LEVEL: u32 = 9;

/// Writes lines to a file of its own.
///
/// The file is whole only after [`TextWriter::finish`]: what a dropped writer leaves is for the committer to remove.
///
/// ```
/// use firesteel_io::{Codec, TextWriter, read_text};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("part-00000.gz").to_str().unwrap().to_string();
/// let mut writer = TextWriter::create(&path, Codec::Gzip)?;
/// writer.write_line("hello")?;
/// writer.finish()?;
/// assert_eq!(read_text(&path)?, "hello\n");
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub struct TextWriter {
    sink: BufWriter<Sink>,
    path: String,
    bytes: u64,
}

/// The file behind its encoder.
enum Sink {
    Plain(File),
    Gzip(flate2::write::GzEncoder<File>),
    Bzip2(bzip2::write::BzEncoder<File>),
    Zstd(zstd::Encoder<'static, File>),
    Deflate(flate2::write::ZlibEncoder<File>),
}

impl TextWriter {
    /// Makes the file, which must not exist. The codec is not taken from the path, which should end in its suffix.
    pub fn create(path: &str, codec: Codec) -> Result<TextWriter, IoError> {
        let fail = |cause| IoError::new(IoOperation::Create, path, cause);
        if let Codec::Snappy | Codec::Lz4 = codec {
            return Err(fail(IoCause::UnsupportedCodec(codec)));
        }
        let local: PathBuf = path::local(IoOperation::Create, path)?;
        let file = File::create_new(local).map_err(|error| fail(error.into()))?;
        let sink = Sink::new(file, codec).map_err(fail)?;
        Ok(TextWriter { sink: BufWriter::with_capacity(BUFFER_BYTES, sink), path: path.into(), bytes: 0 })
    }

    /// Writes a line and its `\n`. A line that holds line ends is written as it is.
    pub fn write_line(&mut self, line: &str) -> Result<(), IoError> {
        self.write_bytes(line.as_bytes())?;
        self.write_bytes(b"\n")
    }

    /// Writes bytes as they are, without an end of line.
    pub fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), IoError> {
        self.bytes += bytes.len() as u64;
        self.sink.write_all(bytes).map_err(|error| IoError::new(IoOperation::Write, &self.path, error.into()))
    }

    /// Completes the file and tells how many bytes were written, before compression. It is then with the operating system,
    /// which may not have put it on the disk yet.
    pub fn finish(self) -> Result<u64, IoError> {
        let TextWriter { sink, path, bytes } = self;
        let finished = sink.into_inner().map_err(|error| error.into_error()).and_then(Sink::finish);
        finished.map_err(|error| IoError::new(IoOperation::Write, path, error.into()))?;
        Ok(bytes)
    }
}

impl Sink {
    fn new(file: File, codec: Codec) -> Result<Sink, IoCause> {
        Ok(match codec {
            Codec::Plain => Sink::Plain(file),
            Codec::Gzip => Sink::Gzip(flate2::write::GzEncoder::new(file, flate2::Compression::default())),
            Codec::Bzip2 => {
                Sink::Bzip2(bzip2::write::BzEncoder::new(file, bzip2::Compression::new(BZIP2_LEVEL)))
            }
            Codec::Zstd => Sink::Zstd(zstd_encoder(file)?),
            Codec::Deflate => {
                Sink::Deflate(flate2::write::ZlibEncoder::new(file, flate2::Compression::default()))
            }
            Codec::Snappy | Codec::Lz4 => return Err(IoCause::UnsupportedCodec(codec)),
        })
    }

    fn finish(self) -> std::io::Result<File> {
        match self {
            Sink::Plain(file) => Ok(file),
            Sink::Gzip(encoder) => encoder.finish(),
            Sink::Bzip2(encoder) => encoder.finish(),
            Sink::Zstd(encoder) => encoder.finish(),
            Sink::Deflate(encoder) => encoder.finish(),
        }
    }
}

fn zstd_encoder(file: File) -> std::io::Result<zstd::Encoder<'static, File>> {
    let mut encoder = zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL)?;
    encoder.include_checksum(true)?;
    Ok(encoder)
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Sink::Plain(file) => file.write(bytes),
            Sink::Gzip(encoder) => encoder.write(bytes),
            Sink::Bzip2(encoder) => encoder.write(bytes),
            Sink::Zstd(encoder) => encoder.write(bytes),
            Sink::Deflate(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Sink::Plain(file) => file.flush(),
            Sink::Gzip(encoder) => encoder.flush(),
            Sink::Bzip2(encoder) => encoder.flush(),
            Sink::Zstd(encoder) => encoder.flush(),
            Sink::Deflate(encoder) => encoder.flush(),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Writes to a device that is always full.
    fn write_to_full_disk(codec: Codec) -> Result<u64, IoError> {
        let file = File::options().write(true).open("/dev/full").unwrap();
        let sink = BufWriter::new(Sink::new(file, codec).unwrap());
        let mut writer = TextWriter { sink, path: "/out/part-00000".into(), bytes: 0 };
        for i in 0..10_000_u64 {
            writer.write_line(&i.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string())?;
        }
        writer.finish()
    }

    #[test]
    fn a_full_disk_is_called_one() {
        for codec in [Codec::Plain, Codec::Gzip, Codec::Bzip2, Codec::Zstd, Codec::Deflate] {
            let error = write_to_full_disk(codec).unwrap_err();
            assert_eq!(error.to_string(), "could not write /out/part-00000: disk full", "{codec}");
            assert!(error.retryable());
        }
    }
}
