//! Reading, by what Spark 4.3.0 was seen to make of the same files.

use super::{array, map, object, read, rows_with, schema};
use crate::error::TableError;

/// Checks values of a column between two others of which the later one counts.
fn check(kind: &str, seen: &[(&str, &str)]) {
    let schema = schema(&[("a", kind), ("b", "string"), ("_corrupt_record", "string")]);
    for (value, result) in seen {
        let line = format!(r#"{{"b":"x","a":{value},"b":"y"}}"#);
        let rows = rows_with(&format!("{line}\n"), &schema, &[]);
        let (result, bad) = match result.strip_suffix(" bad") {
            Some(result) => (result, serde_json::to_string(&line).unwrap()),
            None => (*result, "null".into()),
        };
        let (result, b) = match result.strip_prefix("all ") {
            Some(result) => (result, "null"),
            None => (result, r#""y""#),
        };
        let wanted = format!(r#"{{"a":{result},"b":{b},"_corrupt_record":{bad}}}"#);
        assert_eq!(rows, [wanted], "{kind} of {value}");
    }
}

#[test]
fn whole_numbers() {
    let never =
        ["1.0", "1e2", "-0.0", "\"1\"", "\"\"", "true", "{}", "[1]", "NaN", "+INF", "9223372036854775808"];
    for kind in ["byte", "short", "integer", "long"] {
        check(kind, &[("1", "1"), ("-1", "-1"), ("-0", "0"), ("null", "null"), ("01", "all null bad")]);
        check(kind, &[("INF", "all null bad"), (".5", "all null bad"), ("5.", "all null bad")]);
        never.iter().for_each(|value| check(kind, &[(value, "null bad")]));
    }
    check("byte", &[("128", "-128"), ("255", "-1"), ("256", "null bad"), ("-129", "null bad")]);
    check("short", &[("32767", "32767"), ("32768", "null bad"), ("-32769", "null bad")]);
    check("integer", &[("3000000000", "null bad")]);
    check("long", &[("9223372036854775807", "9223372036854775807")]);
}

#[test]
fn floating_point_numbers() {
    let words = [("NaN", r#""NaN""#), (r#""NaN""#, r#""NaN""#), ("+INF", r#""Infinity""#)];
    for kind in ["float", "double"] {
        check(kind, &words);
        check(kind, &[("-Infinity", r#""-Infinity""#), (r#""-INF""#, r#""-Infinity""#)]);
        check(kind, &[("1e400", r#""Infinity""#), ("-0", "0.0"), ("-0.0", "-0.0"), ("1E2", "100.0")]);
        check(kind, &[(r#""INF""#, "null bad"), (r#""1""#, "null bad"), ("true", "null bad")]);
    }
    check("double", &[("1.2345678901234567890123", "1.2345678901234567"), ("1e30", "1.0E30")]);
    check("float", &[("16777217", "1.6777216E7"), ("3.5e38", r#""Infinity""#), ("1e-50", "0.0")]);
}

#[test]
fn decimals() {
    check(
        "decimal(5,2)",
        &[("1", "1.00"), ("1E2", "100.00"), ("999.995", "null bad"), ("40000", "null bad")],
    );
    check("decimal(5,2)", &[(r#""1e2""#, "100.00"), (r#"" 1 ""#, "null bad"), ("NaN", "null bad")]);
    check("decimal(20,0)", &[("1.5", "2"), ("9223372036854775808", "9223372036854775808")]);
    check("decimal(10,2)", &[(r#""1,234.5""#, "1234.50")]);
}

#[test]
fn booleans_strings_binaries_and_voids() {
    check("boolean", &[("true", "true"), ("false", "false"), ("1", "null bad"), (r#""true""#, "null bad")]);
    let texts = [
        ("1.50", "1.50"),
        ("1E400", "1E400"),
        ("-0", "-0"),
        ("NaN", "NaN"),
        ("+INF", "+INF"),
        ("true", "true"),
        (r"'it\'s'", "it's"),
        (r#""\ud800""#, "?"),
        (r#""\ud83d\ude00""#, "😀"),
        (r#""\ude00\ud83dx""#, "??x"),
        (r#"{"x":1.50, "y": [1 , 2,null], "e":1E5}"#, r#"{"x":1.50, "y": [1 , 2,null], "e":1E5}"#),
        ("['x']", "['x']"),
    ];
    for (value, text) in texts {
        check("string", &[(value, &serde_json::to_string(text).unwrap())]);
    }
    let binaries = [
        (r#""aGVsbG8=""#, r#""aGVsbG8=""#),
        (r#""aGVs\nbG8=""#, r#""aGVsbG8=""#),
        (r#""""#, r#""""#),
        (r#""aGVsbG8""#, "null bad"),
        (r#""VN==""#, r#""VA==""#),
        (r#""-_-_""#, "null bad"),
        (r#""jQ=""#, "all null bad"),
        (r#""x""#, "all null bad"),
        ("1", "null bad"),
    ];
    check("binary", &binaries);
    check("void", &[("1", "null"), (r#"{"x":[]}"#, "null")]);
}

#[test]
fn arrays_maps_and_objects_keep_what_fits() {
    let numbers = array("integer");
    check(
        &numbers,
        &[("[1,2,null]", "[1,2,null]"), (r#"[1,"x",3]"#, "null bad"), ("5", "null bad"), ("[]", "[]")],
    );
    check(&array(&numbers), &[(r#"[[1],["x"]]"#, "null bad"), ("[[1],[2,null]]", "[[1],[2,null]]")]);
    let map = map("integer");
    check(
        &map,
        &[(r#"{"k":1,"l":null}"#, r#"{"k":1,"l":null}"#), (r#"{"k":"x","m":2}"#, "null bad"), ("{}", "{}")],
    );
    let object = object(&[("x", "integer"), ("y", "string")]);
    let objects = [
        (r#"{"x":1,"y":2}"#, r#"{"x":1,"y":"2"}"#),
        (r#"{"x":"s","y":"t"}"#, r#"{"x":null,"y":"t"} bad"#),
        (r#"{"X":1,"z":[1,{}]}"#, r#"{"x":null,"y":null}"#),
        (r#"{"x":1,"x":2}"#, r#"{"x":2,"y":null}"#),
        (r#"[{"x":1}]"#, "null bad"),
        ("null", "null"),
    ];
    check(&object, &objects);
    let many = array(&object);
    check(&many, &[(r#"[{"x":"s","y":"t"},{"x":5}]"#, r#"[{"x":null,"y":"t"},{"x":5,"y":null}] bad"#)]);
    check(&many, &[(r#"[5,{"x":1}]"#, "null bad"), ("[null]", "[null]")]);
    let nested = super::map(&object);
    check(&nested, &[(r#"{"k":{"x":"s"}}"#, r#"{"k":{"x":null,"y":null}} bad"#), (r#"{"k":5}"#, "null bad")]);
}

/// Rows of `a int, b string, _corrupt_record string`, written in short.
fn records(lines: &[&str], options: &[(&str, &str)]) -> Vec<String> {
    let schema = schema(&[("a", "integer"), ("b", "string"), ("_corrupt_record", "string")]);
    let rows = rows_with(&(lines.join("\n") + "\n"), &schema, options);
    let short = |row: &String| {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let bad = if row["_corrupt_record"].is_null() { "" } else { " bad" };
        format!("{} {}{bad}", row["a"], row["b"].as_str().unwrap_or("null"))
    };
    rows.iter().map(short).collect()
}

#[test]
fn lines_hold_an_object_or_an_array_of_them() {
    let seen: [(&str, &[&str]); 31] = [
        (r#"{"a":1,"b":"x"}"#, &["1 x"]),
        ("", &[]),
        ("  ", &[]),
        (r#"  {"a":2} "#, &["2 null"]),
        (r#"{"a":4"#, &["null null bad"]),
        (r#"{"a":5} x"#, &["5 null"]),
        (r#"{"a":5}{"a":6}"#, &["5 null"]),
        (r#"[{"a":7},{"a":8}]"#, &["7 null", "8 null"]),
        ("[]", &[]),
        (r#"[1,{"a":9}]"#, &["null null bad"]),
        (r#"[null,{"a":9}]"#, &["null null bad"]),
        (r#"[{"a":"s","b":"t"},{"a":10}]"#, &["null t bad", "10 null bad"]),
        (r#"[[{"a":11}]]"#, &["null null bad"]),
        (r#"[{"a":1},{"a":2"#, &["null null bad"]),
        ("null", &["null null bad"]),
        ("1", &["null null bad"]),
        ("\"s\"", &["null null bad"]),
        ("{}", &["null null"]),
        (r#"{"a":1,}"#, &["null null bad"]),
        (r#"[{"a":1},]"#, &["null null bad"]),
        (r"{'a':12,'b':'it\'s'}", &["12 it's"]),
        ("{\"a\":1,\"b\":\"tab\there\"}", &["null null bad"]),
        (r#"{"a":1,"b":"\q"}"#, &["null null bad"]),
        (r#"{"a":nul}"#, &["null null bad"]),
        (r#"{"a":1,"b":"x","a":"s"}"#, &["1 x bad"]),
        (r#"{"a":"s","a":1}"#, &["1 null bad"]),
        (r#"{"a":1,"a":null}"#, &["null null"]),
        (r#"{"b":[1,{"a":2}],"a":3,"z":[1,2"#, &["null null bad"]),
        (r#"{"_corrupt_record":"own","a":1}"#, &["1 null"]),
        ("\u{FEFF}{\"a\":15}", &["15 null"]),
        (r#"{"A":1,"":5}"#, &["null null"]),
    ];
    for (line, rows) in seen {
        assert_eq!(records(&[line], &[]), rows, "{line}");
    }
}

#[test]
fn liberties_are_taken_when_they_are_allowed() {
    let seen = [
        ("allowComments", r#"/* x */ {"a":1 /* c */} // d"#, "1 null"),
        ("allowUnquotedFieldNames", "{$a_1@:1,1a:2,#:3,a-b:4,a:5}", "5 null"),
        ("allowNumericLeadingZeros", r#"{"a":007,"b":00.50}"#, "7 00.50"),
        ("allowBackslashEscapingAnyCharacter", r#"{"a":1,"b":"\q\x41"}"#, "1 qx41"),
        ("allowUnquotedControlChars", "{\"a\":1,\"b\":\"t\tx\u{1}\"}", "1 t\tx\u{1}"),
    ];
    for (option, line, row) in seen {
        assert_eq!(records(&[line], &[(option, "true")]), [row], "{option}");
        assert_eq!(records(&[line], &[]), ["null null bad"], "{option}");
    }
    assert_eq!(records(&["{'a':1}"], &[("allowSingleQuotes", "false")]), ["null null bad"]);
    assert_eq!(records(&[r#"{"b":NaN}"#], &[("allowNonNumericNumbers", "false")]), ["null null bad"]);
    assert_eq!(records(&["// only a comment"], &[("allowComments", "true")]), [""; 0]);
    assert_eq!(records(&["{é:1}"], &[("allowUnquotedFieldNames", "true")]), ["null null bad"]);
}

#[test]
fn bad_records_are_dropped_or_refused() {
    let lines = [r#"[{"a":1},{"a":"s"}]"#, r#"{"a":1,"a":"s"}"#, "x", r#"{"a":3}"#];
    assert_eq!(records(&lines, &[("mode", "DROPMALFORMED")]), ["3 null"]);
    let schema = schema(&[("a", "integer"), ("b", "string")]);
    let content = "{\"a\":1}\n{\"b\":\"x\",\"a\":\"late\"}\n";
    let error = read(content.as_bytes(), &schema, &[("mode", "failfast")]).unwrap_err();
    let TableError::Row(row) = error else { panic!("{error}") };
    assert_eq!((row.line, row.offset, row.column.as_deref()), (2, 8, Some("a")));
    assert_eq!(row.value.as_deref(), Some("\"late\""));
    assert!(row.reason.starts_with("it is not a whole number (integer). Set the option mode"), "{row}");
    let error = read(b"{\"a\":1", &schema, &[("mode", "failfast")]).unwrap_err().to_string();
    assert!(error.contains("it ends too early, at byte 6 of the record"), "{error}");
    // What is not read cannot be bad.
    let b = super::schema(&[("b", "string")]);
    assert_eq!(rows_with(content, &b, &[("mode", "FAILFAST")]), [r#"{"b":null}"#, r#"{"b":"x"}"#]);
}

#[test]
fn whole_files_and_other_separators() {
    let multi = [("multiLine", "true")];
    assert_eq!(records(&["[{\"a\":1},", "{\"a\":2}]"], &multi), ["1 null", "2 null"]);
    assert_eq!(records(&["{\"a\":1}", "{\"a\":2}"], &multi), ["1 null"]);
    assert_eq!(records(&["", " "], &multi), [""; 0]);
    assert_eq!(records(&["[1]"], &multi), ["null null bad"]);
    assert_eq!(
        records(&[r#"{"a":1,"b":2}|{"a":3}||{"a":4}"#], &[("lineSep", "|")]),
        ["1 2", "3 null", "4 null"]
    );
    assert_eq!(records(&["{\"a\":1}\r{\"a\":3}\r", "{\"a\":4}"], &[]), ["1 null", "3 null", "4 null"]);
    assert_eq!(records(&["{\"a\":1}\r{\"a\":3}\r", "{\"a\":4}"], &[("lineSep", "\n")]), ["1 null", "4 null"]);
}

#[test]
fn bytes_that_are_no_text_make_a_bad_record() {
    let schema = schema(&[("b", "string"), ("_corrupt_record", "string")]);
    let batch = read(b"{\"b\":\"\xFF\xFE\"}\n{\"b\":\"\xC3\xA9\"}\n", &schema, &[]).unwrap().unwrap();
    let text = String::from_utf8(super::write(&batch, &[]).unwrap()).unwrap();
    assert_eq!(text, "{\"_corrupt_record\":\"{\\\"b\\\":\\\"\u{FFFD}\u{FFFD}\\\"}\"}\n{\"b\":\"é\"}\n");
}

#[test]
fn nesting_has_an_end() {
    let line = |depth: usize| format!(r#"{{"z":{}{},"a":1}}"#, "[".repeat(depth), "]".repeat(depth));
    assert_eq!(records(&[&line(999), &line(1000)], &[]), ["1 null", "null null bad"]);
}

#[test]
fn options_that_are_wrong_are_refused_by_name() {
    let schema = schema(&[("a", "integer"), ("c", "integer")]);
    let refused = [
        ("mode", "weird", "PERMISSIVE, DROPMALFORMED or FAILFAST"),
        ("multiLine", "maybe", "multiLine is true or false"),
        ("encoding", "UTF-16", "encoding is UTF-8 here"),
        ("lineSep", "", "lineSep"),
        ("samplingRatio", "0", "samplingRatio"),
        ("locale", "de-DE", "locale is en-US here"),
        ("columnNameOfCorruptRecord", "c", "holds the text of bad records, a string"),
    ];
    for (option, value, part) in refused {
        let error = read(b"{}", &schema, &[(option, value)]).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    assert!(read(b"{}", &schema, &[("nobodyKnowsThis", "1")]).is_ok());
    let keys = r#"{"type":"map","keyType":"integer","valueType":"integer","valueContainsNull":true}"#;
    let error = read(b"{}", &super::schema(&[("m", keys)]), &[]).unwrap_err().to_string();
    assert!(error.contains("the keys of maps in JSON are strings"), "{error}");
}

#[test]
fn points_in_time_may_be_seconds() {
    let schema = schema(&[("t", "timestamp"), ("_corrupt_record", "string")]);
    let content = b"{\"t\":-1}\n{\"t\":9223372036854775807}\n{\"t\":1.5}\n{\"t\":true}\n";
    let batch = read(content, &schema, &[]).unwrap().unwrap();
    let times = arrow_array::cast::AsArray::as_primitive::<arrow_array::types::TimestampMicrosecondType>(
        batch.column(0),
    );
    // Spark, too, lets the seconds overflow.
    let times: Vec<Option<i64>> = times.iter().collect();
    assert_eq!(times, [Some(-1_000_000), Some(-1_000_000), None, None]);
    assert_eq!(batch.column(1).null_count(), 2);
}

#[test]
fn fields_are_null_whatever_the_schema_says() {
    let schema = schema(&[("a", "integer")]).replace("true", "false");
    assert_eq!(rows_with("{\"a\":1}\n{}\n", &schema, &[]), [r#"{"a":1}"#, r#"{"a":null}"#]);
}

#[test]
fn dates_are_texts_or_days() {
    check("date", &[(r#""2020""#, r#""2020-01-01""#), (r#""2020-1-2""#, r#""2020-01-02""#)]);
    check("date", &[("18000", "null bad"), (r#""x""#, "null bad"), (r#""""#, "null bad")]);
    let zone = [("timeZone", "UTC")];
    let schema = schema(&[("t", "timestamp"), ("n", "timestamp_ntz")]);
    let content = r#"{"t":"2020-01-01T00:00:00Z","n":"2020-01-01 10:11:12"}"#;
    let wanted = r#"{"t":"2020-01-01T00:00:00.000Z","n":"2020-01-01T10:11:12.000"}"#;
    assert_eq!(rows_with(content, &schema, &zone), [wanted]);
}

#[test]
fn patterns_of_dates_admit_nothing_else() {
    let rows = |kind: &str, option: &str, text: &str| {
        rows_with(&format!("{{\"a\":\"{text}\"}}"), &schema(&[("a", kind)]), &[(option, "dd/MM/yyyy")])
    };
    assert_eq!(rows("date", "dateFormat", "01/02/2020"), [r#"{"a":"2020-02-01"}"#]);
    assert_eq!(rows("timestamp", "timestampFormat", "01/02/2020"), [r#"{"a":"2020-02-01T00:00:00.000Z"}"#]);
    for text in ["1", "2020-01-01", "2020-01-01 10:00"] {
        assert_eq!(rows("date", "dateFormat", text), [r#"{"a":null}"#]);
        assert_eq!(rows("timestamp", "timestampFormat", text), [r#"{"a":null}"#]);
    }
}
