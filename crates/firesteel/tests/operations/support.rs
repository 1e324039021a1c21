//! The contexts, the comparison on all of them, and the inputs.

use crate::processes;
use firesteel::{Context, HashPartitioner, Partitioner, Rdd, Result, Str};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::OnceLock;

/// A context with a name to blame.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) is_tiny: bool,
    /// Whether tasks run in this process, so that they share its statics.
    pub(crate) is_here: bool,
    pub(crate) sc: Context,
}

/// One slot and four, with plenty of memory and with hardly any, and processes whose blocks travel from one to the other.
pub(crate) fn places() -> &'static [Place] {
    static PLACES: OnceLock<Vec<Place>> = OnceLock::new();
    PLACES.get_or_init(|| {
        let place = |name, master: &str, memory: &str| {
            let is_tiny = memory != "512m";
            let builder = Context::builder().master(master).app_name(name).conf("firesteel.memory", memory);
            let dir = concat!(env!("CARGO_TARGET_TMPDIR"), "/operations");
            let builder =
                builder.agent_command(processes::agents()).conf("firesteel.shuffle.service.enabled", "false");
            let sc = builder.conf("firesteel.local.dir", dir).create();
            let is_here = !master.starts_with("local-cluster");
            Place { name, is_tiny, is_here, sc: sc.unwrap() }
        };
        vec![
            place("one slot", "local[1]", "512m"),
            place("four slots", "local[4]", "512m"),
            place("one slot, hardly any memory", "local[1]", "256k"),
            place("four slots, hardly any memory", "local[4]", "1m"),
            place("two processes", "local-cluster[2,1,1024]", "512m"),
        ]
    })
}

/// Runs the body on all contexts; all must give the same.
#[track_caller]
pub(crate) fn everywhere<R: PartialEq + Debug>(body: impl Fn(&Context) -> Result<R>) -> R {
    wherever(|_| true, body)
}

/// Runs the body on some contexts; all must give the same.
#[track_caller]
fn wherever<R: PartialEq + Debug>(
    which: impl Fn(&&Place) -> bool,
    body: impl Fn(&Context) -> Result<R>,
) -> R {
    let mut answers = places().iter().filter(which).map(|place| match body(&place.sc) {
        Ok(answer) => (place.name, answer),
        Err(error) => panic!("on {}: {error}", place.name),
    });
    let (first_name, first) = answers.next().unwrap();
    for (name, answer) in answers {
        assert!(first == answer, "{first_name} gave\n{first:?}\nand {name} gave\n{answer:?}");
    }
    first
}

/// Runs the body on all contexts; all must give what the model says.
#[track_caller]
pub(crate) fn check<R: PartialEq + Debug>(model: R, body: impl Fn(&Context) -> Result<R>) {
    let answer = everywhere(body);
    assert!(answer == model, "the model says\n{model:?}\nbut the answer is\n{answer:?}");
}

/// Runs the body on all contexts whose tasks run in this process; all must give what the model says.
#[track_caller]
pub(crate) fn check_here<R: PartialEq + Debug>(model: R, body: impl Fn(&Context) -> Result<R>) {
    let answer = wherever(|place| place.is_here, body);
    assert!(answer == model, "the model says\n{model:?}\nbut the answer is\n{answer:?}");
}

/// Runs the body on all contexts; all must fail with these words.
#[track_caller]
pub(crate) fn fails<R: Debug>(words: &[&str], body: impl Fn(&Context) -> Result<R>) {
    for place in places() {
        match body(&place.sc) {
            Ok(answer) => panic!("on {}: an answer instead of a failure: {answer:?}", place.name),
            Err(error) => {
                let error = error.to_string();
                let missing: Vec<_> = words.iter().filter(|word| !error.contains(**word)).collect();
                assert!(missing.is_empty(), "on {}: {missing:?} not in: {error}", place.name);
            }
        }
    }
}

