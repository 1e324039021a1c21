//! Extreme inputs: none at all, one hot key, and many more partitions than records.

use super::support::*;

#[test]
fn no_partitions_at_all_through_every_kind_of_operation() {
    const NONE: [i64; 0] = [];
    let sc = context();
    let none = sc.empty_rdd::<i64>();
    let pairs = none.map(|x| (x, x));
    let some = sc.range_in(0..3, 2).map(|x| (x, x));
    let empty: Vec<Rdd<i64>> = vec![
        none.filter(|_| true),
        none.flat_map(|x| [x]),
        none.map_partitions(|records| records),
        none.coalesce(3),
        none.repartition(3),
        none.distinct(),
        none.union(&none),
        none.intersection(&none),
        none.subtract(&none),
        none.cartesian(&none).keys(),
        none.cartesian(&sc.range(0..3)).keys(),
        sc.range(0..3).cartesian(&none).keys(),
        none.zip(&none).unwrap().keys(),
        none.sort_by(|x| *x, Order::Ascending),
        none.zip_with_index().keys(),
        none.zip_with_unique_id().keys(),
        none.sample(true, 2.0, 1),
        none.glom().map(|part| part.len() as i64),
        pairs.reduce_by_key(|a, b| a + b).keys(),
        pairs.reduce_by_key_into(3, |a, b| a + b).keys(),
        pairs.group_by_key().keys(),
        pairs.partition_by(HashPartitioner::new(2)).keys(),
        pairs.sort_by_key(Order::Descending).keys(),
        pairs.sort_by_key_into(4, Order::Descending).keys(),
        pairs.repartition_and_sort_within_partitions(HashPartitioner::new(2)).keys(),
        pairs.join(&pairs).keys(),
        pairs.join(&some).keys(),
        some.join(&pairs).keys(),
        pairs.left_outer_join(&some).keys(),
        pairs.cogroup(&pairs).keys(),
        pairs.subtract_by_key(&some).keys(),
        none.pipe("cat").map(|_| 0),
    ];
    for rdd in &empty {
        assert_eq!(rdd.collect().unwrap(), NONE, "{}", rdd.to_debug_string());
        assert_eq!((rdd.count().unwrap(), rdd.is_empty().unwrap()), (0, true), "{}", rdd.to_debug_string());
    }
    assert_eq!(pairs.right_outer_join(&some).count().unwrap(), 3);
    assert_eq!(some.subtract_by_key(&pairs).count().unwrap(), 3);
    assert_eq!(none.union(&sc.range(0..3)).count().unwrap(), 3);
    assert_eq!(none.take(3).unwrap(), NONE);
    assert_eq!(none.top(3).unwrap(), NONE);
    assert_eq!(none.take_sample(false, 3, 1).unwrap(), NONE);
    assert_eq!(none.fold(5, |a, b| a + b).unwrap(), 5);
    assert_eq!(none.tree_aggregate(5, |a, b| a + b, |a, b| a + b, 2).unwrap(), 5);
    assert_eq!(none.count_by_value().unwrap(), HashMap::new());
    assert_eq!(none.count_approx_distinct(0.05).unwrap(), 0);
    assert_eq!(none.count_approx(Duration::from_secs(60), 0.9).unwrap().value.mean, 0.0);
    assert_eq!(pairs.lookup(&3).unwrap(), NONE);
    assert_eq!(pairs.reduce_by_key(|a, b| a + b).lookup(&3).unwrap(), NONE);
    assert_eq!(none.to_local_iterator().count(), 0);
    assert!(none.random_split(&[1.0, 2.0], 1).iter().all(|part| part.is_empty().unwrap()));
    none.foreach(|_| ()).unwrap();
    for result in
        [none.first(), none.reduce(|a, b| a + b), none.min(), none.max(), none.tree_reduce(|a, b| a + b, 2)]
    {
        says(&error(result), &["the RDD is empty", "shapes.rs"]);
    }
    let out = sc.dir.path().join("empty-output");
    none.save_as_text_file(out.to_str().unwrap()).unwrap();
    assert!(out.join("_SUCCESS").exists());
    assert!(sc.is_idle());
}

