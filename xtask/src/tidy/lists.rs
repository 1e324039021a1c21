//! The lists of the tidy rules, what they allow and forbid, with reasons: the only file to edit when the tree
//! rightly outgrows a rule.

/// Crates that decide and do not act: no clock, thread, file, socket or chance inside.
pub(crate) const PURE_CRATES: &[&str] = &[
    "types",
    "events",
    "conf",
    "plan",
    "protocol",
    "scheduler",
    "status",
    "standalone",
    "lending",
    "recovery",
];

/// The most lines that a source file may have.
pub(super) const MAX_FILE_LINES: usize = 1000;

/// Source files that may be longer, each with its reason.
pub(super) const LONG_FILES: &[(&str, &str)] = &[];

/// The most lines of a function without a note.
pub(super) const MAX_FUNCTION_LINES: usize = 80;

/// Files and folders (with a closing slash) that may have `unsafe`, each with its reason.
pub(super) const UNSAFE_PLACES: &[(&str, &str)] = &[
    ("crates/closures/", "calls functions whose addresses came as checked offsets"),
    ("crates/operators/src/code.rs", "brings closures back to life whose types were proved to exist"),
    ("tests/closure_matrix/", "loads a shared object, as an interpreter does"),
];

/// The number of lines above an `unsafe` in which its argument may be.
pub(super) const SAFETY_REACH: usize = 8;

/// The names that must not appear in a pure crate outside tests, and the reasons.
pub(super) const IMPURE: &[(&str, &str)] = &[
    ("Instant::now", "time comes in as an argument"),
    ("SystemTime", "time comes in as an argument"),
    ("std::thread", "decisions do not run threads"),
    ("thread::spawn", "decisions do not run threads"),
    ("std::fs", "decisions do not touch files"),
    ("std::net", "decisions do not touch the network"),
    ("std::process", "decisions do not start or end processes"),
    ("std::env", "settings come in as arguments"),
    ("tokio::", "decisions are not asynchronous"),
    ("rand::", "chance comes in as an argument"),
];

/// The members of `std` above that `use std::{...}` could bring in unnoticed.
pub(super) const IMPURE_MODULES: &[&str] = &["thread", "fs", "net", "process", "env"];

/// Files below `crates/*/src` that may write to standard error, each with its reason. All others emit events of
/// `tracing`, which a program may have in its own log.
pub(super) const PRINTERS: &[(&str, &str)] = &[
    ("crates/cli/src/lib.rs", "the error with which a command ends"),
    ("crates/cli/src/options.rs", "a warning of a command that has no log"),
    ("crates/cli/src/submit.rs", "what a command does"),
    ("crates/driver/src/log.rs", "the log of a program that has none"),
    ("crates/firesteel/src/run_main.rs", "the error with which a program ends"),
];

/// Macros that mark unfinished work.
pub(super) const LEFTOVERS: &[&str] = &["todo!", "unimplemented!", "dbg!"];

/// The same in Python files. Joined from pieces so that this file does not match itself.
pub(super) const PYTHON_LEFTOVERS: &[&str] =
    &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("break", "point()")];

/// The most lines that a Python file may have, and the most characters that a line of one may have.
pub(super) const MAX_PYTHON_LINES: usize = 500;
pub(super) const MAX_PYTHON_WIDTH: usize = 120;

/// Files whose names are those by which programs import them, although the names say nothing.
pub(super) const NAMES_OF_PYSPARK: &[&str] = &["python/firesteel/util.py"];

/// Names that say nothing about what is inside, for crates and modules.
pub(super) const EMPTY_NAMES: &[&str] = &["common", "core", "util", "utils", "helpers", "misc"];

/// Absolute paths of one machine. Joined from pieces so that this file does not match itself.
pub(super) const MACHINE_PATHS: &[&str] = &[concat!("/", "work/"), concat!("/", "root/")];

/// Kinds of file in which whitespace is the project's choice; fixtures of other kinds may need tabs or blanks.
pub(super) const PROSE_AND_CODE: &[&str] =
    &["rs", "md", "toml", "scala", "py", "pyi", "sh", "yml", "yaml", "css", "js", "html"];
