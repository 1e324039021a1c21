//! Time zones: fixed offsets, and regions by the rules that `jiff` carries.

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::sync::OnceLock;

/// A time zone.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    rules: Rules,
    name: String,
}

#[derive(Clone, Debug)]
enum Rules {
    /// Always this many seconds before UTC's clock.
    Fixed(i32),
    Region(TimeZone),
}

/// The span after which the calendar, with its days of the week, begins again.
const CYCLE_SECONDS: i64 = 146_097 * 86_400;

/// The seconds within which the rules of regions are asked: years that the library knows.
const KNOWN_SECONDS: std::ops::Range<i64> = -377_000_000_000..253_000_000_000;

/// The names of three letters that Java has had from its beginning.
const SHORT_NAMES: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("EST", "-05:00"),
    ("HST", "-10:00"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("MST", "-07:00"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

/// Names that people write for a part of a region's year, which the pattern letter `z` reads too.
const SEASONAL_NAMES: &[(&str, &str)] = &[
    ("AEDT", "Australia/Sydney"),
    ("AEST", "Australia/Sydney"),
    ("AKDT", "America/Anchorage"),
    ("AKST", "America/Anchorage"),
    ("CDT", "America/Chicago"),
    ("CEST", "Europe/Paris"),
    ("EDT", "America/New_York"),
    ("EEST", "Europe/Bucharest"),
    ("MDT", "America/Denver"),
    ("MSK", "Europe/Moscow"),
    ("NZDT", "Pacific/Auckland"),
    ("NZST", "Pacific/Auckland"),
    ("PDT", "America/Los_Angeles"),
    ("WEST", "Europe/Lisbon"),
];

impl Zone {
    /// Returns the zone of a name: a region, an offset, or both words for UTC and an offset.
    pub(super) fn named(name: &str) -> Option<Zone> {
        let fixed = |seconds| Some(Zone { rules: Rules::Fixed(seconds), name: name.to_string() });
        if matches!(name, "Z" | "UTC" | "GMT" | "UT") {
            return fixed(0);
        }
        let offset = ["UTC", "GMT", "UT"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        if let Some(seconds) = offset_seconds(offset) {
            return fixed(seconds);
        }
        match SHORT_NAMES.iter().find(|(short, _)| *short == name) {
            Some((_, long)) => Zone::named(long).map(|zone| Zone { name: name.to_string(), ..zone }),
            None => {
                let zone = database().get(name).ok()?;
                // The library does not mind the case of names, and Java does.
                let same = zone.iana_name() == Some(name);
                same.then(|| Zone { rules: Rules::Region(zone), name: name.to_string() })
            }
        }
    }

    /// Returns the zone of a name that people write, which may be that of a season.
    pub(super) fn colloquial(name: &str) -> Option<Zone> {
        Zone::named(name).or_else(|| {
            let (_, region) = SEASONAL_NAMES.iter().find(|(short, _)| *short == name)?;
            Zone::named(region)
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns how many seconds its clocks are before those of UTC, at a second since 1970.
    pub(super) fn offset_at(&self, seconds: i64) -> i32 {
        match &self.rules {
            Rules::Fixed(offset) => *offset,
            Rules::Region(zone) => zone.to_offset(known(seconds)).seconds(),
        }
    }

    /// Returns the offset at the time that its clocks show: the earlier one of two, and that before the gap where
    /// clocks skip the time.
    pub(super) fn offset_of_local(&self, seconds: i64) -> i32 {
        if let Rules::Fixed(offset) = &self.rules {
            return *offset;
        }
        let before = self.offset_at(seconds.saturating_sub(86_400));
        let after = self.offset_at(seconds.saturating_add(86_400));
        let holds = |offset: i32| self.offset_at(seconds.saturating_sub(offset.into())) == offset;
        if before != after && !holds(before) && holds(after) { after } else { before }
    }

    /// Returns the short name that its clocks go by.
    pub(super) fn short_name(&self, seconds: i64) -> String {
        match &self.rules {
            Rules::Fixed(0) => "UTC".into(),
            Rules::Fixed(_) => self.name.clone(),
            Rules::Region(zone) => {
                let known = known(seconds);
                let info = zone.to_offset_info(known);
                match info.abbreviation() {
                    // Before standard time, clocks went by the sun, which has no name in Java.
                    "LMT" => zone.to_offset_info(Timestamp::UNIX_EPOCH).abbreviation().into(),
                    name => name.into(),
                }
            }
        }
    }
}

fn database() -> &'static TimeZoneDatabase {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    DATABASE.get_or_init(TimeZoneDatabase::bundled)
}

/// Returns a point in time that the library knows, with the rules of another one.
fn known(seconds: i64) -> Timestamp {
    let mut seconds = seconds;
    if seconds >= KNOWN_SECONDS.end {
        seconds -= ((seconds - KNOWN_SECONDS.end) / CYCLE_SECONDS + 1) * CYCLE_SECONDS;
    }
    Timestamp::from_second(seconds.max(KNOWN_SECONDS.start)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Reads an offset: `+1`, `+01`, `+0130`, `+1:30`, `+01:30:15`; at most 18 hours.
pub(super) fn offset_seconds(text: &str) -> Option<i32> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let number = |part: &str| {
        let digits = matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse::<i32>().ok() } else { None }
    };
    let parts: Vec<i32> = match rest.contains(':') {
        true => rest.split(':').map(number).collect::<Option<_>>()?,
        false if rest.is_ascii() && matches!(rest.len(), 4 | 6) => {
            (0..rest.len() / 2).map(|i| number(&rest[2 * i..2 * i + 2])).collect::<Option<_>>()?
        }
        false => vec![number(rest)?],
    };
    let part = |index: usize| parts.get(index).copied().unwrap_or(0);
    let seconds = part(0) * 3600 + part(1) * 60 + part(2);
    (parts.len() <= 3 && part(1) < 60 && part(2) < 60 && seconds <= 18 * 3600).then_some(sign * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_have_many_forms() {
        let cases = [
            ("+1", 3600),
            ("+01", 3600),
            ("-0130", -5400),
            ("+1:2", 3720),
            ("+01:00:30", 3630),
            ("+18:00", 64_800),
        ];
        for (text, seconds) in cases {
            assert_eq!(offset_seconds(text), Some(seconds), "{text}");
        }
        for text in ["+18:01", "+19", "1", "+1:60", "+:1", "+", "+001"] {
            assert_eq!(offset_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn regions_have_seasons_gaps_and_overlaps() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        assert_eq!(berlin.offset_at(1_577_934_245), 3600);
        // 2020-03-29 02:30 is skipped, 2020-10-25 02:30 comes twice.
        assert_eq!(berlin.offset_of_local(1_585_449_000), 3600);
        assert_eq!(berlin.offset_of_local(1_603_593_000), 7200);
        assert_eq!(berlin.offset_of_local(1_603_600_200), 3600);
        // Clocks went by the sun in the year 1; the rules of today hold for ever.
        assert_eq!(berlin.offset_at(-62_135_596_800), 3208);
        assert_eq!(berlin.offset_at(575_283_254_400), 3600);
        assert!(Zone::named("europe/berlin").is_none() && Zone::named("nope").is_none());
        assert_eq!(Zone::named("EST").unwrap().offset_at(0), -18_000);
    }
}
