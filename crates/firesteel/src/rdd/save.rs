//! Saving text; and the step that all formats share: a directory with a file for each partition, which
//! appears whole or not at all.

use super::Rdd;
use crate::Result;
use firesteel_closures::Plain;
use firesteel_data::{Data, Environment};
use firesteel_driver::site;
use firesteel_io::{Codec, Output};
use firesteel_operators::{Outcome, Stream};
use firesteel_types::{CallSite, Partition};
use std::fmt::Display;
use std::panic::Location;

impl<T: Data + Display> Rdd<T> {
    /// Writes each record as a line, into `part-00000` and so on in a new directory. `_SUCCESS` appears there
    /// last, when everything is in place; after a failure nothing is left.
    ///
    /// # Errors
    /// When the directory exists already, before anything is computed; or when the job fails.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// let out = dir.path().join("squares");
    /// sc.range_in(0..4, 2).map(|x| x * x).save_as_text_file(out.to_str().unwrap())?;
    /// assert_eq!(std::fs::read_to_string(out.join("part-00001")).unwrap(), "4\n9\n");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn save_as_text_file(&self, path: &str) -> Result<()> {
        let options = self.context().driver().file_options()?;
        let site = site("save_as_text_file", Location::caller());
        self.untyped().save_lines::<T>(&site, path, options.hadoop.codec(), &options)
    }

    /// [`Rdd::save_as_text_file`], compressed. The files' names end in the codec's suffix.
    ///
    /// # Errors
    /// As [`Rdd::save_as_text_file`].
    #[track_caller]
    pub fn save_as_text_file_compressed(&self, path: &str, codec: Codec) -> Result<()> {
        let options = self.context().driver().file_options()?;
        let site = site("save_as_text_file_compressed", Location::caller());
        self.untyped().save_lines::<T>(&site, path, codec, &options)
    }
}

impl<T: Data> Rdd<T> {
    /// Saves every partition as one part file, whose name ends in `suffix`, into a new directory; all formats
    /// share this. `write` receives a file that was begun, and returns it when all records are written but
    /// the file is not finished: that, and the commit, are done here.
    pub(crate) fn save_parts<E: Environment>(
        &self,
        site: &CallSite,
        path: &str,
        suffix: &str,
        environment: E,
        write: impl Fn(&E, Partition, Stream<T>, Output) -> Outcome<Output> + Plain,
    ) -> Result<()> {
        self.untyped().save_parts(site, path, suffix, environment, write)
    }
}
