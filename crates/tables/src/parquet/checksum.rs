//! Checksums of column chunks. The library verifies the checksums of pages that other programs write (Spark
//! does), and writes none; so Firesteel's files have one for each column chunk, beside the schema, where
//! readers that do not know them ignore them.
//!
//! Stored as `firesteel.crc32`: for each row group and each of its leaf columns, in their order, the CRC-32 of
//! the chunk's bytes as eight hexadecimal digits. And as `firesteel.crc32.footer`: the CRC-32 of the footer's
//! description of row groups and columns, so that a changed count of rows is noticed too.

use bytes::Bytes;
use crc32fast::Hasher;
use parking_lot::Mutex;
use parquet::arrow::arrow_writer::PageKey;
use parquet::column::page_store::{InMemoryPageStoreFactory, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::errors::Result;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use std::sync::Arc;

/// The key of the checksums in a file.
pub(crate) const KEY: &str = "firesteel.crc32";
/// The key of the footer's own checksum.
pub(crate) const FOOTER_KEY: &str = "firesteel.crc32.footer";

/// Returns the checksum of a footer's row groups: their number of rows, and each column's name, types, position
/// and sizes.
pub(crate) fn footer_sum(row_groups: &[RowGroupMetaData]) -> String {
    let mut said = String::new();
    for group in row_groups {
        said.push_str(&format!("{} rows\n", group.num_rows()));
        for column in group.columns() {
            let (descriptor, kind) = (column.column_descr(), column.column_type());
            said.push_str(&format!(
                "{} {kind:?} {:?} {:?} {} {} {:?} {} {} {} {:?}\n",
                descriptor.path().string(),
                descriptor.logical_type_ref(),
                descriptor.converted_type(),
                descriptor.max_def_level(),
                descriptor.max_rep_level(),
                column.compression(),
                column.num_values(),
                column.compressed_size(),
                column.data_page_offset(),
                column.dictionary_page_offset(),
            ));
        }
    }
    format!("{:08x}", crc32fast::hash(said.as_bytes()))
}

/// Buffers finished pages, and updates the sum of each column chunk as it goes into the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summing {
    sums: Arc<Mutex<Vec<Hasher>>>,
}

impl Summing {
    /// Returns the sums so far, as a file stores them.
    pub(crate) fn text(&self) -> String {
        let sums = self.sums.lock();
        sums.iter().map(|sum| format!("{:08x}", sum.clone().finalize())).collect()
    }
}

impl PageStoreFactory for Summing {
    fn create(&self, args: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>> {
        let mut sums = self.sums.lock();
        sums.push(Hasher::new());
        let pages = InMemoryPageStoreFactory.create(args)?;
        Ok(Box::new(SummingStore { pages, sums: self.sums.clone(), index: sums.len() - 1 }))
    }
}

struct SummingStore {
    pages: Box<dyn PageStore>,
    sums: Arc<Mutex<Vec<Hasher>>>,
    index: usize,
}

impl PageStore for SummingStore {
    fn put(&mut self, value: Bytes) -> Result<PageKey> {
        self.pages.put(value)
    }

    /// Called once for each part, in the order of the file.
    fn take(&mut self, key: PageKey) -> Result<Bytes> {
        let part = self.pages.take(key)?;
        let mut sums = self.sums.lock();
        sums[self.index].update(&part);
        Ok(part)
    }

    fn memory_size(&self) -> usize {
        self.pages.memory_size()
    }
}

/// The checksums in a file.
pub(crate) struct Checksums {
    sums: Vec<u32>,
    leaves: usize,
}

impl Checksums {
    /// Reads the checksums of a file. None when it has none; an error when they cannot be its own.
    pub(crate) fn of(metadata: &ParquetMetaData) -> std::result::Result<Option<Checksums>, String> {
        let pairs = metadata.file_metadata().key_value_metadata();
        let find = |key| pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == key));
        let Some(text) = find(KEY) else { return Ok(None) };
        let footer = find(FOOTER_KEY).and_then(|pair| pair.value.as_deref());
        if footer != Some(&footer_sum(metadata.row_groups())) {
            return Err("its footer does not match the checksum in it: the file is damaged".into());
        }
        let text = text.value.as_deref().unwrap_or_default();
        let leaves = metadata.file_metadata().schema_descr().num_columns();
        let digits = text.as_bytes().chunks(8);
        let sums: Option<Vec<u32>> =
            digits.map(|digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()).collect();
        match sums {
            Some(sums) if sums.len() >= leaves * metadata.num_row_groups() => {
                Ok(Some(Checksums { sums, leaves }))
            }
            _ => Err("its checksums cannot be read: the file is damaged".into()),
        }
    }

    /// Returns whether a column chunk has the bytes that were written.
    pub(crate) fn matches(&self, row_group: usize, leaf: usize, chunk: &[u8]) -> bool {
        self.sums[row_group * self.leaves + leaf] == crc32fast::hash(chunk)
    }
}
