//! The names of agents.

/// An agent's connection to the driver: a number that the shell gives, and never gives again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(pub u64);
