//! Accumulators: each `add` counts once for its partition, even if it is retried, computed again, or computed
//! twice at once.

use firesteel::{Accumulate, Accumulator, Adder, Context, Error, Order, Rdd, Result, StorageLevel};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{LazyLock, Mutex};

mod processes;

fn context(slots: u32) -> Context {
    let builder = Context::builder().master(&format!("local[{slots}]"));
    builder.conf("firesteel.task.max_failures", "1000").create().unwrap()
}

/// The same, and one whose tasks run in two other processes.
fn contexts(slots: u32) -> [Context; 2] {
    let elsewhere = processes::two_processes(slots).conf("firesteel.task.max_failures", "1000");
    [context(slots), elsewhere.create().unwrap()]
}

/// Panics once, in each process, for each word that was never said before: what it is called for fails once, and not the next time.
fn fail_once(word: &str, x: i64) {
    static SAID: LazyLock<Mutex<HashSet<(String, i64)>>> = LazyLock::new(Mutex::default);
    let is_new = SAID.lock().unwrap_or_else(|e| e.into_inner()).insert((word.into(), x));
    assert!(!is_new, "on purpose, for {x}");
}

/// An RDD whose function adds 1 for each record, and fails in each partition after it has added.
fn flaky(sc: &Context, added: &Accumulator<i128>, word: &str) -> Rdd<i64> {
    sc.range_in(0..1000, 10).map_with((added.adder(), word.to_string()), |(added, word), x| {
        added.add(1);
        if x % 100 == 57 {
            fail_once(word, x);
        }
        x
    })
}

#[test]
fn tasks_that_fail_add_nothing_and_actions_over_one_rdd_add_once() {
    for sc in contexts(3) {
        let (mapped, visited) = (sc.long_accumulator(), sc.long_accumulator());
        let rdd = flaky(&sc, &mapped, "twice");
        assert_eq!(rdd.count().unwrap(), 1000);
        assert_eq!(mapped.value(), 1000);
        assert_eq!(rdd.collect().unwrap().len(), 1000);
        assert_eq!(mapped.value(), 1000);
        let visit = |(visited, word): &(Adder<i128>, String), x: i64| {
            visited.add(x);
            if x % 250 == 7 {
                fail_once(word, x);
            }
        };
        rdd.foreach_with((visited.adder(), "visit".to_string()), visit).unwrap();
        assert_eq!(visited.value(), 499_500);
        rdd.foreach_with((visited.adder(), "visit".to_string()), visit).unwrap();
        assert_eq!(visited.value(), 2 * 499_500, "each action counts anew");
        assert_eq!(mapped.value(), 1000);
        drop(rdd);
        assert_eq!(mapped.value(), 1000, "the RDD is gone, what it added stays");
        drop(flaky(&sc, &mapped, "never computed"));
        assert_eq!(flaky(&sc, &mapped, "another RDD").count().unwrap(), 1000);
        assert_eq!(mapped.value(), 2000, "another RDD adds for itself");
    }
}

