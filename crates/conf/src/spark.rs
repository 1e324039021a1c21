//! Spark's own settings: for each key, whether it is obeyed, changes nothing here, or is refused, and why.
//!
//! A program that is ported brings its settings along. Most of them tune machinery that Firesteel does not
//! have, and are accepted; one that would change results, files or safety is obeyed, or refused with a sentence
//! that says what to do instead. The table is in the files beside this one and in docs/configuration.md; programs
//! in Rust and in Python have the same. Unknown keys are the program's own, as in Spark.

mod rule;

mod application;
mod cluster;
mod data;
mod execution;
mod outside;
mod security;

mod reference;

pub use reference::Reference;
pub use rule::{InRust, Rule, Treatment};

use crate::error::ConfError;
use crate::keys::{canonical, edits, is_secret};
use crate::setting::Entry;
use crate::settings::{ALL, CLEAN_CHECKPOINTS, EXCLUDE_KILL, EXCLUDE_UNSCHEDULABLE_MS, NETWORK_INSECURE};

/// The language of the program that a setting is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// A program in Rust.
    Rust,
    /// A program in Python.
    Python,
}

/// The groups of the table, in the order of the documentation.
pub static GROUPS: &[(&str, &[Rule])] = &[
    ("Application", application::RULES),
    ("Execution and scheduling", execution::RULES),
    ("Shuffle, memory, storage and files", data::RULES),
    ("Cluster and network", cluster::RULES),
    ("Security", security::RULES),
    ("Interfaces, and parts of Spark that are not here", outside::RULES),
];

/// The verdict on one setting before it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The API or the engine reads it.
    Obeyed,
    /// It is stored and changes nothing.
    Kept,
    /// It is stored and changes nothing, and the user should know.
    Warning(String),
    /// The program cannot run with it: the reason, and what to do.
    Refused(ConfError),
}

/// Judges a setting: one of Spark's, or the program's own below `spark.`.
///
/// ```
/// use firesteel_conf::spark::{Face, Verdict, judge};
/// assert_eq!(judge("spark.kryoserializer.buffer.max", "1g", Face::Python), Verdict::Kept);
/// assert!(matches!(judge("spark.acls.enable", "true", Face::Python), Verdict::Refused(_)));
/// assert_eq!(judge("spark.acls.enable", "false", Face::Python), Verdict::Kept);
/// assert_eq!(judge("spark.of.my.own", "1", Face::Python), Verdict::Kept);
/// ```
pub fn judge(key: &str, value: &str, face: Face) -> Verdict {
    let Some((rule, is_exact)) = rule_of(key) else {
        return near_miss(key).map_or(Verdict::Kept, Verdict::Warning);
    };
    let verdict = match rule.treatment {
        Treatment::Obeyed => Verdict::Obeyed,
        Treatment::InPython(in_rust) => return in_python_programs(key, value, face, in_rust),
        Treatment::Harmless => Verdict::Kept,
        Treatment::Warned(but) if is_one_of(value, but) => Verdict::Kept,
        Treatment::Warned(_) => return Verdict::Warning(format!("`{key}` has no effect: {}", rule.why)),
        Treatment::Refused(but) if is_one_of(value, but) => Verdict::Kept,
        Treatment::Refused(_) => return Verdict::Refused(refusal(key, value, rule.why)),
    };
    // A key that matches only the pattern of a family may be one of the others, misspelt.
    match near_miss(key) {
        Some(warning) if !is_exact => Verdict::Warning(warning),
        Some(_) | None => verdict,
    }
}

/// Checks all settings of an application together; returns warnings about those without effect.
///
/// # Errors
/// When one of them cannot be obeyed, or two contradict each other.
pub fn check<'a>(
    settings: impl Iterator<Item = (&'a str, &'a str)>,
    face: Face,
) -> Result<Vec<String>, ConfError> {
    let is_on = |value: &str| value.trim().eq_ignore_ascii_case("true");
    let (mut warnings, mut protects, mut is_insecure) = (vec![], None, false);
    for (key, value) in settings {
        if is_on(value) && (key == "spark.authenticate" || key == "spark.network.crypto.enabled") {
            protects = Some(key);
        }
        is_insecure |= is_on(value) && canonical(key) == NETWORK_INSECURE.key;
        if !key.starts_with("spark.") {
            continue;
        }
        match judge(key, value, face) {
            Verdict::Refused(error) => return Err(error),
            Verdict::Warning(warning) => warnings.push(warning),
            Verdict::Obeyed | Verdict::Kept => {}
        }
    }
    match protects.filter(|_| is_insecure) {
        Some(key) => {
            Err(refusal(key, "true", "`firesteel.network.insecure` says the contrary; take one of them out"))
        }
        None => Ok(warnings),
    }
}

