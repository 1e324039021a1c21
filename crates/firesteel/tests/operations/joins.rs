//! Joins and co-groups against nested loops.

use super::support::*;
use firesteel::Str;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Left = [(u8, i32)];
type Right = [(u8, String)];

fn right() -> impl Strategy<Value = (Vec<(u8, String)>, usize)> {
    (prop::collection::vec((0u8..12, "[ab]{0,2}"), 0..40), 1usize..6)
}

/// For each key of either, its values in both.
fn both<K: Key, V: Clone, W: Clone>(a: &[(K, V)], b: &[(K, W)]) -> BTreeMap<K, (Vec<V>, Vec<W>)> {
    let (a, b) = (grouped(a), grouped(b));
    let keys: BTreeSet<_> = a.keys().chain(b.keys()).cloned().collect();
    keys.into_iter()
        .map(|k| {
            let groups = (a.get(&k).cloned().unwrap_or_default(), b.get(&k).cloned().unwrap_or_default());
            (k, groups)
        })
        .collect()
}

fn optional<T: Clone>(values: &[T]) -> Vec<Option<T>> {
    if values.is_empty() { vec![None] } else { values.iter().cloned().map(Some).collect() }
}

/// Every pair of the two sides that `sides` makes of a key's groups.
fn joined<K: Key, A: Clone, B: Clone>(
    groups: BTreeMap<K, (Vec<i32>, Vec<String>)>,
    sides: impl Fn(Vec<i32>, Vec<String>) -> (Vec<A>, Vec<B>),
) -> Vec<(K, (A, B))> {
    let mut all = vec![];
    for (k, (vs, ws)) in groups {
        let (vs, ws) = sides(vs, ws);
        vs.iter().for_each(|v| ws.iter().for_each(|w| all.push((k.clone(), (v.clone(), w.clone())))));
    }
    all
}

