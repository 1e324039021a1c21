//! Figures as people read them: bytes, times, counts.

/// Writes bytes with three digits: `12.3 MiB`.
pub(crate) fn bytes(bytes: i64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes.abs() < 1024 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
    while value.abs() >= 1023.95 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Writes milliseconds: `12 ms`, `3.4 s`, `5 min 6 s`, `7 h 8 min`.
pub(crate) fn duration(ms: i64) -> String {
    let seconds = ms / 1000;
    match ms {
        ..1000 => format!("{ms} ms"),
        1000..59_950 => format!("{:.1} s", ms as f64 / 1000.0),
        59_950..3_600_000 => format!("{} min {} s", (ms + 50) / 60_000, (ms + 50) / 1000 % 60),
        3_600_000..86_400_000 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// Writes a number with its thousands apart: `1,234,567`.
pub(crate) fn count(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::from(if count < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a number with three digits: `1.2 M`.
pub(crate) fn short_count(number: i64) -> String {
    const UNITS: [&str; 5] = ["k", "M", "G", "T", "P"];
    if number.abs() < 10_000 {
        return count(number);
    }
    let (mut value, mut unit) = (number as f64 / 1000.0, 0);
    while value.abs() >= 999.5 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1000.0, unit + 1);
    }
    if value.abs() < 99.5 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// Writes bytes and the number of their records; nothing where there are none.
pub(crate) fn bytes_and_records(size: i64, records: i64) -> String {
    match (size, records) {
        (0, 0) => String::new(),
        (_, 0) => bytes(size),
        _ => format!("{} / {}", bytes(size), short_count(records)),
    }
}

/// Writes a share of a whole: `42 %`.
pub(crate) fn percent(part: i64, whole: i64) -> String {
    if whole <= 0 { "–".into() } else { format!("{} %", part.saturating_mul(100) / whole) }
}

/// Cuts a text that is too long for its place, and says so by an ellipsis.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(
            [0, 1023, 1024, 1_048_575, 13_000_000].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.0 MiB", "12.4 MiB"]
        );
        assert_eq!(bytes(i64::MAX), "8.0 EiB");
        assert_eq!(
            [0, 999, 1000, 59_949, 59_950].map(duration),
            ["0 ms", "999 ms", "1.0 s", "59.9 s", "1 min 0 s"]
        );
        assert_eq!([3_599_999, 3_600_000, 90_000_000].map(duration), ["60 min 0 s", "1 h 0 min", "1 d 1 h"]);
        assert_eq!([0, 999, 1000, -1_234_567].map(count), ["0", "999", "1,000", "-1,234,567"]);
        assert_eq!([9_999, 10_000, 2_507_162, 999_950].map(short_count), ["9,999", "10.0 k", "2.5 M", "1.0 M"]);
        assert_eq!([percent(1, 3), percent(1, 0)], ["33 %", "–"]);
        assert_eq!([shortened("abc", 3), shortened("äbcd", 3)], ["abc", "äb…"]);
    }
}
