//! Dates: a time as the digits of its date, in UTC, with which ids begin.

use firesteel_types::Millis;

const SECONDS_A_DAY: u64 = 86_400;

/// Formats a time in milliseconds since 1970 as `20261126205743`.
pub(crate) fn stamp(at: Millis) -> String {
    let seconds = at.0 / 1000;
    let (year, month, day) = date_of(seconds / SECONDS_A_DAY);
    let of_day = seconds % SECONDS_A_DAY;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
}

/// Returns year, month and day of a number of days since 1970, after Howard Hinnant's `civil_from_days`: years
/// begin in March, so that the leap day is the last, and 400 of them always have 146,097 days.
fn date_of(days: u64) -> (u64, u64, u64) {
    // There are 719,468 days between the first of March of year 0 and 1970.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let stamps = [
            (0, "19700101000000"),
            (951_782_400, "20000229000000"),
            (1_709_251_199, "20240229235959"),
            (1_709_251_200, "20240301000000"),
            (1_795_726_663, "20261126205743"),
            (4_107_542_399, "21000228235959"),
            (4_107_542_400, "21000301000000"),
        ];
        for (seconds, text) in stamps {
            assert_eq!(stamp(Millis(seconds * 1000)), text);
        }
    }
}
