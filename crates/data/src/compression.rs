//! Compression of byte strings: serialised partitions, broadcast values and frames.
//!
//! A packed string tells in its first byte how it was packed, so readers need no setting.

use crate::DataError;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::Read;

/// The compression method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// LZ4 blocks: fast both ways.
    Lz4,
    /// Zstandard, level 1: smaller, and slower to write.
    Zstd,
}

const PLAIN: u8 = 0;
const LZ4: u8 = 1;
const ZSTD: u8 = 2;

/// The zstd level: the one that keeps up with disks.
const ZSTD_LEVEL: i32 = 1;

impl Compression {
    /// Returns the compression of a name: `none`, `lz4`, `zstd`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "none" | "false" => Some(Compression::None),
            "lz4" | "true" => Some(Compression::Lz4),
            "zstd" => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// Packs bytes. If they would not become smaller, they stay as they are.
    ///
    /// ```
    /// use firesteel_data::compression::{Compression, unpack};
    /// let packed = Compression::Lz4.pack(&[7; 1000]);
    /// assert!(packed.len() < 100);
    /// assert_eq!(*unpack(&packed).unwrap(), [7; 1000]);
    /// ```
    pub fn pack(self, bytes: &[u8]) -> Vec<u8> {
        let (code, packed) = match self {
            Compression::None => (PLAIN, None),
            Compression::Lz4 => (LZ4, Some(lz4_flex::compress_prepend_size(bytes))),
            Compression::Zstd => {
                (ZSTD, zstd::bulk::compress(bytes, ZSTD_LEVEL).ok().map(|packed| sized(bytes, &packed)))
            }
        };
        let (code, body) = match &packed {
            Some(packed) if packed.len() < bytes.len() => (code, &packed[..]),
            Some(_) | None => (PLAIN, bytes),
        };
        let mut out = Vec::with_capacity(1 + body.len());
        out.push(code);
        out.extend_from_slice(body);
        out
    }
}

/// Returns the length of the original bytes, then the packed bytes.
fn sized(bytes: &[u8], packed: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes()[..], packed].concat()
}

/// Unpacks bytes.
///
/// # Errors
/// When [`Compression::pack`] did not make them.
pub fn unpack(packed: &[u8]) -> Result<Cow<'_, [u8]>, DataError> {
    let corrupt = |message: String| DataError::Corrupt { source_name: "a compressed block".into(), message };
    let Some((code, body)) = packed.split_first() else { return Err(corrupt("it is empty".into())) };
    match *code {
        PLAIN => Ok(Cow::Borrowed(body)),
        LZ4 | ZSTD => {
            let (length, body) =
                body.split_first_chunk::<4>().ok_or_else(|| corrupt("it is cut short".into()))?;
            let length = u32::from_le_bytes(*length) as usize;
            let unpacked = match *code {
                LZ4 => unpack_lz4(body, length),
                _ => unpack_zstd(body, length),
            };
            unpacked.map(Cow::Owned).map_err(corrupt)
        }
        other => Err(corrupt(format!("it is packed in an unknown way ({other})"))),
    }
}

fn unpack_lz4(body: &[u8], length: usize) -> Result<Vec<u8>, String> {
    /// The most that an LZ4 block grows; a length beyond it is not believed, and not allocated.
    const MOST_GROWTH: usize = 255;
    if length > body.len().saturating_mul(MOST_GROWTH) {
        return Err(format!("{} bytes cannot become {length}", body.len()));
    }
    lz4_flex::decompress(body, length).map_err(|e| e.to_string())
}

fn unpack_zstd(body: &[u8], length: usize) -> Result<Vec<u8>, String> {
    // The length is a claim: memory is allocated for a moderate growth at first, and grows with the output.
    let mut unpacked = Vec::with_capacity(length.min(body.len().saturating_mul(16)));
    let decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(|e| e.to_string())?;
    decoder.take(length as u64 + 1).read_to_end(&mut unpacked).map_err(|e| e.to_string())?;
    match unpacked.len() == length {
        true => Ok(unpacked),
        false => Err(format!("it holds not the {length} bytes that it says it does")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_comes_back(bytes: Vec<u8>, repeat in 0..50_usize) {
            let bytes = bytes.repeat(repeat);
            for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
                let packed = compression.pack(&bytes);
                prop_assert!(packed.len() <= bytes.len() + 1);
                prop_assert_eq!(&*unpack(&packed).unwrap(), &bytes[..]);
            }
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(bytes: Vec<u8>) {
            let _ = unpack(&bytes);
            for code in [LZ4, ZSTD] {
                let _ = unpack(&[&[code][..], &bytes].concat());
            }
        }
    }
}
