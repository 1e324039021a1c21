//! Panics in users' functions: the operation and the record that the error blames.

use super::support::*;

/// Whoever ended the job: the last failure of its task.
#[track_caller]
fn panicked<T>(result: Result<T>) -> (u32, u32, String, Option<String>, String) {
    match result {
        Err(Error::Job { failure: JobFailure::TaskFailed { partition, attempts, last, .. }, .. }) => {
            match *last {
                TaskFailure::Panic { message, location, record, site } => (
                    partition.0,
                    attempts,
                    format!("{message} at {location}"),
                    record,
                    site.operation.to_string(),
                ),
                other => panic!("the task failed otherwise: {other}"),
            }
        }
        Err(other) => panic!("the job failed otherwise: {other}"),
        Ok(_) => panic!("the job did not fail"),
    }
}

#[test]
fn a_panic_is_told_with_line_partition_message_and_record_after_exactly_so_many_attempts() {
    static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
    let sc = context();
    let pairs = sc.range_in(0..100, 4).map(|x| (x, format!("name {x}"))).map(|(x, name)| {
        if x == 60 {
            ATTEMPTS.fetch_add(1, Relaxed);
            panic!("on line {}", line!());
        }
        (x, name)
    });
    let result = pairs.count();
    let text = result.as_ref().unwrap_err().to_string();
    let (partition, attempts, message, record, operation) = panicked(result);
    assert_eq!((partition, attempts, ATTEMPTS.load(Relaxed)), (2, 4, 4));
    assert_eq!(record.as_deref(), Some(r#"[60,"name 60"]"#));
    assert_eq!(operation, "map");
    let line = message.strip_prefix("on line ").unwrap().split(' ').next().unwrap();
    says(&message, &[&format!("panics.rs:{line}:")]);
    says(
        &text,
        &[&format!("panics.rs:{line}:"), "partition 2", "attempt 4 of 4", "name 60", "in the job of count"],
    );
    still_works(&sc);
}

#[test]
fn the_number_of_attempts_is_what_the_settings_say() {
    static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
    for (master, setting, wanted) in
        [("local[2,3]", None, 3), ("local[2]", Some("1"), 1), ("local[2,3]", Some("2"), 2)]
    {
        ATTEMPTS.store(0, Relaxed);
        let mut builder = Context::builder().master(master);
        if let Some(setting) = setting {
            builder = builder.conf("firesteel.task.max_failures", setting);
        }
        let sc = builder.create().unwrap();
        let numbers = sc.range_in(0..2, 2).map(|x| {
            if x == 1 {
                ATTEMPTS.fetch_add(1, Relaxed);
                panic!("one");
            }
            x
        });
        assert_eq!(panicked(numbers.collect()).1, wanted);
        assert_eq!(ATTEMPTS.load(Relaxed), wanted, "on {master} with {setting:?}");
    }
}

fn boom(x: i64) -> i64 {
    if x == 7 { panic!("seven") } else { x }
}

#[test]
fn every_kind_of_function_is_blamed_by_its_own_name() {
    let sc = context();
    let all = sc.range_in(0..10, 2);
    let pairs = all.map(|x| (x % 2, x));
    #[track_caller]
    fn blames<T>(result: Result<T>, operation: &str, record: Option<&str>) {
        let (_, _, message, told, blamed) = panicked(result);
        assert!(message.starts_with("seven at crates/firesteel/tests/it/bad_input/panics.rs:"), "{message}");
        assert_eq!((blamed.as_str(), told.as_deref()), (operation, record));
    }
    let seven = Some("7");
    blames(all.map(boom).count(), "map", seven);
    blames(all.map_with(1, |_, x| boom(x)).count(), "map_with", seven);
    blames(all.filter(|x| boom(*x) >= 0).count(), "filter", seven);
    blames(all.flat_map(|x| [boom(x)]).count(), "flat_map", seven);
    blames(all.flat_map(|x| (0..1).map(move |_| boom(x))).count(), "flat_map", seven);
    blames(all.flat_map_push(|x, out| out.push(boom(x))).count(), "flat_map_push", seven);
    blames(all.map_partitions(|records| records.map(boom)).count(), "map_partitions", seven);
    blames(
        all.map_partitions(|records| records.map(boom).collect::<Vec<_>>()).count(),
        "map_partitions",
        seven,
    );
    blames(all.key_by(|x| boom(*x)).count(), "key_by", seven);
    blames(pairs.map_values(boom).count(), "map_values", Some("[1,7]"));
    blames(pairs.flat_map_values(|x| [boom(x)]).count(), "flat_map_values", Some("[1,7]"));
    blames(all.sort_by(|x| boom(*x), Order::Ascending).count(), "sort_by", seven);
    blames(all.group_by(|x| boom(*x)).count(), "group_by", seven);
    blames(
        all.foreach(|x| {
            boom(x);
        }),
        "foreach",
        seven,
    );
    blames(
        all.foreach_partition(|records| {
            records.for_each(|x| {
                boom(x);
            })
        }),
        "foreach_partition",
        seven,
    );
    blames(all.tree_reduce(|a, b| a + boom(b), 2), "tree_reduce", seven);
    blames(all.run_job(|_, records| records.map(boom).sum::<i64>()), "run_job", seven);
    blames(
        all.zip_partitions(&all, |a, b| a.zip(b).map(|(x, _)| boom(x))).unwrap().count(),
        "zip_partitions",
        seven,
    );
    still_works(&sc);
}

#[test]
fn functions_of_many_records_are_blamed_without_a_record() {
    let sc = context();
    // Each of these remembers records on its way; none of them may be blamed for what comes later.
    let one_by_one =
        sc.range_in(0..10, 2).flat_map(|x| [x]).map_partitions(|records| records).map(|x| x).filter(|_| true);
    let pairs = one_by_one.map(|x| (x % 2, x));
    fn add(a: i64, b: i64) -> i64 {
        boom(b);
        a + b
    }
    #[track_caller]
    fn blames<T>(result: Result<T>, operation: &str) {
        let (_, attempts, message, told, blamed) = panicked(result);
        assert!(message.starts_with("seven at crates/firesteel/tests/it/bad_input/panics.rs:"), "{message}");
        assert_eq!((blamed.as_str(), told, attempts), (operation, None, 4));
    }
    blames(one_by_one.reduce(add), "reduce");
    blames(one_by_one.fold(0, add), "fold");
    blames(one_by_one.aggregate(0, add, |a, b| a + b), "aggregate");
    blames(pairs.reduce_by_key(add).count(), "reduce_by_key");
    blames(pairs.fold_by_key(0, add).count(), "fold_by_key");
    blames(pairs.aggregate_by_key(0, add, |a, b| a + b).count(), "aggregate_by_key");
    blames(pairs.combine_by_key(|v| v, add, |a, b| a + b).count(), "combine_by_key");
    blames(pairs.reduce_by_key_locally(add), "reduce_by_key_locally");
    blames(one_by_one.flat_map(|x| [x]).reduce(add), "reduce");
    blames(one_by_one.map_partitions(|records| records).reduce(add), "reduce");
    // On the reading side of the shuffle.
    blames(
        pairs
            .combine_by_key(
                |v| vec![v],
                |c, v| [c, vec![v]].concat(),
                |a, b| {
                    boom(b.len() as i64 + 5);
                    [a, b].concat()
                },
            )
            .count(),
        "combine_by_key",
    );
    // What was given one by one just before may not be blamed, even where the last of it was never asked for.
    let all = sc.range_in(0..10, 2);
    blames(all.flat_map(|x| [x]).reduce(add), "reduce");
    blames(all.flat_map(|x| 0..=x).map_partitions(|records| records.take(50)).reduce(add), "reduce");
    blames(
        all.map_partitions(|records| records.take(4)).flat_map(|x| [x]).map_partitions(|r| r).reduce(add),
        "reduce",
    );
    blames(all.map_partitions(|records| records.take(4).collect::<Vec<_>>()).reduce(add), "reduce");
    // A function that looks at nothing is to blame for nothing that others looked at.
    let some = all.map_partitions(|records| records.take(4).collect::<Vec<_>>());
    blames(some.map_partitions(|_| [boom(7)]).count(), "map_partitions");
    blames(some.zip_partitions(&some, |_, _| [boom(7)]).unwrap().count(), "zip_partitions");
    still_works(&sc);
}

#[test]
fn a_panic_on_the_driver_is_the_programs_own() {
    let sc = context();
    let all = sc.range_in(0..10, 2);
    // The last step of a reduction runs on the thread of the action.
    fn caught<R>(action: impl FnOnce() -> R) -> bool {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(action)).is_err()
    }
    assert!(caught(|| all.reduce(|a, b| if a == 10 { panic!("united") } else { a + b })));
    assert!(caught(|| all.run_job_with((), &[0, 1], |(), _, _| (), |_, ()| panic!("handler"))));
    still_works(&sc);
}

#[derive(Serialize, Deserialize)]
struct Odd;

impl Partitioner<i64> for Odd {
    fn partitions(&self) -> u32 {
        3
    }
    fn partition(&self, key: &i64) -> u32 {
        match key {
            5 => panic!("five"),
            6 => 3,
            key => (key % 3) as u32,
        }
    }
}

#[test]
fn a_partitioner_that_panics_or_gives_a_partition_that_is_not_there() {
    let sc = context();
    let (_, attempts, message, _, operation) =
        panicked(sc.range_in(0..6, 2).map(|x| (x, x)).partition_by(Odd).count());
    says(&message, &["five at crates/firesteel/tests/it/bad_input/panics.rs:"]);
    assert_eq!((attempts, operation.as_str()), (4, "partition_by"));
    let (_, _, message, record, _) = panicked(sc.range_in(6..9, 2).map(|x| (x, x)).partition_by(Odd).count());
    says(&message, &["partition 3", "only 3 partitions"]);
    assert_eq!(record.as_deref(), Some("6"));
    assert_eq!(sc.range_in(0..5, 2).map(|x| (x, x)).partition_by(Odd).count().unwrap(), 5);
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Touchy(i64);

impl std::hash::Hash for Touchy {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        boom(self.0).hash(state);
    }
}

impl PartialOrd for Touchy {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Touchy {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        boom(self.0).cmp(&other.0)
    }
}

#[test]
fn a_key_that_cannot_be_hashed_or_compared_fails_the_job() {
    let sc = context();
    let pairs = sc.range_in(0..10, 2).map(|x| (Touchy(x), x));
    assert_eq!(panicked(pairs.reduce_by_key(|a, b| a + b).count()).4, "reduce_by_key");
    assert_eq!(panicked(pairs.join(&pairs).count()).4, "join");
    assert_eq!(
        panicked(pairs.repartition_and_sort_within_partitions(ByHalf).count()).4,
        "repartition_and_sort_within_partitions"
    );
    still_works(&sc);
}

#[derive(Serialize, Deserialize)]
struct ByHalf;

impl Partitioner<Touchy> for ByHalf {
    fn partitions(&self) -> u32 {
        2
    }
    fn partition(&self, key: &Touchy) -> u32 {
        u32::from(key.0 >= 5)
    }
}
