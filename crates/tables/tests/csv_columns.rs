//! CSV as columns, with the rows, types and bytes that Spark 4.3 gives for the same files and options.
#![cfg(feature = "parquet")]

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int32Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow_schema::DataType;
use firesteel_io::{FileSplit, Output, Stores};
use firesteel_tables::TableError;
use firesteel_tables::columns::{
    CsvHeader, CsvInference, Options, Table, TableFormat, TableSink, schema_of_json,
};
use proptest::prelude::*;
use std::sync::Arc;
use tempfile::TempDir;

/// A file in a folder of its own.
struct File {
    _folder: TempDir,
    path: String,
}

impl File {
    fn new(contents: impl AsRef<[u8]>) -> File {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.csv").to_str().unwrap().to_string();
        std::fs::write(&path, contents).unwrap();
        File { _folder: folder, path }
    }

    fn split(&self) -> FileSplit {
        FileSplit { path: self.path.clone(), start: 0, length: std::fs::metadata(&self.path).unwrap().len() }
    }
}

/// Options, to read or write with.
type Pairs<'a> = &'a [(&'a str, &'a str)];

fn options(pairs: &[(&str, &str)]) -> Options {
    Options::from_iter(pairs.iter().copied())
}

/// Returns a schema: `a int, b string`.
fn schema(columns: &str) -> String {
    let field = |column: &str| {
        let (name, kind) = column.split_once(' ').unwrap();
        let kind = if kind == "int" { "integer" } else { kind };
        format!(r#"{{"name":"{name}","type":"{kind}","nullable":true,"metadata":{{}}}}"#)
    };
    let fields: Vec<String> = columns.split("; ").map(field).collect();
    format!(r#"{{"type":"struct","fields":[{}]}}"#, fields.join(","))
}

fn show(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return "-".into();
    }
    match column.data_type() {
        DataType::Utf8 => format!("[{}]", column.as_string::<i32>().value(row)),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Date32 => column.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Timestamp(..) => column.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        other => format!("{other}?"),
    }
}

fn read(
    split: &FileSplit,
    columns: &str,
    wanted: Option<&[usize]>,
    options: &Options,
) -> Result<Vec<String>, TableError> {
    let schema = schema(columns);
    let all: Vec<usize> = (0..schema_of_json(&schema).unwrap().fields().len()).collect();
    let wanted = wanted.map_or(all, <[usize]>::to_vec);
    let table = Table { format: TableFormat::Csv, options: options.clone(), schema, wanted };
    let mut reader = table.open(&Stores::default(), split)?;
    let mut rows = vec![];
    while let Some(batch) = reader.next_batch()? {
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = batch.columns().iter().map(|column| show(column, row)).collect();
            rows.push(cells.join(" "));
        }
    }
    Ok(rows)
}

fn rows(contents: &str, columns: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    read(&File::new(contents).split(), columns, None, &options(pairs)).unwrap()
}

const THREE: &str = "a string; b string; c string";

#[test]
fn stray_quotes_mean_what_spark_makes_of_them() {
    let cases = [
        ("\"", "[\"] - -"),
        ("\"b", "[b] - -"),
        ("\"\"", "- - -"),
        ("\" ,", "[ ,] - -"),
        ("\"\"a", "[\"\"a] - -"),
        ("\"\\\"", "[\"] - -"),
        ("\"\"\"\"", "[\"\"] - -"),
        ("\"b \\bb\\\"\",", "[b \\bb\"] - -"),
        ("a,\" ,\"\\b,", "[a] [ ,\"\\b] -"),
        ("\"\" \"", "[\"\" \"] - -"),
        ("\"\"\\,", "[\"\\] - -"),
        (",\"\"\\\"\"\"b,b", "- [\"\\\"\"\"bb] -"),
        ("\"a\"  ,b", "[a] [b] -"),
        ("a\"b,c", "[a\"b] [c] -"),
        ("\"\"\" a\"\"\"", "[\"\"\" a\"\"\"\"] - -"),
        ("\"\"\" aa\"\"\"", "[\"\"\" aa\"\"\"] - -"),
    ];
    for (line, row) in cases {
        assert_eq!(rows(line, THREE, &[]), [row], "{line}");
    }
    let closing = [("unescapedQuoteHandling", "STOP_AT_CLOSING_QUOTE")];
    assert_eq!(rows("\"b\"a", THREE, &closing), ["[b\"a] - -"]);
    assert_eq!(rows("\"\"b\"", THREE, &closing), ["[\"b] - -"]);
    assert_eq!(rows("\"\"a,b", THREE, &[("unescapedQuoteHandling", "SKIP_VALUE")]), ["- [b] -"]);
    let raise = read(
        &File::new("x\n\"\"a").split(),
        THREE,
        None,
        &options(&[("unescapedQuoteHandling", "RAISE_ERROR")]),
    );
    let error = raise.unwrap_err().to_string();
    assert!(error.contains("line 2 of") && error.contains("unescapedQuoteHandling"), "{error}");
}

