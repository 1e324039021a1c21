//! Puts the values of JSON into columns, by Spark's rules of which value fits which type.

use super::build::{Column, Data, Record};
use super::options::JsonOptions;
use super::scan::{Broken, Scanner};
use crate::columns::decimal::Decimal;
use crate::columns::times::Times;
use crate::fault::Fault;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, PAD};

/// Spark's parser does not mind bits behind the last byte.
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, PAD.with_decode_allow_trailing_bits(true));

/// The reason why a value is not in its column.
pub(super) enum Fail {
    /// The record is not JSON.
    Broken(Broken),
    /// The value does not fit.
    Value(Fault),
}

impl From<Broken> for Fail {
    fn from(broken: Broken) -> Fail {
        Fail::Broken(broken)
    }
}

#[cold]
fn unfit<T>(reason: &str) -> Result<T, Fail> {
    Err(Fail::Value(Fault::new(reason)))
}

/// Fills columns.
pub(super) struct Filler {
    times: Times,
    days: bool,
    scratch: String,
    /// The first field of the record that does not fit.
    pub(super) bad: Option<Fault>,
}

impl Filler {
    pub(super) fn new(options: &JsonOptions) -> Filler {
        Filler { times: options.times.clone(), days: options.days, scratch: String::new(), bad: None }
    }

    /// Takes an object as a row. Fields that do not fit are null, and noted.
    pub(super) fn object(&mut self, scan: &mut Scanner<'_>, record: &mut Record) -> Result<(), Broken> {
        scan.enter()?;
        let (mut first, mut at) = (true, 0);
        while let Some(name) = scan.next_name(&mut first, &mut self.scratch)? {
            let column = record.find(at, name);
            at += 1;
            match column {
                None => scan.skip(&mut self.scratch)?,
                Some(column) => self.field(scan, record, column)?,
            }
        }
        record.end_row();
        Ok(())
    }

    /// Takes a field's value. The last one counts of several with its name, unless it does not fit.
    #[inline]
    fn field(&mut self, scan: &mut Scanner<'_>, record: &mut Record, at: usize) -> Result<(), Broken> {
        scan.peek()?;
        let place = scan.position();
        let column = &mut record.columns[at];
        let before = (column.len() > record.rows).then_some(record.places[at]);
        if before.is_some() {
            column.truncate(record.rows);
        }
        match self.value(scan, column) {
            Ok(()) => record.places[at] = place,
            Err(Fail::Broken(broken)) => return Err(broken),
            Err(Fail::Value(fault)) => {
                column.truncate(record.rows);
                self.note(scan, place, fault, column.field.name())?;
                if let Some(before) = before {
                    let end = scan.position();
                    scan.go_to(before);
                    if self.value(scan, column).is_err() {
                        column.truncate(record.rows);
                    }
                    scan.go_to(end);
                }
            }
        }
        Ok(())
    }

    /// Goes behind a value that does not fit, and notes it.
    #[cold]
    fn note(
        &mut self,
        scan: &mut Scanner<'_>,
        place: (usize, u32),
        fault: Fault,
        name: &str,
    ) -> Result<(), Broken> {
        scan.go_to(place);
        scan.skip(&mut self.scratch)?;
        if self.bad.is_none() {
            self.bad = Some(fault.in_column(name, || Some(scan.since(place).to_string())));
        }
        Ok(())
    }

