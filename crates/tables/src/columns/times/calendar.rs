//! The calendar: days since 1970 and their names, by the rules of today for all times.

pub(super) use firesteel_types::civil_date;

/// The microseconds of a day.
pub(super) const DAY_MICROS: i64 = 86_400_000_000;

/// Returns the number of days in a month.
pub(super) fn month_days(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Returns the days from 1970 to a date, or none if there is no such date.
pub(super) fn days_since_epoch(year: i64, month: u32, day: u32) -> Option<i64> {
    if !(1..=12).contains(&month) || day == 0 || day > month_days(year, month) {
        return None;
    }
    // Years that begin in March have their odd day at the end.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (i64::from(month) + if month > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(day) - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Returns the day that a second since 1970 is in.
pub(super) fn days_of(seconds: i64) -> i64 {
    seconds.div_euclid(86_400)
}

/// Returns the microseconds from 1970 to a time of a day; wide, since an offset may bring it back into range.
pub(super) fn micros_of(days: i64, micros: i64) -> i128 {
    i128::from(days) * i128::from(DAY_MICROS) + i128::from(micros)
}

/// Returns the number of a day in its year, from 1.
pub(super) fn day_of_year(year: i64, month: u32, day: u32) -> u32 {
    (1..month).map(|month| month_days(year, month)).sum::<u32>() + day
}

/// Returns the month and the day of a day in its year.
pub(super) fn month_and_day(year: i64, day_of_year: u32) -> Option<(u32, u32)> {
    let mut left = day_of_year;
    for month in 1..=12 {
        let days = month_days(year, month);
        if left <= days {
            return (left > 0).then_some((month, left));
        }
        left -= days;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn dates_and_days_are_inverse(days in -2_147_483_648_i64..2_147_483_648) {
            let (year, month, day) = civil_date(days);
            prop_assert_eq!(days_since_epoch(year, month, day), Some(days));
            prop_assert_eq!(month_and_day(year, day_of_year(year, month, day)), Some((month, day)));
        }
    }
}
