//! Numbers as Java 17 prints them, digit for digit: what `Double.toString`, `Float.toString` and
//! `BigDecimal.toString` make, and Spark's files of text therefore hold.
//!
//! Java prints the shortest digits only since version 19. Before that it prints digits until the rest lies
//! within half a unit in the last place, with a few quirks that readers of its files have learned to live with:
//! 1.0E23 becomes `9.999999999999999E22`, 2.0E-322 has two digits, and whole numbers below 2^63 lose the digits
//! that their binary exponent makes insignificant, and no others (`4.6116860184273879E18`). The digits are
//! found by long division here, in numbers of `whole`: of the width that Java would take, since a few floats
//! owe their last digit to an overflow.

mod whole;

use whole::{Big, Whole};

/// Digits after a decimal point, and the power of ten that they are multiplied with.
#[derive(Debug, PartialEq)]
struct Digits {
    digits: Vec<u8>,
    exponent: i32,
}

/// Appends a double.
pub(crate) fn write_double(value: f64, out: &mut Vec<u8>) {
    let bits = value.abs().to_bits();
    let (stored, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    let binary = match stored {
        0 => Binary::subnormal(fraction, -1023),
        _ => Binary { fraction: fraction | 1 << 52, exponent: stored - 1023, significant: 53 },
    };
    write_binary(value, value.is_sign_negative(), binary, out);
}

/// Appends a float.
pub(crate) fn write_float(value: f32, out: &mut Vec<u8>) {
    let bits = value.abs().to_bits();
    let (stored, fraction) = ((bits >> 23) as i32, u64::from(bits & ((1 << 23) - 1)));
    let binary = match stored {
        0 => Binary {
            significant: 64 - fraction.leading_zeros() as i32,
            ..Binary::subnormal(fraction << 29, -127)
        },
        _ => Binary { fraction: fraction << 29 | 1 << 52, exponent: stored - 127, significant: 24 },
    };
    write_binary(f64::from(value), value.is_sign_negative(), binary, out);
}

/// Appends a decimal number: plainly, or with an exponent when it has more than six zeros behind the point.
pub(crate) fn write_decimal(unscaled: i128, scale: i8, out: &mut Vec<u8>) {
    if unscaled < 0 {
        out.push(b'-');
    }
    let digits = unscaled.unsigned_abs().to_string();
    let (digits, scale) = (digits.as_bytes(), i32::from(scale));
    let adjusted = digits.len() as i32 - 1 - scale;
    if scale == 0 {
        out.extend_from_slice(digits);
    } else if scale > 0 && adjusted >= -6 {
        write_plain(digits, digits.len() as i32 - scale, out);
    } else {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(format!("E{adjusted:+}").as_bytes());
    }
}

/// Appends digits with a point after the first `before` of them, or after a zero and as many as are missing.
fn write_plain(digits: &[u8], before: i32, out: &mut Vec<u8>) {
    match usize::try_from(before) {
        Ok(before) if before > 0 => {
            out.extend_from_slice(&digits[..before.min(digits.len())]);
            out.resize(out.len() + before.saturating_sub(digits.len()), b'0');
            out.push(b'.');
            out.extend_from_slice(digits.get(before..).unwrap_or_default());
        }
        _ => {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + before.unsigned_abs() as usize, b'0');
            out.extend_from_slice(digits);
        }
    }
}

/// A number 1.x times a power of two.
#[derive(Clone, Copy)]
struct Binary {
    /// Its digits: the 52 lowest ones stand behind the point, the one before is set.
    fraction: u64,
    exponent: i32,
    /// How many of the digits the number's type holds.
    significant: i32,
}

impl Binary {
    /// A number without the leading digit, which is moved to its place. Zero is none, and never printed.
    fn subnormal(fraction: u64, bias: i32) -> Binary {
        let shift = (fraction.leading_zeros() as i32 - 11).clamp(0, 52);
        Binary { fraction: fraction << shift, exponent: bias + 1 - shift, significant: 53 - shift }
    }
}

