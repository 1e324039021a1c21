//! Sources of RDDs: the driver's data, ranges, files.

use crate::Context;
use crate::rdd::{Rdd, count};
use crate::{Error, Result};
use firesteel_data::Data;
use firesteel_data::block::write_records;
use firesteel_driver::{Parts, site};
use firesteel_io::list_inputs;
use firesteel_operators::{Generate, Slices, Union};
use firesteel_types::{CallSite, Partition};
use std::ops::Range;
use std::panic::Location;

/// The description of a file that would be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// The path of the file.
    pub path: String,
    /// The size of the stored file, compressed or not.
    pub bytes: u64,
}

impl Context {
    /// Makes an RDD of the driver's own data, cut into `partitions` partitions of about equal size.
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
        let blocks = (0..partitions).map(|i| {
            let mut block = vec![];
            write_records(&data[bound(i)..bound(i + 1)], &mut block).map(|()| block.into())
        });
        Rdd::of(self.driver().rdd_of_blocks(site, blocks, Slices::<T>::code()))
    }

    /// Makes an RDD of the whole numbers of a range, in [`Context::default_parallelism`] partitions.
    #[track_caller]
    pub fn range(&self, range: Range<i64>) -> Rdd<i64> {
        self.range_at(site("range", Location::caller()), range, 1, self.default_parallelism())
    }

    /// Makes an RDD of the whole numbers of a range, in `partitions` partitions.
    #[track_caller]
    pub fn range_in(&self, range: Range<i64>, partitions: usize) -> Rdd<i64> {
        self.range_at(site("range_in", Location::caller()), range, 1, count(partitions))
    }

    /// Makes an RDD of every `step`-th whole number of a range, in `partitions` partitions; downwards with a
    /// negative step.
    ///
    /// # Errors
    /// When the step is 0.
    #[track_caller]
    pub fn range_step(&self, range: Range<i64>, step: i64, partitions: usize) -> Result<Rdd<i64>> {
        let site = site("range_step", Location::caller());
        if step == 0 {
            return Err(Error::InvalidArgument {
                site,
                message: "a step of 0 never ends: use another one".into(),
            });
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
        Rdd::of(self.driver().rdd(Parts::source(site, partitions, code)))
    }

    /// Makes an RDD without partitions, and so without records.
    #[track_caller]
    pub fn empty_rdd<T: Data>(&self) -> Rdd<T> {
        let site = site("empty_rdd", Location::caller());
        Rdd::of(self.driver().rdd(Parts::source(site, 0, Union::<T>::code(&[]))))
    }

    /// Makes an RDD of the lines of text files.
    ///
    /// A path is a file, a directory (its files, except those whose names begin with `_` or `.`), a pattern
    /// (`logs/2024-*.gz`, `{a,b}/part-?????`), or several of these with commas between. Files ending in
    /// `.gz`, `.bz2`, `.zst` and `.deflate` are decompressed. Large files that are not compressed, or are `.bz2`, are
    /// cut into splits of at most 32 MiB, and into at least `min_partitions` (2 when `None`). Bytes that are not UTF-8 become
    /// U+FFFD.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing. Nothing is read yet: the files are listed
    /// again when an action first needs them, so that files that were added meanwhile are read, too.
    #[track_caller]
    pub fn text_file(&self, path: &str, min_partitions: impl Into<Option<usize>>) -> Result<Rdd<String>> {
        self.text_at(site("text_file", Location::caller()), path, min_partitions.into(), None)
    }

    /// [`Context::text_file`], with records that end at a delimiter of your own instead of at the ends of
    /// lines.
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
        let driver = self.driver();
        let options = driver.file_options()?;
        let delimiter = delimiter.map(<[u8]>::to_vec).or_else(|| options.hadoop.delimiter());
        let wanted = driver.min_partitions(min_partitions);
        driver.text_lines(site, path, wanted, delimiter, &options).map(Rdd::of)
    }

    /// Lists the files of a path, by the rules of [`Context::text_file`], with their sizes.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    #[track_caller]
    pub fn list_files(&self, path: &str) -> Result<Vec<FileInfo>> {
        let site = site("list_files", Location::caller());
        let files = list_inputs(self.driver().stores(), path).map_err(|source| Error::Io { site, source })?;
        Ok(files.into_iter().map(|file| FileInfo { path: file.path, bytes: file.length }).collect())
    }

    /// Makes an RDD of whole files, as pairs of path and text. Paths as for [`Context::text_file`]. Small
    /// files share partitions.
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
        let driver = self.driver();
        let wanted = driver.min_partitions(min_partitions.into());
        driver.whole_texts(site, path, wanted, &driver.file_options()?).map(Rdd::of)
    }
}

/// Numbers at equal steps. It counts the remaining numbers, so that the last one may be the greatest number
/// of its type.
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
