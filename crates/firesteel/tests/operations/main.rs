//! Every operation of the Rust API against a plain model, on four contexts: one slot and several, with plenty
//! of memory and with hardly any. `table.rs` fails when an operation has no test here.

mod actions;
mod files;
mod formats;
mod joins;
mod large;
mod lineage;
mod numbers;
mod pairs;
mod persist;
#[allow(dead_code, reason = "tests of another kind use more of it")]
#[path = "../support/processes.rs"]
mod processes;
mod sampling;
mod several;
mod sort;
mod sources;
mod support;
mod table;
#[cfg(feature = "parquet")]
mod tables;
mod transform;
