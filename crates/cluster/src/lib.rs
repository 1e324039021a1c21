//! Who starts executors in other processes, here and elsewhere.
//!
//! An application's driver does not care: it has a [`Backend`](firesteel_protocol::Backend) that somebody made for it, and is told of
//! agents as they register. [`LocalCluster`] starts processes on the driver's own machine; [`standalone`] has workers on many
//! machines start them.

pub mod agents;
pub mod executors;
mod local;
pub mod standalone;

pub use agents::AgentCommand;
pub use local::{LocalCluster, LocalClusterConfig};
