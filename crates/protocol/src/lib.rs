//! Everything that Firesteel's processes say to each other: driver, agents, workers, and the daemons of a standalone cluster.
//!
//! Plain data with named fields, and the little that both ends must do alike with it. An *agent* is a process that hosts executors for a
//! driver elsewhere; a *worker* is a process that is one executor with one slot. [`handshake`] is how each begins. From then on both
//! speak one protocol, [`ToExecutor`] and [`FromExecutor`], in which each message that concerns an executor names it.
//! [`SentOutputs`] is what both ends remember of it. A task's result travels as two types: [`TaskReport`] is what an executor reports,
//! [`DeliveredOutcome`] is what the driver hears once a result that waited was fetched. Bulk travels apart, as answers to
//! [`BlockRequest`]s. [`standalone`] is what masters, workers, applications and clients of a standalone cluster say.
//!
//! **Architecture Invariant.** There is no socket, file, thread or clock in this crate, and no decision: `net` moves messages, and others
//! decide what to say.

mod blocks;
mod codec;
mod executor;
pub mod handshake;
mod result;
mod sent_outputs;
pub mod standalone;
mod task;

pub use blocks::BlockRequest;
pub use codec::Malformed;
pub use executor::{
    FromExecutor, LogAsk, LogBytes, LogStream, MigrateOrder, MigrateReport, OutputsName, PlanBytes,
    StoreOrder, ToExecutor,
};
pub use result::{DeliveredOutcome, ResultBytes, ResultOnExecutor, TaskOutcome, TaskReport};
pub use sent_outputs::SentOutputs;
pub use task::{BarrierOutcome, BarrierRefusal, TaskSpec};
