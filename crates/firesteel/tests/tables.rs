//! Bad tables: each error names the file, the place and the value, and says what to do.

use firesteel::{BadRows, Context, Data, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::path::PathBuf;

/// A context, and a directory for files.
struct Own {
    sc: Context,
    dir: tempfile::TempDir,
}

impl Own {
    fn new() -> Own {
        let sc = Context::builder().master("local[2]").create().unwrap();
        Own { sc, dir: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, contents).unwrap();
        path.to_str().unwrap().into()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn csv<T: Data>(&self, contents: impl AsRef<[u8]>) -> Result<Vec<T>> {
        let path = self.file("a.csv", contents);
        self.sc.read_csv::<T>(&path).load()?.collect()
    }

    fn parquet<T: Data, U: Data>(&self, records: Vec<T>) -> Result<Vec<U>> {
        let path = self.path("table");
        let _ = std::fs::remove_dir_all(&path);
        self.sc.parallelize(records, 1).save_as_parquet(path.to_str().unwrap())?;
        self.sc.read_parquet::<U>(path.to_str().unwrap()).load()?.collect()
    }
}

#[track_caller]
fn says<T: Debug>(result: Result<T>, words: &[&str]) {
    let error = match result {
        Ok(value) => panic!("an answer instead of an error: {value:?}"),
        Err(error) => error.to_string(),
    };
    let missing: Vec<_> = words.iter().filter(|word| !error.contains(**word)).collect();
    assert!(missing.is_empty(), "{missing:?} not in: {error}");
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    name: String,
    age: u8,
    city: Option<String>,
    #[serde(default)]
    note: String,
}

fn person(name: &str, age: u8) -> Person {
    Person { name: name.into(), age, city: None, note: String::new() }
}

#[test]
fn columns_stand_in_any_order_and_those_that_can_be_missing_may_be() {
    let own = Own::new();
    assert_eq!(own.csv::<Person>("shoe size,age,name\n43,36,Ada\n").unwrap(), [person("Ada", 36)]);
    assert_eq!(own.csv::<Person>("\u{FEFF}age,name\r\n36,Ada\r\n").unwrap(), [person("Ada", 36)]);
}

#[test]
fn a_wrong_header_is_told_when_loading_with_all_names() {
    let own = Own::new();
    let path = own.file("a.csv", "nom,age,ville\nAda,36,Paris\n");
    let error = own.sc.read_csv::<Person>(&path).load();
    says(
        error,
        &[
            &path,
            "has no column `name`",
            "`nom`, `age`, `ville`",
            "`name`, `age`, `city`, `note`",
            "rename",
            "read_csv",
            "tables.rs",
        ],
    );
}

#[test]
fn every_file_of_a_directory_has_its_own_header() {
    let own = Own::new();
    std::fs::create_dir(own.path("dir")).unwrap();
    own.file("dir/a.csv", "name,age\nAda,36\n");
    own.file("dir/b.csv", "age,name\n7,Bob\n");
    own.file("dir/c.csv", "");
    let dir = own.path("dir").to_str().unwrap().to_string();
    let read = || own.sc.read_csv::<Person>(&dir).load().unwrap().collect();
    assert_eq!(read().unwrap(), [person("Ada", 36), person("Bob", 7)]);
    let path = own.file("dir/d.csv", "something,else\n1,2\n");
    says(read(), &[&path, "`name`, `age`", "`something`, `else`"]);
}

#[test]
fn empty_files_have_no_rows() {
    let own = Own::new();
    assert_eq!(own.csv::<Person>("").unwrap(), []);
    assert_eq!(own.csv::<Person>("name,age\n").unwrap(), []);
    let path = own.file("a.json", "");
    assert_eq!(own.sc.read_json_lines::<Person>(&path).load().unwrap().collect().unwrap(), []);
    says(own.sc.read_parquet::<Person>(&path).load(), &[&path, "no Parquet file"]);
}

#[test]
fn a_value_of_another_type_is_named_with_its_line_also_in_a_later_split() {
    let own = Own::new();
    let mut text = "name,age\n".to_string();
    (0..5000).for_each(|i| text += &format!("p{i},{}\n", i % 100));
    text = text.replace("p4321,21", "p4321,very old");
    let path = own.file("a.csv", &text);
    let people = own.sc.read_csv::<Person>(&path).min_partitions(8).load().unwrap();
    assert!(people.num_partitions() >= 8);
    says(
        people.count(),
        &[
            &path,
            "line 4323",
            "column `age`",
            "\"very old\"",
            "whole number (u8)",
            "p4321,very old",
            "read_csv",
        ],
    );
    says(own.csv::<Person>("name,age\nAda,256\n"), &["line 2", "\"256\"", "u8"]);
}

#[test]
fn rows_of_another_width_are_named() {
    let own = Own::new();
    says(own.csv::<Person>("name,age\nAda\n"), &["line 2", "has 1 fields", "the header names 2: name, age"]);
    says(own.csv::<Person>("name,age\nAda,36,Paris\n"), &["line 2", "has 3 fields", "the header names 2"]);
}

#[test]
fn quotes_that_never_close_are_named() {
    let own = Own::new();
    says(
        own.csv::<Person>("name,age\n\"Ada,36\nBob,7\n"),
        &["line 2", "column `name`", "none closes it", "multi_line"],
    );
    let path = own.file("a.csv", "name,age\nBob,7\n\"Ada,36\nBob,7\n");
    says(
        own.sc.read_csv::<Person>(&path).multi_line(true).load().unwrap().collect(),
        &["line 3", "none closes it"],
    );
    let path = own.file("b.csv", "name,age\n\"A\nda\",36\n\"B\",x\n");
    let people = own.sc.read_csv::<Person>(&path).multi_line(true).load().unwrap();
    says(people.collect(), &["line 4", "column `age`"]);
}

#[test]
fn bytes_that_are_no_text_are_named() {
    let own = Own::new();
    says(own.csv::<Person>(b"name,age\nAda,1\nB\xff,7\n"), &["line 3", "not valid UTF-8", "byte 2", "0xFF"]);
    let path = own.file("a.json", b"[1,\"a\"]\n[2,\"\xff\"]\n");
    says(own.sc.read_json_lines::<(u8, String)>(&path).load().unwrap().collect(), &[&path, "line 2"]);
}

#[test]
fn json_that_is_none_is_named() {
    let own = Own::new();
    let path = own.file("a.json", "{\"name\":\"Ada\",\"age\":36}\n\n{\"name\":\"Bob\",\"age\":\"old\"}\n");
    let people = || own.sc.read_json_lines::<Person>(&path);
    says(people().load().unwrap().collect(), &[&path, "line 3", "expected u8", "\"Bob\""]);
    let count = own.sc.long_accumulator();
    assert_eq!(people().bad_rows(BadRows::Drop(count.clone())).load().unwrap().count().unwrap(), 1);
    assert_eq!(count.value(), 1);
}

#[test]
fn dialects_that_contradict_themselves_are_refused() {
    let own = Own::new();
    let path = own.file("a.csv", "name,age\n");
    says(own.sc.read_csv::<Person>(&path).delimiter(b'"').load(), &["delimiter", "quote", "read_csv"]);
    says(own.sc.read_csv::<Person>(&path).delimiter(0xE9).load(), &["ASCII"]);
    says(own.sc.read_csv::<Person>(&path).null("N,A").load(), &["N,A"]);
}

#[test]
fn what_has_no_place_in_csv_is_refused() {
    let own = Own::new();
    let out = own.path("out");
    let lists = own.sc.parallelize(vec![(1, vec![1, 2])], 1);
    says(lists.save_as_csv(out.to_str().unwrap()), &["list", "Parquet", "save_as_csv"]);
    assert!(!out.exists());
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wide {
    name: Option<String>,
    age: i64,
    scores: Vec<Option<f64>>,
    big: i128,
}

fn wide() -> Vec<Wide> {
    vec![Wide { name: None, age: 300, scores: vec![Some(1.5), None], big: 10_i128.pow(37) }]
}

#[test]
fn parquet_columns_that_do_not_fit_are_named_when_loading() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Other {
        name: f64,
        age: bool,
    }
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct More {
        age: i64,
        shoe_size: f32,
    }
    let own = Own::new();
    let words = [
        "part-00000.parquet",
        "column `name` is Utf8",
        "f64",
        "column `age` is Int64",
        "bool",
        "read_parquet",
    ];
    says(own.parquet::<_, Other>(wide()), &words);
    says(own.parquet::<_, More>(wide()), &["has no column `shoe_size`", "`name`, `age`, `scores`, `big`"]);
}

#[test]
fn parquet_values_that_do_not_fit_are_named_with_their_row() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Narrow {
        age: u8,
    }
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Named {
        name: String,
    }
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Scores {
        scores: Vec<f64>,
    }
    let own = Own::new();
    says(own.parquet::<_, Narrow>(wide()), &["row 1", "column `age`", "300", "u8"]);
    says(own.parquet::<_, Named>(wide()), &["column `name`", "null", "Option"]);
    says(own.parquet::<_, Scores>(wide()), &["column `scores.element`", "null", "Option"]);
}

#[test]
fn parquet_values_come_as_text_or_wider() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Text {
        big: String,
        age: i128,
    }
    let own = Own::new();
    let found = own.parquet::<_, Text>(wide()).unwrap();
    assert_eq!(found, [Text { big: format!("1{}", "0".repeat(37)), age: 300 }]);
}

