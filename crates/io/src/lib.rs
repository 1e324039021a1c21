//! Reads and writes files by Hadoop's rules: paths and globs, input splits, lines, whole files, part files
//! and their commit.
//!
//! In the order in which a job meets them: the driver lists its inputs ([`list_inputs`]) and cuts them into
//! splits ([`file_splits`], [`whole_text_splits`]); a task reads one split ([`LineReader`]) or one file
//! ([`read_text`], [`read_decoded`], [`read_raw`]); another task writes a part file ([`TextWriter`]) that the
//! [`OutputCommitter`] begins, and the driver puts the parts in place when all are there.
//!
//! All of them go through [`Input`] and [`Output`], which read and write one file wherever it is. The scheme
//! of a path ([`path`]) names its store: local disks, object stores, web servers, Hadoop's file system.
//! [`Stores`] reaches them, by the [`StoreSettings`] of one application; all functions that open files take
//! one.
//!
//! The files import each other downwards alone: `scheme` and `codec`, which are words; `error`; `path`; `store`, the trait of all
//! stores; `stores`, which implement it; `location`, `file` and `commit`; then the formats, readers and writers.
//!
//! Every failure is an [`IoError`]: the operation, the path and the cause, as data.

mod binary;
mod bzip2_blocks;
mod chunks;
mod codec;
mod coding;
mod combine;
mod commit;
mod directory;
mod encoder;
mod error;
mod file;
mod framing;
mod glob;
mod gzip;
pub mod hadoop;
mod inputs;
mod key_values;
mod lenient;
mod line_chunks;
mod line_counts;
mod line_positions;
mod lines;
mod location;
mod objects;
pub mod path;
mod records;
mod remove;
mod scheme;
mod settings;
mod splits;
mod store;
mod stores;
mod traffic;
mod whole;
mod writer;
mod zlib;

pub use binary::{RecordReader, check_records, record_splits};
pub use codec::Codec;
pub use combine::{
    BinaryOptions, CombineOptions, binary_splits, combined_line_splits, combined_splits, whole_file_splits,
    whole_text_splits,
};
pub use commit::{Existing, OutputCommitter, PartNames};
pub use directory::{Directory, DirectoryEntry, GrowingOutput};
pub use error::{IoCause, IoError, IoOperation};
pub use file::{Input, Output};
pub use glob::glob_matches;
pub use inputs::{InputFile, ListOptions, Subdirectories, list_inputs, list_inputs_with};
pub use key_values::KeyValueLines;
pub use lenient::{Lenient, LenientRecords, read_in_turn};
pub use line_chunks::LineChunks;
pub use line_counts::line_count_splits;
pub use line_positions::LinePositions;
pub use lines::{LineOptions, LineReader, Lines};
pub use objects::{ObjectBatches, ObjectReader, ObjectWriter, object_splits};
pub use remove::remove_directory;
pub use settings::StoreSettings;
pub use splits::{FileSplit, SplitOptions, file_splits};
pub use stores::Stores;
pub use traffic::Traffic;
pub use whole::{read_decoded, read_raw, read_text};
pub use writer::TextWriter;
