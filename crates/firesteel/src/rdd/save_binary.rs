//! Saving records in binary form: for other programs as SequenceFiles, for programs of one's own as object
//! files.

use super::Rdd;
use crate::Result;
use firesteel_data::Data;
use firesteel_driver::site;
use firesteel_io::hadoop::{SequenceOptions, TypedSequenceWriter, Writable};
use firesteel_operators::io_failure;
use firesteel_types::CallSite;
use std::panic::Location;

impl<K: Writable + Data, V: Writable + Data> Rdd<(K, V)> {
    /// Writes the pairs as SequenceFiles, which Hadoop's and Spark's programs read, into `part-00000` and so
    /// on in a new directory, as [`Rdd::save_as_text_file`] does. Not compressed; the classes are those of
    /// [`Writable`].
    ///
    /// # Errors
    /// When the directory exists already, before anything is computed; or when the job fails.
    #[track_caller]
    pub fn save_as_sequence_file(&self, path: &str) -> Result<()> {
        let options = self.context().driver().file_options()?.hadoop.sequence_options();
        self.sequence_at(site("save_as_sequence_file", Location::caller()), path, options)
    }

    /// [`Rdd::save_as_sequence_file`], compressed by value or by block, with metadata.
    ///
    /// # Errors
    /// As [`Rdd::save_as_sequence_file`].
    ///
    /// ```
    /// use firesteel::{Codec, SequenceOptions};
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("squares").to_str().unwrap().to_string();
    /// let squares = sc.range_in(0..100, 2).map(|x| (x, (x * x) as f64));
    /// squares.save_as_sequence_file_formatted(&path, SequenceOptions::block(Codec::Zstd))?;
    /// assert_eq!(sc.sequence_file::<i64, f64>(&path, 2)?.count()?, 100);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn save_as_sequence_file_formatted(&self, path: &str, options: SequenceOptions) -> Result<()> {
        self.sequence_at(site("save_as_sequence_file_formatted", Location::caller()), path, options)
    }

    fn sequence_at(&self, site: CallSite, path: &str, options: SequenceOptions) -> Result<()> {
        self.save_parts(&site, path, "", options, |options: &SequenceOptions, _, stream, output| {
            let mut writer = TypedSequenceWriter::<K, V>::new(output, options).map_err(io_failure)?;
            stream.for_each(|batch| {
                batch
                    .as_slice()
                    .iter()
                    .try_for_each(|(key, value)| writer.append(key, value))
                    .map_err(io_failure)
            })?;
            writer.into_output().map_err(io_failure)
        })
    }
}

impl<T: Data> Rdd<T> {
    /// Writes records of any type, for [`crate::Context::object_file`] to read, into `part-00000` and so on
    /// in a new directory, as [`Rdd::save_as_text_file`] does.
    ///
    /// The format is Firesteel's own, with a checksum for every block: `docs/storage.md` describes it. It
    /// holds records as their `Serialize` encodes them, so a type that changes cannot read the files that it
    /// wrote before. Other programs read [`Rdd::save_as_sequence_file`].
    ///
    /// # Errors
    /// When the directory exists already, before anything is computed; or when the job fails.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("pairs").to_str().unwrap().to_string();
    /// sc.parallelize(vec![(1, Some('a')), (2, None)], 2).save_as_object_file(&path)?;
    /// assert_eq!(sc.object_file::<(i32, Option<char>)>(&path, None)?.collect()?, [(1, Some('a')), (2, None)]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn save_as_object_file(&self, path: &str) -> Result<()> {
        self.untyped().save_objects::<T>(&site("save_as_object_file", Location::caller()), path)
    }
}
