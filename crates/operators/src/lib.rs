//! The operators of a task: they hand batches of records to one another.
//!
//! An operator is a generic inner loop over a batch; types are erased between operators, once per batch and
//! never once per record. An operator exists in two forms: on the driver, as [`OperatorRef`] (a descriptor and an
//! encoded environment), and on an executor, built from that code and the operators that it reads.
//!
//! Read [`Operator`] and [`Stream`] first, then the operators: sources, narrow ones, those with several inputs,
//! the two sides of a shuffle, and the result.

mod accumulate;
mod barrier;
mod barrier_gate;
mod broadcast;
mod code;
mod cogroup;
mod combine;
mod file_source;
mod hot_keys;
mod join;
mod map_stream;
mod meter;
mod narrow;
mod open;
mod persist;
mod result;
mod several;
mod shuffle_read;
mod shuffle_write;
mod sort;
mod source;
mod stream;
mod task;
#[cfg(test)]
mod testing;
pub mod watch;

pub use accumulate::{Accumulate, Adder, UpdateTable};
pub use barrier::{BarrierTaskContext, BarrierTaskInfo};
pub use barrier_gate::BarrierGate;
pub use broadcast::{Broadcast, Owner as BroadcastOwner, Receiving};
pub use code::OperatorRef;
pub use cogroup::{CoGroup2, CoGroup3, CoGroup4};
pub use combine::{Combine, Combining, fan_out};
pub use file_source::FileSource;
pub use firesteel_io::Stores;
pub use join::{FullOuter, Inner, Join, JoinKind, LeftOuter, RightOuter};
pub use map_stream::{MapStream, MapStreams};
pub use meter::{AddPythonMetrics, Counter, Meter, measure_python};
pub use narrow::{FlatMap, MapBatches, MapPartitions, Records};
pub use open::Open;
pub use persist::{Persist, PersistAs, TruncatedLineage};
pub use result::{FinalOperator, ResultTask, RunTaskOutput, TaskOutput};
pub use several::{Cartesian, Coalesce, Union, ZipPartitions};
pub use shuffle_read::ShuffleRead;
pub use shuffle_write::{CombineWrite, ShuffleWrite};
pub use sort::Sort;
pub use source::{Generate, Slices, TextLines};
pub use stream::{Batches, Op, Operator, PartitionIter, Stream};
pub use task::{CommitGate, Origin, Outcome, Services, Task, data_failure, io_failure};
