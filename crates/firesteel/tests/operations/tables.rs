//! Saving as tables and reading them back: the same records in the same order, whatever the type and the partitions.

use super::support::*;
use firesteel::{
    BadRowReport, BadRows, Codec, Context, CsvFormat, Data, ParquetCompression, ParquetFormat, Result,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flight {
    carrier: String,
    #[serde(rename = "DEP DELAY")]
    delay: Option<i32>,
    distance: f64,
    cancelled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Trip {
    flights: Vec<Flight>,
    by_day: BTreeMap<String, Option<u8>>,
    seat: (u8, char),
}

fn flight() -> impl Strategy<Value = Flight> {
    ("[A-Z,\"é]{0,3}", any::<Option<i32>>(), -1e300..1e300, any::<bool>())
        .prop_map(|(carrier, delay, distance, cancelled)| Flight { carrier, delay, distance, cancelled })
}

fn trip() -> impl Strategy<Value = Trip> {
    let by_day = prop::collection::btree_map("[a-z]{0,2}", any::<Option<u8>>(), 0..3);
    (prop::collection::vec(flight(), 0..3), by_day, any::<(u8, char)>())
        .prop_map(|(flights, by_day, seat)| Trip { flights, by_day, seat })
}

/// Saves and reads back on all contexts.
fn check_table<T: Data + PartialEq + Debug>(
    records: &[T],
    partitions: usize,
    save: impl Fn(&firesteel::Rdd<T>, &str) -> Result<()>,
    read: impl Fn(&Context, &str) -> Result<firesteel::Rdd<T>>,
) {
    check(records.to_vec(), |sc| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table").to_str().unwrap().to_string();
        save(&sc.parallelize(records.to_vec(), partitions), &path)?;
        read(sc, &path)?.collect()
    });
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn save_as_csv(records in prop::collection::vec(flight(), 0..30), n in 1usize..4, m in 1usize..9) {
        check_table(&records, n, |rdd, path| rdd.save_as_csv(path), |sc, path| sc.read_csv(path).min_partitions(m).load());
    }

    #[test]
    fn save_as_csv_formatted(records in prop::collection::vec(flight(), 0..30), n in 1usize..4, m in 1usize..9) {
        let format = CsvFormat { delimiter: b';', nulls: vec!["NA".into()], ..CsvFormat::default() };
        for codec in [Codec::Plain, Codec::Gzip] {
            let save = |rdd: &firesteel::Rdd<Flight>, path: &str| rdd.save_as_csv_formatted(path, format.clone(), codec);
            check_table(&records, n, save, |sc, path| sc.read_csv(path).delimiter(b';').null("NA").min_partitions(m).load());
        }
    }

    #[test]
    fn save_as_json_lines(records in prop::collection::vec(trip(), 0..30), n in 1usize..4, m in 1usize..9) {
        check_table(&records, n, |rdd, path| rdd.save_as_json_lines(path), |sc, path| sc.read_json_lines(path).min_partitions(m).load());
    }

    #[test]
    fn save_as_json_lines_compressed(records in prop::collection::vec(trip(), 0..30), n in 1usize..4) {
        check_table(&records, n, |rdd, path| rdd.save_as_json_lines_compressed(path, Codec::Zstd), |sc, path| sc.read_json_lines(path).load());
    }

    #[test]
    fn save_as_parquet(records in prop::collection::vec(trip(), 0..30), n in 1usize..4, m in 1usize..9) {
        check_table(&records, n, |rdd, path| rdd.save_as_parquet(path), |sc, path| sc.read_parquet(path).min_partitions(m).load());
    }

    #[test]
    fn save_as_parquet_formatted(records in prop::collection::vec(flight(), 0..30), n in 1usize..4, m in 1usize..9, rows in 1usize..9) {
        for compression in [ParquetCompression::None, ParquetCompression::Zstd, ParquetCompression::Gzip] {
            let format = ParquetFormat { compression, row_group_rows: rows, ..ParquetFormat::default() };
            check_table(&records, n, |rdd, path| rdd.save_as_parquet_formatted(path, format.clone()), |sc, path| sc.read_parquet(path).min_partitions(m).load());
        }
    }
}

/// Every seventh line is no number.
fn lines() -> (String, Vec<(u32, u32)>, u64) {
    let is_bad = |i: u32| i.is_multiple_of(7);
    let text = |i: u32| if is_bad(i) { format!("{i},bad\n") } else { format!("{i},{}\n", i * 2) };
    let good = (0..1000).filter(|i| !is_bad(*i)).map(|i| (i, i * 2)).collect();
    ((0..1000).map(text).collect(), good, (0..1000).filter(|i| is_bad(*i)).count() as u64)
}

#[test]
fn bad_rows_are_dropped_and_counted_once_each() {
    let (text, good, bad) = lines();
    check((good, i128::from(bad)), |sc| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv").to_str().unwrap().to_string();
        std::fs::write(&path, &text).unwrap();
        let count = sc.long_accumulator();
        let rows = sc.read_csv::<(u32, u32)>(&path).header(false).min_partitions(5);
        let rows = rows.bad_rows(BadRows::Drop(count.clone())).load()?;
        // Computed several times, counted once.
        rows.count()?;
        rows.map(|row| (row.0 % 3, row)).group_by_key().count()?;
        Ok((rows.collect()?, count.value()))
    });
}

#[test]
fn bad_rows_are_reported_with_their_lines() {
    let (text, good, bad) = lines();
    let report = everywhere(|sc| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv").to_str().unwrap().to_string();
        std::fs::write(&path, &text).unwrap();
        let report = sc.accumulator::<BadRowReport>();
        let rows = sc.read_csv::<(u32, u32)>(&path).header(false).min_partitions(5);
        let rows = rows.bad_rows(BadRows::Collect(report.clone())).load()?;
        assert_eq!(rows.collect()?, good);
        let mut report = report.value();
        report.rows.iter_mut().for_each(|row| row.path = "a.csv".into());
        Ok(report)
    });
    assert_eq!((report.total, report.rows.len() as u64), (bad, bad));
    for (row, i) in report.rows.iter().zip((0..1000).step_by(7)) {
        assert_eq!((row.line, row.text.as_str()), (i + 1, format!("{i},bad").as_str()));
        assert_eq!(
            text.as_bytes()[row.offset as usize..].split(|b| *b == b'\n').next(),
            Some(row.text.as_bytes())
        );
    }
}
