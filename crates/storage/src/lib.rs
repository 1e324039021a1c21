//! What an executor holds: one memory budget, directories of its own, and the blocks it keeps.
//!
//! [`memory`] decides who gets how much of the budget; [`LocalDirs`] owns the files, [`sweep`]
//! removes those of processes that are gone; [`BlockStore`] keeps blocks by name;
//! [`CachedBlocks`] the partitions of persisted RDDs, which make room in the order of [`lru`]; [`Broadcasts`] the values of broadcast variables;
//! [`SharedFiles`] is where the processes of one machine find what the others have of these, [`RemoteBlocks`] the way to other machines;
//! [`TaskWorkspace`] is what one task sees of the first two.

mod blocks;
pub mod broadcasts;
pub mod cached;
mod local_dirs;
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
pub use memory::MemoryPool;
pub use remote::RemoteBlocks;
pub use shared::SharedFiles;
pub use sweep::sweep;
pub use workspace::TaskWorkspace;
