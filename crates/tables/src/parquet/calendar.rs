//! Calendar: days and times as text, in the one form that all libraries read: ISO 8601.

use firesteel_types::civil_date;

/// Formats the date that is `days` days after 1 January 1970, as `2024-01-31`.
pub(super) fn date(days: i64) -> String {
    let (year, month, day) = civil_date(days);
    if (0..=9999).contains(&year) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:+05}-{month:02}-{day:02}")
    }
}

/// Formats the time of the day, as `12:34:56` with as many digits behind the point as are needed.
pub(super) fn time(nanos: i64) -> String {
    let (seconds, fraction) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction == 0 { clock } else { format!("{clock}.{}", format!("{fraction:09}").trim_end_matches('0')) }
}

/// Formats a point in time, `per_second` of whose units make a second, as `2024-01-31T12:34:56.789`.
pub(super) fn timestamp(value: i64, per_second: i64) -> String {
    let per_day = 86_400 * per_second;
    let in_day = value.rem_euclid(per_day);
    format!("{}T{}", date(value.div_euclid(per_day)), time(in_day * (1_000_000_000 / per_second)))
}

/// Formats a decimal number from its digits and the number of them behind the point.
pub(super) fn decimal(digits: i128, scale: i8) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let all = digits.unsigned_abs().to_string();
    match usize::try_from(scale) {
        Ok(0) => format!("{sign}{all}"),
        Ok(scale) => {
            let all = format!("{all:0>width$}", width = scale + 1);
            let (whole, fraction) = all.split_at(all.len() - scale);
            format!("{sign}{whole}.{fraction}")
        }
        Err(_) => format!("{sign}{all}{}", "0".repeat(usize::from(scale.unsigned_abs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_have_their_names() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(19_782), "2024-02-29");
        assert_eq!(date(-719_528), "0000-01-01");
        assert_eq!(date(2_932_897), "+10000-01-01");
        assert_eq!(time(45_296_780_000_000), "12:34:56.78");
        assert_eq!(timestamp(1_706_704_496_789, 1_000), "2024-01-31T12:34:56.789");
        assert_eq!(timestamp(-1, 1_000_000), "1969-12-31T23:59:59.999999");
    }

    #[test]
    fn decimals_have_their_point() {
        assert_eq!(decimal(12_345, 2), "123.45");
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(7, 0), "7");
        assert_eq!(decimal(7, -2), "700");
    }
}
