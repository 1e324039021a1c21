//! A reader of `.gz` files: gzip members, one after another, and zeros behind the last, as tapes and block devices pad
//! files. The program `gzip` passes over these, too; the usual reader takes them for a member that is broken. Used
//! by `coding` alone.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// Decompresses gzip members until the file ends, which must be where a member does, or in zeros behind it.
pub(crate) struct GzipReader<R> {
    /// None once the last member is over.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> GzipReader<R> {
    pub(crate) fn new(bytes: R) -> GzipReader<R> {
        GzipReader { member: Some(GzDecoder::new(bytes)) }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(out)?;
            if count > 0 || out.is_empty() {
                return Ok(count);
            }
            let Some(bytes) = self.member.take().map(GzDecoder::into_inner) else { break };
            self.member = next_member(bytes)?;
        }
        Ok(0)
    }
}

/// Returns the member that follows; none at the end of the file, or where only zeros follow.
fn next_member<R: BufRead>(mut bytes: R) -> io::Result<Option<GzDecoder<R>>> {
    let mut any_zeros = false;
    loop {
        let held = bytes.fill_buf()?;
        let zeros = held.iter().take_while(|byte| **byte == 0).count();
        if held.is_empty() {
            return Ok(None);
        }
        let is_other = zeros < held.len();
        any_zeros |= zeros > 0;
        bytes.consume(zeros);
        if is_other && any_zeros {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "data follow the zeros behind it"));
        }
        if is_other {
            return Ok(Some(GzDecoder::new(bytes)));
        }
    }
}
