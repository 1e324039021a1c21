//! Hadoop's file of pairs, the SequenceFile, and the classes whose values it holds.
//!
//! Read in this order: [`Fields`] (numbers and strings as Hadoop writes them), [`Writable`] (a Rust type for
//! a class of Hadoop's) and [`Value`] (a value whose class is learnt from the file), then `body`, `header`,
//! `reader` and `writer` (the file as bytes, knowing nothing of types), `files` (the two together, on paths
//! and splits) and [`HadoopConf`] (Hadoop's own settings of readers and writers). `java` reads and writes
//! Java's serialised arrays, and `java_text` writes values as Java's `toString` does.

mod body;
mod conf;
mod fields;
mod files;
mod header;
mod java;
mod java_text;
mod reader;
mod value;
mod writable;
mod writer;

pub use conf::HadoopConf;
pub use fields::Fields;
pub use files::{
    SequenceOptions, SequencePairs, SequenceValues, TypedSequenceWriter, ValueSequenceWriter, sequence_splits,
};
pub use header::{SequenceCompression, SequenceHeader};
pub(crate) use java::records as java_records;
pub use java::{is_java_stream, java_byte_arrays, put_java_byte_arrays};
pub use reader::{RawPair, SequenceReader};
pub use value::Value;
pub use writable::{ReadValue, VInt, VLong, Writable};
pub use writer::SequenceWriter;
