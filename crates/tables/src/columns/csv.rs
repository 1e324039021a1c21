//! CSV as columns, in Spark's dialect: what `spark.read.csv` and `DataFrame.write.csv` read and write.
//!
//! A file is read in this order: `dialect` knows the options; `records` finds the records of a split and skips
//! the header; `fields` splits a record; `convert` makes values of fields, in builders of columns; `read` puts
//! them together and decides about bad records. `header` and `infer` find names and types where no schema is
//! given. `write` writes, with numbers as `numbers` prints them.
//!
//! Typed programs read CSV by the crate's stricter readers, which do not guess what a stray quote means.

mod convert;
mod decimal;
mod dialect;
mod fields;
mod header;
mod infer;
mod names;
mod numbers;
mod quoted;
mod read;
mod records;
mod write;

pub use header::CsvHeader;
pub use infer::CsvInference;
pub(super) use read::CsvColumns;
pub(super) use write::CsvSink;
