//! SequenceFiles: written and read in every form, cut into splits anywhere, and broken in every place.

use firesteel_io::hadoop::{
    SequenceCompression as Compression, SequenceHeader, SequenceOptions, SequencePairs, SequenceReader,
    SequenceValues, SequenceWriter, TypedSequenceWriter, Value, Writable, sequence_splits,
};
use firesteel_io::{Codec, FileSplit, InputFile, IoCause, Output, SplitOptions, Stores};
use proptest::prelude::*;
use std::io::Cursor;

type Pair = (Vec<u8>, Vec<u8>);

const CODECS: [Codec; 6] =
    [Codec::Deflate, Codec::Gzip, Codec::Bzip2, Codec::Zstd, Codec::Snappy, Codec::Lz4];

fn forms() -> impl Iterator<Item = Compression> {
    let compressed =
        CODECS.into_iter().flat_map(|codec| [Compression::Record(codec), Compression::Block(codec)]);
    [Compression::None].into_iter().chain(compressed)
}

fn write(pairs: &[Pair], compression: Compression) -> Vec<u8> {
    let header = SequenceHeader::new("org.example.Key", "org.example.Value", compression);
    let mut writer = SequenceWriter::new(vec![], header).unwrap();
    pairs.iter().for_each(|(key, value)| writer.append(key, value).unwrap());
    writer.finish().unwrap()
}

/// All that came before the end, or before the error.
fn read_split(bytes: &[u8], start: u64, end: u64) -> (Vec<Pair>, Option<IoCause>) {
    let mut pairs = vec![];
    let mut reader = match SequenceReader::open(Cursor::new(bytes), start, end) {
        Ok(reader) => reader,
        Err(cause) => return (pairs, Some(cause)),
    };
    loop {
        match reader.next_pair() {
            Ok(Some((key, value))) => pairs.push((key.to_vec(), value.to_vec())),
            Ok(None) => return (pairs, None),
            Err(cause) => {
                assert_eq!(reader.next_pair(), Err(cause.clone()), "an error comes again");
                return (pairs, Some(cause));
            }
        }
    }
}

fn read(bytes: &[u8]) -> (Vec<Pair>, Option<IoCause>) {
    read_split(bytes, 0, bytes.len() as u64)
}

fn sample(count: usize, width: usize) -> Vec<Pair> {
    let value = |i: usize| (0..width).map(|at| (at * 31 + i * 7) as u8 ^ (at >> 3) as u8).collect();
    (0..count).map(|i| (format!("key {i}").into_bytes(), value(i))).collect()
}

