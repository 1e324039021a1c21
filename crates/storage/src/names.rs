//! The names of processes' directories, which say what may be done with each.
//!
//! A directory is `firesteel-new-P-N` until its owner holds its lock, `firesteel-P-N` while the owner lives, and
//! `firesteel-gone-P-N` once nobody needs it: whoever finds one of the last may remove it. Each step is one rename, so a process
//! that is killed between two of them leaves a directory of which the name, and the lock, say what it is.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const PREFIX: &str = "firesteel-";
const NEW: &str = "new-";
const GONE: &str = "gone-";

/// So many names are tried for a directory that nobody needs. They are numbered, and others have few.
const ATTEMPTS: usize = 100;

/// The name of a directory: the number of the process that gave it, and a serial number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// Its owner has not locked it yet.
    New(u32, u64),
    /// Its owner holds its lock, or was killed.
    Living(u32, u64),
    /// Nobody needs it.
    Gone(u32, u64),
}

impl Name {
    /// A directory's first name, and its second.
    pub(crate) fn next() -> (Name, Name) {
        let (process, serial) = numbers();
        (Name::New(process, serial), Name::Living(process, serial))
    }

    /// `None` for the name of something else.
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

/// Gives a directory under `parent` a name that says that nobody needs it. `None` where that cannot be done.
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
