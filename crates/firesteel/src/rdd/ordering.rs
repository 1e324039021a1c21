//! [`Order`]: the direction of a sort.

use serde::{Deserialize, Serialize};

/// The direction of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Least first.
    Ascending,
    /// Greatest first.
    Descending,
}
