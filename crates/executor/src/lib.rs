//! An executor: slots that run tasks.
//!
//! It is told to run a task of a stage; it asks for the stage's plan once, turns it into operators ([`decode`]), runs the
//! task's partition through them ([`runner`]) and reports how that ended. It never decides whether to try again.
//!
//! There are two kinds. [`Executor`] has threads of the driver's process for slots. [`Processes`] starts processes, each an
//! executor with one slot, and speaks [`messages`] with them; what such a process does itself is in [`Worker`].
//!
//! Architecture invariant: this crate does not know the scheduler. It talks to the driver through [`DriverLink`].

pub mod decode;
mod link;
pub mod messages;
mod panics;
mod processes;
pub mod runner;
mod server;
mod slots;
mod worker;

pub use link::{DriverLink, Executors};
pub use processes::{BarrierAnswer, ProcessListener, Processes, WorkerInfo};
pub use runner::TaskEnd;
pub use server::WorkerCommand;
pub use slots::Executor;
pub use worker::Worker;
