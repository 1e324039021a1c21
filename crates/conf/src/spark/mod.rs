//! Spark's own settings: for each key, whether it is obeyed, changes nothing here, or is refused, and why.
//!
//! A program that is ported brings its settings along. Most of them tune machinery that Firesteel does not
//! have, and are accepted; one that would change results, files or safety is obeyed, or refused with a sentence
//! that says what to do instead. The table is in the files beside this one and in docs/configuration.md.
//! Unknown keys are the program's own, as in Spark. From Rust only settings of the engine can be set at all, by
//! either name: every other key is an error there, so no accepted setting is without effect.

mod application;
mod cluster;
mod data;
mod execution;
mod outside;
mod security;

use crate::{ALL, Entry, canonical, edits};
use std::fmt;

/// The treatment of some of Spark's keys, and the reason.
pub struct Rule {
    /// The keys. A `*` stands for any text; of several rules that fit, the one with the longest key counts.
    pub keys: &'static [&'static str],
    /// The treatment.
    pub treatment: Treatment,
    /// The reason why that is right, or, if keys are refused, what to do instead.
    pub why: &'static str,
}

/// The treatment of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It does what it does in Spark, in Rust and in Python: the engine has a setting of this name.
    Obeyed,
    /// It does what it does in Spark, in Python programs.
    InPython(InRust),
    /// It changes nothing that a program can observe, so it is accepted.
    Harmless,
    /// Other values than these are accepted with a warning, once.
    Warned(&'static [&'static str]),
    /// Other values than these are refused.
    Refused(&'static [&'static str]),
}

/// The treatment in a Rust program of a key that Python programs obey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InRust {
    /// It has no meaning in a Rust program.
    Harmless,
    /// It is refused; what to do instead.
    Refused(&'static str),
}

const fn obeyed(keys: &'static [&'static str], why: &'static str) -> Rule {
    Rule { keys, treatment: Treatment::Obeyed, why }
}

const fn in_python(keys: &'static [&'static str], why: &'static str) -> Rule {
    Rule { keys, treatment: Treatment::InPython(InRust::Harmless), why }
}

const fn in_python_only(keys: &'static [&'static str], instead: &'static str, why: &'static str) -> Rule {
    Rule { keys, treatment: Treatment::InPython(InRust::Refused(instead)), why }
}

const fn harmless(keys: &'static [&'static str], why: &'static str) -> Rule {
    Rule { keys, treatment: Treatment::Harmless, why }
}

const fn warned(keys: &'static [&'static str], but: &'static [&'static str], why: &'static str) -> Rule {
    Rule { keys, treatment: Treatment::Warned(but), why }
}

const fn refused(keys: &'static [&'static str], but: &'static [&'static str], why: &'static str) -> Rule {
    Rule { keys, treatment: Treatment::Refused(but), why }
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
    Refused(String),
}

