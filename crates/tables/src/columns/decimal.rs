//! Decimal numbers as text: exact, of any length, rounded to a column's scale. Shared by the formats of text.

/// A decimal number: its digits, without zeros at the front, and how many of them stand behind the point.
pub(crate) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    scale: i64,
}

/// The most digits that a column can have.
pub(crate) const MAX_PRECISION: usize = 38;

impl Decimal {
    /// Reads a number. Commas are left out, as Spark does for English: `1,000`.
    pub(crate) fn of(text: &str) -> Option<Decimal> {
        let (mut digits, mut scale, mut any, mut point) = (vec![], 0_i64, false, false);
        let mut bytes = text.bytes().filter(|byte| *byte != b',').peekable();
        let negative = bytes.peek() == Some(&b'-');
        if matches!(bytes.peek(), Some(b'-' | b'+')) {
            bytes.next();
        }
        while let Some(byte) = bytes.next() {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    scale += i64::from(point);
                    if byte != b'0' || !digits.is_empty() {
                        digits.push(byte - b'0');
                    }
                }
                b'.' if !point => point = true,
                b'e' | b'E' if any => {
                    let exponent: String = bytes.map(char::from).collect();
                    scale -= i64::from(exponent.parse::<i32>().ok()?);
                    break;
                }
                _ => return None,
            }
        }
        any.then_some(Decimal { negative, digits, scale })
    }

    /// Returns how many digits a whole number has, at least 1; none if the number has a part behind the point, or
    /// an exponent that makes it end with zeros that are not written.
    pub(crate) fn whole_digits(&self) -> Option<usize> {
        (self.scale == 0).then_some(self.digits.len().max(1))
    }

    /// Returns how many digits the number has, at least 1, and how many of them stand behind the point; fewer than
    /// none with an exponent.
    pub(crate) fn digits_and_scale(&self) -> (i64, i64) {
        (self.digits.len().max(1) as i64, self.scale)
    }

    /// Returns the number in units of the last of so many digits behind the point, rounded half away from zero; none
    /// if it has more digits than the precision.
    pub(crate) fn rounded(&self, precision: u8, scale: i8) -> Option<i128> {
        let cut = self.scale - i64::from(scale);
        let length = self.digits.len() as i64;
        if self.digits.is_empty() || cut > length {
            return Some(0);
        }
        let kept = (length - cut.max(0)) as usize;
        let zeros = (-cut).max(0);
        if kept as i64 + zeros > MAX_PRECISION as i64 {
            return None;
        }
        let value = self.digits[..kept].iter().fold(0_i128, |value, digit| value * 10 + i128::from(*digit));
        let mut value = value * 10_i128.pow(zeros as u32);
        if self.digits.get(kept).is_some_and(|digit| *digit >= 5) {
            value += 1;
        }
        let fits = value < 10_i128.pow(precision.into());
        fits.then_some(if self.negative { -value } else { value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, precision: u8, scale: i8) -> Option<i128> {
        Decimal::of(text)?.rounded(precision, scale)
    }

    #[test]
    fn numbers_are_rounded_to_the_scale() {
        let cases = [
            ("12.345", 1235),
            ("12.344", 1234),
            ("-12.345", -1235),
            (".5", 50),
            ("1.", 100),
            ("1e-400", 0),
            ("1e-2", 1),
            ("999.994", 99_999),
            ("0e0", 0),
            ("1,2,3", 12_300),
            ("-1,5", -1500),
            ("0.005", 1),
            ("0.0049", 0),
        ];
        for (text, value) in cases {
            assert_eq!(read(text, 5, 2), Some(value), "{text}");
        }
        for text in
            ["999.995", "1e3", "1000", ".", "-", "", "1d", " 1", "1e", "e3", "1.2.3", "--1", "NaN", "1_0"]
        {
            assert_eq!(read(text, 5, 2), None, "{text}");
        }
        assert_eq!(read("1e37", 38, 0), Some(10_i128.pow(37)));
        assert_eq!(read("1e38", 38, 0), None);
        assert_eq!(read("123456789012345678901234567890123456789", 38, 0), None);
    }

    #[test]
    fn whole_numbers_are_known() {
        for (text, digits) in [
            ("5.", Some(1)),
            ("9223372036854775808", Some(19)),
            ("1e5", None),
            ("1.5e1", Some(2)),
            ("0.1", None),
            ("0", Some(1)),
        ] {
            assert_eq!(Decimal::of(text).unwrap().whole_digits(), digits, "{text}");
        }
    }

    #[test]
    fn decimals_are_rounded_and_bounded_as_in_spark() {
        let seen = [
            ("999.994", Some(99999)),
            ("999.995", None),
            ("-1.005", Some(-101)),
            ("1e2", Some(10000)),
            ("+1", Some(100)),
            (".5", Some(50)),
            ("5.", Some(500)),
            ("1e-400", Some(0)),
            ("0.005", Some(1)),
            ("0.0049", Some(0)),
            ("-0", Some(0)),
            ("1e400", None),
            ("0e400", Some(0)),
            ("NaN", None),
            ("", None),
            ("-", None),
            (" 1", None),
            ("1_0", None),
        ];
        for (text, unscaled) in seen {
            assert_eq!(read(text, 5, 2), unscaled, "{text}");
        }
        let most = "1234567890123456789012345678901234567.89";
        assert_eq!(read(most, 38, 0), Some(1234567890123456789012345678901234568));
        assert_eq!(read("99999999999999999999999999999999999999", 38, 0), Some(10_i128.pow(38) - 1));
        assert_eq!(read("99999999999999999999999999999999999999.5", 38, 0), None);
    }

    #[test]
    fn digits_are_counted_as_java_does() {
        assert_eq!(Decimal::of("0.001").unwrap().digits_and_scale(), (1, 3));
        assert_eq!(Decimal::of("100.0").unwrap().digits_and_scale(), (4, 1));
        assert_eq!(Decimal::of("1.5e-10").unwrap().digits_and_scale(), (2, 11));
        assert_eq!(Decimal::of("1e10").unwrap().digits_and_scale(), (1, -10));
        assert_eq!(Decimal::of("0.0").unwrap().digits_and_scale(), (1, 1));
    }
}
