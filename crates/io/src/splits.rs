//! Cuts input files into splits, one for each partition, by Hadoop's rule for text files. Pure; called by the
//! driver, which sends each task its split.
//!
//! The goal is the total length divided by the partitions asked for; a split has the goal's size, but at least `min_size`
//! and at most the block's. The last split of a file may be a tenth larger, so that no task is started for a crumb.

use crate::codec::Codec;
use crate::inputs::InputFile;
use crate::path::is_remote;
use serde::{Deserialize, Serialize};

/// The size of a block of the local file system, by Hadoop's reckoning.
const LOCAL_BLOCK_BYTES: u64 = 32 << 20;

/// The size of a block of a store, which has none: so large that the cost of a task, and the wait for its
/// first byte, do not show, and so small that a large file keeps many tasks busy.
const REMOTE_BLOCK_BYTES: u64 = 64 << 20;

/// A stretch of a file, for one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSplit {
    /// The file.
    pub path: String,
    /// The first byte.
    pub start: u64,
    /// The number of bytes: compressed ones, in a compressed file.
    pub length: u64,
}

impl FileSplit {
    /// Returns the whole of a file as one split.
    pub fn whole(file: &InputFile) -> FileSplit {
        FileSplit { path: file.path.clone(), start: 0, length: file.length }
    }

    /// Returns the position behind the split's last byte.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// The bounds of the size of splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitOptions {
    /// The number of splits to aim at. There are fewer where files are compressed, or where a last split is a
    /// tenth larger; more where blocks are smaller.
    pub min_partitions: u64,
    /// The least number of bytes in a split, except a file's last: `mapreduce.input.fileinputformat.split.minsize`.
    pub min_size: u64,
    /// The greatest number of bytes in a split, except a file's last.
    pub block_size: u64,
    /// The same for files that are not on local disks.
    pub remote_block_size: u64,
    /// True if a file without a byte is a split of its own, which holds nothing. Spark leaves such splits out
    /// (`spark.hadoopRDD.ignoreEmptySplits`).
    pub empty_splits: bool,
    /// True if a bzip2 file is cut. Its pieces begin with a block, so a delimiter of several bytes could lie in
    /// two of them.
    pub cut_bzip2: bool,
}

impl SplitOptions {
    /// Returns options for at least one byte in a split, and at most 32 MiB of a local file, as in Hadoop, or
    /// 64 MiB of another.
    pub fn new(min_partitions: u64) -> SplitOptions {
        SplitOptions {
            min_partitions,
            min_size: 1,
            block_size: LOCAL_BLOCK_BYTES,
            remote_block_size: REMOTE_BLOCK_BYTES,
            empty_splits: false,
            cut_bzip2: true,
        }
    }

    /// Returns the same options for records that end with a delimiter instead of lines, if there is one.
    #[must_use]
    pub fn delimited(self, delimiter: Option<&[u8]>) -> SplitOptions {
        SplitOptions { cut_bzip2: delimiter.is_none_or(|bytes| bytes.len() < 2), ..self }
    }

    /// Returns the same options within other bounds, where they are given:
    /// `mapreduce.input.fileinputformat.split.minsize` and `.maxsize`.
    #[must_use]
    pub fn within(self, (min, max): (Option<u64>, Option<u64>)) -> SplitOptions {
        let most = |block: u64| max.map_or(block, |max| block.min(max.max(1)));
        SplitOptions {
            min_size: min.map_or(self.min_size, |min| self.min_size.max(min)),
            block_size: most(self.block_size),
            remote_block_size: most(self.remote_block_size),
            ..self
        }
    }
}