#[test]
fn every_form_comes_back() {
    for form in forms() {
        for pairs in [vec![], vec![(vec![], vec![])], sample(3, 10), sample(40, 30_000)] {
            let bytes = write(&pairs, form);
            assert!(read(&bytes) == (pairs, None), "{form:?}");
            let reader = SequenceReader::open(Cursor::new(&bytes), 0, bytes.len() as u64).unwrap();
            assert_eq!(reader.header().compression, form);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_read_once_wherever_a_file_is_cut(
        count in 0..80_usize,
        width in prop_oneof![0..10_usize, 20_000..60_000_usize],
        form in prop_oneof![
            Just(Compression::None), Just(Compression::Record(Codec::Lz4)), Just(Compression::Block(Codec::Snappy)),
        ],
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let pairs = sample(count, width);
        let bytes = write(&pairs, form);
        let mut bounds: Vec<u64> = cuts.iter().map(|cut| cut.index(bytes.len()) as u64).collect();
        bounds.extend([0, bytes.len() as u64]);
        bounds.sort();
        let mut read = vec![];
        for pair in bounds.windows(2) {
            let (pairs, error) = read_split(&bytes, pair[0], pair[1]);
            prop_assert_eq!(error, None);
            read.extend(pairs);
        }
        prop_assert!(read == pairs);
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic(bytes: Vec<u8>, inserted: Vec<u8>, at: prop::sample::Index) {
        prop_assert!(read(&bytes).1.is_some());
        for form in forms() {
            let mut good = write(&sample(2, 3), form);
            let at = at.index(good.len());
            good.splice(at..at, inserted.iter().copied());
            let _ = read(&good);
        }
    }
}

#[test]
fn cuts_around_every_marker_agree() {
    for form in [Compression::None, Compression::Block(Codec::Lz4)] {
        let pairs = sample(30, 40_000);
        let bytes = write(&pairs, form);
        let sync = SequenceReader::open(Cursor::new(&bytes), 0, 0).unwrap().header().sync;
        let markers: Vec<usize> = (0..bytes.len() - 16).filter(|at| bytes[*at..at + 16] == sync).collect();
        assert!(markers.len() > 2, "{form:?}: {markers:?}");
        for cut in markers.iter().flat_map(|at| at - 6..at + 18) {
            let (left, wrong) = read_split(&bytes, 0, cut as u64);
            let (right, also_wrong) = read_split(&bytes, cut as u64, bytes.len() as u64);
            assert!(
                wrong.is_none() && also_wrong.is_none() && [left, right].concat() == pairs,
                "{form:?} {cut}"
            );
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error_or_what_came_before_the_cut() {
    for form in forms() {
        let pairs = sample(5, 7);
        let bytes = write(&pairs, form);
        let mut whole = 0;
        for cut in 0..bytes.len() {
            let (read, error) = read(&bytes[..cut]);
            assert!(pairs.starts_with(&read), "{form:?} cut at {cut}");
            match error {
                Some(IoCause::Malformed { offset, .. }) => assert!(offset <= cut as u64),
                Some(other) => panic!("{form:?} cut at {cut}: {other}"),
                // Behind the header, or a record: no reader could know.
                None => whole += 1,
            }
        }
        let boundaries = if matches!(form, Compression::Block(_)) { 1 } else { pairs.len() };
        assert_eq!(whole, boundaries, "{form:?}");
    }
}

#[test]
fn changed_bytes_never_panic_and_are_found_where_the_codec_checks() {
    for form in forms() {
        let pairs = sample(5, 40);
        let bytes = write(&pairs, form);
        let header = write(&[], form).len();
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xFF] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                let (read, error) = read(&changed);
                let checked = Compression::Block(Codec::Zstd);
                if form == checked && at > header + 20 {
                    assert!(error.is_some() || read == pairs, "byte {at}");
                }
            }
        }
    }
}

#[test]
fn a_changed_marker_is_an_error() {
    let mut bytes = write(&sample(3, 60_000), Compression::None);
    let at = bytes.len() - 60_000 - 20;
    let sync = SequenceReader::open(Cursor::new(&bytes), 0, 0).unwrap().header().sync;
    let marker = (at - 100..at).find(|at| bytes[*at..at + 16] == sync).unwrap();
    bytes[marker + 3] ^= 1;
    let (pairs, error) = read(&bytes);
    assert_eq!(pairs.len(), 2);
    assert!(error.unwrap().to_string().contains("not the file's own"));
}

#[test]
fn other_formats_and_versions_are_told() {
    let mut bytes = write(&sample(1, 1), Compression::None);
    bytes[3] = 5;
    let error = read(&bytes).1.unwrap().to_string();
    assert!(error.contains("at byte 3") && error.contains("version 5; only version 6"), "{error}");
    for other in ["", "S", "SEQ"] {
        assert!(
            read(other.as_bytes()).1.unwrap().to_string().contains("in the middle of the header"),
            "{other}"
        );
    }
    let error = read(b"PAR1 is how parquet begins").1.unwrap().to_string();
    assert!(error.contains("not a SequenceFile"), "{error}");
    let header = b"SEQ\x06\x01k\x01v\x01\x00\x0Dcom.lzo.Codec\0\0\0\0................";
    let error = read(header).1.unwrap().to_string();
    assert!(error.contains("com.lzo.Codec") && error.contains("SnappyCodec"), "{error}");
}

#[test]
fn lengths_beyond_the_file_cost_no_memory() {
    let header = write(&[], Compression::None);
    for (record, key) in [(i32::MAX, 4), (i32::MAX, i32::MAX), (10, 11), (10, -1), (-2, 0), (i32::MIN, 0)] {
        let bytes = [&header[..], &record.to_be_bytes(), &key.to_be_bytes(), &[0; 20]].concat();
        let (pairs, error) = read(&bytes);
        assert!(pairs.is_empty());
        assert!(matches!(error, Some(IoCause::Malformed { .. })), "{record} {key}: {error:?}");
    }
    let block = write(&sample(2, 2), Compression::Block(Codec::Deflate));
    let at = write(&[], Compression::Block(Codec::Deflate)).len() + 20;
    for count in [[0x8C, 0x7F, 0xFF, 0xFF, 0xFF], [0x8C, 0xFF, 0xFF, 0xFF, 0xFF], [0x84, 0, 0, 0, 0]] {
        let bytes = [&block[..at], &count, &block[at + 1..]].concat();
        assert!(matches!(read(&bytes).1, Some(IoCause::Malformed { .. })));
    }
}

#[test]
fn what_grows_too_much_when_it_is_decompressed_is_refused() {
    for form in [Compression::Record(Codec::Bzip2), Compression::Block(Codec::Zstd)] {
        let bytes = write(&[(vec![], vec![0; 10 << 20])], form);
        assert!(bytes.len() < 10_000);
        let mut reader = SequenceReader::open(Cursor::new(&bytes), 0, bytes.len() as u64).unwrap();
        reader.set_limit(1 << 20);
        let error = reader.next_pair().unwrap_err().to_string();
        assert!(error.contains("more than the 1048576 bytes"), "{error}");
    }
}

#[test]
fn a_value_that_holds_the_marker_is_read_whole_and_refused_in_splits() {
    let header = SequenceHeader::new("k", "v", Compression::None);
    let marker = [&[0xFF; 4][..], &header.sync].concat();
    let mut writer = SequenceWriter::new(vec![], header).unwrap();
    let value = [vec![1; 1000], marker, vec![2; 1000]].concat();
    writer.append(b"k", &value).unwrap();
    writer.append(b"after", b"it").unwrap();
    let bytes = writer.finish().unwrap();
    let (pairs, error) = read(&bytes);
    assert_eq!((pairs.len(), error), (2, None));
    for cut in [200, 900] {
        let (_, error) = read_split(&bytes, 0, cut);
        assert!(error.unwrap().to_string().contains("read it in one partition"), "cut at {cut}");
    }
}

fn create<K: Writable, V: Writable>(
    dir: &tempfile::TempDir,
    pairs: &[(K, V)],
    options: &SequenceOptions,
) -> InputFile {
    let path = dir.path().join("a").to_str().unwrap().to_string();
    let mut writer =
        TypedSequenceWriter::new(Output::create(&Stores::default(), &path).unwrap(), options).unwrap();
    pairs.iter().for_each(|(key, value)| writer.append(key, value).unwrap());
    let length = writer.into_output().unwrap().finish().unwrap();
    InputFile { path, length }
}

#[test]
fn typed_pairs_over_the_splits_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let pairs: Vec<(i64, String)> = (0..30_000).map(|i| (i, format!("value {i:>20}"))).collect();
    let file = create(&dir, &pairs, &SequenceOptions::default().with_metadata("a", "b"));
    let splits = sequence_splits(&[file], &SplitOptions::new(4));
    assert_eq!(splits.len(), 4);
    let read = splits.iter().flat_map(|split| {
        let batches = SequencePairs::<i64, String>::open(&Stores::default(), split).unwrap();
        batches.flat_map(|batch| batch.unwrap())
    });
    assert!(read.eq(pairs));
    let mut values = SequenceValues::open(&Stores::default(), &splits[0]).unwrap();
    assert_eq!(values.header().metadata["a"], "b");
    let first = values.next().unwrap().unwrap().remove(1);
    assert_eq!(first, (Value::Long(1), Value::Text(format!("value {:>20}", 1))));
}

#[test]
fn other_classes_are_told_with_what_to_write() {
    let dir = tempfile::tempdir().unwrap();
    let file = create(&dir, &[("a".to_string(), 1_i64)], &SequenceOptions::default());
    let error = SequencePairs::<i32, f64>::open(&Stores::default(), &FileSplit::whole(&file)).err().unwrap();
    let said = error.to_string();
    for word in ["/a: ", "org.apache.hadoop.io.Text", "org.apache.hadoop.io.LongWritable", "i32 and f64"] {
        assert!(said.contains(word), "{said}");
    }
    assert!(said.ends_with("write sequence_file::<String, i64>"), "{said}");
    assert!(!error.retryable());
}

#[test]
fn bytes_that_are_no_value_of_the_class_are_told_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a").to_str().unwrap().to_string();
    let header = SequenceHeader::new(<i32 as Writable>::CLASS, <()>::CLASS, Compression::None);
    let mut writer = SequenceWriter::new(vec![], header).unwrap();
    writer.append(&[0, 0, 0, 1], b"").unwrap();
    writer.append(&[0, 0, 1], b"").unwrap();
    let bytes = writer.finish().unwrap();
    std::fs::write(&path, &bytes).unwrap();
    let split = FileSplit { path, start: 0, length: bytes.len() as u64 };
    let error = SequencePairs::<i32, ()>::open(&Stores::default(), &split)
        .unwrap()
        .next()
        .unwrap()
        .unwrap_err()
        .to_string();
    let place =
        format!("at byte {}, a key cannot be read: 4 bytes are wanted where 3 are left", bytes.len() - 11);
    assert!(error.ends_with(&place), "{error}");
}

#[test]
fn no_compression_is_not_a_codec() {
    let header = SequenceHeader::new("k", "v", Compression::Block(Codec::Plain));
    let error = SequenceWriter::new(vec![], header).err().unwrap();
    assert!(error.to_string().contains("ask for no compression"), "{error}");
}
