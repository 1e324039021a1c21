//! The log of a daemon: the events of Firesteel's crates as lines on standard error, each with its time and level.

use clap::{Args, ValueEnum};
use std::io;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The crates whose events are written: their names begin so.
const OURS: &str = "firesteel";

/// The options of a daemon's log.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LogOptions {
    /// The lines of the log that are written, by their level: `--log-level warn` leaves out what goes as it should.
    #[arg(long, value_name = "LEVEL", value_enum, ignore_case = true, default_value_t = LogLevel::Info, env = "FIRESTEEL_LOG")]
    log_level: LogLevel,
}

/// The least important lines that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
}

impl LogOptions {
    /// Begins the log of this process. A process that has one keeps it.
    pub(crate) fn begin(self) {
        log_with_times(self.log_level.filter());
    }
}

impl LogLevel {
    fn filter(self) -> LevelFilter {
        match self {
            LogLevel::Off => LevelFilter::OFF,
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
        }
    }
}

fn log_with_times(level: LevelFilter) {
    // A daemon whose standard error is closed goes on: telling of that would fail there, too, by a panic.
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).log_internal_errors(false);
    let ours = Targets::new().with_target(OURS, level);
    // An error says that there is a log already.
    let _ = tracing_subscriber::registry().with(lines).with(ours).try_init();
}

/// Begins the log of a daemon in this process, as `--log-level` of this name does.
///
/// # Errors
/// When there is no such level.
pub fn begin_log(level: &str) -> Result<(), String> {
    let level = LogLevel::from_str(level, true)
        .map_err(|_| format!("`{level}` is no level of the log: write off, error, warn or info"))?;
    log_with_times(level.filter());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_none_is_refused_with_those_that_there_are() {
        assert!(begin_log("LOUD").unwrap_err().contains("off, error, warn or info"));
    }
}
