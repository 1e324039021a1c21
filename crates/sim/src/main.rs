//! Runs the simulator: `firesteel-sim [standalone | managed | restarts] [--seeds N] [--seed S] [--throughput]`.

use firesteel_sim::{
    ManagedReport, Report, RestartsReport, StandaloneReport, Violation, run_managed_seed, run_restarts_seed,
    run_seed, run_standalone_seed, shuffle_memory, throughput,
};
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

const USAGE: &str =
    "usage: firesteel-sim [standalone | managed | restarts] [--seeds N] [--seed S] [--throughput]
  standalone    only the standalone cluster's worlds
  managed       only the worlds in which a cluster manager lends executors
  restarts      only the worlds in which drivers are killed and start again
                (without any: the scheduler's, those with managers, and a share of the others)
  --seeds N     how many seeds to run (default 1000)
  --seed S      the first of them (default 0)
  --throughput  measure the scheduler alone instead: memory for one large shuffle, decisions a second";

/// The options of the command line.
struct Wish {
    seeds: u64,
    first: u64,
    throughput: bool,
    /// The only worlds to run; all, if none.
    only: Option<Only>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Only {
    Standalone,
    Managed,
    Restarts,
}

/// Of so many seeds, one is also run as a world of the standalone cluster.
const STANDALONE_SHARE: u64 = 4;

/// Of so many seeds, one is also run with drivers that are killed: dozens of times each.
const RESTARTS_SHARE: u64 = 4;

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
    let mut wish = Wish { seeds: 1000, first: 0, throughput: false, only: None };
    while let Some(message) = messages.next() {
        let mut number = || {
            let value = messages.next().ok_or_else(|| format!("{message} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{value} is no number"))
        };
        match message.as_str() {
            "--seeds" => wish.seeds = number()?,
            "--seed" => wish.first = number()?,
            "--throughput" => wish.throughput = true,
            "standalone" => wish.only = Some(Only::Standalone),
            "managed" => wish.only = Some(Only::Managed),
            "restarts" => wish.only = Some(Only::Restarts),
            _ => return Err(format!("unknown option {message}")),
        }
    }
    Ok(wish)
}

/// How one run went.
enum Outcome {
    Scheduler(Box<Result<Report, Violation>>),
    Standalone(Result<StandaloneReport, Violation>),
    Managed(Result<ManagedReport, Violation>),
    Restarts(Result<RestartsReport, Violation>),
}

/// Runs the worlds of a seed that were asked for, one after the other.
fn outcomes(seed: u64, wish: &Wish) -> impl Iterator<Item = Outcome> {
    let scheduler = wish.only.is_none().then(|| Outcome::Scheduler(Box::new(run_seed(seed))));
    let is_shared = wish.only.is_none() && seed.is_multiple_of(STANDALONE_SHARE);
    let has_standalone = is_shared || wish.only == Some(Only::Standalone);
    let standalone = has_standalone.then(|| Outcome::Standalone(run_standalone_seed(seed)));
    let has_managed = wish.only.is_none() || wish.only == Some(Only::Managed);
    let managed = has_managed.then(|| Outcome::Managed(run_managed_seed(seed)));
    let is_shared = wish.only.is_none() && seed.is_multiple_of(RESTARTS_SHARE);
    let has_restarts = is_shared || wish.only == Some(Only::Restarts);
    let restarts = has_restarts.then(|| Outcome::Restarts(run_restarts_seed(seed)));
    scheduler.into_iter().chain(standalone).chain(managed).chain(restarts)
}

/// Runs the seeds on all processors; each run is on one thread, and the outcome does not depend on which.
fn run(wish: &Wish) -> ExitCode {
    let next = AtomicU64::new(wish.first);
    let end = wish.first + wish.seeds;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (sender, receiver) = mpsc::channel();
    let mut all = (Report::default(), StandaloneReport::default(), ManagedReport::default());
    let mut restarts = RestartsReport::default();
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
                Outcome::Managed(run) => run.map(|report| all.2.add(&report)).err(),
                Outcome::Restarts(run) => run.map(|report| restarts.add(&report)).err(),
            };
            if let Some(violation) = violation {
                violations += 1;
                send(&violation.to_string());
            }
        }
    });
    send(&format!("{} seeds from {}, {violations} violations", wish.seeds, wish.first));
    if wish.only.is_none() {
        send(&all.0.to_string());
    }
    if wish.only.is_none() || wish.only == Some(Only::Standalone) {
        send(&all.1.to_string());
    }
    if wish.only.is_none() || wish.only == Some(Only::Managed) {
        send(&all.2.to_string());
    }
    if wish.only.is_none() || wish.only == Some(Only::Restarts) {
        send(&restarts.to_string());
    }
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn send(text: &str) {
    // A reader that has closed the pipe is no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
