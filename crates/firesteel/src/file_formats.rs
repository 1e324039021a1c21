//! Files that are not text: SequenceFiles, object files, whole files of bytes, records of one length.

use crate::Context;
use crate::error::{Error, Result, site};
use crate::file_options::{FileOptions, list};
use crate::rdd::Rdd;
use bytes::Bytes;
use firesteel_data::Data;
use firesteel_io::hadoop::{SequencePairs, SequenceValues, Value, Writable, sequence_splits};
use firesteel_io::{
    FileSplit, InputFile, IoError, Lenient, LinePositions, ObjectBatches, RecordReader, Stores,
    check_records, file_splits, object_splits, read_in_turn, read_raw, record_splits, whole_text_splits,
};
use firesteel_operators::FileSource;
use firesteel_types::{CallSite, Partition};
use std::panic::Location;

/// What tasks that read splits are sent: each partition's splits, and which files may fail.
type Splits = (Vec<Vec<FileSplit>>, Lenient);

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
        let options = self.file_options()?;
        let splits = self.sequence_splits(&site, path, min_partitions.into(), &options);
        let lenient = options.lenient;
        self.reads(site, &options, splits, move |splits| {
            FileSource::code(&(splits, lenient), |stores: &Stores, sent: &Splits, partition: Partition| {
                let (splits, stores) = (sent.0[partition.index()].clone(), stores.clone());
                Ok(read_in_turn(splits, sent.1, move |split| SequencePairs::<K, V>::open(&stores, split)))
            })
        })
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
        let options = self.file_options()?;
        let (at, path, how) = (site.clone(), path.to_string(), options.clone());
        let stores = self.stores().clone();
        let wanted = self.min_partitions(min_partitions.into());
        let splits = move || {
            let files = list(&stores, &at, &path, &how.sequence_listing())?;
            Ok(object_splits(&files, &how.splits(wanted.into())))
        };
        let lenient = options.lenient;
        self.reads(site, &options, splits, move |splits| {
            FileSource::code(&(splits, lenient), |stores: &Stores, sent: &Splits, partition: Partition| {
                let (splits, stores) = (sent.0[partition.index()].clone(), stores.clone());
                Ok(read_in_turn(splits, sent.1, move |split| ObjectBatches::<T>::open(&stores, split)))
            })
        })
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
        self.whole_bytes(site, path, self.min_partitions(min_partitions.into()), &self.file_options()?)
    }

    /// Whole files of bytes, by options that another face was given.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    #[doc(hidden)]
    pub fn whole_bytes(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: u32,
        options: &FileOptions,
    ) -> Result<Rdd<(String, Bytes)>> {
        let (at, path, how) = (site.clone(), path.to_string(), options.clone());
        let stores = self.stores().clone();
        let groups = move || {
            let files = list(&stores, &at, &path, &how.whole_file_listing())?;
            Ok(whole_text_splits(&files, min_partitions.into()))
        };
        let lenient = options.lenient;
        self.reads(site, options, groups, move |groups: Vec<Vec<Vec<InputFile>>>| {
            let sent: Vec<Vec<InputFile>> = groups.into_iter().map(|groups| groups.concat()).collect();
            FileSource::code(
                &(sent, lenient),
                |stores: &Stores, sent: &(Vec<Vec<InputFile>>, Lenient), partition| {
                    let stores = stores.clone();
                    let (files, lenient) = (sent.0[partition.index()].clone(), sent.1);
                    Ok(read_in_turn(files, lenient, move |file| -> std::result::Result<_, IoError> {
                        let bytes = Bytes::from(read_raw(&stores, &file.path)?);
                        Ok(std::iter::once(Ok(vec![(file.path.clone(), bytes)])))
                    }))
                },
            )
        })
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
        self.fixed_records(site, path, record_length as u64, &self.file_options()?)
    }

    /// Records of one length, by options that another face was given.
    ///
    /// # Errors
    /// As [`Context::binary_records`].
    #[doc(hidden)]
    pub fn fixed_records(
        &self,
        site: CallSite,
        path: &str,
        length: u64,
        options: &FileOptions,
    ) -> Result<Rdd<Bytes>> {
        let (at, path, how) = (site.clone(), path.to_string(), options.clone());
        let stores = self.stores().clone();
        let wanted = self.min_partitions(None);
        let splits = move || {
            let files = list(&stores, &at, &path, &how.listing())?;
            check_records(&files, length).map_err(|source| Error::Io { site: at.clone(), source })?;
            Ok(record_splits(&files, length, &how.splits(wanted.into())))
        };
        let lenient = options.lenient;
        self.reads(site, options, splits, move |splits| {
            FileSource::code(
                &((splits, lenient), length),
                |stores: &Stores, sent: &(Splits, u64), partition: Partition| {
                    let (splits, length, stores) =
                        (sent.0.0[partition.index()].clone(), sent.1, stores.clone());
                    Ok(read_in_turn(splits, sent.0.1, move |split| {
                        RecordReader::open(&stores, split, length)
                    }))
                },
            )
        })
    }

    /// The pairs of SequenceFiles, as values of whichever classes they name, by options that another face was given.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    #[doc(hidden)]
    pub fn sequence_values(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: Option<usize>,
        options: &FileOptions,
    ) -> Result<Rdd<(Value, Value)>> {
        let splits = self.sequence_splits(&site, path, min_partitions, options);
        let lenient = options.lenient;
        self.reads(site, options, splits, move |splits| {
            FileSource::code(&(splits, lenient), |stores: &Stores, sent: &Splits, partition: Partition| {
                let (splits, stores) = (sent.0[partition.index()].clone(), stores.clone());
                Ok(read_in_turn(splits, sent.1, move |split| SequenceValues::open(&stores, split)))
            })
        })
    }

    /// The lines of text files with where they begin, as Hadoop's TextInputFormat gives them, by options that another face was
    /// given.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    #[doc(hidden)]
    pub fn line_positions(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: u32,
        options: &FileOptions,
    ) -> Result<Rdd<(i64, String)>> {
        let (at, path, how) = (site.clone(), path.to_string(), options.clone());
        let stores = self.stores().clone();
        let splits = move || {
            let files = list(&stores, &at, &path, &how.listing())?;
            Ok(file_splits(&files, &how.splits(min_partitions.into())))
        };
        let (delimiter, lenient) = (options.hadoop.delimiter(), options.lenient);
        self.reads(site, options, splits, move |splits| {
            let sent = ((splits, lenient), delimiter.clone());
            FileSource::code(
                &sent,
                |stores: &Stores, sent: &(Splits, Option<Vec<u8>>), partition: Partition| {
                    let (splits, delimiter) = (sent.0.0[partition.index()].clone(), sent.1.clone());
                    let stores = stores.clone();
                    Ok(read_in_turn(splits, sent.0.1, move |split| {
                        LinePositions::open(&stores, split, delimiter.as_deref())
                    }))
                },
            )
        })
    }

    /// Lists and cuts SequenceFiles.
    fn sequence_splits(
        &self,
        site: &CallSite,
        path: &str,
        min_partitions: Option<usize>,
        options: &FileOptions,
    ) -> impl Fn() -> Result<Vec<FileSplit>> + Send + Sync + 'static {
        let (site, path, options) = (site.clone(), path.to_string(), options.clone());
        let stores = self.stores().clone();
        let wanted = self.min_partitions(min_partitions);
        move || {
            let files = list(&stores, &site, &path, &options.sequence_listing())?;
            Ok(sequence_splits(&files, &options.splits(wanted.into())))
        }
    }
}
