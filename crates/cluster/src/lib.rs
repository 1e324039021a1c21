//! Who starts executors in other processes, here and elsewhere.
//!
//! An application's driver does not care: it has a [`Backend`] that somebody made for it, and is told of
//! agents as they register. [`LocalCluster`] starts processes on the driver's own machine; [`standalone`] has workers on many
//! machines start them.

pub mod agents;
mod backend;
pub mod executors;
mod local;
pub mod standalone;

pub use agents::AgentCommand;
pub use backend::{Backend, ClusterListener};
pub use local::{LocalCluster, LocalClusterConfig};
