//! Transformations of one RDD without a shuffle: contents and order of each partition.

use super::support::*;
use proptest::prelude::*;

/// The partitions of `data`, each changed.
fn each<T: Clone, U>(data: &[T], n: usize, f: impl Fn(usize, Vec<T>) -> Vec<U>) -> Vec<Vec<U>> {
    slices(data, n).into_iter().enumerate().map(|(i, part)| f(i, part)).collect()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn map((data, n) in numbers()) {
        let model = each(&data, n, |_, part| part.iter().map(|x| format!("<{x}>")).collect());
        check(model, |sc| sc.parallelize(data.clone(), n).map(|x| format!("<{x}>")).glom().collect());
    }

    #[test]
    fn map_with((data, n) in numbers(), factor: i32, name: String) {
        let model = each(&data, n, |_, part| part.iter().map(|x| (x * i64::from(factor), name.clone())).collect());
        check(model, |sc| {
            let rdd = sc.parallelize(data.clone(), n);
            rdd.map_with((factor, name.clone()), |(f, name), x| (x * i64::from(*f), name.clone())).glom().collect()
        });
    }

    #[test]
    fn filter((data, n) in numbers()) {
        let model = each(&data, n, |_, part| part.into_iter().filter(|x| x % 3 == 0).collect());
        check(model, |sc| sc.parallelize(data.clone(), n).filter(|x| x % 3 == 0).glom().collect());
    }

    #[test]
    fn filter_with((data, n) in numbers(), bound in -50i64..50) {
        let model = each(&data, n, |_, part| part.into_iter().filter(|x| *x < bound).collect());
        check(model, |sc| sc.parallelize(data.clone(), n).filter_with(bound, |b, x| x < b).glom().collect());
    }

    #[test]
    fn flat_map((data, n) in numbers()) {
        let model = each(&data, n, |_, part| part.into_iter().flat_map(|x| 0..x % 5).collect());
        check(model, |sc| sc.parallelize(data.clone(), n).flat_map(|x| 0..x % 5).glom().collect());
    }

    #[test]
    fn flat_map_with((data, n) in numbers(), by in 1i64..9) {
        let model = each(&data, n, |_, part| part.into_iter().flat_map(|x| vec![x; (x.abs() % by) as usize]).collect());
        check(model, |sc| {
            let rdd = sc.parallelize(data.clone(), n);
            rdd.flat_map_with(by, |by, x| vec![x; (x.abs() % by) as usize]).glom().collect()
        });
    }

    #[test]
    fn flat_map_push((data, n) in numbers()) {
        let model = each(&data, n, |_, part| part.into_iter().flat_map(|x| x..x + 2).collect());
        check(model, |sc| sc.parallelize(data.clone(), n).flat_map_push(|x, out| out.extend(x..x + 2)).glom().collect());
    }

    #[test]
    fn flat_map_push_with((data, n) in numbers(), copies in 0usize..4) {
        let model = each(&data, n, |_, part| part.into_iter().flat_map(|x| vec![x; copies]).collect());
        check(model, |sc| {
            let rdd = sc.parallelize(data.clone(), n);
            rdd.flat_map_push_with(copies, |n, x, out| out.extend(vec![x; *n])).glom().collect()
        });
    }

    #[test]
    fn map_partitions((data, n) in numbers()) {
        let model = each(&data, n, |_, part| vec![part.len() as i64, part.iter().sum()]);
        check(model, |sc| {
            let rdd = sc.parallelize(data.clone(), n);
            rdd.map_partitions(|records| {
                let part: Vec<i64> = records.collect();
                [part.len() as i64, part.iter().sum()]
            }).glom().collect()
        });
        // What is given back may be lazy, and use the records only partly.
        let model = each(&data, n, |_, part| part.into_iter().take(3).map(|x| x + 1).collect());
        check(model, |sc| sc.parallelize(data.clone(), n).map_partitions(|records| records.take(3).map(|x| x + 1)).glom().collect());
    }

    #[test]
    fn map_partitions_with((data, n) in numbers(), skip in 0usize..5) {
        let model = each(&data, n, |_, part| part.into_iter().skip(skip).collect());
        check(model, |sc| sc.parallelize(data.clone(), n).map_partitions_with(skip, |skip, records| records.skip(*skip)).glom().collect());
    }

    #[test]
    fn map_partitions_with_index((data, n) in numbers()) {
        let model = each(&data, n, |i, part| part.into_iter().map(|x| (i, x)).collect());
        check(model, |sc| sc.parallelize(data.clone(), n).map_partitions_with_index(|i, records| records.map(move |x| (i, x))).glom().collect());
    }

    #[test]
    fn map_partitions_with_index_with((data, n) in numbers(), name: String) {
        let model = each(&data, n, |i, part| vec![(name.clone(), i, part.len())]);
        check(model, |sc| {
            let rdd = sc.parallelize(data.clone(), n);
            rdd.map_partitions_with_index_with(name.clone(), |name, i, records| [(name.clone(), i, records.count())]).glom().collect()
        });
    }

    #[test]
    fn glom((data, n) in numbers()) {
        check(slices(&data, n), |sc| sc.parallelize(data.clone(), n).glom().collect());
        check(n as u64, |sc| sc.parallelize(data.clone(), n).glom().count());
    }

    #[test]
    fn key_by((data, n) in numbers()) {
        let model = each(&data, n, |_, part| part.into_iter().map(|x| (x % 7, x)).collect());
        check(model, |sc| sc.parallelize(data.clone(), n).key_by(|x| x % 7).glom().collect());
    }

    #[test]
    fn key_by_with((data, n) in numbers(), by in 1i64..9) {
        let model = each(&data, n, |_, part| part.into_iter().map(|x| ((x % by).to_string(), x)).collect());
        check(model, |sc| sc.parallelize(data.clone(), n).key_by_with(by, |by, x| (x % by).to_string()).glom().collect());
    }

    #[test]
    fn zip_with_index((data, n) in numbers()) {
        let indexed: Vec<_> = data.iter().copied().zip(0u64..).collect();
        check(slices(&indexed, n), |sc| sc.parallelize(data.clone(), n).zip_with_index().glom().collect());
        // Behind an operation that makes partitions uneven, and used twice.
        let model: Vec<_> = data.iter().copied().filter(|x| x % 2 == 0).zip(0u64..).collect();
        check((model.clone(), model), |sc| {
            let indexed = sc.parallelize(data.clone(), n).filter(|x| x % 2 == 0).zip_with_index();
            Ok((indexed.collect()?, indexed.collect()?))
        });
    }

    #[test]
    fn zip_with_unique_id((data, n) in numbers()) {
        let model = each(&data, n, |p, part| part.into_iter().zip((p as u64..).step_by(n)).collect());
        check(model, |sc| sc.parallelize(data.clone(), n).zip_with_unique_id().glom().collect());
    }

    #[test]
    fn coalesce((data, n) in numbers(), to in 0usize..9) {
        let after = to.clamp(1, n);
        let parts = slices(&data, n);
        let bound = |i: usize| i * n / after;
        let model: Vec<Vec<i64>> = (0..after).map(|i| parts[bound(i)..bound(i + 1)].concat()).collect();
        check(model, |sc| {
            let fewer = sc.parallelize(data.clone(), n).coalesce(to);
            assert!(!fewer.to_debug_string().contains("+-"), "coalesce shuffles");
            fewer.glom().collect()
        });
    }
}

/// A function may give an iterator that would go on after its end: nobody may ask it again.
#[test]
fn an_iterator_that_ended_is_not_asked_again() {
    check(vec![0, 0], |sc| {
        let endings = sc.range_in(0..2, 2).map_partitions(|_| {
            let mut asked = 0;
            std::iter::from_fn(move || {
                asked += 1;
                (asked == 1 || asked == 3).then_some(0)
            })
        });
        endings.collect()
    });
}

#[test]
fn barrier() {
    check(vec![(1, 45)], |sc| {
        let sums = sc.range_in(0..10, 1).barrier().map_partitions(|task, records| {
            task.barrier();
            [(task.all_gather("one").len(), records.sum::<i64>())]
        });
        sums.collect()
    });
}
