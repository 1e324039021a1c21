//! Columns: the encoded form of many values of one type. Numbers lie side by side, strings end to end, anything
//! else row by row.

use crate::hash::{hash_bytes, hash_text};
use crate::layout::{
    Layout, as_text, fixed_bytes, fixed_from_bytes, fixed_word, from_text, layout_of, one_fixed,
};
use crate::{Data, DataError};
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use std::marker::PhantomData;

/// Collects values and writes them as one column.
pub struct ColumnBuilder<T> {
    fixed: Vec<T>,
    lengths: Vec<u32>,
    bytes: Vec<u8>,
    count: usize,
}

impl<T> Default for ColumnBuilder<T> {
    fn default() -> Self {
        ColumnBuilder { fixed: vec![], lengths: vec![], bytes: vec![], count: 0 }
    }
}

impl<T: Data> ColumnBuilder<T> {
    /// Appends a value.
    ///
    /// # Errors
    /// When the value's `Serialize` fails.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), DataError> {
        match layout_of::<T>() {
            Layout::Fixed => {
                self.fixed.push(value);
                self.count += 1;
                Ok(())
            }
            Layout::Text => self.push_text(as_text(&value).unwrap_or_default()),
            Layout::Rows => self.push_row(&value),
        }
    }

    /// Appends a value that the caller goes on using.
    ///
    /// # Errors
    /// When the value's `Serialize` fails.
    #[inline]
    pub fn push_ref(&mut self, value: &T) -> Result<(), DataError> {
        match layout_of::<T>() {
            Layout::Fixed => self.push(value.clone()),
            Layout::Text => self.push_text(as_text(value).unwrap_or_default()),
            Layout::Rows => self.push_row(value),
        }
    }

    /// Appends a string to a column of strings, without making a `T` of it.
    ///
    /// # Errors
    /// When the string is longer than 4 GiB.
    #[inline]
    pub fn push_text(&mut self, text: &str) -> Result<(), DataError> {
        debug_assert_eq!(layout_of::<T>(), Layout::Text);
        let length = u32::try_from(text.len()).map_err(|_| {
            DataError::encode::<T>(format!("a string of {} bytes is over the limit of 4 GiB", text.len()))
        })?;
        self.lengths.push(length);
        self.bytes.extend_from_slice(text.as_bytes());
        self.count += 1;
        Ok(())
    }

    fn push_row(&mut self, value: &T) -> Result<(), DataError> {
        encode_row(value, &mut self.bytes)?;
        self.count += 1;
        Ok(())
    }

    /// Returns the number of values.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the number of bytes that [`ColumnBuilder::write`] will write.
    #[inline]
    pub fn encoded_len(&self) -> usize {
        self.fixed.len() * size_of::<T>() + self.lengths.len() * size_of::<u32>() + self.bytes.len()
    }

    /// Appends the column to `out` and empties the builder, keeping its memory.
    pub fn write(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(fixed_bytes(&self.fixed).unwrap_or_default());
        out.extend_from_slice(bytemuck::cast_slice(&self.lengths));
        out.extend_from_slice(&self.bytes);
        self.fixed.clear();
        self.lengths.clear();
        self.bytes.clear();
        self.count = 0;
    }
}

/// Returns the digest of a value, for checksums that do not depend on order. `scratch` saves allocations
/// between calls.
///
/// # Errors
/// When the value's `Serialize` fails.
#[inline]
pub fn digest<T: Data>(value: &T, scratch: &mut Vec<u8>) -> Result<u64, DataError> {
    Ok(match layout_of::<T>() {
        Layout::Fixed => fixed_word(value).unwrap_or_default(),
        Layout::Text => hash_text(as_text(value).unwrap_or_default()),
        Layout::Rows => {
            scratch.clear();
            encode_row(value, scratch)?;
            hash_bytes(scratch)
        }
    })
}

