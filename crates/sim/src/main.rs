//! Runs the simulator: `firesteel-sim [--seeds N] [--seed S] [--throughput]`.

use firesteel_sim::{Report, run_seed, throughput};
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

const USAGE: &str = "usage: firesteel-sim [--seeds N] [--seed S] [--throughput]
  --seeds N     how many seeds to run (default 1000)
  --seed S      the first of them (default 0)
  --throughput  measure the scheduler alone instead";

/// What was asked for.
struct Wish {
    seeds: u64,
    first: u64,
    throughput: bool,
}

fn main() -> ExitCode {
    let wish = match parse(std::env::args().skip(1)) {
        Ok(wish) => wish,
        Err(mistake) => {
            say(&format!("{mistake}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    if wish.throughput {
        for (executors, tasks) in [(1, 10_000), (100, 100_000), (10_000, 1_000_000)] {
            say(&throughput(executors, tasks).to_string());
        }
        return ExitCode::SUCCESS;
    }
    run(&wish)
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Wish, String> {
    let mut wish = Wish { seeds: 1000, first: 0, throughput: false };
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{value} is no number"))
        };
        match word.as_str() {
            "--seeds" => wish.seeds = number()?,
            "--seed" => wish.first = number()?,
            "--throughput" => wish.throughput = true,
            _ => return Err(format!("unknown option {word}")),
        }
    }
    Ok(wish)
}

/// Runs the seeds on all processors; each run is on one thread, and the outcome does not depend on which.
fn run(wish: &Wish) -> ExitCode {
    let next = AtomicU64::new(wish.first);
    let end = wish.first + wish.seeds;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (sender, receiver) = mpsc::channel();
    let mut all = Report::default();
    let mut violations = 0;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (next, sender) = (&next, sender.clone());
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || sender.send(run_seed(seed)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for outcome in receiver {
            match outcome {
                Ok(report) => all.add(&report),
                Err(violation) => {
                    violations += 1;
                    say(&violation.to_string());
                }
            }
        }
    });
    say(&format!("{} seeds from {}, {violations} violations\n{all}", wish.seeds, wish.first));
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn say(text: &str) {
    // Nobody to talk to is no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
