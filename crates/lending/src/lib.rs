//! Executors on loan: what an application asks a cluster manager for, and what it makes of the manager's answers.
//!
//! A cluster manager (YARN, Kubernetes, Slurm, Ray, or the driver's own machine) lends processes. It may be late, lend
//! more or less than it was asked for, take back what it has lent, say things twice, out of order, or wrongly. [`Pool`]
//! keeps the application at the number of executors that it wants in spite of all this, and ends what it cannot use.
//!
//! Every rule of it is checked under seeded faults by the simulator (`crates/sim/src/managed`).
//!
//! The crate is pure: a shell passes events in with the time, and carries out the [`PoolAction`]s.

mod event;
mod exclusions;
mod loss;
mod pool;
mod settings;

pub use event::{Excluded, PoolAction, PoolEvent};
pub use loss::Loss;
pub use pool::Pool;
pub use settings::{PoolSettings, Shape};
