//! Small versions of the benchmarks' programs in hardly any memory: the same answers as with plenty, and a peak near the budget.

use firesteel::{Context, Order, Rdd, Result, Str};
use std::collections::BTreeMap;

const PLENTY: usize = 256 << 20;
const HARDLY_ANY: usize = 8 << 20;
/// What each consumer of a task gets in any case. A task has at most so many: it reads one shuffle, combines, writes another.
const FLOOR: usize = 1 << 20;
const CONSUMERS: usize = 3;
const SLOTS: usize = 2;

/// Runs a program with plenty of memory and with hardly any.
fn same_answer<R: PartialEq>(name: &str, program: impl Fn(&Context) -> Result<R>) -> R {
    same_answer_in(HARDLY_ANY, name, program)
}

/// Runs a program with plenty of memory and with only so much.
fn same_answer_in<R: PartialEq>(little: usize, name: &str, program: impl Fn(&Context) -> Result<R>) -> R {
    let run = |memory: usize| {
        let builder = Context::builder().master(&format!("local[{SLOTS}]")).app_name(name);
        let sc = builder.conf("firesteel.memory", &memory.to_string()).create().unwrap();
        let answer = program(&sc).unwrap();
        let peak = sc.peak_memory();
        assert!(peak <= memory + SLOTS * CONSUMERS * FLOOR, "{name} took {peak} bytes of {memory}");
        assert!(sc.is_idle());
        (answer, peak)
    };
    let (plenty, peak) = run(PLENTY);
    assert!(peak > little, "{name} needs only {peak} bytes: too small a test");
    let (hardly, _) = run(little);
    assert!(plenty == hardly, "{name} gives another answer when memory is short");
    plenty
}

