//! Configuration: every setting once, with its key, its default, its meaning, and the parser of its value.
//!
//! Keys begin with `firesteel.`. Spark's spelling of the same setting (`spark.task.maxFailures`) is understood
//! as a synonym, with values as Spark writes them. [`Conf`] has the values that were set; a [`Setting`] reads its
//! own value out of it. A key that does not exist is an error that names the nearest one that does; [`spark`]
//! says how Spark's other settings are treated.

mod error;
mod setting;
mod value;

mod settings;

mod keys;
mod spelling;

pub mod spark;

mod conf;
mod reference;

pub use conf::Conf;
pub use error::ConfError;
pub use keys::is_secret;
pub use reference::Reference;
pub use setting::{Entry, Setting};
pub use settings::*;
pub use spelling::{Scope, Unit, Units};
pub use value::{parse_bytes, parse_millis};
