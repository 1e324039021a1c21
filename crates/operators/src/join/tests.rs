//! What joins give, under any memory pressure, compared with nested loops.

#![allow(clippy::type_complexity)]

use super::*;
use crate::testing::{Executor, Given, broken_input, origin, records};
use proptest::collection::vec;
use proptest::prelude::*;
use std::fmt::Debug;

/// An amount of memory that makes nothing spill.
const MUCH: usize = 1 << 30;

fn join<K: Data + Hash + Eq, J: JoinKind<u32, String>>(
    left: Op<(K, u32)>,
    right: Op<(K, String)>,
) -> Op<(K, (J::Left, J::Right))> {
    Op::new(Join::<K, u32, String, J> { left, right, origin: origin(1), kind: PhantomData })
}

/// Joins inputs of several batches.
fn joined<K: Data + Hash + Eq, J: JoinKind<u32, String>>(
    memory: usize,
    left: &[Vec<(K, u32)>],
    right: &[Vec<(K, String)>],
) -> Vec<(K, (J::Left, J::Right))> {
    let executor = Executor::with_memory(memory);
    let join = join::<K, J>(Given::batches(&[left.to_vec()]), Given::batches(&[right.to_vec()]));
    let all = records(&join, 0, &executor.task()).unwrap();
    assert_eq!((executor.used(), executor.files()), (0, 0), "something is left");
    all
}

/// Every pair of equal keys by nested loops; with `None` where a side has no such key, if it may have none.
fn by_loops(left: &[(u8, u32)], right: &[(u8, String)], without_left: bool, without_right: bool) -> Vec<Row> {
    let mut all = vec![];
    for (key, value) in left {
        let mut others = right.iter().filter(|(other, _)| other == key).peekable();
        if others.peek().is_none() && without_right {
            all.push((*key, (Some(*value), None)));
        }
        all.extend(others.map(|(_, other)| (*key, (Some(*value), Some(other.clone())))));
    }
    let lonely = right.iter().filter(|(key, _)| !left.iter().any(|(other, _)| other == key));
    all.extend(lonely.filter(|_| without_left).map(|(key, value)| (*key, (None, Some(value.clone())))));
    all
}

type Row = (u8, (Option<u32>, Option<String>));

fn sorted<T: Ord>(mut rows: Vec<T>) -> Vec<T> {
    rows.sort();
    rows
}

