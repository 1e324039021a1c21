//! The traits that formats implement: readers that give batches, and writers that take them.

use crate::error::TableError;
use arrow_array::RecordBatch;
use firesteel_io::Output;

/// The most rows of a batch that is read.
pub(crate) const BATCH_ROWS: usize = 4096;

/// Reads the rows of one split as batches.
pub trait ReadColumns {
    /// Returns the next rows, or none at the end. A batch may be empty.
    ///
    /// # Errors
    /// When the file cannot be read, or a row is bad where the options let none be.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, TableError>;
}

/// Writes batches to one file.
pub trait WriteColumns {
    /// Writes all rows of a batch, whose columns are those of the sink's schema.
    ///
    /// # Errors
    /// When the file cannot be written, or cannot hold a value.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError>;

    /// Writes what is left, and returns the file, which is not finished yet.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn finish(self: Box<Self>) -> Result<Output, TableError>;
}
