//! What holds for any table, file and split.

use super::{array, infer, map, object, read, read_split, save, schema, write};
use crate::columns::{JsonInference, Options, Table, TableFormat};
use arrow_select::concat::concat_batches;
use firesteel_io::FileSplit;
use proptest::prelude::*;
use serde_json::{Value, json};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\"'\\\\\\r\\n\\t{}\\[\\],: \\x00-\\x1f\u{2028}\u{FEFF}😀é]{0,12}"]
}

/// A row of [`columns`], as `serde_json` writes it.
fn row() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<f64>().prop_filter("JSON has none else", |d| d.is_finite()),
        (0..1000).prop_map(f64::from)
    ];
    let pair = (prop::option::of(any::<i32>()), prop::option::of(text()));
    let pair = pair.prop_map(|(x, y)| json!({"x": x, "y": y})).boxed();
    let pairs = prop::option::of(prop::collection::vec(prop::option::of(pair.clone()), 0..4));
    let map = prop::option::of(prop::collection::btree_map(text(), prop::option::of(any::<i64>()), 0..4));
    let simple =
        (any::<Option<bool>>(), any::<Option<i64>>(), prop::option::of(number), prop::option::of(text()));
    (simple, pairs, map, prop::option::of(pair)).prop_map(|((b, l, d, s), p, m, o)| {
        json!({"b": b, "l": l, "d": d, "s": s, "p": p, "m": m, "o": o, "unknown": [s, {"s": d}]})
    })
}

fn columns() -> String {
    let pair = object(&[("x", "integer"), ("y", "string")]);
    schema(&[
        ("b", "boolean"),
        ("l", "long"),
        ("d", "double"),
        ("s", "string"),
        ("p", &array(&pair)),
        ("m", &map("long")),
        ("o", &pair),
        ("_corrupt_record", "string"),
    ])
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// What was written is read as it was, by this reader and by another one.
    #[test]
    fn tables_survive_being_written(rows in prop::collection::vec(row(), 1..20), nulls: bool) {
        let batch = read(lines(&rows).as_bytes(), &columns(), &[]).unwrap().unwrap();
        prop_assert_eq!(batch.num_rows(), rows.len());
        let written = write(&batch, &[("ignoreNullFields", if nulls { "false" } else { "true" })]).unwrap();
        let again = read(&written, &columns(), &[]).unwrap().unwrap();
        prop_assert_eq!(&again, &batch);
        for (line, row) in std::str::from_utf8(&written).unwrap().lines().zip(&rows) {
            let line: Value = serde_json::from_str(line).unwrap();
            for name in ["b", "l", "d", "s", "m"] {
                prop_assert_eq!(&line[name], &row[name]);
            }
        }
    }

    /// Splits of a file hold each of its rows once, bad ones included.
    #[test]
    fn splits_hold_each_row_once(
        rows in prop::collection::vec(row(), 1..12),
        cuts in prop::collection::vec(0.0..1.0, 0..4),
        bad in text(),
    ) {
        let content = format!("{}{}\n{}", lines(&rows), bad, lines(&rows));
        let whole = read(content.as_bytes(), &columns(), &[]).unwrap().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = save(dir.path(), content.as_bytes());
        let mut ends: Vec<u64> = cuts.iter().map(|cut: &f64| (cut * content.len() as f64) as u64).collect();
        ends.extend([0, content.len() as u64]);
        ends.sort_unstable();
        let (options, wanted) = (Options::default(), (0..8).collect());
        let table = Table { format: TableFormat::Json, options, schema: columns(), wanted };
        let mut batches = vec![];
        for pair in ends.windows(2) {
            let split = FileSplit { path: path.clone(), start: pair[0], length: pair[1] - pair[0] };
            batches.extend(read_split(&table, &split).unwrap());
        }
        prop_assert_eq!(concat_batches(&whole.schema(), &batches).unwrap(), whole);
    }

    /// The order in which splits were observed does not show.
    #[test]
    fn inference_has_no_order(values in prop::collection::vec(prop_oneof![
        row(), Just(json!({"d": "s"})), Just(json!({"d": 1e30})), Just(json!({"l": 1.5})), Just(json!(5)),
        Just(json!({"p": {}})), Just(json!({"o": []})), Just(json!({"b": null})),
    ], 1..8), order in any::<prop::sample::Index>()) {
        let seen: Vec<_> = values.iter().map(|value| infer(&format!("{value}\n"), &[]).unwrap()).collect();
        let all = infer(&lines(&values), &[]).unwrap();
        let mut turned = seen.clone();
        turned.rotate_left(order.index(seen.len()));
        turned.reverse();
        let forwards = seen.into_iter().reduce(|one, other| one.merge(other)).unwrap();
        let backwards = turned.into_iter().reduce(|one, other| other.merge(one)).unwrap();
        prop_assert_eq!(&forwards, &backwards);
        prop_assert_eq!(forwards.schema(), all.schema());
        let sent = serde_json::to_string(&all).unwrap();
        let sent: JsonInference = serde_json::from_str(&sent).unwrap();
        prop_assert_eq!(sent, all);
    }

    /// No text makes the reader or the inference fail.
    #[test]
    fn any_text_is_read(content in text(), options in any::<[bool; 4]>()) {
        let names = ["allowComments", "allowUnquotedFieldNames", "allowUnquotedControlChars", "multiLine"];
        let options: Vec<(&str, &str)> =
            names.into_iter().zip(options).map(|(name, on)| (name, ["false", "true"][usize::from(on)])).collect();
        let inside = [format!("{{\"s\":{content}}}"), format!("{{\"s\":\"{content}\",\"l\":1")];
        for content in inside.into_iter().chain([content]) {
            read(content.as_bytes(), &columns(), &options).unwrap();
            infer(&content, &options).unwrap();
        }
    }
}
