//! Numbers written and read: `str` of numbers, `int` and `float` of texts.
//!
//! What is written is what CPython writes. Of what can be read, only the plain spellings are: the others (and all that
//! is none) are the interpreter's.

use std::io::Write;

/// Writes an `int` as `str` does.
pub(crate) fn write_int(data: &mut Vec<u8>, value: i64) {
    // Writing to a vector cannot fail.
    let _ = write!(data, "{value}");
}

/// Writes a text of ASCII as `repr` does.
pub(crate) fn write_quoted(data: &mut Vec<u8>, bytes: &[u8]) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    data.push(quote);
    for byte in bytes {
        match byte {
            b'\n' => data.extend_from_slice(b"\\n"),
            b'\r' => data.extend_from_slice(b"\\r"),
            b'\t' => data.extend_from_slice(b"\\t"),
            b'\\' => data.extend_from_slice(b"\\\\"),
            b' '..=b'~' if *byte == quote => data.extend_from_slice(&[b'\\', quote]),
            b' '..=b'~' | 0x80.. => data.push(*byte),
            _ => {
                // Writing to a vector cannot fail.
                let _ = write!(data, "\\x{byte:02x}");
            }
        }
    }
    data.push(quote);
}

/// Returns a `float` as `repr` writes it: the fewest digits that read as the same number, with an exponent below 1e-4 and
/// from 1e16 on.
pub(crate) fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value < 0.0 { "-inf" } else { "inf" }.into();
    }
    let scientific = shortest(value);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    if !(-4..16).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{point}{rest}e{direction}{:02}", exponent.abs());
    }
    if exponent < 0 {
        let zeros = "0".repeat((-exponent - 1) as usize);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        let zeros = "0".repeat(whole - digits.len());
        return format!("{sign}{digits}{zeros}.0");
    }
    let (whole, rest) = digits.split_at(whole);
    format!("{sign}{whole}.{rest}")
}

/// Returns the fewest digits that read as the same number; of two such that are as near, those that end evenly.
///
/// Rust's own shortest digits end oddly there: 1801514316094494.25 is ...94.3 to it, and ...94.2 to CPython.
fn shortest(value: f64) -> String {
    let found = format!("{value:e}");
    let digits = found.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    let rounded = format!("{value:.*e}", digits - 1);
    if rounded.parse() == Ok(value) { rounded } else { found }
}

/// The most digits that are read, also of zeros in front: for more of them Python can be told to refuse
/// (`sys.set_int_max_str_digits`, no less than this).
const MOST_DIGITS: usize = 640;

/// Reads an `int` of decimal digits, with the spaces, the sign and the single underscores that `int()` allows.
pub(crate) fn read_int(bytes: &[u8]) -> Option<i64> {
    let (digits, is_negative) = signed(trimmed(bytes));
    if digits.len() > MOST_DIGITS {
        return None;
    }
    let (mut value, mut may_underscore) = (0i64, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                let digit = i64::from(byte - b'0');
                // Downwards, since there is one more negative number.
                value = value.checked_mul(10)?.checked_sub(digit)?;
                may_underscore = true;
            }
            b'_' if may_underscore => may_underscore = false,
            _ => return None,
        }
    }
    // There were digits, and the last byte is one.
    if !may_underscore {
        return None;
    }
    if is_negative { Some(value) } else { value.checked_neg() }
}

/// Reads an `int` of digits of a base, with the spaces, the sign and the prefix that `int(text, base)` allows.
pub(crate) fn read_int_of_base(bytes: &[u8], base: u32) -> Option<i64> {
    let (rest, is_negative) = signed(trimmed(bytes));
    let digits = match (base, rest) {
        (16, [b'0', b'x' | b'X', digits @ ..])
        | (8, [b'0', b'o' | b'O', digits @ ..])
        | (2, [b'0', b'b' | b'B', digits @ ..]) => digits,
        _ => rest,
    };
    if digits.is_empty() || digits.len() > MOST_DIGITS {
        return None;
    }
    let value = digits.iter().try_fold(0i64, |value, byte| {
        let digit = char::from(*byte).to_digit(base)?;
        value.checked_mul(i64::from(base))?.checked_sub(i64::from(digit))
    })?;
    if is_negative { Some(value) } else { value.checked_neg() }
}

/// Rounds to so many digits behind the point: to the nearest, of the exact value; of two such to the even one.
pub(crate) fn rounded(value: f64, digits: usize) -> f64 {
    if !value.is_finite() {
        return value;
    }
    format!("{value:.digits$}").parse().unwrap_or(value)
}

/// Reads a `float` of decimal digits, with a point and an exponent.
pub(crate) fn read_float(bytes: &[u8]) -> Option<f64> {
    let text = trimmed(bytes);
    let (rest, _) = signed(text);
    let (whole, rest) = digits(rest);
    let (fraction, rest) = match rest.strip_prefix(b".") {
        Some(rest) => digits(rest),
        None => (0, rest),
    };
    if whole + fraction == 0 {
        return None;
    }
    let rest = match rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        Some(exponent) => match digits(signed(exponent).0) {
            (0, _) => return None,
            (_, rest) => rest,
        },
        None => rest,
    };
    if !rest.is_empty() {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Returns the number of digits at the beginning, and the rest.
fn digits(bytes: &[u8]) -> (usize, &[u8]) {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count, &bytes[count..])
}

fn signed(bytes: &[u8]) -> (&[u8], bool) {
    match bytes {
        [b'-', rest @ ..] => (rest, true),
        [b'+', rest @ ..] => (rest, false),
        _ => (bytes, false),
    }
}

/// Takes away the spaces that C's `isspace` knows.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let begin = bytes.iter().take_while(|byte| is_space(byte)).count();
    let rest = &bytes[begin..];
    &rest[..rest.len() - rest.iter().rev().take_while(|byte| is_space(byte)).count()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn floats_are_spelled_as_in_python() {
        for (value, wanted) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (9999999999999998.0, "9999999999999998.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (2.0f64.powi(53), "9007199254740992.0"),
            (7206057264377977.0 / 4.0, "1801514316094494.2"),
            (7206057264377979.0 / 4.0, "1801514316094494.8"),
            (747004422371405.0 / 8.0, "93375552796425.62"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(float(value), wanted);
        }
    }

    #[test]
    fn only_plain_spellings_are_read() {
        for (text, wanted) in [
            ("12", Some(12)),
            (" 12_3\n", Some(123)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("+007", Some(7)),
            ("", None),
            ("_1", None),
            ("1_", None),
            ("1__2", None),
            ("- 1", None),
            ("0x10", None),
            ("1.0", None),
            ("\u{1c}1", None),
        ] {
            assert_eq!(read_int(text.as_bytes()), wanted, "{text:?}");
        }
        for text in ["", ".", "1e", "nan", "inf", "1_0", "1.0f", "e5", "0x1p3", "--1"] {
            assert_eq!(read_float(text.as_bytes()), None, "{text:?}");
        }
        for (text, wanted) in
            [("1.", 1.0), (".5", 0.5), (" -1e3 ", -1000.0), ("1E+2", 100.0), ("1e999", f64::INFINITY)]
        {
            assert_eq!(read_float(text.as_bytes()), Some(wanted), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_float_reads_as_it_was_written(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                prop_assert_eq!(read_float(float(value).as_bytes()).map(f64::to_bits), Some(bits));
            }
        }
    }
}
