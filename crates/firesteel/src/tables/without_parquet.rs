//! Parquet in a build without it: its calls are there, so that the compiler says which feature they need, and not that they do not exist.

use super::ReadCsv;
use crate::Context;
use crate::Result;
use crate::rdd::Rdd;
use firesteel_data::Data;

/// What no type is, since only a build with the feature `parquet` has Parquet.
#[diagnostic::on_unimplemented(
    message = "this program is built without Parquet",
    label = "needs the feature `parquet`",
    note = "in its Cargo.toml, give firesteel the feature: features = [\"parquet\"]"
)]
pub trait BuiltWithParquet {}

impl Context {
    /// Refused by the compiler, with the feature that it needs. The reader is one of CSV so that the options after it say nothing more.
    #[doc(hidden)]
    pub fn read_parquet<T: Data + BuiltWithParquet>(&self, path: &str) -> ReadCsv<T> {
        self.read_csv(path)
    }
}

impl<T: Data> Rdd<T> {
    /// Refused by the compiler, with the feature that it needs.
    #[doc(hidden)]
    pub fn save_as_parquet(&self, path: &str) -> Result<()>
    where
        T: BuiltWithParquet,
    {
        self.save_as_csv(path)
    }
}
