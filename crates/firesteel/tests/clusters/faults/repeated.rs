//! Stages that run again after others have read what they wrote before: no record twice, none missing.

use super::support::*;
use firesteel::HashPartitioner;

/// `repartition` places records by their position. After a shuffle, an executor goes when some of its readers have finished and others
/// have not: the map tasks run again, and must send each record where it went before. (SPARK-23207)
#[test]
fn a_repartition_after_a_shuffle_when_an_executor_goes() {
    for round in 0..10 {
        let cluster = Cluster::start(2, 1, &[ALONE]);
        let signs = cluster.signs();
        let shuffled = cluster
            .sc
            .range_in(0..2000, 4)
            .map(|x| (x * 7919 % 2003, x))
            .partition_by(HashPartitioner::new(4));
        let env = (signs.clone(), round % 4);
        let dealt =
            shuffled.values().repartition(4).map_partitions_with_index_with(env, |env, index, all| {
                let (signs, victim) = env;
                if index == *victim && signs.give("dead") {
                    // Others have finished, which is what makes the difference.
                    if *victim > 0 {
                        signs.await_sign("done");
                    }
                    die();
                }
                let records: Vec<i64> = all.collect();
                signs.give("done");
                records
            });
        let seen = sorted(dealt.collect().unwrap());
        assert!(seen == (0..2000).collect::<Vec<_>>(), "round {round}: {} records", seen.len());
        assert!(signs.is_given("dead"));
        cluster.end();
    }
}

/// The same in three stages, where the first is the one that is lost and the last has begun.
#[test]
fn a_chain_of_shuffles_when_an_executor_goes() {
    for victim in 0..3 {
        let cluster = Cluster::start(3, 1, &[ALONE]);
        let (signs, added) = (cluster.signs(), cluster.sc.long_accumulator());
        let first = cluster.sc.range_in(0..3000, 3).map_with(added.adder(), |added, x| {
            added.add(1);
            (x % 100, x)
        });
        let second = first.reduce_by_key_into(3, |a, b| a + b).map(|(key, sum)| (key % 10, sum));
        let third = second.reduce_by_key_into(3, |a, b| a + b);
        let env = (signs.clone(), victim);
        let last = third.map_partitions_with_index_with(env, |(signs, victim), index, all| {
            if index == *victim && signs.give("dead") {
                die();
            }
            all
        });
        assert_eq!(sorted(last.collect().unwrap()), expected_sums(3000));
        assert_eq!(added.value(), 3000);
        cluster.end();
    }
}
