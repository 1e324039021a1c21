//! Dates and times as Spark 4.3 reads and writes them.

use super::*;

fn times(options: &[(&str, &str)]) -> Times {
    Times::of(&Options::from_iter(options.iter().copied())).unwrap()
}

const T: i64 = 1_577_934_245_000_000; // 2020-01-02 03:04:05

#[test]
fn lenient_dates() {
    let times = times(&[]);
    let cases = [
        ("2020", 18_262),
        ("2020-1", 18_262),
        ("2020-1-2", 18_263),
        ("  2020-01-02 ", 18_263),
        ("2020-01-02T", 18_263),
        ("2020-01-02 x", 18_263),
        ("-0001-01-01", -719_893),
        ("+20200-01-01", 6_658_371),
        ("5881580-07-11", i32::MAX),
        ("-5877641-06-23", i32::MIN),
    ];
    for (text, days) in cases {
        assert_eq!(times.parse_date(text), Some(days), "{text}");
    }
    let bad = "03:04:05|2020-02-30|2020-13-01|2020-00-01|2021-02-29|12345678-01-01|202|2020/01/02|epoch|2020-01-02-|\
               2020-001-02|2020-01-002|2020-01-02t03|2020-01-02Z|2020Z|5881580-07-12|20200102|T|-|";
    for text in bad.split('|') {
        assert_eq!(times.parse_date(text), None, "{text}");
    }
}

#[test]
fn lenient_times() {
    let berlin = times(&[("timeZone", "Europe/Berlin")]);
    let utc = times(&[]);
    let hour = 3_600_000_000;
    let cases = [
        ("2020-01-02 03:04:05", T, T - hour),
        ("2020-01-02 3:4:5", T, T - hour),
        ("2020-01-02T03:04:05.1", T + 100_000, T - hour + 100_000),
        ("2020-01-02 03:04:05.123456789", T + 123_456, T - hour + 123_456),
        ("2020-01-02 03:04:05.", T, T - hour),
        ("2020-01-02T03:04:05Z", T, T),
        ("2020-01-02T03:04:05  +01:00", T - hour, T - hour),
        ("2020-01-02T03:04:05-0130", T + hour * 3 / 2, T + hour * 3 / 2),
        ("2020-01-02 03:04:05Europe/Berlin", T - hour, T - hour),
        ("2020-01-02 03:04:05 PST", T + 8 * hour, T + 8 * hour),
        ("2020-01-02 03:04:05 UTC+1", T - hour, T - hour),
        ("20200", 575_283_254_400_000_000, 575_283_250_800_000_000),
        ("2020-03-29 02:30:00", 1_585_449_000_000_000, 1_585_445_400_000_000),
        ("2020-10-25 02:30:00", 1_603_593_000_000_000, 1_603_585_800_000_000),
        ("0001-01-01", -62_135_596_800_000_000, -62_135_600_008_000_000),
    ];
    for (text, point, there) in cases {
        assert_eq!(utc.parse_timestamp(text), Some(point), "{text}");
        assert_eq!(berlin.parse_timestamp(text), Some(there), "{text}");
    }
    assert_eq!(utc.parse_timestamp("294247-01-10 04:00:54.775807"), Some(i64::MAX));
    let bad = "294247-01-10 04:00:54.775808|2020-01-02T|2020-01-02 x|2020-01-02T03:04:05z|2020-01-02T03:04:05+18:01|\
               2020-01-02 24:00:00|2020-01-02 23:59:60|2020-01-02 03:|2020-01-02  03:04:05|2020-01-02T03:04Z|\
               2020-01-02 Z|2020-01-02 03Z|2020-01-02T03:04:05[Europe/Berlin]|2020-01-02 03:04:05.5 PM|T|:";
    for text in bad.split('|') {
        assert_eq!(utc.parse_timestamp(text), None, "{text}");
    }
    // A time of day is one of today.
    let today = utc.parse_timestamp("03:04:05").unwrap();
    assert_eq!(today.rem_euclid(DAY_MICROS), T.rem_euclid(DAY_MICROS));
    assert_eq!(utc.parse_timestamp_ntz("2020-01-02 03:04:05"), Some(T));
    for text in ["03:04:05", "2020-01-02 03:04:05Z"] {
        assert_eq!(utc.parse_timestamp_ntz(text), None, "{text}");
    }
}

