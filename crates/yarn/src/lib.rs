//! Hadoop's YARN, spoken to without a JVM: applications are submitted, containers asked for and started, over Hadoop's RPC.
//!
//! Three protocols on one [`rpc::Connection`]: [`applications`] (submit, report, kill), [`application_master`] (register, ask,
//! finish), [`nodes`] (start and stop containers). The client's is opened with a user's name, the other two with tokens that
//! the ResourceManager gives, by DIGEST-MD5. All is blocking and has deadlines; what comes from the network is bounded and
//! never trusted to be well formed. The bytes, and how they were found: docs/decisions/0041.
//!
//! On top of them, [`YarnManager`] lends executors to an application whose driver is its application master: `submission` makes
//! it one, `staging` has the files for containers, `launch` what they run, `ledger` decides what each heartbeat says and means,
//! `heartbeats` sends them, `endings` tells how containers ended.

pub mod application_master;
pub mod applications;
pub mod configuration;
mod container;
pub mod credentials;
mod endings;
mod error;
pub mod frames;
mod heartbeats;
pub mod ids;
mod launch;
mod ledger;
mod manager;
pub mod messages;
pub mod nodes;
pub mod program;
pub mod rpc;
mod sasl;
mod settings;
mod shared;
mod staging;
mod submission;

pub use error::YarnError;
pub use manager::{YarnManager, program_ended};
pub use settings::{Agents, Place, YarnSettings, resource_manager};
pub use submission::Labels;
