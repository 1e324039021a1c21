//! CSV as columns, in Spark's dialect: what `spark.read.csv` and `DataFrame.write.csv` read and write.
//!
//! A file is read in this order: `dialect` knows the options; `records` finds the records of a split and skips
//! the header; `fields` splits a record; `convert` makes values of fields, in builders of columns; `read` puts
//! them together and decides about bad records. `header` and `infer` find names and types where no schema is
//! given. `write` writes, with numbers as `numbers` prints them.
//!
//! Typed programs read CSV by the crate's stricter readers, which do not guess what a stray quote means.
//!
//! It differs from Spark 4.3 in this:
//!
//! - Fields that are not wanted are split like the others. Spark skips them by a shorter rule, by which `"a\\\\"` does not
//!   end, and wanted fields behind it are lost.
//! - With a separator of several characters, stray quotes mean what they mean with one. Spark loses the separator's
//!   first character there, and doubles a quote at the end of a line. With an empty `escape`, `""` at the end of a line is
//!   an empty field, and not a quote.
//! - Types that are found out do not depend on the order of rows, see [`CsvInference`]; a sample has other rows.
//! - Digits are those of ASCII, and numbers have no hexadecimal form.
//! - Numbers are written with the fewest digits that tell them from others, as Java does from 19 on.
//! - `BACK_TO_DELIMITER`, UTF-16, UTF-32, languages other than English where they matter, and intervals are refused.

mod convert;
mod dialect;
mod fields;
mod header;
mod infer;
mod names;
mod numbers;
mod quoted;
mod read;
mod records;
mod tokens;
mod write;

pub use header::CsvHeader;
pub use infer::CsvInference;
pub(super) use read::CsvColumns;
pub(super) use write::CsvSink;
