//! Dates and times as text, in the time zone and by the patterns that the options ask for: `timeZone`,
//! `dateFormat`, `timestampFormat`, `timestampNTZFormat`. Shared by the formats of text.

use super::Options;

/// The rules by which dates and times are read and written.
#[derive(Clone, Debug)]
pub(crate) struct Times {}

impl Times {
    /// Reads the rules from the options.
    pub(crate) fn of(_options: &Options) -> Result<Times, String> {
        Ok(Times {})
    }

    /// Reads a date, in days since 1970.
    pub(crate) fn parse_date(&self, _text: &str) -> Option<i32> {
        None
    }

    /// Reads a point in time, in microseconds since 1970.
    pub(crate) fn parse_timestamp(&self, _text: &str) -> Option<i64> {
        None
    }

    /// Reads a time of day on a date without a zone, in microseconds since 1970.
    pub(crate) fn parse_timestamp_ntz(&self, _text: &str) -> Option<i64> {
        None
    }

    /// Appends a date.
    pub(crate) fn write_date(&self, _days: i32, _out: &mut Vec<u8>) {}

    /// Appends a point in time.
    pub(crate) fn write_timestamp(&self, _micros: i64, _out: &mut Vec<u8>) {}

    /// Appends a time without a zone.
    pub(crate) fn write_timestamp_ntz(&self, _micros: i64, _out: &mut Vec<u8>) {}
}
