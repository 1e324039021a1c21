//! Spelling of values: the unit of a number without one, by the setting and by the spelling of its key, and the
//! contexts in which a setting has a meaning. Programs in Rust and in Python ask here.
//!
//! Under its own key a setting has the engine's units: milliseconds, bytes. Under Spark's key it has those of Spark's documentation, so
//! that `spark.network.timeout=300` is five minutes in every program.

use crate::setting::Entry;
use crate::settings::ALL;
use std::fmt;

/// The unit of a number without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// KiB.
    Kibibytes,
    /// MiB.
    Mebibytes,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Milliseconds => "milliseconds",
            Unit::Seconds => "seconds",
            Unit::Bytes => "bytes",
            Unit::Kibibytes => "KiB",
            Unit::Mebibytes => "MiB",
        })
    }
}

/// The contexts in which a setting has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In every context.
    Everywhere,
    /// Where executors are processes that connect to the driver.
    Clusters,
    /// In calls that read and write files; Python hands these over with each call.
    Files,
}

/// Settings whose values are MiB in Spark where no unit is written.
const IN_MEBIBYTES: &[&str] =
    &["firesteel.executor.memory", "firesteel.executor.memory_overhead", "firesteel.executor.pyspark.memory"];

/// Settings whose values are KiB in Spark where no unit is written.
const IN_KIBIBYTES: &[&str] = &["firesteel.event_log.buffer.kb"];

/// Settings whose values are seconds in Spark where no unit is written; the engine's unit is the millisecond.
const IN_SECONDS: &[&str] = &[
    "firesteel.network.timeout",
    "firesteel.barrier.sync.timeout",
    "firesteel.dynamic_allocation.executor_idle_timeout",
    "firesteel.dynamic_allocation.scheduler_backlog_timeout",
    "firesteel.dynamic_allocation.sustained_scheduler_backlog_timeout",
    "firesteel.dynamic_allocation.cached_executor_idle_timeout",
    "firesteel.shuffle.io.retry_wait",
    "firesteel.scheduler.exclude_on_failure.unschedulable_task_set_timeout",
];

/// Beginnings of the keys of settings that mean something on clusters alone.
const OF_CLUSTERS: &[&str] = &[
    "firesteel.cores.max",
    "firesteel.executor.memory",
    "firesteel.executor.instances",
    "firesteel.executor.heartbeat_interval",
    "firesteel.scheduler.no_executors_timeout",
    "firesteel.dynamic_allocation.",
    "firesteel.decommission.",
    "firesteel.shuffle.",
    "firesteel.driver.host",
    "firesteel.driver.bind_address",
    "firesteel.driver.port",
    "firesteel.kubernetes.",
    "firesteel.yarn.",
    "firesteel.authenticate.",
    "firesteel.network.insecure",
    "firesteel.exclude_on_failure.kill_excluded_executors",
    "firesteel.scheduler.exclude_on_failure.",
];

/// Beginnings of the keys of Hadoop's settings for formats; those of its stores are the whole application's.
const OF_FILES: &[&str] = &["firesteel.hadoop.mapreduce.", "firesteel.hadoop.textinputformat."];

impl Entry {
    /// Returns the unit of a number without one, under the setting's own key.
    pub fn unit(&self) -> Option<Unit> {
        match self.kind {
            "parse_millis" | "positive_millis" | "optional_millis" | "millis_or_infinity" => {
                Some(Unit::Milliseconds)
            }
            "parse_bytes" | "optional_bytes" | "log_file_size" => Some(Unit::Bytes),
            _ => None,
        }
    }

    /// Returns the unit of a number without one, under Spark's key.
    pub fn unit_in_spark(&self) -> Option<Unit> {
        match self.key {
            key if IN_SECONDS.contains(&key) => Some(Unit::Seconds),
            key if IN_KIBIBYTES.contains(&key) => Some(Unit::Kibibytes),
            key if IN_MEBIBYTES.contains(&key) => Some(Unit::Mebibytes),
            _ => self.unit(),
        }
    }

    /// Returns the contexts in which the setting has a meaning.
    pub fn scope(&self) -> Scope {
        let is_of = |beginnings: &[&str]| beginnings.iter().any(|beginning| self.key.starts_with(beginning));
        match (is_of(OF_CLUSTERS), is_of(OF_FILES)) {
            (true, _) => Scope::Clusters,
            (_, true) => Scope::Files,
            _ => Scope::Everywhere,
        }
    }

    /// Converts a value from Spark's notation to the engine's: units where none is written, and the case of letters.
    pub fn value_in_spark(&self, value: &str) -> String {
        let (value, lower) = (value.trim(), value.trim().to_ascii_lowercase());
        let has_no_unit = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        match (self.key, self.unit_in_spark()) {
            ("firesteel.log.level", _) => log_level(&lower).into(),
            ("firesteel.rdd.compress", _) => lower,
            ("firesteel.scheduler.mode", _) => value.to_ascii_uppercase(),
            // Spark takes a list of directories on several disks; the first is as good as any.
            ("firesteel.local.dir", _) => value.split(',').next().unwrap_or_default().trim().into(),
            (_, Some(Unit::Kibibytes)) if has_no_unit => format!("{value}k"),
            (_, Some(Unit::Mebibytes)) if has_no_unit => format!("{value}m"),
            (_, Some(Unit::Seconds)) if has_no_unit => format!("{value}s"),
            _ if matches!(lower.as_str(), "true" | "false") => lower,
            _ => value.into(),
        }
    }
}

/// Maps Spark's seven levels; errors are always raised and never only logged, so its `ERROR` is silence.
fn log_level(level: &str) -> &str {
    match level {
        "off" | "fatal" | "error" => "off",
        "info" | "debug" | "trace" | "all" => "info",
        other => other,
    }
}

/// The units as a Markdown table, for docs/configuration.md.
pub struct Units;

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| setting | a number without a unit | under Spark's key |\n| --- | --- | --- |")?;
        let with_units = ALL.iter().filter_map(|entry| Some((entry, entry.unit()?, entry.unit_in_spark()?)));
        with_units
            .into_iter()
            .try_for_each(|(entry, own, spark)| writeln!(f, "| `{}` | {own} | {spark} |", entry.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_holds_the_units() {
        let documented = include_str!("../../../docs/configuration.md");
        let units = Units.to_string();
        assert!(documented.contains(&units), "docs/configuration.md should hold this table:\n{units}");
    }
}
