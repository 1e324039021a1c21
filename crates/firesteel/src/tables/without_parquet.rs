//! Parquet in a build without its feature: the calls exist, so that the compiler says which feature they
//! need, and not that they do not exist.

use super::ReadCsv;
use crate::Context;
use crate::Result;
use crate::rdd::Rdd;
use firesteel_data::Data;

/// A trait that no type implements, since only a build with the feature `parquet` has Parquet.
#[diagnostic::on_unimplemented(
    message = "this program is built without Parquet",
    label = "needs the feature `parquet`",
    note = "in its Cargo.toml, give firesteel the feature: features = [\"parquet\"]"
)]
pub trait BuiltWithParquet {}

impl Context {
    /// Rejected by the compiler, with the feature that it needs. The reader is one of CSV so that the options
    /// after it cause no further errors.
    #[doc(hidden)]
    pub fn read_parquet<T: Data + BuiltWithParquet>(&self, path: &str) -> ReadCsv<T> {
        self.read_csv(path)
    }
}

impl<T: Data> Rdd<T> {
    /// Rejected by the compiler, with the feature that it needs.
    #[doc(hidden)]
    pub fn save_as_parquet(&self, path: &str) -> Result<()>
    where
        T: BuiltWithParquet,
    {
        self.save_as_csv(path)
    }
}
