//! The number of a connection to the master.

/// One connection to the master. The shell numbers them in the order in which it accepts them, and uses no number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link(pub u64);
