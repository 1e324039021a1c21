//! Partitioners, as values that can be compared: the rule by which an RDD's records were assigned to
//! partitions.
//!
//! Only identity lives here: two RDDs with equal partitioners have equal keys in partitions of equal index, so
//! they join without a shuffle. The code that computes a record's partition lives with the operators.

use serde::{Deserialize, Serialize};

/// The rule by which keys were assigned to partitions. Equal values promise equal assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Partitioner {
    /// By the key's hash.
    Hash {
        /// The number of partitions.
        partitions: u32,
    },
    /// By comparing with bounds that a sampling job found. The bounds belong to one RDD, whose serial this is.
    Range {
        /// Distinguishes one set of bounds from all others.
        serial: u64,
        /// The number of partitions.
        partitions: u32,
    },
    /// By a function of the user's. Equal code and equal environment make equal assignment.
    Custom {
        /// A digest of the function's type and its environment.
        identity: u64,
        /// The number of partitions.
        partitions: u32,
    },
}

impl Partitioner {
    /// Returns the number of partitions.
    pub fn partitions(self) -> u32 {
        match self {
            Partitioner::Hash { partitions }
            | Partitioner::Range { partitions, .. }
            | Partitioner::Custom { partitions, .. } => partitions,
        }
    }
}