    fn value(&mut self, scan: &mut Scanner<'_>, column: &mut Column) -> Result<(), Fail> {
        let byte = scan.peek()?;
        if byte == b'n' {
            scan.word("null")?;
            column.push_null();
            return Ok(());
        }
        match &mut column.data {
            Data::Null => {
                scan.skip(&mut self.scratch)?;
                column.push_null();
                return Ok(());
            }
            Data::Text(ends, text) => {
                self.text(scan, byte, text)?;
                ends.push(text.len());
            }
            Data::Long(values) => values.push(whole(scan, byte, "it is not a whole number (long)")?),
            Data::Integer(values) => values.push(whole(scan, byte, "it is not a whole number (integer)")?),
            Data::Short(values) => values.push(whole(scan, byte, "it is not a whole number (short)")?),
            Data::Byte(values) => {
                // Spark's parser takes bytes without a sign, too, and then gives them one.
                let value: i16 = whole(scan, byte, "it is not a whole number (byte)")?;
                if !(-128..=255).contains(&value) {
                    return unfit("it is not a whole number (byte)");
                }
                values.push(value as i8);
            }
            Data::Boolean(values) => values.append(boolean(scan, byte)?),
            Data::Double(values) => values.push(self.float(scan, byte)?),
            Data::Float(values) => values.push(self.float(scan, byte)?),
            Data::Decimal(values, precision, scale) => {
                values.push(self.decimal(scan, byte, *precision, *scale)?);
            }
            Data::Date(values) => values.push(self.date(scan, byte)?),
            Data::Timestamp(values) => values.push(self.timestamp(scan, byte)?),
            Data::TimestampNtz(values) => {
                let text = string(scan, byte, &mut self.scratch, "it is not a time without a zone")?;
                match self.times.parse_timestamp_ntz(text) {
                    Some(micros) => values.push(micros),
                    None => return unfit("it is not a time without a zone (timestamp_ntz)"),
                }
            }
            Data::Binary(ends, bytes) => {
                let text = string(scan, byte, &mut self.scratch, "it is not a string in base64")?;
                decode(text, scan.position().0, bytes)?;
                ends.push(bytes.len());
            }
            Data::List(ends, item) => {
                if byte != b'[' {
                    return unfit("it is not an array");
                }
                self.elements(scan, item)?;
                ends.push(item.len());
            }
            Data::Map(ends, key, value) => {
                if byte != b'{' {
                    return unfit("it is not an object");
                }
                self.entries(scan, key, value)?;
                ends.push(key.len());
            }
            Data::Struct(record) => {
                if byte != b'{' {
                    return unfit("it is not an object");
                }
                self.object(scan, record)?;
            }
        }
        column.valid.append_non_null();
        Ok(())
    }

    fn elements(&mut self, scan: &mut Scanner<'_>, item: &mut Column) -> Result<(), Fail> {
        scan.enter()?;
        let mut first = true;
        while scan.next_element(&mut first)? {
            self.value(scan, item)?;
        }
        Ok(())
    }

    fn entries(&mut self, scan: &mut Scanner<'_>, key: &mut Column, value: &mut Column) -> Result<(), Fail> {
        scan.enter()?;
        let mut first = true;
        while let Some(name) = scan.next_name(&mut first, &mut self.scratch)? {
            if let Data::Text(ends, text) = &mut key.data {
                text.push_str(name);
                ends.push(text.len());
                key.valid.append_non_null();
            }
            self.value(scan, value)?;
        }
        Ok(())
    }

    /// Appends a string; of another value its text in the file.
    fn text(&mut self, scan: &mut Scanner<'_>, byte: u8, out: &mut String) -> Result<(), Broken> {
        if scan.quotes(byte) {
            out.push_str(scan.string(&mut self.scratch)?);
            return Ok(());
        }
        let place = scan.position();
        scan.skip(&mut self.scratch)?;
        out.push_str(scan.since(place));
        Ok(())
    }

    fn float<F: Float>(&mut self, scan: &mut Scanner<'_>, byte: u8) -> Result<F, Fail> {
        const REASON: &str = "it is not a number";
        if Scanner::counts(byte) {
            let number = scan.number()?;
            let parsed = match (number.word, number.text) {
                (true, word) => named(word),
                // Spark reads a whole number first, which has no negative zero.
                (false, "-0") => F::parse("0"),
                (false, text) => F::parse(text),
            };
            return parsed.map_or_else(|| unfit(REASON), Ok);
        }
        let text = string(scan, byte, &mut self.scratch, REASON)?;
        named(text).map_or_else(|| unfit(REASON), Ok)
    }

    fn decimal(&mut self, scan: &mut Scanner<'_>, byte: u8, precision: u8, scale: i8) -> Result<i128, Fail> {
        let text = match Scanner::counts(byte) {
            true => scan.number()?.text,
            false => string(scan, byte, &mut self.scratch, "it is not a decimal number")?,
        };
        let parsed = Decimal::of(text).and_then(|decimal| decimal.rounded(precision, scale));
        let reason = || format!("it is no number of decimal({precision},{scale})");
        parsed.map_or_else(|| unfit(&reason()), Ok)
    }

