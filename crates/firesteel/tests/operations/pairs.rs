//! Operations by key on one RDD: the contents of each partition, for keys of several layouts.

use super::support::*;
use firesteel::Partitioner;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

type Data = [(u8, i32)];

/// Values added up, by key, as the model of several operations.
fn sums<K: Key>(data: &Data) -> BTreeMap<K, i32> {
    grouped(&K::keyed(data)).into_iter().map(|(k, vs)| (k, vs.iter().sum())).collect()
}

fn check_reduce<K: Key>(data: &Data, n: usize, into: usize) {
    check(hashed(sums::<K>(data), n), |sc| {
        partitions(&sc.parallelize(K::keyed(data), n).reduce_by_key(|a, b| a + b))
    });
    check(hashed(sums::<K>(data), into), |sc| {
        partitions(&sc.parallelize(K::keyed(data), n).reduce_by_key_into(into, |a, b| a + b))
    });
    let bounded = grouped(&K::keyed(data)).into_iter().map(|(k, vs)| {
        let sum = vs.into_iter().reduce(|a: i32, b| (a + b).min(150)).unwrap();
        (k, sum)
    });
    // A bounded sum depends on the order of its terms, which is that of partitions.
    let ascending: Vec<(K, i32)> = bounded.collect();
    if n == 1 {
        check(hashed(ascending, 1), |sc| {
            let rdd = sc.parallelize(K::keyed(data), 1);
            partitions(&rdd.reduce_by_key_with(150, |most, a, b| (a + b).min(*most)))
        });
    }
}

fn check_group<K: Key>(data: &Data, n: usize, into: usize) {
    let groups = grouped(&K::keyed(data));
    check(hashed(groups.clone(), n), |sc| partitions(&sc.parallelize(K::keyed(data), n).group_by_key()));
    check(hashed(groups, into), |sc| partitions(&sc.parallelize(K::keyed(data), n).group_by_key_into(into)));
}

fn check_combine<K: Key>(data: &Data, n: usize) {
    let texts = |(k, vs): (K, Vec<i32>)| (k, vs.iter().map(|v| format!("{v};")).collect::<String>());
    let model: Vec<_> = grouped(&K::keyed(data)).into_iter().map(texts).collect();
    check(hashed(model.clone(), n), |sc| {
        let rdd = sc.parallelize(K::keyed(data), n);
        let combined =
            rdd.combine_by_key(|v| format!("{v};"), |text, v| text + &format!("{v};"), |a, b| a + &b);
        partitions(&combined)
    });
    check(hashed(model.clone(), n), |sc| {
        let rdd = sc.parallelize(K::keyed(data), n);
        let combined = rdd.combine_by_key_with(
            ";".to_string(),
            |end, v| format!("{v}{end}"),
            |end, text, v| format!("{text}{v}{end}"),
            |_, a, b| a + &b,
        );
        partitions(&combined)
    });
    check(hashed(model, n), |sc| {
        let rdd = sc.parallelize(K::keyed(data), n);
        let gathered = rdd.aggregate_by_key(String::new(), |text, v| text + &format!("{v};"), |a, b| a + &b);
        partitions(&gathered)
    });
}

fn check_distinct<K: Key>(data: &Data, n: usize, into: usize) {
    let keys = || data.iter().map(|(k, _)| K::of(*k)).collect::<Vec<_>>();
    let model: Vec<_> = keys().into_iter().map(|k| (k, ())).collect::<BTreeMap<_, _>>().into_iter().collect();
    let placed =
        |n| hashed(model.clone(), n).into_iter().map(|part| part.into_iter().map(|(k, ())| k).collect());
    check(placed(n).collect::<Vec<Vec<K>>>(), |sc| partitions(&sc.parallelize(keys(), n).distinct()));
    check(placed(into).collect::<Vec<Vec<K>>>(), |sc| {
        partitions(&sc.parallelize(keys(), n).distinct_into(into))
    });
}

