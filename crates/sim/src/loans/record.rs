//! The pool of a world, by rules of its seed.

use crate::rng::Rng;
use firesteel_lending::{Pool, PoolSettings};

/// A pool, and when it wants to be woken.
#[derive(Debug)]
pub(crate) struct Loans {
    pub(super) pool: Pool,
    pub(super) tick_at: Option<u64>,
}

impl Loans {
    /// Makes a pool that gives no application up: jobs have to be answered.
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let settings = PoolSettings {
            batch: rng.between(1, 20) as u32,
            register_within_ms: rng.between(5, 30) * 1000,
            end_within_ms: rng.between(500, 3_000),
            failed_starts_at_most: u32::MAX,
            pause_ms: rng.between(50, 1_000),
            pause_at_most_ms: 5_000,
            ..PoolSettings::default()
        };
        Loans { pool: Pool::new(settings), tick_at: None }
    }
}
