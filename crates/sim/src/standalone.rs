//! The standalone cluster in a world of one thread: real masters, leases and worker ledgers; simulated processes, network,
//! storage and clocks.
//!
//! What a seed stands for is in `scenario`, how the world works in `world` and `run`, the shells of masters, workers and applications in
//! `masters`, `machines` and `programs`, what goes wrong in `fault_schedule`, and what must hold in `checker`.

mod checker;
mod fault_schedule;
mod happening;
mod machines;
mod masters;
mod network;
mod programs;
mod report;
mod run;
mod scenario;
mod world;

pub use report::StandaloneReport;
pub(crate) use world::World;