#[test]
fn a_beginning_and_then_the_whole_count_as_the_whole() {
    let sc = context(2);
    let seen = sc.long_accumulator();
    let rdd = sc.range_in(0..200_000, 2).map_with(seen.adder(), |seen, x| {
        seen.add(1);
        x
    });
    assert_eq!(rdd.take(5).unwrap(), [0, 1, 2, 3, 4]);
    let beginning = seen.value();
    assert!((5..100_000).contains(&beginning), "{beginning}");
    assert_eq!(rdd.take(5).unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(seen.value(), beginning);
    assert_eq!(rdd.count().unwrap(), 200_000);
    assert_eq!(seen.value(), 200_000);
    assert_eq!(rdd.first().unwrap(), 0);
    assert_eq!(seen.value(), 200_000);
}

#[test]
fn an_rdd_that_is_read_several_times_in_one_job_counts_once() {
    for sc in contexts(3) {
        let added = sc.long_accumulator();
        let check = |name: &str, read: fn(&Rdd<i64>) -> Result<u64>, expected: u64| {
            added.reset();
            assert_eq!(added.value(), 0);
            assert_eq!(read(&flaky(&sc, &added, name)).unwrap(), expected, "{name}");
            assert_eq!(added.value(), 1000, "{name}");
        };
        check("union", |rdd| rdd.union(rdd).union(rdd).count(), 3000);
        check("coalesce", |rdd| rdd.coalesce(3).count(), 1000);
        check("union, then coalesce", |rdd| rdd.union(rdd).coalesce(4).count(), 2000);
        check("zip", |rdd| rdd.zip(rdd)?.count(), 1000);
        check("cartesian", |rdd| rdd.cartesian(rdd).count(), 1_000_000);
        check("cogroup", |rdd| rdd.map(|x| (x, ())).cogroup(&rdd.map(|x| (x, ()))).count(), 1000);
        check("sort", |rdd| rdd.sort_by(|x| -x, Order::Ascending).count(), 1000);
        check("numbering", |rdd| rdd.zip_with_index().count(), 1000);
        check("repartition", |rdd| rdd.repartition(7).count(), 1000);
        check("tree", |rdd| Ok(u64::from(rdd.tree_reduce(|a, b| a.max(b), 3)? == 999) * 1000), 1000);
        check("partitions one by one", |rdd| Ok(rdd.to_local_iterator().count() as u64), 1000);
        check("actions at once", at_once, 1000);
    }
}

fn at_once(rdd: &Rdd<i64>) -> Result<u64> {
    let actions: Vec<_> = (0..4).map(|_| rdd.count_async()).collect();
    actions.into_iter().map(|action| action.wait()).last().unwrap()
}

#[test]
fn functions_on_both_sides_of_a_shuffle_add() {
    for sc in contexts(2) {
        let (merged, key) = (sc.long_accumulator(), sc.long_accumulator());
        let pairs = sc.range_in(0..1000, 4).map_with(key.adder(), |key, x| {
            key.add(1);
            (x % 5, x)
        });
        let sums = pairs.reduce_by_key_with(merged.adder(), |merged, a, b| {
            merged.add(1);
            a + b
        });
        assert_eq!(sums.count().unwrap(), 5);
        // 1000 values become 5.
        assert_eq!(merged.value(), 995);
        assert_eq!(sums.collect().unwrap().len(), 5);
        assert_eq!((merged.value(), key.value()), (995, 1000));
        drop((sums, pairs));
        assert_eq!((merged.value(), key.value()), (995, 1000));
    }
}

#[test]
fn functions_of_an_action_add_in_tasks_and_where_their_results_are_put_together() {
    for sc in contexts(2) {
        let calls = sc.long_accumulator();
        let numbers = sc.range_in(0..100, 8);
        let max = numbers.reduce_with(calls.adder(), |calls, a, b| {
            calls.add(1);
            a.max(b)
        });
        assert_eq!((max.unwrap(), calls.value()), (99, 99));
        let sum = numbers.fold_with(calls.adder(), 0, |calls, a, b| {
            calls.add(1);
            a + b
        });
        assert_eq!((sum.unwrap(), calls.value()), (4950, 99 + 108));
    }
}

type AllKinds = (Adder<f64>, Adder<Vec<String>>, Adder<HashMap<String, u64>>);

#[test]
fn all_kinds_of_accumulators() {
    for sc in contexts(2) {
        let lines = sc.parallelize(["a b", "c", "a", "b a"].map(String::from), 3);
        let (lengths, words, kinds) =
            (sc.double_accumulator(), sc.collection_accumulator(), sc.map_counter());
        let broadcast_tree = lines.flat_map_with(
            (lengths.adder(), words.adder(), kinds.adder()),
            |(lengths, words, kinds): &AllKinds, line| {
                lengths.add(line.len() as f64 / 2.0);
                line.split(' ').for_each(|word| {
                    words.add(word.to_string());
                    kinds.add(word.to_string());
                });
                line.split(' ').map(String::from).collect::<Vec<_>>()
            },
        );
        assert_eq!(broadcast_tree.count().unwrap(), 6);
        assert_eq!(lengths.value(), 4.0);
        assert_eq!(words.value(), ["a", "b", "c", "a", "b", "a"], "in the order of partitions");
        let kinds = kinds.value().into_iter().collect::<BTreeMap<_, _>>();
        assert_eq!(kinds, BTreeMap::from([("a".into(), 3), ("b".into(), 2), ("c".into(), 1)]));
    }
}

/// The least and the greatest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Range(Option<(i64, i64)>);

impl Accumulate for Range {
    type Input = i64;

    fn zero() -> Self {
        Range(None)
    }

    fn add(&mut self, x: i64) {
        self.merge(Range(Some((x, x))));
    }

    fn merge(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
    }
}

#[test]
fn one_of_your_own_and_the_drivers_part() {
    for sc in contexts(2) {
        let range = sc.accumulator::<Range>().named("range");
        assert_eq!((range.name().as_deref(), range.value()), (Some("range"), Range(None)));
        sc.range_in(3..50, 5).foreach_with(range.adder(), |range, x| range.add(x)).unwrap();
        assert_eq!(range.value(), Range(Some((3, 49))));
        range.add(-1);
        assert_eq!(range.clone().value(), Range(Some((-1, 49))));
        range.reset();
        assert_eq!(range.value(), Range(None));
    }
}

#[test]
fn values_outlive_the_context() {
    for sc in contexts(2) {
        let (in_rdd, in_action) = (sc.long_accumulator(), sc.long_accumulator());
        let rdd = flaky(&sc, &in_rdd, "outlives");
        rdd.foreach_with(in_action.adder(), |seen, _| seen.add(1)).unwrap();
        sc.stop();
        assert_eq!((in_rdd.value(), in_action.value()), (1000, 1000));
        drop((rdd, sc));
        assert_eq!((in_rdd.value(), in_action.value()), (1000, 1000));
        in_rdd.add(1);
        assert_eq!(in_rdd.value(), 1001);
    }
}

#[test]
fn updates_that_nobody_reads_do_not_pile_up_and_none_is_lost() {
    for sc in contexts(2) {
        let added = sc.long_accumulator();
        for _ in 0..30 {
            let rdd = sc.range_in(0..200, 100).map_with(added.adder(), |added, x| {
                added.add(1);
                x
            });
            rdd.foreach_with(added.adder(), |added, _| added.add(1)).unwrap();
        }
        assert_eq!(added.value(), 30 * 400);
    }
}

#[test]
fn outside_of_a_task_an_adder_says_what_to_do() {
    let sc = context(1);
    let added = sc.long_accumulator();
    let in_a_thread = sc.range(0..1).map_with(added.adder(), |added, x| {
        let added = added.clone();
        match std::thread::spawn(move || added.add(1)).join() {
            Ok(()) => x,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    let error = sc_error(in_a_thread.count());
    assert!(error.contains("`Adder::add` works only where a task runs a function"), "{error}");
    let other = context(1);
    let foreign = other.range(0..1).map_with(added.adder(), |added, x| {
        added.add(1);
        x
    });
    let error = sc_error(foreign.count());
    assert!(error.contains("it is of another context"), "{error}");
    assert_eq!(added.value(), 0);
    let on_driver = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| added.adder().add(1)));
    let words = on_driver.unwrap_err();
    assert!(words.downcast_ref::<&str>().unwrap().contains("On the driver, call `add` of the accumulator"));
}

fn sc_error<R: std::fmt::Debug>(result: Result<R>) -> String {
    match result {
        Err(error @ Error::Job { .. }) => error.to_string(),
        other => panic!("it should have failed: {other:?}"),
    }
}

/// Cannot be sent when it is odd.
#[derive(Clone, Serialize, Deserialize)]
struct Even(#[serde(serialize_with = "only_even")] u64);

fn only_even<S: serde::Serializer>(x: &u64, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    match x % 2 {
        0 => serializer.serialize_u64(*x),
        _ => Err(serde::ser::Error::custom("an odd number")),
    }
}

impl Accumulate for Even {
    type Input = u64;

    fn zero() -> Self {
        Even(0)
    }

    fn add(&mut self, x: u64) {
        self.0 += x;
    }

    fn merge(&mut self, other: Self) {
        self.0 += other.0;
    }
}

#[test]
fn a_value_that_cannot_be_sent_fails_the_task_that_made_it() {
    let sc = context(1);
    let even = sc.accumulator::<Even>();
    let rdd = sc.range_in(0..5, 1).map_with(even.adder(), |even, x| {
        even.add(1);
        x
    });
    let error = sc_error(rdd.count());
    assert!(error.contains("could not send what was added to an accumulator"), "{error}");
    assert!(error.contains("Even") && error.contains("needed by map_with at"), "{error}");
    assert_eq!(even.value().0, 0);
}

#[test]
fn everything_counts_when_memory_is_short() {
    let sc = Context::builder().master("local[2]").conf("firesteel.memory", "1m").create().unwrap();
    let (made, grouped, sorted) = (sc.long_accumulator(), sc.long_accumulator(), sc.long_accumulator());
    let pairs = sc.range_in(0..200_000, 4).map_with(made.adder(), |made, x| {
        made.add(1);
        (x.wrapping_mul(7919) % 50_000, format!("value {x}"))
    });
    let groups = pairs.group_by_key().map_values_with(grouped.adder(), |grouped, values| {
        grouped.add(values.len() as i64);
        values.len() as u64
    });
    let by_size = groups.map(|(key, size)| (size, key)).sort_by_key(Order::Ascending);
    let counted = by_size.map_with(sorted.adder(), |sorted, (size, key)| {
        sorted.add(size as i64);
        key
    });
    assert_eq!(counted.count().unwrap(), 50_000);
    assert_eq!((made.value(), grouped.value(), sorted.value()), (200_000, 200_000, 200_000));
}

/// A step of a program: what it makes of the RDDs that are there, given by their positions (modulo how many there are).
#[derive(Clone, Copy, Debug)]
enum Step {
    Source { records: u8, partitions: u8 },
    Map { of: u8 },
    Filter { of: u8 },
    Double { of: u8 },
    Partitions { of: u8 },
    Union { of: u8, and: u8 },
    Coalesce { of: u8, into: u8 },
    Reduce { of: u8 },
    Sort { of: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (any::<u8>(), 1..5u8).prop_map(|(records, partitions)| Step::Source { records, partitions }),
        any::<u8>().prop_map(|of| Step::Map { of }),
        any::<u8>().prop_map(|of| Step::Filter { of }),
        any::<u8>().prop_map(|of| Step::Double { of }),
        any::<u8>().prop_map(|of| Step::Partitions { of }),
        (any::<u8>(), any::<u8>()).prop_map(|(of, and)| Step::Union { of, and }),
        (any::<u8>(), 1..4u8).prop_map(|(of, into)| Step::Coalesce { of, into }),
        any::<u8>().prop_map(|of| Step::Reduce { of }),
        any::<u8>().prop_map(|of| Step::Sort { of }),
    ];
    prop::collection::vec(step, 1..9)
}

/// An RDD of a program beside what it is in the model: its records in any order, what its function adds, its parents.
struct Made {
    rdd: Rdd<i64>,
    records: Vec<i64>,
    adds: i128,
    parents: Vec<usize>,
}

/// The number of this run, for failures of its own; and the accumulator.
type Sent = (String, Adder<i128>);

fn note((run, added): &Sent, x: i64) {
    added.add(1 + x.rem_euclid(3));
    if x % 11 == 3 {
        fail_once(run, x);
    }
}

fn noted(records: &[i64]) -> i128 {
    records.iter().map(|x| i128::from(1 + x.rem_euclid(3))).sum()
}

fn make(sc: &Context, sent: &Sent, made: &[Made], step: Step) -> Made {
    let at = |position: u8| usize::from(position) % made.len();
    let one = |position, rdd: fn(&Rdd<i64>, Sent) -> Rdd<i64>, records: fn(&[i64]) -> Vec<i64>| {
        let parent = &made[at(position)];
        let (rdd, records) = (rdd(&parent.rdd, sent.clone()), records(&parent.records));
        Made { rdd, records, adds: noted(&parent.records), parents: vec![at(position)] }
    };
    match step {
        _ if made.is_empty() => make_source(sc, sent, 20, 3),
        Step::Source { records, partitions } => make_source(sc, sent, records, partitions),
        Step::Map { of } => one(
            of,
            |rdd, sent| {
                rdd.map_with(sent, |sent, x| {
                    note(sent, x);
                    x + 1
                })
            },
            |records| records.iter().map(|x| x + 1).collect(),
        ),
        Step::Filter { of } => one(
            of,
            |rdd, sent| {
                rdd.filter_with(sent, |sent, x| {
                    note(sent, *x);
                    x % 2 == 0
                })
            },
            |records| records.iter().copied().filter(|x| x % 2 == 0).collect(),
        ),
        Step::Double { of } => one(
            of,
            |rdd, sent| {
                rdd.flat_map_with(sent, |sent, x| {
                    note(sent, x);
                    [x, x + 5]
                })
            },
            |records| records.iter().flat_map(|x| [*x, x + 5]).collect(),
        ),
        Step::Partitions { of } => one(
            of,
            |rdd, sent| {
                rdd.map_partitions_with(sent, |sent, records| {
                    let sent = sent.clone();
                    records.inspect(move |x| note(&sent, *x))
                })
            },
            <[i64]>::to_vec,
        ),
        Step::Sort { of } => one(
            of,
            |rdd, sent| {
                rdd.sort_by_with(
                    sent,
                    |sent, x| {
                        note(sent, *x);
                        -x
                    },
                    Order::Ascending,
                )
            },
            <[i64]>::to_vec,
        ),
        Step::Union { of, and } => {
            let (a, b) = (&made[at(of)], &made[at(and)]);
            let records = [&a.records[..], &b.records].concat();
            Made { rdd: a.rdd.union(&b.rdd), records, adds: 0, parents: vec![at(of), at(and)] }
        }
        Step::Coalesce { of, into } => {
            let parent = &made[at(of)];
            let rdd = parent.rdd.coalesce(into.into());
            Made { rdd, records: parent.records.clone(), adds: 0, parents: vec![at(of)] }
        }
        Step::Reduce { of } => {
            let parent = &made[at(of)];
            let keyed = parent.rdd.map(|x| (x, 1)).reduce_by_key_with(sent.clone(), |(_, added), a, b| {
                added.add(1);
                a + b
            });
            let keys: HashSet<i64> = parent.records.iter().copied().collect();
            let adds = (parent.records.len() - keys.len()) as i128;
            let records = keys.into_iter().collect();
            Made { rdd: keyed.map(|(x, _)| x), records, adds, parents: vec![at(of)] }
        }
    }
}

fn make_source(sc: &Context, sent: &Sent, records: u8, partitions: u8) -> Made {
    let rdd = sc.range_in(0..i64::from(records), partitions.into()).map_with(sent.clone(), |sent, x| {
        note(sent, x);
        x
    });
    let records: Vec<i64> = (0..records.into()).collect();
    let adds = noted(&records);
    Made { rdd, records, adds, parents: vec![] }
}

/// What all functions add that an RDD needs.
fn expected(made: &[Made], roots: &[usize]) -> i128 {
    let (mut seen, mut pending) = (HashSet::new(), roots.to_vec());
    while let Some(next) = pending.pop() {
        if seen.insert(next) {
            pending.extend(&made[next].parents);
        }
    }
    seen.into_iter().map(|one| made[one].adds).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_program_adds_what_the_model_says(
        steps in steps(),
        actions in prop::collection::vec((any::<u8>(), 0..3u8), 1..4),
        run: u64,
    ) {
        static CONTEXT: LazyLock<Context> = LazyLock::new(|| context(3));
        let added = CONTEXT.long_accumulator();
        let sent = (format!("{run}"), added.adder());
        let mut made = vec![];
        for step in steps {
            let next = make(&CONTEXT, &sent, &made, step);
            made.push(next);
        }
        let mut roots = vec![];
        for (position, action) in actions {
            let root = usize::from(position) % made.len();
            if action == 0 {
                // A beginning, which the whole then contains.
                made[root].rdd.take(3).unwrap();
            }
            prop_assert_eq!(made[root].rdd.count().unwrap(), made[root].records.len() as u64);
            roots.push(root);
            prop_assert_eq!(added.value(), expected(&made, &roots));
        }
        let total = expected(&made, &roots);
        made.clear();
        prop_assert_eq!(added.value(), total);
        prop_assert!(CONTEXT.is_idle());
    }
}

#[test]
fn partitions_that_are_kept_keep_what_was_added_for_them() {
    let sc = context(3);
    let (added, twice) = (sc.long_accumulator(), sc.long_accumulator());
    let cached = flaky(&sc, &added, "kept").persist(StorageLevel::MEMORY_AND_DISK);
    // Fails after the partition was computed and kept: nobody computes it again.
    let fails_later = cached.map_with(twice.adder(), |twice, x| {
        twice.add(1);
        if x % 100 == 99 {
            fail_once("after it was kept", x);
        }
        x
    });
    assert_eq!(fails_later.count().unwrap(), 1000);
    assert_eq!((added.value(), twice.value()), (1000, 1000));
    assert_eq!(cached.union(&fails_later).count().unwrap(), 2000);
    assert_eq!((added.value(), twice.value()), (1000, 1000));
    let again = cached.map(|x| x + 1).persist(StorageLevel::DISK_ONLY);
    assert_eq!(again.zip(&cached).unwrap().count().unwrap(), 1000);
    assert_eq!((added.value(), twice.value()), (1000, 1000));
    added.reset();
    assert_eq!(again.count().unwrap(), 1000);
    assert_eq!(added.value(), 0, "what is kept was added before");
    cached.unpersist(true);
    assert_eq!(cached.count().unwrap(), 1000);
    assert_eq!(added.value(), 1000, "and now it is computed again");
}

/// Reads the accumulator that it is the value of.
#[derive(Clone, Serialize, Deserialize)]
struct Curious;

static CURIOUS: Mutex<Option<Accumulator<Curious>>> = Mutex::new(None);

impl Accumulate for Curious {
    type Input = ();

    fn zero() -> Self {
        Curious
    }

    fn add(&mut self, (): ()) {
        let itself = CURIOUS.lock().unwrap().clone();
        itself.unwrap().value();
    }

    fn merge(&mut self, _: Self) {}
}

#[test]
fn a_value_that_looks_at_itself_is_told_so_and_does_not_wait_for_ever() {
    let sc = context(1);
    let curious = sc.accumulator::<Curious>();
    *CURIOUS.lock().unwrap() = Some(curious.clone());
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| curious.add(()))).unwrap_err();
    assert!(panic.downcast_ref::<&str>().unwrap().contains("must not use the accumulator themselves"));
    curious.value();
    *CURIOUS.lock().unwrap() = None;
}

#[test]
fn a_lineage_that_is_cut_off_counts_once_and_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let sc = context(2);
    sc.set_checkpoint_dir(&folder.path().to_string_lossy()).unwrap();
    for reliable in [false, true] {
        let (below, above) = (sc.long_accumulator(), sc.long_accumulator());
        let source = flaky(&sc, &below, if reliable { "reliable" } else { "local" });
        let cut = source.map_with(above.adder(), |above, x| {
            above.add(1);
            x + 1
        });
        if reliable {
            cut.checkpoint().unwrap();
        } else {
            cut.local_checkpoint();
        }
        drop(source);
        for _ in 0..3 {
            assert_eq!(cut.map(|x| x * 2).count().unwrap(), 1000);
            assert_eq!((below.value(), above.value()), (1000, 1000), "reliable: {reliable}");
        }
        drop(cut);
        assert_eq!((below.value(), above.value()), (1000, 1000), "reliable: {reliable}");
    }
}
