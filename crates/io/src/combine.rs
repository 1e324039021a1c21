//! Gathers files, or parts of them, into partitions: the packing of `wholeTextFiles`, `binaryFiles` and Hadoop's
//! `CombineFileInputFormat`. Pure; called by the driver.
//!
//! Hadoop gathers by hosts and racks. Here all files count as lying on one host, as local ones do: parts join a
//! partition in the order of the listing until it is full, so where a large file stands decides how many
//! partitions there are. Empty files lie on no host and come last, with what fills no partition.

use crate::inputs::InputFile;
use crate::splits::{FileSplit, SplitOptions, is_cut};

/// The sizes of partitions that hold several files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CombineOptions {
    /// The number of bytes with which a partition is full; without one there is one partition for all:
    /// `mapreduce.input.fileinputformat.split.maxsize`.
    pub full: Option<u64>,
    /// The number of bytes from which a partition that is not full is not joined by the empty files, if there is no other:
    /// `mapreduce.input.fileinputformat.split.minsize.per.node`. 0 if it does not matter.
    pub least: u64,
}

/// Spark's measures for `binaryFiles`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinaryOptions {
    /// The number of partitions to aim at: the default parallelism, or more.
    pub parallelism: u64,
    /// The most bytes with which a partition is full: `spark.files.maxPartitionBytes`.
    pub max_partition: u64,
    /// The bytes that opening a file counts for, and the fewest with which a partition is full:
    /// `spark.files.openCostInBytes`.
    pub open_cost: u64,
}

/// Gathers files into the partitions of `wholeTextFiles`: one is full when it holds as many bytes as each would if
/// `min_partitions` of them shared all bytes equally, rounded up. `least` is that of [`CombineOptions`].
///
/// ```
/// use firesteel_io::{InputFile, whole_text_splits};
/// let files = [90, 3, 3, 3, 1].map(|length| InputFile { path: "a".into(), length });
/// let counts = |files: &[InputFile]| whole_text_splits(files, 2, 0).iter().map(Vec::len).collect::<Vec<_>>();
/// assert_eq!(counts(&files), [1, 4]);
/// let reversed = files.iter().rev().cloned().collect::<Vec<_>>();
/// assert_eq!(counts(&reversed), [5]);
/// ```
pub fn whole_text_splits(files: &[InputFile], min_partitions: u64, least: u64) -> Vec<Vec<InputFile>> {
    let total = files.iter().fold(0, |total: u64, file| total.saturating_add(file.length));
    whole_files(files, total.div_ceil(min_partitions.max(1)), least)
}

/// Gathers files into the partitions of `binaryFiles`, by Spark's formula. `least` is that of [`CombineOptions`].
pub fn binary_splits(files: &[InputFile], options: &BinaryOptions, least: u64) -> Vec<Vec<InputFile>> {
    let cost = |file: &InputFile| file.length.saturating_add(options.open_cost);
    let total = files.iter().map(cost).fold(0, u64::saturating_add);
    let share = total / options.parallelism.max(1);
    whole_files(files, options.max_partition.min(options.open_cost.max(share)), least)
}

/// Gathers whole files, each of which is one part.
pub fn whole_file_splits(files: &[InputFile], options: &CombineOptions) -> Vec<Vec<InputFile>> {
    gather(files.to_vec(), |file| file.length, options)
}

fn whole_files(files: &[InputFile], full: u64, least: u64) -> Vec<Vec<InputFile>> {
    let full = Some(full).filter(|full| *full > 0);
    // A least size beyond the greatest one is taken back to it, as in Spark.
    let least = full.map_or(least, |full| least.min(full));
    whole_file_splits(files, &CombineOptions { full, least })
}

/// Cuts files into parts that are not larger than a full partition, and gathers these. Only files that `cuttable`
/// allows are cut; a rest that is larger than one part and smaller than two becomes two equal ones. Partitions
/// without a byte are left out, unless the options keep empty splits.
pub fn combined_splits(
    files: &[InputFile],
    options: &CombineOptions,
    empty_splits: bool,
    cuttable: impl Fn(&InputFile) -> bool,
) -> Vec<Vec<FileSplit>> {
    let full = options.full.unwrap_or(u64::MAX);
    let mut parts = vec![];
    for file in files {
        let (mut start, mut left) = (0, file.length);
        while cuttable(file) && left > full {
            let length = if left < full.saturating_mul(2) { left / 2 } else { full };
            parts.push(FileSplit { path: file.path.clone(), start, length });
            start += length;
            left -= length;
        }
        parts.push(FileSplit { path: file.path.clone(), start, length: left });
    }
    let mut partitions = gather(parts, |part| part.length, options);
    partitions.retain(|parts| empty_splits || parts.iter().any(|part| part.length > 0));
    partitions
}

