//! Clusters: the processes in which executors run, on the driver's machine and on others.
//!
//! An application's driver does not know the kind of its cluster: it has a [`ManagedCluster`], and agents register with
//! the driver. A [`Manager`] lends the processes: [`LocalProcesses`] on the driver's machine, [`slurm`], the master of a
//! [`standalone`] cluster, [`People`] who start them by hand.

pub mod agents;
pub mod executors;
mod local;
mod managed;
mod manager;
mod people;
pub mod sizes;
pub mod slurm;
pub mod standalone;

pub use agents::AgentCommand;
pub use firesteel_lending::{Excluded, Loss, PoolSettings, Shape};
pub use local::LocalProcesses;
pub use managed::ManagedCluster;
pub use manager::{ClusterListener, Manager, ManagerListener, start_one_by_one};
pub use people::People;
