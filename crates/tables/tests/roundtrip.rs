//! Round trips: written records are read back equal, for several types and any splits: each row once, in the
//! file's order.

use firesteel_io::{FileSplit, Stores};
use firesteel_tables::{
    CsvFormat, CsvReader, CsvWriter, JsonReader, JsonWriter, TableError, fail_on_bad_row,
};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Colour {
    Red,
    Green,
    #[serde(rename = "dark blue")]
    Blue,
}

/// What a line of CSV can hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flat {
    carrier_name: String,
    delay: Option<i32>,
    fare: f64,
    #[serde(rename = "note, if any", alias = "note")]
    note: Option<String>,
    colour: Colour,
    ok: bool,
    initial: char,
    big: u64,
    small: i8,
    wide: Option<i128>,
    ratio: f32,
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-c,\"'; NA]{0,6}", 1 => "\\PC{0,5}"]
}

fn flat() -> impl Strategy<Value = Flat> {
    let colours = prop::sample::select(vec![Colour::Red, Colour::Green, Colour::Blue]);
    let first = (
        text(),
        any::<Option<i32>>(),
        prop::num::f64::NORMAL | prop::num::f64::ZERO,
        prop::option::of(text()),
    );
    let wide = prop::option::of(-(10_i128.pow(38) - 1)..10_i128.pow(38));
    let last =
        (colours, any::<bool>(), any::<char>(), any::<u64>(), any::<i8>(), wide, prop::num::f32::NORMAL);
    (first, last).prop_map(
        |((carrier_name, delay, fare, note), (colour, ok, initial, big, small, wide, ratio))| Flat {
            carrier_name,
            delay,
            fare,
            note,
            colour,
            ok,
            initial: if matches!(initial, '\r' | '\n') { 'x' } else { initial },
            big,
            small,
            wide,
            ratio,
        },
    )
}

