//! Dates and times in the forms that Spark reads without a pattern: `2020`, `2020-1-2`, `2020-01-02 03:04:05.123456`,
//! `T` in place of the space, a zone at the end.

use super::calendar::days_since_epoch;
use super::zone::Zone;

/// A time that was read.
pub(super) struct Time {
    /// The date; none if the text is a time of day alone.
    pub(super) days: Option<i64>,
    /// The microseconds since midnight.
    pub(super) micros: i64,
    pub(super) zone: Option<Zone>,
}

/// Reads a date. What follows a whole date behind a space or a `T` does not matter.
pub(super) fn date(text: &str) -> Option<i32> {
    let (days, rest) = leading_date(trimmed(text).as_bytes())?;
    let fits = rest.is_empty() || matches!(rest[0], b' ' | b'T');
    if fits { i32::try_from(days).ok() } else { None }
}

/// Reads a time: a date and a time of day, or either.
pub(super) fn time(text: &str) -> Option<Time> {
    let text = trimmed(text);
    let bytes = text.as_bytes();
    // A colon right behind the first digits, or a `T` at the beginning: there is no date.
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if bytes.first() == Some(&b'T') || bytes.get(digits) == Some(&b':') {
        let start = usize::from(bytes[0] == b'T');
        let (micros, zone) = time_of_day(&text[start..], true)?;
        return Some(Time { days: None, micros, zone });
    }
    let (days, rest) = leading_date(bytes)?;
    if rest.is_empty() {
        return Some(Time { days: Some(days), micros: 0, zone: None });
    }
    if !matches!(rest[0], b' ' | b'T') {
        return None;
    }
    let (micros, zone) = time_of_day(&text[bytes.len() - rest.len() + 1..], false)?;
    Some(Time { days: Some(days), micros, zone })
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| character <= ' ' || character == '\u{7f}')
}

/// Reads the date that text begins with. Returns what follows it, which is nothing unless the date has a day.
fn leading_date(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (sign, rest) = match bytes.first()? {
        b'-' => (-1, &bytes[1..]),
        b'+' => (1, &bytes[1..]),
        _ => (1, bytes),
    };
    let (year, mut rest) = number(rest, 4, 7)?;
    let (mut month, mut day) = (1, 1);
    if rest.first() == Some(&b'-') {
        (month, rest) = number(&rest[1..], 1, 2)?;
        if rest.first() == Some(&b'-') {
            (day, rest) = number(&rest[1..], 1, 2)?;
            let days = days_since_epoch(sign * i64::from(year), month, day)?;
            return Some((days, rest));
        }
    }
    if rest.is_empty() { Some((days_since_epoch(sign * i64::from(year), month, day)?, rest)) } else { None }
}

/// Reads a number of so many digits, and returns what follows it.
fn number(bytes: &[u8], min: usize, max: usize) -> Option<(u32, &[u8])> {
    let count = bytes.iter().take(max + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if count < min || count > max {
        return None;
    }
    let value = bytes[..count].iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    Some((value, &bytes[count..]))
}

/// Reads a time of day: hours, minutes and seconds, of which a time without a date has at least the first two; a
/// zone only behind seconds.
fn time_of_day(text: &str, minutes_needed: bool) -> Option<(i64, Option<Zone>)> {
    let (hours, mut rest) = number(text.as_bytes(), 1, 2)?;
    let (mut minutes, mut seconds, mut fraction, mut zone) = (0, 0, 0, None);
    let mut parts = 1;
    if rest.first() == Some(&b':') {
        (minutes, rest) = number(&rest[1..], 1, 2)?;
        parts = 2;
        if rest.first() == Some(&b':') {
            (seconds, rest) = number(&rest[1..], 1, 2)?;
            parts = 3;
        }
    }
    if parts == 3 && rest.first() == Some(&b'.') {
        let count = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        fraction = micros_of_fraction(&rest[1..=count]);
        rest = &rest[1 + count..];
    }
    if !rest.is_empty() {
        if parts < 3 {
            return None;
        }
        zone = Some(Zone::named(trimmed(&text[text.len() - rest.len()..]))?);
    }
    if hours > 23 || minutes > 59 || seconds > 59 || (minutes_needed && parts < 2) {
        return None;
    }
    Some((i64::from(hours * 3600 + minutes * 60 + seconds) * 1_000_000 + fraction, zone))
}

/// Returns the microseconds of digits behind a point; further digits are cut off.
pub(super) fn micros_of_fraction(digits: &[u8]) -> i64 {
    (0..6).fold(0, |value, i| value * 10 + digits.get(i).map_or(0, |digit| i64::from(digit - b'0')))
}