fn write_binary(value: f64, negative: bool, binary: Binary, out: &mut Vec<u8>) {
    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if negative {
        out.push(b'-');
    }
    if value.is_infinite() {
        return out.extend_from_slice(b"Infinity");
    }
    if value == 0.0 {
        return out.extend_from_slice(b"0.0");
    }
    let Digits { digits, exponent } = digits(binary);
    if exponent > -3 && exponent < 8 {
        write_plain(&digits, exponent, out);
        if exponent >= digits.len() as i32 {
            out.push(b'0');
        }
        return;
    }
    out.extend_from_slice(&[digits[0], b'.']);
    out.extend_from_slice(if digits.len() > 1 { &digits[1..] } else { b"0" });
    out.extend_from_slice(format!("E{}", exponent - 1).as_bytes());
}

fn digits(binary: Binary) -> Digits {
    let Binary { fraction, exponent, significant } = binary;
    let bits = 53 - fraction.trailing_zeros() as i32;
    // How many binary digits stand behind the point.
    let behind = (bits - exponent - 1).max(0);
    if behind == 0 && (0..=62).contains(&exponent) {
        let whole = if exponent < 52 { fraction >> (52 - exponent) } else { fraction << (exponent - 52) };
        let spare = exponent - significant - 1;
        return whole_digits(whole, if spare > 0 { decimal_digits(spare) } else { 0 });
    }
    let power = estimate(fraction, exponent);
    // The number is b / s, and half a unit in its last place m / s; each is a power of five and one of two.
    let (b5, s5) = ((-power).max(0), power.max(0));
    let mut b2 = b5 + behind + exponent;
    let mut s2 = s5 + behind;
    let mut m2 = b2 - significant;
    b2 -= bits - 1;
    let common = b2.min(s2);
    (b2, s2, m2) = (b2 - common, s2 - common, m2 - common);
    if bits == 1 {
        // The number below a power of two is only half as far away.
        m2 -= 1;
    }
    if m2 < 0 {
        (b2, s2, m2) = (b2 - m2, s2 - m2, 0);
    }
    let fraction = fraction >> fraction.trailing_zeros();
    let five = |power: i32| 5_u64.pow(power as u32);
    // The number of bits of the number, and of the divisor ten times.
    let (number, tens) = (bits + b2 + five_bits(b5), s2 + 1 + five_bits(s5 + 1));
    if number < 32 && tens < 32 {
        divide(((fraction * five(b5)) << b2) as i32, (five(s5) << s2) as i32, (five(b5) << m2) as i32, power)
    } else if number < 64 && tens < 64 {
        divide(((fraction * five(b5)) << b2) as i64, (five(s5) << s2) as i64, (five(b5) << m2) as i64, power)
    } else {
        divide(Big::of(fraction, b5, b2), Big::of(1, s5, s2), Big::of(1, b5, m2), power)
    }
}

/// Returns how many bits a power of five has, or a few more for great ones.
fn five_bits(power: i32) -> i32 {
    match power {
        0 => 0,
        1..=26 => 5_u64.pow(power as u32).ilog2() as i32 + 1,
        _ => power * 3,
    }
}

/// Returns how many decimal digits a power of two has behind its first one.
fn decimal_digits(power: i32) -> u32 {
    if power > 1 { (1_u64 << power).ilog10() } else { 0 }
}

/// Returns the digits of a whole number, the last `insignificant` ones rounded away.
fn whole_digits(mut whole: u64, insignificant: u32) -> Digits {
    if insignificant > 0 {
        let power = 10_u64.pow(insignificant);
        let rest = whole % power;
        whole = whole / power + u64::from(rest >= power / 2);
    }
    let mut digits = whole.to_string().into_bytes();
    let exponent = (digits.len() as u32 + insignificant) as i32;
    while digits.len() > 1 && digits.last() == Some(&b'0') {
        digits.pop();
    }
    Digits { digits, exponent }
}

/// Returns the power of ten of the first digit, or one more: the tangent of the logarithm lies above it.
fn estimate(fraction: u64, exponent: i32) -> i32 {
    let mantissa = f64::from_bits((fraction & ((1 << 52) - 1)) | 1023 << 52);
    let log = (mantissa - 1.5) * 0.289529654 + 0.176091259 + f64::from(exponent) * 0.301029995663981;
    log.floor() as i32
}

