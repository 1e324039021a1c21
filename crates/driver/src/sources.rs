//! RDDs of files in formats that need no type of the user's: lines of text, whole files, records of one
//! length, SequenceFiles.
//!
//! Paths are files, directories, patterns, or several of these with commas between.

use crate::context::DriverContext;
use crate::error::{Error, Result};
use crate::file_options::{FileOptions, list};
use crate::rdd::UntypedRdd;
use bytes::Bytes;
use firesteel_closures::Plain;
use firesteel_data::Data;
use firesteel_io::hadoop::{SequenceValues, sequence_splits};
use firesteel_io::{
    FileSplit, InputFile, IoError, Lenient, LinePositions, RecordReader, Stores, check_records, file_splits,
    read_in_turn, read_raw, read_text, record_splits, whole_text_splits,
};
use firesteel_operators::{FileSource, TextLines};
use firesteel_types::{CallSite, Partition};

/// The least number of partitions into which files are cut if the program does not set it.
const MIN_PARTITIONS: u32 = 2;

/// The environment of tasks that read splits: each partition's splits, and the kinds of files that may fail.
type Splits = (Vec<Vec<FileSplit>>, Lenient);

impl DriverContext {
    /// Makes an RDD of the lines of text files.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    pub fn text_lines(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: u32,
        delimiter: Option<Vec<u8>>,
        options: &FileOptions,
    ) -> Result<UntypedRdd> {
        let (at, path, how) = (site.clone(), path.to_string(), options.clone());
        let (stores, ends) = (self.stores().clone(), delimiter.clone());
        let splits = move || {
            let files = list(&stores, &at, &path, &how.listing())?;
            Ok(file_splits(&files, &how.splits(min_partitions.into()).delimited(ends.as_deref())))
        };
        let lenient = options.lenient;
        self.reads(site, options, splits, move |splits| {
            TextLines::code(&splits, delimiter.as_deref(), lenient)
        })
    }

    /// Makes an RDD of whole files of text, with their paths.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    pub fn whole_texts(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: u32,
        options: &FileOptions,
    ) -> Result<UntypedRdd> {
        self.whole_files(site, path, min_partitions, options, read_text)
    }

    /// Makes an RDD of whole files of bytes, with their paths.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    pub fn whole_bytes(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: u32,
        options: &FileOptions,
    ) -> Result<UntypedRdd> {
        self.whole_files(site, path, min_partitions, options, |stores, path| {
            read_raw(stores, path).map(Bytes::from)
        })
    }

    /// Returns whole files, each with its path, as `read` reads them.
    fn whole_files<T, R>(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: u32,
        options: &FileOptions,
        read: R,
    ) -> Result<UntypedRdd>
    where
        T: Data,
        R: Fn(&Stores, &str) -> std::result::Result<T, IoError> + Plain,
    {
        let (at, path, how) = (site.clone(), path.to_string(), options.clone());
        let stores = self.stores().clone();
        let groups = move || {
            let files = list(&stores, &at, &path, &how.whole_file_listing())?;
            Ok(whole_text_splits(&files, min_partitions.into()))
        };
        let lenient = options.lenient;
        self.reads(site, options, groups, move |groups: Vec<Vec<Vec<InputFile>>>| {
            let sent: Vec<Vec<InputFile>> = groups.into_iter().map(|groups| groups.concat()).collect();
            let open = move |stores: &Stores, sent: &(Vec<Vec<InputFile>>, Lenient), partition: Partition| {
                let stores = stores.clone();
                let (files, lenient) = (sent.0[partition.index()].clone(), sent.1);
                Ok(read_in_turn(files, lenient, move |file| -> std::result::Result<_, IoError> {
                    let contents = read(&stores, &file.path)?;
                    Ok(std::iter::once(Ok(vec![(file.path.clone(), contents)])))
                }))
            };
            FileSource::code(&(sent, lenient), open)
        })
    }

    /// Makes an RDD of records of one length.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing, and when a file's length is not a multiple of
    /// the record's. For compressed files, that shows when they are read.
    pub fn fixed_records(
        &self,
        site: CallSite,
        path: &str,
        length: u64,
        options: &FileOptions,
    ) -> Result<UntypedRdd> {
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

    /// Makes an RDD of the lines of text files with the positions at which they begin, as Hadoop's
    /// TextInputFormat gives them.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    pub fn line_positions(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: u32,
        options: &FileOptions,
    ) -> Result<UntypedRdd> {
        let (at, path, how) = (site.clone(), path.to_string(), options.clone());
        let stores = self.stores().clone();
        let splits = move || {
            let files = list(&stores, &at, &path, &how.listing())?;
            let cut = how.splits(min_partitions.into()).delimited(how.hadoop.delimiter().as_deref());
            Ok(file_splits(&files, &cut))
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

    /// Makes an RDD of the pairs of SequenceFiles, as values of the classes that the files name.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    pub fn sequence_values(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: Option<usize>,
        options: &FileOptions,
    ) -> Result<UntypedRdd> {
        let splits = self.sequence_splits(&site, path, min_partitions, options);
        let lenient = options.lenient;
        self.reads(site, options, splits, move |splits| {
            FileSource::code(&(splits, lenient), |stores: &Stores, sent: &Splits, partition: Partition| {
                let (splits, stores) = (sent.0[partition.index()].clone(), stores.clone());
                Ok(read_in_turn(splits, sent.1, move |split| SequenceValues::open(&stores, split)))
            })
        })
    }

    /// Returns a function that lists and cuts SequenceFiles.
    pub fn sequence_splits(
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

    /// Returns the least number of partitions into which files are cut.
    pub fn min_partitions(&self, wanted: Option<usize>) -> u32 {
        let at_least_one = |wanted| u32::try_from(wanted).unwrap_or(u32::MAX).max(1);
        wanted.map_or(self.default_parallelism().min(MIN_PARTITIONS), at_least_one)
    }
}
