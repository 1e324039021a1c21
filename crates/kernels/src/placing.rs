//! Hashes that place keys: for each type that can be in a column, the hash that `crates/python` computes for the object.
//!
//! Numbers, None and tuples hash the same on all machines. Texts hash as the interpreter does, with the key of all zeros
//! that workers are started with; which algorithm that is depends on the interpreter, so the caller tries [`TextHash`]es
//! on a few texts, and hashes objects where none agrees.

use crate::column::{Column, Scalar};

/// The algorithms by which interpreters hash texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextHash {
    /// SipHash-1-3, from Python 3.11 on.
    Sip13,
    /// SipHash-2-4, before that.
    Sip24,
}

/// The bits of the prime number that numbers are hashed by.
const BITS: u32 = 61;
const PRIME: u64 = (1 << BITS) - 1;
/// The hash of an infinity.
const INFINITE: i64 = 314_159;

/// Returns the hash of each row; `None` if a row cannot be hashed here: lists, and floats that are no number.
pub fn hashes(keys: &Column, rows: usize, texts: TextHash) -> Option<Vec<i64>> {
    match keys {
        Column::Const(Scalar::None) => Some(vec![0; rows]),
        Column::Const(_) => hashes(&keys.spread(rows), rows, texts),
        Column::Bool(values) => Some(values.iter().map(|value| i64::from(*value)).collect()),
        Column::Int(values) => Some(values.iter().map(|value| of_int(*value)).collect()),
        Column::Float(values) => {
            values.iter().map(|value| (!value.is_nan()).then(|| of_float(*value))).collect()
        }
        Column::Text(text) => {
            let mut wide = vec![];
            Some((0..rows).map(|row| texts.of(text.get(row), text.is_ascii, &mut wide)).collect())
        }
        Column::List(_) | Column::Group(_) | Column::Record(..) | Column::Numpy(_) => None,
        Column::Tuple(parts) => {
            let mut folded = vec![0x0034_5678_i64; rows];
            for part in parts {
                for (hash, item) in folded.iter_mut().zip(hashes(part, rows, texts)?) {
                    *hash = (*hash ^ item).wrapping_mul(1_000_003) & i64::MAX;
                }
            }
            folded.iter_mut().for_each(|hash| *hash ^= parts.len() as i64);
            Some(folded)
        }
    }
}

/// Hashes an `int`. -1 means an error to the interpreter, so that nothing has this hash.
fn of_int(value: i64) -> i64 {
    let hash = (value.unsigned_abs() % PRIME) as i64;
    not_an_error(if value < 0 { -hash } else { hash })
}

fn not_an_error(hash: i64) -> i64 {
    if hash == -1 { -2 } else { hash }
}

/// Hashes a `float` as the number that it is: its bits modulo the prime number, rotated by the exponent.
fn of_float(value: f64) -> i64 {
    if value.is_infinite() {
        return if value > 0.0 { INFINITE } else { -INFINITE };
    }
    if value == 0.0 {
        return 0;
    }
    let bits = value.abs().to_bits();
    let (fraction, exponent) = (bits & ((1 << 52) - 1), (bits >> 52) as i32);
    // Subnormal numbers have no leading one.
    let (fraction, exponent) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    let turn = exponent.rem_euclid(BITS as i32) as u32;
    let hash = fraction % PRIME;
    let turned = (hash << turn & PRIME) | hash >> (BITS - turn);
    let hash = (turned % PRIME) as i64;
    not_an_error(if value < 0.0 { -hash } else { hash })
}

impl TextHash {
    /// Hashes a text.
    pub fn of_text(self, text: &str) -> i64 {
        self.of(text, text.is_ascii(), &mut vec![])
    }

    /// Hashes a text as the interpreter keeps it: each character in one, two or four bytes.
    fn of(self, text: &str, is_ascii: bool, wide: &mut Vec<u8>) -> i64 {
        if text.is_empty() {
            return 0;
        }
        if is_ascii {
            return self.of_bytes(text.as_bytes());
        }
        wide.clear();
        match text.chars().map(u32::from).max().unwrap_or(0) {
            0..0x100 => wide.extend(text.chars().map(|letter| u32::from(letter) as u8)),
            0x100..0x1_0000 => {
                text.chars().for_each(|letter| wide.extend((u32::from(letter) as u16).to_ne_bytes()));
            }
            _ => text.chars().for_each(|letter| wide.extend(u32::from(letter).to_ne_bytes())),
        }
        self.of_bytes(wide)
    }

    fn of_bytes(self, bytes: &[u8]) -> i64 {
        let hash = match self {
            TextHash::Sip13 => sip::<1, 3>(bytes),
            TextHash::Sip24 => sip::<2, 4>(bytes),
        };
        not_an_error(hash as i64)
    }
}

/// SipHash (Aumasson and Bernstein, 2012) with the key 0, and so many rounds for each word and at the end.
#[inline]
fn sip<const EACH: usize, const END: usize>(bytes: &[u8]) -> u64 {
    let mut state: [u64; 4] =
        [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
    let mut words = bytes.chunks_exact(8);
    for word in words.by_ref() {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        state[3] ^= word;
        rounds::<EACH>(&mut state);
        state[0] ^= word;
    }
    let mut last = (bytes.len() as u64) << 56;
    for (at, byte) in words.remainder().iter().enumerate() {
        last |= u64::from(*byte) << (8 * at);
    }
    state[3] ^= last;
    rounds::<EACH>(&mut state);
    state[0] ^= last;
    state[2] ^= 0xff;
    rounds::<END>(&mut state);
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

#[inline]
fn rounds<const COUNT: usize>(state: &mut [u64; 4]) {
    let [mut a, mut b, mut c, mut d] = *state;
    for _ in 0..COUNT {
        a = a.wrapping_add(b);
        c = c.wrapping_add(d);
        b = b.rotate_left(13) ^ a;
        d = d.rotate_left(16) ^ c;
        a = a.rotate_left(32);
        c = c.wrapping_add(b);
        a = a.wrapping_add(d);
        b = b.rotate_left(17) ^ c;
        d = d.rotate_left(21) ^ a;
        c = c.rotate_left(32);
    }
    *state = [a, b, c, d];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_hash_as_in_python() {
        assert_eq!([0, 1, -1, -2, i64::MAX, i64::MIN].map(of_int), [0, 1, -2, -2, 3, -4]);
        let floats = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 1e300, -1e-300, 5e-324, f64::INFINITY];
        let wanted =
            [0, 0, 1, -2, 1 << 60, (1 << 60) + 1, 1_224_995_262_755_759_164, -482_449_582_752_280_463];
        assert_eq!(floats.map(of_float)[..8], wanted);
        assert_eq!(floats.map(of_float)[8..], [1 << 24, 314_159]);
    }
    #[test]
    fn texts_hash_as_in_python_with_a_seed_of_0() {
        let hashed = ["", "a", "abcdefgh", "hello world", "é", "日本", "😀a"]
            .map(|text| TextHash::Sip13.of_text(text));
        let wanted = [
            0,
            4_644_417_185_603_328_019,
            4_574_395_652_268_504_554,
            -5_642_461_784_034_726_774,
            6_047_309_291_227_476_195,
            6_243_316_497_235_261_705,
            1_495_732_039_293_241_016,
        ];
        assert_eq!(hashed, wanted);
    }
}
