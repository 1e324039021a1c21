//! Files in other formats than text.

use super::support::*;
use firesteel::{Bytes, Codec, SequenceCompression, SequenceOptions, Str, VInt, VLong};
use proptest::prelude::*;
use std::cell::Cell;
use std::fs;

/// A new path for each call.
struct Outputs(tempfile::TempDir, Cell<u32>);

impl Outputs {
    fn new() -> Self {
        Outputs(tempfile::tempdir().unwrap(), Cell::new(0))
    }

    fn path(&self) -> String {
        self.1.set(self.1.get() + 1);
        self.0.path().join(format!("out-{}", self.1.get())).to_str().unwrap().into()
    }
}

fn bytes() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn sequence_file(pairs in prop::collection::vec(("[a-zé]{0,9}", any::<i64>()), 0..40), n in 1usize..4) {
        let outputs = Outputs::new();
        check(pairs.clone(), |sc| {
            let path = outputs.path();
            sc.parallelize(pairs.clone(), n).save_as_sequence_file(&path)?;
            sc.sequence_file::<String, i64>(&path, None)?.collect()
        });
    }

    #[test]
    fn save_as_sequence_file(
        numbers in prop::collection::vec((any::<i32>(), any::<(i16, i8, bool)>(), any::<(f32, f64)>()), 0..20),
        blobs in prop::collection::vec((bytes(), prop::collection::vec(any::<u8>(), 0..9)), 0..20),
    ) {
        let outputs = Outputs::new();
        check(blobs.clone(), |sc| {
            let path = outputs.path();
            sc.parallelize(blobs.clone(), 2).save_as_sequence_file(&path)?;
            sc.sequence_file::<Bytes, Vec<u8>>(&path, None)?.collect()
        });
        macro_rules! check_pairs {
            ($($key:ty, $value:ty: $pairs:expr;)*) => {$(
                let pairs: Vec<($key, $value)> = $pairs;
                check(format!("{pairs:?}"), |sc| {
                    let path = outputs.path();
                    sc.parallelize(pairs.clone(), 2).save_as_sequence_file(&path)?;
                    Ok(format!("{:?}", sc.sequence_file::<$key, $value>(&path, None)?.collect()?))
                });
            )*};
        }
        check_pairs! {
            i32, i16: numbers.iter().map(|(a, b, _)| (*a, b.0)).collect();
            i8, bool: numbers.iter().map(|(_, b, _)| (b.1, b.2)).collect();
            f32, f64: numbers.iter().map(|(_, _, c)| *c).collect();
            (), Str: numbers.iter().map(|(a, ..)| ((), Str::from(a.to_string()))).collect();
            VInt, VLong: numbers.iter().map(|(a, ..)| (VInt(*a), VLong(i64::from(*a) << 20))).collect();
        }
    }

    #[test]
    fn save_as_sequence_file_formatted(pairs in prop::collection::vec((any::<i32>(), "[a-z]{0,30}"), 0..60), n in 1usize..4) {
        let outputs = Outputs::new();
        let forms = [
            SequenceOptions { compression: SequenceCompression::None, ..SequenceOptions::default() },
            SequenceOptions::record(Codec::Lz4).with_metadata("made", "here"),
            SequenceOptions::block(Codec::Deflate),
        ];
        for options in forms {
            check(pairs.clone(), |sc| {
                let path = outputs.path();
                sc.parallelize(pairs.clone(), n).save_as_sequence_file_formatted(&path, options.clone())?;
                sc.sequence_file::<i32, String>(&path, 5)?.collect()
            });
        }
    }

    #[test]
    fn object_file(records: Vec<(u8, Option<String>, Vec<f32>)>, n in 1usize..4) {
        prop_assume!(records.iter().all(|(_, _, numbers)| numbers.iter().all(|x| !x.is_nan())));
        let outputs = Outputs::new();
        check(records.clone(), |sc| {
            let path = outputs.path();
            sc.parallelize(records.clone(), n).save_as_object_file(&path)?;
            sc.object_file::<(u8, Option<String>, Vec<f32>)>(&path, 7)?.collect()
        });
    }

    #[test]
    fn binary_files(contents in prop::collection::vec(bytes(), 1..9), n in 1usize..4) {
        let dir = tempfile::tempdir().unwrap();
        let path = |i: usize| dir.path().join(format!("{i}.gz")).to_str().unwrap().to_string();
        contents.iter().enumerate().for_each(|(i, bytes)| fs::write(path(i), bytes).unwrap());
        let model: Vec<_> = contents.iter().enumerate().map(|(i, bytes)| (path(i), bytes.clone())).collect();
        check(model, |sc| sc.binary_files(dir.path().to_str().unwrap(), n)?.collect());
    }

    #[test]
    fn binary_records(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 3), 0..200)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("records");
        fs::write(&path, records.concat()).unwrap();
        let model: Vec<Bytes> = records.into_iter().map(Bytes::from).collect();
        check(model, |sc| sc.binary_records(path.to_str().unwrap(), 3)?.collect());
    }
}