/// Judges a setting of a Python program: one of Spark's, or the program's own below `spark.`.
///
/// ```
/// use firesteel_conf::spark::{Verdict, judge};
/// assert_eq!(judge("spark.kryoserializer.buffer.max", "1g"), Verdict::Kept);
/// assert!(matches!(judge("spark.acls.enable", "true"), Verdict::Refused(_)));
/// assert_eq!(judge("spark.acls.enable", "false"), Verdict::Kept);
/// assert_eq!(judge("spark.of.my.own", "1"), Verdict::Kept);
/// ```
pub fn judge(key: &str, value: &str) -> Verdict {
    let Some((rule, is_exact)) = rule_of(key) else {
        return near_miss(key).map_or(Verdict::Kept, Verdict::Warning);
    };
    let verdict = match rule.treatment {
        Treatment::Obeyed | Treatment::InPython(_) => Verdict::Obeyed,
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

fn refusal(key: &str, value: &str, why: &str) -> String {
    let is_shown =
        !crate::is_secret(key) && !key.ends_with(".secret") && !key.to_ascii_lowercase().contains("password");
    let value = if is_shown { value } else { "(not shown)" };
    format!("`{key}` cannot be `{value}`: {why}")
}

/// Returns whether a value is one of `values`. An empty value asks for nothing, and counts as one of them.
fn is_one_of(value: &str, values: &[&str]) -> bool {
    let value = value.trim();
    value.is_empty() || values.iter().any(|one| value.eq_ignore_ascii_case(one))
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

/// Returns the engine's setting that a key of Spark's names.
fn engine_setting(key: &str) -> Option<&'static Entry> {
    let name = match key {
        "spark.cleaner.referenceTracking.cleanCheckpoints" => crate::CLEAN_CHECKPOINTS.key.into(),
        _ => canonical(key),
    };
    ALL.iter().find(|entry| entry.key == name)
}

/// The table as Markdown, for docs/configuration.md.
pub struct Reference;

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, rules) in GROUPS {
            writeln!(
                f,
                "### {title}\n\n| settings of Spark | here | why, or what to do |\n| --- | --- | --- |"
            )?;
            for rule in *rules {
                let keys: Vec<_> = rule.keys.iter().map(|key| format!("`{key}`")).collect();
                writeln!(
                    f,
                    "| {} | {} | {}. |",
                    keys.join(", "),
                    Here(rule.treatment),
                    first_upper(rule.why)
                )?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The treatment, in a few words.
struct Here(Treatment);

impl fmt::Display for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let but = |f: &mut fmt::Formatter<'_>, what: &str, values: &[&str]| match values {
            [] => write!(f, "{what}"),
            values => write!(f, "{what}, but for `{}`", values.join("`, `")),
        };
        match self.0 {
            Treatment::Obeyed => write!(f, "obeyed"),
            Treatment::InPython(InRust::Harmless) => write!(f, "obeyed in Python"),
            Treatment::InPython(InRust::Refused(instead)) => {
                write!(f, "obeyed in Python; refused in Rust: {instead}")
            }
            Treatment::Harmless => write!(f, "harmless"),
            Treatment::Warned(values) => but(f, "a warning", values),
            Treatment::Refused(values) => but(f, "refused", values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_holds_the_table() {
        let documented = include_str!("../../../../docs/configuration.md");
        let table = Reference.to_string();
        assert!(
            documented.contains(table.trim_end()),
            "docs/configuration.md should hold this:\n{table}<<<end"
        );
    }

    #[test]
    fn what_is_said_to_be_obeyed_is_a_setting_of_the_engine() {
        let rules = GROUPS.iter().flat_map(|(_, rules)| *rules);
        for key in rules.filter(|rule| rule.treatment == Treatment::Obeyed).flat_map(|rule| rule.keys) {
            assert!(engine_setting(key).is_some(), "{key}");
        }
    }

    #[test]
    fn what_would_change_something_is_refused_and_its_harmless_value_is_not() {
        for (key, value, harmless) in [
            ("spark.task.cpus", "2", "1"),
            ("spark.task.resource.gpu.amount", "0.5", "0"),
            ("spark.executor.resource.fpga.amount", "1", "0"),
            ("spark.executor.allowSparkContext", "true", "false"),
            ("spark.acls.enable", "true", "FALSE"),
            ("spark.ssl.ui.enabled", "true", "false"),
            ("spark.files.overwrite", "true", "false"),
            ("spark.python.worker.reuse", "false", "true"),
        ] {
            assert!(matches!(judge(key, value), Verdict::Refused(why) if why.contains(key)), "{key}");
            assert_eq!(judge(key, harmless), Verdict::Kept, "{key}");
        }
    }

    #[test]
    fn programs_bring_their_settings_along() {
        for (key, value) in [
            ("spark.sql.shuffle.partitions", "200"),
            ("spark.serializer", "org.apache.spark.serializer.KryoSerializer"),
            ("spark.driver.memory", "8g"),
            ("spark.driver.extraJavaOptions", "-XX:+UseG1GC"),
            ("spark.shuffle.compress", "true"),
            ("spark.acme.own.threshold", "3"),
        ] {
            assert_eq!(judge(key, value), Verdict::Kept, "{key}");
        }
        assert!(matches!(judge("spark.eventLog.enabled", "true"), Verdict::Warning(_)));
        assert!(
            matches!(judge("spark.task.maxFailure", "2"), Verdict::Warning(why) if why.contains("spark.task.maxFailures"))
        );
        assert_eq!(judge("spark.task.maxFailures", "2"), Verdict::Obeyed);
    }

    #[test]
    fn secrets_are_not_shown() {
        let Verdict::Refused(why) = judge("spark.authenticate.secret", "hidden") else { panic!("refused") };
        assert!(!why.contains("hidden"), "{why}");
    }
}
