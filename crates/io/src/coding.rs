//! Compressing and decompressing, by any [`Codec`]. A decoder's complaint becomes a cause that says whether the file is cut short
//! or corrupt ([`Codec::read_error`]).

use crate::codec::Codec;
use crate::encoder::Encoder;
use crate::error::{IoCause, IoError, IoOperation};
use crate::framing::{FramedReader, Packing};
use crate::gzip::GzipReader;
use crate::zlib::ZlibReader;
use std::io::{self, BufRead, BufReader, Read, Write};

/// The number of bytes of a compressed file that are read at once.
const COMPRESSED_BUFFER_BYTES: usize = 256 << 10;

impl Codec {
    /// Returns a reader of the file's decompressed bytes, from its present position on.
    pub(crate) fn decoder(self, file: impl Read + Send + 'static) -> Result<Box<dyn Read + Send>, IoCause> {
        match self {
            Codec::Plain => Ok(Box::new(file)),
            _ => self.decode(BufReader::with_capacity(COMPRESSED_BUFFER_BYTES, file)),
        }
    }

    /// Returns a reader of the bytes, decompressed.
    pub(crate) fn decode<'a>(
        self,
        bytes: impl BufRead + Send + 'a,
    ) -> Result<Box<dyn Read + Send + 'a>, IoCause> {
        Ok(match self {
            Codec::Plain => Box::new(bytes),
            Codec::Gzip => Box::new(GzipReader::new(bytes)),
            Codec::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(bytes)),
            Codec::Zstd => Box::new(zstd::Decoder::with_buffer(bytes)?),
            Codec::Deflate => Box::new(ZlibReader::new(bytes)),
            Codec::Snappy => Box::new(FramedReader::new(bytes, Packing::Snappy)),
            Codec::Lz4 => Box::new(FramedReader::new(bytes, Packing::Lz4)),
        })
    }

    /// Appends the bytes, decompressed, to `out`. They may be `most` bytes.
    ///
    /// # Errors
    /// When they are cut short or corrupt, or hold more.
    pub fn decompress(self, bytes: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), IoCause> {
        let before = out.len();
        // One byte more than it may have shows that it has more.
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

    /// Returns a decoder's error as the file's fault, or as that of the store which it came from.
    pub(crate) fn read_error(self, path: &str, error: io::Error) -> IoError {
        // A decoder hands on the errors of the file below it, which say nothing about its data.
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
