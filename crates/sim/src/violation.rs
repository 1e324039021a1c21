//! One seed from its beginning to its end, and what is said when it ends badly.

use crate::managed::{self, ManagedReport};
use crate::report::Report;
use crate::restarts::{self, RestartsReport};
use crate::standalone::{self, StandaloneReport};
use crate::world::World;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Something happened that must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The seed.
    pub seed: u64,
    /// The argument beside the seed with which the simulator shows it again.
    pub world: &'static str,
    /// The objection of the checker, as a sentence.
    pub objection: String,
    /// The last of what happened before, oldest first.
    pub story: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.objection)?;
        writeln!(f, "the last of what happened, with the virtual time in ms:")?;
        self.story.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        write!(f, "to see it again: cargo xtask sim --seeds 1 --seed {}{}", self.seed, self.world)
    }
}

impl std::error::Error for Violation {}

/// Runs the scheduler's world of one seed. A seed that ends badly is run twice, the second time with its story taken down.
pub fn run_seed(seed: u64) -> Result<Report, Violation> {
    let play = |traced| {
        let mut world = World::new(seed, traced);
        (guarded(|| world.run()), world.story())
    };
    judge(seed, "", play)
}

/// Runs the standalone cluster's world of one seed, alike.
pub fn run_standalone_seed(seed: u64) -> Result<StandaloneReport, Violation> {
    let play = |traced| {
        let mut world = standalone::World::new(seed, traced);
        (guarded(|| world.run()), world.time.story())
    };
    judge(seed, " -- standalone", play)
}

/// Runs the world of one seed in which a cluster manager lends executors, alike.
pub fn run_managed_seed(seed: u64) -> Result<ManagedReport, Violation> {
    let play = |traced| {
        let mut world = managed::World::new(seed, traced);
        (guarded(|| world.run()), world.time.story())
    };
    judge(seed, " -- managed", play)
}

/// Runs the applications of one seed whose drivers are killed, alike.
pub fn run_restarts_seed(seed: u64) -> Result<RestartsReport, Violation> {
    let play = |traced| {
        let mut world = restarts::World::new(seed, traced);
        (guarded(|| world.run()), world.story())
    };
    judge(seed, " -- restarts", play)
}

fn judge<R>(
    seed: u64,
    world: &'static str,
    play: impl Fn(bool) -> (Result<R, String>, Vec<String>),
) -> Result<R, Violation> {
    play(false).0.map_err(|_| {
        let (again, story) = play(true);
        let objection = match again {
            Err(objection) => objection,
            Ok(_) => {
                "it ended badly at first and well the second time: the same seed does not give the same run"
                    .into()
            }
        };
        Violation { seed, world, objection, story }
    })
}

/// A broken belief is an objection too.
fn guarded<R>(run: impl FnOnce() -> Result<R, String>) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Err(format!("a belief was broken: {}", text.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Few seeds, since a development build is slow: `cargo xtask sim` runs thousands in an optimised one.

    #[test]
    fn ten_seeds_end_well() {
        let mut all = Report::default();
        for seed in 0..10 {
            match run_seed(seed) {
                Ok(report) => all.add(&report),
                Err(violation) => panic!("{violation}"),
            }
        }
        assert!(all.succeeded > 0 && all.stage_retries > 0 && all.executors > 100, "{all}");
    }

    #[test]
    fn ten_seeds_of_the_standalone_cluster_end_well() {
        let mut all = StandaloneReport::default();
        for seed in 0..10 {
            match run_standalone_seed(seed) {
                Ok(report) => all.add(&report),
                Err(violation) => panic!("{violation}"),
            }
        }
        assert!(all.reigns > 10 && all.executors > 10 && all.finished > 0 && all.failed > 0, "{all}");
    }

    #[test]
    fn fifty_seeds_with_a_cluster_manager_end_well() {
        let mut all = ManagedReport::default();
        for seed in 0..50 {
            match run_managed_seed(seed) {
                Ok(report) => all.add(&report),
                Err(violation) => panic!("{violation}"),
            }
        }
        assert!(all.converged > 10 && all.given_up > 0 && all.ended_early > 0, "{all}");
        assert!(all.taken > 10 && all.crashes > 10 && all.unasked > 10 && all.lies > 0, "{all}");
    }

    #[test]
    fn ten_seeds_with_drivers_that_are_killed_end_well() {
        let mut all = RestartsReport::default();
        for seed in 0..10 {
            match run_restarts_seed(seed) {
                Ok(report) => all.add(&report),
                Err(violation) => panic!("{violation}"),
            }
        }
        assert!(all.killed > 100 && all.torn > 10 && all.restored > 100, "{all}");
        assert!(
            all.outputs > 5 && all.objects_gone > 5 && all.recommitted > 0 && all.begun_anew > 0,
            "{all}"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_run() {
        for seed in [1, 3, 13] {
            assert_eq!(run_seed(seed), run_seed(seed));
            assert_eq!(run_standalone_seed(seed), run_standalone_seed(seed));
            assert_eq!(run_managed_seed(seed), run_managed_seed(seed));
            assert_eq!(run_restarts_seed(seed), run_restarts_seed(seed));
        }
    }
}
