//! Blocks: the encoded form of records, between stages, in spilled runs and as results.
//!
//! A block of pairs is `count: u32, key bytes: u64, value bytes: u64`, then the column of keys, then the column of values.
//! A block of plain records has the same head, and no values. Blocks stand end to end; each knows its length.

use crate::column::{ColumnBuilder, ColumnReader, digest, read_column};
use crate::hash::mix;
use crate::{Data, DataError};
use serde::{Serialize, de::DeserializeOwned};

const HEAD: usize = 4 + 8 + 8;

/// Collects pairs and writes them as one block.
pub struct PairsBuilder<K, V> {
    keys: ColumnBuilder<K>,
    values: ColumnBuilder<V>,
    checksum: u64,
    scratch: Vec<u8>,
}

impl<K, V> Default for PairsBuilder<K, V> {
    fn default() -> Self {
        PairsBuilder { keys: Default::default(), values: Default::default(), checksum: 0, scratch: vec![] }
    }
}

/// A key: owned, or a string that lies elsewhere (for keys of a string type only).
pub enum KeyRef<'a, K> {
    /// The key itself.
    Owned(K),
    /// The text of a key whose type is a string.
    Text(&'a str),
}

impl<K: Data, V: Data> PairsBuilder<K, V> {
    /// Appends a pair. `key_digest` stands for the key in the checksum: its hash, or anything else that equal keys share.
    ///
    /// # Errors
    /// When a `Serialize` fails.
    #[inline]
    pub fn push(&mut self, key_digest: u64, key: KeyRef<'_, K>, value: V) -> Result<(), DataError> {
        let value_digest = digest(&value, &mut self.scratch)?;
        self.checksum = self.checksum.wrapping_add(mix(key_digest, value_digest));
        match key {
            KeyRef::Owned(key) => self.keys.push(key)?,
            KeyRef::Text(text) => self.keys.push_text(text)?,
        }
        self.values.push(value)
    }

    /// Returns the number of pairs.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the number of bytes that the block will have.
    #[inline]
    pub fn encoded_len(&self) -> usize {
        HEAD + self.keys.encoded_len() + self.values.encoded_len()
    }

    /// Returns the sum of the digests of all pairs since the last call: equal contents give equal sums, in any
    /// order.
    pub fn take_checksum(&mut self) -> u64 {
        std::mem::take(&mut self.checksum)
    }

    /// Appends the block to `out` and empties the builder. Nothing is written for no pairs.
    pub fn write(&mut self, out: &mut Vec<u8>) {
        if self.is_empty() {
            return;
        }
        write_head(out, self.len(), self.keys.encoded_len(), self.values.encoded_len());
        self.keys.write(out);
        self.values.write(out);
    }
}

fn write_head(out: &mut Vec<u8>, count: usize, keys: usize, values: usize) {
    let count = u32::try_from(count).expect("a block is written long before it holds 2^32 records");
    out.reserve(HEAD + keys + values);
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&(keys as u64).to_le_bytes());
    out.extend_from_slice(&(values as u64).to_le_bytes());
}

/// One block, taken apart into its columns.
struct Columns<'a> {
    count: usize,
    keys: &'a [u8],
    values: &'a [u8],
}

/// Splits the first block off `bytes`.
fn split_block<'a>(bytes: &mut &'a [u8]) -> Result<Columns<'a>, DataError> {
    let cut_short =
        || DataError::Corrupt { source_name: "a block".into(), message: "it is cut short".into() };
    let (head, rest) = bytes.split_first_chunk::<HEAD>().ok_or_else(cut_short)?;
    let word = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("eight bytes")) as usize;
    let count = u32::from_le_bytes(head[..4].try_into().expect("four bytes")) as usize;
    let (keys, rest) = rest.split_at_checked(word(4)).ok_or_else(cut_short)?;
    let (values, rest) = rest.split_at_checked(word(12)).ok_or_else(cut_short)?;
    *bytes = rest;
    Ok(Columns { count, keys, values })
}

/// The pairs of one block, read one after the other.
pub struct Pairs<'a, K, V> {
    left: usize,
    keys: ColumnReader<'a, K>,
    values: ColumnReader<'a, V>,
}

impl<'a, K: Data, V: Data> Pairs<'a, K, V> {
    /// Takes the first block off `bytes`; returns `None` at their end.
    ///
    /// # Errors
    /// When the bytes are not whole blocks.
    pub fn take(bytes: &mut &'a [u8]) -> Result<Option<Self>, DataError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let Columns { count, keys, values } = split_block(bytes)?;
        let (keys, values) = (ColumnReader::new(keys, count)?, ColumnReader::new(values, count)?);
        Ok(Some(Pairs { left: count, keys, values }))
    }

    /// Returns the number of pairs that are left.
    #[inline]
    pub fn left(&self) -> usize {
        self.left
    }

