//! Tables: reads and writes CSV, JSON lines and Parquet files as typed rows, of any serde record type. No
//! scheduling here: a reader is given one split of one file, a writer one sink.
//!
//! [`Shape`] describes a record type, and is learned by deserialising it from made-up values. The readers match
//! columns by name with it once for each file, and then hand cells to the type's own `Deserialize`, without
//! looking names up again for each row. Errors of a file or a row are [`TableError`]s; the caller decides what
//! to do with bad rows ([`OnBadRow`]).

#[cfg(feature = "parquet")]
pub mod columns;
mod csv;
mod error;
mod fault;
mod json;
mod line_feed;
#[cfg(feature = "parquet")]
mod parquet;
mod row;
mod shape;
mod trace;

pub use csv::{CsvFormat, CsvReader, CsvWriter};
pub use error::{BadRow, OnBadRow, TableError, fail_on_bad_row};
pub use json::{JsonReader, JsonWriter};
#[cfg(feature = "parquet")]
pub use parquet::{ParquetCompression, ParquetFormat, ParquetReader, ParquetWriter};
pub use shape::{Field, Kind, Shape};
