//! Settings: the engine's names for Spark's, and the table that says which of Spark's are obeyed.

use firesteel_conf::spark::{self, Face};
use firesteel_conf::{ALL, PYTHON_HUNG_FAIL_MS, PYTHON_HUNG_WARN_MS, Scope, Setting};
use firesteel_executor::Watchdog;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::time::Duration;

/// Returns the engine's name of a setting, and its value as the engine writes it, if the engine has such a
/// setting.
#[pyfunction]
pub(crate) fn engine_setting(key: &str, value: &str) -> Option<(String, String)> {
    spark::engine_setting(key).map(|entry| (entry.key.into(), entry.value_in_spark(value)))
}

/// Returns the engine's settings, each with the contexts in which it has a meaning: "everywhere", "clusters",
/// or "files" for those that readers and writers are handed.
#[pyfunction]
pub(crate) fn engine_settings() -> Vec<(&'static str, &'static str)> {
    let named = |scope| match scope {
        Scope::Everywhere => "everywhere",
        Scope::Clusters => "clusters",
        Scope::Files => "files",
    };
    ALL.iter().map(|entry| (entry.key, named(entry.scope()))).collect()
}

/// Checks all settings of a program; returns warnings. A setting that cannot be obeyed is an error.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "a list of Python's becomes a vector")]
pub(crate) fn check_settings(settings: Vec<(String, String)>) -> PyResult<Vec<String>> {
    let pairs = settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    spark::check(pairs, Face::Python).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Sets the level of the log of this process, by the name that Spark or the engine has for it.
#[pyfunction]
pub(crate) fn set_log_level(level: &str) {
    firesteel_driver::set_log_level(level);
}

/// Returns the treatment of a setting: "obeyed", "kept", "warned" or "refused".
#[pyfunction]
pub(crate) fn judge_setting(key: &str, value: &str) -> &'static str {
    match spark::judge(key, value, Face::Python) {
        spark::Verdict::Obeyed => "obeyed",
        spark::Verdict::Kept => "kept",
        spark::Verdict::Warning(_) => "warned",
        spark::Verdict::Refused(_) => "refused",
    }
}

/// Returns the keys that only Python programs obey.
#[pyfunction]
pub(crate) fn settings_of_python() -> Vec<&'static str> {
    let rules = spark::GROUPS.iter().flat_map(|(_, rules)| *rules);
    let of_python = rules.filter(|rule| matches!(rule.treatment, spark::Treatment::InPython(_)));
    of_python.flat_map(|rule| rule.keys).copied().collect()
}

/// Returns the times after which tasks count as hung, from the settings of an application. A value that is none is refused elsewhere.
pub(crate) fn watchdog(settings: &[(String, String)]) -> Watchdog {
    let time = |setting: &Setting<u64>| {
        let set = settings.iter().find(|(key, _)| key == setting.key);
        let millis = setting.parse(set.map_or(setting.default, |(_, value)| value)).unwrap_or_default();
        (millis > 0).then(|| Duration::from_millis(millis))
    };
    Watchdog { warn_after: time(&PYTHON_HUNG_WARN_MS), fail_after: time(&PYTHON_HUNG_FAIL_MS) }
}
