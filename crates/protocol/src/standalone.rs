//! The messages between masters, workers, applications and clients of a standalone cluster.
//!
//! Connections are opened by workers, applications and clients, each with a first message that says which it is. A master that does not
//! lead answers with the address of the one that does, and closes. What workers are to start lies in these messages as a [`Payload`]
//! that the master does not look at: a [`LaunchExecutor`] or a [`LaunchDriver`].

mod clients;
mod date;
mod files;
mod launch;
mod masters;
mod messages;
mod names;
mod overview;
mod payload;
mod records;
mod resources;

pub use clients::{ClientAnswer, ClientMessage};
pub use files::FileRequest;
pub use launch::{LaunchDriver, LaunchExecutor, Program};
pub use masters::{FromMaster, ToMaster};
pub use messages::{
    ApplicationEnd, ApplicationMessage, ApplicationOrder, ApplicationSpec, ApplicationStatus, DriverSpec,
    ExecutorAddress, ExecutorEnd, FencedOrder, ProcessOutcome, WorkerMessage, WorkerOffer, WorkerOrder,
    WorkerReport,
};
pub use names::{ApplicationId, DriverId, DriverRun, Epoch, ExecutorName, RequestKey, WorkerId};
pub use overview::{
    ApplicationView, DriverView, EndedExecutor, ExecutorCondition, ExecutorView, LostWorker, Overview,
    WorkerCondition, WorkerView,
};
pub use payload::Payload;
pub use records::{ApplicationRecord, DriverState, EndedApplication};
pub use resources::Resources;