fn check_join<K: Key>((a, n): (&Left, usize), (b, m): (&Right, usize), into: usize) {
    let groups = both(&K::keyed(a), &K::keyed(b));
    let rdds = |sc: &firesteel::Context| (sc.parallelize(K::keyed(a), n), sc.parallelize(K::keyed(b), m));
    let most = n.max(m);
    let inner = joined(groups.clone(), |vs, ws| (vs, ws));
    check(hashed(inner.clone(), most), |sc| {
        let (x, y) = rdds(sc);
        partitions(&x.join(&y))
    });
    check(hashed(inner, into), |sc| {
        let (x, y) = rdds(sc);
        partitions(&x.join_into(into, &y))
    });
    check(hashed(joined(groups.clone(), |vs, ws| (vs, optional(&ws))), most), |sc| {
        let (x, y) = rdds(sc);
        partitions(&x.left_outer_join(&y))
    });
    check(hashed(joined(groups.clone(), |vs, ws| (optional(&vs), ws)), most), |sc| {
        let (x, y) = rdds(sc);
        partitions(&x.right_outer_join(&y))
    });
    check(hashed(joined(groups, |vs, ws| (optional(&vs), optional(&ws))), most), |sc| {
        let (x, y) = rdds(sc);
        partitions(&x.full_outer_join(&y))
    });
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn join((a, n) in pairs(), (b, m) in right(), into in 1usize..6) {
        for_each_key!(check_join((&a, n), (&b, m), into));
        // The pairs of one key come in the order of both sides.
        let model = joined(both(&[(Str::of(5), 1), (Str::of(5), 2)], &[(Str::of(5), "a".to_string()), (Str::of(5), "b".into())]), |vs, ws| (vs, ws));
        check(model, |sc| {
            let x = sc.parallelize([(Str::of(5), 1), (Str::of(5), 2)], n);
            x.join(&sc.parallelize([(Str::of(5), "a".to_string()), (Str::of(5), "b".into())], m)).collect()
        });
    }

    #[test]
    fn join_into((a, n) in pairs(), into in 0usize..20) {
        check(into.max(1), |sc| {
            let x = sc.parallelize(a.clone(), n);
            Ok(x.join_into(into, &x).num_partitions())
        });
    }

    #[test]
    fn left_outer_join((a, n) in pairs()) {
        let model = sorted(a.iter().map(|(k, v)| (*k, (*v, None::<String>))));
        check(model, |sc| Ok(sorted(sc.parallelize(a.clone(), n).left_outer_join(&sc.empty_rdd()).collect()?)));
    }

    #[test]
    fn right_outer_join((a, n) in pairs()) {
        let model = sorted(a.iter().map(|(k, v)| (*k, (None::<String>, *v))));
        check(model, |sc| Ok(sorted(sc.empty_rdd().right_outer_join(&sc.parallelize(a.clone(), n)).collect()?)));
    }

    #[test]
    fn full_outer_join((a, n) in pairs()) {
        let model = sorted(a.iter().map(|(k, v)| (*k, (Some(*v), None::<String>))));
        check(model, |sc| Ok(sorted(sc.parallelize(a.clone(), n).full_outer_join(&sc.empty_rdd()).collect()?)));
    }

    #[test]
    fn cogroup((a, n) in pairs(), (b, m) in right(), into in 0usize..9) {
        fn check_cogroup<K: Key>(a: &Left, n: usize, b: &Right, m: usize, into: usize) {
            let groups = both(&K::keyed(a), &K::keyed(b));
            check(hashed(groups.clone(), n.max(m)), |sc| partitions(&sc.parallelize(K::keyed(a), n).cogroup(&sc.parallelize(K::keyed(b), m))));
            check(hashed(groups, into.max(1)), |sc| {
                partitions(&sc.parallelize(K::keyed(a), n).cogroup_into(into, &sc.parallelize(K::keyed(b), m)))
            });
        }
        for_each_key!(check_cogroup(&a, n, &b, m, into));
    }

    #[test]
    fn cogroup_into((a, n) in pairs(), into in 0usize..20) {
        let groups = both(&u32::keyed(&a), &u32::keyed(&a));
        check(hashed(groups, into.max(1)), |sc| {
            let x = sc.parallelize(u32::keyed(&a), n);
            partitions(&x.cogroup_into(into, &x))
        });
    }

    #[test]
    fn cogroup3((a, n) in pairs(), (b, m) in right(), (c, l) in pairs()) {
        let (ab, c3) = (both(&u32::keyed(&a), &u32::keyed(&b)), grouped(&u32::keyed(&c)));
        let keys: BTreeSet<u32> = ab.keys().chain(c3.keys()).copied().collect();
        let model = keys.into_iter().map(|k| {
            let (vs, ws) = ab.get(&k).cloned().unwrap_or_default();
            (k, (vs, ws, c3.get(&k).cloned().unwrap_or_default()))
        });
        check(hashed(model, n.max(m).max(l)), |sc| {
            let (x, y, z) = (sc.parallelize(u32::keyed(&a), n), sc.parallelize(u32::keyed(&b), m), sc.parallelize(u32::keyed(&c), l));
            partitions(&x.cogroup3(&y, &z))
        });
    }

    #[test]
    fn cogroup4((a, n) in pairs(), (b, m) in right()) {
        let (ab, mut model) = (both(&Str::keyed(&a), &Str::keyed(&b)), vec![]);
        for (k, (vs, ws)) in ab {
            model.push((k, (vs.clone(), ws.clone(), ws, vs)));
        }
        check(hashed(model, n.max(m)), |sc| {
            let (x, y) = (sc.parallelize(Str::keyed(&a), n), sc.parallelize(Str::keyed(&b), m));
            partitions(&x.cogroup4(&y, &y, &x))
        });
    }

    #[test]
    fn subtract_by_key((a, n) in pairs(), (b, m) in right()) {
        fn check_subtract<K: Key>(a: &Left, n: usize, b: &Right, m: usize) {
            let groups = both(&K::keyed(a), &K::keyed(b)).into_iter().filter(|(_, (_, ws))| ws.is_empty());
            let model = groups.flat_map(|(k, (vs, _))| vs.into_iter().map(move |v| (k.clone(), v)));
            check(hashed(model, n.max(m)), |sc| {
                partitions(&sc.parallelize(K::keyed(a), n).subtract_by_key(&sc.parallelize(K::keyed(b), m)))
            });
        }
        for_each_key!(check_subtract(&a, n, &b, m));
    }
}
