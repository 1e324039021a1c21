//! The storage of an executor: one memory budget, directories of its own, and the blocks that it stores.
//!
//! [`memory`] divides the budget; [`LocalDirs`] owns the files, and [`sweep`] removes those of processes that
//! are gone; [`BlockStore`] stores blocks by name, [`CachedBlocks`] the partitions of persisted RDDs, which are
//! evicted in the order of [`lru`], and [`Broadcasts`] the values of broadcast variables; in [`SharedFiles`]
//! the processes of one machine find each other's blocks, [`RemoteBlocks`] is the way to other machines;
//! [`TaskWorkspace`] is one task's view of the budget and the files; [`LogText`] a part of what a process has written for people.

mod blocks;
pub mod broadcasts;
pub mod cached;
mod local_dirs;
mod log_file;
pub mod lru;
pub mod memory;
mod names;
mod remote;
mod shared;
mod sweep;
mod workspace;

pub use blocks::BlockStore;
pub use broadcasts::Broadcasts;
pub use cached::CachedBlocks;
pub use local_dirs::LocalDirs;
pub use log_file::LogText;
pub use memory::MemoryPool;
pub use remote::RemoteBlocks;
pub use shared::SharedFiles;
pub use sweep::sweep;
pub use workspace::TaskWorkspace;
