//! Lineages as deep as loops make them, on the stack that threads usually have.

use super::support::*;

/// Runs on a thread with the stack that threads usually have.
fn on_a_usual_stack(body: impl FnOnce(&Context) + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        let sc = context();
        body(&sc);
        assert!(sc.is_idle());
        assert_eq!(sc.cached_blocks(), 0);
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn ten_thousand_maps() {
    on_a_usual_stack(|sc| {
        let mut rdd = sc.range_in(0..10, 2);
        for _ in 0..10_000 {
            rdd = rdd.map(|x| x + 1);
        }
        assert_eq!(rdd.collect().unwrap(), (10_000..10_010).collect::<Vec<_>>());
        assert_eq!(rdd.to_debug_string().lines().count(), 10_001);
        let other = rdd.clone();
        drop(rdd);
        assert_eq!(other.count().unwrap(), 10);
    });
}

#[test]
fn ten_thousand_operators_of_all_kinds() {
    on_a_usual_stack(|sc| {
        let mut rdd = sc.range_in(0..10, 2);
        for _ in 0..2_000 {
            rdd = rdd.filter(|_| true).flat_map(|x| [x]).map_partitions(|records| records).coalesce(2);
            rdd = rdd.zip_with_unique_id().keys();
        }
        assert_eq!(rdd.count().unwrap(), 10);
    });
}

#[test]
fn ten_thousand_unions() {
    on_a_usual_stack(|sc| {
        let mut rdd = sc.range_in(0..10, 2);
        for i in 0..10_000 {
            rdd = rdd.union(&sc.range_in(i..i + 1, 1).filter(|_| false));
        }
        assert_eq!(rdd.num_partitions(), 10_002);
        assert_eq!(rdd.take(10).unwrap(), (0..10).collect::<Vec<_>>());
        let mut rdd = sc.range_in(0..10, 2);
        for _ in 0..1_000 {
            rdd = rdd.union(&sc.range_in(0..1, 1));
        }
        assert_eq!(rdd.count().unwrap(), 1_010);
    });
}

#[test]
fn three_hundred_shuffles() {
    on_a_usual_stack(|sc| {
        let mut rdd = sc.range_in(0..100, 2).map(|x| (x, 1));
        for i in 0..300 {
            rdd = rdd.map(|(k, v)| (k / 2, v)).reduce_by_key_into(1 + i % 3, |a, b| a + b);
        }
        assert_eq!(rdd.collect().unwrap(), [(0, 100)]);
        // Once more: every shuffle is there already.
        assert_eq!(rdd.count().unwrap(), 1);
        assert_eq!(rdd.to_debug_string().matches("+-").count(), 300);
    });
}

#[test]
fn sorts_of_sorts() {
    on_a_usual_stack(|sc| {
        let mut rdd = sc.range_in(0..50, 3);
        for _ in 0..20 {
            rdd = rdd.sort_by(|x| x * 7919 % 101, Order::Ascending).zip_with_index().keys();
        }
        assert_eq!(sorted(rdd.collect().unwrap()), (0..50).collect::<Vec<_>>());
    });
}
