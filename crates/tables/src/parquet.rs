//! Parquet: columns in row groups, read and written through Arrow's arrays.
//!
//! Reading takes the columns that the record has fields for (`read`), views each batch of them as cells
//! (`column`, `cell`) and gives the cells to the record's own `Deserialize`. Writing gathers values in the
//! columns that the record's shape calls for (`schema`, `build`), and writes them as row groups (`write`) with
//! a checksum for each column chunk (`checksum`), which reading compares.

pub(crate) mod batches;
mod build;
mod calendar;
mod cell;
pub(crate) mod checksum;
pub(crate) mod chunks;
mod column;
mod fit;
mod project;
mod read;
mod schema;
mod serialize;
mod write;

pub use read::ParquetReader;
pub use write::ParquetWriter;
pub(crate) use write::write_error;

use serde::{Deserialize, Serialize};

/// The compression of a Parquet file's pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParquetCompression {
    /// None.
    None,
    /// Fast, and what most programs write.
    #[default]
    Snappy,
    /// Smaller and slower than snappy; for readers that know nothing newer.
    Gzip,
    /// Smaller than gzip, and faster.
    Zstd,
}

/// The settings of a Parquet file. Sent to tasks.
///
/// ```
/// use firesteel_tables::{ParquetCompression, ParquetFormat};
/// let format = ParquetFormat { compression: ParquetCompression::Zstd, ..ParquetFormat::default() };
/// assert_eq!(format.row_group_rows, 1 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParquetFormat {
    /// The compression of pages.
    pub compression: ParquetCompression,
    /// The most rows in a row group: the unit that a file can be split at. 1,048,576 by default.
    pub row_group_rows: usize,
    /// The most bytes in a row group, estimated after encoding: about the memory of a task that writes one. 64
    /// MiB by default.
    pub row_group_bytes: usize,
}

impl Default for ParquetFormat {
    fn default() -> Self {
        ParquetFormat {
            compression: ParquetCompression::default(),
            row_group_rows: 1 << 20,
            row_group_bytes: 64 << 20,
        }
    }
}
