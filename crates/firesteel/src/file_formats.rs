//! Binary files as RDDs: SequenceFiles, object files, whole files of bytes, records of one length.

use crate::Context;
use crate::rdd::Rdd;
use crate::{Error, Result};
use bytes::Bytes;
use firesteel_data::Data;
use firesteel_driver::{list, site};
use firesteel_io::hadoop::{SequencePairs, Writable};
use firesteel_io::{FileSplit, Lenient, ObjectBatches, Stores, object_splits, read_in_turn};
use firesteel_operators::FileSource;
use firesteel_types::Partition;
use std::panic::Location;

/// The environment of tasks that read splits: each partition's splits, and the kinds of files that may fail.
type Splits = (Vec<Vec<FileSplit>>, Lenient);

impl Context {
    /// Makes an RDD of the pairs of SequenceFiles, Hadoop's binary files of keys and values.
    ///
    /// Types stand for classes: `String` for `Text`, `i64` for `LongWritable`, [`Bytes`] for `BytesWritable`,
    /// `()` for `NullWritable` and so on, by [`Writable`], which types of your own may implement. The files
    /// themselves say how they are compressed. Large files are cut at their markers, into at least
    /// `min_partitions` (2 when `None`) but no splits under 100 KiB. Paths as for [`Context::text_file`].
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing. A file of other classes, or no SequenceFile,
    /// fails the job with an error that says what to write instead.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("ages").to_str().unwrap().to_string();
    /// let ages = sc.parallelize([("Ada".to_string(), 36), ("Alan".to_string(), 41)], 1);
    /// ages.save_as_sequence_file(&path)?;
    /// assert_eq!(sc.sequence_file::<String, i32>(&path, None)?.collect()?, ages.collect()?);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn sequence_file<K: Writable + Data, V: Writable + Data>(
        &self,
        path: &str,
        min_partitions: impl Into<Option<usize>>,
    ) -> Result<Rdd<(K, V)>> {
        let site = site("sequence_file", Location::caller());
        let options = self.driver().file_options()?;
        let splits = self.driver().sequence_splits(&site, path, min_partitions.into(), &options);
        let lenient = options.lenient;
        let rdd = self.driver().reads(site, &options, splits, move |splits| {
            FileSource::code(&(splits, lenient), |stores: &Stores, sent: &Splits, partition: Partition| {
                let (splits, stores) = (sent.0[partition.index()].clone(), stores.clone());
                Ok(read_in_turn(splits, sent.1, move |split| SequencePairs::<K, V>::open(&stores, split)))
            })
        });
        rdd.map(Rdd::of)
    }

    /// Makes an RDD of the records that [`Rdd::save_as_object_file`] saved, or Spark's `saveAsObjectFile` if
    /// they are numbers, booleans, strings, or tuples and arrays of them.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing. A file of another type, one that was cut
    /// short and one in which a byte was changed each fail the job with an error that says so.
    #[track_caller]
    pub fn object_file<T: Data>(
        &self,
        path: &str,
        min_partitions: impl Into<Option<usize>>,
    ) -> Result<Rdd<T>> {
        let site = site("object_file", Location::caller());
        let options = self.driver().file_options()?;
        let (at, path, how) = (site.clone(), path.to_string(), options.clone());
        let wanted = self.driver().min_partitions(min_partitions.into());
        let stores = self.driver().stores().clone();
        let splits = move || {
            let files = list(&stores, &at, &path, &how.sequence_listing())?;
            Ok(object_splits(&files, &how.splits(wanted.into())))
        };
        let lenient = options.lenient;
        let rdd = self.driver().reads(site, &options, splits, move |splits| {
            FileSource::code(&(splits, lenient), |stores: &Stores, sent: &Splits, partition: Partition| {
                let (splits, stores) = (sent.0[partition.index()].clone(), stores.clone());
                Ok(read_in_turn(splits, sent.1, move |split| ObjectBatches::<T>::open(&stores, split)))
            })
        });
        rdd.map(Rdd::of)
    }

    /// Makes an RDD of whole files, as pairs of path and contents: the bytes are not decompressed, whatever
    /// the files' names end in. Paths as for [`Context::text_file`]. Small files share partitions; each file
    /// must fit in memory.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// std::fs::write(dir.path().join("a"), [0xFF, 0x00]).unwrap();
    /// let files = sc.binary_files(dir.path().to_str().unwrap(), None)?;
    /// assert_eq!(files.values().collect()?, [vec![0xFF, 0x00]]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn binary_files(
        &self,
        path: &str,
        min_partitions: impl Into<Option<usize>>,
    ) -> Result<Rdd<(String, Bytes)>> {
        let site = site("binary_files", Location::caller());
        let driver = self.driver();
        let wanted = driver.min_partitions(min_partitions.into());
        driver.whole_bytes(site, path, wanted, &driver.file_options()?).map(Rdd::of)
    }

    /// Makes an RDD of the records of files in which each record has `record_length` bytes, without
    /// separators. Paths as for [`Context::text_file`]; compressed files are decompressed as there. Large
    /// files are cut between records.
    ///
    /// # Errors
    /// When the length is 0, when a path does not exist or a pattern matches nothing, and when a file's
    /// length is not a multiple of the record's. For compressed files, that shows when they are read.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("numbers");
    /// std::fs::write(&path, [1u16, 2, 3].map(u16::to_le_bytes).concat()).unwrap();
    /// let records = sc.binary_records(path.to_str().unwrap(), 2)?;
    /// let numbers = records.map(|record| u16::from_le_bytes([record[0], record[1]]));
    /// assert_eq!(numbers.collect()?, [1, 2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn binary_records(&self, path: &str, record_length: usize) -> Result<Rdd<Bytes>> {
        let site = site("binary_records", Location::caller());
        if record_length == 0 {
            let message = "records of 0 bytes are none; use `binary_files` for whole files".into();
            return Err(Error::InvalidArgument { site, message });
        }
        let options = self.driver().file_options()?;
        self.driver().fixed_records(site, path, record_length as u64, &options).map(Rdd::of)
    }
}
