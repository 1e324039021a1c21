//! Report lines, which the harness reads: `run K: seconds`, `answer: ...`, `seconds: ...` and `peak_kib: ...`.

use std::convert::Infallible;
use std::time::Instant;

use crate::params;

/// Runs the job as often as `BENCH_RUNS` says (once by default), and prints the times, the answer and the peak memory.
///
/// # Panics
/// When two runs answer differently.
pub fn measure(job: impl Fn() -> String) {
    let Ok(()) = try_measure(|| Ok::<_, Infallible>(job()));
}

/// [`measure`] for a job that can fail.
///
/// # Errors
/// The job's error.
///
/// # Panics
/// When two runs answer differently.
pub fn try_measure<E>(job: impl Fn() -> Result<String, E>) -> Result<(), E> {
    let mut answers: Vec<String> = Vec::new();
    let mut seconds = Vec::new();
    for run in 1..=params::number("BENCH_RUNS", 1).max(1) {
        let start = Instant::now();
        answers.push(job()?);
        seconds.push(start.elapsed().as_secs_f64());
        println!("run {run}: {:.4}", start.elapsed().as_secs_f64());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "runs answer differently: {answers:?}");
    println!("answer: {}", answers[0]);
    println!("seconds: {:.4}", median(&mut seconds));
    if let Some(kib) = peak_kib() {
        println!("peak_kib: {kib}");
    }
    Ok(())
}

/// The number of the most frequent words that are part of the answer.
const TOP: usize = 5;

/// Returns the most frequent words, the first by name among equals.
pub fn top_words<W: AsRef<[u8]>>(words: impl Iterator<Item = (W, u64)>) -> Vec<(String, u64)> {
    let mut top: Vec<(String, u64)> = Vec::with_capacity(TOP + 1);
    for (word, count) in words {
        if top.len() == TOP && count < top[TOP - 1].1 {
            continue;
        }
        top.push((String::from_utf8_lossy(word.as_ref()).into_owned(), count));
        top.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        top.truncate(TOP);
    }
    top
}

/// Returns the answer of the word counts.
pub fn word_answer(top: &[(String, u64)], distinct: usize) -> String {
    let words: Vec<String> = top.iter().map(|(word, count)| format!("{word}={count}")).collect();
    format!("{} distinct={distinct}", words.join(" "))
}

fn median(seconds: &mut [f64]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// Returns the most memory that this process had, as the kernel counts it.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
