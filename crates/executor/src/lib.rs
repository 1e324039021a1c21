//! An executor: slots that run tasks.
//!
//! It is told to run a task of a stage; it asks for the stage's plan once, turns it into operators ([`decode`]), runs the
//! task's partition through them ([`runner`]) and reports how that ended. It never decides whether to try again.
//!
//! There are two kinds. [`Executor`] has threads for slots. [`Processes`] starts processes, each an executor with one slot, and
//! speaks the executor protocol with them; what such a process does itself is in [`Worker`].
//!
//! Either may be the driver's own, or an [`agent`]'s: a process on any host, with which the
//! driver speaks the same protocol. What is large goes from host to host as blocks, in the
//! crate `transfer`.
//!
//! Architecture invariant: this crate does not know the scheduler. It talks to the driver through [`DriverLink`].

pub mod agent;
pub mod decode;
mod link;
mod measure;
mod memory;
mod panics;
mod pending;
mod processes;
pub mod runner;
mod server;
mod services;
mod slot_link;
mod slot_place;
mod slots;
mod stage_lines;
mod stored;
mod task_queue;
mod threads;
mod worker;

pub use link::{DriverLink, Executors, PlanError};
pub use memory::{free_memory, records_share, resident_bytes};
pub use processes::{Names, Processes, WorkerInfo};
pub use server::{Watchdog, WorkerCommand};
pub use slot_link::{CachedBlocksOf, SlotLink};
pub use slots::Executor;
pub use threads::{SystemThread, system_threads};
pub use worker::Worker;
