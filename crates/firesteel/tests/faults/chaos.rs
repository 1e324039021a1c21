//! Chaos: executors are killed, or frozen and resumed, at moments that a seed chooses, while a program runs.
//! Its answer is right, or it fails with a clear message; its accumulators are exact; its output is there once;
//! and nothing is left.
//!
//! A seed chooses the program, the cluster, and what happens when; what the machine makes of that differs from run to run.
//! `cargo xtask chaos` runs many seeds.

use super::programs::{PROGRAMS, write_input};
use super::support::*;
use rustix::process::Signal;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// So many seeds in the tests.
const SEEDS: u64 = 5;

/// Chance that comes from a seed: Steele, Lea and Flood's SplitMix64.
struct Dice(u64);

impl Dice {
    /// A number below `n`.
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// What happens to an executor.
#[derive(Clone, Copy, Debug)]
enum Strike {
    Kill,
    /// It is frozen for so many milliseconds: for less than the network timeout, or for more.
    Freeze(u64),
}

#[test]
fn seeds() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("FIRESTEEL_CHAOS_SEED").unwrap_or(0);
    let seeds = number("FIRESTEEL_CHAOS_SEEDS").unwrap_or(SEEDS);
    let failed: Vec<u64> = (first..first + seeds).filter(|seed| !survives(*seed)).collect();
    eprintln!("{seeds} seeds, {} of them ended in a clear failure: {failed:?}", failed.len());
    assert!(failed.len() as u64 <= seeds / 5, "too many jobs failed");
}

/// Runs a seed. False when the program failed, with clear words.
fn survives(seed: u64) -> bool {
    let mut dice = Dice(seed);
    let (name, program) = PROGRAMS[(seed % PROGRAMS.len() as u64) as usize];
    let service = if dice.below(2) == 0 { ALONE } else { SERVED };
    let (executors, cores) = (2 + dice.below(2) as u32, 1 + dice.below(2) as u32);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    write_input(dir.path());
    let local =
        firesteel::Context::builder().master("local[2]").conf("firesteel.memory", "256m").create().unwrap();
    let expected = program(&local, dir.path()).unwrap();
    local.stop();
    let _ = std::fs::remove_dir_all(dir.path().join("saved"));

    let cluster = Cluster::start(executors, cores, &[service]);
    eprintln!("seed {seed}: {name} on {executors} executors with {cores} cores, {} {}", service.0, service.1);
    let is_over = AtomicBool::new(false);
    let answer = std::thread::scope(|scope| {
        scope.spawn(|| strike(&cluster, dice, &is_over));
        let answer = program(&cluster.sc, dir.path());
        is_over.store(true, Relaxed);
        answer
    });
    let survived = match answer {
        Ok(answer) => {
            assert!(answer == expected, "seed {seed}, {name}: {answer:?} instead of {expected:?}");
            true
        }
        Err(error) => {
            let text = error.to_string();
            eprintln!("seed {seed}, {name}: {text}");
            assert!(
                text.contains("was lost") || text.contains("could not fetch"),
                "seed {seed}, {name}: {text}"
            );
            assert!(!dir.path().join("saved").exists(), "a job that failed left output");
            false
        }
    };
    cluster.end();
    survived
}

/// Strikes now and then, until the program is over or enough was done.
fn strike(cluster: &Cluster, mut dice: Dice, is_over: &AtomicBool) {
    let strikes = 1 + dice.below(4);
    for _ in 0..strikes {
        std::thread::sleep(Duration::from_millis(dice.below(150)));
        if is_over.load(Relaxed) {
            return;
        }
        let executors = cluster.processes();
        let (which, what) = (dice.below(16) as usize, strike_of(dice.below(10)));
        let Some(&victim) = executors.get(which % executors.len().max(1)) else { continue };
        eprintln!("    {what:?} {victim}");
        match what {
            Strike::Kill => kill(victim),
            Strike::Freeze(milliseconds) => {
                signal(victim, Signal::STOP);
                std::thread::sleep(Duration::from_millis(milliseconds));
                signal(victim, Signal::CONT);
            }
        }
    }
}

fn strike_of(number: u64) -> Strike {
    match number {
        0..6 => Strike::Kill,
        6..9 => Strike::Freeze(150),
        _ => Strike::Freeze(3000),
    }
}
