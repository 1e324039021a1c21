//! One part file: lines, compressed or not. Written by a task to the output that the committer gave it.

use crate::codec::Codec;
use crate::error::{IoCause, IoError, IoOperation};
use crate::file::Output;
use std::io::{BufWriter, Write};

/// How much text is gathered before it is compressed or written.
const BUFFER_BYTES: usize = 256 << 10;

/// Hadoop's block size for bzip2, in units of 100 kB.
const BZIP2_LEVEL: u32 = 9;

/// Writes lines to a file of its own.
///
/// The file appears, whole, with [`TextWriter::finish`]; a dropped writer leaves nothing.
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
    Plain(Output),
    Gzip(flate2::write::GzEncoder<Output>),
    Bzip2(bzip2::write::BzEncoder<Output>),
    Zstd(zstd::Encoder<'static, Output>),
    Deflate(flate2::write::ZlibEncoder<Output>),
}

impl TextWriter {
    /// Makes the file, which must not exist. The codec is not taken from the path, which should end in its suffix.
    pub fn create(path: &str, codec: Codec) -> Result<TextWriter, IoError> {
        TextWriter::new(Output::create(path)?, codec)
    }

    /// Writes to a file that was begun.
    pub fn new(output: Output, codec: Codec) -> Result<TextWriter, IoError> {
        let path = output.path().to_string();
        let sink =
            Sink::new(output, codec).map_err(|cause| IoError::new(IoOperation::Create, &path, cause))?;
        Ok(TextWriter { sink: BufWriter::with_capacity(BUFFER_BYTES, sink), path, bytes: 0 })
    }

    /// Writes a line and its `\n`. A line that holds line ends is written as it is.
    pub fn write_line(&mut self, line: &str) -> Result<(), IoError> {
        self.write_bytes(line.as_bytes())?;
        self.write_bytes(b"\n")
    }

    /// Writes bytes as they are, without an end of line.
    pub fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), IoError> {
        self.bytes += bytes.len() as u64;
        self.sink.write_all(bytes).map_err(|error| IoError::from_io(IoOperation::Write, &self.path, error))
    }

    /// Completes the file and tells how many bytes were written, before compression.
    pub fn finish(self) -> Result<u64, IoError> {
        let bytes = self.bytes;
        self.into_output()?.finish()?;
        Ok(bytes)
    }

    /// Writes what is left, and gives back the file, which is still to be finished.
    pub fn into_output(self) -> Result<Output, IoError> {
        let TextWriter { sink, path, .. } = self;
        let finished = sink.into_inner().map_err(|error| error.into_error()).and_then(Sink::finish);
        finished.map_err(|error| IoError::from_io(IoOperation::Write, path, error))
    }
}

impl Sink {
    fn new(file: Output, codec: Codec) -> Result<Sink, IoCause> {
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

    fn finish(self) -> std::io::Result<Output> {
        match self {
            Sink::Plain(file) => Ok(file),
            Sink::Gzip(encoder) => encoder.finish(),
            Sink::Bzip2(encoder) => encoder.finish(),
            Sink::Zstd(encoder) => encoder.finish(),
            Sink::Deflate(encoder) => encoder.finish(),
        }
    }
}

fn zstd_encoder(file: Output) -> std::io::Result<zstd::Encoder<'static, Output>> {
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
        let mut writer = TextWriter::new(Output::into_device("/dev/full", "/out/part-00000"), codec)?;
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
