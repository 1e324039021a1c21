//! The turns of `repartition`, which need no interpreter: the module is compiled here by itself.
//!
//! The pinned reducers were computed in Python from the descriptions of MurmurHash3 (with Appleby's test vectors), of
//! Marsaglia's xorshift and of Java's `Random.nextInt(bound)`, not by this code.

#[path = "../src/turns.rs"]
mod turns;

use turns::Turns;

/// Returns the reducers of a partition's first records.
fn dealt(partition: u32, reducers: u32, records: usize) -> Vec<usize> {
    let mut turns = Turns::new(partition, reducers);
    (0..records).map(|_| turns.take()).collect()
}

#[test]
fn ten_records_in_a_row_go_to_one_reducer_and_the_next_ten_to_the_next() {
    for (partition, reducers) in [(0, 1), (1, 2), (2, 3), (3, 7), (4, 100)] {
        let dealt = dealt(partition, reducers, 1_000);
        let runs: Vec<&[usize]> = dealt.chunks(10).collect();
        assert!(runs.iter().all(|run| run.iter().all(|reducer| *reducer == run[0])), "{runs:?}");
        assert!(runs.is_sorted_by(|a, b| (a[0] + 1) % reducers as usize == b[0]), "{runs:?}");
    }
}

#[test]
fn each_reducer_is_served_evenly_over_a_long_partition() {
    for (partition, reducers) in [(0, 1), (5, 2), (6, 3), (7, 10), (8, 37)] {
        let (mut turns, mut served) = (Turns::new(partition, reducers), vec![0u32; reducers as usize]);
        for record in 1..=10 * reducers * 20 {
            served[turns.take()] += 1;
            let (least, most) = (served.iter().min().unwrap(), served.iter().max().unwrap());
            assert!(most - least <= 10, "after {record} records: {served:?}");
        }
        assert_eq!(served, vec![200; reducers as usize]);
    }
}

#[test]
fn a_partition_that_is_dealt_again_begins_at_the_same_reducer() {
    for partition in 0..50 {
        assert_eq!(dealt(partition, 9, 100), dealt(partition, 9, 100));
    }
}

#[test]
fn partitions_begin_where_spark_begins() {
    let begins = |reducers| (0..8).map(|partition| dealt(partition, reducers, 1)[0]).collect::<Vec<_>>();
    assert_eq!(begins(1), [0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(begins(2), [1, 1, 0, 0, 0, 0, 0, 1]);
    assert_eq!(begins(3), [0, 1, 2, 0, 2, 2, 0, 2]);
    assert_eq!(begins(7), [3, 6, 2, 0, 2, 2, 4, 2]);
    assert_eq!(begins(8), [2, 2, 0, 6, 5, 0, 7, 4]);
    assert_eq!(begins(10), [9, 4, 9, 8, 4, 6, 1, 1]);
    assert_eq!(begins(100), [29, 4, 29, 48, 54, 26, 91, 61]);
    assert_eq!(begins(1_000), [29, 704, 829, 448, 54, 426, 91, 961]);
}

#[test]
fn a_number_that_would_favour_small_ones_is_drawn_again() {
    // Of so many reducers the generator's last, incomplete stretch has three numbers in ten.
    let begins: Vec<usize> = (0..6).map(|partition| dealt(partition, 1_500_000_000, 1)[0]).collect();
    assert_eq!(begins, [520_798_029, 512_468_704, 447_153_121, 1_118_697_286, 1_271_924_054, 431_400_713]);
}
