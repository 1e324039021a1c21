//! Programs like those of the examples, small, with answers that can be compared: for chaos to strike.

use super::support::sorted;
use firesteel::{Context, Rdd, Result, Str};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What a program answers: lines of text, in an order that does not depend on who computed them, and what its functions added up.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) lines: Vec<String>,
    pub(crate) added: i128,
}

/// A program: it may write below the directory, where its input already lies.
pub(crate) type Program = fn(&Context, &Path) -> Result<Answer>;

pub(crate) const PROGRAMS: [(&str, Program); 5] = [
    ("word count", word_count),
    ("page rank", page_rank),
    ("join", join),
    ("cached iterations", iterations),
    ("save", save),
];

/// Writes what programs read.
pub(crate) fn write_input(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    for file in 0..6u64 {
        let word = |n: u64| format!("word{}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 55);
        let line = |n: u64| (0..8).map(|i| word(file * 8000 + n * 8 + i)).collect::<Vec<_>>().join(" ");
        let text = (0..1000).map(|n| line(n) + "\n").collect::<String>();
        fs::write(dir.join(format!("text-{file}")), text).unwrap();
    }
}

/// Tasks take their time, so that they can be hit.
fn take_time() {
    std::thread::sleep(Duration::from_millis(60));
}

fn word_count(sc: &Context, dir: &Path) -> Result<Answer> {
    let added = sc.long_accumulator();
    let text = sc.text_file(dir.join("text-*").to_str().unwrap(), 6)?;
    let words = text.flat_map_with(added.adder(), |added, line| {
        added.add(1);
        line.split(' ').map(Str::from).collect::<Vec<_>>()
    });
    let counts = words.map(|word| (word, 1)).reduce_by_key_into(5, |a, b| a + b).map_partitions(|all| {
        take_time();
        all
    });
    let lines = sorted(counts.collect()?.into_iter().map(|(word, n)| format!("{word} {n}")));
    Ok(Answer { lines, added: added.value() })
}

fn page_rank(sc: &Context, _: &Path) -> Result<Answer> {
    let added = sc.long_accumulator();
    let links = sc.range_in(0..120, 4).map_with(added.adder(), |added, from| {
        added.add(1);
        (from, (1..=from % 5 + 1).map(|n| (from * 7 + n * n) % 120).collect::<Vec<i64>>())
    });
    let links = links.reduce_by_key_into(4, |a, b| [a, b].concat()).cache();
    let mut ranks: Rdd<(i64, f64)> = links.map_values(|_| 1.0);
    for step in 0..4 {
        let given = links.join_into(4, &ranks).flat_map(|(_, (targets, rank))| {
            let share = rank / targets.len() as f64;
            targets.into_iter().map(move |target| (target, share)).collect::<Vec<_>>()
        });
        ranks = given.reduce_by_key_into(4, |a, b| a + b).map_values(|sum| 0.15 + 0.85 * sum);
        if step == 1 {
            ranks.cache();
            ranks.count()?;
        }
    }
    let slow = ranks.map_partitions(|all| {
        take_time();
        all
    });
    // To the last bit: sums are made in the same order, whoever makes them.
    let lines =
        sorted(slow.collect()?.into_iter().map(|(page, rank)| format!("{page} {:016x}", rank.to_bits())));
    Ok(Answer { lines, added: added.value() })
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    customer: u32,
    amount: u64,
}

fn join(sc: &Context, _: &Path) -> Result<Answer> {
    let added = sc.long_accumulator();
    let orders = sc.range_in(0..3000, 6).map_with(added.adder(), |added, n| {
        let order = Order { customer: (n * 31 % 97) as u32, amount: n as u64 };
        added.add(i64::from(order.customer));
        (order.customer, order)
    });
    let customers = sc.range_in(0..80, 3).map(|n| (n as u32, Str::from(format!("customer {n}"))));
    let named = orders.join_into(5, &customers).map(|(_, (order, name))| (name, order.amount));
    let slow = named.map_partitions(|all| {
        take_time();
        all
    });
    let totals = slow.aggregate_by_key(
        (0u64, 0u64),
        |(n, sum), amount| (n + 1, sum + amount),
        |a, b| (a.0 + b.0, a.1 + b.1),
    );
    let lines = sorted(totals.collect()?.into_iter().map(|(name, total)| format!("{name} {total:?}")));
    Ok(Answer { lines, added: added.value() })
}

fn iterations(sc: &Context, _: &Path) -> Result<Answer> {
    let added = sc.long_accumulator();
    let points = sc.range_in(0..4000, 6).map_with(added.adder(), |added, n| {
        added.add(1);
        n * n % 1009
    });
    let points = points.cache();
    let mut centres = vec![10i64, 300, 800];
    let mut lines = vec![];
    for _ in 0..5 {
        let near = points.map_with(centres.clone(), |centres, point| {
            let nearest = (0..centres.len()).min_by_key(|&i| (centres[i] - point).abs()).unwrap_or_default();
            (nearest as u32, (point, 1i64))
        });
        let sums = near.reduce_by_key_into(2, |a, b| (a.0 + b.0, a.1 + b.1)).map_partitions(|all| {
            take_time();
            all
        });
        for (centre, (sum, n)) in sums.collect()? {
            centres[centre as usize] = sum / n;
        }
        lines.push(format!("{centres:?}"));
    }
    Ok(Answer { lines, added: added.value() })
}

fn save(sc: &Context, dir: &Path) -> Result<Answer> {
    let added = sc.long_accumulator();
    let numbers = sc.range_in(0..30_000, 8).map_with(added.adder(), |added, n| {
        added.add(1);
        (n % 1000, n)
    });
    let sums = numbers.reduce_by_key_into(6, |a, b| a + b).map_partitions(|all| {
        take_time();
        all.map(|(key, sum)| format!("{key} {sum}"))
    });
    let out = dir.join("saved");
    sums.save_as_text_file(out.to_str().unwrap())?;
    let mut names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let texts = names.iter().map(|name| fs::read_to_string(out.join(name)).unwrap());
    let lines = sorted(texts.collect::<String>().lines().map(String::from));
    let names = names.into_iter().map(|name| name.into_string().unwrap());
    Ok(Answer { lines: names.chain(lines).collect(), added: added.value() })
}