/// The splits between cuts.
fn splits(path: &str, length: u64, cuts: &[u16]) -> Vec<FileSplit> {
    let mut bounds: Vec<u64> =
        cuts.iter().map(|cut| u64::from(*cut) * length / 65_536).chain([0, length]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    bounds.windows(2).map(|b| FileSplit { path: path.into(), start: b[0], length: b[1] - b[0] }).collect()
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> (String, u64) {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    (path.to_str().unwrap().into(), bytes.len() as u64)
}

fn csv<T: DeserializeOwned>(splits: &[FileSplit], format: &CsvFormat) -> Result<Vec<T>, TableError> {
    let mut records = vec![];
    for split in splits {
        let mut reader = CsvReader::open(&Stores::default(), split, format)?;
        while reader.read_batch(&mut records, &mut fail_on_bad_row)? {}
    }
    Ok(records)
}

fn check_csv<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    records: &[T],
    format: &CsvFormat,
    cuts: &[u16],
) {
    let mut writer = CsvWriter::new(vec![], format);
    records.iter().for_each(|record| writer.write(record).unwrap());
    let bytes = writer.finish::<T>().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (path, length) = write(dir.path(), "a.csv", &bytes);
    let found: Vec<T> = csv(&splits(&path, length, cuts), format).unwrap();
    assert_eq!(found, records, "{}", String::from_utf8_lossy(&bytes));
}

fn formats() -> impl Strategy<Value = CsvFormat> {
    let delimiters = prop::sample::select(vec![b',', b';', b'\t', b'|', b' ']);
    let nulls = prop::sample::select(vec!["", "NA", "-", " "]);
    (any::<bool>(), delimiters, prop::sample::select(vec![b'"', b'\'']), any::<bool>(), nulls).prop_map(
        |(header, delimiter, quote, escaped, null)| CsvFormat {
            header,
            delimiter,
            quote: Some(quote),
            escape: escaped.then_some(b'\\'),
            nulls: vec![if delimiter == b' ' { null.trim().into() } else { null.into() }],
            multi_line: false,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn csv_of_structs(records in prop::collection::vec(flat(), 0..12), format in formats(), cuts in prop::collection::vec(any::<u16>(), 0..5)) {
        check_csv(&records, &format, &cuts);
    }

    #[test]
    fn csv_of_tuples_and_single_values(
        pairs in prop::collection::vec((text(), any::<Option<i16>>()), 0..12),
        texts in prop::collection::vec(prop::option::of(text()), 0..12),
        rows in prop::collection::vec(prop::collection::vec(text(), 2..4), 0..12),
        format in formats(),
        cuts in prop::collection::vec(any::<u16>(), 0..5),
    ) {
        check_csv(&pairs, &format, &cuts);
        // A null that is a blank and the delimiter cannot both be told apart in a table of one column.
        check_csv(&texts, &format, &cuts);
        check_csv(&rows, &CsvFormat { header: false, ..format }, &cuts);
    }

    #[test]
    fn csv_with_line_ends_in_fields(texts in prop::collection::vec(("[a\"\r\n,]{0,8}", any::<u8>()), 0..12), format in formats()) {
        check_csv(&texts, &CsvFormat { multi_line: true, ..format }, &[]);
    }

    #[test]
    fn json_lines(records in prop::collection::vec((flat(), any::<Option<Vec<u16>>>()), 0..12), cuts in prop::collection::vec(any::<u16>(), 0..5)) {
        let mut writer = JsonWriter::new(vec![]);
        records.iter().for_each(|record| writer.write(record).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let (path, length) = write(dir.path(), "a.json", &writer.into_inner());
        let mut found: Vec<(Flat, Option<Vec<u16>>)> = vec![];
        for split in splits(&path, length, &cuts) {
            let mut reader = JsonReader::open(&Stores::default(), &split).unwrap();
            while reader.read_batch(&mut found, &mut fail_on_bad_row).unwrap() {}
        }
        prop_assert_eq!(found, records);
    }

    /// No bytes make a reader panic or run on; what it reads does not depend on the splits.
    #[test]
    fn any_bytes_as_csv(bytes in prop::collection::vec(prop::sample::select(b"a1,\"\n\r \xff;".to_vec()), 0..60), multi_line in any::<bool>(), cuts in prop::collection::vec(any::<u16>(), 0..3)) {
        let dir = tempfile::tempdir().unwrap();
        let (path, length) = write(dir.path(), "a.csv", &bytes);
        let format = CsvFormat { multi_line, header: false, ..CsvFormat::default() };
        let mut outcomes = vec![];
        for cuts in [&cuts[..], &[]] {
            let (mut records, mut bad) = (Vec::<Vec<String>>::new(), vec![]);
            let cuts = if multi_line { &[] } else { cuts };
            for split in splits(&path, length, cuts) {
                let mut reader = CsvReader::open(&Stores::default(), &split, &format).unwrap();
                while reader.read_batch(&mut records, &mut |row| { bad.push(row); Ok(()) }).unwrap() {}
            }
            outcomes.push((records, bad));
        }
        prop_assert_eq!(&outcomes[0], &outcomes[1]);
    }
}

#[cfg(feature = "parquet")]
mod parquet {
    use super::*;
    use firesteel_tables::{ParquetCompression, ParquetFormat, ParquetReader, ParquetWriter};
    use std::collections::BTreeMap;

    /// What a column can hold besides.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Nested {
        flat: Option<Flat>,
        list: Vec<Option<i64>>,
        lists: Option<Vec<Vec<String>>>,
        bytes: Vec<u8>,
        pair: (u16, Option<String>),
        pairs: Vec<(i32, Colour)>,
        map: BTreeMap<String, Option<Inner>>,
        newtype: Metres,
        fixed: [i16; 3],
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        a: Option<bool>,
        b: Vec<f32>,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Metres(f64);

    fn nested() -> impl Strategy<Value = Nested> {
        let inner = (any::<Option<bool>>(), prop::collection::vec(prop::num::f32::NORMAL, 0..3))
            .prop_map(|(a, b)| Inner { a, b });
        let first = (
            prop::option::of(flat()),
            prop::collection::vec(any::<Option<i64>>(), 0..4),
            prop::option::of(prop::collection::vec(prop::collection::vec(text(), 0..3), 0..3)),
            any::<Vec<u8>>(),
        );
        let colour = any::<bool>().prop_map(|red| if red { Colour::Red } else { Colour::Blue });
        let last = (
            (any::<u16>(), prop::option::of(text())),
            prop::collection::vec((any::<i32>(), colour), 0..3),
            prop::collection::btree_map(text(), prop::option::of(inner), 0..3),
            prop::num::f64::NORMAL.prop_map(Metres),
            any::<[i16; 3]>(),
        );
        (first, last).prop_map(|((flat, list, lists, bytes), (pair, pairs, map, newtype, fixed))| Nested {
            flat,
            list,
            lists,
            bytes,
            pair,
            pairs,
            map,
            newtype,
            fixed,
        })
    }

    fn bytes<T: Serialize + DeserializeOwned>(records: &[T], format: &ParquetFormat) -> Vec<u8> {
        let mut writer = ParquetWriter::new::<T>(vec![], "a.parquet", format).unwrap();
        records.iter().for_each(|record| writer.write(record).unwrap());
        writer.finish().unwrap()
    }

    fn read<T: DeserializeOwned>(splits: &[FileSplit], batch: usize) -> Result<Vec<T>, TableError> {
        let mut records = vec![];
        for split in splits {
            let mut reader = ParquetReader::open(&Stores::default(), split, batch)?;
            while reader.read_batch(&mut records, &mut fail_on_bad_row)? {}
        }
        Ok(records)
    }

    fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(
        records: &[T],
        format: &ParquetFormat,
        cuts: &[u16],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (path, length) = write(dir.path(), "a.parquet", &bytes(records, format));
        assert_eq!(read::<T>(&splits(&path, length, cuts), 3).unwrap(), records);
    }

    fn formats() -> impl Strategy<Value = ParquetFormat> {
        use ParquetCompression::*;
        (prop::sample::select(vec![None, Snappy, Gzip, Zstd]), 1usize..9).prop_map(
            |(compression, row_group_rows)| ParquetFormat {
                compression,
                row_group_rows,
                ..ParquetFormat::default()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn all_kinds_of_records(
            flats in prop::collection::vec(flat(), 0..12),
            nested in prop::collection::vec(nested(), 0..12),
            tuples in prop::collection::vec((any::<i64>(), prop::option::of(text())), 0..12),
            singles in prop::collection::vec(any::<u32>(), 0..12),
            format in formats(),
            cuts in prop::collection::vec(any::<u16>(), 0..5),
        ) {
            check(&flats, &format, &cuts);
            check(&nested, &format, &cuts);
            check(&tuples, &format, &cuts);
            check(&singles, &format, &cuts);
        }

        /// Parts of structs are read without the others, and tell a null struct from one of nulls.
        #[test]
        fn parts_of_records(nested in prop::collection::vec(nested(), 0..12), format in formats()) {
            #[derive(Debug, PartialEq, Deserialize)]
            struct Part {
                flat: Option<FlatPart>,
                newtype: f64,
            }
            #[derive(Debug, PartialEq, Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct FlatPart {
                delay: Option<i64>,
                carrier_name: String,
                #[serde(default)]
                no_such_column: u8,
            }
            #[derive(Debug, PartialEq, Deserialize)]
            struct Nothing {
                flat: Option<Missing>,
            }
            #[derive(Debug, PartialEq, Deserialize)]
            struct Missing {
                no_such_column: Option<u8>,
            }
            let dir = tempfile::tempdir().unwrap();
            let (path, length) = write(dir.path(), "a.parquet", &bytes(&nested, &format));
            let splits = splits(&path, length, &[]);
            let part = |flat: &Flat| FlatPart {
                delay: flat.delay.map(i64::from),
                carrier_name: flat.carrier_name.clone(),
                no_such_column: 0,
            };
            let parts: Vec<_> = nested.iter().map(|n| Part { flat: n.flat.as_ref().map(part), newtype: n.newtype.0 }).collect();
            prop_assert_eq!(read::<Part>(&splits, 3).unwrap(), parts);
            let nothing = nested.iter().map(|n| Nothing { flat: n.flat.as_ref().map(|_| Missing { no_such_column: None }) });
            prop_assert_eq!(read::<Nothing>(&splits, 3).unwrap(), nothing.collect::<Vec<_>>());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        /// A flipped bit is an error that names the file, or changes nothing: never another answer.
        #[test]
        fn damage_is_noticed(place in any::<prop::sample::Index>(), bit in 0u8..8, compression in prop::sample::select(vec![ParquetCompression::None, ParquetCompression::Snappy])) {
            let records: Vec<(i64, Option<String>)> =
                (0..200).map(|i| (i * 7919 % 1009, (i % 3 > 0).then(|| format!("text {i}")))).collect();
            let format = ParquetFormat { compression, row_group_rows: 64, ..ParquetFormat::default() };
            let mut bytes = bytes(&records, &format);
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let dir = tempfile::tempdir().unwrap();
            let (path, length) = write(dir.path(), "a.parquet", &bytes);
            match read::<(i64, Option<String>)>(&splits(&path, length, &[]), 100) {
                Ok(found) => prop_assert_eq!(found, records),
                Err(error) => prop_assert!(error.to_string().contains("a.parquet"), "{}", error),
            }
        }

        #[test]
        fn a_file_that_is_cut_short_is_no_file(length in any::<prop::sample::Index>()) {
            let bytes = bytes(&[(1_i32, 2_i32); 50], &ParquetFormat::default());
            let dir = tempfile::tempdir().unwrap();
            let (path, length) = write(dir.path(), "a.parquet", &bytes[..length.index(bytes.len())]);
            let error = read::<(i32, i32)>(&[FileSplit { path, start: 0, length }], 100).unwrap_err();
            prop_assert!(error.to_string().contains("a.parquet"), "{}", error);
        }
    }
}
