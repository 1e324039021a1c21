//! Chunk reader: the bytes of one file as the library asks for them. The column chunks of a row group that are
//! read are loaded whole, with one read each, compared with their checksums, and handed out in slices without
//! copying.

use super::checksum::Checksums;
use crate::error::TableError;
use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use firesteel_io::{Input, Stores};
use parquet::arrow::ProjectionMask;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};
use std::sync::Arc;

/// A file, and the chunks of it that were loaded.
#[derive(Clone)]
pub(super) struct Chunks {
    input: Arc<Input>,
    loaded: Arc<Vec<(u64, Bytes)>>,
}

impl Chunks {
    pub(super) fn open(stores: &Stores, path: &str) -> std::result::Result<Chunks, TableError> {
        Ok(Chunks { input: Arc::new(Input::open(stores, path)?), loaded: Arc::default() })
    }

    /// Returns the same file, with the column chunks of a row group loaded that a projection reads.
    pub(super) fn load(
        &self,
        metadata: &ParquetMetaData,
        row_group: usize,
        projection: &ProjectionMask,
        sums: Option<&Checksums>,
    ) -> std::result::Result<Chunks, TableError> {
        let path = self.input.path();
        let fail = |message: String| TableError::File { path: path.into(), message };
        let mut loaded = vec![];
        for (leaf, column) in metadata.row_group(row_group).columns().iter().enumerate() {
            if !projection.leaf_included(leaf) {
                continue;
            }
            let (start, length) = column.byte_range();
            let name = column.column_path().string();
            let length =
                usize::try_from(length).ok().filter(|length| start + *length as u64 <= self.input.len());
            let length = length.ok_or_else(|| {
                fail(format!(
                    "column `{name}` of row group {row_group} lies beyond the file's end: the file is damaged"
                ))
            })?;
            let bytes = self.input.read_at(start, length)?;
            if sums.is_some_and(|sums| !sums.matches(row_group, leaf, &bytes)) {
                return Err(fail(format!(
                    "column `{name}` of row group {row_group} does not match its checksum: the file is damaged"
                )));
            }
            loaded.push((start, bytes.into()));
        }
        Ok(Chunks { input: self.input.clone(), loaded: Arc::new(loaded) })
    }

    /// Returns the loaded bytes from a position on.
    fn find(&self, start: u64) -> Option<Bytes> {
        let within = |(at, bytes): &&(u64, Bytes)| *at <= start && start < *at + bytes.len() as u64;
        self.loaded.iter().find(within).map(|(at, bytes)| bytes.slice((start - at) as usize..))
    }

    fn read(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.input.read_at(start, length);
        bytes.map(Bytes::from).map_err(|error| ParquetError::External(Box::new(error)))
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.input.len()
    }
}

impl ChunkReader for Chunks {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Reader<Bytes>> {
        /// Enough for the header of a page: the library reads nothing else this way.
        const HEADER_BYTES: u64 = 64 << 10;
        let bytes = match self.find(start) {
            Some(bytes) => bytes,
            None => self.read(start, self.input.len().saturating_sub(start).min(HEADER_BYTES) as usize)?,
        };
        Ok(bytes.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self.find(start) {
            Some(bytes) if length <= bytes.len() => Ok(bytes.slice(..length)),
            _ if start.saturating_add(length as u64) > self.input.len() => {
                Err(ParquetError::EOF("it ends in the middle of a page or its footer".into()))
            }
            _ => self.read(start, length),
        }
    }
}
