//! The seam between an application and the cluster that lends it executors.
//!
//! The application asks through a [`Backend`]; the cluster answers through a [`ClusterListener`]. Each agent that the cluster starts has a
//! name, which it tells the driver when it registers, and by which the two speak of it.

use firesteel_types::ExecutorLossReason;

/// What a cluster tells an application.
pub trait ClusterListener: Send + Sync {
    /// No executor is to be had at present, and why.
    fn waits(&self, why: &str);
    /// The process of an agent has ended.
    fn ended(&self, name: &str, reason: ExecutorLossReason);
    /// An agent will be gone soon, with what serves its files.
    fn decommissioned(&self, name: &str);
    /// The cluster lends the application nothing any more, and why.
    fn over(&self, why: String);
}

/// What starts agents.
pub trait Backend: Send + Sync {
    /// An agent is ready to run tasks.
    fn registered(&self, name: &str);

    /// The connection of an agent has ended. A process that does not end with its connection is frozen, and is to be killed.
    fn disconnected(&self, name: &str);

    /// The number of executors that the application wants from now on, where that can be chosen.
    fn want(&self, executors: u32);

    /// The application ends: its agents are about to end, and are not to be replaced.
    fn finish(&self) {}

    /// Ends all agents that it has started, and everything else that it has.
    fn stop(&self);
}
