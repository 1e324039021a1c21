//! Sources of records: the driver's data, ranges, files.

use super::support::*;
use proptest::prelude::*;
use std::fs;

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn parallelize((data, n) in numbers(), texts: Vec<String>, rows: Vec<(Option<u8>, Vec<bool>)>) {
        check(slices(&data, n), |sc| sc.parallelize(data.clone(), n).glom().collect());
        check(slices(&texts, n), |sc| sc.parallelize(texts.clone(), n).glom().collect());
        check(slices(&rows, n), |sc| sc.parallelize(rows.clone(), n).glom().collect());
    }

    #[test]
    fn range(start in -40i64..40, length in -5i64..60) {
        let model: Vec<i64> = (start..start + length).collect();
        check(model, |sc| sc.range(start..start + length).collect());
        check((), |sc| {
            assert_eq!(sc.range(start..start + length).num_partitions(), sc.default_parallelism() as usize);
            Ok(())
        });
    }

    #[test]
    fn range_in(start: i64, length in 0u8..60, n in 1usize..9) {
        let end = start.saturating_add(i64::from(length));
        let model: Vec<i64> = (start..end).collect();
        check(slices(&model, n), |sc| sc.range_in(start..end, n).glom().collect());
    }

    #[test]
    fn range_step(start: i64, end in prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)], steps in 1i128..50, n in 1usize..5) {
        // A step with which the range has about so many numbers, in the direction from start to end.
        let wide = (i128::from(end) - i128::from(start)) / steps;
        let step = wide.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        prop_assume!(step != 0);
        let numbers = (0i128..).map(|i| i128::from(start) + i * i128::from(step));
        let inside = numbers.take_while(|x| if step > 0 { *x < i128::from(end) } else { *x > i128::from(end) });
        let model: Vec<i64> = inside.map(|x| x as i64).collect();
        check(slices(&model, n), |sc| sc.range_step(start..end, step, n)?.glom().collect());
        check(vec![], |sc| sc.range_step(start..end, -step.signum(), n)?.collect());
    }

    #[test]
    fn text_file(lines in prop::collection::vec("[a-zé ]{0,20}", 0..40), n in 1usize..6, ends_open: bool) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines.txt");
        let mut text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        if ends_open && lines.last().is_some_and(|line| !line.is_empty()) {
            text.pop();
        }
        fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        check(lines.clone(), |sc| sc.text_file(path, n)?.collect());
        check(lines.clone(), |sc| sc.text_file(path, None)?.collect());
        check(lines.len() as u64, |sc| sc.text_file(path, n)?.count());
    }

    #[test]
    fn text_file_delimited(records in prop::collection::vec("[a-z\n]{0,8}", 1..20), n in 1usize..4) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("records");
        fs::write(&path, records.iter().flat_map(|record| [record, "--"]).collect::<String>()).unwrap();
        let path = path.to_str().unwrap();
        check(records.clone(), |sc| sc.text_file_delimited(path, n, "--")?.collect());
    }
}

#[test]
fn a_step_of_zero_and_an_empty_delimiter_are_refused() {
    fails(&["step of 0", "sources.rs"], |sc| sc.range_step(0..3, 0, 1));
    fails(&["empty delimiter", "`text_file`"], |sc| sc.text_file_delimited("/", None, ""));
}

#[test]
fn empty_rdd() {
    check((0, vec![]), |sc| {
        let none = sc.empty_rdd::<String>();
        Ok((none.num_partitions(), none.collect()?))
    });
}

/// Three files under a directory, one of them hidden from inputs.
fn three_files() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.txt"), "one\ntwo\n").unwrap();
    fs::write(dir.path().join("b.txt"), "three").unwrap();
    fs::write(dir.path().join("_hidden"), "never").unwrap();
    dir
}

#[test]
fn list_files() {
    let dir = three_files();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_string();
    check(vec![(at("a.txt"), 8), (at("b.txt"), 5)], |sc| {
        let files = sc.list_files(&at(""))?;
        Ok(files.into_iter().map(|file| (file.path, file.bytes)).collect())
    });
    check(vec![at("b.txt"), at("a.txt")], |sc| {
        let files = sc.list_files(&format!("{},{}", at("b*"), at("[a]*")))?;
        Ok(files.into_iter().map(|file| file.path).collect())
    });
}

#[test]
fn whole_text_files() {
    let dir = three_files();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_string();
    let model = vec![(at("a.txt"), "one\ntwo\n".to_string()), (at("b.txt"), "three".to_string())];
    check(model.clone(), |sc| Ok(sorted(sc.whole_text_files(&at(""), None)?.collect()?)));
    check(model, |sc| Ok(sorted(sc.whole_text_files(&at("*.txt"), 7)?.collect()?)));
}
