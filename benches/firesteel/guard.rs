//! The guard workloads: small programs whose instructions are counted, against getting slower: `cargo xtask
//! instructions`.
//!
//! One task slot, no progress bar, and records by formula: two runs differ only in how often threads wake up.

#![expect(clippy::print_stdout, reason = "the answer shows that the work was done")]

use firesteel::{Context, Result, Str};
use firesteel_benches::data;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let workload = std::env::args().nth(1).unwrap_or_default();
    let sc = Context::builder()
        .master("local[1]")
        .conf("firesteel.ui.show_console_progress", "false")
        // Pages have threads of their own, whose instructions are no part of a program's work.
        .conf("firesteel.ui.enabled", "false")
        .conf("firesteel.memory", "256m")
        .create()?;
    let answer = match workload.as_str() {
        "nothing" => nothing(&sc)?,
        "map_filter_reduce" => map_filter_reduce(&sc)?.cast_unsigned(),
        "reduce_by_key" => reduce_by_key(&sc)?,
        "word_count" => word_count(&sc)?,
        _ => panic!("`{workload}`: say nothing, map_filter_reduce, reduce_by_key or word_count"),
    };
    println!("answer: {answer:016x}");
    Ok(())
}

/// Does the work that every program pays once, which is subtracted from the others' counts.
fn nothing(sc: &Context) -> Result<u64> {
    sc.range_in(0..1, 1).map(|i| i as u64).reduce(u64::wrapping_add)
}

fn map_filter_reduce(sc: &Context) -> Result<i64> {
    let numbers = sc.range_in(0..2_000_000, 4).map(|i| i * 3 + 7);
    numbers.filter(|x| x % 5 != 0).map(|x| x ^ (x >> 3)).reduce(i64::wrapping_add)
}

fn reduce_by_key(sc: &Context) -> Result<u64> {
    let pairs = sc.range_in(0..400_000, 4).map(|i| (data::below(i as u64, 20_000), 1u64));
    let sums = pairs.reduce_by_key(|a, b| a + b);
    sums.map(|(key, sum)| data::mix(key * 31 + sum)).reduce(u64::wrapping_add)
}

fn word_count(sc: &Context) -> Result<u64> {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let path = folder.path().join("text");
    std::fs::write(&path, text(200_000)).expect("the text can be written");
    let words = sc.text_file(&path.to_string_lossy(), 4)?.flat_map_push(|line, words| {
        words.extend(line.split_ascii_whitespace().map(|word| (Str::from(word), 1u64)));
    });
    let counts = words.reduce_by_key(|a, b| a + b);
    counts.map(|(word, count)| data::mix(word.len() as u64 * 31 + count)).reduce(u64::wrapping_add)
}

/// Makes text of ten words a line, short and long, frequent and rare. Made cheaply: it is counted too.
fn text(words: u64) -> String {
    let starts = ["a", "of", "register", "some_longer_identifier_"];
    let vocabulary: Vec<String> = (0..20_000).map(|rank| format!("{}{rank:x}", starts[rank % 4])).collect();
    let mut text = String::new();
    for index in 0..words {
        // Small numbers come more often than large ones.
        let rank = data::below(index, 20_000) * data::below(index + (1 << 40), 20_000) / 20_000;
        text.push_str(&vocabulary[rank as usize]);
        text.push(if index % 10 == 9 { '\n' } else { ' ' });
    }
    text
}
