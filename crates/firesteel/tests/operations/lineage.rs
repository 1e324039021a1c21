//! Lineage: the description of an RDD, lazy operations, and operations without a shuffle.

use super::support::*;
use firesteel::{Context, HashPartitioner, Order, Partitioner, Rdd};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

fn shuffles<T: firesteel::Data>(rdd: &Rdd<T>) -> usize {
    rdd.to_debug_string().matches("+-").count()
}

#[test]
fn id() {
    check(true, |sc| {
        let first = sc.range(0..3);
        Ok(first.map(|x| x).id() > first.id() && first.clone().id() == first.id())
    });
}

#[test]
fn context() {
    check("lineage".to_string(), |_| {
        let sc = Context::builder().master("local[1]").app_name("lineage").create()?;
        Ok(sc.range(0..1).map(|x| x).context().app_name())
    });
}

#[test]
fn num_partitions() {
    check([3, 3, 5, 3, 1, 6, 15, 2], |sc| {
        let three = sc.range_in(0..9, 3);
        let five = sc.range_in(0..9, 5);
        let pairs = three.map(|x| (x, x));
        Ok([
            three.num_partitions(),
            pairs.reduce_by_key(|a, _| a).num_partitions(),
            pairs.join(&five.map(|x| (x, x))).num_partitions(),
            three.sort_by(|x| *x, Order::Ascending).num_partitions(),
            sc.parallelize([1], 0).num_partitions(),
            three.union(&three).num_partitions(),
            three.cartesian(&five).num_partitions(),
            five.coalesce(2).num_partitions(),
        ])
    });
}

#[test]
fn to_debug_string() {
    check(true, |sc| {
        let text =
            sc.range_in(0..9, 3).map(|x| (x % 2, x)).reduce_by_key_into(4, |a, b| a + b).to_debug_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].contains("(4)") && lines[0].contains("reduce_by_key_into"), "{text}");
        assert!(
            lines[1].contains("+-(3)") && lines[1].contains("map") && lines[1].contains("lineage.rs"),
            "{text}"
        );
        assert!(lines[2].contains("range_in"), "{text}");
        Ok(true)
    });
}

#[test]
fn is_partitioned() {
    check([false, true, true, true, true, false, false, false], |sc| {
        let pairs = sc.range_in(0..9, 3).map(|x| (x, x));
        let placed = pairs.partition_by(HashPartitioner::new(4));
        Ok([
            pairs.is_partitioned(),
            placed.is_partitioned(),
            placed.map_values(|v| v + 1).is_partitioned(),
            placed.filter(|(k, _)| *k > 3).is_partitioned(),
            placed.sample(false, 0.5, 1).is_partitioned(),
            placed.map(|pair| pair).is_partitioned(),
            placed.keys().is_partitioned(),
            placed.union(&placed).is_partitioned(),
        ])
    });
}

/// Places even numbers and odd ones.
#[derive(Serialize, Deserialize)]
struct ByParity;

impl Partitioner<i64> for ByParity {
    fn partitions(&self) -> u32 {
        2
    }
    fn partition(&self, key: &i64) -> u32 {
        (key % 2) as u32
    }
}

#[test]
fn what_is_placed_already_is_not_shuffled_again() {
    check(true, |sc| {
        let pairs = sc.range_in(0..100, 3).map(|x| (x % 10, x));
        let placed = pairs.partition_by(HashPartitioner::new(4));
        assert_eq!(shuffles(&placed), 1);
        assert_eq!(shuffles(&placed.partition_by(HashPartitioner::new(4))), 1);
        assert_eq!(shuffles(&placed.reduce_by_key(|a, b| a + b)), 1);
        assert_eq!(shuffles(&placed.group_by_key()), 1);
        assert_eq!(shuffles(&placed.map_values(|v| v).aggregate_by_key(0, |a, b| a + b, |a, b| a + b)), 1);
        assert_eq!(shuffles(&placed.reduce_by_key_into(5, |a, b| a + b)), 2);
        // The same input on both sides is one shuffle, drawn twice.
        let sums = placed.reduce_by_key(|a, b| a + b);
        let joined = sums.join(&placed.map_values(|v| v * 2));
        assert!(
            joined
                .to_debug_string()
                .lines()
                .filter(|line| line.contains("+-"))
                .all(|line| line.contains("map"))
        );
        assert_eq!(joined.count()?, 100);
        // Rules of the user's, where all have them.
        let (even, other) =
            (pairs.partition_by(ByParity), sc.range_in(0..10, 2).map(|x| (x, ())).partition_by(ByParity));
        assert_eq!(shuffles(&even.cogroup(&other)), 2);
        assert_eq!(even.join(&other).count()?, 100);
        // And where one has another one, the answer is right all the same.
        assert_eq!(even.join(&pairs).count()?, 1000);
        assert_eq!(placed.join(&pairs.partition_by(HashPartitioner::new(7))).count()?, 1000);
        let ordered = pairs.sort_by_key(Order::Ascending);
        assert_eq!(shuffles(&ordered.reduce_by_key(|a, b| a + b)), shuffles(&ordered));
        assert_eq!(ordered.join(&placed).count()?, 1000);
        assert_eq!(
            sorted(ordered.reduce_by_key(|a, b| a + b).collect()?),
            sorted(placed.reduce_by_key(|a, b| a + b).collect()?)
        );
        Ok(true)
    });
}

#[test]
fn looking_up_a_key_of_a_placed_rdd_computes_one_partition() {
    static COMPUTED: AtomicUsize = AtomicUsize::new(0);
    check_here((vec![14], 1), |sc| {
        let placed = sc.range_in(0..100, 5).map(|x| (x, x * 2)).partition_by(HashPartitioner::new(8));
        placed.count()?;
        let counted = placed.filter(|(k, _)| {
            if *k == 7 {
                COMPUTED.fetch_add(1, Relaxed);
            }
            assert!(HashPartitioner::new(8).partition(k) == HashPartitioner::new(8).partition(&7i64), "{k}");
            true
        });
        COMPUTED.store(0, Relaxed);
        Ok((counted.lookup(&7)?, COMPUTED.load(Relaxed)))
    });
}

#[test]
fn nothing_runs_before_an_action() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    fn called<T>(x: T) -> T {
        CALLS.fetch_add(1, Relaxed);
        x
    }
    check_here((0, true), |sc| {
        CALLS.store(0, Relaxed);
        let pairs = sc.range_in(0..50, 4).map(called).map(|x| (x % 5, x));
        let all = sc.union(&[pairs.clone(), pairs.map_values(called)]);
        let all = all.sort_by_key(Order::Ascending).zip_with_index().map(|((k, v), i)| (k, v + i as i64));
        let all = all.repartition(3).group_by_key().cartesian(&pairs.distinct().coalesce(1));
        let all = all.filter(|_| true).map_partitions(|records| records.map(called));
        let before = CALLS.load(Relaxed);
        all.count()?;
        Ok((before, CALLS.load(Relaxed) > 0))
    });
}

#[test]
fn an_rdd_is_a_value_that_can_be_used_again_and_again() {
    check((10, 5, vec![0, 2], 10), |sc| {
        let mut rdd = sc.range_in(0..10, 3);
        let before = rdd.clone();
        for _ in 0..5 {
            rdd = rdd.map(|x| x + 2);
        }
        let even = before.filter(|x| x % 2 == 0);
        Ok((rdd.min()?, even.count()?, even.take(2)?, rdd.count()?))
    });
}