#[test]
fn one_key_with_nearly_all_records() {
    for memory in ["1m", "256m"] {
        let sc = Own::new(memory);
        let pairs = sc.range_in(0..100_000, 4).map(|x| (if x % 10 == 0 { x } else { -1 }, x));
        let sums: BTreeMap<i64, i64> =
            pairs.reduce_by_key(|a, b| a + b).collect().unwrap().into_iter().collect();
        assert_eq!((sums.len(), sums[&-1]), (10_001, (0..100_000i64).filter(|x| x % 10 != 0).sum()));
        let sizes = pairs.group_by_key_into(3).map_values(|vs| (vs.len(), vs.is_sorted()));
        let sizes: BTreeMap<_, _> = sizes.collect().unwrap().into_iter().collect();
        assert_eq!((sizes.len(), sizes[&-1]), (10_001, (90_000, true)));
        let sorted = pairs.sort_by_key_into(4, Order::Ascending).collect().unwrap();
        assert!(sorted.is_sorted() && sorted.len() == 100_000);
        let few = sc.range_in(0..600, 3).map(|x| (if x % 10 == 0 { x } else { -1 }, x));
        assert_eq!(few.join(&few).count().unwrap(), 540 * 540 + 60);
        assert_eq!(few.join(&pairs).count().unwrap(), 540 * 90_000 + 60);
    }
}

#[test]
fn many_more_partitions_than_records() {
    let sc = context();
    let three = sc.parallelize([1, 2, 3], 10_000);
    assert_eq!(three.collect().unwrap(), [1, 2, 3]);
    assert_eq!(three.take(3).unwrap(), [1, 2, 3]);
    assert_eq!(three.coalesce(2).collect().unwrap(), [1, 2, 3]);
    assert_eq!(three.zip_with_index().map(|(_, i)| i).collect().unwrap(), [0, 1, 2]);
    assert_eq!(sorted(three.repartition(2).collect().unwrap()), [1, 2, 3]);
    let wide = sc.range_in(0..1000, 200).map(|x| (x % 50, x)).reduce_by_key_into(200, |a, b| a + b);
    assert_eq!(wide.values().sum().unwrap(), 499_500);
    let sorted = wide.sort_by_key_into(200, Order::Descending).keys().collect().unwrap();
    assert_eq!(sorted, (0..50).rev().collect::<Vec<_>>());
    assert_eq!(wide.join(&wide.map(|pair| pair)).count().unwrap(), 50);
}

#[test]
fn rdds_of_two_contexts_do_not_mix() {
    let (here, there) = (context(), context());
    let (a, b) = (here.range_in(0..10, 2), there.range_in(100..110, 2));
    let (x, y) = (a.map(|x| (x, x)), b.map(|x| (x, x)));
    let words = ["belongs to another context", "shapes.rs"];
    says(&error(a.union(&b).collect()), &words);
    says(&error(b.union(&a).map(|x| x).count()), &words);
    says(&error(here.union(&[a.clone(), b.clone()]).first()), &words);
    says(&error(there.union(&[a.clone(), a.clone()]).first()), &words);
    says(&error(a.zip(&b).unwrap().count()), &words);
    says(&error(a.cartesian(&b).count()), &words);
    says(&error(a.subtract(&b).count()), &words);
    says(&error(a.intersection(&b).count()), &words);
    says(&error(x.join(&y).count()), &words);
    says(&error(x.cogroup3(&x, &y).sort_by(|(k, _)| *k, Order::Ascending).count()), &words);
    assert!(!a.union(&b).to_debug_string().is_empty());
    assert_eq!(a.union(&here.parallelize(b.collect().unwrap(), 2)).count().unwrap(), 20);
}

#[test]
fn records_larger_than_the_memory_come_through() {
    fn text(x: i64) -> String {
        format!("{}{x:02}", " ".repeat(1 << 20))
    }
    let sc = Own::new("1m");
    let large = sc.range_in(0..24, 3).map(|x| (x % 4, text(x)));
    let groups = large
        .group_by_key_into(2)
        .map_values(|texts| texts.iter().map(|t| t.trim().to_string()).collect::<Vec<_>>());
    let groups: BTreeMap<i64, Vec<String>> = groups.collect().unwrap().into_iter().collect();
    let wanted = |k: i64| (0..24).filter(|x| x % 4 == k).map(|x| format!("{x:02}")).collect::<Vec<_>>();
    assert_eq!(groups, (0..4).map(|k| (k, wanted(k))).collect());
    let by_text = large.map(|(k, text)| (text, k)).sort_by_key_into(3, Order::Descending);
    assert_eq!(by_text.values().collect().unwrap(), (0..24).rev().map(|x| x % 4).collect::<Vec<_>>());
    assert_eq!(by_text.lookup(&text(7)).unwrap(), [3]);
    assert_eq!(large.join(&sc.range_in(0..2, 1).map(|x| (x, x))).count().unwrap(), 12);
    assert_eq!(large.values().distinct().count().unwrap(), 24);
    assert_eq!(
        large.repartition(5).values().map(|text| text.len() as u64).sum().unwrap(),
        24 * ((1 << 20) + 2)
    );
}
