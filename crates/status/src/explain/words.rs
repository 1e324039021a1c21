//! Figures as people read them.

/// Returns microseconds: `12 µs`, `8.1 ms`, `3.4 s`, `12 min`.
pub(crate) fn time(us: i64) -> String {
    let us = us.max(0) as f64;
    match us {
        _ if us < 1e3 => format!("{us:.0} µs"),
        _ if us < 999.5e3 => with_unit(us / 1e3, "ms"),
        _ if us < 120e6 => with_unit(us / 1e6, "s"),
        _ if us < 7_200e6 => with_unit(us / 60e6, "min"),
        _ => with_unit(us / 3_600e6, "h"),
    }
}

/// Returns bytes: `512 B`, `1.5 MiB`.
pub(crate) fn bytes(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut value, mut unit) = (bytes.max(0) as f64, "B");
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    if unit == "B" { format!("{value:.0} B") } else { with_unit(value, unit) }
}

/// Returns a number with commas: `1,234,567`.
pub(crate) fn number(number: i64) -> String {
    let digits = number.max(0).to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number and what it counts: `1 task`, `2,000 tasks`.
pub(crate) fn count(count: i64, noun: &str) -> String {
    format!("{} {noun}{}", number(count), if count == 1 { "" } else { "s" })
}

/// Returns a share as a percentage.
pub(crate) fn percent(part: i64, whole: i64) -> String {
    format!("{:.0} %", 100.0 * part.max(0) as f64 / whole.max(1) as f64)
}

/// Returns a ratio: `12 times`, `2.5 times`.
pub(crate) fn times(part: i64, whole: i64) -> String {
    let ratio = part.max(0) as f64 / whole.max(1) as f64;
    if ratio < 10.0 { format!("{ratio:.1} times") } else { format!("{} times", number(ratio.round() as i64)) }
}

/// Returns the beginning of a text, on one line.
pub(crate) fn brief(text: &str, most: usize) -> String {
    // A failure has its record in a line of its own.
    let text = text.replace("\n  the record was: ", "; the record was: ");
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([12, 8_100, 3_400_000, 90_000_000].map(time), ["12 µs", "8.1 ms", "3.4 s", "90 s"]);
        assert_eq!([600_000_000, 7_200_000_000].map(time), ["10 min", "2.0 h"]);
        assert_eq!([512, 1_572_864, 20 << 30].map(bytes), ["512 B", "1.5 MiB", "20 GiB"]);
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([count(1, "task"), count(2_000, "task")], ["1 task", "2,000 tasks"]);
        assert_eq!([percent(1, 4), percent(1, 0)], ["25 %", "100 %"]);
        assert_eq!([times(5, 2), times(120, 10), times(9_000, 2)], ["2.5 times", "12 times", "4,500 times"]);
        assert_eq!([brief("a\n  b", 10), brief("abcdef", 3)], ["a b", "abc…"]);
    }
}
