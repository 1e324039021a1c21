//! Actions: answers, and the errors where there is none.

use super::support::*;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Only one test at a time may use a static counter.
static COUNTING: Mutex<()> = Mutex::new(());
static SUM: AtomicI64 = AtomicI64::new(0);

/// Runs an action that adds to [`SUM`] on all contexts; each time the sum must come to this.
fn adds(wanted: i64, action: impl Fn(&firesteel::Context) -> firesteel::Result<()>) {
    let _alone = COUNTING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    check_here(wanted, |sc| {
        SUM.store(0, Relaxed);
        action(sc)?;
        Ok(SUM.load(Relaxed))
    });
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn collect((data, n) in numbers()) {
        check(data.clone(), |sc| sc.parallelize(data.clone(), n).collect());
    }

    #[test]
    fn count((data, n) in numbers()) {
        check(data.len() as u64, |sc| sc.parallelize(data.clone(), n).count());
    }

    #[test]
    fn first((data, n) in numbers()) {
        match data.first() {
            Some(first) => check(*first, |sc| sc.parallelize(data.clone(), n).first()),
            None => fails(&["empty", "`first`", "`take(1)`", "actions.rs"], |sc| sc.parallelize(data.clone(), n).first()),
        }
    }

    #[test]
    fn take((data, n) in numbers(), many in 0usize..80) {
        let model: Vec<_> = data.iter().copied().take(many).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).take(many));
        // Where most partitions are empty, take must go on looking.
        let model: Vec<_> = data.iter().copied().filter(|x| *x > 40).take(many).collect();
        check(model, |sc| sc.parallelize(data.clone(), 40).filter(|x| *x > 40).take(many));
    }

    #[test]
    fn is_empty((data, n) in numbers()) {
        check(data.is_empty(), |sc| sc.parallelize(data.clone(), n).is_empty());
        check(data.iter().all(|x| *x <= 40), |sc| sc.parallelize(data.clone(), n).filter(|x| *x > 40).is_empty());
    }

    #[test]
    fn reduce((data, n) in numbers()) {
        match data.iter().copied().reduce(|a, b| a + b) {
            Some(sum) => check(sum, |sc| sc.parallelize(data.clone(), n).reduce(|a, b| a + b)),
            None => fails(&["empty", "`reduce`", "`fold`"], |sc| sc.parallelize(data.clone(), n).reduce(|a, b| a + b)),
        }
        // Not commutative: the order of partitions is kept.
        let text: String = data.iter().map(|x| format!("{x} ")).collect();
        check(text, |sc| sc.parallelize(data.clone(), n).map(|x| format!("{x} ")).fold(String::new(), |a, b| a + &b));
    }

    #[test]
    fn reduce_with((data, n) in numbers(), modulus in 1i64..50) {
        prop_assume!(!data.is_empty());
        let sum = data.iter().sum::<i64>().rem_euclid(modulus);
        check(sum, |sc| sc.parallelize(data.clone(), n).reduce_with(modulus, |m, a, b| (a + b).rem_euclid(*m)).map(|x| x.rem_euclid(modulus)));
    }

    #[test]
    fn fold((data, n) in numbers()) {
        check(data.iter().sum::<i64>(), |sc| sc.parallelize(data.clone(), n).fold(0, |a, b| a + b));
        // Once for each partition, and once for all.
        check(data.iter().sum::<i64>() + n as i64 + 1, |sc| sc.parallelize(data.clone(), n).fold(1, |a, b| a + b));
        check(7, |sc| sc.empty_rdd().fold(7, |a: i32, b| a + b));
    }

    #[test]
    fn fold_with((data, n) in numbers(), most in -50i64..50) {
        let model = data.iter().copied().filter(|x| *x <= most).max().unwrap_or(i64::MIN);
        check(model, |sc| {
            let rdd = sc.parallelize(data.clone(), n);
            rdd.fold_with(most, i64::MIN, |most, a, b| if b <= *most { a.max(b) } else { a })
        });
    }

    #[test]
    fn aggregate((data, n) in numbers()) {
        let model = (data.iter().sum::<i64>(), data.len());
        check(model, |sc| sc.parallelize(data.clone(), n).aggregate((0, 0), |(s, c), x| (s + x, c + 1), |a, b| (a.0 + b.0, a.1 + b.1)));
        check(data.clone(), |sc| sc.parallelize(data.clone(), n).aggregate(vec![], |mut all, x| { all.push(x); all }, |a, b| [a, b].concat()));
    }

    #[test]
    fn aggregate_with((data, n) in numbers(), end: char) {
        let model: String = data.iter().map(|x| format!("{x}{end}")).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).aggregate_with(end, String::new(), |end, text, x| format!("{text}{x}{end}"), |_, a, b| a + &b));
    }

    #[test]
    fn tree_reduce((data, _) in numbers(), n in 1usize..40, depth in 0usize..5) {
        match data.iter().copied().reduce(|a, b| a + b) {
            Some(sum) => check(sum, |sc| sc.parallelize(data.clone(), n).tree_reduce(|a, b| a + b, depth)),
            None => fails(&["empty", "`tree_reduce`"], |sc| sc.parallelize(data.clone(), n).tree_reduce(|a, b| a + b, depth)),
        }
    }

    #[test]
    fn tree_reduce_with((data, _) in numbers(), n in 1usize..40, depth in 0usize..5, modulus in 1i64..50) {
        let model = data.iter().map(|x| x.rem_euclid(modulus)).reduce(|a, b| (a + b) % modulus);
        let reduce = |sc: &firesteel::Context| {
            let rdd = sc.parallelize(data.clone(), n).map_with(modulus, |m, x| x.rem_euclid(*m));
            rdd.tree_reduce_with(modulus, |m, a, b| (a + b) % m, depth)
        };
        match model {
            Some(sum) => check(sum, reduce),
            None => fails(&["empty", "`tree_reduce_with`"], reduce),
        }
    }

    #[test]
    fn tree_aggregate((data, _) in numbers(), n in 1usize..40, depth in 0usize..5) {
        check((data.iter().sum::<i64>(), data.len()), |sc| {
            sc.parallelize(data.clone(), n).tree_aggregate((0, 0), |(s, c), x| (s + x, c + 1), |a, b| (a.0 + b.0, a.1 + b.1), depth)
        });
    }

    #[test]
    fn tree_aggregate_with((data, _) in numbers(), n in 1usize..40, depth in 0usize..5, factor in -9i64..9) {
        check((data.iter().sum::<i64>() * factor, data.len()), |sc| {
            let rdd = sc.parallelize(data.clone(), n);
            rdd.tree_aggregate_with(factor, (0, 0), |f, (s, c), x| (s + f * x, c + 1), |_, a, b| (a.0 + b.0, a.1 + b.1), depth)
        });
    }

    #[test]
    fn foreach((data, n) in numbers()) {
        adds(data.iter().sum(), |sc| sc.parallelize(data.clone(), n).foreach(|x| { SUM.fetch_add(x, Relaxed); }));
    }

    #[test]
    fn foreach_with((data, n) in numbers(), factor in -9i64..9) {
        adds(data.iter().sum::<i64>() * factor, |sc| sc.parallelize(data.clone(), n).foreach_with(factor, |f, x| { SUM.fetch_add(f * x, Relaxed); }));
    }

    #[test]
    fn foreach_partition((data, n) in numbers()) {
        adds(data.iter().sum::<i64>() + 1000 * n as i64, |sc| {
            sc.parallelize(data.clone(), n).foreach_partition(|records| { SUM.fetch_add(1000 + records.sum::<i64>(), Relaxed); })
        });
    }

    #[test]
    fn foreach_partition_with((data, n) in numbers(), each in 0i64..9) {
        adds(each * n as i64, |sc| sc.parallelize(data.clone(), n).foreach_partition_with(each, |each, _| { SUM.fetch_add(*each, Relaxed); }));
    }

    #[test]
    fn count_by_value((data, n) in pairs()) {
        let keys: Vec<Shape> = data.iter().map(|(k, _)| Shape::of(*k)).collect();
        let mut model = HashMap::new();
        keys.iter().for_each(|k| *model.entry(k.clone()).or_insert(0u64) += 1);
        check(model, |sc| sc.parallelize(keys.clone(), n).count_by_value());
    }

    #[test]
    fn min((data, n) in numbers()) {
        match data.iter().min() {
            Some(least) => check(*least, |sc| sc.parallelize(data.clone(), n).min()),
            None => fails(&["empty", "`min`"], |sc| sc.parallelize(data.clone(), n).min()),
        }
    }

    #[test]
    fn max((data, n) in numbers()) {
        match data.iter().max() {
            Some(greatest) => check(*greatest, |sc| sc.parallelize(data.clone(), n).max()),
            None => fails(&["empty", "`max`"], |sc| sc.parallelize(data.clone(), n).max()),
        }
    }

    #[test]
    fn run_job((data, n) in numbers()) {
        let model: Vec<_> = slices(&data, n).iter().enumerate().map(|(i, part)| (i, part.len())).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).run_job(|i, records| (i, records.count())));
    }

    #[test]
    fn run_job_with((data, n) in numbers(), picks in prop::collection::vec(0usize..7, 0..5), factor in 0i64..9) {
        let picks: Vec<usize> = picks.into_iter().map(|pick| pick % n).collect();
        let parts = slices(&data, n);
        let model: Vec<_> = picks.iter().enumerate().map(|(at, p)| (at, *p, parts[*p].iter().sum::<i64>() * factor)).collect();
        check(model, |sc| {
            let mut results = vec![];
            let job = sc.parallelize(data.clone(), n);
            job.run_job_with(factor, &picks, |f, p, records| (p, records.sum::<i64>() * f), |at, (p, sum)| results.push((at, p, sum)))?;
            Ok(sorted(results))
        });
        fails(&["no partition 7", "run_job_with"], |sc| sc.parallelize(data.clone(), n).run_job_with((), &[7], |(), _, _| (), |_, ()| ()));
    }

    #[test]
    fn to_local_iterator((data, n) in numbers()) {
        check(data.clone(), |sc| sc.parallelize(data.clone(), n).to_local_iterator().collect());
    }

    #[test]
    fn count_approx_distinct(different in 0u32..3000, n in 1usize..5) {
        let about = everywhere(|sc| sc.range_in(0..i64::from(different) * 2, n).map_with(different, |d, x| x % i64::from(*d)).count_approx_distinct(0.01));
        let error = (about as f64 - f64::from(different)).abs();
        assert!(error <= 0.05 * f64::from(different) + 0.5, "{about} for {different}");
    }

    #[test]
    fn count_approx((data, n) in numbers(), confidence in 0.0..1.0) {
        let exact = everywhere(|sc| sc.parallelize(data.clone(), n).count_approx(Duration::from_secs(600), confidence));
        assert!(exact.is_final);
        let count = data.len() as f64;
        assert_eq!((exact.value.low, exact.value.mean, exact.value.high), (count, count, count));
    }

    #[test]
    fn collect_async((data, n) in numbers()) {
        check(data.clone(), |sc| sc.parallelize(data.clone(), n).collect_async().wait());
    }

    #[test]
    fn count_async((data, n) in numbers()) {
        check(data.len() as u64, |sc| sc.parallelize(data.clone(), n).count_async().wait());
    }

    #[test]
    fn take_async((data, n) in numbers(), many in 0usize..80) {
        let model: Vec<_> = data.iter().copied().take(many).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).take_async(many).wait());
    }

    #[test]
    fn foreach_async((data, n) in numbers()) {
        adds(data.iter().sum(), |sc| sc.parallelize(data.clone(), n).foreach_async(|x| { SUM.fetch_add(x, Relaxed); }).wait());
    }

    #[test]
    fn foreach_async_with((data, n) in numbers(), factor in -9i64..9) {
        adds(data.iter().sum::<i64>() * factor, |sc| {
            sc.parallelize(data.clone(), n).foreach_async_with(factor, |f, x| { SUM.fetch_add(f * x, Relaxed); }).wait()
        });
    }

    #[test]
    fn foreach_partition_async_with((data, n) in numbers(), factor in -9i64..9) {
        adds(data.iter().sum::<i64>() * factor, |sc| {
            let rdd = sc.parallelize(data.clone(), n);
            rdd.foreach_partition_async_with(factor, |f, records| { SUM.fetch_add(f * records.sum::<i64>(), Relaxed); }).wait()
        });
    }

    #[test]
    fn foreach_partition_async((data, n) in numbers()) {
        adds(data.iter().sum(), |sc| sc.parallelize(data.clone(), n).foreach_partition_async(|records| { SUM.fetch_add(records.sum(), Relaxed); }).wait());
    }

    #[test]
    fn take_ordered((data, n) in numbers(), many in 0usize..20) {
        let model: Vec<_> = sorted(data.clone()).into_iter().take(many).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).take_ordered(many));
    }

    #[test]
    fn top((data, n) in numbers(), many in 0usize..20) {
        let model: Vec<_> = sorted(data.clone()).into_iter().rev().take(many).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).top(many));
    }

    #[test]
    fn take_ordered_by((data, n) in numbers(), many in 0usize..20) {
        let mut model = data.clone();
        model.sort_by_key(|x| x % 5);
        model.truncate(many);
        check(model, |sc| sc.parallelize(data.clone(), n).take_ordered_by(many, |x| x % 5));
    }

    #[test]
    fn take_ordered_by_with((data, n) in numbers(), many in 0usize..20, modulus in 1i64..7) {
        let mut model = data.clone();
        model.sort_by_key(|x| x % modulus);
        model.truncate(many);
        check(model, |sc| sc.parallelize(data.clone(), n).take_ordered_by_with(modulus, many, |m, x| x % m));
    }

    #[test]
    fn top_by_with((data, n) in numbers(), many in 0usize..20, modulus in 1i64..7) {
        let mut model = data.clone();
        model.sort_by_key(|x| std::cmp::Reverse(x % modulus));
        model.truncate(many);
        check(model, |sc| sc.parallelize(data.clone(), n).top_by_with(modulus, many, |m, x| x % m));
    }

    #[test]
    fn top_by((data, n) in numbers(), many in 0usize..20) {
        let mut model = data.clone();
        model.sort_by_key(|x| std::cmp::Reverse(x % 5));
        model.truncate(many);
        check(model, |sc| sc.parallelize(data.clone(), n).top_by(many, |x| x % 5));
    }
}

#[test]
fn take_looks_no_farther_than_it_must() {
    static COMPUTED: AtomicUsize = AtomicUsize::new(0);
    check_here((vec![0, 1], 1), |sc| {
        COMPUTED.store(0, Relaxed);
        let parts = sc.range_in(0..200, 100).map_partitions(|records| {
            COMPUTED.fetch_add(1, Relaxed);
            records
        });
        Ok((parts.take(2)?, COMPUTED.load(Relaxed)))
    });
}
