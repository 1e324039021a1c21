//! [`Existing`]: what becomes of the files that an output directory holds already; and the names that a job
//! may give to files of its own.

use crate::error::{IoCause, IoError, IoOperation};
use serde::{Deserialize, Serialize};

/// The fate of the files that are in an output directory already.
///
/// ```
/// use firesteel_io::{Existing, OutputCommitter};
/// let table = OutputCommitter::new("table", "job-0")?.onto(Existing::Append);
/// assert_ne!(table, OutputCommitter::new("table", "job-0")?);
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Existing {
    /// A directory that exists is an error before anything is computed.
    #[default]
    Refuse,
    /// They stay, and the job's files come to them.
    Append,
    /// They can be read until the job commits, and are removed then.
    Overwrite,
}

/// The directory of everything that is staged, below the output.
pub(super) const TEMPORARY: &str = "_temporary";

/// The file that says that an output is whole.
pub(super) const SUCCESS: &str = "_SUCCESS";

/// The reason why an output that is to be a directory cannot be made where a file is.
pub(super) const IS_A_FILE: &str = "it is a file and not a directory; remove it, or choose another directory";

/// Checks the name that a task gives to a file, below the output directory.
///
/// No part of it may begin with a dot: `..` would leave the directory, and other names of that kind are those
/// of files that are still being written.
pub(super) fn check_name(name: &str) -> Result<(), IoError> {
    let fault = match name.split('/').next() {
        _ if name.split('/').any(str::is_empty) => {
            "it has an empty part: write a relative one, such as dir/file"
        }
        _ if name.split('/').any(|part| part.starts_with('.')) => "no part of it may begin with a dot",
        _ if name.contains(['\0', '\n', '\r']) => "it has a character that no file's name should have",
        Some(TEMPORARY | SUCCESS) => "the commit itself uses it",
        _ => return Ok(()),
    };
    let cause = IoCause::BadPath(format!("{fault} (the name of a file below an output)"));
    Err(IoError::new(IoOperation::Create, format!("{name:?}"), cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_the_output_and_out_of_the_commits_way() {
        for good in [
            "part-00000",
            "city=Ulm/day=1/part-00000-0a.c000.snappy.parquet",
            "_delta_log/0.json",
            "a/_SUCCESS",
        ] {
            check_name(good).unwrap();
        }
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/../b",
            "./a",
            ".a",
            "_temporary/a",
            "_temporary",
            "_SUCCESS",
            "a\nb",
        ] {
            let error = check_name(bad).unwrap_err();
            assert!(matches!(&error.cause, IoCause::BadPath(_)), "{bad}: {error}");
        }
    }
}
