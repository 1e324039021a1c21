//! The interface between an application and the cluster that lends it executors.
//!
//! The application calls a [`Backend`], the cluster calls a [`ClusterListener`]. Each agent that the cluster
//! starts has a name, with which it registers with the driver, and by which both interfaces identify it.

use firesteel_types::ExecutorLossReason;

/// The application's side: the cluster reports to it.
pub trait ClusterListener: Send + Sync {
    /// Handles that the application gets no executor at present; the reason.
    fn waits(&self, why: &str);
    /// Handles the end of an agent's process.
    fn ended(&self, name: &str, reason: ExecutorLossReason);
    /// Handles that an agent is decommissioned: it will be gone soon, with the service of its files.
    fn decommissioned(&self, name: &str);
    /// Handles that the application gets no executors any more, so that it has to end; the reason.
    fn over(&self, why: String);
}

/// The cluster's side: it starts agents for one application.
pub trait Backend: Send + Sync {
    /// Handles that an agent is ready to run tasks.
    fn registered(&self, name: &str);

    /// Handles the end of an agent's connection. A process that does not end with its connection is frozen,
    /// so a backend that can kills it.
    fn disconnected(&self, name: &str);

    /// Sets the number of executors that the application wants from now on. Clusters of a fixed size ignore
    /// it.
    fn want(&self, executors: u32);

    /// Handles that the application ends: its agents are about to end, and are not replaced.
    fn finish(&self) {}

    /// Ends all agents that it has started, and its own threads and connections.
    fn stop(&self);
}
