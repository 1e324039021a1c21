//! Decimal numbers from text.

/// Reads a number as a decimal of a precision and a scale, rounded half up; none when it is no number, or has
/// too many digits.
pub(super) fn parse_decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let Parts { negative, digits, exponent } = Parts::of(text)?;
    // How many of the digits stand before the end of the scale.
    let kept = (digits.len() as i64).checked_add(exponent)?.checked_add(i64::from(scale))?;
    if digits.is_empty() || kept < 0 {
        return Some(0);
    }
    if kept > i64::from(precision) {
        return None;
    }
    let kept = kept as usize;
    let mut number = 0_i128;
    for at in 0..kept {
        number = number * 10 + i128::from(digits.get(at).map_or(0, |digit| digit - b'0'));
    }
    if digits.get(kept).is_some_and(|digit| *digit >= b'5') {
        number += 1;
    }
    let fits = number < 10_i128.checked_pow(u32::from(precision))?;
    fits.then_some(if negative { -number } else { number })
}

/// Returns how many digits a number has, and how many of them behind its point; fewer than none with an
/// exponent.
pub(super) fn digits_of(text: &str) -> Option<(i64, i64)> {
    let Parts { digits, exponent, .. } = Parts::of(text)?;
    Some((digits.len().max(1) as i64, -exponent))
}

/// A number: its digits without leading zeros, times a power of ten.
struct Parts {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Parts {
    fn of(text: &str) -> Option<Parts> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let bytes = || whole.bytes().chain(fraction.bytes());
        if bytes().next().is_none() || !bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = bytes().skip_while(|byte| *byte == b'0').collect();
        Some(Parts { negative, digits, exponent: i64::from(exponent) - fraction.len() as i64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(parse_decimal(text, 5, 2), unscaled, "{text}");
        }
        let most = "1234567890123456789012345678901234567.89";
        assert_eq!(parse_decimal(most, 38, 0), Some(1234567890123456789012345678901234568));
        assert_eq!(parse_decimal("99999999999999999999999999999999999999", 38, 0), Some(10_i128.pow(38) - 1));
        assert_eq!(parse_decimal("99999999999999999999999999999999999999.5", 38, 0), None);
    }

    #[test]
    fn digits_are_counted_as_java_does() {
        assert_eq!(digits_of("0.001"), Some((1, 3)));
        assert_eq!(digits_of("100.0"), Some((4, 1)));
        assert_eq!(digits_of("1.5e-10"), Some((2, 11)));
        assert_eq!(digits_of("1e10"), Some((1, -10)));
        assert_eq!(digits_of("0.0"), Some((1, 1)));
    }
}