/// [`combined_splits`] of files of lines.
pub fn combined_line_splits(
    files: &[InputFile],
    options: &CombineOptions,
    lines: &SplitOptions,
) -> Vec<Vec<FileSplit>> {
    combined_splits(files, options, lines.empty_splits, |file| is_cut(file, lines))
}

fn gather<T>(parts: Vec<T>, length: impl Fn(&T) -> u64, options: &CombineOptions) -> Vec<Vec<T>> {
    let (mut partitions, mut open, mut bytes) = (vec![], vec![], 0_u64);
    let mut empty = vec![];
    for (at, part) in parts.into_iter().enumerate() {
        let length = length(&part);
        if length == 0 {
            empty.push((at, part));
            continue;
        }
        open.push((at, part));
        bytes = bytes.saturating_add(length);
        if options.full.is_some_and(|full| bytes >= full) {
            partitions.push(std::mem::take(&mut open));
            bytes = 0;
        }
    }
    if options.least > 0 && bytes >= options.least && partitions.is_empty() {
        partitions.push(std::mem::take(&mut open));
    }
    open.append(&mut empty);
    open.sort_by_key(|(at, _)| *at);
    if !open.is_empty() {
        partitions.push(open);
    }
    partitions.into_iter().map(|parts| parts.into_iter().map(|(_, part)| part).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIX: [u64; 10] = [10, 20, 30, 40, 5, 5, 5, 0, 60, 1];
    const BIG_FIRST: [u64; 10] = [90, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    const BIG_MIDDLE: [u64; 10] = [1, 1, 1, 1, 90, 1, 1, 1, 1, 1];
    const BIG_LAST: [u64; 10] = [1, 1, 1, 1, 1, 1, 1, 1, 1, 90];
    const EMPTY_BETWEEN: [u64; 6] = [0, 0, 5, 0, 5, 0];

    fn files(lengths: &[u64]) -> Vec<InputFile> {
        lengths
            .iter()
            .enumerate()
            .map(|(at, length)| InputFile { path: at.to_string(), length: *length })
            .collect()
    }

    /// Returns the places of the files of each partition in the listing.
    fn places(partitions: &[Vec<InputFile>]) -> Vec<Vec<usize>> {
        partitions.iter().map(|files| files.iter().map(|file| file.path.parse().unwrap()).collect()).collect()
    }

    fn whole(lengths: &[u64], min_partitions: u64) -> Vec<Vec<usize>> {
        places(&whole_text_splits(&files(lengths), min_partitions, 0))
    }

    fn binary(lengths: &[u64], parallelism: u64, max_partition: u64, open_cost: u64) -> Vec<Vec<usize>> {
        places(&binary_splits(&files(lengths), &BinaryOptions { parallelism, max_partition, open_cost }, 0))
    }

    fn counts(partitions: &[Vec<usize>]) -> Vec<usize> {
        partitions.iter().map(Vec::len).collect()
    }

    // The figures of all tests but the last were seen in PySpark 4.3.
    #[test]
    fn whole_texts_are_packed_as_in_spark() {
        assert_eq!(counts(&whole(&[1; 100], 2)), [50, 50]);
        assert_eq!(counts(&whole(&[1; 100], 3)), [34, 34, 32]);
        assert_eq!(counts(&whole(&[1; 100], 7)), [15, 15, 15, 15, 15, 15, 10]);
        for min_partitions in [2, 3, 4, 7] {
            assert_eq!(counts(&whole(&BIG_FIRST, min_partitions)), [1, 9]);
            assert_eq!(counts(&whole(&BIG_MIDDLE, min_partitions)), [5, 5]);
            assert_eq!(counts(&whole(&BIG_LAST, min_partitions)), [10]);
            assert_eq!(whole(&EMPTY_BETWEEN, min_partitions), [vec![2], vec![4], vec![0, 1, 3, 5]]);
            assert_eq!(whole(&[0, 0, 0], min_partitions), [[0, 1, 2]]);
        }
        assert_eq!(whole(&EMPTY_BETWEEN, 1), [vec![2, 4], vec![0, 1, 3, 5]]);
        assert_eq!(whole(&MIX, 1), [vec![0, 1, 2, 3, 4, 5, 6, 8, 9], vec![7]]);
        assert_eq!(whole(&MIX, 2), [vec![0, 1, 2, 3], vec![4, 5, 6, 7, 8, 9]]);
        assert_eq!(whole(&MIX, 4), [vec![0, 1, 2], vec![3, 4], vec![5, 6, 8], vec![7, 9]]);
        assert_eq!(whole(&MIX, 7), [vec![0, 1], vec![2], vec![3], vec![4, 5, 6, 8], vec![7, 9]]);
        assert!(whole(&[], 2).is_empty());
    }

    #[test]
    fn binary_files_are_packed_as_in_spark() {
        assert_eq!(counts(&binary(&[1; 100], 2, 128 << 20, 4 << 20)), [100]);
        assert_eq!(binary(&EMPTY_BETWEEN, 2, 128 << 20, 4 << 20), [[0, 1, 2, 3, 4, 5]]);
        assert_eq!(binary(&MIX, 2, 20, 4), [vec![0, 1], vec![2], vec![3], vec![4, 5, 6, 8], vec![7, 9]]);
        assert_eq!(binary(&EMPTY_BETWEEN, 4, 20, 4), [vec![2, 4], vec![0, 1, 3, 5]]);
        assert_eq!(binary(&[3; 5], 3, 20, 4), [vec![0, 1, 2, 3], vec![4]]);
        assert_eq!(binary(&[3; 5], 4, 20, 4), [vec![0, 1, 2], vec![3, 4]]);
        assert_eq!(binary(&[3; 5], 3, 1000, 0), [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(binary(&MIX, 5, 128 << 20, 10), [vec![0, 1, 2], vec![3, 4, 5, 6], vec![8], vec![7, 9]]);
        assert_eq!(binary(&[0, 0], 2, 1000, 0), [[0, 1]]);
    }

    #[test]
    fn a_least_size_keeps_the_empty_files_apart() {
        let options = BinaryOptions { parallelism: 2, max_partition: 128 << 20, open_cost: 4 << 20 };
        let packed = |lengths: &[u64]| places(&binary_splits(&files(lengths), &options, 5));
        assert_eq!(packed(&EMPTY_BETWEEN), [vec![2, 4], vec![0, 1, 3, 5]]);
        assert_eq!(packed(&MIX), [vec![0, 1, 2, 3, 4, 5, 6, 8, 9], vec![7]]);
        assert_eq!(packed(&[3]), [[0]]);
    }

    #[test]
    fn parts_are_combined_as_hadoop_does() {
        let named = |names: &[(&str, u64)]| {
            names
                .iter()
                .map(|(name, length)| InputFile { path: (*name).into(), length: *length })
                .collect::<Vec<_>>()
        };
        let files = named(&[("a", 30), ("b", 0), ("c", 90), ("d", 5), ("e.gz", 26), ("f", 3), ("g.bz2", 88)]);
        let combined = |full| {
            let options = CombineOptions { full, least: 0 };
            let splits = combined_line_splits(&files, &options, &SplitOptions::new(1));
            let shown = |part: &FileSplit| format!("{}{}+{}", &part.path[..1], part.start, part.length);
            splits
                .iter()
                .map(|parts| parts.iter().map(shown).collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
        };
        assert_eq!(combined(None), ["a0+30 b0+0 c0+90 d0+5 e0+26 f0+3 g0+88"]);
        // Empty files alone are no partition.
        let parts = ["a0+30 c0+31", "c31+29 c60+30", "d0+5 e0+26", "f0+3 g0+31", "g31+28 g59+29"];
        assert_eq!(combined(Some(31)), parts);
        assert_eq!(combined(Some(100)), ["a0+30 c0+90", "d0+5 e0+26 f0+3 g0+88"]);
    }

    proptest! {
        #[test]
        fn every_byte_is_in_one_part(
            lengths in proptest::collection::vec(0..200_u64, 0..12), full in proptest::option::of(1..300_u64), least in 0..300_u64,
        ) {
            let files = files(&lengths);
            let mut parts = combined_splits(&files, &CombineOptions { full, least }, true, |_| true).concat();
            parts.sort_by_key(|part| (part.path.parse::<usize>().unwrap(), part.start));
            for file in &files {
                let mut of_file = parts.iter().filter(|part| part.path == file.path);
                let end = of_file.try_fold(0, |at, part| (at == part.start).then(|| part.end()));
                prop_assert_eq!(end, Some(file.length));
            }
            prop_assert!(parts.iter().all(|part| part.length <= full.unwrap_or(u64::MAX)));
        }
    }
}
