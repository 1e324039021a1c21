//! The calls between a driver and the backend that starts its agents.
//!
//! Both ends are in the driver's process, so these are calls and no messages. The trait stands here because its implementors (the crate
//! `cluster`) and its caller need not know each other.

use firesteel_types::ExecutorLossReason;

/// Starts agents, and knows how their processes ended.
pub trait Backend: Send + Sync {
    /// Returns how an agent's process ended whose connection has: waits for a moment. `None` when that is not known here.
    fn ended(&self, name: &str) -> Option<ExecutorLossReason>;

    /// An agent of this name is ready to run tasks.
    fn registered(&self, name: &str);

    /// The application wants this many executors from now on, where that can be chosen.
    fn want(&self, executors: u32);

    /// The application ends: its agents are about to be let go, and are not to be replaced.
    fn finish(&self) {}

    /// Ends all agents that it has started, and whatever else it has.
    fn stop(&self);
}