#[test]
fn the_dialect_is_what_options_say() {
    let cases: [(&str, Pairs, &str); 12] = [
        (" a , b ", &[], "[ a ] [ b ] -"),
        (" a , b ", &[("ignoreLeadingWhiteSpace", "true")], "[a ] [b ] -"),
        (
            " a ,\" b \" ",
            &[("ignoreLeadingWhiteSpace", "true"), ("ignoreTrailingWhiteSpace", "true")],
            "[a] [ b ] -",
        ),
        ("a;b", &[("sep", ";")], "[a] [b] -"),
        ("a||b|c||\"d||\"", &[("sep", "||")], "[a] [b|c] [d||]"),
        ("a\tb", &[("sep", "\\t")], "[a] [b] -"),
        ("'a,b',c", &[("quote", "'")], "[a,b] [c] -"),
        ("\"a,b", &[("quote", "")], "[\"a] [b] -"),
        ("\"a\"\"b\",c", &[("escape", "\"")], "[a\"b] [c] -"),
        ("NULL,\"\",", &[("nullValue", "NULL"), ("emptyValue", "E")], "- [E] -"),
        ("a,\"\",", &[("nullValue", "NULL")], "[a] [] -"),
        ("#a\n \nb", &[("comment", "#")], "[b] - -"),
    ];
    for (line, pairs, row) in cases {
        assert_eq!(rows(line, THREE, pairs), [row], "{line} {pairs:?}");
    }
    assert_eq!(rows("a,b\rXc", THREE, &[("lineSep", "X")]), ["[a] [b\r] -", "[c] - -"]);
    assert_eq!(rows("1,b\u{feff}", "a int; b string", &[]), ["1 [b\u{feff}]"]);
    assert_eq!(rows("\u{feff}1,b", "a int; b string", &[]), ["1 [b]"]);
}

#[test]
fn text_in_other_encodings() {
    let file = File::new(b"1,b\xe4\xff\n");
    let read =
        |pairs: &[(&str, &str)]| read(&file.split(), "a int; b string", None, &options(pairs)).unwrap();
    assert_eq!(read(&[("encoding", "ISO-8859-1")]), ["1 [bäÿ]"]);
    assert_eq!(read(&[("charset", "US-ASCII")]), ["1 [b\u{fffd}\u{fffd}]"]);
    assert_eq!(read(&[]), ["1 [b\u{fffd}\u{fffd}]"]);
}

const MIXED: &str = "1,x,2\n3,y\nz,y,4\n5,y,6,7\n\n   \n#c\n8,,9\n\"\",z,1\n";
const TYPED: &str = "a int; b string; c int";

#[test]
fn bad_records_are_kept_dropped_or_refused() {
    let corrupt = format!("{TYPED}; _corrupt_record string");
    assert_eq!(
        rows(MIXED, &corrupt, &[]),
        [
            "1 [x] 2 -",
            "3 [y] - [3,y]",
            "- [y] 4 [z,y,4]",
            "5 [y] 6 [5,y,6,7]",
            "- - - [#c]",
            "8 - 9 -",
            "- [z] 1 -"
        ]
    );
    let first = format!("oops string; {TYPED}");
    let named = [("columnNameOfCorruptRecord", "oops")];
    assert_eq!(rows(MIXED, &first, &named)[2], "[z,y,4] - [y] 4");
    let drop = [("mode", "dropmalformed")];
    assert_eq!(rows(MIXED, TYPED, &drop), ["1 [x] 2", "8 - 9", "- [z] 1"]);
    let error = read(&File::new(MIXED).split(), TYPED, None, &options(&[("mode", "FAILFAST")])).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("line 2 of") && text.contains("2 fields, and the schema 3"), "{text}");
    let error =
        read(&File::new("1,x,2\nz,y,4").split(), TYPED, None, &options(&[("mode", "FAILFAST")])).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("column `a`: \"z\": it is not a whole number"), "{text}");
}

