//! Text cut into splits, and splits into words at ASCII whitespace (space, tab, newline, form feed, carriage return).
//!
//! A word belongs to the split in which it starts. Whitespace is found eight bytes at a time: the whole of a byte's comparison fits
//! in a few operations on a `u64` as long as no byte borrows from its neighbour.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Blanks behind the last word, so that its bytes can be read eight at a time.
const PADDING: usize = 16;

/// The number of bytes that are read behind a split to find the end of its last word; for longer words more are
/// read.
const OVERHANG: usize = 4096;

/// The text of one split, from the first byte of the first word that starts in it.
pub struct Split {
    bytes: Vec<u8>,
    end: usize,
}

impl Split {
    /// Reads the words that start in the `length` bytes from `start` on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path, start: u64, length: usize) -> io::Result<Split> {
        let file = File::open(path)?;
        // The byte before tells whether the first word starts here or in the split before.
        let before = u64::from(start > 0);
        let mut bytes = vec![b' '; before as usize + length + OVERHANG];
        let mut filled = read_fully(&file, &mut bytes, start - before)?;
        if before == 1 {
            let partial = bytes[..filled].iter().position(|&byte| is_space(byte)).unwrap_or(filled);
            bytes[..partial].fill(b' ');
        }
        let limit = (before as usize + length).min(filled);
        let mut end = limit;
        if !is_space(bytes[limit - 1]) {
            loop {
                match bytes[end..filled].iter().position(|&byte| is_space(byte)) {
                    Some(more) => {
                        end += more;
                        break;
                    }
                    None => end = filled,
                }
                bytes.resize(filled + OVERHANG, b' ');
                let more = read_fully(&file, &mut bytes[end..], start - before + filled as u64)?;
                filled += more;
                if more == 0 {
                    break;
                }
            }
        }
        bytes.truncate(end);
        bytes.resize(end + PADDING, b' ');
        Ok(Split { bytes, end })
    }

    /// Calls `each` with every word and the bytes after it: at least eight readable bytes from any byte of the
    /// word on.
    #[inline]
    pub fn for_each_word(&self, mut each: impl FnMut(Word<'_>)) {
        let mut in_word_since = None;
        let blocks = self.bytes[..self.end + 1].chunks(64);
        for (index, block) in blocks.enumerate() {
            let spaces = spaces(block);
            let base = index * 64;
            // A bit is set where a word begins or ends: where a byte differs from the one before it.
            let mut edges = spaces ^ ((spaces << 1) | u64::from(in_word_since.is_none()));
            while edges != 0 {
                let at = base + edges.trailing_zeros() as usize;
                edges &= edges - 1;
                in_word_since = match in_word_since {
                    None => Some(at),
                    Some(start) => {
                        each(Word { rest: &self.bytes[start..], length: at - start });
                        None
                    }
                };
            }
        }
    }
}

/// A word at the beginning of a longer text.
#[derive(Clone, Copy)]
pub struct Word<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Word<'a> {
    /// Makes the word of the first `length` bytes; eight bytes must be readable from any of them on.
    #[inline]
    pub fn at(rest: &'a [u8], length: usize) -> Self {
        Word { rest, length }
    }

    /// Returns the word's bytes.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        &self.rest[..self.length]
    }

    /// Returns the first eight bytes as a number, with zeros for the bytes that a shorter word does not have.
    #[inline]
    pub fn prefix(self) -> u64 {
        self.eight_from(0)
    }

    /// Returns a hash of all bytes: products of 64 by 64 bits folded to 64, sixteen bytes in each.
    #[inline]
    pub fn hash(self) -> u64 {
        let mut hash = self.length as u64;
        let mut at = 0;
        loop {
            let (low, high) = (self.eight_from(at), self.eight_from(at + 8));
            let product =
                u128::from(low ^ 0x243f_6a88_85a3_08d3) * u128::from(high ^ hash ^ 0x1319_8a2e_0370_7344);
            hash = (product as u64) ^ ((product >> 64) as u64);
            at += 16;
            if at >= self.length {
                return hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            }
        }
    }

    #[inline]
    fn eight_from(self, at: usize) -> u64 {
        if at >= self.length {
            return 0;
        }
        let eight = self.rest[at..at + 8].first_chunk().expect("padding follows the last word");
        let left = self.length - at;
        let mask = if left >= 8 { u64::MAX } else { (1 << (8 * left)) - 1 };
        u64::from_le_bytes(*eight) & mask
    }
}

fn read_fully(file: &File, mut buffer: &mut [u8], mut at: u64) -> io::Result<usize> {
    let mut total = 0;
    while !buffer.is_empty() {
        let read = file.read_at(buffer, at)?;
        if read == 0 {
            break;
        }
        total += read;
        at += read as u64;
        buffer = &mut buffer[read..];
    }
    Ok(total)
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// Returns a bit for each byte of the block (of up to 64) that is whitespace; bytes beyond a shorter block
/// count as such.
#[inline]
fn spaces(block: &[u8]) -> u64 {
    let mut whole = [b' '; 64];
    let block: &[u8; 64] = match block.first_chunk() {
        Some(block) => block,
        None => {
            whole[..block.len()].copy_from_slice(block);
            &whole
        }
    };
    let mut bits = 0;
    for (index, eight) in block.chunks_exact(8).enumerate() {
        let eight = u64::from_le_bytes(*eight.first_chunk().expect("chunks of eight"));
        bits |= spaces_of_eight(eight) << (8 * index);
    }
    bits
}

/// Returns the same for eight bytes. With its high bit set a byte is at least 128, so that subtracting a bound
/// never borrows: the high bit that is left means "not below the bound".
#[inline]
fn spaces_of_eight(bytes: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let at_least = |bound: u64| (bytes | HIGH) - bound * ONES;
    let blank = at_least(0x20) & !at_least(0x21);
    let tab_or_newline = at_least(0x09) & !at_least(0x0b);
    let feed_or_return = at_least(0x0c) & !at_least(0x0e);
    let found = (blank | tab_or_newline | feed_or_return) & !bytes & HIGH;
    (found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[u8], split_length: usize) -> Vec<String> {
        let path =
            std::env::temp_dir().join(format!("firesteel-words-{}-{split_length}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let mut words = Vec::new();
        for start in (0..text.len()).step_by(split_length) {
            let split = Split::read(&path, start as u64, split_length).unwrap();
            split.for_each_word(|word| words.push(String::from_utf8_lossy(word.bytes()).into_owned()));
        }
        std::fs::remove_file(&path).unwrap();
        words
    }

    #[test]
    fn splits_of_any_length_give_the_words_of_the_whole() {
        let long = "x".repeat(3 * OVERHANG);
        let text = format!("  a bc\td\x0be\x0c\r\n fgh {long} i\u{e9} {}end", "word ".repeat(50));
        let whole: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
        for split_length in [1, 2, 3, 7, 64, 100, 1_000_000] {
            assert_eq!(words(text.as_bytes(), split_length), whole, "splits of {split_length}");
        }
    }

    #[test]
    fn every_byte_is_judged_as_the_standard_library_does() {
        for byte in 0..=255u8 {
            let expected = u64::from(byte.is_ascii_whitespace()) * 0xff;
            assert_eq!(spaces_of_eight(u64::from_le_bytes([byte; 8])), expected, "byte {byte}");
        }
    }
}
