//! Records in bulk on one machine: batches, codecs, hashing, combining tables and sorting that spill.
//!
//! Read in this order: [`Data`] (what a record may be), [`Batch`] (records between operators), [`mod@column`] and [`block`]
//! (records as bytes), [`combine`], [`gather`] and [`sort`] (the ways to bring equal keys together, all on top of [`spill`]).
//!
//! Nothing here knows of stages, tasks or owners of partitions; memory and files are requested through
//! [`Workspace`].

mod batch;
pub mod block;
mod cipher;
pub mod column;
pub mod combine;
pub mod compression;
mod error;
pub mod frames;
pub mod gather;
pub mod hash;
pub mod hyperloglog;
mod index;
mod layout;
mod memory_size;
pub mod merge;
pub mod sort;
pub mod spill;
pub mod spill_file;
mod table;
mod workspace;

pub use batch::{Batch, batch_len};
pub use cipher::Cipher;
pub use compact_str::CompactString as Str;
pub use error::DataError;
pub use memory_size::memory_size;
pub use workspace::{Reservation, Workspace};

use serde::{Serialize, de::DeserializeOwned};

#[cfg(target_endian = "big")]
compile_error!("Firesteel's blocks hold numbers as a little-endian machine does");

/// The types of records: anything that can be sent, copied and shared between threads.
///
/// Implemented for every type that fits; derive `Serialize`, `Deserialize` and `Clone` for your own.
///
/// Records travel in a compact encoding that does not describe itself, so serde attributes that need a self-describing
/// format (`untagged`, `flatten`, `skip_serializing_if`) do not work in records.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a record of an RDD",
    label = "cannot travel between the driver and its executors",
    note = "a record must be `Serialize`, `DeserializeOwned`, `Clone`, `Send`, `Sync` and own all that it holds: derive \
            `Clone, serde::Serialize, serde::Deserialize` for your own types",
    note = "borrowed data cannot travel: write `.to_string()`, `Str::from(..)` or `.to_vec()` in the closure that makes it; \
            closures, trait objects, `Rc` and handles to files or sockets cannot travel either: send what they are made \
            from, and make them inside `map_partitions`"
)]
pub trait Data: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Data for T {}

/// The types of closures' environments: anything that can be sent and shared.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the environment of a closure",
    label = "cannot travel to the executors",
    note = "an environment must be `Serialize`, `DeserializeOwned`, `Send`, `Sync` and own all that it holds: give \
            `text.to_string()` instead of `&str`, `values.to_vec()` instead of a slice, and derive \
            `serde::Serialize, serde::Deserialize` for your own types",
    note = "a `Context` or an `Rdd` cannot travel, since a task starts no jobs: `join` the two RDDs, or `collect` the smaller one \
            first and give what came of it",
    note = "an `Accumulator` stays with the driver, which reads it: give its `.adder()`, to which the closure can add",
    note = "a channel, a lock or an open file cannot travel either: tasks report to the driver through results, and make in \
            `map_partitions` what they need for themselves"
)]
pub trait Environment: Serialize + DeserializeOwned + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<E: Serialize + DeserializeOwned + Send + Sync + 'static> Environment for E {}