#[test]
fn columns_that_are_not_wanted_are_not_judged() {
    let file = File::new(MIXED);
    let drop = options(&[("mode", "DROPMALFORMED")]);
    let read = |columns: &str, wanted: &[usize], options: &Options| {
        read(&file.split(), columns, Some(wanted), options)
    };
    assert_eq!(read(TYPED, &[0], &drop).unwrap(), ["1", "3", "5", "8", "-"]);
    assert_eq!(read(TYPED, &[2, 0], &drop).unwrap(), ["2 1", "- 3", "6 5", "9 8", "1 -"]);
    assert_eq!(read(TYPED, &[], &drop).unwrap().len(), 7);
    let whole = options(&[("mode", "DROPMALFORMED"), ("columnPruning", "false")]);
    assert_eq!(read(TYPED, &[0], &whole).unwrap(), ["1", "8", "-"]);
    let corrupt = format!("{TYPED}; _corrupt_record string");
    assert_eq!(read(&corrupt, &[1, 3], &Options::default()).unwrap()[1], "[y] -");
    let error = read(&corrupt, &[3], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("QUERY_ONLY_CORRUPT_RECORD_COLUMN"), "{error}");
    let int = format!("{TYPED}; _corrupt_record int");
    assert!(
        read(&int, &[0], &Options::default())
            .unwrap_err()
            .to_string()
            .contains("INVALID_CORRUPT_RECORD_TYPE")
    );
}

#[test]
fn a_header_is_no_row_and_its_names_count_where_asked() {
    let header = ("header", "true");
    for lines in ["false", "true"] {
        let multi = ("multiLine", lines);
        assert_eq!(rows("\n\n#x\nc,b,a\n1,x,2\n", TYPED, &[header, ("comment", "#"), multi]), ["1 [x] 2"]);
        let strict = options(&[header, ("enforceSchema", "false"), multi]);
        let short = read(&File::new("a,b\n1,x,2\n").split(), TYPED, None, &strict).unwrap_err().to_string();
        assert!(short.contains("2 columns, and the schema 3"), "{short}");
        let error = read(&File::new("c,b,a\n1,x,2\n").split(), TYPED, None, &strict).unwrap_err().to_string();
        assert!(
            error.contains("\"c\" in the header, and \"a\"") && error.contains("enforceSchema"),
            "{error}"
        );
        assert_eq!(read(&File::new("A,B,C\n1,x,2\n").split(), TYPED, None, &strict).unwrap(), ["1 [x] 2"]);
    }
}

#[test]
fn records_of_several_lines() {
    let multi = ("multiLine", "true");
    assert_eq!(rows("a,\"x\ny\"\nb,c\n", THREE, &[multi]), ["[a] [x\ny] -", "[b] [c] -"]);
    assert_eq!(rows("\"\r\"a\ra", THREE, &[multi]), ["[\"\n\"a] - -", "[a] - -"]);
    assert_eq!(rows("a\r\n\r\n\"b\r\nc\"", THREE, &[multi]), ["[a] - -", "[b\nc] - -"]);
    assert_eq!(rows("\"a\nb", THREE, &[multi]), ["[a\nb] - -"]);
    // Records are longer than what is read at once.
    let long = "x\n".repeat(100_000);
    assert_eq!(
        rows(&format!("a,\"{long}\"\nb,c"), THREE, &[multi]),
        [format!("[a] [{long}] -"), "[b] [c] -".into()]
    );
}

