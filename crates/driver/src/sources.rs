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
    BinaryOptions, FileSplit, InputFile, IoError, KeyValueLines, Lenient, LinePositions, RecordReader,
    Stores, binary_splits, check_records, combined_line_splits, combined_splits, file_splits,
    line_count_splits, read_in_turn, read_raw, read_text, record_splits, whole_file_splits,
    whole_text_splits,
};
use firesteel_operators::{FileSource, TextLines};
use firesteel_types::{CallSite, Partition};

/// The least number of partitions into which files are cut if the program does not set it.
const MIN_PARTITIONS: u32 = 2;

/// The ways in which Hadoop's input formats cut files, or gather them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Into at least so many splits.
    AtLeast(u32),
    /// After every so many lines, as the settings say: `NLineInputFormat`.
    Lines,
    /// Into partitions of several files, as large as the settings say: `CombineFileInputFormat`.
    Combined,
}

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
        let least = options.hadoop.least_on_host();
        let pack = move |files: &[InputFile]| Ok(whole_text_splits(files, min_partitions.into(), least));
        self.whole_files(site, path, options, pack, read_text)
    }

    /// Makes an RDD of whole files of text, with their paths, in partitions as large as Hadoop's settings say.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing, and when the settings contradict each other.
    pub fn whole_texts_combined(
        &self,
        site: CallSite,
        path: &str,
        options: &FileOptions,
    ) -> Result<UntypedRdd> {
        let sizes = options.combined(&site)?;
        let pack = move |files: &[InputFile]| Ok(whole_file_splits(files, &sizes));
        self.whole_files(site, path, options, pack, read_text)
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
        let parallelism = self.default_parallelism().max(min_partitions).into();
        let (max_partition, open_cost) = options.binary;
        let sizes = BinaryOptions { parallelism, max_partition, open_cost };
        let least = options.hadoop.least_on_host();
        let pack = move |files: &[InputFile]| Ok(binary_splits(files, &sizes, least));
        self.whole_files(site, path, options, pack, |stores, path| read_raw(stores, path).map(Bytes::from))
    }

    /// Returns whole files, each with its path, gathered by `pack` and read by `read`.
    fn whole_files<T, R>(
        &self,
        site: CallSite,
        path: &str,
        options: &FileOptions,
        pack: impl Fn(&[InputFile]) -> Result<Vec<Vec<InputFile>>> + Send + Sync + 'static,
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
            pack(&files)
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
    /// TextInputFormat gives them, and NLineInputFormat and CombineTextInputFormat in partitions of their own.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    pub fn line_positions(
        &self,
        site: CallSite,
        path: &str,
        cut: Cut,
        options: &FileOptions,
    ) -> Result<UntypedRdd> {
        // NLineInputFormat knows the ends of lines alone.
        let delimiter = options.hadoop.delimiter().filter(|_| cut != Cut::Lines);
        let (splits, lenient) = (self.line_splits(&site, path, cut, &delimiter, options), options.lenient);
        self.reads(site, options, splits, move |splits| {
            let sent =
                ((splits.into_iter().map(|parts| parts.concat()).collect(), lenient), delimiter.clone());
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

    /// Makes an RDD of lines as pairs of key and value, as Hadoop's KeyValueTextInputFormat gives them. It knows
    /// the ends of lines alone, and no other delimiter.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    pub fn key_value_lines(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: u32,
        options: &FileOptions,
    ) -> Result<UntypedRdd> {
        let splits = self.line_splits(&site, path, Cut::AtLeast(min_partitions), &None, options);
        let (separator, lenient) = (options.hadoop.key_value_separator(), options.lenient);
        self.reads(site, options, splits, move |splits| {
            let sent = ((splits.into_iter().map(|parts| parts.concat()).collect(), lenient), separator);
            FileSource::code(&sent, |stores: &Stores, sent: &(Splits, u8), partition: Partition| {
                let (splits, separator) = (sent.0.0[partition.index()].clone(), sent.1);
                let stores = stores.clone();
                Ok(read_in_turn(splits, sent.0.1, move |split| {
                    KeyValueLines::open(&stores, split, separator)
                }))
            })
        })
    }

    /// Returns a function that lists files of lines, and cuts or gathers them: the splits of each partition.
    fn line_splits(
        &self,
        site: &CallSite,
        path: &str,
        cut: Cut,
        delimiter: &Option<Vec<u8>>,
        options: &FileOptions,
    ) -> impl Fn() -> Result<Vec<Vec<FileSplit>>> + Send + Sync + 'static {
        let (site, path, options) = (site.clone(), path.to_string(), options.clone());
        let (stores, delimiter) = (self.stores().clone(), delimiter.clone());
        move || {
            let files = list(&stores, &site, &path, &options.listing())?;
            let sizes = |wanted: u32| options.splits(wanted.into()).delimited(delimiter.as_deref());
            let alone = |splits: Vec<FileSplit>| splits.into_iter().map(|split| vec![split]).collect();
            let failed = |source| Error::Io { site: site.clone(), source };
            Ok(match cut {
                Cut::AtLeast(wanted) => alone(file_splits(&files, &sizes(wanted))),
                Cut::Lines => {
                    let lines = options.hadoop.lines_per_split();
                    alone(line_count_splits(&stores, &files, lines).map_err(failed)?)
                }
                Cut::Combined => combined_line_splits(&files, &options.combined(&site)?, &sizes(1)),
            })
        }
    }

    /// Makes an RDD of the pairs of SequenceFiles, as values of the classes that the files name.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing, or files are to be cut after lines.
    pub fn sequence_values(
        &self,
        site: CallSite,
        path: &str,
        cut: Cut,
        options: &FileOptions,
    ) -> Result<UntypedRdd> {
        let splits = self.sequence_parts(&site, path, cut, options);
        let lenient = options.lenient;
        self.reads(site, options, splits, move |splits| {
            let sent: Splits = (splits.into_iter().map(|parts| parts.concat()).collect(), lenient);
            FileSource::code(&sent, |stores: &Stores, sent: &Splits, partition: Partition| {
                let (splits, stores) = (sent.0[partition.index()].clone(), stores.clone());
                Ok(read_in_turn(splits, sent.1, move |split| SequenceValues::open(&stores, split)))
            })
        })
    }

    /// Returns a function that lists SequenceFiles, and cuts or gathers them: the splits of each partition.
    fn sequence_parts(
        &self,
        site: &CallSite,
        path: &str,
        cut: Cut,
        options: &FileOptions,
    ) -> impl Fn() -> Result<Vec<Vec<FileSplit>>> + Send + Sync + 'static {
        let (site, path, options) = (site.clone(), path.to_string(), options.clone());
        let stores = self.stores().clone();
        move || {
            let files = list(&stores, &site, &path, &options.sequence_listing())?;
            Ok(match cut {
                Cut::AtLeast(wanted) => {
                    let splits = sequence_splits(&files, &options.splits(wanted.into()));
                    splits.into_iter().map(|split| vec![split]).collect()
                }
                Cut::Combined => {
                    combined_splits(&files, &options.combined(&site)?, options.empty_splits, |_| true)
                }
                Cut::Lines => {
                    let message = "SequenceFiles have no lines that they could be cut after".into();
                    return Err(Error::InvalidArgument { site: site.clone(), message });
                }
            })
        }
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
