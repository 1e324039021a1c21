//! Closures that travel between processes, however the program was built.
//!
//! The binary of this package is a driver that starts itself as executors, with another address-space layout each time, and
//! compares what they compute with what plain Rust computes. `cargo xtask closure-matrix` builds it with the compiler's and
//! linker's settings that move, merge or fold code. This library is what the binaries and the plugin share: [`chain`] makes
//! real stage plans, [`executor`] is the other process, [`remote`] the driver's end of the wire, [`elsewhere`] has closures
//! in a crate that is not the program's.

pub mod chain;
pub mod elsewhere;
pub mod executor;
pub mod remote;

/// What a check gives back: nothing, or what is wrong.
pub type Checked<T = ()> = Result<T, String>;
