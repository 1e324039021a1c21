//! Python functions at native speed: objects become columns, the kernels compute, and columns become objects.
//!
//! `firesteel.native` decides what runs here, and runs the user's own functions on the records that are handed back.

mod arrays;
mod block;
mod keyed;
mod leaving;
mod lookup;
mod objects;
mod program;
mod random;
mod run;
mod sink;

pub(crate) use arrays::pairwise_sum;
pub(crate) use block::{Block, Cut, Pieces, placing_hashes};
pub(crate) use lookup::KernelTable;
pub(crate) use objects::{column as column_of, list as list_of};
pub(crate) use random::KernelSample;
pub(crate) use run::KernelRun;
pub(crate) use sink::KernelSink;
