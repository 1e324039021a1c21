//! Writing, by the bytes that Spark 4.3.0 was seen to write.

use super::{array, map, object, read, schema, write};

/// Reads a row, and writes it.
fn rewrite(content: &str, columns: &[(&str, &str)], options: &[(&str, &str)]) -> String {
    let batch = read(content.as_bytes(), &schema(columns), &[]).unwrap().unwrap();
    String::from_utf8(write(&batch, options).unwrap()).unwrap()
}

#[test]
fn strings_are_escaped_as_spark_does() {
    let line = concat!(r#"{"s":"a\"b\\c/d\b\f\n\r\t\u0001\u001F"#, "\u{7F}\u{80}\u{2028}é😀<>&'\"}\n");
    assert_eq!(rewrite(line, &[("s", "string")], &[]), line);
    let ascii = [("writeNonAsciiCharacterAsCodePoint", "true")];
    let wanted = concat!(
        r#"{"s":"a\"b\\c/d\b\f\n\r\t\u0001\u001F"#,
        "\u{7F}",
        r#"\u0080\u2028\u00E9\uD83D\uDE00<>&'"}"#,
        "\n"
    );
    assert_eq!(rewrite(line, &[("s", "string")], &ascii), wanted);
}

#[test]
fn nulls_are_left_out_of_objects_only() {
    let pair = object(&[("x", "integer"), ("y", "string")]);
    let (numbers, map, pairs) = (array("integer"), map("integer"), array(&pair));
    let columns = [("a", numbers.as_str()), ("m", &map), ("o", &pair), ("p", &pairs), ("v", "void")];
    let line = "{\"a\":[1,null],\"m\":{\"k\\\"\":1,\"n\":null},\"o\":{},\"p\":[{\"y\":\"\"},null]}\n{}\n";
    assert_eq!(rewrite(line, &columns, &[]), line);
    let all = concat!(
        r#"{"a":[1,null],"m":{"k\"":1,"n":null},"o":{"x":null,"y":null},"p":[{"x":null,"y":""},null],"v":null}"#,
        "\n",
        r#"{"a":null,"m":null,"o":null,"p":null,"v":null}"#,
        "\n"
    );
    assert_eq!(rewrite(line, &columns, &[("ignoreNullFields", "false")]), all);
}

#[test]
fn numbers_are_written_as_java_prints_them() {
    let columns = [("d", "double"), ("f", "float"), ("e", "decimal(38,20)"), ("l", "long"), ("b", "byte")];
    let line = r#"{"d":1e10,"f":1.50,"e":0.0000001,"l":-9223372036854775808,"b":7}"#;
    let wanted = "{\"d\":1.0E10,\"f\":1.5,\"e\":1.0000000000000E-7,\"l\":-9223372036854775808,\"b\":7}\n";
    assert_eq!(rewrite(line, &columns, &[]), wanted);
    let words = rewrite(r#"{"d":NaN,"f":-INF}"#, &columns, &[]);
    assert_eq!(words, "{\"d\":\"NaN\",\"f\":\"-Infinity\"}\n");
}

#[test]
fn separators_and_codecs() {
    let columns = [("l", "long")];
    assert_eq!(rewrite("{\"l\":1}\n{}\n", &columns, &[("lineSep", "ab")]), "{\"l\":1}ab{}ab");
    let batch = read(b"{\"l\":1}\n", &schema(&columns), &[]).unwrap().unwrap();
    for (option, value, part) in [
        ("pretty", "true", "pretty"),
        ("lineSep", "", "lineSep"),
        ("encoding", "latin1", "encoding"),
        ("compression", "rar", "rar"),
    ] {
        let error = write(&batch, &[(option, value)]).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(write(&batch, &[("compression", "gzip")]).unwrap()[..2], [0x1F, 0x8B]);
}

#[test]
fn keys_of_maps_are_numbers_or_strings() {
    use arrow_array::builder::{Int32Builder, MapBuilder, MapFieldNames, StringBuilder};
    use arrow_array::{ArrayRef, RecordBatch};
    use std::sync::Arc;
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut map = MapBuilder::new(Some(names), Int32Builder::new(), StringBuilder::new());
    map.keys().append_value(3);
    map.values().append_value("x");
    map.append(true).unwrap();
    let batch = RecordBatch::try_from_iter([("m", Arc::new(map.finish()) as ArrayRef)]).unwrap();
    assert_eq!(write(&batch, &[]).unwrap(), b"{\"m\":{\"3\":\"x\"}}\n");
}

#[test]
fn dates_and_times_have_three_digits_of_seconds() {
    let columns = [("d", "date"), ("t", "timestamp"), ("n", "timestamp_ntz")];
    let line = r#"{"d":"9999-12-31","t":"1969-12-31T23:59:59.999123Z","n":"2020-01-02T03:04:05.678901"}"#;
    let wanted = r#"{"d":"9999-12-31","t":"1969-12-31T23:59:59.999Z","n":"2020-01-02T03:04:05.678"}"#;
    assert_eq!(rewrite(line, &columns, &[]), format!("{wanted}\n"));
}
