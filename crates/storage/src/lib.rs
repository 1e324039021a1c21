//! What an executor holds: one memory budget, directories of its own, and the blocks it keeps.
//!
//! [`memory`] decides who gets how much of the budget; [`LocalDirs`] owns the files; [`BlockStore`] keeps blocks by name;
//! [`TaskWorkspace`] is what one task sees of the first two.

mod blocks;
mod local_dirs;
pub mod memory;
mod workspace;

pub use blocks::BlockStore;
pub use local_dirs::LocalDirs;
pub use memory::MemoryPool;
pub use workspace::TaskWorkspace;