#[test]
fn save_as_object_file() {
    let outputs = Outputs::new();
    check((100_000, 4), |sc| {
        let path = outputs.path();
        sc.range_in(0..100_000, 1).map(|x| (x, format!("{x:>60}"))).save_as_object_file(&path)?;
        let read = sc.object_file::<(i64, String)>(&path, 4)?;
        Ok((read.filter(|(x, text)| text.trim() == x.to_string()).count()?, read.num_partitions()))
    });
}

#[test]
fn a_large_sequence_file_is_read_in_pieces() {
    let outputs = Outputs::new();
    check((60_000, 5), |sc| {
        let path = outputs.path();
        sc.range_in(0..60_000, 1).map(|x| (x, format!("{x:>60}"))).save_as_sequence_file(&path)?;
        let read = sc.sequence_file::<i64, String>(&path, 5)?;
        let good = read.filter(|(x, text)| text.trim() == x.to_string());
        Ok((good.keys().distinct().count()?, read.num_partitions()))
    });
}

#[test]
fn records_with_delimiters_in_compressed_files_and_in_splits() {
    let outputs = Outputs::new();
    let records: Vec<String> = (0..500).map(|i| format!("record\n{i}")).collect();
    for codec in
        [Codec::Plain, Codec::Gzip, Codec::Bzip2, Codec::Zstd, Codec::Deflate, Codec::Snappy, Codec::Lz4]
    {
        check(records.clone(), |sc| {
            let path = outputs.path();
            // Each line ends with `\n`, which begins the next record's text but the first.
            let lines = records.iter().map(|record| format!("{record}|;"));
            sc.parallelize(lines.collect::<Vec<_>>(), 1).save_as_text_file_compressed(&path, codec)?;
            let read = sc.text_file_delimited(&path, 6, "|;")?;
            assert_eq!(read.num_partitions(), if codec == Codec::Plain { 6 } else { 1 });
            let read = read.map(|record| record.trim_start().to_string());
            read.filter(|record| !record.is_empty()).collect()
        });
    }
}

#[test]
fn files_of_other_kinds_are_told() {
    let outputs = Outputs::new();
    let path = outputs.path();
    let sc = &places()[0].sc;
    sc.parallelize(vec![("a".to_string(), 1i32)], 1).save_as_sequence_file(&path).unwrap();
    fails(
        &["org.apache.hadoop.io.Text", "i64 and i64", "sequence_file::<String, i32>", "formats.rs"],
        |sc| sc.sequence_file::<i64, i64>(&path, None)?.collect(),
    );
    fails(&["sequence_file::<String, i32>", "part-00000"], |sc| {
        sc.object_file::<i32>(&path, None)?.collect()
    });
    let objects = outputs.path();
    sc.parallelize(vec![1u8], 1).save_as_object_file(&objects).unwrap();
    fails(&["records of type u8", "object_file::<u8>"], |sc| {
        sc.object_file::<i32>(&objects, None)?.collect()
    });
    fails(&["not a SequenceFile", "part-00000"], |sc| {
        sc.sequence_file::<i64, i64>(&objects, None)?.collect()
    });
    fails(&["7 are left over", "part-00000"], |sc| {
        fs::write(format!("{objects}/part-00000"), [0; 107]).unwrap();
        sc.binary_records(&objects, 10)?.collect()
    });
    fails(&["0 bytes", "binary_files"], |sc| sc.binary_records(&objects, 0)?.collect());
}
