//! Sorts: the whole is in order, equal keys keep theirs, and partitions do not overlap.

use super::support::*;
use firesteel::{HashPartitioner, Order, Partitioner};
use proptest::prelude::*;
use std::cmp::Reverse;

/// The pairs in a stable order.
fn ordered<K: Ord + Clone, V: Clone>(pairs: &[(K, V)], order: Order) -> Vec<(K, V)> {
    let mut pairs = pairs.to_vec();
    match order {
        Order::Ascending => pairs.sort_by_key(|(k, _)| k.clone()),
        Order::Descending => pairs.sort_by_key(|(k, _)| Reverse(k.clone())),
    }
    pairs
}

fn orders() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Ascending), Just(Order::Descending)]
}

fn check_sort<K: Key>(data: &[(u8, i32)], n: usize, into: usize, order: Order) {
    let model = ordered(&K::keyed(data), order);
    check(model.clone(), |sc| sc.parallelize(K::keyed(data), n).sort_by_key(order).collect());
    let parts = everywhere(|sc| {
        let sorted = sc.parallelize(K::keyed(data), n).sort_by_key_into(into, order);
        let parts = sorted.glom().collect()?;
        assert_eq!(parts, sorted.glom().collect()?, "a second action sorts otherwise");
        Ok(parts)
    });
    assert_eq!(parts.len(), into.max(1));
    assert_eq!(parts.concat(), model);
    // No key is on both sides of a boundary.
    let ends: Vec<_> =
        parts.iter().filter_map(|part| Some((part.first()?.0.clone(), part.last()?.0.clone()))).collect();
    assert!(ends.windows(2).all(|pair| pair[0].1 != pair[1].0), "{parts:?}");
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn sort_by_key((data, n) in pairs(), into in 0usize..7, order in orders()) {
        for_each_key!(check_sort(&data, n, into, order));
    }

    #[test]
    fn sort_by_key_into((data, n) in pairs(), order in orders()) {
        let model = ordered(&data, order);
        check(vec![model], |sc| sc.parallelize(data.clone(), n).sort_by_key_into(1, order).glom().collect());
    }

    #[test]
    fn sort_by((data, n) in numbers(), order in orders()) {
        let keyed: Vec<_> = data.iter().map(|x| (x.abs() % 10, *x)).collect();
        let model: Vec<i64> = ordered(&keyed, order).into_iter().map(|(_, x)| x).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).sort_by(|x| x.abs() % 10, order).collect());
    }

    #[test]
    fn sort_by_with((data, n) in numbers(), by in 1i64..20, order in orders()) {
        let keyed: Vec<_> = data.iter().map(|x| ((x % by).to_string(), *x)).collect();
        let model: Vec<i64> = ordered(&keyed, order).into_iter().map(|(_, x)| x).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).sort_by_with(by, |by, x| (x % by).to_string(), order).collect());
    }

    #[test]
    fn repartition_and_sort_within_partitions((data, n) in pairs(), into in 1u32..6) {
        fn check_parts<K: Key>(data: &[(u8, i32)], n: usize, into: u32) {
            let rule = HashPartitioner::new(into);
            let mut model = vec![vec![]; into as usize];
            let keyed = ordered(&K::keyed(data), Order::Ascending);
            keyed.into_iter().for_each(|(k, v)| model[rule.partition(&k) as usize].push((k, v)));
            check(model, |sc| {
                let rdd = sc.parallelize(K::keyed(data), n);
                rdd.repartition_and_sort_within_partitions(HashPartitioner::new(into)).glom().collect()
            });
        }
        for_each_key!(check_parts(&data, n, into));
    }
}
