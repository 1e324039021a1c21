//! Whole programs on a standalone cluster.

use super::cluster::{Cluster, wait_for_executors};

#[test]
fn words_are_counted_on_two_workers_whose_files_go_with_the_application() {
    let cluster = Cluster::start(2, 1);
    let sc = cluster.context();
    wait_for_executors(&sc, 2);
    let words = sc.range_in(0..1000, 8).map(|n| (n % 7, 1u64)).reduce_by_key_into(4, |a, b| a + b);
    let mut counts = words.collect().unwrap();
    counts.sort();
    assert_eq!(counts, [(0, 143), (1, 143), (2, 143), (3, 143), (4, 143), (5, 143), (6, 142)]);
    sc.stop();
}
