//! Saving files, and piping records through programs.

use super::support::*;
use firesteel::Codec;
use proptest::prelude::*;
use std::fs;

/// A path for each call, in a directory that goes when the test ends.
struct Outputs {
    dir: tempfile::TempDir,
    next: std::cell::Cell<u32>,
}

impl Outputs {
    fn new() -> Self {
        Outputs { dir: tempfile::tempdir().unwrap(), next: std::cell::Cell::new(0) }
    }

    fn path(&self) -> String {
        self.next.set(self.next.get() + 1);
        self.dir.path().join(format!("out-{}", self.next.get())).to_str().unwrap().into()
    }
}

fn names(dir: &str) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    sorted(names.filter(|name| !name.starts_with('.')))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn save_as_text_file((data, n) in numbers()) {
        let outputs = Outputs::new();
        let lines: Vec<String> = data.iter().map(ToString::to_string).collect();
        check(lines, |sc| {
            let path = outputs.path();
            sc.parallelize(data.clone(), n).save_as_text_file(&path)?;
            let parts = (0..n).map(|i| format!("part-{i:05}"));
            assert_eq!(names(&path), sorted(parts.chain(["_SUCCESS".to_string()])));
            for (i, part) in slices(&data, n).iter().enumerate() {
                let text: String = part.iter().map(|x| format!("{x}\n")).collect();
                assert_eq!(fs::read_to_string(format!("{path}/part-{i:05}")).unwrap(), text);
            }
            sc.text_file(&path, None)?.collect()
        });
    }

    #[test]
    fn save_as_text_file_compressed(lines in prop::collection::vec("[a-zäß ]{0,30}", 0..40), n in 1usize..4) {
        let outputs = Outputs::new();
        for (codec, suffix) in [(Codec::Gzip, "gz"), (Codec::Plain, "00000")] {
            check(sorted(lines.clone()), |sc| {
                let path = outputs.path();
                sc.parallelize(lines.clone(), n).save_as_text_file_compressed(&path, codec)?;
                assert!(names(&path).iter().any(|name| name.starts_with("part-") && name.ends_with(suffix)));
                Ok(sorted(sc.text_file(&path, None)?.collect()?))
            });
        }
    }

    #[test]
    fn pipe((data, n) in numbers()) {
        let model: Vec<Vec<String>> = slices(&data, n).iter().map(|part| part.iter().map(ToString::to_string).collect()).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).pipe("cat").glom().collect());
    }

    #[test]
    fn pipe_words((data, n) in numbers(), word in "[a-z ]{1,5}") {
        let script = "read line; echo \"$WORD:$line\"; cat > /dev/null";
        let first = |part: &Vec<i64>| vec![format!("{word}:{}", part.first().map(ToString::to_string).unwrap_or_default())];
        let model: Vec<_> = slices(&data, n).iter().map(first).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).pipe_words(&["sh", "-c", script], &[("WORD", &word)]).glom().collect());
    }
}

#[test]
fn many_lines_through_a_program_that_reads_all_first_or_nothing_at_all() {
    check(vec!["99999".to_string()], |sc| sc.range_in(0..100_000, 1).pipe("tac").take(1));
    check(vec!["x".to_string()], |sc| sc.range_in(0..100_000, 1).pipe("echo x").collect());
    check(vec!["0".to_string()], |sc| sc.range_in(0..10, 1).pipe("yes 0").take(1));
}

#[test]
fn a_program_that_fails_or_is_not_there_fails_the_job() {
    fails(&["sh -c", "exit status: 7", "out of cheese", "files.rs"], |sc| {
        sc.range_in(0..3, 1).pipe_words(&["sh", "-c", "cat; echo out of cheese >&2; exit 7"], &[]).count()
    });
    fails(&["no-such-program-here"], |sc| sc.range_in(0..3, 1).pipe("no-such-program-here").count());
    fails(&["the command is empty"], |sc| sc.range_in(0..3, 1).pipe("  ").count());
}
