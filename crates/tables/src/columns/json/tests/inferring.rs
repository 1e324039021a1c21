//! Inference, by the schemas that Spark 4.3.0 was seen to find.

use super::infer;
use serde_json::Value;

/// Returns a type in short: `struct<a:long>`.
fn short(kind: &Value) -> String {
    match (kind.as_str(), kind["type"].as_str()) {
        (Some(name), _) => name.into(),
        (_, Some("array")) => format!("[{}]", short(&kind["elementType"])),
        _ => {
            let fields = kind["fields"].as_array().unwrap();
            let field =
                |field: &Value| format!("{}:{}", field["name"].as_str().unwrap(), short(&field["type"]));
            format!("<{}>", fields.iter().map(field).collect::<Vec<_>>().join(","))
        }
    }
}

fn check(lines: &[&str], options: &[(&str, &str)], wanted: &str) {
    let seen = infer(&(lines.join("\n") + "\n"), options).unwrap();
    let schema: Value = serde_json::from_str(&seen.schema()).unwrap();
    assert_eq!(short(&schema), wanted, "{lines:?} {options:?}");
}

/// Checks the type of a field `b` that has values.
fn field(values: &[&str], options: &[(&str, &str)], wanted: &str) {
    let lines: Vec<String> = values.iter().map(|value| format!(r#"{{"b":{value}}}"#)).collect();
    check(&lines.iter().map(String::as_str).collect::<Vec<_>>(), options, wanted);
}

#[test]
fn numbers() {
    field(&["1"], &[], "<b:long>");
    field(&["1", "1.5"], &[], "<b:double>");
    field(&["9223372036854775807"], &[], "<b:long>");
    field(&["9223372036854775808"], &[], "<b:decimal(19,0)>");
    field(&["-9223372036854775808"], &[], "<b:long>");
    field(&["9223372036854775808", "1"], &[], "<b:decimal(20,0)>");
    field(&["9223372036854775808", "1.5"], &[], "<b:double>");
    field(&["12345678901234567890123456789012345678"], &[], "<b:decimal(38,0)>");
    field(&["123456789012345678901234567890123456789"], &[], "<b:double>");
    field(&["NaN"], &[], "<b:double>");
    field(&["true", "1"], &[], "<b:string>");
}

#[test]
fn decimals_when_they_are_preferred() {
    let prefer = [("prefersDecimal", "true")];
    field(&["1.5", "12.25"], &prefer, "<b:decimal(4,2)>");
    field(&["1.5", "1"], &prefer, "<b:decimal(21,1)>");
    field(&["1.5e-10"], &prefer, "<b:decimal(11,11)>");
    field(&["0.001"], &prefer, "<b:decimal(3,3)>");
    field(&["100.0"], &prefer, "<b:decimal(4,1)>");
    field(&["0.0", "9223372036854775807"], &prefer, "<b:decimal(21,1)>");
    field(&["9223372036854775808", "0.1"], &prefer, "<b:decimal(20,1)>");
    field(&["0.00000000000000000000000000000000000000001"], &prefer, "<b:double>");
    field(&["1.5", "12345678901234567890123456789012345678"], &prefer, "<b:double>");
    field(&["\"1.5\""], &prefer, "<b:decimal(2,1)>");
    field(&["\"1\""], &prefer, "<b:decimal(1,0)>");
    field(&["\"1,000\""], &prefer, "<b:decimal(4,0)>");
    field(&["NaN"], &prefer, "<_corrupt_record:string>");
}

#[test]
fn nulls_arrays_and_objects() {
    field(&["null"], &[], "<b:string>");
    field(&["\"\""], &[], "<b:string>");
    field(&["\"\"", "1"], &[], "<b:long>");
    field(&["{}"], &[], "<>");
    field(&["{}", "1"], &[], "<b:string>");
    field(&["[]"], &[], "<b:[string]>");
    field(&["[]", "1"], &[], "<b:string>");
    field(&["[null,{}]"], &[], "<>");
    field(&["[1,2.5]"], &[], "<b:[double]>");
    field(&["[[],[1]]"], &[], "<b:[[long]]>");
    field(&[r#"[{"x":1},{"y":"s"}]"#], &[], "<b:[<x:long,y:string>]>");
    field(&[r#"{"x":1}"#, r#"{"x":"s","w":null}"#], &[], "<b:<w:string,x:string>>");
    let line =
        r#"{"b":null,"c":[],"d":{},"e":{"x":null},"f":[null],"g":[[]],"h":[{}],"i":1,"j":{"x":[],"y":1}}"#;
    check(&[line], &[("dropFieldIfAllNull", "true")], "<i:long,j:<y:long>>");
    let line = r#"{"b":1,"d":1.5,"o":{"x":[true]},"n":null,"a":[1]}"#;
    check(
        &[line],
        &[("primitivesAsString", "true")],
        "<a:[string],b:string,d:string,n:string,o:<x:[string]>>",
    );
}

#[test]
fn records_that_are_no_objects() {
    check(&["", "[]", "null", "{}"], &[], "<>");
    check(&[r#"[{"a":1},{"b":2}]"#], &[], "<a:long,b:long>");
    check(&[r#"[[{"a":1}]]"#], &[], "<a:long>");
    check(&[r#"[{"a":1},2]"#], &[], "<_corrupt_record:string>");
    check(&["1", r#"{"b":1}"#], &[], "<_corrupt_record:string,b:long>");
    check(&["x", r#"{"b":1}"#], &[("mode", "DROPMALFORMED")], "<b:long>");
    check(&["x", r#"{"b":1}"#], &[("columnNameOfCorruptRecord", "zz")], "<b:long,zz:string>");
    check(&["x", r#"{"_corrupt_record":5}"#], &[], "<_corrupt_record:string>");
    check(&[r#"{"a":1,"c":2"#], &[], "<_corrupt_record:string>");
    check(&[r#"{"a":1} x"#], &[], "<a:long>");
    check(&["[{\"a\":1},", "{\"b\":2}]"], &[("multiLine", "true")], "<a:long,b:long>");
    assert!(infer("x\n", &[("mode", "FAILFAST")]).unwrap_err().to_string().starts_with("line 1 of "));
}

#[test]
fn names_are_sorted_as_java_sorts_and_twins_stay() {
    check(
        &["{\"z\":1,\"Z\":1,\"_\":2,\"\u{FFEE}\":1,\"😀\":1}"],
        &[],
        "<Z:long,_:long,z:long,😀:long,\u{FFEE}:long>",
    );
    check(&[r#"{"b":1,"b":"s"}"#, r#"{"b":1}"#], &[], "<b:string,b:string>");
    check(&[r#"{"b":1}"#, r#"{"b":1,"":2}"#], &[], "<b:long>");
}

#[test]
fn samples_are_a_part_and_always_the_same() {
    let content: String = (0..1000).map(|n| format!("{{\"f{n}\":1}}\n")).collect();
    let sample = || infer(&content, &[("samplingRatio", "0.3")]).unwrap();
    let fields = sample().schema().matches("\"name\"").count();
    assert!((200..400).contains(&fields), "{fields}");
    assert_eq!(sample(), sample());
}

#[test]
fn points_in_time_when_they_are_looked_for() {
    field(&[r#""2020-01-01 10:00:00""#], &[], "<b:string>");
    let look = [("inferTimestamp", "true")];
    for text in ["2020-01-01 10:00:00", "2020-01-01T10:00:00Z", "2020-01-01", "10:00", "12:30:00"] {
        field(&[&format!("{text:?}"), "null"], &look, "<b:timestamp>");
    }
    field(&[r#""1""#], &look, "<b:string>");
    field(&[r#""2020-01-01""#, r#""x""#], &look, "<b:string>");
    field(&[r#""2020-01-01""#, "1"], &look, "<b:string>");
    field(&[r#""01/02/2020 10""#], &[look[0], ("timestampFormat", "dd/MM/yyyy HH")], "<b:timestamp>");
    field(&[r#""1.5""#], &[look[0], ("prefersDecimal", "true")], "<b:decimal(2,1)>");
}
