//! Executors on loan in a world of one thread: a real pool; a simulated cluster manager, its nodes and processes, and an
//! application whose wishes go up and down.
//!
//! What a seed stands for is in `scenario`, how the world works in `world` and `run`, the manager and what it does wrong in
//! `manager` and `fault_schedule`, the processes in `executors`, the application in `program`, and what must hold in `checker`.

mod checker;
mod executors;
mod fault_schedule;
mod happening;
mod manager;
mod program;
mod report;
mod run;
mod scenario;
mod state;
mod world;

pub use report::ManagedReport;
pub(crate) use world::World;
