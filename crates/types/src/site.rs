//! Call sites: the place in the user's program where an operation was written.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The operation and the source line that a user wrote, such as `map at src/main.rs:12:8`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallSite {
    /// The operation's name as the user called it: `map`, `reduce_by_key`.
    pub operation: String,
    /// The source file, as the compiler knows it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1; 0 if the language has no columns.
    pub column: u32,
}

impl fmt::Display for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.file.is_empty() {
            return f.write_str(&self.operation);
        }
        write!(f, "{} at {}:{}", self.operation, self.file, self.line)?;
        // Python knows no columns.
        if self.column > 0 { write!(f, ":{}", self.column) } else { Ok(()) }
    }
}
