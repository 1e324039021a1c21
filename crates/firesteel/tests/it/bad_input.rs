//! What users give that cannot work, and what breaks under them: the error says what, where and why; nothing is left that
//! looks whole; and the context goes on.

mod broken_files;
mod files;
mod full_disks;
mod lineages;
mod panics;
mod shapes;
mod support;
mod types;
