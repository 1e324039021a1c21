//! [`Body`]: a SequenceFile's bytes, one after the other, from which `header` and `reader` both read.

use super::fields::Fields;
use crate::error::IoCause;
use memchr::memmem::Finder;
use std::io::{BufReader, Read, Seek, SeekFrom};

const BUFFER_BYTES: usize = 256 << 10;

/// The file's bytes, and the position of the next one. No memory is taken for a length that the file is too
/// short for.
pub(super) struct Body<R> {
    input: BufReader<R>,
    pub(super) position: u64,
    pub(super) length: u64,
}

impl<R: Read + Seek> Body<R> {
    pub(super) fn new(mut input: R) -> Result<Body<R>, IoCause> {
        let length = input.seek(SeekFrom::End(0))?;
        input.seek(SeekFrom::Start(0))?;
        Ok(Body { input: BufReader::with_capacity(BUFFER_BYTES, input), position: 0, length })
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.position >= self.length
    }

    pub(super) fn seek(&mut self, position: u64) -> Result<(), IoCause> {
        self.input.seek(SeekFrom::Start(position))?;
        self.position = position;
        Ok(())
    }

    pub(super) fn malformed(&self, what: String) -> IoCause {
        IoCause::Malformed { offset: self.position, what }
    }

    /// Replaces the bytes in `out` by the next `count` bytes.
    pub(super) fn take(&mut self, count: usize, of: &str, out: &mut Vec<u8>) -> Result<(), IoCause> {
        out.clear();
        if count as u64 > self.length - self.position.min(self.length) {
            return Err(self.cut_short(of));
        }
        let read = (&mut self.input).take(count as u64).read_to_end(out)?;
        if read < count {
            return Err(self.cut_short(of));
        }
        self.position += count as u64;
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self, of: &str) -> Result<[u8; N], IoCause> {
        let mut bytes = [0; N];
        match self.input.read_exact(&mut bytes) {
            Ok(()) => {
                self.position += N as u64;
                Ok(bytes)
            }
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(self.cut_short(of)),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn i32(&mut self, of: &str) -> Result<i32, IoCause> {
        self.array(of).map(i32::from_be_bytes)
    }

    pub(super) fn vint(&mut self, of: &str) -> Result<i32, IoCause> {
        let [first] = self.array::<1>(of)?;
        let more = match first as i8 {
            -112.. => 0,
            first @ -120..=-113 => -112 - i32::from(first),
            first => -120 - i32::from(first),
        };
        let mut bytes = vec![first];
        for _ in 0..more {
            bytes.extend(self.array::<1>(of)?);
        }
        Fields::new(&bytes).vint().map_err(|what| self.malformed(what))
    }

    pub(super) fn cut_short(&self, of: &str) -> IoCause {
        self.malformed(format!("the file ends in the middle of {of}: it was cut short, or a length is wrong"))
    }

    /// Returns the first position of the marker at or behind `from` and before `to`. The marker may reach
    /// beyond `to`.
    pub(super) fn find(&mut self, marker: &[u8], from: u64, to: u64) -> Result<Option<u64>, IoCause> {
        const WINDOW_BYTES: usize = 64 << 10;
        let finder = Finder::new(marker);
        let (mut window, mut start) = (vec![], from);
        self.seek(from)?;
        while start < to {
            let kept = window.len();
            let read = (&mut self.input).take(WINDOW_BYTES as u64).read_to_end(&mut window)?;
            self.position += read as u64;
            if let Some(at) = finder.find(&window) {
                return Ok(Some(start + at as u64).filter(|found| *found < to));
            }
            if read == 0 {
                return Ok(None);
            }
            // A marker may begin in this window and end in the next.
            let overlap = (marker.len() - 1).min(kept + read);
            start += (window.len() - overlap) as u64;
            window.drain(..window.len() - overlap);
        }
        Ok(None)
    }
}
