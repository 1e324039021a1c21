//! Numbers as text: floating-point numbers as Java reads them. How it prints them is in `java_numbers`.

/// The words for numbers that are none.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) nan: String,
    pub(super) positive: String,
    pub(super) negative: String,
}

macro_rules! parse {
    ($name:ident, $type:ty) => {
        /// Reads a number. White space at its sides and a letter for its type at its end do not matter.
        #[inline]
        pub(super) fn $name(text: &str, words: &Words) -> Option<$type> {
            // Rust reads names in any case and Java does not, so only what begins like a number goes there at once.
            let bytes = text.as_bytes();
            let begins = match bytes {
                [b'+' | b'-', next, ..] => *next,
                [next, ..] => *next,
                [] => return None,
            };
            if matches!(begins, b'0'..=b'9' | b'.')
                && let Ok(value) = text.parse()
            {
                return Some(value);
            }
            if text == words.nan {
                return Some(<$type>::NAN);
            }
            if text == words.positive {
                return Some(<$type>::INFINITY);
            }
            if text == words.negative {
                return Some(<$type>::NEG_INFINITY);
            }
            let text = text.trim_matches(|character| character <= ' ');
            match text.strip_prefix(['+', '-']).unwrap_or(text) {
                "NaN" => Some(<$type>::NAN),
                "Infinity" if text.starts_with('-') => Some(<$type>::NEG_INFINITY),
                "Infinity" => Some(<$type>::INFINITY),
                digits if digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') => {
                    text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text).parse().ok()
                }
                _ => None,
            }
        }
    };
}

parse!(parse_f32, f32);
parse!(parse_f64, f64);

/// Appends a whole number.
pub(super) fn write_int(value: i64, out: &mut Vec<u8>) {
    let (mut digits, mut at, mut left) = ([0; 20], 20, value.unsigned_abs());
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::java_numbers::{write_decimal, write_double, write_float};
    use proptest::prelude::*;

    fn words() -> Words {
        Words { nan: "NaN".into(), positive: "Inf".into(), negative: "-Inf".into() }
    }

    fn print(value: f64) -> String {
        let mut out = vec![];
        write_double(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_look_as_in_java() {
        let cases = [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e7, "1.0E7"),
            (9_999_999.0, "9999999.0"),
            (0.001, "0.001"),
            (9.99e-4, "9.99E-4"),
            (123_456_789.123, "1.23456789123E8"),
            (5e-324, "4.9E-324"),
            (f64::MAX, "1.7976931348623157E308"),
            (1e23, "9.999999999999999E22"),
            (4_611_686_018_427_387_904.0, "4.6116860184273879E18"),
            (340_000.0, "340000.0"),
            (0.1, "0.1"),
            (100.0, "100.0"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, text) in cases {
            assert_eq!(print(value), text);
        }
        let mut out = vec![];
        write_float(0.1, &mut out);
        assert_eq!(out, b"0.1");
    }

    #[test]
    fn decimals_look_as_in_java() {
        let cases = [
            (0, 0, "0"),
            (0, 3, "0.000"),
            (0, 18, "0E-18"),
            (1, 6, "0.000001"),
            (1, 7, "1E-7"),
            (1000, 10, "1.000E-7"),
            (-12_345, 3, "-12.345"),
            (5, 1, "0.5"),
        ];
        for (value, scale, text) in cases {
            let mut out = vec![];
            write_decimal(value, scale, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn numbers_are_read_as_java_reads_them() {
        let cases = [
            (" 1 ", 1.0),
            ("1.", 1.0),
            ("+.5", 0.5),
            ("1d", 1.0),
            ("1F", 1.0),
            ("1e400", f64::INFINITY),
            ("-Inf", f64::NEG_INFINITY),
            ("+Infinity", f64::INFINITY),
            ("1.e3", 1000.0),
        ];
        for (text, value) in cases {
            assert_eq!(parse_f64(text, &words()), Some(value), "{text:?}");
        }
        for text in
            ["", ".", "-", "1L", "nan", "infinity", "inf", "+Inf", "1e", "1_0", "1,0", "\u{a0}1", "dd"]
        {
            assert_eq!(parse_f64(text, &words()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            let read = parse_f64(&print(value), &words()).unwrap();
            prop_assert!(read.to_bits() == bits || (value.is_nan() && read.is_nan()));
        }
    }
}
