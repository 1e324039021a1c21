//! A strict reader of `.deflate` files: zlib streams, one after another. The usual reader takes the end of
//! the file for the end of the data; this one takes a stream for ended only when the stream says so. Used by
//! `coding` alone.

use flate2::{Decompress, FlushDecompress, Status};
use std::io::{self, BufRead, Read};

/// Decompresses zlib streams until the file ends, which must be where a stream does.
pub(crate) struct ZlibReader<R> {
    bytes: R,
    stream: Decompress,
    /// True if the last stream is over, so that the file may be over, too.
    between_streams: bool,
}

impl<R: BufRead> ZlibReader<R> {
    pub(crate) fn new(bytes: R) -> ZlibReader<R> {
        ZlibReader { bytes, stream: Decompress::new(true), between_streams: false }
    }
}

impl<R: BufRead> Read for ZlibReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let input = self.bytes.fill_buf()?;
            let at_end = input.is_empty();
            if self.between_streams {
                if at_end {
                    return Ok(0);
                }
                self.stream.reset(true);
                self.between_streams = false;
            }
            // At the file's end the stream may still have bytes to give out.
            let (in_before, out_before) = (self.stream.total_in(), self.stream.total_out());
            let status =
                self.stream.decompress(input, out, FlushDecompress::None).map_err(io::Error::from)?;
            let consumed = (self.stream.total_in() - in_before) as usize;
            let produced = (self.stream.total_out() - out_before) as usize;
            self.bytes.consume(consumed);
            self.between_streams = status == Status::StreamEnd;
            if produced > 0 {
                return Ok(produced);
            }
            if at_end && !self.between_streams {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if consumed == 0 && !self.between_streams {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the stream makes no progress"));
            }
        }
    }
}
