//! What is said of a job that is over: programs with a fault, each beside one without. Faults are sleeps that no machine mistakes for
//! work, or numbers of records and tasks.

use firesteel::{Context, StorageLevel};
use std::thread::sleep;
use std::time::Duration;

fn context(slots: u32) -> Context {
    context_with(slots, "64m")
}

fn context_with(slots: u32, memory: &str) -> Context {
    let builder = Context::builder().master(&format!("local[{slots}]")).conf("firesteel.ui.port", "0");
    builder.conf("firesteel.memory", memory).create().unwrap()
}

#[track_caller]
fn says(told: &str, parts: &[&str]) {
    for part in parts {
        assert!(told.contains(part), "{part:?} is not in:\n{told}");
    }
}

/// Groups 6,000 records, of which `hot` have one key, and takes a fifth of a millisecond for each.
fn grouped(sc: &Context, hot: u64) -> String {
    let pairs = sc.range_in(0..6_000, 8).map_with(hot, |hot, n| (if n < *hot as i64 { 0 } else { n }, n));
    let groups = pairs.group_by_key_into(8).map(|(key, records)| {
        sleep(Duration::from_micros(200) * records.len() as u32);
        key
    });
    groups.count().unwrap();
    sc.explain_last_job()
}

#[test]
fn a_key_with_most_records() {
    let sc = context(4);
    let told = grouped(&sc, 5_400);
    says(
        &told,
        &["times the median", "its partition has 5,", "; the key 0 alone has about 5,", "Spread that key"],
    );
    let even = grouped(&sc, 0);
    assert!(!even.contains("its partition has") && !even.contains("alone has"), "{even}");
}

#[test]
fn more_partitions_than_anything_needs() {
    let sc = context(2);
    sc.range_in(0..100, 4_000).count().unwrap();
    says(&sc.explain_last_job(), &["its 4,000 tasks ran", "of the time that 2 slots had", "`coalesce("]);
    sc.range_in(0..100, 8).count().unwrap();
    let told = sc.explain_last_job();
    assert!(told.starts_with("Job 1 ") && !told.contains("coalesce"), "{told}");
}

#[test]
fn fewer_partitions_than_slots() {
    let sc = context(4);
    let slow = |partitions| {
        let numbers = sc.range_in(0..150, partitions);
        numbers.map(|n| (sleep(Duration::from_millis(10)), n)).count().unwrap();
        sc.explain_last_job()
    };
    says(&slow(1), &["with 1 task, so that 3 of 4 slots stood idle", "`repartition(12)`"]);
    let told = slow(4);
    assert!(!told.contains("stood idle"), "{told}");
}

#[test]
fn records_that_do_not_fit_in_memory() {
    let sorted = |memory| {
        let sc = context_with(2, memory);
        let scattered =
            sc.range_in(0..1_500_000, 4).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64));
        scattered.map(|n| (n, [n; 4])).group_by_key_into(2).count().unwrap();
        sc.explain_last_job()
    };
    let told = sorted("16m");
    says(
        &told,
        &[
            "did not find room for their records and spilled",
            "for records would spare it",
            "`firesteel.memory=",
        ],
    );
    let told = sorted("1g");
    assert!(!told.contains("spilled"), "{told}");
}

#[test]
fn an_rdd_that_is_computed_again() {
    let sc = context(2);
    let squares = || {
        let numbers = sc.range_in(0..4, 2).map(|n| n);
        numbers.map(|n| {
            sleep(Duration::from_millis(500));
            n * n
        })
    };
    let again = squares();
    assert_eq!((again.count().unwrap(), again.max().unwrap()), (4, 9));
    says(
        &sc.explain_last_job(),
        &["computed `map at ", "again in its", "as 1 job had done before", "Call `persist()`"],
    );
    let kept = squares().persist(StorageLevel::MEMORY_ONLY);
    assert_eq!((kept.count().unwrap(), kept.max().unwrap()), (4, 9));
    let told = sc.explain_last_job();
    assert!(told.starts_with("Job 3 ") && !told.contains("again"), "{told}");
}

#[test]
fn a_job_that_failed() {
    let sc = context(2);
    let failed = sc.range_in(0..2, 2).map(|n| if n == 1 { panic!("one is too many") } else { n }).count();
    assert!(failed.is_err());
    says(
        &sc.explain_last_job(),
        &[
            "Job 0 (count at ",
            ") failed after",
            "failed attempts of task 1",
            "one is too many",
            "Mend the function",
        ],
    );
    sc.range_in(0..2, 2).count().unwrap();
    let told = sc.explain_last_job();
    assert!(told.starts_with("Job 1 (count at ") && !told.contains("failed"), "{told}");
}

#[test]
fn nothing_is_said_where_nothing_ran_or_nothing_is_remembered() {
    assert_eq!(context(1).explain_last_job(), "No job has run yet.\n");
    let sc = Context::builder().master("local[1]").conf("firesteel.ui.enabled", "false").create().unwrap();
    sc.range(0..10).count().unwrap();
    says(&sc.explain_last_job(), &["`firesteel.ui.enabled` is false"]);
}
