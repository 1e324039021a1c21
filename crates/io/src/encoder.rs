//! [`Encoder`]: compresses in front of any sink, for text files and for the parts of SequenceFiles.

use crate::codec::Codec;
use crate::framing::{FramedWriter, Packing};
use std::io::{self, Write};

/// Hadoop's block size for bzip2, in units of 100 kB.
const BZIP2_LEVEL: u32 = 9;

/// A sink behind its encoder. The data is whole only after [`Encoder::finish`].
pub(crate) enum Encoder<W: Write> {
    Plain(W),
    Gzip(flate2::write::GzEncoder<W>),
    Bzip2(bzip2::write::BzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
    Deflate(flate2::write::ZlibEncoder<W>),
    Framed(FramedWriter<W>),
}

impl<W: Write> Encoder<W> {
    pub(crate) fn new(sink: W, codec: Codec) -> io::Result<Encoder<W>> {
        Ok(match codec {
            Codec::Plain => Encoder::Plain(sink),
            Codec::Gzip => Encoder::Gzip(flate2::write::GzEncoder::new(sink, flate2::Compression::default())),
            Codec::Bzip2 => {
                Encoder::Bzip2(bzip2::write::BzEncoder::new(sink, bzip2::Compression::new(BZIP2_LEVEL)))
            }
            Codec::Zstd => Encoder::Zstd(zstd_encoder(sink)?),
            Codec::Deflate => {
                Encoder::Deflate(flate2::write::ZlibEncoder::new(sink, flate2::Compression::default()))
            }
            Codec::Snappy => Encoder::Framed(FramedWriter::new(sink, Packing::Snappy)),
            Codec::Lz4 => Encoder::Framed(FramedWriter::new(sink, Packing::Lz4)),
        })
    }

    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Encoder::Plain(sink) => Ok(sink),
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Bzip2(encoder) => encoder.finish(),
            Encoder::Zstd(encoder) => encoder.finish(),
            Encoder::Deflate(encoder) => encoder.finish(),
            Encoder::Framed(encoder) => encoder.finish(),
        }
    }
}

fn zstd_encoder<W: Write>(sink: W) -> io::Result<zstd::Encoder<'static, W>> {
    let mut encoder = zstd::Encoder::new(sink, zstd::DEFAULT_COMPRESSION_LEVEL)?;
    encoder.include_checksum(true)?;
    Ok(encoder)
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Encoder::Plain(sink) => sink.write(bytes),
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Bzip2(encoder) => encoder.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
            Encoder::Deflate(encoder) => encoder.write(bytes),
            Encoder::Framed(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Encoder::Plain(sink) => sink.flush(),
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Bzip2(encoder) => encoder.flush(),
            Encoder::Zstd(encoder) => encoder.flush(),
            Encoder::Deflate(encoder) => encoder.flush(),
            Encoder::Framed(encoder) => encoder.flush(),
        }
    }
}
