//! Times as the REST interface writes them: `2026-11-29T01:41:12.627GMT`.

use serde::{Serialize, Serializer};
use std::fmt;

/// A time in milliseconds since 1970, shown as text in Spark's form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub i64);

const DAY_MS: i64 = 86_400_000;

impl Date {
    /// Returns the time if it is after 1970: events have 0 where there is none.
    pub fn given(ms: i64) -> Option<Date> {
        (ms > 0).then_some(Date(ms))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Events of hostile logs may lie anywhere; years of more than six digits help nobody.
        let ms = self.0.clamp(-30_000_000_000_000_000, 30_000_000_000_000_000);
        let (days, rest) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
        let (year, month, day) = civil(days);
        let (seconds, ms) = (rest / 1000, rest % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}GMT")
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Returns year, month and day of a day since 1970, by eras of 400 years that begin in March, so that leap days come
/// last (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let from_march = days + 719_468;
    let era = from_march.div_euclid(146_097);
    let day_of_era = from_march.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_spark_writes_them() {
        assert_eq!(Date(1_795_916_472_627).to_string(), "2026-11-29T01:41:12.627GMT");
        assert_eq!(Date(-1).to_string(), "1969-12-31T23:59:59.999GMT");
        assert_eq!(Date(0).to_string(), "1970-01-01T00:00:00.000GMT");
        assert_eq!(Date(951_782_400_000).to_string(), "2000-02-29T00:00:00.000GMT");
        assert_eq!(Date(i64::MAX).to_string().len(), "952636-12-31T00:00:00.000GMT".len());
    }
}
