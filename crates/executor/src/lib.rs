//! An executor: slots that run tasks.
//!
//! It is told to run a task of a stage; it asks for the stage's plan once, turns it into operators ([`decode`]), runs the
//! task's partition through them ([`runner`]) and reports how that ended. It never decides whether to try again.
//!
//! Architecture invariant: this crate does not know the scheduler. It talks to the driver through [`DriverLink`].

pub mod decode;
mod panics;
pub mod runner;
mod slots;

pub use runner::TaskEnd;
pub use slots::{DriverLink, Executor};
