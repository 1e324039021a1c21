//! Reads text by a pattern: every character must be as the pattern says, and the date must exist.

use super::calendar::{days_since_epoch, is_leap, month_and_day};
use super::lenient::micros_of_fraction;
use super::pattern::{OffsetForm, Part, Pattern, Unit};
use super::print::{DAYS, MONTHS};
use super::zone::Zone;

/// The parts that were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Parsed {
    year: Option<i64>,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    hour: Option<i64>,
    half_day_hour: Option<i64>,
    minute: i64,
    second: i64,
    micros: i64,
    afternoon: bool,
    before_christ: bool,
    pub(super) zone: Option<Zone>,
}

/// Reads text that has exactly the pattern's form.
pub(super) fn parse(pattern: &Pattern, text: &str) -> Option<Parsed> {
    let mut parsed = Parsed::default();
    let rest = all(&pattern.parts, text, &mut parsed)?;
    rest.is_empty().then_some(parsed)
}

fn all<'a>(parts: &[Part], text: &'a str, parsed: &mut Parsed) -> Option<&'a str> {
    parts.iter().try_fold(text, |text, part| one(part, text, parsed))
}

/// Reads one part, and returns what follows.
fn one<'a>(part: &Part, text: &'a str, parsed: &mut Parsed) -> Option<&'a str> {
    match part {
        Part::Literal(literal) => strip_prefix(text, literal),
        Part::Number { unit, min, max, reserve } => {
            let (value, rest) = number(text, *unit, *min, *max, *reserve)?;
            parsed.set(*unit, value)?;
            Some(rest)
        }
        Part::ShortYear => {
            let (value, rest) = digits(text, 2, 2, 0)?;
            parsed.year = Some(2000 + value);
            Some(rest)
        }
        Part::Fraction(most) => {
            let count = text.bytes().take(*most).take_while(u8::is_ascii_digit).count();
            parsed.micros = micros_of_fraction(&text.as_bytes()[..count]);
            (count > 0).then(|| &text[count..])
        }
        Part::MonthName { full } => {
            let (index, rest) = name(text, &MONTHS, *full)?;
            parsed.month = Some(index as u32 + 1);
            Some(rest)
        }
        Part::DayName { full } => name(text, &DAYS, *full).map(|(_, rest)| rest),
        Part::QuarterName => None,
        Part::HalfDay => {
            let afternoon = strip_prefix(text, "PM");
            parsed.afternoon = afternoon.is_some();
            afternoon.or_else(|| strip_prefix(text, "AM"))
        }
        Part::Era => {
            let before = strip_prefix(text, "BC");
            parsed.before_christ = before.is_some();
            before.or_else(|| strip_prefix(text, "AD"))
        }
        Part::Offset(form) => {
            let (name, rest) = offset(text, *form)?;
            parsed.zone = Some(Zone::named(&name)?);
            Some(rest)
        }
        Part::ZoneName | Part::ZoneId => {
            let fits = |character: char| character.is_ascii_alphanumeric() || "/_+-:".contains(character);
            let end = text.find(|character| !fits(character)).unwrap_or(text.len());
            parsed.zone = Some(Zone::colloquial(&text[..end])?);
            Some(&text[end..])
        }
        Part::Optional(parts) => {
            let mut inner = parsed.clone();
            match all(parts, text, &mut inner) {
                Some(rest) => {
                    *parsed = inner;
                    Some(rest)
                }
                None => Some(text),
            }
        }
    }
}

/// Removes a prefix, whose letters may be large or small.
fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

fn name<'a>(text: &'a str, names: &[&str], full: bool) -> Option<(usize, &'a str)> {
    names.iter().enumerate().find_map(|(index, name)| {
        let name = if full { name } else { &name[..3] };
        strip_prefix(text, name).map(|rest| (index, rest))
    })
}

