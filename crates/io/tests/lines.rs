//! Lines across splits: whatever the contents, wherever the cuts and however small the buffer, every line is read once.

use firesteel_io::{FileSplit, IoCause, IoError, LineOptions, LineReader, Stores};
use proptest::prelude::*;
use std::path::Path;

fn write(dir: &Path, name: &str, contents: &[u8]) -> String {
    let path = dir.join(name);
    std::fs::write(&path, contents).unwrap();
    path.to_str().unwrap().into()
}

fn read(split: &FileSplit, options: &LineOptions, batch: usize) -> Result<Vec<String>, IoError> {
    let mut reader = LineReader::open(&Stores::default(), split, options.clone())?;
    let mut lines = vec![];
    while reader.read_batch(&mut lines, batch, usize::MAX)? {}
    Ok(lines)
}

/// Reads a file as the splits between `cuts`, one after another.
fn read_cut(path: &str, length: usize, cuts: &[usize], options: &LineOptions, batch: usize) -> Vec<String> {
    let mut bounds: Vec<u64> =
        cuts.iter().map(|cut| (*cut).min(length) as u64).chain([0, length as u64]).collect();
    bounds.sort();
    let split = |pair: &[u64]| FileSplit { path: path.into(), start: pair[0], length: pair[1] - pair[0] };
    bounds.windows(2).flat_map(|pair| read(&split(pair), options, batch).unwrap()).collect()
}

/// What the lines are, byte by byte.
fn expected_lines(contents: &[u8]) -> Vec<String> {
    let contents = contents.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(contents);
    let (mut lines, mut line, mut rest) = (vec![], vec![], contents.iter().copied().peekable());
    let mut open = false;
    while let Some(byte) = rest.next() {
        open = true;
        if byte == b'\r' || byte == b'\n' {
            if byte == b'\r' {
                rest.next_if_eq(&b'\n');
            }
            lines.push(std::mem::take(&mut line));
            open = false;
        } else {
            line.push(byte);
        }
    }
    lines.extend(open.then_some(line));
    lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

/// What the records are, when they end with a delimiter.
fn expected_records(contents: &[u8], delimiter: &[u8]) -> Vec<String> {
    let (mut records, mut from, mut at) = (vec![], 0, 0);
    while at + delimiter.len() <= contents.len() {
        if contents[at..].starts_with(delimiter) {
            records.push(&contents[from..at]);
            at += delimiter.len();
            from = at;
        } else {
            at += 1;
        }
    }
    if from < contents.len() {
        records.push(&contents[from..]);
    }
    records.iter().map(|record| String::from_utf8_lossy(record).into_owned()).collect()
}

/// Bytes among which line ends, marks, and valid and invalid sequences are common.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\n".to_vec()),
        3 => Just(b"\r".to_vec()),
        3 => Just(b"\r\n".to_vec()),
        4 => Just(b"a".to_vec()),
        1 => Just("é".as_bytes().to_vec()),
        1 => Just("\u{FEFF}".as_bytes().to_vec()),
        1 => Just(vec![0xEF, 0xBB]),
        1 => Just(vec![0xFF]),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ];
    (any::<bool>(), proptest::collection::vec(piece, 0..24)).prop_map(|(mark, pieces)| {
        let mark = if mark { "\u{FEFF}".as_bytes().to_vec() } else { vec![] };
        [mark].into_iter().chain(pieces).flatten().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_line_is_read_once_wherever_a_file_is_cut(
        contents in contents(),
        cuts in proptest::collection::vec(0..60_usize, 0..6),
        chunk_bytes in 1..40_usize,
        batch in 1..5_usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), "a.txt", &contents);
        let expected = expected_lines(&contents);
        let options = LineOptions { chunk_bytes, ..LineOptions::default() };
        prop_assert_eq!(&read_cut(&path, contents.len(), &cuts, &options, batch), &expected);
        for cut in 0..=contents.len() {
            // The second split ends where a buffer may.
            let cuts = [cut, cut + chunk_bytes];
            prop_assert_eq!(&read_cut(&path, contents.len(), &cuts, &options, batch), &expected, "cut at {:?}", cuts);
        }
    }

    #[test]
    fn every_record_is_read_once_whatever_ends_it(
        contents in proptest::collection::vec(prop_oneof![Just(b'|'), Just(b'-'), Just(b'a'), Just(0xFF)], 0..60),
        delimiter in proptest::collection::vec(prop_oneof![3 => Just(b'|'), 1 => Just(b'-'), 1 => Just(0xFF)], 1..4),
        cuts in proptest::collection::vec(0..60_usize, 0..6),
        chunk_bytes in 1..20_usize,
        batch in 1..5_usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), "a.txt", &contents);
        let expected = expected_records(&contents, &delimiter);
        let options = LineOptions { delimiter: Some(delimiter), chunk_bytes };
        prop_assert_eq!(&read_cut(&path, contents.len(), &cuts, &options, batch), &expected);
        for cut in 0..=contents.len() {
            prop_assert_eq!(&read_cut(&path, contents.len(), &[cut], &options, batch), &expected, "cut at {}", cut);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn lines_of_every_length_come_out_of_full_buffers(
        lines in proptest::collection::vec((0..4000_usize, 0..4_usize), 1..120),
        long in 10_000..100_000_usize,
        chunk_bytes in 10_000..70_000_usize,
        cuts in proptest::collection::vec(0..300_000_usize, 0..4),
    ) {
        let mut contents = vec![];
        for (i, (length, end)) in lines.iter().enumerate() {
            let length = if i == lines.len() / 2 { long } else { *length };
            contents.extend((0..length).map(|at| b'a' + ((at + i) % 26) as u8));
            contents.extend_from_slice([&b"\n"[..], b"\r\n", b"\r", b"\xC3\n"][*end]);
        }
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), "a.txt", &contents);
        let options = LineOptions { chunk_bytes, ..LineOptions::default() };
        let read = read_cut(&path, contents.len(), &cuts, &options, 7);
        prop_assert!(read == expected_lines(&contents));
    }
}

