//! Compressed files: read back as they were written, in one piece or several, and never silently short.

use firesteel_io::{
    Codec, FileSplit, InputFile, IoCause, IoError, LineOptions, LineReader, SplitOptions, Stores, TextWriter,
    file_splits, read_decoded, read_raw, read_text,
};
use proptest::prelude::*;
use std::io::Write;
use std::path::Path;

/// Those that say where they end, and check what they hold.
const CODECS: [Codec; 4] = [Codec::Gzip, Codec::Bzip2, Codec::Zstd, Codec::Deflate];

/// Those in Hadoop's frames, which have no checksums and end where the file does.
const FRAMED: [Codec; 2] = [Codec::Snappy, Codec::Lz4];

fn path(dir: &Path, name: &str, codec: Codec) -> String {
    dir.join(format!("{name}{}", codec.suffix())).to_str().unwrap().into()
}

fn write_lines(path: &str, codec: Codec, lines: &[String]) {
    let mut writer = TextWriter::create(&Stores::default(), path, codec).unwrap();
    lines.iter().for_each(|line| writer.write_line(line).unwrap());
    let bytes = writer.finish().unwrap();
    assert_eq!(bytes, lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>());
}

fn lines(path: &str) -> Result<Vec<String>, IoError> {
    let length = std::fs::metadata(path).unwrap().len();
    let mut reader = LineReader::open(
        &Stores::default(),
        &FileSplit { path: path.into(), start: 0, length },
        LineOptions { chunk_bytes: 64 << 10, ..LineOptions::default() },
    )?;
    let mut lines = vec![];
    reader.for_each_line(|line| lines.push(line.to_string()))?;
    Ok(lines)
}

fn sample(lines: usize) -> Vec<String> {
    (0..lines).map(|i| format!("line {i} {}", i.wrapping_mul(2654435761) % 1_000_003)).collect()
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS.into_iter().chain(FRAMED).chain([Codec::Plain]) {
        for count in [0, 1, 300_000] {
            let path = path(dir.path(), &format!("a{count}"), codec);
            write_lines(&path, codec, &sample(count));
            assert_eq!(Codec::of_path(&path), codec);
            assert!(lines(&path).unwrap() == sample(count), "{codec}");
            let text: String = sample(count).iter().map(|line| format!("{line}\n")).collect();
            assert!(read_text(&Stores::default(), &path).unwrap() == text);
        }
    }
}

#[test]
fn files_that_were_appended_to_each_other_are_read_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS.into_iter().chain(FRAMED) {
        let (one, two) = (path(dir.path(), "one", codec), path(dir.path(), "two", codec));
        write_lines(&one, codec, &sample(50_000));
        write_lines(&two, codec, &sample(10));
        let both = path(dir.path(), "both", codec);
        let empty = path(dir.path(), "empty", codec);
        write_lines(&empty, codec, &[]);
        let bytes =
            [&one, &empty, &two, &empty].map(|path| read_raw(&Stores::default(), path).unwrap()).concat();
        std::fs::write(&both, bytes).unwrap();
        assert!(lines(&both).unwrap() == [sample(50_000), sample(10)].concat(), "{codec}");
    }
}

#[test]
fn a_file_that_was_cut_short_anywhere_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS.into_iter().chain(FRAMED) {
        let whole = path(dir.path(), "whole", codec);
        write_lines(&whole, codec, &sample(60));
        let bytes = read_raw(&Stores::default(), &whole).unwrap();
        let cut = path(dir.path(), "cut", codec);
        for length in 0..bytes.len() {
            std::fs::write(&cut, &bytes[..length]).unwrap();
            let error = lines(&cut).expect_err(&format!("{codec} cut to {length}"));
            assert_eq!(error.cause, IoCause::CutShort(codec), "{codec} cut to {length} of {}", bytes.len());
            assert_eq!(error.path, cut);
            assert_eq!(read_decoded(&Stores::default(), &cut).unwrap_err().cause, IoCause::CutShort(codec));
        }
    }
    let error = lines(&path(dir.path(), "cut", Codec::Gzip)).unwrap_err();
    let expected = "cut.gz: the gzip file ends in the middle of a block (it was cut short)";
    assert!(error.to_string().ends_with(expected), "{error}");
    assert!(!error.retryable());
}

#[test]
fn a_second_piece_that_was_cut_short_is_an_error_too() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS {
        let one = path(dir.path(), "one", codec);
        write_lines(&one, codec, &sample(20));
        let bytes = read_raw(&Stores::default(), &one).unwrap();
        let both = path(dir.path(), "both", codec);
        for length in 1..bytes.len() {
            std::fs::write(&both, [&bytes, &bytes[..length]].concat()).unwrap();
            let error = lines(&both).expect_err(&format!("{codec} cut to {length}"));
            assert_eq!(error.cause, IoCause::CutShort(codec), "{codec} cut to {length} of {}", bytes.len());
        }
    }
}

#[test]
fn a_changed_byte_never_changes_a_line() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS {
        let whole = path(dir.path(), "whole", codec);
        write_lines(&whole, codec, &sample(40));
        let bytes = read_raw(&Stores::default(), &whole).unwrap();
        let changed = path(dir.path(), "changed", codec);
        for (at, flip) in (0..bytes.len()).flat_map(|at| [(at, 0x01), (at, 0x80)]) {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            std::fs::write(&changed, bytes).unwrap();
            match lines(&changed) {
                Ok(lines) => assert!(lines == sample(40), "{codec}, byte {at}"),
                Err(error) => {
                    assert!(matches!(error.cause, IoCause::CutShort(_) | IoCause::Corrupt { .. }), "{error}");
                }
            }
        }
    }
}

