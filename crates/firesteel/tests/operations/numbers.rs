//! Statistics of numbers.

use super::support::*;
use firesteel::StatCounter;
use proptest::prelude::*;

fn floats() -> impl Strategy<Value = (Vec<f64>, usize)> {
    (prop::collection::vec(-1000.0..1000.0, 1..60), 1usize..6)
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

/// Mean and variance in two passes.
fn mean_and_variance(data: &[f64]) -> (f64, f64) {
    let n = data.len() as f64;
    let mean = data.iter().sum::<f64>() / n;
    (mean, data.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn sum((data, n) in numbers(), extremes in prop::collection::vec(prop_oneof![Just(u64::MAX), Just(0)], 0..20), (floats, m) in floats()) {
        check(data.iter().map(|x| i128::from(*x)).sum::<i128>(), |sc| sc.parallelize(data.clone(), n).sum());
        check(extremes.iter().map(|x| u128::from(*x)).sum::<u128>(), |sc| sc.parallelize(extremes.clone(), n).sum());
        let answer = everywhere(|sc| sc.parallelize(floats.clone(), m).sum());
        assert!(near(answer, floats.iter().sum()));
        check(0, |sc| sc.empty_rdd::<i32>().sum());
    }

    #[test]
    fn stats((data, n) in floats()) {
        let stats = everywhere(|sc| sc.parallelize(data.clone(), n).stats());
        let (mean, variance) = mean_and_variance(&data);
        assert_eq!(stats.count(), data.len() as u64);
        assert!(near(stats.mean(), mean) && near(stats.variance(), variance) && near(stats.sum(), data.iter().sum()));
        assert_eq!(stats.min(), data.iter().copied().fold(f64::INFINITY, f64::min));
        assert_eq!(stats.max(), data.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        assert!(near(stats.stdev(), variance.sqrt()));
        if data.len() > 1 {
            let unbiased = variance * data.len() as f64 / (data.len() - 1) as f64;
            assert!(near(stats.sample_variance(), unbiased) && near(stats.sample_stdev(), unbiased.sqrt()));
        }
        // By hand, in two halves.
        let (mut all, mut rest) = (StatCounter::default(), StatCounter::default());
        let (left, right) = data.split_at(data.len() / 2);
        left.iter().for_each(|x| all.add(*x));
        right.iter().for_each(|x| rest.add(*x));
        all.merge(&rest);
        assert!(near(all.mean(), stats.mean()) && near(all.variance(), stats.variance()));
    }

    #[test]
    fn mean((data, n) in floats()) {
        let answer = everywhere(|sc| sc.parallelize(data.clone(), n).mean());
        assert!(near(answer, mean_and_variance(&data).0));
    }

    #[test]
    fn variance((data, n) in floats()) {
        let answer = everywhere(|sc| sc.parallelize(data.clone(), n).variance());
        assert!(near(answer, mean_and_variance(&data).1));
    }

    #[test]
    fn stdev((data, n) in floats()) {
        let answer = everywhere(|sc| sc.parallelize(data.clone(), n).stdev());
        assert!(near(answer, mean_and_variance(&data).1.sqrt()));
    }

    #[test]
    fn histogram((data, n) in floats(), buckets in 1usize..9) {
        let (ends, counts) = everywhere(|sc| sc.parallelize(data.clone(), n).histogram(buckets));
        assert_eq!(ends.len(), counts.len() + 1);
        assert_eq!(counts.iter().sum::<u64>(), data.len() as u64, "every number is in one of the ranges");
        assert!(ends.is_sorted());
        for (i, count) in counts.iter().enumerate() {
            let is_last = i + 1 == counts.len();
            let inside = data.iter().filter(|x| **x >= ends[i] && (**x < ends[i + 1] || is_last && **x == ends[i + 1]));
            assert_eq!(inside.count() as u64, *count, "bucket {i} of {ends:?}");
        }
    }

    #[test]
    fn histogram_between((data, n) in numbers(), ends in prop::collection::btree_set(-50i8..50, 2..6)) {
        let ends: Vec<f64> = ends.into_iter().map(f64::from).collect();
        let last = ends.len() - 2;
        let inside = |i: usize| data.iter().filter(|x| {
            let x = **x as f64;
            x >= ends[i] && (x < ends[i + 1] || i == last && x == ends[i + 1])
        }).count() as u64;
        let model: Vec<u64> = (0..=last).map(inside).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).histogram_between(&ends));
    }
}

#[test]
fn statistics_of_nothing() {
    let stats = everywhere(|sc| Ok(format!("{}", sc.empty_rdd::<f64>().stats()?)));
    assert_eq!(stats, "(count: 0, mean: NaN, stdev: NaN, max: -inf, min: inf)");
    assert!(everywhere(|sc| Ok(
        sc.empty_rdd::<u8>().mean()?.is_nan() && sc.range_in(0..0, 3).variance()?.is_nan()
    )));
}

#[test]
fn histograms_at_the_edges() {
    check((vec![4.0, 4.0], vec![3]), |sc| sc.parallelize([4, 4, 4], 2).histogram(5));
    check((vec![0.0, 0.5, 1.0], vec![1, 2]), |sc| sc.parallelize([0.0, 0.5, 1.0], 2).histogram(2));
    check(vec![0, 2], |sc| {
        sc.parallelize([f64::NAN, f64::INFINITY, 2.0, 3.0, 3.1], 2).histogram_between(&[0.0, 2.0, 3.0])
    });
    fails(&["at least one bucket", "numbers.rs"], |sc| sc.parallelize([1], 1).histogram(0));
    fails(&["empty", "`histogram`", "histogram_between"], |sc| sc.empty_rdd::<f64>().histogram(3));
    fails(&["infinite or not numbers", "`filter`"], |sc| {
        sc.parallelize([1.0, f64::INFINITY], 1).histogram(3)
    });
    fails(&["infinite or not numbers"], |sc| sc.parallelize([1.0, f64::NAN], 1).histogram(3));
    fails(&["ascend"], |sc| sc.parallelize([1], 1).histogram_between(&[1.0]));
    fails(&["ascend"], |sc| sc.parallelize([1], 1).histogram_between(&[1.0, 1.0]));
    fails(&["ascend"], |sc| sc.parallelize([1], 1).histogram_between(&[1.0, f64::NAN]));
}
