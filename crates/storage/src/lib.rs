//! The storage of an executor: one memory budget, directories of its own, and the blocks that it stores.
//!
//! [`memory`] divides the budget; [`LocalDirs`] owns the files, and [`sweep`] removes those of processes that
//! are gone; [`BlockStore`] stores blocks by name, [`KeptBlocks`] the partitions of persisted RDDs, which are
//! evicted in the order of [`lru`], and [`Broadcasts`] the values of broadcast variables; in [`SharedFiles`]
//! the processes of one machine find each other's blocks, [`FarBlocks`] is the way to other machines;
//! [`TaskWorkspace`] is one task's view of the budget and the files.

mod blocks;
pub mod broadcasts;
mod far;
pub mod kept;
mod local_dirs;
pub mod lru;
pub mod memory;
mod names;
mod shared;
mod sweep;
mod workspace;

pub use blocks::BlockStore;
pub use broadcasts::Broadcasts;
pub use far::FarBlocks;
pub use kept::KeptBlocks;
pub use local_dirs::LocalDirs;
pub use memory::MemoryPool;
pub use shared::SharedFiles;
pub use sweep::sweep;
pub use workspace::TaskWorkspace;
