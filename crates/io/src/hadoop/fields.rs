//! Reads and writes numbers and strings as Hadoop does: highest byte first, or in one to nine bytes when they
//! are often small.

/// The bytes of one value, read from left to right. An error is a sentence without a place in the file, which
/// the reader of the file knows.
///
/// ```
/// use firesteel_io::hadoop::Fields;
/// let mut fields = Fields::new(&[0, 0, 0, 5, 0x87, 0x80]);
/// assert_eq!((fields.i32(), fields.vlong()), (Ok(5), Ok(-129)));
/// assert!(fields.is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Begins to read.
    pub fn new(bytes: &'a [u8]) -> Fields<'a> {
        Fields { rest: bytes }
    }

    /// Returns whether all bytes were read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns the number of bytes that are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Reads the next `count` bytes.
    ///
    /// # Errors
    /// When there are fewer; the same is an error for all functions that follow.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| format!("{count} bytes are wanted where {} are left", self.rest.len()))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.bytes(N).map(|bytes| bytes.try_into().unwrap_or([0; N]))
    }

    /// Reads one byte.
    pub fn i8(&mut self) -> Result<i8, String> {
        self.array().map(i8::from_be_bytes)
    }

    /// Reads two bytes.
    pub fn i16(&mut self) -> Result<i16, String> {
        self.array().map(i16::from_be_bytes)
    }

    /// Reads four bytes.
    pub fn i32(&mut self) -> Result<i32, String> {
        self.array().map(i32::from_be_bytes)
    }

    /// Reads eight bytes.
    pub fn i64(&mut self) -> Result<i64, String> {
        self.array().map(i64::from_be_bytes)
    }

    /// Reads four bytes.
    pub fn f32(&mut self) -> Result<f32, String> {
        self.array().map(f32::from_be_bytes)
    }

    /// Reads eight bytes.
    pub fn f64(&mut self) -> Result<f64, String> {
        self.array().map(f64::from_be_bytes)
    }

    /// Reads a number of one to nine bytes. The first byte is the number, from -112 to 127, or tells the sign
    /// and how many follow.
    pub fn vlong(&mut self) -> Result<i64, String> {
        let first = self.i8()?;
        let (count, flip) = match first {
            -112.. => return Ok(i64::from(first)),
            -120..=-113 => (-112 - i32::from(first), 0),
            _ => (-120 - i32::from(first), -1),
        };
        let bytes = self.bytes(count as usize)?;
        Ok(bytes.iter().fold(0_i64, |number, byte| number << 8 | i64::from(*byte)) ^ flip)
    }

    /// Reads a number of one to five bytes.
    pub fn vint(&mut self) -> Result<i32, String> {
        let number = self.vlong()?;
        i32::try_from(number).map_err(|_| format!("{number} is too large for a length or an IntWritable"))
    }

    /// Reads a length of four bytes, and as many bytes as it says.
    pub fn sized_bytes(&mut self) -> Result<&'a [u8], String> {
        let length = self.i32()?;
        self.bytes(usize::try_from(length).map_err(|_| format!("a length is negative: {length}"))?)
    }

    /// Reads a length of one to five bytes, and as many bytes as it says.
    pub fn vint_bytes(&mut self) -> Result<&'a [u8], String> {
        let length = self.vint()?;
        self.bytes(usize::try_from(length).map_err(|_| format!("a length is negative: {length}"))?)
    }
}

/// Appends a number in one to nine bytes.
pub(crate) fn put_vlong(number: i64, out: &mut Vec<u8>) {
    if (-112..=127).contains(&number) {
        out.push(number as u8);
        return;
    }
    let (magnitude, base) = if number < 0 { (!number, -120_i32) } else { (number, -112) };
    let count = (8 - magnitude.leading_zeros() as usize / 8).max(1);
    out.push((base - count as i32) as u8);
    out.extend_from_slice(&magnitude.to_be_bytes()[8 - count..]);
}

/// Appends a length in one to five bytes, and the bytes.
pub(crate) fn put_vint_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_vlong(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn put(number: i64) -> Vec<u8> {
        let mut out = vec![];
        put_vlong(number, &mut out);
        out
    }

    #[test]
    fn numbers_are_as_long_as_hadoop_makes_them() {
        assert_eq!(put(-112), [0x90]);
        assert_eq!(put(127), [127]);
        assert_eq!(put(128), [0x8F, 128]);
        assert_eq!(put(-113), [0x87, 112]);
        assert_eq!(put(256), [0x8E, 1, 0]);
        assert_eq!(put(i64::MIN)[..2], [0x80, 0x7F]);
        assert_eq!(put(i64::MAX).len(), 9);
    }

    proptest! {
        #[test]
        fn numbers_come_back(number: i64, small in -300..300_i64) {
            for number in [number, small, number >> 32, !small << 20] {
                let bytes = put(number);
                let mut fields = Fields::new(&bytes);
                prop_assert_eq!(fields.vlong(), Ok(number));
                prop_assert!(fields.is_empty());
                prop_assert_eq!(Fields::new(&bytes).vint().ok(), i32::try_from(number).ok());
                prop_assert!(Fields::new(&bytes[..bytes.len() - 1]).vlong().is_err());
            }
        }
    }
}
