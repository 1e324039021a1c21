//! Call sites: the lines of the user's program that name RDDs, actions and errors.

use firesteel_types::CallSite;
use std::panic::Location;

/// Returns the call site of an operation that was written at `location`.
pub fn site(operation: &str, location: &Location<'_>) -> CallSite {
    CallSite {
        operation: operation.into(),
        file: without_detours(location.file()),
        line: location.line(),
        column: location.column(),
    }
}

/// `crates/firesteel/../../examples/flights.rs` is `examples/flights.rs`: the compiler writes paths as
/// manifests do.
fn without_detours(path: &str) -> String {
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match parts.last() {
            Some(before) if part == ".." && !matches!(*before, "" | "." | "..") => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_straight_to_their_file() {
        let straight = without_detours;
        assert_eq!(straight("crates/firesteel/../../examples/flights.rs"), "examples/flights.rs");
        assert_eq!(straight("/home/me/src/main.rs"), "/home/me/src/main.rs");
        assert_eq!(straight("../../other/./src/lib.rs"), "../../other/./src/lib.rs");
        assert_eq!(straight("/../a"), "/../a");
    }
}
