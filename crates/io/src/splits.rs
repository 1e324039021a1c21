//! How input files are cut into splits, one for each partition: Hadoop's rule for text files. Pure; called by the driver,
//! which sends each task its split.
//!
//! The goal is the total length divided by the partitions asked for; a split has the goal's size, but at least `min_size`
//! and at most the block's. The last split of a file may be a tenth larger, so that no task is started for a crumb.

use crate::codec::Codec;
use crate::inputs::InputFile;
use serde::{Deserialize, Serialize};

/// The size of a block of the local file system, by Hadoop's reckoning.
const LOCAL_BLOCK_BYTES: u64 = 32 << 20;

/// A stretch of a file, for one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSplit {
    /// The file.
    pub path: String,
    /// The first byte.
    pub start: u64,
    /// How many bytes: compressed ones, in a compressed file.
    pub length: u64,
}

impl FileSplit {
    /// The whole of a file.
    pub fn whole(file: &InputFile) -> FileSplit {
        FileSplit { path: file.path.clone(), start: 0, length: file.length }
    }

    /// The byte behind the split's last.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// What the size of splits depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitOptions {
    /// How many splits there should be at least. Few small files can make it fewer only if they are empty or compressed.
    pub min_partitions: u64,
    /// The least number of bytes in a split, except a file's last: `mapreduce.input.fileinputformat.split.minsize`.
    pub min_size: u64,
    /// The greatest number of bytes in a split that starts on a block.
    pub block_size: u64,
}

impl SplitOptions {
    /// Hadoop's defaults for local files: at least one byte and at most 32 MiB in a split.
    pub fn new(min_partitions: u64) -> SplitOptions {
        SplitOptions { min_partitions, min_size: 1, block_size: LOCAL_BLOCK_BYTES }
    }
}

/// Cuts files into splits that cover each of them exactly once, in the order of the files.
///
/// An empty file is one empty split. A compressed file is one split, whichever its codec: none can be read from its middle,
/// not even bzip2, which Hadoop does split.
///
/// ```
/// use firesteel_io::{InputFile, SplitOptions, file_splits};
/// let file = InputFile { path: "/a".into(), length: 100 };
/// let starts = file_splits(&[file], &SplitOptions::new(3)).iter().map(|s| s.start).collect::<Vec<_>>();
/// assert_eq!(starts, [0, 33, 66]);
/// ```
pub fn file_splits(files: &[InputFile], options: &SplitOptions) -> Vec<FileSplit> {
    let total = files.iter().fold(0, |total: u64, file| total.saturating_add(file.length));
    let goal = total / options.min_partitions.max(1);
    let size = options.min_size.max(goal.min(options.block_size)).max(1);
    let mut splits = vec![];
    for file in files {
        if Codec::of_path(&file.path).splittable() {
            cut(file, size, &mut splits);
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

/// Whether what remains is more than 1.1 splits.
fn exceeds_slop(remaining: u64, size: u64) -> bool {
    u128::from(remaining) * 10 > u128::from(size) * 11
}
