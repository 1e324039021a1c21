//! Resources, the cores and memory of workers, executors and drivers, which always go together.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Cores and memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resources {
    /// The number of tasks that may run at a time.
    pub cores: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
}

impl Resources {
    /// Makes resources of these amounts.
    pub fn new(cores: u32, memory_mib: u64) -> Self {
        Resources { cores, memory_mib }
    }

    /// Returns whether both fit into `room`.
    pub fn fits(self, room: Resources) -> bool {
        self.cores <= room.cores && self.memory_mib <= room.memory_mib
    }

    /// Returns the sum.
    pub fn plus(self, other: Resources) -> Resources {
        Resources::new(
            self.cores.saturating_add(other.cores),
            self.memory_mib.saturating_add(other.memory_mib),
        )
    }

    /// Returns the difference, with 0 for an amount that would be negative.
    pub fn minus(self, other: Resources) -> Resources {
        Resources::new(
            self.cores.saturating_sub(other.cores),
            self.memory_mib.saturating_sub(other.memory_mib),
        )
    }
}

impl std::iter::Sum for Resources {
    fn sum<I: Iterator<Item = Resources>>(all: I) -> Resources {
        all.fold(Resources::default(), Resources::plus)
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.cores == 1 { "" } else { "s" };
        write!(f, "{} core{plural} and {} MiB", self.cores, self.memory_mib)
    }
}
