//! Writes dates and times by a pattern.

use super::calendar::{DAY_MICROS, civil_date, day_of_year};
use super::pattern::{OffsetForm, Part, Pattern, Unit};
use super::zone::Zone;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The offset of the default form of times.
const DEFAULT_OFFSET: OffsetForm =
    OffsetForm { zero: Some("Z"), colon: true, short: false, seconds: true, prefix: false };

/// A point in time as clocks show it.
pub(super) struct Moment<'a> {
    days: i64,
    year: i64,
    month: u32,
    day: u32,
    /// Microseconds since midnight.
    micros: i64,
    /// The zone, the seconds since 1970 in UTC, and the offset then.
    zone: Option<(&'a Zone, i64, i32)>,
}

impl<'a> Moment<'a> {
    pub(super) fn of_date(days: i64) -> Moment<'a> {
        let (year, month, day) = civil_date(days);
        Moment { days, year, month, day, micros: 0, zone: None }
    }

    /// Returns the moment so many microseconds after 1970 began on the clocks of its zone.
    pub(super) fn of_micros(micros: i128, zone: Option<(&'a Zone, i64, i32)>) -> Moment<'a> {
        let day = i128::from(DAY_MICROS);
        let days = i64::try_from(micros.div_euclid(day)).unwrap_or(0);
        Moment { micros: micros.rem_euclid(day) as i64, zone, ..Moment::of_date(days) }
    }

    fn unit(&self, unit: Unit) -> i64 {
        let hour = self.micros / 3_600_000_000;
        let from_one = |hour: i64, of: i64| if hour % of == 0 { of } else { hour % of };
        match unit {
            Unit::Year => self.year,
            Unit::Month => self.month.into(),
            Unit::Day => self.day.into(),
            Unit::DayOfYear => day_of_year(self.year, self.month, self.day).into(),
            Unit::Hour => hour,
            Unit::ClockHour => from_one(hour, 24),
            Unit::HalfDayClockHour => from_one(hour, 12),
            Unit::HalfDayHour => hour % 12,
            Unit::Minute => self.micros / 60_000_000 % 60,
            Unit::Second => self.micros / 1_000_000 % 60,
            Unit::Quarter => (i64::from(self.month) + 2) / 3,
        }
    }
}

/// Appends a number with at least so many digits.
fn padded(value: i64, width: usize, out: &mut Vec<u8>) {
    let (mut digits, mut at, mut left) = ([b'0'; 20], 20, value.unsigned_abs());
    while left > 0 {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    out.extend_from_slice(&digits[at.min(20 - width)..]);
}

/// Appends a year: with a sign, if it has more digits than the pattern or is negative.
fn year(value: i64, width: usize, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    } else if width >= 4 && value >= 10_i64.pow(width as u32) {
        out.push(b'+');
    }
    padded(value, width, out);
}

/// Appends a time in the form that is used where no pattern is set.
pub(super) fn default_timestamp(moment: &Moment<'_>, out: &mut Vec<u8>) {
    year(moment.year, 4, out);
    let units = [
        (b'-', Unit::Month),
        (b'-', Unit::Day),
        (b'T', Unit::Hour),
        (b':', Unit::Minute),
        (b':', Unit::Second),
    ];
    for (before, unit) in units {
        out.push(before);
        padded(moment.unit(unit), 2, out);
    }
    out.push(b'.');
    padded(moment.micros / 1000 % 1000, 3, out);
    offset(moment, DEFAULT_OFFSET, out);
}

/// Appends a moment by a pattern.
pub(super) fn print(pattern: &Pattern, moment: &Moment<'_>, out: &mut Vec<u8>) {
    parts(&pattern.parts, moment, out);
}

fn parts(list: &[Part], moment: &Moment<'_>, out: &mut Vec<u8>) {
    // Eras count their years from 1.
    let eras = list.iter().any(|part| matches!(part, Part::Era));
    let of_era = |year: i64| if eras && year < 1 { 1 - year } else { year };
    for part in list {
        match part {
            Part::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Part::Number { unit: Unit::Year, min, .. } => year(of_era(moment.year), *min, out),
            Part::Number { unit, min, .. } => padded(moment.unit(*unit), *min, out),
            Part::ShortYear => padded(moment.year.rem_euclid(100), 2, out),
            Part::Fraction(count) => {
                let digits = format!("{:06}000", moment.micros % 1_000_000);
                out.extend_from_slice(&digits.as_bytes()[..*count]);
            }
            Part::MonthName { full } => name(MONTHS[moment.month as usize - 1], *full, out),
            Part::DayName { full } => name(DAYS[(moment.days + 3).rem_euclid(7) as usize], *full, out),
            Part::QuarterName => {
                out.push(b'Q');
                padded(moment.unit(Unit::Quarter), 1, out);
            }
            Part::HalfDay => {
                let afternoon = moment.unit(Unit::Hour) >= 12;
                out.extend_from_slice(if afternoon { b"PM" } else { b"AM" });
            }
            Part::Era => out.extend_from_slice(if moment.year > 0 { b"AD" } else { b"BC" }),
            Part::Offset(form) => offset(moment, *form, out),
            Part::ZoneName => {
                if let Some((zone, seconds, _)) = moment.zone {
                    out.extend_from_slice(zone.short_name(seconds).as_bytes());
                }
            }
            Part::ZoneId => {
                out.extend_from_slice(moment.zone.map_or("", |(zone, ..)| zone.name()).as_bytes())
            }
            // All of a section is there, unless it needs a zone and there is none.
            Part::Optional(inner) => {
                let zoned = |part: &Part| matches!(part, Part::Offset(_) | Part::ZoneName | Part::ZoneId);
                if moment.zone.is_some() || !inner.iter().any(zoned) {
                    parts(inner, moment, out);
                }
            }
        }
    }
}

fn name(text: &str, full: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if full { text } else { &text[..3] }.as_bytes());
}

fn offset(moment: &Moment<'_>, form: OffsetForm, out: &mut Vec<u8>) {
    let Some((_, _, offset)) = moment.zone else { return };
    if form.prefix {
        out.extend_from_slice(b"GMT");
    }
    if offset == 0 && (form.zero.is_some() || form.prefix) {
        return out.extend_from_slice(form.zero.unwrap_or("").as_bytes());
    }
    out.push(if offset < 0 { b'-' } else { b'+' });
    let seconds = i64::from(offset.unsigned_abs());
    padded(seconds / 3600, 2, out);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    if !form.short || minutes > 0 {
        out.extend_from_slice(if form.colon { b":" } else { b"" });
        padded(minutes, 2, out);
    }
    if form.seconds && rest > 0 {
        out.extend_from_slice(if form.colon { b":" } else { b"" });
        padded(rest, 2, out);
    }
}