#[test]
fn a_partition_without_records_is_a_file_with_columns() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Other {
        surname: String,
    }
    let own = Own::new();
    assert_eq!(own.parquet::<Wide, Wide>(vec![]).unwrap(), []);
    says(own.parquet::<Wide, Other>(vec![]), &["no column `surname`", "`name`, `age`, `scores`, `big`"]);
}

#[test]
fn damaged_parquet_files_are_named() {
    let own = Own::new();
    let out = own.path("table");
    own.sc.range_in(0..20_000, 1).map(|i| (i * 7919, i % 13)).save_as_parquet(out.to_str().unwrap()).unwrap();
    let whole = std::fs::read(out.join("part-00000.parquet")).unwrap();
    let read = |bytes: &[u8]| {
        let path = own.file("damaged.parquet", bytes);
        own.sc.read_parquet::<(i64, i64)>(&path).load()?.count()
    };
    assert_eq!(read(&whole).unwrap(), 20_000);
    for cut in [0, 3, 8, whole.len() / 2, whole.len() - 1] {
        says(read(&whole[..cut]), &["damaged.parquet"]);
    }
    for place in [50, whole.len() / 3, whole.len() / 2] {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        says(read(&bytes), &["damaged.parquet", "checksum"]);
    }
    says(read(b"name,age\nAda,36\n"), &["damaged.parquet", "no Parquet file"]);
}

#[test]
fn types_without_columns_are_refused_before_anything_is_computed() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    enum Shape {
        Circle(f64),
        Square(f64),
    }
    let own = Own::new();
    let out = own.path("out");
    let shapes = own.sc.parallelize(vec![(1, Shape::Circle(1.0)), (2, Shape::Square(2.0))], 1);
    says(shapes.save_as_parquet(out.to_str().unwrap()), &["Shape", "variants", "save_as_parquet"]);
    says(own.sc.parallelize(vec![vec![1]], 1).save_as_parquet(out.to_str().unwrap()), &["struct"]);
    assert!(!out.exists());
}
