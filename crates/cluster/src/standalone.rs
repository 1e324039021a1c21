//! The standalone cluster: daemons that lend cores and memory to applications, and an application's way to them.
//!
//! What is decided is in the pure crate `standalone`. Here are the shells: [`master`] and [`worker`] run as daemons, [`client`] asks
//! a master, [`StandaloneBackend`] is an application's side. All speak the messages of the crate `protocol` over connections that only holders of the cluster's
//! secret can make. An application has a secret of its own besides, which its executors show its driver: the cluster's daemons hand it on and
//! use it to serve the application's files, and nobody else has it.

mod backend;
pub mod client;
mod lease_files;
mod link;
pub mod master;
mod messages;
pub mod programs;
pub mod worker;

pub use backend::{StandaloneBackend, StandaloneConfig};
pub use firesteel_protocol::standalone::{
    DriverState, DriverView, FromMaster, LaunchDriver, LaunchExecutor, Overview, Program, Resources, ToMaster,
};
pub use firesteel_standalone::{LeaseSettings, MasterSettings};