/// Cuts files into splits that cover each of them exactly once, in the order of the files.
///
/// A file without a byte is no split, or an empty one, as the options say. A compressed file is one split, unless it is
/// bzip2: that is cut as a plain one is, by its compressed bytes.
///
/// ```
/// use firesteel_io::{InputFile, SplitOptions, file_splits};
/// let file = InputFile { path: "/a".into(), length: 100 };
/// let starts = file_splits(&[file], &SplitOptions::new(3)).iter().map(|s| s.start).collect::<Vec<_>>();
/// assert_eq!(starts, [0, 33, 66]);
/// ```
pub fn file_splits(files: &[InputFile], options: &SplitOptions) -> Vec<FileSplit> {
    cut_files(files, options, 1, |file| is_cut(file, options))
}

/// Returns whether the lines of a file can be read from its middle.
pub(crate) fn is_cut(file: &InputFile, options: &SplitOptions) -> bool {
    let codec = Codec::of_path(&file.path);
    codec.splittable() && (options.cut_bzip2 || codec != Codec::Bzip2)
}

/// Cuts those files that can be cut, at multiples of a unit.
pub(crate) fn cut_files(
    files: &[InputFile],
    options: &SplitOptions,
    unit: u64,
    splittable: impl Fn(&InputFile) -> bool,
) -> Vec<FileSplit> {
    let total = files.iter().fold(0, |total: u64, file| total.saturating_add(file.length));
    let goal = total / options.min_partitions.max(1);
    let size = |block: u64| {
        let size = options.min_size.max(goal.min(block)).max(1);
        size.div_ceil(unit).saturating_mul(unit)
    };
    let mut splits = vec![];
    for file in files.iter().filter(|file| file.length > 0 || options.empty_splits) {
        if splittable(file) {
            let block = if is_remote(&file.path) { options.remote_block_size } else { options.block_size };
            cut(file, size(block), &mut splits);
        } else {
            splits.push(FileSplit::whole(file));
        }
    }
    splits
}

fn cut(file: &InputFile, size: u64, splits: &mut Vec<FileSplit>) {
    let mut start = 0;
    while exceeds_slop(file.length - start, size) {
        splits.push(FileSplit { path: file.path.clone(), start, length: size });
        start += size;
    }
    if start < file.length || file.length == 0 {
        splits.push(FileSplit { path: file.path.clone(), start, length: file.length - start });
    }
}

