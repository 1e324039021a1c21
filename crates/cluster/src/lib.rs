//! Clusters: the processes in which executors run, on the driver's machine and on others.
//!
//! An application's driver does not know the kind of its cluster: it has a [`Backend`], and agents register
//! with it. [`LocalCluster`] starts agents on the driver's machine; in a [`standalone`] cluster, workers on
//! many machines start them.

pub mod agents;
mod backend;
pub mod executors;
mod local;
pub mod standalone;

pub use agents::AgentCommand;
pub use backend::{Backend, ClusterListener};
pub use local::{LocalCluster, LocalClusterConfig};
