//! Values written in a format: f-strings with one, `str.format`, and `%`.
//!
//! The front end has read the format. Digits are those of CPython: both round the exact value half to even. What is no
//! finite number has spellings of its own, and is left to the interpreter.

use crate::answer::{Answer, Mask, Refused};
use crate::column::{Column, Scalar, Text, TextBuilder};
use crate::format::{Align, Format, Kind, Piece};
use crate::items;
use crate::spelling;
use crate::text;

/// The digits of a value, in pieces that widths and groups are made of.
struct Digits {
    is_negative: bool,
    whole: String,
    /// The end behind the whole digits: fraction, exponent, percent sign.
    rest: String,
}

/// `format(value, format)`.
pub(crate) fn formatted(format: &Format, value: &Column, mask: &mut Mask) -> Answer<Text> {
    let rows = mask.rows();
    match format.kind {
        Kind::AnyText => {
            let all = text::text_of(value, mask)?;
            return of_texts(format, &all, mask);
        }
        Kind::Repr => {
            let all = items::repr(value, mask)?;
            return of_texts(format, &all, mask);
        }
        _ => {}
    }
    let mut made = TextBuilder::with_rows(rows);
    let mut push = |row: usize, digits: Option<Digits>, mask: &mut Mask| {
        let is_made = digits.is_some();
        let written = digits.map(|digits| format.of_digits(digits)).unwrap_or_default();
        if !made.push(&written) || !is_made {
            mask.set(row);
        }
    };
    match value.spread(rows) {
        Column::Text(all) => return of_texts(format, &all, mask),
        Column::Int(values) => {
            format.suits_ints()?;
            values.iter().enumerate().for_each(|(row, value)| push(row, format.of_int(*value), mask));
        }
        Column::Bool(values) => {
            format.suits_ints()?;
            let values = values.iter().map(|value| i64::from(*value)).enumerate();
            values.for_each(|(row, value)| push(row, format.of_int(value), mask));
        }
        Column::Float(values) => {
            format.suits_floats()?;
            values.iter().enumerate().for_each(|(row, value)| push(row, format.of_float(*value), mask));
        }
        Column::Const(_)
        | Column::List(_)
        | Column::Group(_)
        | Column::Tuple(_)
        | Column::Record(..)
        | Column::Numpy(_) => {
            return Err(Refused("a format of a value of this type"));
        }
    }
    Ok(made.build())
}

fn of_texts(format: &Format, all: &Text, mask: &mut Mask) -> Answer<Text> {
    if !matches!(format.kind, Kind::Default | Kind::Text | Kind::AnyText | Kind::Repr)
        || format.sign.is_some()
        || format.grouping.is_some()
        || format.align == Some(Align::Numeric)
    {
        return Err(Refused("a format of a number for a text"));
    }
    let mut made = TextBuilder::with_rows(mask.rows());
    for row in 0..mask.rows() {
        let whole = all.get(row);
        let text = match format.precision.and_then(|most| whole.char_indices().nth(most)) {
            Some((end, _)) => &whole[..end],
            None => whole,
        };
        if !made.push(&format.padded("", text, Align::Left)) {
            mask.set(row);
        }
    }
    Ok(made.build())
}

/// `"..." % value`, of a tuple one value for each place.
pub(crate) fn percent(pieces: &[Piece], value: &Column, mask: &mut Mask) -> Answer<Column> {
    let values = match value.spread(mask.rows()) {
        Column::Tuple(parts) => parts,
        other => vec![other],
    };
    let places = pieces.iter().filter(|piece| matches!(piece, Piece::Value(_))).count();
    if places != values.len() {
        return Err(Refused("more or fewer values than `%` has places for"));
    }
    let mut values = values.iter();
    let mut parts = vec![];
    for piece in pieces {
        parts.push(match (piece, matches!(piece, Piece::Value(_)).then(|| values.next()).flatten()) {
            (Piece::Value(format), Some(value)) => Column::Text(formatted(format, value, mask)?),
            (Piece::Value(_), None) => return Err(Refused("fewer values than `%` has places for")),
            (Piece::Literal(text), _) => Column::Const(Scalar::Str(text.as_str().into())),
        });
    }
    text::joined(&parts, mask)
}

