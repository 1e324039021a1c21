//! The shuffle: map outputs, written by map tasks for reducers, and read by reducers.
//!
//! A map task writes one [`MapOutput`]: for each reducer a segment of blocks, in one buffer or one file with an
//! index, however many reducers there are. It stays in memory while the budget allows and goes to disk
//! otherwise; it can be read any number of times. [`ShuffleStore`] stores the outputs by the attempt that wrote
//! them, so a reader that names an attempt can never be given another one's records.

mod merged;
mod output;
mod remote;
mod store;
mod whole;
mod writer;

pub use merged::{MERGED_RUNS_AT_MOST, Mergeable, Merged, MergedIndex, PieceTable, merge, open_segment};
pub use output::{BlockBytes, MapOutput};
pub use remote::{RemoteReadFailure, RemoteShuffle, RemoteShuffleReader, StoredShuffle};
pub use store::ShuffleStore;
pub use whole::WholeOutput;
pub use writer::{MapOutputWriter, Written};
