//! [`Encoder`] and [`Decoder`]: the codecs of event logs in front of any sink and behind any source.
//!
//! A flush of an encoder leaves a stream that can be read up to there, although it has no end.

use crate::blocks::{BlockReader, BlockWriter, Framing};
use crate::codec::LogCodec;
use std::io::{self, Read, Write};

/// Spark's level: `spark.io.compression.zstd.level`.
const ZSTD_LEVEL: i32 = 1;

/// A sink behind its encoder.
pub(crate) enum Encoder<W: Write> {
    Plain(W),
    Zstd(zstd::Encoder<'static, W>),
    Blocks(BlockWriter<W>),
}

impl<W: Write> Encoder<W> {
    pub(crate) fn new(sink: W, codec: Option<LogCodec>) -> io::Result<Encoder<W>> {
        Ok(match codec {
            None => Encoder::Plain(sink),
            Some(LogCodec::Zstd) => Encoder::Zstd(zstd::Encoder::new(sink, ZSTD_LEVEL)?),
            Some(LogCodec::Lz4) => Encoder::Blocks(BlockWriter::new(sink, Framing::Lz4)),
            Some(LogCodec::Snappy) => Encoder::Blocks(BlockWriter::new(sink, Framing::Snappy)),
            Some(LogCodec::Lzf) => Encoder::Blocks(BlockWriter::new(sink, Framing::Lzf)),
        })
    }

    /// Ends what can be read only from its beginning, so that what follows can be read without it.
    pub(crate) fn cut(self) -> io::Result<Encoder<W>> {
        match self {
            Encoder::Zstd(encoder) => Ok(Encoder::Zstd(zstd::Encoder::new(encoder.finish()?, ZSTD_LEVEL)?)),
            Encoder::Blocks(mut writer) => {
                writer.flush()?;
                Ok(Encoder::Blocks(writer))
            }
            Encoder::Plain(sink) => Ok(Encoder::Plain(sink)),
        }
    }

    pub(crate) fn get_mut(&mut self) -> &mut W {
        match self {
            Encoder::Plain(sink) => sink,
            Encoder::Zstd(encoder) => encoder.get_mut(),
            Encoder::Blocks(writer) => writer.get_mut(),
        }
    }

    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Encoder::Plain(sink) => Ok(sink),
            Encoder::Zstd(encoder) => encoder.finish(),
            Encoder::Blocks(writer) => writer.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Encoder::Plain(sink) => sink.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
            Encoder::Blocks(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Encoder::Plain(sink) => sink.flush(),
            Encoder::Zstd(encoder) => encoder.flush(),
            Encoder::Blocks(writer) => writer.flush(),
        }
    }
}

/// A source behind its decoder. A stream without its end fails with
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof), behind all that can be read of it.
pub(crate) enum Decoder<R: Read> {
    Plain(R),
    Zstd(zstd::Decoder<'static, io::BufReader<R>>),
    Blocks(BlockReader<io::BufReader<R>>),
}

impl<R: Read> Decoder<R> {
    pub(crate) fn new(source: R, codec: Option<LogCodec>) -> io::Result<Decoder<R>> {
        let framing = match codec {
            None => return Ok(Decoder::Plain(source)),
            Some(LogCodec::Zstd) => return Ok(Decoder::Zstd(zstd::Decoder::new(source)?)),
            Some(LogCodec::Lz4) => Framing::Lz4,
            Some(LogCodec::Snappy) => Framing::Snappy,
            Some(LogCodec::Lzf) => Framing::Lzf,
        };
        Ok(Decoder::Blocks(BlockReader::new(io::BufReader::with_capacity(READ_BYTES, source), framing)))
    }
}

/// The bytes of one read of a compressed file.
const READ_BYTES: usize = 64 << 10;

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Decoder::Plain(source) => source.read(buffer),
            Decoder::Zstd(decoder) => decoder.read(buffer),
            Decoder::Blocks(reader) => reader.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], codec: Option<LogCodec>) -> (Vec<u8>, Option<io::ErrorKind>) {
        let mut data = vec![];
        let ended = Decoder::new(bytes, codec).and_then(|mut decoder| decoder.read_to_end(&mut data));
        (data, ended.err().map(|error| error.kind()))
    }

    #[test]
    fn a_stream_is_read_up_to_its_last_flush_although_it_has_no_end() {
        for codec in LogCodec::ALL.map(Some).into_iter().chain([None]) {
            let mut encoder = Encoder::new(vec![], codec).unwrap();
            let mut expected = vec![];
            for line in 0..2_000 {
                let line = format!("{{\"Event\":\"SparkListenerTaskStart\",\"Stage ID\":{line}}}\n");
                expected.extend_from_slice(line.as_bytes());
                encoder.write_all(line.as_bytes()).unwrap();
                encoder.flush().unwrap();
            }
            let (data, _) = read(encoder.get_mut(), codec);
            assert!(data == expected, "{codec:?}: {} of {}", data.len(), expected.len());
            let encoder = encoder.cut().unwrap();
            let whole = encoder.finish().unwrap();
            assert_eq!(read(&whole, codec), (expected, None), "{codec:?}");
        }
    }

    #[test]
    fn zstd_without_its_end_is_told() {
        let mut encoder = Encoder::new(vec![], Some(LogCodec::Zstd)).unwrap();
        encoder.write_all(b"a line\n").unwrap();
        encoder.flush().unwrap();
        let (data, error) = read(encoder.get_mut(), Some(LogCodec::Zstd));
        assert_eq!((&data[..], error), (&b"a line\n"[..], Some(io::ErrorKind::UnexpectedEof)));
    }
}
