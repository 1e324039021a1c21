//! What masters, workers, applications and clients of a standalone cluster say to one another.
//!
//! Connections are opened by workers, applications and clients, each with a first message that says which it is. A master that does not
//! lead answers with the address of the one that does, and closes. What workers are to start lies in these messages as a [`Payload`]
//! that the master does not look at: a [`LaunchExecutor`] or a [`LaunchDriver`].

mod date;
mod files;
mod launch;
mod messages;
mod names;
mod overview;
mod payload;
mod records;
mod resources;

pub use files::FileRequest;
pub use launch::{LaunchDriver, LaunchExecutor, Program};
pub use messages::{
    ApplicationEnd, ApplicationMessage, ApplicationOrder, ApplicationSpec, ApplicationStatus, ClientAnswer,
    ClientMessage, DriverSpec, ExecutorAddress, ExecutorEnd, FencedOrder, FromMaster, ProcessOutcome,
    ToMaster, WorkerMessage, WorkerOffer, WorkerOrder, WorkerReport,
};
pub use names::{ApplicationId, DriverId, DriverRun, Epoch, ExecutorName, RequestKey, WorkerId};
pub use overview::{
    ApplicationView, DriverView, ExecutorCondition, ExecutorView, Overview, WorkerCondition, WorkerView,
};
pub use payload::Payload;
pub use records::{ApplicationRecord, DriverState, EndedApplication};
pub use resources::Resources;
