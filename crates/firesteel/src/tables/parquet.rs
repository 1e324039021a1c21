//! Reading Parquet files.

use super::bad_rows::{BadRows, SentBadRows};
use super::{ReadBatch, Rows, Source};
use crate::Context;
use crate::Result;
use crate::rdd::{Rdd, count};
use firesteel_data::{Data, batch_len};
use firesteel_io::{FileSplit, SplitOptions, Stores, file_splits};
use firesteel_operators::Open;
use firesteel_tables::{OnBadRow, ParquetReader, TableError};
use firesteel_types::Partition;
use std::marker::PhantomData;
use std::panic::Location;

/// The most bytes of a file in a split: as large as the row groups of most writers. A split takes whole row
/// groups.
const SPLIT_BYTES: u64 = 128 << 20;

/// Options of reading Parquet, and then [`load`](ReadParquet::load). Made by [`Context::read_parquet`].
#[must_use = "nothing is read before `load`"]
pub struct ReadParquet<T> {
    source: Source,
    types: PhantomData<fn() -> T>,
}

/// # Tables
impl Context {
    /// Reads Parquet files as records of a type of your own. Only the columns are read that the record has
    /// fields for, by name; a tuple takes all columns in their order. Paths as for [`Context::text_file`].
    ///
    /// Nulls go into `Option`s, lists into vectors, structs into structs, maps into maps. Whole numbers go
    /// into any whole-number field that can hold their values. Timestamps go into `String` (ISO 8601, as
    /// `chrono`, `jiff` and `time` read it) or `i64` (microseconds since 1970), dates into `String` or `i32`
    /// (days since 1970), decimals into `String` (exactly) or `f64` (nearly).
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Trip {
    ///     city: String,
    ///     fare: f64,
    ///     tip: Option<f64>,
    /// }
    ///
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Fare {
    ///     fare: f64,
    /// }
    ///
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("trips").to_str().unwrap().to_string();
    /// let trips = ["Ulm", "Bonn"].map(|city| Trip { city: city.into(), fare: 7.5, tip: None });
    /// sc.parallelize(trips, 2).save_as_parquet(&path)?;
    /// let fares = sc.read_parquet::<Fare>(&path).load()?;
    /// assert_eq!(fares.map(|trip| trip.fare).sum()?, 15.0);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn read_parquet<T: Data>(&self, path: &str) -> ReadParquet<T> {
        let source = Source::new(self, "read_parquet", path, Location::caller());
        ReadParquet { source, types: PhantomData }
    }
}

impl<T: Data> ReadBatch<T> for ParquetReader<T> {
    fn read_batch(
        &mut self,
        out: &mut Vec<T>,
        on_bad_row: &mut OnBadRow<'_>,
    ) -> std::result::Result<bool, TableError> {
        ParquetReader::read_batch(self, out, on_bad_row)
    }
}

impl<T: Data> ReadParquet<T> {
    /// Sets the treatment of rows that are no records, such as ones with a null where the record has no
    /// `Option`: by default the job fails.
    pub fn bad_rows(mut self, bad_rows: BadRows) -> Self {
        self.source.bad_rows = bad_rows;
        self
    }

    /// Sets the least number of partitions into which the files are cut: [`Context::default_parallelism`] by
    /// default. A partition takes whole row groups, so partitions beyond the number of row groups stay empty.
    pub fn min_partitions(mut self, partitions: usize) -> Self {
        self.source.min_partitions = Some(partitions);
        self
    }

    /// Returns the records. The columns of the first file are read now, so that one that is missing, or of
    /// another type, is reported here; the rest is read by the actions that need it.
    ///
    /// # Errors
    /// When a path does not exist, or the first file is no Parquet file or does not fit the record.
    pub fn load(self) -> Result<Rdd<T>> {
        let source = self.source;
        let files = source.files()?;
        if let Some(file) = files.first() {
            ParquetReader::<T>::open(source.context.driver().stores(), &FileSplit::whole(file), 1)
                .map_err(|error| source.failed(error))?;
        }
        let wanted = source.min_partitions.map_or(source.context.default_parallelism(), count);
        let options = SplitOptions {
            min_partitions: u64::from(wanted),
            min_size: 1,
            block_size: SPLIT_BYTES,
            remote_block_size: SPLIT_BYTES,
            empty_splits: true,
            cut_bzip2: false,
        };
        let sent: Sent = (file_splits(&files, &options), source.bad_rows.sent());
        let code = Open::code(&sent, |stores: &Stores, (splits, bad_rows): &Sent, partition: Partition| {
            Rows::open(
                ParquetReader::<T>::open(stores, &splits[partition.index()], batch_len::<T>()),
                bad_rows,
            )
        });
        Ok(source.rdd(sent.0.len(), code))
    }
}

/// The environment of a task.
type Sent = (Vec<FileSplit>, SentBadRows);
