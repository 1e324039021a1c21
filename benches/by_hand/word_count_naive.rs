//! Word count as one would first write it in Rust: a `String` for each new word, one map per thread, the maps
//! merged at the end.
//!
//! It shows what layout is worth beyond the choice of language.

use std::collections::HashMap;
use std::path::Path;

use firesteel_benches::words::Split;
use firesteel_benches::{params, report, threads};

fn main() {
    let (path, threads) = (params::text(), params::threads());
    report::measure(|| count(&path, threads));
}

fn count(path: &Path, threads: usize) -> String {
    let length = std::fs::metadata(path).expect("the text exists").len();
    let part = length.div_ceil(threads as u64);
    let maps = threads::parallel(threads, threads, |index| {
        let split = Split::read(path, index as u64 * part, part as usize).expect("the text can be read");
        let mut counts: HashMap<String, u64> = HashMap::new();
        split.for_each_word(|word| {
            *counts.entry(String::from_utf8_lossy(word.bytes()).into_owned()).or_default() += 1;
        });
        counts
    });
    let mut maps = maps.into_iter();
    let mut total = maps.next().unwrap_or_default();
    for (word, count) in maps.flatten() {
        *total.entry(word).or_default() += count;
    }
    let top = report::top_words(total.iter().map(|(word, count)| (word.as_bytes(), *count)));
    report::word_answer(&top, total.len())
}
