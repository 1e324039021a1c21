//! Runs the simulator: `firesteel-sim [standalone] [--seeds N] [--seed S] [--throughput]`.

use firesteel_sim::{
    Report, StandaloneReport, Violation, run_seed, run_standalone_seed, shuffle_memory, throughput,
};
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

const USAGE: &str = "usage: firesteel-sim [standalone] [--seeds N] [--seed S] [--throughput]
  standalone    only the standalone cluster's worlds; without it, those of the scheduler, and a share of these
  --seeds N     how many seeds to run (default 1000)
  --seed S      the first of them (default 0)
  --throughput  measure the scheduler alone instead: memory for one large shuffle, decisions a second";

/// The options of the command line.
struct Wish {
    seeds: u64,
    first: u64,
    throughput: bool,
    standalone: bool,
}

/// Of so many seeds, one is also run as a world of the standalone cluster.
const STANDALONE_SHARE: u64 = 4;

fn main() -> ExitCode {
    let wish = match parse(std::env::args().skip(1)) {
        Ok(wish) => wish,
        Err(mistake) => {
            send(&format!("{mistake}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    if wish.throughput {
        // First, while the process is small.
        send(&shuffle_memory(200_000, 1_000).to_string());
        for (executors, tasks) in [(1, 10_000), (100, 100_000), (10_000, 1_000_000)] {
            send(&throughput(executors, tasks).to_string());
        }
        return ExitCode::SUCCESS;
    }
    run(&wish)
}

fn parse(mut messages: impl Iterator<Item = String>) -> Result<Wish, String> {
    let mut wish = Wish { seeds: 1000, first: 0, throughput: false, standalone: false };
    while let Some(message) = messages.next() {
        let mut number = || {
            let value = messages.next().ok_or_else(|| format!("{message} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{value} is no number"))
        };
        match message.as_str() {
            "--seeds" => wish.seeds = number()?,
            "--seed" => wish.first = number()?,
            "--throughput" => wish.throughput = true,
            "standalone" => wish.standalone = true,
            _ => return Err(format!("unknown option {message}")),
        }
    }
    Ok(wish)
}

/// How one run went.
enum Outcome {
    Scheduler(Box<Result<Report, Violation>>),
    Standalone(Result<StandaloneReport, Violation>),
}

/// Runs the worlds of a seed that were asked for, one after the other.
fn outcomes(seed: u64, wish: &Wish) -> impl Iterator<Item = Outcome> {
    let scheduler = (!wish.standalone).then(|| Outcome::Scheduler(Box::new(run_seed(seed))));
    let is_shared = wish.standalone || seed.is_multiple_of(STANDALONE_SHARE);
    let standalone = is_shared.then(|| Outcome::Standalone(run_standalone_seed(seed)));
    scheduler.into_iter().chain(standalone)
}

/// Runs the seeds on all processors; each run is on one thread, and the outcome does not depend on which.
fn run(wish: &Wish) -> ExitCode {
    let next = AtomicU64::new(wish.first);
    let end = wish.first + wish.seeds;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (sender, receiver) = mpsc::channel();
    let mut all = (Report::default(), StandaloneReport::default());
    let mut violations = 0;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (next, sender) = (&next, sender.clone());
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || outcomes(seed, wish).any(|outcome| sender.send(outcome).is_err()) {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for outcome in receiver {
            let violation = match outcome {
                Outcome::Scheduler(run) => run.map(|report| all.0.add(&report)).err(),
                Outcome::Standalone(run) => run.map(|report| all.1.add(&report)).err(),
            };
            if let Some(violation) = violation {
                violations += 1;
                send(&violation.to_string());
            }
        }
    });
    send(&format!("{} seeds from {}, {violations} violations", wish.seeds, wish.first));
    if !wish.standalone {
        send(&all.0.to_string());
    }
    send(&all.1.to_string());
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn send(text: &str) {
    // A reader that has closed the pipe is no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