#[test]
fn text_becomes_values_of_types() {
    let cases = [
        ("double", " 1 |1d|NaN|-Inf|+.5|1,0|nan", "1 1 NaN -inf 0.5 - -"),
        ("boolean", "true|FALSE|tRuE|1| true|t", "true false true - - -"),
        ("decimal(5,2)", "12.345|1,2,3|1e-400|1000| 1|1d", "1235 12300 0 - - -"),
        ("int", "+1|007|1.0| 1|2147483648|-2147483648", "1 7 - - - -2147483648"),
        ("date", "2020|2020-1-2|2020-01-02 x|2020/01/02", "18262 18263 18263 -"),
    ];
    for (kind, texts, values) in cases {
        let lines = texts.replace('|', "\n");
        assert_eq!(rows(&lines, &format!("a {kind}"), &[("sep", ";")]).join(" "), values, "{kind}");
    }
    let words = [("nanValue", "x"), ("positiveInf", "y"), ("negativeInf", "-y")];
    assert_eq!(rows("x\ny\n-y\nInf", "a double", &words), ["NaN", "inf", "-inf", "-"]);
    let error =
        read(&File::new("1").split(), "a decimal(5,2)", None, &options(&[("locale", "de-DE")])).unwrap_err();
    assert!(error.to_string().contains("locale"), "{error}");
}

#[test]
fn limits_are_kept() {
    let fails = |pairs: &[(&str, &str)]| {
        read(&File::new("1,22,3").split(), THREE, None, &options(pairs)).unwrap_err()
    };
    assert!(fails(&[("maxColumns", "2")]).to_string().contains("maxColumns"));
    assert!(fails(&[("maxCharsPerColumn", "1")]).to_string().contains("field 2"));
}

fn infer(contents: &str, pairs: &[(&str, &str)]) -> String {
    let (file, options, stores) = (File::new(contents), options(pairs), Stores::default());
    let Some(header) = CsvHeader::read(&stores, &file.path, &options).unwrap() else { return String::new() };
    let inference = CsvInference::observe(&stores, &file.split(), &header, &options).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&inference.schema(&header)).unwrap();
    let fields = schema["fields"].as_array().unwrap();
    let show = |field: &serde_json::Value| {
        format!("{}:{}", field["name"].as_str().unwrap(), field["type"].as_str().unwrap())
    };
    fields.iter().map(show).collect::<Vec<_>>().join(" ")
}

#[test]
fn types_are_found_in_text() {
    let cases = [
        ("1\n2", "integer"),
        ("2147483648\n1", "long"),
        ("1\n1.5", "double"),
        ("9223372036854775808\n1", "decimal(19,0)"),
        ("0.1\n12345678901234567890", "double"),
        ("12345678901234567890123456789012345678901", "double"),
        ("5.", "decimal(1,0)"),
        ("1e5", "double"),
        (" 1", "double"),
        ("True\nfalse", "boolean"),
        ("true\n1", "string"),
        ("2020-01-02", "date"),
        ("2020-1-2", "timestamp"),
        ("2020-01-02\n2020-01-03 04:05:06", "timestamp"),
        ("10:11:12", "timestamp"),
        ("99999-01-01", "timestamp"),
        ("1\n2020-01-02", "string"),
        ("20200102", "integer"),
        ("1\n\"\"\n2", "integer"),
        ("\"\"", "string"),
    ];
    for (text, kind) in cases {
        assert_eq!(infer(text, &[]), format!("_c0:{kind}"), "{text}");
    }
    let header = ("header", "true");
    assert_eq!(infer("a,b\na,b\n1,2\n", &[header]), "a:integer b:integer");
    assert_eq!(infer("a,b,c\n1\n1,2\n", &[header]), "a:integer b:integer c:string");
    assert_eq!(infer("a,b\n1,\"x\ny\"\n", &[header, ("multiLine", "true")]), "a:integer b:string");
    assert_eq!(infer("1\n2,3", &[]), "_c0:integer");
    assert_eq!(infer("", &[header]), "");
}

