//! Files of the engine's own that break between being written and being read.

use super::support::*;

fn flip_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn pairs(sc: &Context, partitions: usize) -> Rdd<(i64, String)> {
    sc.range_in(0..5_000, partitions).map(|x| (x % 100, format!("{x:>50}")))
}

/// Either right, or an error that names a file.
fn right_or_told<T: PartialEq + std::fmt::Debug>(files: &[PathBuf], wanted: &T, answer: Result<T>) {
    match answer {
        Ok(answer) => assert!(answer == *wanted, "a broken file changed the answer"),
        Err(error) => {
            let text = error.to_string();
            let named = files.iter().any(|file| text.contains(file.to_str().unwrap()));
            assert!(named, "no file is named in: {text}");
        }
    }
}

#[test]
fn a_broken_map_output_is_made_again() {
    static MAPPED: AtomicU32 = AtomicU32::new(0);
    for breaks in [
        flip_a_byte as fn(&Path),
        |path: &Path| fs::remove_file(path).unwrap(),
        |path: &Path| fs::write(path, "").unwrap(),
    ] {
        let sc = Own::new("64k");
        let counted = pairs(&sc, 3).map_partitions(|records| {
            MAPPED.fetch_add(1, Relaxed);
            records
        });
        let groups = counted.group_by_key_into(3);
        let wanted = groups.map_values(|vs| vs.concat()).collect().unwrap();
        let files = sc.files("shuffle-");
        assert_eq!(files.len(), 3, "the test wants each map output in a file");
        MAPPED.store(0, Relaxed);
        breaks(&files[1]);
        assert_eq!(groups.map_values(|vs| vs.concat()).collect().unwrap(), wanted);
        assert_eq!(MAPPED.load(Relaxed), 1, "only the broken output is made again");
    }
}

#[test]
fn broken_map_outputs_never_change_the_answer() {
    let sc = Own::new("64k");
    let broadcast_tree = pairs(&sc, 8).repartition(4);
    let groups = broadcast_tree.group_by_key_into(3).map_values(|vs| vs.len());
    let wanted = sorted(groups.collect().unwrap());
    let files = sc.files("shuffle-");
    assert!(files.len() >= 8);
    files.iter().for_each(|file| flip_a_byte(file));
    right_or_told(&files, &wanted, groups.collect().map(sorted));
    let counts = sorted(
        broadcast_tree
            .map(|(k, _)| (k, 1usize))
            .reduce_by_key(|a, b| a + b)
            .collect()
            .unwrap_or_else(|_| wanted.clone()),
    );
    assert_eq!(counts, wanted);
    still_works(&sc);
}

static FLIPS: AtomicU32 = AtomicU32::new(0);

/// Flips a byte in every spilled run, after the first record came and while `FLIPS` lasts.
fn break_spills(dir: &str, flips: &AtomicU32) {
    if flips.load(Relaxed) == 0 {
        return;
    }
    flips.fetch_sub(1, Relaxed);
    let runs = files_below(Path::new(dir), "spill-");
    assert!(!runs.is_empty(), "the test wants records that spill");
    runs.iter().for_each(|run| {
        let mut bytes = fs::read(run).unwrap();
        let end = bytes.len() - 100;
        bytes[end] ^= 1;
        fs::write(run, bytes).unwrap();
    });
}

#[test]
fn a_broken_spilled_run_is_noticed_and_the_task_tried_again() {
    let sc = Own::new("64k");
    let dir = sc.dir.path().to_str().unwrap().to_string();
    let many = sc.range_in(0..40_000, 1).map(|x| (x * 7919 % 40_009, format!("{x:>100}")));
    let sorted = many.sort_by_key_into(1, Order::Ascending).map_partitions_with(dir, |dir, records| {
        let mut records = records.peekable();
        records.peek();
        break_spills(dir, &FLIPS);
        records
    });
    FLIPS.store(1, Relaxed);
    let keys = sorted.keys().collect().unwrap();
    assert!(keys.is_sorted() && keys.len() == 40_000);
    FLIPS.store(100, Relaxed);
    says(&error(sorted.count()), &["/spill-", "corrupt", "checksum", "sort_by_key_into"]);
    assert_eq!(FLIPS.load(Relaxed), 96, "four attempts");
    FLIPS.store(0, Relaxed);
    assert_eq!(sorted.count().unwrap(), 40_000);
    assert_eq!(sc.files("spill-").len(), 0);
}