#[test]
fn a_line_that_is_larger_than_many_splits_belongs_to_the_first_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let giant = "x".repeat(40 << 20);
    let contents = format!("first\n{giant}\nlast");
    let path = write(dir.path(), "a.txt", contents.as_bytes());
    let cuts: Vec<usize> = (1..40).map(|i| i << 20).collect();
    let lines = read_cut(&path, contents.len(), &cuts, &LineOptions::default(), 10);
    assert!(lines == ["first", &giant, "last"]);
}

#[test]
fn lines_that_were_not_taken_come_again() {
    let dir = tempfile::tempdir().unwrap();
    let contents = b"one\ntwo\nth\xFFree\nfour";
    let path = write(dir.path(), "a.txt", contents);
    let split = FileSplit { path, start: 0, length: contents.len() as u64 };
    for delimiter in [None, Some(b"\n".to_vec())] {
        let mut reader =
            LineReader::open(&Stores::default(), &split, LineOptions { delimiter, chunk_bytes: 64 }).unwrap();
        let mut lines: Vec<String> = vec![];
        while let Some(mut chunk) = reader.next_chunk().unwrap() {
            lines.push(chunk.next().unwrap().into());
        }
        assert_eq!(lines, ["one", "two", "th\u{FFFD}ree", "four"]);
    }
}

#[test]
fn a_batch_ends_at_the_first_limit_and_holds_a_line_at_least() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.txt", b"aaaa\nbb\ncc\ndd\n");
    let mut reader = LineReader::open(
        &Stores::default(),
        &FileSplit { path, start: 0, length: 14 },
        LineOptions::default(),
    )
    .unwrap();
    let mut lines = vec![];
    assert!(reader.read_batch(&mut lines, 100, 0).unwrap());
    assert_eq!(lines, ["aaaa"]);
    assert!(reader.read_batch(&mut lines, 2, 100).unwrap());
    assert_eq!(lines, ["aaaa", "bb", "cc"]);
    assert!(!reader.read_batch(&mut lines, 100, 100).unwrap());
    assert_eq!(lines.last().unwrap(), "dd");
    assert!(!reader.read_batch(&mut lines, 100, 100).unwrap());
}

#[test]
fn a_file_that_has_shrunk_is_not_silently_short() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.txt", b"one\ntwo\n");
    for (start, length) in [(0, 9), (4, 100), (50, 10)] {
        let split = FileSplit { path: path.clone(), start, length };
        let error = read(&split, &LineOptions::default(), 1).unwrap_err();
        let expected = start + length;
        assert!(matches!(error.cause, IoCause::Shrunk { expected: e, .. } if e == expected), "{error}");
    }
}

#[test]
fn absurd_splits_are_errors_and_no_panics() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.txt", b"one\ntwo\n");
    for delimiter in [None, Some(b"||".to_vec())] {
        let split = FileSplit { path: path.clone(), start: u64::MAX - 1, length: u64::MAX };
        assert!(read(&split, &LineOptions { delimiter, chunk_bytes: 0 }, 1).is_err());
    }
    let missing = FileSplit { path: "/no/such/file".into(), start: 0, length: 1 };
    let error = read(&missing, &LineOptions::default(), 1).unwrap_err();
    assert_eq!(error.to_string(), "could not read /no/such/file: there is no such file or directory");
    let remote = FileSplit { path: "ftp://bucket/a.txt".into(), start: 0, length: 1 };
    let error = read(&remote, &LineOptions::default(), 1).unwrap_err();
    assert_eq!(error.cause, IoCause::UnknownScheme("ftp".into()));
}

proptest! {
    #[test]
    fn chunks_of_lines_hold_the_file_once_and_know_where_they_stand(
        text in "[ab\r\n]{0,60}",
        cuts in prop::collection::vec(0usize..60, 0..4),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt").to_str().unwrap().to_string();
        std::fs::write(&path, &text).unwrap();
        let mut bounds: Vec<usize> = cuts.iter().map(|cut| (*cut).min(text.len())).chain([0, text.len()]).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let mut found = vec![];
        for ends in bounds.windows(2) {
            let split = FileSplit { path: path.clone(), start: ends[0] as u64, length: (ends[1] - ends[0]) as u64 };
            let mut chunks = firesteel_io::LineChunks::open(&Stores::default(), &split).unwrap();
            while chunks.next_chunk().unwrap() {
                prop_assert_eq!(chunks.offset() as usize, found.len());
                found.extend_from_slice(chunks.bytes());
            }
        }
        prop_assert_eq!(found, text.into_bytes());
    }
}
