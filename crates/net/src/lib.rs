//! The way between processes.
