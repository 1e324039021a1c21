//! Tests of the whole engine, in one program, since each program of tests links all of it. Contexts run side by side in it, so a test
//! that wants a process to itself starts this program again ([`processes`]). Those of each operation are in `operations`, those of
//! processes that end in `clusters`: the three are compiled beside one another.
//!
//! Some are there only with the features of the crate, which are on when the whole workspace is tested.

mod accumulators;
mod bad_input;
mod barriers;
mod broadcasts;
mod checkpoints;
mod explaining;
mod interop;
mod jobs;
mod log;
mod memory;
mod persistence;
#[path = "../support/processes.rs"]
mod processes;
mod settings;
mod sight;
#[path = "../support/small_disk.rs"]
mod small_disk;
mod status;
#[cfg(feature = "s3")]
mod store_settings;
mod stores;
#[cfg(feature = "parquet")]
mod tables;
#[path = "../support/waiting.rs"]
mod waiting;