#[test]
fn formats_change_the_types_that_are_found() {
    let cases: [(&str, Pairs, &str); 8] = [
        ("2020-01-02", &[("preferDate", "false")], "timestamp"),
        ("2020/01/02", &[("dateFormat", "yyyy/MM/dd")], "date"),
        ("2020/01/02", &[("timestampFormat", "yyyy/MM/dd")], "timestamp"),
        ("2020-01-02", &[("dateFormat", "yyyy/MM/dd")], "timestamp"),
        ("2020/01/02\n2020-01-02 03:04:05", &[("dateFormat", "yyyy/MM/dd")], "string"),
        ("2020-01-02\n2020-01-02 03:04:05", &[("timestampFormat", "yyyy-MM-dd HH:mm:ss")], "string"),
        ("2020-01-02\n2020-01-02T03:04:05", &[("dateFormat", "yyyy-MM-dd")], "timestamp"),
        ("x\n1", &[("positiveInf", "x")], "double"),
    ];
    for (text, pairs, kind) in cases {
        assert_eq!(infer(text, pairs), format!("_c0:{kind}"), "{text} {pairs:?}");
    }
}

/// Writes columns, and returns the file.
fn write(columns: &str, arrays: Vec<ArrayRef>, pairs: &[(&str, &str)]) -> (TempDir, String) {
    let (schema, folder) = (schema(columns), TempDir::new().unwrap());
    let path = folder.path().join("out.csv").to_str().unwrap().to_string();
    let batch = RecordBatch::try_new(schema_of_json(&schema).unwrap(), arrays).unwrap();
    let sink = TableSink { format: TableFormat::Csv, options: options(pairs), schema };
    let mut writer = sink.create(Output::create(&Stores::default(), &path).unwrap()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap().finish().unwrap();
    (folder, path)
}

fn written(texts: &[Option<&str>], pairs: &[(&str, &str)]) -> String {
    let column: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let other: ArrayRef = Arc::new(StringArray::from(vec!["-"; texts.len()]));
    let (_folder, path) = write("a string; b string", vec![column, other], pairs);
    String::from_utf8(std::fs::read(path).unwrap()).unwrap().replace(",-", "")
}

#[test]
fn text_is_quoted_where_spark_quotes_it() {
    let texts = [
        Some("a,b"),
        Some("a\"b"),
        Some("\\\""),
        Some(" x "),
        Some(""),
        None,
        Some("#c"),
        Some("\\"),
        Some("a\nb"),
        Some("a\n"),
    ];
    assert_eq!(
        written(&texts, &[]),
        "\"a,b\"\n\"a\\\"b\"\n\"\\\\\\\"\"\nx\n\"\"\n\n\"#c\"\n\\\n\"a\nb\"\n\"a\"\n"
    );
    let cases: [(Option<&str>, Pairs, &str); 10] = [
        (Some("x"), &[("quoteAll", "true")], "\"x\",\"-\""),
        (Some("a\"b"), &[("escapeQuotes", "false")], "a\"b"),
        (Some("a\"b"), &[("escape", "\"")], "\"a\"\"b\""),
        (Some("\\\""), &[("charToEscapeQuoteEscaping", "#")], "\"#\\\\\"\""),
        (None, &[("nullValue", "NULL")], "NULL"),
        (Some(""), &[("emptyValue", "E")], "E"),
        (Some(""), &[("emptyValue", "")], ""),
        (Some(" x "), &[("ignoreLeadingWhiteSpace", "false"), ("ignoreTrailingWhiteSpace", "false")], " x "),
        (Some("é"), &[("encoding", "US-ASCII")], "?"),
        (Some("a,b"), &[("quote", "'")], "'a,b'"),
    ];
    for (text, pairs, line) in cases {
        assert_eq!(written(&[text], pairs), format!("{line}\n"), "{text:?} {pairs:?}");
    }
    assert_eq!(written(&[Some("x\ny")], &[("lineSep", "\r\n"), ("header", "true")]), "a,b\r\n\"x\r\ny\"\r\n");
}

#[test]
fn nested_columns_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("out.csv").to_str().unwrap().to_string();
    let list = r#"{"type":"array","elementType":"integer","containsNull":true}"#;
    let schema = schema("a string").replace("\"string\"", list);
    let sink = TableSink { format: TableFormat::Csv, options: Options::default(), schema };
    let error = sink.create(Output::create(&Stores::default(), &path).unwrap()).err().unwrap().to_string();
    assert!(error.contains("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE") && error.contains("\"a\""), "{error}");
}

