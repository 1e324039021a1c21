//! The library of the benchmark's programs: parameters, generated data, checksums, a few threads, and the lines
//! they print.
//!
//! The same parameters (environment variables) and the same formulas are in `spark/prelude.scala`, so that all
//! peers answer alike. `cargo xtask bench` starts the programs side by side and compares.

#![expect(clippy::print_stdout, reason = "the harness reads standard output")]

pub mod buckets;
pub mod data;
pub mod params;
pub mod report;
pub mod table;
pub mod terasort;
pub mod threads;
pub mod word_table;
pub mod words;