#[test]
fn patterns_read_their_form_alone() {
    let day = 1_577_923_200_000_000; // 2020-01-02
    let hour = 3_600_000_000;
    let cases = [
        ("yyyy/MM/dd HH:mm", "2020/01/02 03:04", Some(T - 5_000_000)),
        ("yyyy/MM/dd HH:mm", "2020/1/2 3:4", None),
        ("yyyy/MM/dd HH:mm", "12020/01/02 03:04", None),
        ("yyyy/MM/dd HH:mm", "2020/02/30 01:01", None),
        ("d/M/y h:m a", "2/1/2020 12:00 AM", Some(day)),
        ("d/M/y h:m a", "2/1/2020 3:4 pm", Some(day + 15 * hour + 240_000_000)),
        ("d/M/y h:m a", "2/1/2020 13:00 PM", None),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2020-01-02T03:04:05.1Z", Some(T + 100_000)),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2020-01-02T03:04:05.123456Z", None),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2020-01-02T03:04:05.123+01", None),
        ("yyyy-MM-dd HH:mm:ss[.SSS][XXX]", "2020-01-02 03:04:05", Some(T)),
        ("yyyy-MM-dd HH:mm:ss[.SSS][XXX]", "2020-01-02 03:04:05+02:00", Some(T - 2 * hour)),
        ("yyyyMMdd HHmmss", "20200102 030405", Some(T)),
        ("yyyyMMdd[HHmmss]", "20200102", Some(day)),
        // The year takes the digits that a section in brackets could have.
        ("yyyyMMdd[HHmmss]", "20200102030405", None),
        ("MMMM d, yyyy", "january 2, 2020", Some(day)),
        ("MMMM d, yyyy", "Jan 2, 2020", None),
        ("d-MMM-yy", "2-JAN-20", Some(day)),
        ("yyyy-DDD", "2020-002", Some(day)),
        ("yyyy-DDD", "2021-366", None),
        ("yyyy-MM-dd k", "2020-01-02 24", Some(day)),
        ("yyyy-MM-dd G", "2020-01-02 BC", Some(-125_880_566_400_000_000)),
        ("HH:mm:ss", "03:04:05", Some(T - day)),
        ("yyyy-MM-dd HH:mm:ss z", "2020-01-02 03:04:05 PST", Some(T + 8 * hour)),
        ("yyyy-MM-dd HH:mm:ss Z", "2020-01-02 03:04:05 +0100", Some(T - hour)),
        ("yyyy-MM-dd HH:mm:ss X", "2020-01-02 03:04:05 +0130", Some(T - hour * 3 / 2)),
        ("yyyy-MM-dd VV", "2020-01-02 Europe/Berlin", Some(day - hour)),
        ("yyyy-MM-dd''HH", "2020-01-02'03", Some(day + 3 * hour)),
    ];
    for (pattern, text, point) in cases {
        assert_eq!(times(&[("timestampFormat", pattern)]).parse_timestamp(text), point, "{pattern}: {text}");
    }
    let zoned = times(&[("timestampNTZFormat", "yyyy-MM-dd HH:mm:ss[XXX]")]);
    assert_eq!(zoned.parse_timestamp_ntz("2020-01-02 03:04:05"), Some(T));
    assert_eq!(zoned.parse_timestamp_ntz("2020-01-02 03:04:05Z"), None);
}

#[test]
fn text_of_another_form_is_read_where_asked() {
    let read = |pattern: Option<&str>, fallback: &str| {
        let mut options = vec![("enableDateTimeParsingFallback", fallback)];
        options.extend(pattern.map(|pattern| ("dateFormat", pattern)));
        ["2020/01/02", "2020-1-2", "2020-01-02"].map(|text| times(&options).parse_date(text).is_some())
    };
    assert_eq!(read(Some("yyyy/MM/dd"), "true"), [true, true, true]);
    assert_eq!(read(Some("yyyy/MM/dd"), "false"), [true, false, false]);
    assert_eq!(read(None, "false"), [false, false, true]);
}

#[test]
fn patterns_write() {
    let cases = [
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2020-01-02T04:04:05.500+01:00"),
        ("EEE, d MMM yyyy HH:mm:ss Z", "Thu, 2 Jan 2020 04:04:05 +0100"),
        ("d/M/y h:m a", "2/1/2020 4:4 AM"),
        ("yyyy-DDD", "2020-002"),
        ("yy-M-d k K", "20-1-2 4 4"),
        ("SSSSSSSSS S", "500000000 5"),
        ("z VV OOOO x XX ZZZZZ", "CET Europe/Berlin GMT+01:00 +01 +0100 +01:00"),
        ("EEEE E Q QQQ G", "Thursday Thu 1 Q1 AD"),
        ("[yyyy][MM] LLLL LLL", "202001 January Jan"),
    ];
    for (pattern, text) in cases {
        let times = times(&[("timestampFormat", pattern), ("timeZone", "Europe/Berlin")]);
        let mut out = vec![];
        times.write_timestamp(T + 500_000, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), text, "{pattern}");
    }
}

#[test]
fn times_are_written_in_one_form_without_a_pattern() {
    let write = |zone, micros| {
        let mut out = vec![];
        times(&[("timeZone", zone)]).write_timestamp(micros, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(write("UTC", T + 500_000), "2020-01-02T03:04:05.500Z");
    assert_eq!(write("Europe/Berlin", T), "2020-01-02T04:04:05.000+01:00");
    assert_eq!(write("Europe/Berlin", -62_135_593_077_000_000 + 1), "0001-01-01T01:55:31.000+00:53:28");
    assert_eq!(write("+05:30", 253_405_152_000_000_000), "+10000-02-03T05:30:00.000+05:30");
    let mut out = vec![];
    times(&[]).write_timestamp_ntz(T + 123_456, &mut out);
    times(&[]).write_date(-719_162, &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "2020-01-02T03:04:05.1230001-01-01");
}

#[test]
fn bad_patterns_and_zones_are_refused() {
    for (name, value) in [
        ("timeZone", "nope"),
        ("dateFormat", "YYYY-MM-dd"),
        ("dateFormat", "yyyy-MM-dd u"),
        ("timestampFormat", "yyyy 'open"),
        ("timestampFormat", "jj"),
        ("timestampFormat", "HHH"),
    ] {
        let error = Times::of(&Options::from_iter([(name, value)])).unwrap_err();
        assert!(error.contains(name), "{error}");
    }
    assert!(times(&[("dateFormat", "yyyy-MM-dd E")]).check_reading().is_err());
}
