//! Operations on several RDDs, and those that move records without looking at them.

use super::support::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn union((a, n) in numbers(), (b, m) in numbers(), (c, k) in numbers()) {
        let model = [slices(&a, n), slices(&b, m)].concat();
        check(model, |sc| sc.parallelize(a.clone(), n).union(&sc.parallelize(b.clone(), m)).glom().collect());
        // The context's union of any number, among them the same one twice and one without partitions.
        let model = [slices(&a, n), slices(&b, m), slices(&c, k), slices(&a, n)].concat();
        check(model, |sc| {
            let (x, y, z) = (sc.parallelize(a.clone(), n), sc.parallelize(b.clone(), m), sc.parallelize(c.clone(), k));
            sc.union(&[x.clone(), sc.empty_rdd(), y, z, x]).glom().collect()
        });
        check(0, |sc| sc.union::<u8>(&[]).count());
    }

    #[test]
    fn intersection((a, n) in numbers(), (b, m) in numbers()) {
        let both: BTreeSet<i64> = a.iter().copied().filter(|x| b.contains(x)).collect();
        check(sorted(both), |sc| {
            let (x, y) = (sc.parallelize(a.clone(), n), sc.parallelize(b.clone(), m));
            Ok(sorted(x.intersection(&y).collect()?))
        });
    }

    #[test]
    fn subtract((a, n) in numbers(), (b, m) in numbers()) {
        let rest = a.iter().copied().filter(|x| !b.contains(x));
        check(sorted(rest), |sc| {
            let (x, y) = (sc.parallelize(a.clone(), n), sc.parallelize(b.clone(), m));
            Ok(sorted(x.subtract(&y).collect()?))
        });
    }

    #[test]
    fn cartesian((a, n) in numbers(), (b, m) in numbers()) {
        let (left, right) = (slices(&a, n), slices(&b, m));
        let pairs = |i: &Vec<i64>, j: &Vec<i64>| i.iter().flat_map(|x| j.iter().map(|y| (*x, *y))).collect::<Vec<_>>();
        let model: Vec<_> = left.iter().flat_map(|i| right.iter().map(|j| pairs(i, j)).collect::<Vec<_>>()).collect();
        check(model, |sc| sc.parallelize(a.clone(), n).cartesian(&sc.parallelize(b.clone(), m)).glom().collect());
    }

    #[test]
    fn zip((data, n) in numbers()) {
        let pairs: Vec<_> = data.iter().map(|x| (*x, format!("{x}!"))).collect();
        check(slices(&pairs, n), |sc| {
            let rdd = sc.parallelize(data.clone(), n);
            rdd.zip(&rdd.map(|x| format!("{x}!")))?.glom().collect()
        });
    }

    #[test]
    fn zip_partitions((data, n) in numbers(), (other, _) in numbers()) {
        let model: Vec<_> = slices(&data, n).into_iter().zip(slices(&other, n))
            .map(|(a, b)| vec![(a.len(), b.iter().sum::<i64>())]).collect();
        check(model, |sc| {
            let (x, y) = (sc.parallelize(data.clone(), n), sc.parallelize(other.clone(), n));
            x.zip_partitions(&y, |a, b| [(a.count(), b.sum::<i64>())])?.glom().collect()
        });
    }

    #[test]
    fn zip_partitions_with((data, n) in numbers(), (other, _) in numbers(), factor in 1i64..5) {
        let model: Vec<_> = slices(&data, n).into_iter().zip(slices(&other, n))
            .map(|(a, b)| a.into_iter().chain(b).map(|x| x * factor).collect::<Vec<_>>()).collect();
        check(model, |sc| {
            let (x, y) = (sc.parallelize(data.clone(), n), sc.parallelize(other.clone(), n));
            let zipped = x.zip_partitions_with(&y, factor, |factor, a, b| {
                let factor = *factor;
                a.chain(b).map(move |x| x * factor)
            });
            zipped?.glom().collect()
        });
    }

    #[test]
    fn repartition((data, n) in numbers(), to in 0usize..9) {
        let parts = everywhere(|sc| {
            let broadcast_tree = sc.parallelize(data.clone(), n).repartition(to);
            let first = broadcast_tree.glom().collect()?;
            assert_eq!(first, broadcast_tree.glom().collect()?, "a second action places records elsewhere");
            Ok(first)
        });
        assert_eq!(parts.len(), to.max(1));
        assert_eq!(sorted(parts.concat()), sorted(data.clone()));
        // Of each of the n partitions, no two get counts that differ by more than one.
        let sizes = parts.iter().map(Vec::len);
        assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= n, "{parts:?}");
    }
}

#[test]
fn what_cannot_be_zipped_is_told_apart() {
    fails(&["3 partitions", "the other 2", "several.rs"], |sc| {
        sc.range_in(0..9, 3).zip(&sc.range_in(0..9, 2))
    });
    fails(&["3 partitions", "the other 2"], |sc| {
        sc.range_in(0..9, 3).zip_partitions(&sc.range_in(0..9, 2), |a, _| a)
    });
    fails(&["the left one has fewer records", "zip_with_index"], |sc| {
        sc.range_in(0..9, 3).zip(&sc.range_in(0..12, 3))?.count()
    });
    fails(&["the right one has fewer records"], |sc| {
        sc.range_in(0..9, 3).zip(&sc.range_in(0..8, 3))?.count()
    });
}
