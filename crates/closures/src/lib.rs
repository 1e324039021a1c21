//! The closure technique: how a closure reaches an executor on stable Rust.
//!
//! A closure that captures nothing is zero-sized, so the function that runs it is known by its type alone.
//! Driver and executor run the same file, so the distance from the file's load address to a static *descriptor*
//! of that function is the same in both. That distance, the hash of the file and the hash of the type are sent
//! ([`CodeName`]); the closure's environment is encoded and sent beside it.
//!
//! Architecture invariant: a received name is checked before anything at its address is called: known object, inside its
//! loaded segments, aligned, magic number, version, type hash. All `unsafe` of the technique is in this crate.

mod descriptor;
mod objects;
mod plain;

pub use descriptor::{BuildArgs, BuildError, BuildFn, CodeName, Descriptor, Erased, code_name, resolve};
pub use objects::{CodeError, ObjectHash, code_hash, executable_hash};
pub use plain::{Plain, ZeroSized, assert_captures_nothing};
