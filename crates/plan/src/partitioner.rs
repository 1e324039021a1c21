//! Which rule placed the records of an RDD in their partitions, as a value that can be compared.
//!
//! Only identity lives here: two RDDs with equal partitioners hold equal keys in partitions of equal index, so they join
//! without a shuffle. The code that places a record lives with the operators.

use serde::{Deserialize, Serialize};

/// The rule by which keys were placed. Equal values promise equal placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Partitioner {
    /// By the key's hash, into so many partitions.
    Hash {
        /// How many partitions.
        partitions: u32,
    },
    /// By comparing with bounds that a sampling job found. The bounds belong to one RDD, whose serial this is.
    Range {
        /// Distinguishes one set of bounds from all others.
        serial: u64,
        /// How many partitions.
        partitions: u32,
    },
    /// By a function of the user's. Equal code and equal environment make equal placement.
    Custom {
        /// A digest of the function's type and its environment.
        identity: u64,
        /// How many partitions.
        partitions: u32,
    },
}

impl Partitioner {
    /// How many partitions the rule fills.
    pub fn partitions(self) -> u32 {
        match self {
            Partitioner::Hash { partitions }
            | Partitioner::Range { partitions, .. }
            | Partitioner::Custom { partitions, .. } => partitions,
        }
    }
}
