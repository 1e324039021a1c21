//! Files that are not text: SequenceFiles, object files, whole files of bytes, records of one length.

use crate::Context;
use crate::error::{Error, Result, site};
use crate::node::NodeCode;
use crate::rdd::{Parts, Rdd};
use bytes::Bytes;
use firesteel_data::Data;
use firesteel_io::hadoop::{SequencePairs, Writable, sequence_splits};
use firesteel_io::{
    FileSplit, InputFile, IoError, ObjectBatches, RecordReader, SplitOptions, check_records, list_inputs,
    object_splits, read_raw, record_splits, whole_text_splits,
};
use firesteel_operators::{Code, FileSource};
use firesteel_types::{CallSite, Partition};
use std::panic::Location;

impl Context {
    /// The pairs of SequenceFiles, Hadoop's binary files of keys and values.
    ///
    /// Types stand for classes: `String` for `Text`, `i64` for `LongWritable`, [`Bytes`] for `BytesWritable`, `()` for
    /// `NullWritable` and so on, as [`Writable`] tells, which types of your own may implement. Compression is told by the files
    /// themselves. Large files are cut at their markers, into at least `min_partitions` (2 when `None`) but no splits
    /// under 100 KiB. Paths as for [`Context::text_file`].
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing. A file of other classes, or no SequenceFile, fails the job
    /// with an error that says what to write instead.
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
        let splits = sequence_splits(&listed(&site, path)?, self.wanted(min_partitions.into()));
        let code = FileSource::code(&splits, |splits: &Vec<FileSplit>, partition: Partition| {
            SequencePairs::<K, V>::open(&splits[partition.index()])
        });
        Ok(self.files_rdd(site, splits.len(), code))
    }

    /// The records that [`Rdd::save_as_object_file`] saved, or Spark's `saveAsObjectFile` if they are numbers, booleans,
    /// strings, or tuples and arrays of them.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing. A file of another type, one that was cut short and one in which
    /// a byte was changed each fail the job with an error that says so.
    #[track_caller]
    pub fn object_file<T: Data>(
        &self,
        path: &str,
        min_partitions: impl Into<Option<usize>>,
    ) -> Result<Rdd<T>> {
        let site = site("object_file", Location::caller());
        let splits = object_splits(&listed(&site, path)?, self.wanted(min_partitions.into()));
        let code = FileSource::code(&splits, |splits: &Vec<FileSplit>, partition: Partition| {
            ObjectBatches::<T>::open(&splits[partition.index()])
        });
        Ok(self.files_rdd(site, splits.len(), code))
    }

    /// Whole files, as pairs of path and contents: as they lie there, whatever their names end in. Paths as for
    /// [`Context::text_file`]. Small files share partitions; each file must fit in memory.
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
        let groups = whole_text_splits(&listed(&site, path)?, self.wanted(min_partitions.into()));
        let code = FileSource::code(&groups, |groups: &Vec<Vec<InputFile>>, partition: Partition| {
            let files = groups[partition.index()].clone().into_iter();
            Ok(files.map(|file| -> std::result::Result<_, IoError> {
                let bytes = Bytes::from(read_raw(&file.path)?);
                Ok(vec![(file.path, bytes)])
            }))
        });
        Ok(self.files_rdd(site, groups.len(), code))
    }

    /// The records of files in which each has so many bytes and nothing stands between them. Paths as for
    /// [`Context::text_file`], and so are compressed files. Large files are cut between records.
    ///
    /// # Errors
    /// When the length is 0, when a path does not exist or a pattern matches nothing, and when a file's length is not a
    /// multiple of the record's. Of compressed files that shows when they are read.
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
        let (files, length) = (listed(&site, path)?, record_length as u64);
        check_records(&files, length).map_err(|source| Error::Io { site: site.clone(), source })?;
        let splits = record_splits(&files, length, &SplitOptions::new(self.wanted(None)));
        let sent = (splits, length);
        let code =
            FileSource::code(&sent, |(splits, length): &(Vec<FileSplit>, u64), partition: Partition| {
                RecordReader::open(&splits[partition.index()], *length)
            });
        Ok(self.files_rdd(site, sent.0.len(), code))
    }

    fn wanted(&self, min_partitions: Option<usize>) -> u64 {
        u64::from(self.min_partitions(min_partitions))
    }

    fn files_rdd<T: Data>(
        &self,
        site: CallSite,
        partitions: usize,
        code: std::result::Result<Code, firesteel_data::DataError>,
    ) -> Rdd<T> {
        let partitions = partitions as u32;
        let code = NodeCode::from(code);
        Rdd::from_parts(self, Parts { site, partitions, partitioner: None, narrow: vec![], code })
    }
}

fn listed(site: &CallSite, path: &str) -> Result<Vec<InputFile>> {
    list_inputs(path).map_err(|source| Error::Io { site: site.clone(), source })
}