/// Some batches of pairs, with few enough keys that many are equal.
fn batches<V: Debug>(value: impl Strategy<Value = V>) -> impl Strategy<Value = Vec<Vec<(u8, V)>>> {
    vec(vec((0..20u8, value), 0..12), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn each_kind_of_join_gives_what_loops_give(left in batches(any::<u32>()), right in batches(any::<String>())) {
        let (all, others) = (left.concat(), right.concat());
        let inner: Vec<Row> = joined::<u8, Inner>(MUCH, &left, &right).into_iter().map(|(k, (a, b))| (k, (Some(a), Some(b)))).collect();
        prop_assert_eq!(sorted(inner), sorted(by_loops(&all, &others, false, false)));
        let outer: Vec<Row> = joined::<u8, LeftOuter>(MUCH, &left, &right).into_iter().map(|(k, (a, b))| (k, (Some(a), b))).collect();
        prop_assert_eq!(sorted(outer), sorted(by_loops(&all, &others, false, true)));
        let outer: Vec<Row> = joined::<u8, RightOuter>(MUCH, &left, &right).into_iter().map(|(k, (a, b))| (k, (a, Some(b)))).collect();
        prop_assert_eq!(sorted(outer), sorted(by_loops(&all, &others, true, false)));
        let outer = joined::<u8, FullOuter>(MUCH, &left, &right);
        prop_assert_eq!(sorted(outer), sorted(by_loops(&all, &others, true, true)));
    }

    #[test]
    fn pairs_of_a_key_stand_together_in_the_order_of_their_values(
        left in batches(any::<u32>()),
        right in batches(any::<String>()),
    ) {
        let (left, right) = (left.concat(), right.concat());
        let rows = joined::<u8, Inner>(MUCH, std::slice::from_ref(&left), std::slice::from_ref(&right));
        for key in left.iter().map(|(key, _)| *key) {
            let of_key: Vec<_> = rows.iter().filter(|row| row.0 == key).cloned().map(|(k, (a, b))| (k, (Some(a), Some(b)))).collect();
            let first = rows.iter().position(|row| row.0 == key).unwrap_or_default();
            prop_assert!(rows[first..first + of_key.len()].iter().all(|row| row.0 == key));
            let expected: Vec<_> = by_loops(&left, &right, false, false).into_iter().filter(|row| row.0 == key).collect();
            prop_assert_eq!(of_key, expected);
        }
    }
}

#[test]
fn the_order_is_the_same_whether_it_spilled_or_not() {
    let left: Vec<Vec<(String, u32)>> = (0..40)
        .map(|batch| (0..2_500).map(|i| (format!("key {}", (batch * 997 + i) % 30_000), i)).collect())
        .collect();
    let right: Vec<Vec<(String, String)>> = (0..20)
        .map(|batch| (0..2_500).map(|i| (format!("key {}", batch * 2_500 + i), "x".repeat(9))).collect())
        .collect();
    let in_memory = joined::<String, FullOuter>(MUCH, &left, &right);
    assert_eq!(in_memory.len(), 100_000 + 20_000);
    assert!(joined::<String, FullOuter>(2 << 20, &left, &right) == in_memory);
}

/// A key of which all have one hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
struct Alike(u8);

impl Hash for Alike {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

#[test]
fn different_keys_of_one_hash_are_told_apart() {
    let left = vec![vec![(Alike(1), 10), (Alike(2), 20), (Alike(1), 11), (Alike(4), 40)]];
    let right = vec![vec![
        (Alike(2), "b".to_owned()),
        (Alike(3), "c".into()),
        (Alike(1), "a".into()),
        (Alike(2), "d".into()),
    ]];
    fn check<T: Debug + PartialEq>(made: [T; 2], expected: T) {
        made.into_iter().for_each(|made| assert_eq!(made, expected));
    }
    let text = |text: &str| text.to_owned();
    check(
        [MUCH, 0].map(|memory| joined::<Alike, Inner>(memory, &left, &right)),
        vec![
            (Alike(1), (10, text("a"))),
            (Alike(1), (11, text("a"))),
            (Alike(2), (20, text("b"))),
            (Alike(2), (20, text("d"))),
        ],
    );
    let lonely = joined::<Alike, FullOuter>(MUCH, &left, &right);
    assert!(
        lonely.contains(&(Alike(4), (Some(40), None)))
            && lonely.contains(&(Alike(3), (None, Some(text("c")))))
    );
    assert_eq!(lonely.len(), 6);
    let single = (vec![vec![(Alike(1), 10)]], vec![vec![(Alike(2), text("b"))]]);
    assert!(joined::<Alike, Inner>(MUCH, &single.0, &single.1).is_empty());
    assert_eq!(joined::<Alike, FullOuter>(MUCH, &single.0, &single.1).len(), 2);
}

#[test]
fn the_pairs_of_a_hot_key_are_made_batch_by_batch() {
    let executor = Executor::with_memory(MUCH);
    let left = vec![(0..1_000).map(|i| (7u8, i)).collect()];
    let right = vec![(0..1_000).map(|i| (7u8, i.to_string())).collect()];
    let join = join::<u8, Inner>(Given::batches(&[left]), Given::batches(&[right]));
    let mut stream = join.open(Partition(0), &executor.task()).unwrap();
    let (mut pairs, length) = (0, batch_len::<(u8, (u32, String))>());
    while let Some(batch) = stream.next_batch().unwrap() {
        assert!(batch.len() <= length, "{} pairs at once", batch.len());
        pairs += batch.len();
    }
    assert_eq!(pairs, 1_000_000);
}

#[test]
fn a_failing_side_fails_the_join() {
    let executor = Executor::with_memory(MUCH);
    let broken = Given::steps(vec![vec![Ok(vec![(1u8, 1)]), Err(broken_input())]]).0;
    let whole = Given::batches(&[vec![vec![(1u8, "a".to_owned())]]]);
    assert_eq!(records(&join::<u8, Inner>(broken, whole), 0, &executor.task()), Err(broken_input()));
    let whole = Given::batches(&[vec![vec![(1u8, 1)]]]);
    let broken = Given::steps(vec![vec![Err(broken_input())]]).0;
    assert_eq!(records(&join::<u8, Inner>(whole, broken), 0, &executor.task()), Err(broken_input()));
}
