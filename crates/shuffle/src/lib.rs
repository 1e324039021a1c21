//! The shuffle: what map tasks write for reducers, and how reducers read it.
//!
//! A map task writes one [`MapOutput`]: for each reducer a stretch of blocks, in one buffer or one file with an index, however
//! many reducers there are. It stays in memory while the budget allows and goes to disk otherwise; it can be read
//! any number of times. [`ShuffleStore`] keeps the outputs by the attempt that wrote them, so a reader that names an
//! attempt can never be given another one's records.

mod output;
mod remote;
mod store;
mod whole;
mod writer;

pub use output::{BlockBytes, MapOutput};
pub use remote::{OutputAddress, RemoteOutputs, RemoteReadError, RemoteStream};
pub use store::ShuffleStore;
pub use whole::WholeOutput;
pub use writer::MapOutputWriter;
