//! Where RDDs begin: the driver's data, ranges, files.

use crate::Context;
use crate::error::{Error, Result, site};
use crate::file_options::{FileOptions, list};
use crate::node::NodeCode;
use crate::rdd::{Parts, Rdd, count};
use firesteel_data::Data;
use firesteel_io::{
    InputFile, IoError, Lenient, Stores, file_splits, list_inputs, read_in_turn, read_text, whole_text_splits,
};
use firesteel_operators::{FileSource, Generate, OperatorRef, TextLines, Union};
use firesteel_types::{CallSite, Partition};
use std::ops::Range;
use std::panic::Location;

/// Lines of text files without more ado are cut into at least so many partitions.
const MIN_PARTITIONS: u32 = 2;

/// A file that would be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Where it is.
    pub path: String,
    /// Its size as it lies there, compressed or not.
    pub bytes: u64,
}

impl Context {
    /// An RDD of the driver's own data, cut into so many partitions of about equal size.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// assert_eq!(sc.parallelize(vec!['a', 'b', 'c'], 2).glom().collect()?, [vec!['a'], vec!['b', 'c']]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn parallelize<T: Data>(&self, data: impl Into<Vec<T>>, partitions: usize) -> Rdd<T> {
        let (site, data, partitions) =
            (site("parallelize", Location::caller()), data.into(), count(partitions));
        let bound = |i: u32| (i as usize * data.len()) / partitions as usize;
        self.parallelize_at(site, (0..partitions).map(|i| &data[bound(i)..bound(i + 1)]))
    }

    /// The whole numbers of a range, in [`Context::default_parallelism`] partitions.
    #[track_caller]
    pub fn range(&self, range: Range<i64>) -> Rdd<i64> {
        self.range_at(site("range", Location::caller()), range, 1, self.default_parallelism())
    }

    /// The whole numbers of a range, in so many partitions.
    #[track_caller]
    pub fn range_in(&self, range: Range<i64>, partitions: usize) -> Rdd<i64> {
        self.range_at(site("range_in", Location::caller()), range, 1, count(partitions))
    }

    /// Every `step`-th whole number of a range, in so many partitions; downwards with a negative step.
    ///
    /// # Errors
    /// When the step is 0.
    #[track_caller]
    pub fn range_step(&self, range: Range<i64>, step: i64, partitions: usize) -> Result<Rdd<i64>> {
        let site = site("range_step", Location::caller());
        if step == 0 {
            return Err(Error::InvalidArgument { site, message: "a step of 0 leads nowhere".into() });
        }
        Ok(self.range_at(site, range, step, count(partitions)))
    }

    fn range_at(&self, site: CallSite, range: Range<i64>, step: i64, partitions: u32) -> Rdd<i64> {
        // In 128 bits, so that ranges from one end of i64 to the other do not overflow.
        let (start, end, wide) = (i128::from(range.start), i128::from(range.end), i128::from(step));
        let numbers = ((end - start + wide - wide.signum()) / wide).max(0);
        let sent = (range.start, step, numbers as u64, partitions);
        let code = Generate::code(
            &sent,
            |&(start, step, numbers, partitions): &(i64, i64, u64, u32), partition: Partition| {
                let bound = |i: u32| u128::from(i) * u128::from(numbers) / u128::from(partitions);
                let at = |i: u128| (i128::from(start) + i as i128 * i128::from(step)) as i64;
                let (from, upto) = (bound(partition.0), bound(partition.0 + 1));
                Steps { next: at(from), step, left: (upto - from) as u64 }
            },
        );
        Rdd::from_parts(self, parts(site, partitions, code))
    }

    /// An RDD without partitions, and so without records.
    #[track_caller]
    pub fn empty_rdd<T: Data>(&self) -> Rdd<T> {
        Rdd::from_parts(self, parts(site("empty_rdd", Location::caller()), 0, Union::<T>::code(&[])))
    }

    /// The lines of text files.
    ///
    /// A path is a file, a directory (its files, but those whose names begin with `_` or `.`), a pattern (`logs/2024-*.gz`,
    /// `{a,b}/part-?????`), or several of these with commas between. Files ending in `.gz`, `.bz2`, `.zst` and `.deflate` are
    /// decompressed. Large uncompressed files are cut into splits of at most 32 MiB, and into at least `min_partitions` (2 when
    /// `None`). Bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing. Nothing is read yet: the files are listed again when an action
    /// comes, so that those which were added meanwhile are read, too.
    #[track_caller]
    pub fn text_file(&self, path: &str, min_partitions: impl Into<Option<usize>>) -> Result<Rdd<String>> {
        self.text_at(site("text_file", Location::caller()), path, min_partitions.into(), None)
    }

    /// [`Context::text_file`], with records that end at a delimiter of your own instead of at the ends of lines.
    ///
    /// # Errors
    /// As [`Context::text_file`], or when the delimiter is empty.
    #[track_caller]
    pub fn text_file_delimited(
        &self,
        path: &str,
        min_partitions: impl Into<Option<usize>>,
        delimiter: &str,
    ) -> Result<Rdd<String>> {
        let site = site("text_file_delimited", Location::caller());
        if delimiter.is_empty() {
            let message = "an empty delimiter ends no record; use `text_file` for lines".into();
            return Err(Error::InvalidArgument { site, message });
        }
        self.text_at(site, path, min_partitions.into(), Some(delimiter.as_bytes()))
    }

    fn text_at(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: Option<usize>,
        delimiter: Option<&[u8]>,
    ) -> Result<Rdd<String>> {
        let options = self.file_options()?;
        let delimiter = delimiter.map(<[u8]>::to_vec).or_else(|| options.hadoop.delimiter());
        self.text_lines(site, path, self.min_partitions(min_partitions), delimiter, &options)
    }

    /// The lines of text files, by options that another face was given.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    #[doc(hidden)]
    pub fn text_lines(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: u32,
        delimiter: Option<Vec<u8>>,
        options: &FileOptions,
    ) -> Result<Rdd<String>> {
        let (at, path, how) = (site.clone(), path.to_string(), options.clone());
        let stores = self.stores().clone();
        let splits = move || {
            let files = list(&stores, &at, &path, &how.listing())?;
            Ok(file_splits(&files, &how.splits(min_partitions.into())))
        };
        let lenient = options.lenient;
        self.reads(site, options, splits, move |splits| {
            TextLines::code(&splits, delimiter.as_deref(), lenient)
        })
    }

    /// The files that a path stands for, by the rules of [`Context::text_file`], with their sizes.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    #[track_caller]
    pub fn list_files(&self, path: &str) -> Result<Vec<FileInfo>> {
        let site = site("list_files", Location::caller());
        let files = list_inputs(self.stores(), path).map_err(|source| Error::Io { site, source })?;
        Ok(files.into_iter().map(|file| FileInfo { path: file.path, bytes: file.length }).collect())
    }

    /// Whole files, as pairs of path and text. Paths as for [`Context::text_file`]. Small files share partitions.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    #[track_caller]
    pub fn whole_text_files(
        &self,
        path: &str,
        min_partitions: impl Into<Option<usize>>,
    ) -> Result<Rdd<(String, String)>> {
        let site = site("whole_text_files", Location::caller());
        self.whole_texts(site, path, self.min_partitions(min_partitions.into()), &self.file_options()?)
    }

    /// Whole files of text, by options that another face was given.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    #[doc(hidden)]
    pub fn whole_texts(
        &self,
        site: CallSite,
        path: &str,
        min_partitions: u32,
        options: &FileOptions,
    ) -> Result<Rdd<(String, String)>> {
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
                        let text = read_text(&stores, &file.path)?;
                        Ok(std::iter::once(Ok(vec![(file.path.clone(), text)])))
                    }))
                },
            )
        })
    }

    /// How many partitions files are cut into at least.
    #[doc(hidden)]
    pub fn min_partitions(&self, wanted: Option<usize>) -> u32 {
        wanted.map_or(self.default_parallelism().min(MIN_PARTITIONS), count)
    }
}

pub(crate) fn parts(
    site: CallSite,
    partitions: u32,
    code: std::result::Result<OperatorRef, firesteel_data::DataError>,
) -> Parts {
    Parts { site, partitions, partitioner: None, narrow: vec![], code: NodeCode::from(code) }
}

/// Numbers at equal steps. Counts what is left, so that the last one may be the greatest there is.
struct Steps {
    next: i64,
    step: i64,
    left: u64,
}

impl Iterator for Steps {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let number = self.next;
        self.next = number.wrapping_add(self.step);
        Some(number)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}
