//! One part file: lines, compressed or not. Written by a task to the output that the committer gave it.

use crate::codec::Codec;
use crate::encoder::Encoder;
use crate::error::{IoError, IoOperation};
use crate::file::Output;
use crate::stores::Stores;
use std::io::{BufWriter, Write};

/// The number of bytes of text that are gathered before they are compressed or written.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes lines to a file of its own.
///
/// The file appears, whole, with [`TextWriter::finish`]; a dropped writer leaves nothing.
///
/// ```
/// use firesteel_io::{Codec, Stores, TextWriter, read_text};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("part-00000.gz").to_str().unwrap().to_string();
/// let stores = Stores::default();
/// let mut writer = TextWriter::create(&stores, &path, Codec::Gzip)?;
/// writer.write_line("hello")?;
/// writer.finish()?;
/// assert_eq!(read_text(&stores, &path)?, "hello\n");
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub struct TextWriter {
    sink: BufWriter<Encoder<Output>>,
    path: String,
    bytes: u64,
}

impl TextWriter {
    /// Makes the file, which must not exist. The codec is not taken from the path, which should end in its suffix.
    pub fn create(stores: &Stores, path: &str, codec: Codec) -> Result<TextWriter, IoError> {
        TextWriter::new(Output::create(stores, path)?, codec)
    }

    /// Writes to a file that was begun.
    pub fn new(output: Output, codec: Codec) -> Result<TextWriter, IoError> {
        let path = output.path().to_string();
        let sink = Encoder::new(output, codec)
            .map_err(|error| IoError::from_io(IoOperation::Create, &path, error))?;
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

    /// Completes the file and returns the number of bytes that were written, before compression.
    pub fn finish(self) -> Result<u64, IoError> {
        let bytes = self.bytes;
        self.into_output()?.finish()?;
        Ok(bytes)
    }

    /// Writes the gathered text, and returns the file, which is still to be finished.
    pub fn into_output(self) -> Result<Output, IoError> {
        let TextWriter { sink, path, .. } = self;
        let finished = sink.into_inner().map_err(|error| error.into_error()).and_then(Encoder::finish);
        finished.map_err(|error| IoError::from_io(IoOperation::Write, path, error))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::stores::device;

    /// Writes to a device that is always full.
    fn write_to_full_disk(codec: Codec) -> Result<u64, IoError> {
        let mut writer = TextWriter::new(
            Output::new(device("/dev/full", "/out/part-00000"), "/out/part-00000".into()),
            codec,
        )?;
        for i in 0..10_000_u64 {
            writer.write_line(&i.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string())?;
        }
        writer.finish()
    }

    #[test]
    fn a_full_disk_is_called_one() {
        for codec in
            [Codec::Plain, Codec::Gzip, Codec::Bzip2, Codec::Zstd, Codec::Deflate, Codec::Snappy, Codec::Lz4]
        {
            let error = write_to_full_disk(codec).unwrap_err();
            assert_eq!(error.to_string(), "could not write /out/part-00000: disk full", "{codec}");
            assert!(error.retryable());
        }
    }
}
