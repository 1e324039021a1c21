//! Files that are missing, not whole, or not text; outputs that cannot be made.

use super::support::*;

#[test]
fn a_path_that_is_not_there_is_named_with_the_line_that_wanted_it() {
    let sc = context();
    let nowhere = sc.dir.path().join("nowhere.txt");
    let path = nowhere.to_str().unwrap();
    let line = line!() + 1;
    says(&error(sc.text_file(path, None)), &[path, "no such file", &format!("files.rs:{line}")]);
    says(&error(sc.whole_text_files(path, None)), &[path, "no such file", "whole_text_files"]);
    says(&error(sc.list_files(path)), &[path, "no such file", "list_files"]);
}

#[test]
fn a_pattern_that_matches_nothing_is_named() {
    let sc = context();
    let pattern = format!("{}/none-*.txt", sc.dir.path().display());
    says(&error(sc.text_file(&pattern, None)), &[&pattern, sc.dir.path().to_str().unwrap()]);
}

#[test]
fn a_file_that_vanishes_after_it_was_listed_fails_the_job_at_once() {
    static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
    let sc = context();
    let path = sc.dir.path().join("gone.txt");
    fs::write(&path, "one\n").unwrap();
    let lines = sc.text_file(path.to_str().unwrap(), 1).unwrap().map_partitions(|lines| {
        ATTEMPTS.fetch_add(1, Relaxed);
        lines
    });
    fs::remove_file(&path).unwrap();
    says(&error(lines.count()), &[path.to_str().unwrap(), "no such file", "text_file"]);
    assert!(ATTEMPTS.load(Relaxed) <= 1, "a missing file is not worth a second look");
    still_works(&sc);
}

#[test]
fn an_output_directory_that_exists_is_refused_before_anything_is_computed() {
    static COMPUTED: AtomicU32 = AtomicU32::new(0);
    let sc = context();
    let out = sc.dir.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("precious"), "mine").unwrap();
    let numbers = sc.range_in(0..10, 2).map(|x| {
        COMPUTED.fetch_add(1, Relaxed);
        x
    });
    let text = error(numbers.save_as_text_file(out.to_str().unwrap()));
    says(&text, &[out.to_str().unwrap(), "exists", "save_as_text_file", "files.rs"]);
    assert_eq!(COMPUTED.load(Relaxed), 0);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(out.join("precious")).unwrap(), "mine");
}

#[test]
fn an_output_directory_that_cannot_be_made_is_named() {
    let sc = context();
    let file = sc.dir.path().join("file");
    fs::write(&file, "").unwrap();
    let out = file.join("out");
    says(
        &error(sc.range(0..10).save_as_text_file(out.to_str().unwrap())),
        &[file.to_str().unwrap(), "save_as_text_file"],
    );
    still_works(&sc);
}

#[test]
fn a_job_that_fails_leaves_no_output() {
    let sc = context();
    let out = sc.dir.path().join("out");
    let numbers = sc.range_in(0..10, 4).map(|x| if x == 9 { panic!("nine") } else { x });
    says(&error(numbers.save_as_text_file(out.to_str().unwrap())), &["nine"]);
    assert!(!out.exists(), "{:?}", fs::read_dir(&out).unwrap().collect::<Vec<_>>());
    sc.range(0..10).save_as_text_file(out.to_str().unwrap()).unwrap();
    assert!(out.join("_SUCCESS").exists());
}

#[test]
fn a_compressed_file_that_is_cut_short_or_corrupt_is_named() {
    let sc = context();
    let out = sc.dir.path().join("whole");
    let lines = sc.range_in(0..50_000, 1).map(|x| (x * 7919 % 10_007).to_string());
    lines.save_as_text_file_compressed(out.to_str().unwrap(), Codec::Gzip).unwrap();
    let whole = fs::read(out.join("part-00000.gz")).unwrap();
    let bad = sc.dir.path().join("bad.gz");
    let path = bad.to_str().unwrap();
    for cut in [whole.len() - 1, whole.len() / 2, 5] {
        fs::write(&bad, &whole[..cut]).unwrap();
        says(&error(sc.text_file(path, None).unwrap().count()), &[path, "text_file"]);
        says(&error(sc.whole_text_files(path, None).unwrap().count()), &[path, "whole_text_files"]);
    }
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x55;
    fs::write(&bad, &flipped).unwrap();
    says(&error(sc.text_file(path, None).unwrap().count()), &[path]);
    fs::write(&bad, &whole).unwrap();
    assert_eq!(sc.text_file(path, None).unwrap().count().unwrap(), 50_000);
}

