//! Dates: a time as the digits of its date, in UTC, with which ids begin.

use firesteel_types::{Millis, civil_date};

const SECONDS_A_DAY: u64 = 86_400;

/// Formats a time in milliseconds since 1970 as `20261126205743`.
pub(crate) fn stamp(at: Millis) -> String {
    let seconds = at.0 / 1000;
    let (year, month, day) = civil_date((seconds / SECONDS_A_DAY) as i64);
    let of_day = seconds % SECONDS_A_DAY;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
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
