//! Firesteel: Spark's RDDs in Rust. Lazy, typed, parallel, fault-tolerant.
//!
//! ```
//! use firesteel::{Context, Str};
//!
//! # fn main() -> firesteel::Result<()> {
//! let sc = Context::builder().master("local[2]").app_name("counts").create()?;
//! let lines = sc.parallelize(["to be or", "not to be"].map(String::from), 2);
//! let counts = lines
//!     .flat_map(|line| line.split_whitespace().map(Str::from).collect::<Vec<_>>())
//!     .map(|word| (word, 1u64))
//!     .reduce_by_key(|a, b| a + b);
//! let mut counts = counts.collect()?;
//! counts.sort();
//! assert_eq!(counts, [("be".into(), 2), ("not".into(), 1), ("or".into(), 1), ("to".into(), 2)]);
//! # Ok(())
//! # }
//! ```
//!
//! A [`Context`] makes [`Rdd`]s from data and files. Transformations make RDDs from RDDs and compute nothing.
//! An action computes: the lineage is cut into stages at its shuffles, and tasks run on all slots.
//!
//! **Closures** run in tasks, maybe in other processes, so they cannot see the driver's variables. A closure
//! that captures nothing is passed as it is; the values that a closure needs are named, in the method's
//! `_with` form:
//!
//! ```compile_fail
//! # let sc = firesteel::Context::builder().create().unwrap();
//! let factor = 3;
//! sc.range(0..10).map(move |x| x * factor).collect(); // refused when it is compiled
//! ```
//! ```
//! # fn main() -> firesteel::Result<()> {
//! # let sc = firesteel::Context::builder().master("local[1]").create()?;
//! let factor = 3;
//! assert_eq!(sc.range(0..4).map_with(factor, |factor, x| x * factor).collect()?, [0, 3, 6, 9]);
//! # Ok(())
//! # }
//! ```
//!
//! `cargo check` cannot see the first mistake when all captured values are `Copy`, since it never makes code
//! of generic functions; `cargo build` and `cargo test` show it.
//!
//! **Records and environments** own their data: a `String` or [`Str`] and not a `&str`, a vector and not a
//! slice, and types of your own that derive `Clone`, `Serialize` and `Deserialize`. If a type borrows, the
//! compiler reports that ``implementation of `Deserialize` is not general enough``: write `.to_string()`,
//! `Str::from(..)` or `.to_vec()`.
//!
//! **Statics** are not sent: each process has its own, independent of the driver's. That makes them the place
//! for values that each executor should make once, such as a model or a pool of connections; the first task
//! that needs the value makes it, from the task's own input. A value for each partition is made in
//! [`Rdd::map_partitions`].
//!
//! ```
//! use std::collections::HashSet;
//! use std::sync::OnceLock;
//!
//! static STOP_WORDS: OnceLock<HashSet<String>> = OnceLock::new();
//!
//! # fn main() -> firesteel::Result<()> {
//! # let sc = firesteel::Context::builder().master("local[2]").create()?;
//! # let words = sc.parallelize(["to", "be", "or"].map(String::from), 2);
//! let listed = "the to or".to_string();
//! let rest = words.filter_with(listed, |listed, word| {
//!     let stop_words = STOP_WORDS.get_or_init(|| listed.split(' ').map(String::from).collect());
//!     !stop_words.contains(word)
//! });
//! assert_eq!(rest.collect()?, ["be"]);
//! # Ok(())
//! # }
//! ```
//!
//! **Features** of the crate add parts that only some programs need, and that take long to build: `parquet`,
//! and the stores `s3`, `gcs`, `azure`, `http` and `hdfs`; `full` is all of them. None is on by default. A
//! call or a path whose feature is missing fails with its name.

mod accumulators;
mod context;
mod file_formats;
mod partitioner;
mod rdd;
mod run_main;
mod sources;
mod status;
mod tables;
mod total;

#[cfg(feature = "parquet")]
pub use arrow_array;
#[cfg(feature = "parquet")]
pub use arrow_schema;
pub use bytes::Bytes;
pub use context::{Builder, Context};
pub use firesteel_closures::Plain;
pub use firesteel_cluster::AgentCommand;
pub use firesteel_conf::{Conf, Reference as SettingsReference};
pub use firesteel_data::{Data, Environment, Str};
pub use firesteel_driver::{
    Accumulator, Error, JobInfo, JobState, Listener, Result, StageInfo, StorageInfo, register_listener,
};
pub use firesteel_events as events;
pub use firesteel_io::Codec;
#[cfg(feature = "parquet")]
pub use firesteel_io::Existing;
pub use firesteel_io::hadoop::{Fields, SequenceCompression, SequenceOptions, VInt, VLong, Writable};
/// Makes a function the program's `main`.
///
/// An error that it returns is printed for a person, and the process exits with code 1. A process that was
/// started as an executor runs the executor there, before the program's own code runs.
///
/// ```no_run
/// #[firesteel::main]
/// fn main() -> firesteel::Result<()> {
///     let sc = firesteel::Context::builder().get_or_create()?;
///     println!("{}", sc.range(0..1000).count()?);
///     Ok(())
/// }
/// ```
pub use firesteel_macros::main;
pub use firesteel_operators::{
    Accumulate, Adder, BarrierTaskContext, BarrierTaskInfo, Broadcast, PartitionIter,
};
#[cfg(feature = "parquet")]
pub use firesteel_tables::columns::{ColumnBatch, TableFormat};
pub use firesteel_tables::{BadRow, CsvFormat, TableError};
#[cfg(feature = "parquet")]
pub use firesteel_tables::{ParquetCompression, ParquetFormat};
pub use firesteel_types::{JobFailure, Partition, StorageLevel, TaskFailure};
pub use partitioner::{HashPartitioner, Partitioner};
pub use rdd::*;
pub use run_main::{ExitWith, become_executor_if_asked, run_main};
pub use sources::FileInfo;
pub use tables::*;
pub use total::TotalF64;
