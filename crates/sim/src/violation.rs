//! One seed from its beginning to its end, and what is said when it ends badly.

use crate::report::Report;
use crate::world::World;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Something happened that must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The seed.
    pub seed: u64,
    /// What must not have happened.
    pub objection: String,
    /// The last of what happened before, oldest first.
    pub story: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.objection)?;
        writeln!(f, "the last of what happened, with the virtual time in ms:")?;
        self.story.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        write!(f, "to see it again: cargo xtask sim --seeds 1 --seed {}", self.seed)
    }
}

impl std::error::Error for Violation {}

/// Runs the world of one seed. A seed that ends badly is run twice, the second time with its story taken down.
pub fn run_seed(seed: u64) -> Result<Report, Violation> {
    let mut world = World::new(seed, false);
    run_guarded(&mut world).map_err(|_| tell(seed))
}

fn tell(seed: u64) -> Violation {
    let mut world = World::new(seed, true);
    let objection = match run_guarded(&mut world) {
        Err(objection) => objection,
        Ok(_) => "it ended badly at first and well the second time: the same seed does not give the same run"
            .into(),
    };
    Violation { seed, objection, story: world.story() }
}

/// A broken belief of the scheduler is an objection too.
fn run_guarded(world: &mut World) -> Result<Report, String> {
    catch_unwind(AssertUnwindSafe(|| world.run())).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Err(format!("a belief was broken: {}", text.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_seeds_end_well() {
        let mut all = Report::default();
        for seed in 0..50 {
            match run_seed(seed) {
                Ok(report) => all.add(&report),
                Err(violation) => panic!("{violation}"),
            }
        }
        assert!(
            all.succeeded > 0 && all.fetch_failures > 0 && all.stage_retries > 0 && all.executors > 1_000,
            "{all}"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_run() {
        for seed in [1, 3, 13] {
            assert_eq!(run_seed(seed), run_seed(seed));
        }
    }
}