#[test]
fn bytes_that_are_no_text_become_replacement_characters() {
    let sc = context();
    let path = sc.dir.path().join("bytes");
    fs::write(&path, b"good\nb\xffd\n\xf0\x9f\x98\nlast\xc3").unwrap();
    let lines = sc.text_file(path.to_str().unwrap(), 1).unwrap().collect().unwrap();
    assert_eq!(lines, ["good", "b\u{FFFD}d", "\u{FFFD}", "last\u{FFFD}"]);
}

#[test]
fn a_line_of_64_mib_is_one_record() {
    const LENGTH: usize = 64 << 20;
    let sc = context();
    let path = sc.dir.path().join("long");
    let mut text = vec![b'x'; LENGTH];
    text.extend_from_slice(b"\nshort\n");
    fs::write(&path, text).unwrap();
    let lines = sc.text_file(path.to_str().unwrap(), 8).unwrap();
    assert_eq!(sorted(lines.map(|line| line.len()).collect().unwrap()), [5, LENGTH]);
    // Through a shuffle too.
    let lengths =
        lines.map(|line| (line.len() % 2, line)).group_by_key().map(|(k, lines)| (k, lines[0].len()));
    assert_eq!(sorted(lengths.collect().unwrap()), [(0, LENGTH), (1, 5)]);
}

/// A context with settings of its own.
fn set_up(settings: &[(&str, &str)]) -> firesteel::Result<Context> {
    let builder = Context::builder().master("local[2]");
    settings.iter().fold(builder, |builder, (key, value)| builder.conf(key, value)).create()
}

#[test]
fn files_that_come_before_the_action_are_read() {
    let (sc, dir) = (set_up(&[]).unwrap(), tempfile::tempdir().unwrap());
    let path = dir.path().to_str().unwrap();
    std::fs::write(dir.path().join("a"), "a\n").unwrap();
    let lines = sc.text_file(path, None).unwrap();
    let texts = sc.whole_text_files(path, None).unwrap().values();
    let bytes = sc.binary_files(path, None).unwrap().values().map(|bytes| bytes.len());
    let partitions = lines.num_partitions();
    for name in ["b", "c", "d"] {
        std::fs::write(dir.path().join(name), format!("{name}\n")).unwrap();
    }
    assert_eq!(lines.collect().unwrap(), ["a", "b", "c", "d"]);
    assert_eq!(lines.glom().collect().unwrap().len(), partitions);
    assert_eq!(texts.collect().unwrap(), ["a\n", "b\n", "c\n", "d\n"]);
    assert_eq!(bytes.collect().unwrap(), [2; 4]);
    // What an action has listed stays so.
    std::fs::write(dir.path().join("e"), "e\n").unwrap();
    assert_eq!(lines.count().unwrap(), 4);
}

#[test]
fn a_path_that_is_gone_when_the_action_comes_is_named() {
    let (sc, dir) = (set_up(&[]).unwrap(), tempfile::tempdir().unwrap());
    let file = dir.path().join("a");
    std::fs::write(&file, "a\n").unwrap();
    let lines = sc.text_file(file.to_str().unwrap(), None).unwrap();
    std::fs::remove_file(&file).unwrap();
    let error = lines.count().unwrap_err().to_string();
    assert!(error.contains(file.to_str().unwrap()) && error.contains("text_file at"), "{error}");
}

#[test]
fn hadoops_settings_decide_what_is_read_and_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_string();
    std::fs::create_dir_all(dir.path().join("in/deep")).unwrap();
    std::fs::write(dir.path().join("in/a"), "1;2;").unwrap();
    std::fs::write(dir.path().join("in/deep/b"), "3").unwrap();
    let sc = set_up(&[
        ("spark.hadoop.textinputformat.record.delimiter", ";"),
        ("spark.hadoop.mapreduce.input.fileinputformat.input.dir.recursive", "true"),
        ("spark.hadoop.mapreduce.output.fileoutputformat.compress", "true"),
        ("spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs", "false"),
    ])
    .unwrap();
    assert_eq!(sc.text_file(&path("in"), None).unwrap().collect().unwrap(), ["1", "2", "3"]);
    sc.range_in(0..2, 1).save_as_text_file(&path("out")).unwrap();
    let names: Vec<_> =
        std::fs::read_dir(path("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["part-00000.deflate"]);
}

#[test]
fn settings_that_cannot_be_obeyed_are_refused_at_the_start() {
    for (key, value) in [
        ("spark.hadoop.mapreduce.output.fileoutputformat.compress.codec", "com.acme.Codec"),
        ("spark.hadoop.mapreduce.input.fileinputformat.split.minsize", "big"),
    ] {
        let error = set_up(&[(key, value)]).map(drop).unwrap_err().to_string();
        assert!(error.contains(value), "{error}");
    }
}