impl Format {
    fn suits_ints(&self) -> Answer<()> {
        let suits = match self.kind {
            Kind::Default | Kind::Decimal => self.precision.is_none(),
            Kind::Hex | Kind::UpperHex | Kind::Octal | Kind::Binary => {
                self.precision.is_none() && self.grouping.is_none()
            }
            Kind::Fixed | Kind::Scientific | Kind::General | Kind::Percentage => true,
            Kind::Text | Kind::AnyText | Kind::Repr => false,
        };
        if suits { Ok(()) } else { Err(Refused("a format of another type for a whole number")) }
    }

    fn suits_floats(&self) -> Answer<()> {
        let suits = match self.kind {
            Kind::Default => self.precision.is_none(),
            Kind::Fixed | Kind::Scientific | Kind::General | Kind::Percentage => true,
            Kind::Decimal | Kind::Hex | Kind::UpperHex | Kind::Octal | Kind::Binary => false,
            Kind::Text | Kind::AnyText | Kind::Repr => false,
        };
        if suits { Ok(()) } else { Err(Refused("a format of another type for a float")) }
    }

    fn of_int(&self, value: i64) -> Option<Digits> {
        let size = value.unsigned_abs();
        let whole = match self.kind {
            Kind::Default | Kind::Decimal => size.to_string(),
            Kind::Hex => format!("{size:x}"),
            Kind::UpperHex => format!("{size:X}"),
            Kind::Octal => format!("{size:o}"),
            Kind::Binary => format!("{size:b}"),
            _ => return self.of_float(value as f64),
        };
        Some(Digits { is_negative: value < 0, whole, rest: String::new() })
    }

    fn of_float(&self, value: f64) -> Option<Digits> {
        if !value.is_finite() {
            return None;
        }
        let precision = self.precision.unwrap_or(6);
        let written = match self.kind {
            Kind::Fixed => format!("{value:.precision$}"),
            Kind::Scientific => scientific(value, precision),
            Kind::General => general(value, precision.max(1)),
            Kind::Percentage => {
                let hundredfold = value * 100.0;
                if !hundredfold.is_finite() {
                    return None;
                }
                format!("{hundredfold:.precision$}%")
            }
            _ => spelling::float(value),
        };
        let (is_negative, written) = match written.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, written.as_str()),
        };
        let digits = written.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, rest) = written.split_at(digits);
        Some(Digits { is_negative, whole: whole.into(), rest: rest.into() })
    }

    fn of_digits(&self, digits: Digits) -> String {
        let sign = match (digits.is_negative, self.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(' ')) => " ",
            (false, _) => "",
        };
        let whole = match self.grouping {
            Some(between) => grouped(&digits.whole, between),
            None => digits.whole,
        };
        self.padded(sign, &(whole + &digits.rest), if self.zero { Align::Numeric } else { Align::Right })
    }

    fn padded(&self, sign: &str, body: &str, by_default: Align) -> String {
        let fill = self.fill.unwrap_or(if self.zero { '0' } else { ' ' });
        let missing = self.width.saturating_sub(sign.len() + text::length(body.as_bytes()));
        let fills = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
        match self.align.unwrap_or(by_default) {
            Align::Left => format!("{sign}{body}{}", fills(missing)),
            Align::Right => format!("{}{sign}{body}", fills(missing)),
            Align::Center => format!("{}{sign}{body}{}", fills(missing / 2), fills(missing - missing / 2)),
            Align::Numeric => format!("{sign}{}{body}", fills(missing)),
        }
    }
}

/// Returns digits with something between each three, counted from the right.
fn grouped(digits: &str, between: char) -> String {
    let mut made = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            made.push(between);
        }
        made.push(digit);
    }
    made
}

/// As `e` writes it: an exponent has a sign and two digits at least.
fn scientific(value: f64, precision: usize) -> String {
    let written = format!("{value:.precision$e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    with_exponent(mantissa, exponent)
}

fn with_exponent(mantissa: &str, exponent: i32) -> String {
    let direction = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{direction}{:02}", exponent.abs())
}

/// As `g` writes it: so many digits, without zeros at their end, and an exponent if it is far from zero.
fn general(value: f64, digits: usize) -> String {
    let written = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..digits as i32).contains(&exponent) {
        let behind = (digits as i32 - 1 - exponent).max(0) as usize;
        return without_zeros(&format!("{value:.behind$}")).into();
    }
    with_exponent(without_zeros(mantissa), exponent)
}

fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}
