//! Samples: the same for the same seed, wherever they are taken, and of about the size that was asked for.

use super::support::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};

fn occurrences<T: Ord + Clone>(records: &[T]) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    records.iter().for_each(|x| *counts.entry(x.clone()).or_default() += 1);
    counts
}

/// Whether `sample` has each record at most as often as `all`, in the same order.
fn is_part_of(sample: &[i64], all: &[i64]) -> bool {
    let mut rest = all.iter();
    sample.iter().all(|x| rest.any(|y| x == y))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn sample((data, n) in numbers(), fraction in 0.0f64..1.0, seed: u64) {
        let without = everywhere(|sc| {
            let sample = sc.parallelize(data.clone(), n).sample(false, fraction, seed);
            let first = sample.collect()?;
            assert_eq!(first, sample.collect()?, "a second action takes others");
            Ok(first)
        });
        assert!(is_part_of(&without, &data));
        check(data.clone(), |sc| sc.parallelize(data.clone(), n).sample(false, 1.0, seed).collect());
        check(vec![], |sc| sc.parallelize(data.clone(), n).sample(false, 0.0, seed).collect());
        check(vec![], |sc| sc.parallelize(data.clone(), n).sample(true, 0.0, seed).collect());
        let with = everywhere(|sc| sc.parallelize(data.clone(), n).sample(true, fraction * 3.0, seed).collect());
        assert!(with.iter().all(|x| data.contains(x)));
    }

    #[test]
    fn random_split((data, n) in numbers(), weights in prop::collection::vec(0.1f64..5.0, 1..5), seed: u64) {
        let parts = everywhere(|sc| {
            let parts = sc.parallelize(data.clone(), n).random_split(&weights, seed);
            parts.iter().map(|part| part.collect()).collect::<firesteel::Result<Vec<_>>>()
        });
        assert_eq!(parts.len(), weights.len());
        assert!(parts.iter().all(|part| is_part_of(part, &data)));
        assert_eq!(sorted(parts.concat()), sorted(data.clone()), "a record is in none, or in two");
    }

    #[test]
    fn take_sample((data, n) in numbers(), many in 0usize..80, seed: u64) {
        let without = everywhere(|sc| sc.parallelize(data.clone(), n).take_sample(false, many, seed));
        assert_eq!(without.len(), many.min(data.len()));
        let (mine, all) = (occurrences(&without), occurrences(&data));
        assert!(mine.iter().all(|(x, times)| all.get(x) >= Some(times)));
        let with = everywhere(|sc| sc.parallelize(data.clone(), n).take_sample(true, many, seed));
        assert_eq!(with.len(), if data.is_empty() { 0 } else { many });
        assert!(with.iter().all(|x| data.contains(x)));
    }

    #[test]
    fn sample_by_key((data, n) in pairs(), seed: u64) {
        let fractions: HashMap<u8, f64> = [(1, 1.0), (2, 0.5), (3, 0.0)].into();
        let sample = everywhere(|sc| sc.parallelize(data.clone(), n).sample_by_key(false, fractions.clone(), seed)?.collect());
        let (mine, all) = (occurrences(&sample), occurrences(&data));
        assert!(mine.iter().all(|(pair, times)| all.get(pair) >= Some(times)));
        assert!(sample.iter().all(|(k, _)| [1, 2].contains(k)));
        assert_eq!(sample.iter().filter(|(k, _)| *k == 1).count(), data.iter().filter(|(k, _)| *k == 1).count());
    }
}

#[test]
fn samples_have_about_the_size_that_was_asked_for() {
    let counts = everywhere(|sc| {
        let all = sc.range_in(0..40_000, 8);
        let thirds = all.random_split(&[1.0, 2.0], 3);
        let keyed = all.map(|x| (x % 2, x)).sample_by_key(true, [(0, 0.5), (1, 2.0)].into(), 9)?;
        Ok([
            all.sample(false, 0.25, 1).count()?,
            all.sample(true, 1.5, 2).count()?,
            thirds[0].count()?,
            keyed.filter(|(k, _)| *k == 0).count()?,
            keyed.filter(|(k, _)| *k == 1).count()?,
        ])
    });
    for (count, wanted) in counts.into_iter().zip([10_000, 60_000, 13_333, 10_000, 40_000]) {
        // Six standard deviations of the widest of these distributions.
        let error = (count as f64 - f64::from(wanted)).abs();
        assert!(error < 6.0 * f64::from(wanted).sqrt(), "{count} for {wanted}");
    }
}

#[test]
fn another_seed_gives_another_sample_and_a_negative_fraction_none() {
    let samples = everywhere(|sc| {
        let all = sc.range_in(0..1000, 4);
        Ok((all.sample(false, 0.5, 1).collect()?, all.sample(false, 0.5, 2).collect()?))
    });
    assert_ne!(samples.0, samples.1);
    fails(&["-0.5 is negative", "sampling.rs"], |sc| {
        sc.parallelize([(1, 2)], 1).sample_by_key(false, [(1, -0.5)].into(), 0)
    });
}