fn number(text: &str, unit: Unit, min: usize, max: usize, reserve: usize) -> Option<(i64, &str)> {
    if unit != Unit::Year {
        return digits(text, min, max, reserve);
    }
    let padded = min >= 4;
    if let Some(rest) = text.strip_prefix('-') {
        return digits(rest, min, max, reserve).map(|(value, rest)| (-value, rest));
    }
    let signed = text.strip_prefix('+').filter(|_| padded);
    let (value, rest) = digits(signed.unwrap_or(text), min, max, reserve)?;
    let count = signed.unwrap_or(text).len() - rest.len();
    // A year of more digits than the pattern has bears its sign, and no other one does.
    (!padded || signed.is_some() == (count > min)).then_some((value, rest))
}

/// Reads as many digits as there are, but not those that are reserved for what follows.
fn digits(text: &str, min: usize, max: usize, reserve: usize) -> Option<(i64, &str)> {
    let run = text.bytes().take(max + reserve).take_while(u8::is_ascii_digit).count();
    let count = run.saturating_sub(reserve).max(min).min(max);
    if run < count {
        return None;
    }
    text[..count].parse().ok().map(|value| (value, &text[count..]))
}

/// Reads an offset of one form, and returns the name of its zone.
fn offset(text: &str, form: OffsetForm) -> Option<(String, &str)> {
    let text = if form.prefix { strip_prefix(text, "GMT")? } else { text };
    if let Some(rest) = form.zero.and_then(|zero| strip_prefix(text, zero)) {
        return Some(("Z".into(), rest));
    }
    if form.prefix && !text.starts_with(['+', '-']) {
        return Some(("Z".into(), text));
    }
    let sign = text.get(..1).filter(|sign| matches!(*sign, "+" | "-"))?;
    let (hours, mut rest) = digits(&text[1..], 2, 2, 0)?;
    let mut name = format!("{sign}{hours:02}");
    for (index, needed) in [(1, !form.short), (2, false)] {
        let part = if form.colon { rest.strip_prefix(':') } else { Some(rest) };
        let read = part.filter(|_| index == 1 || form.seconds).and_then(|part| digits(part, 2, 2, 0));
        match read {
            Some((value, after)) => {
                name += &format!(":{value:02}");
                rest = after;
            }
            None if needed => return None,
            None => break,
        }
    }
    Some((name, rest))
}

impl Parsed {
    /// Keeps a number, if it is in the unit's range.
    fn set(&mut self, unit: Unit, value: i64) -> Option<()> {
        let small = u32::try_from(value).ok();
        let range = |range: std::ops::RangeInclusive<i64>| range.contains(&value).then_some(value);
        match unit {
            Unit::Year => self.year = Some(value),
            Unit::Month => self.month = Some(small?),
            Unit::Day => self.day = Some(small?),
            Unit::DayOfYear => self.day_of_year = Some(small?),
            Unit::Hour => self.hour = Some(range(0..=23)?),
            Unit::ClockHour => self.hour = Some(range(1..=24)? % 24),
            Unit::HalfDayClockHour => self.half_day_hour = Some(range(1..=12)? % 12),
            Unit::HalfDayHour => self.half_day_hour = Some(range(0..=11)?),
            Unit::Minute => self.minute = range(0..=59)?,
            Unit::Second => self.second = range(0..=59)?,
            Unit::Quarter => return None,
        }
        Some(())
    }

    /// Returns the date, in days since 1970: the first day of what is not given, in 1970 if no year is.
    pub(super) fn days(&self) -> Option<i64> {
        let year = self.year.unwrap_or(1970);
        let year = if self.before_christ { 1 - year } else { year };
        // Times of such years are beyond the range of all types.
        if !(-6_000_000..=6_000_000).contains(&year) {
            return None;
        }
        match self.day_of_year {
            Some(366) if !is_leap(year) => None,
            Some(number) => {
                let (month, day) = month_and_day(year, number)?;
                days_since_epoch(year, month, day)
            }
            None => days_since_epoch(year, self.month.unwrap_or(1), self.day.unwrap_or(1)),
        }
    }

    /// Returns the time of day, in microseconds.
    pub(super) fn micros(&self) -> i64 {
        let half = self.half_day_hour.map(|hour| hour + if self.afternoon { 12 } else { 0 });
        let hour = self.hour.or(half).unwrap_or(0);
        (hour * 3600 + self.minute * 60 + self.second) * 1_000_000 + self.micros
    }
}
