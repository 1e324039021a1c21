//! Deprecated names of methods, from before each ending of a name had one meaning. They call the new methods,
//! which the compiler's warning names.

use super::Rdd;
use super::numbers::Number;
use crate::Result;
use firesteel_closures::{Plain, assert_captures_nothing};
use firesteel_data::{Data, Environment};
use firesteel_io::Codec;
use firesteel_io::hadoop::{SequenceOptions, Writable};
use firesteel_tables::CsvFormat;
#[cfg(feature = "parquet")]
use firesteel_tables::ParquetFormat;
use std::fmt::Display;

impl<T: Data + Display> Rdd<T> {
    /// The old name of [`Rdd::save_as_text_file_compressed`]: `_with` is for the environments of closures.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    #[deprecated(since = "0.1.0", note = "call `save_as_text_file_compressed`")]
    pub fn save_as_text_file_with(&self, path: &str, codec: Codec) -> Result<()> {
        self.save_as_text_file_compressed(path, codec)
    }

    /// The old name of [`Rdd::pipe_words`]: `_with` is for the environments of closures.
    #[track_caller]
    #[deprecated(since = "0.1.0", note = "call `pipe_words`")]
    pub fn pipe_with(&self, command: &[&str], variables: &[(&str, &str)]) -> Rdd<String> {
        self.pipe_words(command, variables)
    }
}

impl<K: Writable + Data, V: Writable + Data> Rdd<(K, V)> {
    /// The old name of [`Rdd::save_as_sequence_file_formatted`]: `_with` is for the environments of closures.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    #[deprecated(since = "0.1.0", note = "call `save_as_sequence_file_formatted`")]
    pub fn save_as_sequence_file_with(&self, path: &str, options: SequenceOptions) -> Result<()> {
        self.save_as_sequence_file_formatted(path, options)
    }
}

impl<T: Number> Rdd<T> {
    /// The old name of [`Rdd::histogram_between`]: `_with` is for the environments of closures.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    #[deprecated(since = "0.1.0", note = "call `histogram_between`")]
    pub fn histogram_with(&self, ends: &[f64]) -> Result<Vec<u64>> {
        self.histogram_between(ends)
    }
}

impl<T: Data> Rdd<T> {
    /// The old name of [`Rdd::save_as_csv_formatted`]: `_with` is for the environments of closures.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    #[deprecated(since = "0.1.0", note = "call `save_as_csv_formatted`")]
    pub fn save_as_csv_with(&self, path: &str, format: CsvFormat, codec: Codec) -> Result<()> {
        self.save_as_csv_formatted(path, format, codec)
    }

    /// The old name of [`Rdd::save_as_json_lines_compressed`]: `_with` is for the environments of closures.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    #[deprecated(since = "0.1.0", note = "call `save_as_json_lines_compressed`")]
    pub fn save_as_json_lines_with(&self, path: &str, codec: Codec) -> Result<()> {
        self.save_as_json_lines_compressed(path, codec)
    }

    /// The old name of [`Rdd::save_as_parquet_formatted`]: `_with` is for the environments of closures.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "parquet")]
    #[track_caller]
    #[deprecated(since = "0.1.0", note = "call `save_as_parquet_formatted`")]
    pub fn save_as_parquet_with(&self, path: &str, format: ParquetFormat) -> Result<()> {
        self.save_as_parquet_formatted(path, format)
    }

    /// The old name of [`Rdd::flat_map_push`]: `_into` is for the number of partitions.
    #[track_caller]
    #[deprecated(since = "0.1.0", note = "call `flat_map_push`")]
    pub fn flat_map_into<U: Data, F: Fn(T, &mut Vec<U>) + Plain>(&self, f: F) -> Rdd<U> {
        const { assert_captures_nothing::<F>() };
        self.flat_map_push(f)
    }

    /// The old name of [`Rdd::flat_map_push_with`].
    #[track_caller]
    #[deprecated(since = "0.1.0", note = "call `flat_map_push_with`")]
    pub fn flat_map_into_with<E: Environment, U: Data, F: Fn(&E, T, &mut Vec<U>) + Plain>(
        &self,
        environment: E,
        f: F,
    ) -> Rdd<U> {
        const { assert_captures_nothing::<F>() };
        self.flat_map_push_with(environment, f)
    }
}
