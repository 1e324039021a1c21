//! JSON as columns: an object on each line, or in each file with the option `multiLine`, with the types, the
//! options and the leniency of Spark's.
//!
//! `scan` reads tokens in the dialect that `options` ask for; `fill` puts values into the columns of `build`,
//! once and only the wanted ones; `rows` decides what becomes of a bad record, and `read` brings the lines.
//! `infer` observes which types the values have. `write` makes files, in the bytes that Spark writes.

mod build;
mod encode;
mod fill;
mod infer;
mod kind;
mod options;
mod read;
mod rows;
mod scan;
mod write;

pub use infer::JsonInference;
pub(super) use read::JsonColumns;
pub(super) use write::JsonSink;

#[cfg(test)]
mod tests;