/// Returns whether the rest of a file is more than 1.1 splits.
fn exceeds_slop(remaining: u64, size: u64) -> bool {
    u128::from(remaining) * 10 > u128::from(size) * 11
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(name: &str, length: u64) -> InputFile {
        InputFile { path: name.into(), length }
    }

    fn lengths(file_lengths: &[u64], options: &SplitOptions) -> Vec<u64> {
        let files: Vec<_> = file_lengths.iter().map(|length| file("/a", *length)).collect();
        file_splits(&files, options).iter().map(|split| split.length).collect()
    }

    proptest! {
        #[test]
        fn splits_cover_every_file_once(
            lengths in proptest::collection::vec((0..5_000_u64, any::<bool>()), 0..8),
            min_partitions in 0..40_u64,
            min_size in 0..300_u64,
            block_size in 0..2_000_u64,
        ) {
            let named = |(i, (length, compressed)): (usize, &(u64, bool))| {
                file(&format!("/{i}{}", if *compressed { ".gz" } else { "" }), *length)
            };
            let files: Vec<_> = lengths.iter().enumerate().map(named).collect();
            let splits = file_splits(&files, &SplitOptions { min_partitions, min_size, block_size, remote_block_size: 1, empty_splits: true, cut_bzip2: true });
            let mut rest = &splits[..];
            for file in &files {
                let count = rest.iter().take_while(|split| split.path == file.path).count();
                let (of_file, others) = rest.split_at(count);
                rest = others;
                prop_assert!(count == 1 || (count > 0 && of_file.iter().all(|split| split.length > 0)));
                prop_assert!(count == 1 || !file.path.ends_with(".gz"));
                let end = of_file.iter().try_fold(0, |at, split| (split.start == at).then(|| split.end()));
                prop_assert_eq!(end, Some(file.length));
                let longest = of_file[..count - 1].iter().map(|split| split.length).max().unwrap_or(file.length);
                prop_assert!(of_file[count - 1].length * 10 <= longest * 11);
            }
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn the_size_is_the_goal_within_its_bounds() {
        let options = SplitOptions { block_size: 100, remote_block_size: 200, ..SplitOptions::new(4) };
        assert_eq!(lengths(&[80], &options), [20, 20, 20, 20]);
        assert_eq!(lengths(&[800], &options), [100; 8]);
        assert_eq!(lengths(&[80], &SplitOptions { min_size: 50, ..options }), [50, 30]);
        assert_eq!(lengths(&[60, 20], &options), [20; 4]);
        let remote = file_splits(&[file("s3://b/a", 800)], &options);
        assert_eq!(remote.iter().map(|split| split.length).collect::<Vec<_>>(), [200; 4]);
    }

    #[test]
    fn the_last_split_may_be_a_tenth_larger() {
        let options = SplitOptions { block_size: 100, ..SplitOptions::new(1) };
        assert_eq!(lengths(&[210], &options), [100, 110]);
        assert_eq!(lengths(&[211], &options), [100, 100, 11]);
    }

    #[test]
    fn files_of_records_are_cut_between_them() {
        let options = SplitOptions { block_size: 100, ..SplitOptions::new(4) };
        let cut = |length, unit| {
            let splits = cut_files(&[file("/a.gz", length)], &options, unit, |_| true);
            splits.iter().map(|split| split.length).collect::<Vec<_>>()
        };
        assert_eq!(cut(60, 6), [18, 18, 18, 6]);
        assert_eq!(cut(3000, 1000), [1000; 3]);
        assert_eq!(cut(10, u64::MAX), [10]);
    }

    #[test]
    fn bzip2_is_cut_unless_a_delimiter_could_lie_in_two_pieces() {
        let count = |name: &str, delimiter: Option<&[u8]>| {
            file_splits(&[file(name, 90)], &SplitOptions::new(3).delimited(delimiter)).len()
        };
        assert_eq!(
            (count("/a.bz2", None), count("/a.bz2", Some(b";")), count("/a.bz2", Some(b"ab"))),
            (3, 3, 1)
        );
        assert_eq!((count("/a", Some(b"ab")), count("/a.gz", None)), (3, 1));
    }

    #[test]
    fn an_empty_file_is_no_split_unless_it_is_to_be_one() {
        assert_eq!(lengths(&[0, 5, 0], &SplitOptions::new(1)), [5]);
        let all = SplitOptions { empty_splits: true, ..SplitOptions::new(2) };
        assert_eq!(lengths(&[0, 0], &all), [0, 0]);
        assert_eq!(lengths(&[], &all), [0; 0]);
    }

    #[test]
    fn bounds_hold_as_hadoops_settings_set_them() {
        let options = SplitOptions { block_size: 100, ..SplitOptions::new(1) };
        assert_eq!(lengths(&[300], &options.within((None, Some(50)))), [50; 6]);
        assert_eq!(lengths(&[300], &options.within((Some(150), None))), [150; 2]);
        // Where they contradict each other the least size counts, as in Hadoop.
        assert_eq!(lengths(&[300], &options.within((Some(150), Some(50)))), [150; 2]);
    }

    #[test]
    fn huge_files_do_not_overflow() {
        assert_eq!(
            lengths(&[u64::MAX], &SplitOptions { block_size: u64::MAX, ..SplitOptions::new(1) }).len(),
            1
        );
    }

    #[test]
    fn a_split_travels() {
        let split = FileSplit { path: "/a".into(), start: 3, length: 4 };
        let bytes = postcard::to_allocvec(&split).unwrap();
        assert_eq!(postcard::from_bytes::<FileSplit>(&bytes).unwrap(), split);
    }
}
