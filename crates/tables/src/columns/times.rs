//! Dates and times as text, in the time zone and by the patterns that the options ask for: `timeZone`,
//! `dateFormat`, `timestampFormat`, `timestampNTZFormat`. Shared by the formats of text.
//!
//! Without a pattern, text is read leniently, as Spark casts it (`lenient`), and written in one form. With a
//! pattern (`pattern`), text has exactly its form.

mod calendar;
mod lenient;
mod parse;
mod pattern;
mod print;
mod zone;

use super::options::Options;
use calendar::{DAY_MICROS, days_of, micros_of};
use pattern::Pattern;
use print::{Moment, print};
use zone::Zone;

/// The option by which text that does not have the form of a pattern is read all the same.
const FALLBACK: &str = "enableDateTimeParsingFallback";

/// The rules by which dates and times are read and written.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    zone: Zone,
    date: Option<Pattern>,
    timestamp: Option<Pattern>,
    timestamp_ntz: Option<Pattern>,
    /// The pattern of dates whose text the inference of schemas calls a date, where no option sets one.
    strict_date: Pattern,
    /// True if text that does not have the form of a pattern is read as if there were none; false if dates have the
    /// default form where there is none.
    lenient: Option<bool>,
}

impl Times {
    /// Reads the rules from the options.
    pub(crate) fn of(options: &Options) -> Result<Times, String> {
        let pattern = |name: &str| match options.get(name) {
            None => Ok(None),
            Some(text) => Pattern::of(text).map(Some).map_err(|what| format!("the option {name}: {what}")),
        };
        let zone = options.get("timeZone").unwrap_or("UTC");
        let zone = Zone::named(zone.trim()).ok_or_else(|| {
            format!(
                "the option timeZone: there is no time zone {zone:?}. Use a region (Europe/Berlin) or an \
                 offset (+02:00)"
            )
        })?;
        Ok(Times {
            zone,
            date: pattern("dateFormat")?,
            timestamp: pattern("timestampFormat")?,
            timestamp_ntz: pattern("timestampNTZFormat")?,
            strict_date: Pattern::of("yyyy-MM-dd")?,
            lenient: match options.get(FALLBACK) {
                Some(_) => Some(options.flag(FALLBACK, false)?),
                None => None,
            },
        })
    }

    /// Checks that text can be read by the patterns: some letters serve writing alone.
    pub(crate) fn check_reading(&self) -> Result<(), String> {
        for pattern in [&self.date, &self.timestamp, &self.timestamp_ntz].into_iter().flatten() {
            pattern.check_reading()?;
        }
        Ok(())
    }

    /// Returns whether a pattern has words of a language: names of months and days, AM and PM.
    pub(crate) fn has_words(&self) -> bool {
        [&self.date, &self.timestamp, &self.timestamp_ntz].into_iter().flatten().any(Pattern::has_words)
    }

    /// Reads a date, in days since 1970.
    pub(crate) fn parse_date(&self, text: &str) -> Option<i32> {
        match &self.date {
            None if self.lenient == Some(false) => self.parse_strict_date(text),
            None => lenient::date(text),
            Some(pattern) => {
                let days = parse::parse(pattern, text).and_then(|parsed| parsed.days());
                let days = days.and_then(|days| i32::try_from(days).ok());
                days.or_else(|| if self.lenient == Some(true) { lenient::date(text) } else { None })
            }
        }
    }

    /// Reads a date as the inference of schemas does: only in the form of the pattern, `yyyy-MM-dd` by default.
    pub(crate) fn parse_strict_date(&self, text: &str) -> Option<i32> {
        let pattern = self.date.as_ref().unwrap_or(&self.strict_date);
        i32::try_from(parse::parse(pattern, text)?.days()?).ok()
    }

    /// Returns whether dates, in the form that their pattern gives them, are points in time too.
    pub(crate) fn dates_are_timestamps(&self) -> bool {
        let mut text = vec![];
        let pattern = self.date.as_ref().unwrap_or(&self.strict_date);
        print(pattern, &Moment::of_date(18_263), &mut text);
        std::str::from_utf8(&text).is_ok_and(|text| self.parse_timestamp(text).is_some())
    }

    /// Reads a point in time, in microseconds since 1970.
    pub(crate) fn parse_timestamp(&self, text: &str) -> Option<i64> {
        match &self.timestamp {
            None => self.parse_lenient(text),
            Some(pattern) => {
                let parsed = parse::parse(pattern, text);
                let point = parsed
                    .and_then(|parsed| self.point(parsed.days()?, parsed.micros(), parsed.zone.as_ref()));
                point.or_else(|| if self.lenient == Some(true) { self.parse_lenient(text) } else { None })
            }
        }
    }

    fn parse_lenient(&self, text: &str) -> Option<i64> {
        let time = lenient::time(text)?;
        let days = time.days.unwrap_or_else(|| self.today());
        self.point(days, time.micros, time.zone.as_ref())
    }

    /// Reads a time of day on a date without a zone, in microseconds since 1970.
    pub(crate) fn parse_timestamp_ntz(&self, text: &str) -> Option<i64> {
        let (days, micros, zoned) = match &self.timestamp_ntz {
            None => {
                let time = lenient::time(text)?;
                (time.days?, time.micros, time.zone.is_some())
            }
            Some(pattern) => {
                let parsed = parse::parse(pattern, text)?;
                (parsed.days()?, parsed.micros(), parsed.zone.is_some())
            }
        };
        if zoned { None } else { days.checked_mul(DAY_MICROS)?.checked_add(micros) }
    }

    /// Appends a date.
    pub(crate) fn write_date(&self, days: i32, out: &mut Vec<u8>) {
        print(self.date.as_ref().unwrap_or(&self.strict_date), &Moment::of_date(days.into()), out);
    }

    /// Appends a point in time.
    pub(crate) fn write_timestamp(&self, micros: i64, out: &mut Vec<u8>) {
        let offset = self.zone.offset_at(micros.div_euclid(1_000_000));
        let local = i128::from(micros) + i128::from(offset) * 1_000_000;
        let moment = Moment::of_micros(local, Some((&self.zone, micros.div_euclid(1_000_000), offset)));
        match &self.timestamp {
            Some(pattern) => print(pattern, &moment, out),
            None => print::default_timestamp(&moment, out),
        }
    }

    /// Appends a time without a zone.
    pub(crate) fn write_timestamp_ntz(&self, micros: i64, out: &mut Vec<u8>) {
        let moment = Moment::of_micros(micros.into(), None);
        match &self.timestamp_ntz {
            Some(pattern) => print(pattern, &moment, out),
            None => print::default_timestamp(&moment, out),
        }
    }

    /// Returns the point in time of a local time.
    fn point(&self, days: i64, micros: i64, zone: Option<&Zone>) -> Option<i64> {
        let zone = zone.unwrap_or(&self.zone);
        let seconds = days.checked_mul(86_400)?.checked_add(micros.div_euclid(1_000_000))?;
        let offset = zone.offset_of_local(seconds);
        let point = micros_of(days, micros) - i128::from(offset) * 1_000_000;
        i64::try_from(point).ok()
    }

    /// The date of today, on which text without a date is a time.
    fn today(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(0);
        days_of(seconds + i64::from(self.zone.offset_at(seconds)))
    }
}

#[cfg(test)]
mod tests;