#[test]
fn what_follows_the_compressed_data_and_is_none_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS {
        let whole = path(dir.path(), "whole", codec);
        write_lines(&whole, codec, &sample(10));
        let bytes =
            [read_raw(&Stores::default(), &whole).unwrap(), b"this is no compressed data at all".to_vec()]
                .concat();
        std::fs::write(&whole, bytes).unwrap();
        let error = lines(&whole).expect_err(&format!("{codec}"));
        assert!(matches!(error.cause, IoCause::Corrupt { .. }), "{error}");
    }
}

/// As gzip does, which says "trailing zero bytes ignored", and Spark does not: tapes and block devices pad files.
#[test]
fn zeros_behind_a_gzip_file_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = path(dir.path(), "padded", Codec::Gzip);
    write_lines(&path, Codec::Gzip, &sample(10));
    let packed = read_raw(&Stores::default(), &path).unwrap();
    for count in [1, 2, 10, 512, 300_000] {
        std::fs::write(&path, [&packed[..], &vec![0; count]].concat()).unwrap();
        assert_eq!(lines(&path).unwrap(), sample(10), "{count}");
    }
    std::fs::write(&path, [&packed[..], &[0; 512], &packed[..]].concat()).unwrap();
    assert!(matches!(lines(&path).unwrap_err().cause, IoCause::Corrupt { .. }));
}

#[test]
fn text_under_a_codecs_name_is_an_error_that_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS.into_iter().chain(FRAMED) {
        let path = path(dir.path(), "text", codec);
        std::fs::write(&path, "this is no compressed data, whatever its name may say\n".repeat(10)).unwrap();
        let error = lines(&path).unwrap_err();
        assert!(matches!(error.cause, IoCause::Corrupt { .. }), "{error}");
    }
}

#[test]
fn a_failed_reader_does_not_end_quietly_when_it_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS.into_iter().chain(FRAMED) {
        let path = path(dir.path(), "a", codec);
        write_lines(&path, codec, &sample(10));
        let mut bytes = read_raw(&Stores::default(), &path).unwrap();
        bytes.extend([bytes.clone(), vec![b'?'; 100], bytes.clone()].concat());
        std::fs::write(&path, bytes).unwrap();
        let split = FileSplit { path, start: 0, length: 0 };
        let mut reader = LineReader::open(
            &Stores::default(),
            &split,
            LineOptions { chunk_bytes: 50, ..LineOptions::default() },
        )
        .unwrap();
        for _ in 0..5 {
            assert!(reader.for_each_line(|_| {}).is_err(), "{codec}");
        }
    }
}

#[test]
fn a_compressed_file_is_read_from_its_beginning_only() {
    let dir = tempfile::tempdir().unwrap();
    let open = |name, codec, delimiter: Option<&[u8]>| {
        let path = path(dir.path(), name, codec);
        write_lines(&path, codec, &sample(10));
        let options = LineOptions { delimiter: delimiter.map(<[u8]>::to_vec), ..LineOptions::default() };
        LineReader::open(&Stores::default(), &FileSplit { path, start: 5, length: 5 }, options)
    };
    assert_eq!(open("a", Codec::Gzip, None).err().unwrap().cause, IoCause::NotSplittable(Codec::Gzip));
    assert_eq!(
        open("b", Codec::Bzip2, Some(b"ab")).err().unwrap().cause,
        IoCause::NotSplittable(Codec::Bzip2)
    );
    assert!(open("c", Codec::Bzip2, None).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Blocks end within lines, at their ends and within `\r\n`; streams are empty, tiny or of several blocks.
    #[test]
    fn parts_of_bzip2_files_hold_each_line_once(
        streams in proptest::collection::vec(
            prop_oneof![Just(0), 1..12_usize, 1_000..30_000_usize], 1..5),
        (seed, parts, chunk_bytes) in (0..1000_usize, 1..30_u64, prop_oneof![Just(100_usize), Just(1 << 20)]),
        ends in prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just(";"), Just("")],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = path(dir.path(), "a", Codec::Bzip2);
        let (mut text, mut packed) = (vec![], vec![]);
        for (stream, count) in streams.iter().enumerate() {
            let line = |i: usize| format!("{stream}-{:x}{ends}", (i + seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (i % 60));
            let piece = (0..*count).map(line).collect::<String>().into_bytes();
            let mut encoder = bzip2::write::BzEncoder::new(&mut packed, bzip2::Compression::fast());
            encoder.write_all(&piece).unwrap();
            encoder.finish().unwrap();
            text.extend(piece);
        }
        std::fs::write(&path, &packed).unwrap();
        let plain = dir.path().join("plain").to_str().unwrap().to_string();
        std::fs::write(&plain, &text).unwrap();
        let read = |split: &FileSplit| {
            let delimiter = (ends == ";").then(|| b";".to_vec());
            let mut lines = vec![];
            let options = LineOptions { delimiter, chunk_bytes };
            let mut reader = LineReader::open(&Stores::default(), split, options).unwrap();
            reader.for_each_line(|line| lines.push(line.to_string())).unwrap();
            lines
        };
        let file = InputFile { path, length: packed.len() as u64 };
        let splits = file_splits(&[file], &SplitOptions::new(parts));
        let found: Vec<String> = splits.iter().flat_map(read).collect();
        let whole = FileSplit { path: plain, start: 0, length: text.len() as u64 };
        prop_assert!(found == read(&whole));
    }
}

#[test]
fn a_writer_does_not_overwrite() {
    let dir = tempfile::tempdir().unwrap();
    let path = path(dir.path(), "a", Codec::Plain);
    TextWriter::create(&Stores::default(), &path, Codec::Plain).unwrap().finish().unwrap();
    assert_eq!(TextWriter::create(&Stores::default(), &path, Codec::Plain).err().unwrap().path, path);
}
