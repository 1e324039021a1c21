//! The log: lines on standard error that a person at the terminal should see though nothing failed.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

/// Which lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Off,
    Warn,
    Info,
}

impl Level {
    /// The level of a name. An unknown one warns.
    pub(crate) fn named(name: &str) -> Level {
        match name.to_ascii_lowercase().as_str() {
            "off" | "error" => Level::Off,
            "info" | "debug" | "all" => Level::Info,
            _ => Level::Warn,
        }
    }

    /// Something that may cost the program time or memory, and what to do about it.
    pub(crate) fn warn(self, text: impl Display) {
        if self >= Level::Warn {
            eprintln!("firesteel: warning: {text}");
        }
    }

    /// A warning that is written once in a process, however many contexts it is about.
    pub(crate) fn warn_once(self, text: String) {
        static WRITTEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        if self >= Level::Warn && WRITTEN.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone())
        {
            self.warn(text);
        }
    }

    /// Something that was done without being asked for.
    pub(crate) fn info(self, text: impl Display) {
        if self >= Level::Info {
            eprintln!("firesteel: {text}");
        }
    }
}