/// Scatters whole numbers, the same way each time.
fn scatter(x: i64) -> i64 {
    ((x as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) as i64
}

/// Records summed up without an order: their count, and a sum of their digests.
fn digest<T: firesteel::Data + std::hash::Hash>(rdd: &Rdd<T>) -> Result<(u64, u64)> {
    use std::hash::{DefaultHasher, Hasher};
    let add = |(count, sum): (u64, u64), x: T| {
        let mut hasher = DefaultHasher::new();
        x.hash(&mut hasher);
        (count + 1, sum.wrapping_add(hasher.finish()))
    };
    rdd.aggregate((0, 0), add, |a, b| (a.0 + b.0, a.1.wrapping_add(b.1)))
}

#[test]
fn word_count() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("text");
    let word = |i: i64| format!("w{:x}", scatter(i) % if i % 3 == 0 { 50 } else { 150_000 });
    let lines = (0..40_000i64).map(|line| (0..10).map(|i| word(line * 10 + i)).collect::<Vec<_>>().join(" "));
    std::fs::write(&path, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let (count, top) = same_answer("word count", |sc| {
        let lines = sc.text_file(path.to_str().unwrap(), 4)?;
        let words = lines.flat_map_push(|line, out| out.extend(line.split(' ').map(Str::from)));
        let counts = words.map(|word| (word, 1u64)).reduce_by_key(|a, b| a + b);
        Ok((counts.values().sum()?, counts.top_by(20, |(word, n)| (*n, word.clone()))?))
    });
    assert_eq!((count, top.len()), (400_000, 20));
    let mut model = BTreeMap::<String, u64>::new();
    (0..400_000).for_each(|i| *model.entry(word(i)).or_default() += 1);
    assert!(top.iter().all(|(word, n)| model[word.as_str()] == *n));
}

#[test]
fn reduce_by_key() {
    let (keys, _) = same_answer("reduce_by_key", |sc| {
        digest(&sc.range_in(0..1_000_000, 4).map(|x| (scatter(x) % 100_000, x)).reduce_by_key(|a, b| a + b))
    });
    assert!((99_000..=100_000).contains(&keys));
}

#[test]
fn sort_by_key() {
    let (is_sorted, count, _) = same_answer("sort_by_key", |sc| {
        let pairs = sc.range_in(0..500_000, 4).map(|x| (scatter(x), x)).sort_by_key(Order::Ascending);
        let ends = pairs.map_partitions(|pairs| {
            let (mut first, mut last, mut ordered) = (None, None, true);
            pairs.for_each(|(key, _)| {
                first = first.or(Some(key));
                ordered &= last.is_none_or(|last| last <= key);
                last = Some(key);
            });
            first.zip(last).map(|(first, last)| (first, last, ordered))
        });
        let ends = ends.collect()?;
        let is_sorted = ends.iter().all(|end| end.2) && ends.windows(2).all(|pair| pair[0].1 < pair[1].0);
        let (count, sum) = digest(&pairs)?;
        Ok((is_sorted, count, sum))
    });
    assert_eq!((is_sorted, count), (true, 500_000));
}

#[test]
fn join() {
    let (pairs, _) = same_answer("join", |sc| {
        let left = sc.range_in(0..200_000, 4).map(|x| (x, scatter(x)));
        let right = sc.range_in(100_000..300_000, 3).map(|x| (x, format!("right {x}")));
        digest(&left.join(&right))
    });
    assert_eq!(pairs, 100_000);
}

#[test]
fn group_by_key() {
    let (groups, _) = same_answer("group_by_key", |sc| {
        let groups = sc.range_in(0..500_000, 4).map(|x| (scatter(x) % 1_000, x)).group_by_key();
        // In the order of the input, however often it spilled.
        digest(&groups.map(|(k, vs)| (k, vs.len(), vs.is_sorted())))
    });
    assert_eq!(groups, 1_000);
}

#[test]
fn pagerank() {
    let ranks = same_answer("pagerank", |sc| {
        let edges = sc.range_in(0..100_000, 4).map(|x| (scatter(x) % 10_000, scatter(x * 31 + 7) % 10_000));
        let links = edges.distinct().group_by_key();
        let mut ranks = links.map_values(|_| 1_000_000i64);
        for _ in 0..5 {
            let shares = links.join(&ranks).values().flat_map(|(targets, rank)| {
                let share = rank / targets.len() as i64;
                targets.into_iter().map(move |target| (target, share))
            });
            ranks = shares.reduce_by_key(|a, b| a + b).map_values(|sum| 150_000 + sum * 85 / 100);
        }
        ranks.top_by(100, |(page, rank)| (*rank, *page))
    });
    assert_eq!(ranks.len(), 100);
}

#[test]
fn kmeans() {
    let centers = same_answer_in(2 << 20, "kmeans", |sc| {
        let points = sc.range_in(0..160_000, 4).map(|x| {
            let coordinate = |i: i64| (scatter(x * 3 + i) % 1000) as i32 + (x % 5) as i32 * 2000;
            [coordinate(0), coordinate(1), coordinate(2)]
        });
        // Behind a shuffle, so that there is something to keep.
        let points = points.repartition(4);
        let mut centers: Vec<[i32; 3]> = (0..5).map(|i| [i * 1900, i * 1700, i * 2100]).collect();
        for _ in 0..3 {
            let sums = points.map_with(centers.clone(), |centers, point| {
                let distance = |c: &[i32; 3]| (0..3).map(|i| i64::from(c[i] - point[i]).pow(2)).sum::<i64>();
                let nearest = (0..centers.len()).min_by_key(|i| distance(&centers[*i])).unwrap_or(0);
                (nearest, (point.map(i64::from), 1i64))
            });
            let sums = sums.reduce_by_key(|(a, n), (b, m)| ([a[0] + b[0], a[1] + b[1], a[2] + b[2]], n + m));
            for (i, (sum, n)) in sums.collect()? {
                centers[i] = sum.map(|x| (x / n) as i32);
            }
        }
        Ok(centers)
    });
    // Each center has found its heap.
    assert!(
        centers.iter().enumerate().all(|(i, c)| c.iter().all(|x| (*x - i as i32 * 2000 - 500).abs() < 50)),
        "{centers:?}"
    );
}