/// Places keys by their lengths.
#[derive(Serialize, Deserialize)]
struct ByLength(u32);

impl Partitioner<String> for ByLength {
    fn partitions(&self) -> u32 {
        self.0
    }
    fn partition(&self, key: &String) -> u32 {
        key.len() as u32 % self.0
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn map_values((data, n) in pairs()) {
        let model: Vec<_> = data.iter().map(|(k, v)| (*k, v.to_string())).collect();
        check(slices(&model, n), |sc| sc.parallelize(data.clone(), n).map_values(|v| v.to_string()).glom().collect());
    }

    #[test]
    fn map_values_with((data, n) in pairs(), factor in 0i32..9) {
        let model: Vec<_> = data.iter().map(|(k, v)| (*k, v * factor)).collect();
        check(slices(&model, n), |sc| sc.parallelize(data.clone(), n).map_values_with(factor, |f, v| v * f).glom().collect());
    }

    #[test]
    fn flat_map_values((data, n) in pairs()) {
        let model: Vec<Vec<_>> = slices(&data, n).into_iter()
            .map(|part| part.into_iter().flat_map(|(k, v)| (0..v % 4).map(move |i| (k, i))).collect()).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).flat_map_values(|v| 0..v % 4).glom().collect());
    }

    #[test]
    fn flat_map_values_with((data, n) in pairs(), copies in 0usize..4) {
        let model: Vec<Vec<_>> = slices(&data, n).into_iter()
            .map(|part| part.into_iter().flat_map(|pair| vec![pair; copies]).collect()).collect();
        check(model, |sc| sc.parallelize(data.clone(), n).flat_map_values_with(copies, |n, v| vec![v; *n]).glom().collect());
    }

    #[test]
    fn keys((data, n) in pairs()) {
        let model: Vec<u8> = data.iter().map(|(k, _)| *k).collect();
        check(slices(&model, n), |sc| sc.parallelize(data.clone(), n).keys().glom().collect());
    }

    #[test]
    fn values((data, n) in pairs()) {
        let model: Vec<i32> = data.iter().map(|(_, v)| *v).collect();
        check(slices(&model, n), |sc| sc.parallelize(data.clone(), n).values().glom().collect());
    }

    #[test]
    fn partition_by((data, n) in pairs(), into in 1u32..7) {
        fn by_hash<K: Key>(data: &Data, n: usize, into: u32) {
            // Not sorted: each partition holds its records in the order of the input.
            let rule = firesteel::HashPartitioner::new(into);
            let mut model = vec![vec![]; into as usize];
            K::keyed(data).into_iter().for_each(|(k, v)| model[rule.partition(&k) as usize].push((k, v)));
            check(model, |sc| sc.parallelize(K::keyed(data), n).partition_by(firesteel::HashPartitioner::new(into)).glom().collect());
        }
        for_each_key!(by_hash(&data, n, into));
        let data: Vec<_> = data.iter().map(|(k, v)| ("k".repeat(usize::from(*k)), *v)).collect();
        let mut model = vec![vec![]; into as usize];
        data.iter().cloned().for_each(|(k, v)| model[k.len() % into as usize].push((k, v)));
        check(model, |sc| sc.parallelize(data.clone(), n).partition_by(ByLength(into)).glom().collect());
    }

    #[test]
    fn reduce_by_key((data, n) in pairs(), into in 1usize..6) {
        for_each_key!(check_reduce(&data, n, into));
    }

    #[test]
    fn reduce_by_key_into((data, n) in pairs(), into in 0usize..40) {
        let model = hashed(sums::<u32>(&data), into.max(1));
        check(model, |sc| partitions(&sc.parallelize(u32::keyed(&data), n).reduce_by_key_into(into, |a, b| a + b)));
    }

    #[test]
    fn reduce_by_key_with((data, n) in pairs(), modulus in 1i32..50) {
        let model: Vec<_> = sums::<u32>(&data).into_iter().collect();
        check(hashed(model.into_iter().map(|(k, sum)| (k, sum.rem_euclid(modulus))), n), |sc| {
            let sums = sc.parallelize(u32::keyed(&data), n).map_values_with(modulus, |m, v| v.rem_euclid(*m));
            partitions(&sums.reduce_by_key_with(modulus, |m, a, b| (a + b).rem_euclid(*m)))
        });
    }

    #[test]
    fn reduce_by_key_into_with((data, n) in pairs(), into in 0usize..40, modulus in 1i32..50) {
        let model = sums::<u32>(&data).into_iter().map(|(k, sum)| (k, sum.rem_euclid(modulus)));
        check(hashed(model, into.max(1)), |sc| {
            let sums = sc.parallelize(u32::keyed(&data), n).map_values_with(modulus, |m, v| v.rem_euclid(*m));
            partitions(&sums.reduce_by_key_into_with(modulus, into, |m, a, b| (a + b).rem_euclid(*m)))
        });
    }

    #[test]
    fn fold_by_key((data, n) in pairs()) {
        check(hashed(sums::<u32>(&data), n), |sc| partitions(&sc.parallelize(u32::keyed(&data), n).fold_by_key(0, |a, b| a + b)));
        let greatest = grouped(&u32::keyed(&data)).into_iter().map(|(k, vs)| (k, vs.into_iter().max().unwrap().max(0)));
        check(hashed(greatest, n), |sc| partitions(&sc.parallelize(u32::keyed(&data), n).fold_by_key(0, |a, b| a.max(b))));
    }

    #[test]
    fn fold_by_key_with((data, n) in pairs(), most in -9i32..9) {
        let greatest = grouped(&u32::keyed(&data)).into_iter().map(|(k, vs)| (k, vs.into_iter().max().unwrap().min(most)));
        check(hashed(greatest, n), |sc| {
            partitions(&sc.parallelize(u32::keyed(&data), n).fold_by_key_with(most, i32::MIN, |most, a, b| a.max(b).min(*most)))
        });
    }

    #[test]
    fn aggregate_by_key_with((data, n) in pairs(), factor in -9i32..9) {
        let model = grouped(&u32::keyed(&data)).into_iter().map(|(k, vs)| (k, (vs.iter().sum::<i32>() * factor, vs.len())));
        check(hashed(model, n), |sc| {
            let rdd = sc.parallelize(u32::keyed(&data), n);
            partitions(&rdd.aggregate_by_key_with(factor, (0, 0), |f, (s, c), v| (s + f * v, c + 1), |_, a, b| (a.0 + b.0, a.1 + b.1)))
        });
    }

    #[test]
    fn aggregate_by_key((data, n) in pairs()) {
        let model = grouped(&u32::keyed(&data)).into_iter().map(|(k, vs)| (k, (vs.iter().sum::<i32>(), vs.len())));
        check(hashed(model, n), |sc| {
            let rdd = sc.parallelize(u32::keyed(&data), n);
            partitions(&rdd.aggregate_by_key((0, 0), |(s, c), v| (s + v, c + 1), |a, b| (a.0 + b.0, a.1 + b.1)))
        });
    }

    #[test]
    fn combine_by_key((data, n) in pairs()) {
        for_each_key!(check_combine(&data, n));
        check(sums::<u32>(&data).len() as u64, |sc| sc.parallelize(u32::keyed(&data), n).combine_by_key(|_| (), |(), _| (), |(), ()| ()).count());
    }

    #[test]
    fn combine_by_key_with((data, n) in pairs(), start in -9i64..9) {
        let model = grouped(&u32::keyed(&data)).into_iter().map(|(k, vs)| (k, vs.iter().map(|v| i64::from(*v) + start).sum::<i64>()));
        check(hashed(model, n), |sc| {
            let rdd = sc.parallelize(u32::keyed(&data), n);
            partitions(&rdd.combine_by_key_with(start, |s, v| i64::from(v) + s, |s, c, v| c + i64::from(v) + s, |_, a, b| a + b))
        });
    }

    #[test]
    fn group_by_key((data, n) in pairs(), into in 1usize..6) {
        for_each_key!(check_group(&data, n, into));
    }

    #[test]
    fn group_by_key_into((data, n) in pairs(), into in 0usize..40) {
        let model = hashed(grouped(&u32::keyed(&data)), into.max(1));
        check(model, |sc| partitions(&sc.parallelize(u32::keyed(&data), n).group_by_key_into(into)));
    }

    #[test]
    fn group_by((data, n) in numbers()) {
        let keyed: Vec<(u32, i64)> = data.iter().map(|x| (x.unsigned_abs() as u32 % 5, *x)).collect();
        check(hashed(grouped(&keyed), n), |sc| partitions(&sc.parallelize(data.clone(), n).group_by(|x| x.unsigned_abs() as u32 % 5)));
    }

    #[test]
    fn group_by_with((data, n) in numbers(), by in 1u32..9) {
        let keyed: Vec<(u32, i64)> = data.iter().map(|x| (x.unsigned_abs() as u32 % by, *x)).collect();
        check(hashed(grouped(&keyed), n), |sc| partitions(&sc.parallelize(data.clone(), n).group_by_with(by, |by, x| x.unsigned_abs() as u32 % by)));
    }

    #[test]
    fn distinct((data, n) in pairs(), into in 1usize..6) {
        for_each_key!(check_distinct(&data, n, into));
    }

    #[test]
    fn distinct_into((data, n) in pairs(), into in 0usize..40) {
        check(into.max(1), |sc| Ok(sc.parallelize(data.clone(), n).distinct_into(into).num_partitions()));
        check(sorted(data.iter().copied().collect::<std::collections::BTreeSet<_>>()), |sc| Ok(sorted(sc.parallelize(data.clone(), n).distinct_into(into).collect()?)));
    }

    #[test]
    fn count_by_key((data, n) in pairs()) {
        let model: HashMap<_, _> = grouped(&Shape::keyed(&data)).into_iter().map(|(k, vs)| (k, vs.len() as u64)).collect();
        check(model, |sc| sc.parallelize(Shape::keyed(&data), n).count_by_key());
    }

    #[test]
    fn collect_as_map((data, n) in pairs()) {
        check(data.iter().copied().collect::<HashMap<_, _>>(), |sc| sc.parallelize(data.clone(), n).collect_as_map());
    }

    #[test]
    fn reduce_by_key_locally((data, n) in pairs()) {
        let model: HashMap<_, _> = sums::<Shape>(&data).into_iter().collect();
        check(model, |sc| sc.parallelize(Shape::keyed(&data), n).reduce_by_key_locally(|a, b| a + b));
    }

    #[test]
    fn reduce_by_key_locally_with((data, n) in pairs(), modulus in 1i32..50) {
        let model: HashMap<_, _> = sums::<Shape>(&data).into_iter().map(|(k, sum)| (k, sum.rem_euclid(modulus))).collect();
        check(model, |sc| {
            let sums = sc.parallelize(Shape::keyed(&data), n).map_values_with(modulus, |m, v| v.rem_euclid(*m));
            sums.reduce_by_key_locally_with(modulus, |m, a, b| (a + b).rem_euclid(*m))
        });
    }

    #[test]
    fn lookup((data, n) in pairs(), key in 0u8..14, into in 1u32..5) {
        fn check_lookup<K: Key>(data: &Data, n: usize, key: u8, into: u32) {
            let model = grouped(&K::keyed(data)).remove(&K::of(key)).unwrap_or_default();
            check(model.clone(), |sc| sc.parallelize(K::keyed(data), n).lookup(&K::of(key)));
            check(model, |sc| {
                let placed = sc.parallelize(K::keyed(data), n).partition_by(firesteel::HashPartitioner::new(into));
                placed.map_values(|v| v).lookup(&K::of(key))
            });
        }
        for_each_key!(check_lookup(&data, n, key, into));
    }
}
