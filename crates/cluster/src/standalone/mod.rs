//! The standalone cluster: daemons that lend cores and memory to applications, and an application's way to them.
//!
//! What is decided is in the pure crate `standalone`. Here are the shells: [`master`] and [`worker`] run as daemons, [`client`] asks
//! a master, [`StandaloneBackend`] is an application's side. All speak [`messages`] over connections that only holders of the cluster's
//! secret can make. An application has a secret of its own besides, which its executors show its driver: the cluster's daemons hand it on and
//! use it to serve the application's files, and nobody else has it.

mod backend;
pub mod client;
mod launch;
mod lease_files;
mod link;
pub mod master;
pub mod messages;
pub mod programs;
pub mod worker;

pub use backend::{ApplicationListener, StandaloneBackend, StandaloneConfig};
pub use firesteel_standalone::{DriverState, DriverView, LeaseSettings, MasterSettings, Overview, Resources};
pub use launch::{LaunchDriver, LaunchExecutor, Program};
