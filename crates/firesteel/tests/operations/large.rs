//! Large inputs, for which the small contexts have too little memory: the same answers, by way of the disk.

use super::support::*;
use firesteel::{Data, HashPartitioner, Order, Partitioner, Rdd, Result, Str};
use std::fs;
use std::sync::OnceLock;

/// How many different keys there are.
const KEYS: i64 = 8_000;

/// Numbers whose texts lie close together by their hashes. However finely a shuffle cuts the keys of a reducer, these stay
/// together, and are too much for hardly any memory.
fn neighbours() -> &'static Vec<i64> {
    static NUMBERS: OnceLock<Vec<i64>> = OnceLock::new();
    NUMBERS.get_or_init(|| {
        let rule = HashPartitioner::new(64);
        (0..).filter(|x| rule.partition(&text(*x)) == 3).take(KEYS as usize).collect()
    })
}

fn text(x: i64) -> String {
    format!("{x:>150}")
}

/// Pairs of a long key and a number: some megabytes. Each key comes three times.
fn many(sc: &firesteel::Context) -> Rdd<(String, i64)> {
    sc.range_in(0..3 * KEYS, 3).map_with(neighbours().clone(), |keys, x| (text(keys[(x % KEYS) as usize]), x))
}

/// The files that the process keeps for records that it could not hold in memory, whose names begin like this.
fn spilled(name: &str) -> usize {
    let dir = concat!(env!("CARGO_TARGET_TMPDIR"), "/operations");
    let ours = format!("firesteel-{}-", std::process::id());
    let all =
        fs::read_dir(dir).unwrap().flatten().filter(|e| e.file_name().to_string_lossy().starts_with(&ours));
    let files = all.flat_map(|context| fs::read_dir(context.path()).into_iter().flatten().flatten());
    files.filter(|file| file.file_name().to_string_lossy().starts_with(name)).count()
}

/// A digest of all partitions that sees each record and, where `in_order`, its place.
fn digest<T: Data + std::hash::Hash>(rdd: &Rdd<T>, in_order: bool) -> Result<Vec<(u64, u64)>> {
    rdd.map_partitions_with(in_order, |in_order, records| {
        use std::hash::{DefaultHasher, Hasher};
        let (mut sum, mut count) = (0u64, 0u64);
        for record in records {
            let mut hasher = DefaultHasher::new();
            record.hash(&mut hasher);
            let place = if *in_order { count } else { 0 };
            hasher.write_u64(place);
            sum = sum.wrapping_add(hasher.finish());
            count += 1;
        }
        [(sum, count)]
    })
    .collect()
}

/// Whether files whose names begin like this are there while the records are read.
fn goes_to_disk<T: Data>(rdd: &Rdd<T>, name: &str) -> Result<bool> {
    let files = rdd.map_partitions_with(name.to_string(), |name, records| {
        let mut records = records.peekable();
        let found = records.peek().map_or(0, |_| spilled(name));
        // Keep the rest of the partition waiting until the files were counted.
        drop(records);
        [found]
    });
    Ok(files.max()? > 0)
}

/// Checks that all contexts agree, and that those with hardly any memory had to use the disk.
fn agree<T: Data + std::hash::Hash>(
    in_order: bool,
    name: &str,
    make: impl Fn(&firesteel::Context) -> Rdd<T>,
) {
    everywhere(|sc| digest(&make(sc), in_order));
    for place in places().iter().filter(|place| place.is_tiny) {
        let rdd = make(&place.sc);
        assert!(
            goes_to_disk(&rdd, name).unwrap(),
            "{} on {} needed no disk",
            rdd.to_debug_string(),
            place.name
        );
    }
}

#[test]
fn grouping() {
    agree(true, "spill-", |sc| many(sc).group_by_key_into(2));
    let key = text(neighbours()[4321]);
    check(vec![4321, 4321 + KEYS, 4321 + 2 * KEYS], |sc| Ok(many(sc).group_by_key().lookup(&key)?.concat()));
}

#[test]
fn reducing() {
    agree(true, "spill-", |sc| many(sc).reduce_by_key_into(1, |a, b| a.max(b)));
    agree(true, "spill-", |sc| many(sc).map(|(k, v)| (Str::from(k), v)).reduce_by_key_into(1, |a, b| a + b));
    everywhere(|sc| {
        digest(&many(sc).map(|(k, v)| ((k, v % 2), v)).reduce_by_key_into(1, |a, b| a + b), true)
    });
    agree(true, "spill-", |sc| many(sc).keys().distinct_into(1));
}

#[test]
fn combining_what_is_placed_already() {
    agree(true, "spill-", |sc| {
        many(sc)
            .partition_by(HashPartitioner::new(1))
            .map_values(|v| vec![v])
            .reduce_by_key(|a, b| [a, b].concat())
    });
}

#[test]
fn joining() {
    agree(true, "spill-", |sc| {
        let right = many(sc).filter(|(_, v)| v % 2 == 0).map_values(|v| format!("right {v}"));
        many(sc).join_into(2, &right)
    });
    agree(true, "spill-", |sc| many(sc).cogroup_into(1, &many(sc).filter(|(_, v)| v % 3 == 0)));
    agree(true, "spill-", |sc| {
        many(sc).subtract_by_key(&many(sc).filter(|(_, v)| *v < KEYS / 2)).coalesce(1)
    });
}

#[test]
fn sorting() {
    agree(true, "spill-", |sc| many(sc).sort_by_key_into(2, Order::Ascending));
    agree(true, "spill-", |sc| many(sc).sort_by_key_into(2, Order::Descending));
    agree(true, "spill-", |sc| many(sc).repartition_and_sort_within_partitions(HashPartitioner::new(2)));
    for place in places() {
        let keys = many(&place.sc).sort_by(|(k, v)| (k.clone(), *v), Order::Ascending).collect().unwrap();
        assert!(keys.is_sorted() && keys.len() as i64 == 3 * KEYS, "on {}", place.name);
    }
}

#[test]
fn shuffling() {
    agree(true, "shuffle-", |sc| many(sc).repartition(5));
    agree(true, "shuffle-", |sc| many(sc).partition_by(HashPartitioner::new(7)));
}

#[test]
fn pairing_all_with_all() {
    // The right side does not fit: it is computed again for each record of the left.
    everywhere(|sc| digest(&sc.range_in(0..4, 2).cartesian(&many(sc).coalesce(1)), true));
    check(12 * KEYS as u64, |sc| sc.range_in(0..4, 2).cartesian(&many(sc)).count());
}

#[test]
fn numbering_and_sampling() {
    everywhere(|sc| digest(&many(sc).zip_with_index(), true));
    everywhere(|sc| digest(&many(sc).sample(true, 0.7, 5), true));
    everywhere(|sc| Ok(sorted(many(sc).take_sample(false, 500, 5)?)));
    everywhere(|sc| many(sc).top_by(50, |(k, _)| k.clone()));
    everywhere(|sc| many(sc).tree_aggregate(0, |sum, (_, v)| sum + v, |a, b| a + b, 3));
}