proptest! {
    /// Options exist under which what is written is read back, whatever it is.
    #[test]
    fn rows_survive_writing_and_reading(
        texts in prop::collection::vec((prop::option::of("[a,\"\\\\ \n\r#é|']{0,6}"), any::<Option<i32>>(), any::<Option<f64>>()), 1..20),
        quote_all: bool,
        escape in prop::sample::select(vec!["\\", "\"", "|"]),
        separator in prop::sample::select(vec![",", ";", "\\t"]),
    ) {
        let a: ArrayRef = Arc::new(StringArray::from_iter(texts.iter().map(|(text, ..)| text.clone())));
        let b: ArrayRef = Arc::new(Int32Array::from_iter(texts.iter().map(|(_, number, _)| *number)));
        let c: ArrayRef = Arc::new(Float64Array::from_iter(texts.iter().map(|(_, _, number)| *number)));
        let quote_all = quote_all.to_string();
        let pairs = [
            ("nullValue", "NULL"), ("sep", separator), ("escape", escape), ("quoteAll", &quote_all),
            ("ignoreLeadingWhiteSpace", "false"), ("ignoreTrailingWhiteSpace", "false"),
        ];
        let columns = "a string; b int; c double";
        let (_folder, path) = write(columns, vec![a.clone(), b.clone(), c.clone()], &pairs);
        let split = FileSplit { length: std::fs::metadata(&path).unwrap().len(), path, start: 0 };
        let reading = [&pairs[..], &[("multiLine", "true"), ("lineSep", "\n")]].concat();
        let wanted: Vec<String> = (0..texts.len())
            .map(|row| [&a, &b, &c].map(|column| show(column, row)).join(" "))
            .collect();
        prop_assert_eq!(read(&split, columns, None, &options(&reading)).unwrap(), wanted);
    }

    /// The splits of a file have the rows of the whole.
    #[test]
    fn splits_have_the_rows_of_the_file(
        contents in "([1a,\"\\\\ ]{0,5}(\n|\r\n|\r)){0,8}[1a,]{0,3}",
        cut in 0..60_u64,
        mode in prop::sample::select(vec!["PERMISSIVE", "DROPMALFORMED"]),
        header: bool,
    ) {
        let file = File::new(&contents);
        let (whole, header) = (file.split(), header.to_string());
        let cut = cut.min(whole.length);
        let options = options(&[("mode", mode), ("header", &header)]);
        let columns = "a int; b string; _corrupt_record string";
        let all = read(&whole, columns, None, &options).unwrap();
        let first = FileSplit { length: cut, ..whole.clone() };
        let second = FileSplit { start: cut, length: whole.length - cut, ..whole };
        let mut parts = read(&first, columns, None, &options).unwrap();
        parts.extend(read(&second, columns, None, &options).unwrap());
        // A split takes the first line of its own that is not empty for the header, as in Spark, and only if the split
        // is the file's first. Where the cut is before that line, the line is a row of the second split.
        let before = &contents.as_bytes()[..cut as usize];
        prop_assert!(parts == all || (header == "true" && before.iter().all(|byte| *byte <= b' ')));
    }

    /// What splits tell about types does not depend on their order.
    #[test]
    fn inferences_merge_in_any_order(
        texts in prop::collection::vec(
            prop::sample::select(vec!["1", "3000000000", "9223372036854775808", "1.5", "2020", "2020-01-02", "2020-01-02 03:04:05", "true", "x", "\"\""]),
            1..6,
        ),
        seed in any::<u64>(),
    ) {
        let (stores, options) = (Stores::default(), Options::default());
        let header = CsvHeader::read(&stores, &File::new("1").path, &options).unwrap().unwrap();
        let observe = |text: &str| CsvInference::observe(&stores, &File::new(text).split(), &header, &options).unwrap();
        let merged = texts.iter().map(|text| observe(text)).reduce(CsvInference::merge).unwrap();
        let mut shuffled = texts.clone();
        let places = shuffled.len();
        (0..places).for_each(|place| shuffled.swap(place, (seed >> place) as usize % places));
        let other = shuffled.iter().map(|text| observe(text)).reduce(|all, next| next.merge(all)).unwrap();
        prop_assert_eq!(&merged, &other);
        prop_assert_eq!(merged, observe(&texts.join("\n")));
    }
}
