//! The log: lines on standard error that a person at the terminal should see although nothing failed.

use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::fmt::Display;

/// The level of the lines that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Off,
    Warn,
    Info,
}

impl Level {
    /// Returns the level of a name. An unknown name gives the level of warnings.
    pub(crate) fn named(name: &str) -> Level {
        match name.to_ascii_lowercase().as_str() {
            "off" | "error" => Level::Off,
            "info" | "debug" | "all" => Level::Info,
            _ => Level::Warn,
        }
    }

    /// Writes a warning: a condition that may cost the program time or memory, and the remedy.
    pub(crate) fn warn(self, text: impl Display) {
        if self >= Level::Warn {
            eprintln!("firesteel: warning: {text}");
        }
    }

    /// Writes a warning once in a process, also when several contexts give it.
    pub(crate) fn warn_once(self, text: String) {
        static WRITTEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        if self >= Level::Warn && WRITTEN.lock().insert(text.clone()) {
            self.warn(text);
        }
    }

    /// Writes a note on an action that Firesteel took by itself.
    pub(crate) fn info(self, text: impl Display) {
        if self >= Level::Info {
            eprintln!("firesteel: {text}");
        }
    }
}