/// Appends a value's own encoding.
pub(crate) fn encode_row<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), DataError> {
    postcard::serialize_with_flavor(value, Append(out)).map_err(DataError::encode::<T>)
}

/// Lets postcard write to the end of a vector.
struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();
    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }
    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Reads a column of a known number of values, one after the other.
pub struct ColumnReader<'a, T> {
    /// The rest of the numbers, rows, or lengths of strings.
    bytes: &'a [u8],
    /// The rest of the strings themselves.
    text: &'a str,
    values: PhantomData<fn() -> T>,
}

impl<'a, T: Data> ColumnReader<'a, T> {
    /// Makes a reader of `count` values.
    ///
    /// # Errors
    /// When the column is too short for that many, or its strings are not UTF-8.
    pub fn new(bytes: &'a [u8], count: usize) -> Result<Self, DataError> {
        let (bytes, text) = match layout_of::<T>() {
            Layout::Fixed if bytes.len() == count * size_of::<T>() => (bytes, ""),
            Layout::Fixed => {
                return Err(DataError::decode::<T>("the column has another length than its count says"));
            }
            Layout::Rows => (bytes, ""),
            Layout::Text => {
                let (lengths, text) = bytes
                    .split_at_checked(count * size_of::<u32>())
                    .ok_or_else(|| DataError::decode::<T>("the column is cut short"))?;
                (lengths, std::str::from_utf8(text).map_err(DataError::decode::<T>)?)
            }
        };
        Ok(ColumnReader { bytes, text, values: PhantomData })
    }

    /// Returns the next value. The caller counts; after the last value comes an error.
    ///
    /// # Errors
    /// When the bytes are not a value of this type.
    #[inline]
    pub fn next_value(&mut self) -> Result<T, DataError> {
        match layout_of::<T>() {
            Layout::Fixed => {
                let (value, rest) =
                    self.bytes.split_at_checked(size_of::<T>()).ok_or_else(Self::cut_short)?;
                self.bytes = rest;
                one_fixed(value).ok_or_else(Self::cut_short)
            }
            Layout::Text => {
                let text = self.next_text()?;
                from_text(text).ok_or_else(Self::cut_short)
            }
            Layout::Rows => {
                let (value, rest) = postcard::take_from_bytes(self.bytes).map_err(DataError::decode::<T>)?;
                self.bytes = rest;
                Ok(value)
            }
        }
    }

    /// Returns the next string of a column of strings, in place.
    ///
    /// # Errors
    /// When the lengths do not fit the text.
    #[inline]
    pub fn next_text(&mut self) -> Result<&'a str, DataError> {
        let (length, rest) = self.bytes.split_first_chunk().ok_or_else(Self::cut_short)?;
        let (text, rest_of_text) =
            self.text.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(Self::cut_short)?;
        (self.bytes, self.text) = (rest, rest_of_text);
        Ok(text)
    }

    /// Returns whether the values are strings, so that [`ColumnReader::next_text`] may be used.
    #[inline(always)]
    pub fn is_text() -> bool {
        layout_of::<T>() == Layout::Text
    }

    fn cut_short() -> DataError {
        DataError::decode::<T>("the column is cut short")
    }
}

/// Reads all values of a column at once.
///
/// # Errors
/// As [`ColumnReader`].
pub fn read_column<T: Data>(bytes: &[u8], count: usize) -> Result<Vec<T>, DataError> {
    let mut reader = ColumnReader::<T>::new(bytes, count)?;
    if layout_of::<T>() == Layout::Fixed {
        return fixed_from_bytes(bytes).ok_or_else(ColumnReader::<T>::cut_short);
    }
    // A count may come from a broken block: the bytes that are there limit how much memory is taken, not the
    // count alone.
    let mut values = Vec::with_capacity(count.min(bytes.len() + 1));
    for _ in 0..count {
        values.push(reader.next_value()?);
    }
    Ok(values)
}
