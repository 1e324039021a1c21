//! Writes values as Java's `toString` does, by which TextOutputFormat makes lines.

use super::value::Value;
use std::fmt::Write;

impl Value {
    /// Appends the text that the class's `toString` returns.
    ///
    /// Numbers of Java are the shortest that read back as the same (as since Java 19; older ones sometimes write a digit more).
    /// Maps keep the order of their entries, where Java's comes from hashes.
    ///
    /// ```
    /// use firesteel_io::hadoop::Value;
    /// let text = |value: Value| { let mut out = String::new(); value.put_java_text(&mut out); out };
    /// assert_eq!(text(Value::Double(1e20)), "1.0E20");
    /// assert_eq!(text(Value::Boolean(true)), "true");
    /// assert_eq!(text(Value::Map(vec![(Value::Text("a".into()), Value::Int(1))])), "{a=1}");
    /// assert_eq!(text(Value::Bytes(vec![1, 0xAB])), "01 ab");
    /// ```
    pub fn put_java_text(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = match self {
            Value::Null => write!(out, "(null)"),
            Value::Boolean(value) => write!(out, "{value}"),
            Value::Byte(value) => write!(out, "{value}"),
            Value::Short(value) => write!(out, "{value}"),
            Value::Int(value) | Value::VInt(value) => write!(out, "{value}"),
            Value::Long(value) | Value::VLong(value) => write!(out, "{value}"),
            Value::Float(value) => {
                let digits = two_digits(format!("{value:e}"), format!("{value:.1e}"), |text| {
                    text.parse() == Ok(*value)
                });
                write!(out, "{}", java_number(&digits, f64::from(*value)))
            }
            Value::Double(value) => {
                let digits = two_digits(format!("{value:e}"), format!("{value:.1e}"), |text| {
                    text.parse() == Ok(*value)
                });
                write!(out, "{}", java_number(&digits, *value))
            }
            Value::Text(value) => write!(out, "{value}"),
            Value::Bytes(bytes) => bytes.iter().enumerate().try_for_each(|(i, byte)| {
                let space = if i == 0 { "" } else { " " };
                write!(out, "{space}{byte:02x}")
            }),
            Value::Map(entries) => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    key.put_java_text(out);
                    out.push('=');
                    value.put_java_text(out);
                }
                out.push('}');
                Ok(())
            }
        };
    }
}

/// Returns the shortest digits of a number; but where one digit would do, the nearest number of two, since
/// Java writes two at least: `4.9E-324`, not `5.0E-324`.
fn two_digits(shortest: String, two: String, is_same: impl Fn(&str) -> bool) -> String {
    if shortest.contains('.') || !is_same(&two) { shortest } else { two }
}

/// Returns a number in Java's notation, from its shortest digits in scientific notation (`-1.5e-7`): plain
/// from a thousandth up to ten millions, else with an exponent; always with a digit behind the point.
fn java_number(scientific: &str, value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    let (sign, unsigned) = scientific.strip_prefix('-').map_or(("", scientific), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_suffix('0').filter(|rest| !rest.is_empty()).unwrap_or(&digits);
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let or_zero = |text: &str| if text.is_empty() { "0".to_string() } else { text.to_string() };
    match exponent {
        0..=6 => {
            let whole = exponent as usize + 1;
            let padded = format!("{digits:0<whole$}");
            format!("{sign}{}.{}", &padded[..whole], or_zero(&padded[whole..]))
        }
        -3..0 => format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize)),
        _ => format!("{sign}{}.{}E{exponent}", &digits[..1], or_zero(&digits[1..])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(value: f64) -> String {
        let mut out = String::new();
        Value::Double(value).put_java_text(&mut out);
        out
    }

    #[test]
    fn doubles_are_written_as_java_does() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (1e-5, "1.0E-5"),
            (1234567.0, "1234567.0"),
            (9999999.5, "9999999.5"),
            (1e7, "1.0E7"),
            (1e20, "1.0E20"),
            (-1.5e300, "-1.5E300"),
            (123456.789, "123456.789"),
            (5e-324, "4.9E-324"),
            (2f64.powi(53), "9.007199254740992E15"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double(value), text);
        }
        let mut out = String::new();
        Value::Float(0.1).put_java_text(&mut out);
        assert_eq!(out, "0.1");
    }
}
