//! The names of processes' directories, which say what may be done with each.
//!
//! A directory is `firesteel-new-P-N` until its owner holds its lock, `firesteel-P-N` while the owner lives,
//! and `firesteel-gone-P-N` once it is not needed: any process may remove it then. Each step is one rename, so
//! a process that is killed between two of them leaves a directory whose name and lock tell what it is.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const PREFIX: &str = "firesteel-";
const NEW: &str = "new-";
const GONE: &str = "gone-";

/// The number of names that are tried for a directory that is not needed any more: names are numbered, so few
/// are taken.
const ATTEMPTS: usize = 100;

/// The name of a directory: the number of the process that gave it, and a serial number of that process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// Its owner has not locked it yet.
    New(u32, u64),
    /// Its owner holds its lock, or was killed.
    Living(u32, u64),
    /// It is not needed any more.
    Gone(u32, u64),
}

impl Name {
    /// Returns a directory's first name, and its second.
    pub(crate) fn next() -> (Name, Name) {
        let (process, serial) = numbers();
        (Name::New(process, serial), Name::Living(process, serial))
    }

    /// Parses a name; `None` if it is of something else.
    pub(crate) fn parse(text: &str) -> Option<Name> {
        let rest = text.strip_prefix(PREFIX)?;
        let (numbers, make): (&str, fn(u32, u64) -> Name) =
            match (rest.strip_prefix(NEW), rest.strip_prefix(GONE)) {
                (Some(numbers), _) => (numbers, Name::New),
                (None, Some(numbers)) => (numbers, Name::Gone),
                (None, None) => (rest, Name::Living),
            };
        let (process, serial) = numbers.split_once('-')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let are_numbers = is_number(process) && is_number(serial);
        are_numbers.then(|| Some(make(process.parse().ok()?, serial.parse().ok()?))).flatten()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::New(process, serial) => write!(f, "{PREFIX}{NEW}{process}-{serial}"),
            Name::Living(process, serial) => write!(f, "{PREFIX}{process}-{serial}"),
            Name::Gone(process, serial) => write!(f, "{PREFIX}{GONE}{process}-{serial}"),
        }
    }
}

fn numbers() -> (u32, u64) {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    (std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed))
}

/// Renames a directory under `parent` to a name that says that it is not needed. Returns `None` if that cannot
/// be done.
pub(crate) fn give_up(parent: &Path, dir: &Path) -> Option<PathBuf> {
    (0..ATTEMPTS).find_map(|_| {
        let (process, serial) = numbers();
        let gone = parent.join(Name::Gone(process, serial).to_string());
        fs::rename(dir, &gone).is_ok().then_some(gone)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in [Name::New(1, 2), Name::Living(30, 0), Name::Gone(u32::MAX, u64::MAX)] {
            assert_eq!(Name::parse(&name.to_string()), Some(name));
        }
        let others = [
            "firesteel-notes",
            "firesteel-1",
            "firesteel-1-0-2",
            "firesteel-+1-0",
            "firesteel-gone-1-",
            "1-0",
        ];
        for other in others {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }
}