    fn date(&mut self, scan: &mut Scanner<'_>, byte: u8) -> Result<i32, Fail> {
        let text = string(scan, byte, &mut self.scratch, "it is not a date in a string")?;
        let days = || if self.days { text.parse().ok() } else { None };
        // A number that is no year, of four digits, is one of days to Spark, unless a format was asked for.
        let parsed = self.times.parse_date(text).or_else(days);
        parsed.map_or_else(|| unfit("it is not a date: see the option dateFormat"), Ok)
    }

    /// Takes a point in time; a number is one of seconds since 1970.
    fn timestamp(&mut self, scan: &mut Scanner<'_>, byte: u8) -> Result<i64, Fail> {
        if Scanner::counts(byte) {
            let seconds: i64 = whole(scan, byte, "it is not a whole number of seconds (timestamp)")?;
            return Ok(seconds.wrapping_mul(1_000_000));
        }
        let text = string(scan, byte, &mut self.scratch, "it is not a point in time (timestamp)")?;
        let parsed = self.times.parse_timestamp(text);
        parsed.map_or_else(|| unfit("it is not a point in time: see the option timestampFormat"), Ok)
    }
}

/// The two types of floating-point numbers.
trait Float: Sized {
    fn parse(text: &str) -> Option<Self>;
    fn of(value: f32) -> Self;
}

impl Float for f64 {
    fn parse(text: &str) -> Option<f64> {
        text.parse().ok()
    }

    fn of(value: f32) -> f64 {
        value.into()
    }
}

impl Float for f32 {
    fn parse(text: &str) -> Option<f32> {
        text.parse().ok()
    }

    fn of(value: f32) -> f32 {
        value
    }
}

/// Returns the number that a word stands for, in a string or without quotes.
fn named<F: Float>(word: &str) -> Option<F> {
    Some(F::of(match word {
        "NaN" => f32::NAN,
        "Infinity" | "+Infinity" | "+INF" => f32::INFINITY,
        "-Infinity" | "-INF" => f32::NEG_INFINITY,
        _ => return None,
    }))
}

#[inline]
fn whole<N: std::str::FromStr>(scan: &mut Scanner<'_>, byte: u8, reason: &str) -> Result<N, Fail> {
    if !Scanner::counts(byte) {
        return unfit(reason);
    }
    let number = scan.number()?;
    if !number.whole {
        return unfit(reason);
    }
    number.text.parse().or_else(|_| unfit(reason))
}

fn boolean(scan: &mut Scanner<'_>, byte: u8) -> Result<bool, Fail> {
    match byte {
        b't' => scan.word("true")?,
        b'f' => scan.word("false")?,
        _ => return unfit("it is neither true nor false (boolean)"),
    }
    Ok(byte == b't')
}

/// Decodes a string in base64, which may have blanks between its groups of four. One that breaks off breaks
/// the record, since Spark's parser looks for the rest behind the string's end.
fn decode(text: &str, at: usize, out: &mut Vec<u8>) -> Result<(), Fail> {
    let mut groups = String::with_capacity(text.len());
    for character in text.chars() {
        if character > ' ' || !groups.len().is_multiple_of(4) {
            groups.push(character);
        }
    }
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let (whole, rest) = groups.as_bytes().split_at(groups.len() / 4 * 4);
    let breaks_off = match rest {
        [one] => fits(one),
        [one, two, b'='] => fits(one) && fits(two),
        _ => false,
    };
    if breaks_off && whole.iter().all(|byte| fits(byte) || *byte == b'=') {
        return Err(Fail::Broken(Broken { at, reason: "a string in base64 ends too early" }));
    }
    BASE64.decode_vec(groups, out).or_else(|_| unfit("it is not a string in base64"))
}

fn string<'s, 'a: 's>(
    scan: &mut Scanner<'a>,
    byte: u8,
    scratch: &'s mut String,
    reason: &str,
) -> Result<&'s str, Fail> {
    if scan.quotes(byte) { Ok(scan.string(scratch)?) } else { unfit(reason) }
}
