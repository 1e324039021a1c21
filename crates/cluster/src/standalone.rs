//! The standalone cluster: daemons that lend cores and memory to applications, and an application's side
//! of it.
//!
//! The pure crate `standalone` decides. Here are the shells, which have threads, connections, files and
//! processes: [`master`] and [`worker`] run as daemons, [`client`] sends requests to a master,
//! [`StandaloneManager`] is the application's side. All exchange the messages of the crate `protocol` over
//! connections that only holders of the cluster's secret can make. An application has a secret of its own
//! besides, with which its executors authenticate to its driver. The daemons pass it on to the executors and
//! serve the application's files with it; no other process has it.

pub mod client;
mod lease_files;
mod link;
mod manager;
pub mod master;
mod messages;
pub mod programs;
pub mod worker;

pub use firesteel_protocol::LogStream;
pub use firesteel_protocol::standalone::{
    ApplicationEnd, ApplicationId, ApplicationView, ClientAnswer, ClientMessage, DriverId, DriverRun,
    DriverState, DriverView, EndedApplication, EndedExecutor, ExecutorCondition, ExecutorEnd, ExecutorName,
    ExecutorView, FromMaster, LaunchDriver, LaunchExecutor, Overview, ProcessOutcome, Program, Resources,
    ToMaster, WorkerCondition, WorkerView,
};
pub use firesteel_standalone::{LeaseSettings, MasterSettings};
pub use manager::{StandaloneConfig, StandaloneManager};