    /// Returns the next pair; its key as text if keys are strings.
    ///
    /// # Errors
    /// When the bytes are not such a pair.
    #[inline]
    pub fn next_ref(&mut self) -> Result<Option<(KeyRef<'a, K>, V)>, DataError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let key = match ColumnReader::<K>::is_text() {
            true => KeyRef::Text(self.keys.next_text()?),
            false => KeyRef::Owned(self.keys.next_value()?),
        };
        Ok(Some((key, self.values.next_value()?)))
    }

    /// Returns the next pair.
    ///
    /// # Errors
    /// When the bytes are not such a pair.
    #[inline]
    pub fn next_pair(&mut self) -> Result<Option<(K, V)>, DataError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        Ok(Some((self.keys.next_value()?, self.values.next_value()?)))
    }
}

/// Appends a block of plain records to `out`.
///
/// # Errors
/// When a record's `Serialize` fails; the error has the record's index, from 0.
pub fn write_records<T: Data>(records: &[T], out: &mut Vec<u8>) -> Result<(), DataError> {
    let mut column = ColumnBuilder::default();
    for (index, record) in records.iter().enumerate() {
        column.push_ref(record).map_err(|e| DataError::encode::<T>(format!("record {index}: {e}")))?;
    }
    write_head(out, column.len(), column.encoded_len(), 0);
    column.write(out);
    Ok(())
}

/// Takes the first block off `bytes` and returns its records; `None` at their end.
///
/// # Errors
/// When the bytes are not whole blocks of such records.
pub fn take_records<T: Data>(bytes: &mut &[u8]) -> Result<Option<Vec<T>>, DataError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let Columns { count, keys, .. } = split_block(bytes)?;
    Ok(Some(read_column(keys, count)?))
}

/// Encodes one value: an environment, a result.
///
/// # Errors
/// When its `Serialize` fails.
pub fn encode_value<T: Serialize>(value: &T) -> Result<Vec<u8>, DataError> {
    let mut out = vec![];
    crate::column::encode_row(value, &mut out)?;
    Ok(out)
}

/// Decodes one value.
///
/// # Errors
/// When the bytes are not exactly one such value.
pub fn decode_value<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DataError> {
    match postcard::take_from_bytes(bytes).map_err(DataError::decode::<T>)? {
        (value, []) => Ok(value),
        (_, rest) => Err(DataError::decode::<T>(format!("{} bytes are left over", rest.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Str;
    use proptest::prelude::*;

    fn round_trip<K: Data, V: Data>(pairs: &[(K, V)]) -> Vec<(K, V)> {
        let (mut builder, mut bytes) = (PairsBuilder::default(), vec![]);
        for half in pairs.chunks(pairs.len() / 2 + 1) {
            half.iter().for_each(|(k, v)| builder.push(0, KeyRef::Owned(k.clone()), v.clone()).unwrap());
            builder.write(&mut bytes);
        }
        let (mut rest, mut read) = (&bytes[..], vec![]);
        while let Some(mut block) = Pairs::<K, V>::take(&mut rest).unwrap() {
            while let Some(pair) = block.next_pair().unwrap() {
                read.push(pair);
            }
        }
        read
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn pairs_come_back(
            numbers: Vec<(u64, i32)>,
            texts: Vec<(String, f32)>,
            rows: Vec<(Option<String>, Vec<(bool, u8)>)>,
            units: Vec<(char, ())>,
        ) {
            prop_assert_eq!(round_trip(&numbers), numbers);
            let texts: Vec<_> = texts.into_iter().map(|(k, v)| (Str::from(k), v.to_bits())).collect();
            prop_assert_eq!(round_trip(&texts), texts);
            prop_assert_eq!(round_trip(&rows), rows);
            prop_assert_eq!(round_trip(&units), units);
        }

        #[test]
        fn records_come_back(records: Vec<(String, u16)>, numbers: Vec<i128>) {
            let mut bytes = vec![];
            write_records(&records, &mut bytes).unwrap();
            prop_assert_eq!(take_records::<(String, u16)>(&mut &bytes[..]).unwrap().unwrap(), records);
            bytes.clear();
            write_records(&numbers, &mut bytes).unwrap();
            prop_assert_eq!(take_records::<i128>(&mut &bytes[..]).unwrap().unwrap(), numbers);
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(bytes: Vec<u8>, cut: u16) {
            let _ = take_records::<String>(&mut &bytes[..]);
            let _ = take_records::<Vec<u64>>(&mut &bytes[..]);
            let _ = decode_value::<(String, Option<u64>)>(&bytes);
            let mut good = vec![];
            write_records(&["one".to_string(), "two".into()], &mut good).unwrap();
            let cut = cut as usize % good.len();
            if cut > 0 {
                prop_assert!(take_records::<String>(&mut &good[..cut]).is_err());
            }
        }

        #[test]
        fn checksums_depend_on_contents_and_not_on_order(mut pairs: Vec<(u32, String)>, swap: usize) {
            let sum = |pairs: &[(u32, String)]| {
                let mut builder = PairsBuilder::default();
                for (k, v) in pairs {
                    builder.push(u64::from(*k), KeyRef::Owned(*k), v.clone()).unwrap();
                }
                builder.take_checksum()
            };
            let before = sum(&pairs);
            if !pairs.is_empty() {
                let swap = swap % pairs.len();
                pairs.swap(0, swap);
                prop_assert_eq!(sum(&pairs), before);
                pairs[swap].1.push('x');
                prop_assert_ne!(sum(&pairs), before);
            }
        }
    }
}