/// Divides until the rest is smaller than half a unit in the number's last place.
fn divide<N: Whole>(mut b: N, s: N, mut m: N, mut power: i32) -> Digits {
    let mut tens = s.clone();
    tens.times_ten();
    let mut digits = Vec::with_capacity(20);
    let mut step = |digits: &mut Vec<u8>, leading: bool| {
        let digit = b.take_quotient(&s);
        b.times_ten();
        m.times_ten();
        if digit != 0 || !leading {
            digits.push(b'0' + digit);
        }
        (b.is_below(&m), b.sum_exceeds(&m, &tens))
    };
    let (mut low, mut high) = step(&mut digits, true);
    if digits.is_empty() {
        power -= 1;
    }
    if !(-3..8).contains(&power) {
        // Numbers with exponents have two digits at least.
        (low, high) = (false, false);
    }
    if digits.is_empty() && high {
        // The number is so close below a power of ten that it is taken for it: the float 0.01.
        return Digits { digits: vec![b'1'], exponent: power + 2 };
    }
    while !low && !high {
        (low, high) = step(&mut digits, false);
    }
    let up = high
        && match (low, b.double_against(&tens)) {
            (false, _) => true,
            (true, std::cmp::Ordering::Equal) => digits.last().is_some_and(|digit| digit % 2 == 1),
            (true, order) => order.is_gt(),
        };
    if up {
        power += i32::from(round_up(&mut digits));
    }
    Digits { digits, exponent: power + 1 }
}

/// Adds one to the last digit. Returns whether that made another one before the first.
fn round_up(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit != b'9' {
            *digit += 1;
            return false;
        }
        *digit = b'0';
    }
    digits[0] = b'1';
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(value: f64) -> String {
        let mut out = vec![];
        write_double(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn float(value: f32) -> String {
        let mut out = vec![];
        write_float(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_are_printed_as_java_17_does() {
        let seen = [
            (2.0e-3, "0.002"),
            (1.0e23, "9.999999999999999E22"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (5e-324, "4.9E-324"),
            (1e-5, "1.0E-5"),
            (1e7, "1.0E7"),
            (9999999.0, "9999999.0"),
            (123456789.0, "1.23456789E8"),
            (2.82879384806159e17, "2.82879384806159008E17"),
            (1.387364135037754e18, "1.38736413503775411E18"),
            (f64::MAX, "1.7976931348623157E308"),
            (4611686018427387904.0, "4.6116860184273879E18"),
            (9.999999999999999e-4, "9.999999999999998E-4"),
            (2e-322, "2.0E-322"),
            (-0.0, "-0.0"),
            (-1.5, "-1.5"),
            (100.0, "100.0"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, text) in seen {
            assert_eq!(double(value), text, "{value:e}");
        }
    }

    #[test]
    fn floats_are_printed_as_java_17_does() {
        // The last two owe their ends to an overflow in Java.
        let seen =
            [(0.01, "0.01"), (1e-45, "1.4E-45"), (3.4028235e38, "3.4028235E38"), (16777216.0, "1.6777216E7")];
        for (value, text) in seen
            .into_iter()
            .chain([(f32::from_bits(1_761_607_680), "9.6714065E24"), (5.9194057e25, "5.9194056E25")])
        {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn printed_numbers_are_read_as_themselves() {
        let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            let (value, small) = (f64::from_bits(bits), f32::from_bits((bits >> 32) as u32));

            assert!(value.is_nan() || double(value).parse() == Ok(value), "{value:e}");
            assert!(small.is_nan() || float(small).parse() == Ok(small), "{small:e}");
        }
    }

    #[test]
    fn decimals_have_exponents_when_they_are_small() {
        let text = |unscaled, scale| {
            let mut out = vec![];
            write_decimal(unscaled, scale, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(1, 7), "1E-7");
        assert_eq!(text(0, 10), "0E-10");
        assert_eq!(text(10_000_000_000_000, 20), "1.0000000000000E-7");
        assert_eq!(text(-1, 5), "-0.00001");
        assert_eq!(text(150_000, 5), "1.50000");
        assert_eq!(text(0, 0), "0");
        assert_eq!(text(100, 0), "100");
    }
}
