//! Counts the words of text files.
//!
//! `cargo run --release --example word_count -- PATH... [--top N] [--output DIR]`

#![expect(clippy::print_stdout, reason = "a command-line tool speaks on standard output")]

use clap::Parser;
use firesteel::{Context, Result, Str};
use std::cmp::Reverse;
use std::time::Instant;

/// Words are small and many: an allocator made for that is worth a fifth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Counts the words of text files, on all cores.
#[derive(Parser)]
#[command(
    after_help = "Examples:\n  word_count README.md\n  word_count 'logs/*.gz' --top 20 --output counts\n  \
                        word_count /usr/share/doc --master 'local[2]'"
)]
struct Arguments {
    /// Files, directories or patterns; `.gz`, `.bz2`, `.zst` and `.deflate` are decompressed
    #[arg(required = true)]
    paths: Vec<String>,
    /// Print so many of the most frequent words
    #[arg(long, default_value_t = 10)]
    top: usize,
    /// Write all counts, as lines of word, tab, count, into a new directory
    #[arg(long, value_name = "DIR")]
    output: Option<String>,
    /// Where to run: local[*], local-cluster[2,1,1024], firesteel://HOST:7077; all cores of this machine when nothing else is said
    #[arg(long, env = "FIRESTEEL_MASTER", default_value = "local[*]")]
    master: String,
}

#[firesteel::main]
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let sc = Context::builder().master(&arguments.master).app_name("word count").get_or_create()?;

    let paths = arguments.paths.join(",");
    let files = sc.list_files(&paths)?;
    let counts = sc
        .text_file(&paths, None)?
        .flat_map_push(|line, out| out.extend(line.split_whitespace().map(|word| (Str::from(word), 1u64))))
        .reduce_by_key(|a, b| a + b);

    let top = counts.take_ordered_by(arguments.top, |(word, count)| (Reverse(*count), word.clone()))?;
    for (word, count) in top {
        println!("{count:>12}  {word}");
    }
    if let Some(directory) = &arguments.output {
        counts.map(|(word, count)| format!("{word}\t{count}")).save_as_text_file(directory)?;
        println!("all counts are in {directory}");
    }
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let seconds = started.elapsed().as_secs_f64();
    let (amount, unit) =
        if bytes < 1_000_000 { (bytes as f64 / 1e3, "kB") } else { (bytes as f64 / 1e6, "MB") };
    println!("{amount:.1} {unit} in {seconds:.2} s");
    Ok(())
}