fn in_python_programs(key: &str, value: &str, face: Face, in_rust: InRust) -> Verdict {
    match (face, in_rust) {
        (Face::Python, _) => Verdict::Obeyed,
        (Face::Rust, InRust::Refused(instead)) if !value.trim().is_empty() => {
            Verdict::Refused(refusal(key, value, instead))
        }
        (Face::Rust, InRust::Refused(_) | InRust::Harmless) => Verdict::Kept,
    }
}

fn refusal(key: &str, value: &str, why: &str) -> ConfError {
    let value = if is_secret(key) { "(not shown)" } else { value };
    ConfError::Refused { key: key.into(), value: value.into(), why: why.into() }
}

/// Returns whether a value is one of `values`. An empty value asks for nothing, and counts as one of them.
fn is_one_of(value: &str, values: &[&str]) -> bool {
    let value = value.trim();
    value.is_empty() || values.iter().any(|one| value.eq_ignore_ascii_case(one))
}

/// Returns whether the table has a rule for a key.
pub fn is_known(key: &str) -> bool {
    rule_of(key).is_some()
}

/// Returns the rule that fits a key best, and whether it names that very key.
fn rule_of(key: &str) -> Option<(&'static Rule, bool)> {
    let rules = GROUPS.iter().flat_map(|(_, rules)| *rules);
    let fitting = rules.flat_map(|rule| rule.keys.iter().map(move |pattern| (pattern, rule)));
    fitting
        .filter(|(pattern, _)| fits(pattern, key))
        .max_by_key(|(pattern, _)| (**pattern == key, pattern.len()))
        .map(|(pattern, rule)| (rule, *pattern == key))
}

/// Returns whether a key matches a pattern, where `*` stands for any text, also none.
fn fits(pattern: &str, key: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == key,
        Some((before, "")) => key.starts_with(before),
        Some((before, after)) => key
            .strip_prefix(before)
            .is_some_and(|rest| rest.char_indices().any(|(at, _)| fits(after, &rest[at..]))),
    }
}

/// Returns a sentence for a key that is no setting, but nearly one that matters.
fn near_miss(key: &str) -> Option<String> {
    /// The fewest letters of a key that is compared: a shorter one is near to too many others.
    const LONG_ENOUGH: usize = 15;
    const CLOSE: usize = 2;
    if key.len() < LONG_ENOUGH || engine_setting(key).is_some() {
        return None;
    }
    let rules = GROUPS.iter().flat_map(|(_, rules)| *rules);
    let matters = rules.filter(|rule| rule.treatment != Treatment::Harmless);
    let keys = matters.flat_map(|rule| rule.keys).filter(|known| !known.contains('*') && **known != key);
    let distances = keys.filter(|known| known.len().abs_diff(key.len()) <= CLOSE);
    let (distance, nearest) = distances.map(|known| (edits(key, known), known)).min()?;
    (distance <= CLOSE).then(|| format!("there is no setting `{key}`; did you mean `{nearest}`?"))
}

/// Returns the engine's setting that a key names, in Spark's or in Firesteel's spelling.
pub fn engine_setting(key: &str) -> Option<&'static Entry> {
    let name = match key {
        "spark.cleaner.referenceTracking.cleanCheckpoints" => CLEAN_CHECKPOINTS.key.into(),
        "spark.blacklist.killBlacklistedExecutors" => EXCLUDE_KILL.key.into(),
        "spark.scheduler.blacklist.unschedulableTaskSetTimeout" => EXCLUDE_UNSCHEDULABLE_MS.key.into(),
        // The older names of Spark's.
        _ => match key.strip_prefix("spark.blacklist.") {
            Some(rest) => canonical(&format!("spark.excludeOnFailure.{rest}")),
            None => canonical(key),
        },
    };
    ALL.iter().find(|entry| entry.key == name)
}
