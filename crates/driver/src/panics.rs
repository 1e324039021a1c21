//! A warning about the program's profile: with `panic = "abort"`, a task's failure ends the process and
//! cannot be reported.

use crate::log::warn_once;

const WARNING: &str = "\
this program is built with `panic = \"abort\"`: a panic in a function given to an RDD ends the whole process, instead
  of failing one task that is then tried again and told with its line and record.
  Write `panic = \"unwind\"` in the `[profile]` section of Cargo.toml, or leave the line out: that is the default.";

/// Warns, once in the life of the process, if panics end it.
pub(crate) fn warn_if_they_abort() {
    // A profile's `panic` holds for all crates of a program, so this crate's setting is the program's.
    if cfg!(panic = "abort") {
        warn_once(WARNING);
    }
}