pub(crate) fn cases() -> ProptestConfig {
    ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() }
}

/// Records, and into how many partitions to cut them.
pub(crate) fn numbers() -> impl Strategy<Value = (Vec<i64>, usize)> {
    (prop::collection::vec(-50i64..50, 0..60), 1usize..7)
}

/// Pairs with few keys, and into how many partitions to cut them.
pub(crate) fn pairs() -> impl Strategy<Value = (Vec<(u8, i32)>, usize)> {
    (prop::collection::vec((0u8..12, -100i32..100), 0..60), 1usize..6)
}

/// The partitions that `parallelize` makes.
pub(crate) fn slices<T: Clone>(data: &[T], partitions: usize) -> Vec<Vec<T>> {
    let bound = |i: usize| i * data.len() / partitions;
    (0..partitions).map(|i| data[bound(i)..bound(i + 1)].to_vec()).collect()
}

/// A key of some type for each small number: operations by key must work for all layouts of keys.
pub(crate) trait Key: firesteel::Data + Hash + Ord + Debug {
    fn of(n: u8) -> Self;

    fn keyed<V: Clone>(pairs: &[(u8, V)]) -> Vec<(Self, V)> {
        pairs.iter().map(|(k, v)| (Self::of(*k), v.clone())).collect()
    }
}

impl Key for u32 {
    fn of(n: u8) -> Self {
        u32::from(n) * 0x0100_0001
    }
}

impl Key for Str {
    fn of(n: u8) -> Self {
        // Some lie inline, some do not, one is empty.
        Str::from("schlüssel ".repeat(usize::from(n % 4))) + &"x".repeat(usize::from(n / 4))
    }
}

/// A key as a user would have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Shape {
    Point,
    Circle(u8),
    Path { name: Option<String>, steps: Vec<(i8, i8)> },
}

impl Key for Shape {
    fn of(n: u8) -> Self {
        match n % 3 {
            0 if n == 0 => Shape::Point,
            0 | 1 => Shape::Circle(n),
            _ => Shape::Path {
                name: (n > 5).then(|| n.to_string()),
                steps: vec![(n as i8, -1); usize::from(n)],
            },
        }
    }
}

/// Runs a test for keys of each type.
macro_rules! for_each_key {
    ($body:ident($($argument:expr),*)) => {{
        $body::<u32>($($argument),*);
        $body::<firesteel::Str>($($argument),*);
        $body::<$crate::support::Shape>($($argument),*);
    }};
}
pub(crate) use for_each_key;

/// The values of each key, in their order.
pub(crate) fn grouped<K: Ord + Clone, V: Clone>(pairs: &[(K, V)]) -> BTreeMap<K, Vec<V>> {
    let mut groups = BTreeMap::<K, Vec<V>>::new();
    pairs.iter().for_each(|(k, v)| groups.entry(k.clone()).or_default().push(v.clone()));
    groups
}

/// The pairs where hashing puts them, each partition sorted.
pub(crate) fn hashed<K: Key, V: Clone + Ord>(
    pairs: impl IntoIterator<Item = (K, V)>,
    partitions: usize,
) -> Vec<Vec<(K, V)>> {
    let rule = HashPartitioner::new(partitions as u32);
    let mut all = vec![vec![]; partitions];
    pairs.into_iter().for_each(|(k, v)| all[rule.partition(&k) as usize].push((k, v)));
    all.iter_mut().for_each(|partition| partition.sort());
    all
}

/// The contents of all partitions, each sorted.
pub(crate) fn partitions<T: firesteel::Data + Ord>(rdd: &Rdd<T>) -> Result<Vec<Vec<T>>> {
    let mut all = rdd.glom().collect()?;
    all.iter_mut().for_each(|partition| partition.sort());
    Ok(all)
}

pub(crate) fn sorted<T: Ord>(records: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut records: Vec<T> = records.into_iter().collect();
    records.sort();
    records
}
