//! Parameters of a workload, from environment variables, which a Rust program and a Scala script read alike.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `BENCH_N` | records |
//! | `BENCH_KEYS` | distinct keys, or nodes of the graph |
//! | `BENCH_ITERATIONS` | iterations of an iterative workload |
//! | `BENCH_PARTITIONS` | partitions, for the peers that have such a thing |
//! | `BENCH_THREADS` | threads; all of the machine's when unset |
//! | `BENCH_MASTER` | Firesteel's master; `local[BENCH_THREADS]` when unset |
//! | `BENCH_RUNS` | runs within the process |
//! | `BENCH_MEMORY` | the memory that a workload may take, such as `1g` |
//! | `BENCH_TEXT` | the file whose words are counted |
//! | `BENCH_TABLE` | the directory of the Parquet table that is scanned |

use std::path::PathBuf;

/// Returns a number, or the default when the variable is unset.
///
/// # Panics
/// When the variable is set to something that is no number.
pub fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => default,
    }
}

/// Returns the number of records.
pub fn records(default: u64) -> u64 {
    number("BENCH_N", default)
}

/// Returns the number of distinct keys.
pub fn keys(default: u64) -> u64 {
    number("BENCH_KEYS", default)
}

/// Returns the number of iterations.
pub fn iterations(default: u64) -> u64 {
    number("BENCH_ITERATIONS", default)
}

/// Returns the number of partitions.
pub fn partitions() -> usize {
    number("BENCH_PARTITIONS", 8) as usize
}

/// Returns the number of threads.
pub fn threads() -> usize {
    let all = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    number("BENCH_THREADS", all as u64).max(1) as usize
}

/// Returns Firesteel's master.
pub fn master() -> String {
    std::env::var("BENCH_MASTER").unwrap_or_else(|_| format!("local[{}]", threads()))
}

/// Returns the memory that the workload may take.
pub fn memory() -> String {
    std::env::var("BENCH_MEMORY").unwrap_or_else(|_| "1g".into())
}

/// Returns the file whose words are counted.
///
/// # Panics
/// When `BENCH_TEXT` is not set.
pub fn text() -> PathBuf {
    std::env::var_os("BENCH_TEXT").expect("BENCH_TEXT names the text whose words are counted").into()
}

/// Returns the directory of the Parquet table that is scanned.
///
/// # Panics
/// When `BENCH_TABLE` is not set.
pub fn table() -> String {
    std::env::var("BENCH_TABLE").expect("BENCH_TABLE names the table that is scanned")
}
