//! Configuration: every setting once, with its key, its default, its meaning, and the parser of its value.
//!
//! Keys begin with `firesteel.`. Spark's spelling of the same setting (`spark.task.maxFailures`) is understood
//! as a synonym, with values as Spark writes them. [`Conf`] has the values that were set; a [`Setting`] reads its
//! own value out of it. A key that does not exist is an error that names the nearest one that does; [`spark`]
//! says how Spark's other settings are treated.

mod settings;
pub mod spark;
mod spelling;
mod value;

pub use settings::*;
pub use spelling::{Scope, Unit, Units};
pub use value::{parse_bytes, parse_millis};

use std::collections::BTreeMap;
use std::fmt;

/// One setting, of type `T`.
pub struct Setting<T> {
    /// The key.
    pub key: &'static str,
    /// The value when nothing was set, as text.
    pub default: &'static str,
    /// Its meaning.
    pub doc: &'static str,
    parse: fn(&str) -> Result<T, String>,
}

impl<T> Setting<T> {
    /// Parses a value.
    ///
    /// # Errors
    /// When the text is not a value of the setting's type.
    pub fn parse(&self, text: &str) -> Result<T, ConfError> {
        let invalid = |why| ConfError::Invalid { key: self.key, value: text.into(), why };
        (self.parse)(text).map_err(invalid)
    }
}

/// Returns whether the value of a setting must not be shown: keys, secrets and tokens.
///
/// ```
/// assert!(firesteel_conf::is_secret("firesteel.hadoop.fs.s3a.secret.key") && !firesteel_conf::is_secret("firesteel.master"));
/// ```
pub fn is_secret(key: &str) -> bool {
    key.ends_with(".key")
        || key.ends_with(".token")
        || key.ends_with(".secret")
        || key.to_ascii_lowercase().ends_with("password")
}

/// The reason why a setting cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfError {
    /// There is no such setting.
    #[error("there is no setting `{key}`{}", .nearest.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    Unknown {
        /// The key that was used.
        key: String,
        /// The key that looks most like it.
        nearest: Option<&'static str>,
    },
    /// The text is not a value of the setting's type.
    #[error("`{key}` cannot be `{value}`: {why}")]
    Invalid {
        /// The key.
        key: &'static str,
        /// The text.
        value: String,
        /// The reason.
        why: String,
    },
    /// A setting of Spark's that would change results, files or safety, and cannot be obeyed.
    #[error("`{key}` cannot be `{value}`: {why}")]
    Refused {
        /// The key.
        key: String,
        /// The value; not that of a secret.
        value: String,
        /// The reason, and what to do instead.
        why: String,
    },
}

/// The values that were set.
///
/// ```
/// use firesteel_conf::{Conf, TASK_MAX_FAILURES};
/// let mut conf = Conf::default();
/// assert_eq!(conf.get(&TASK_MAX_FAILURES)?, 4);
/// conf.set("spark.task.maxFailures", "2")?;
/// assert_eq!(conf.get(&TASK_MAX_FAILURES)?, 2);
/// assert!(conf.set("firesteel.task.max_failure", "2").unwrap_err().to_string().contains("max_failures"));
/// # Ok::<(), firesteel_conf::ConfError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Conf {
    values: BTreeMap<String, String>,
}

impl Conf {
    /// Sets a value.
    ///
    /// A key that begins with `spark.` and is none of the engine's is kept as it is, unless it must not be ignored ([`spark::judge`]).
    ///
    /// # Errors
    /// When there is no such setting, the value is not of its type, or the setting is one of Spark's that cannot be obeyed.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ConfError> {
        let (entry, value) = match key.starts_with("spark.") {
            false => (ALL.iter().find(|entry| entry.key == canonical(key)), value.to_string()),
            true => {
                let entry = spark::engine_setting(key);
                (entry, entry.map_or_else(|| value.into(), |entry| entry.value_in_spark(value)))
            }
        };
        let Some(entry) = entry else { return self.set_other(key, &value) };
        (entry.check)(&value).map_err(|why| ConfError::Invalid {
            key: entry.key,
            value: value.clone(),
            why,
        })?;
        self.values.insert(entry.key.into(), value);
        Ok(())
    }

    /// Stores a setting that the engine does not have.
    fn set_other(&mut self, key: &str, value: &str) -> Result<(), ConfError> {
        let unknown = || ConfError::Unknown { key: key.into(), nearest: nearest(&canonical(key)) };
        // The engine's own settings for stores stand for all of Hadoop's that a Rust program has.
        if !key.starts_with("spark.") || key.starts_with("spark.hadoop.fs.") {
            return Err(unknown());
        }
        match spark::judge(key, value, spark::Face::Rust) {
            spark::Verdict::Refused(error) => Err(error),
            // A setting that the table calls obeyed is never only stored.
            spark::Verdict::Obeyed => Err(unknown()),
            spark::Verdict::Kept | spark::Verdict::Warning(_) => {
                self.values.insert(key.into(), value.into());
                Ok(())
            }
        }
    }

    /// Checks all settings together; returns warnings about those that were accepted and have no effect.
    ///
    /// # Errors
    /// When two contradict each other.
    pub fn check(&self) -> Result<Vec<String>, ConfError> {
        spark::check(self.iter(), spark::Face::Rust)
    }

    /// Returns the value of a setting, or its default.
    ///
    /// # Errors
    /// Never for values that went through [`Conf::set`].
    pub fn get<T>(&self, setting: &Setting<T>) -> Result<T, ConfError> {
        setting.parse(self.values.get(setting.key).map_or(setting.default, String::as_str))
    }

    /// Returns the keys and values that were set, secrets too.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Returns whether a value was set.
    pub fn is_set<T>(&self, setting: &Setting<T>) -> bool {
        self.values.contains_key(setting.key)
    }
}

impl fmt::Debug for Conf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().map(|(key, value)| (key, if is_secret(key) { "(not shown)" } else { value }));
        f.debug_map().entries(shown).finish()
    }
}

/// A setting without its type, for listings.
pub struct Entry {
    /// The key.
    pub key: &'static str,
    /// The default, as text.
    pub default: &'static str,
    /// Its meaning.
    pub doc: &'static str,
    /// The kind of its values: the name of their parser.
    kind: &'static str,
    check: fn(&str) -> Result<(), String>,
}

/// The reference of all settings, as a Markdown table.
pub struct Reference;

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| setting | default | meaning |\n| --- | --- | --- |")?;
        ALL.iter().try_for_each(|entry| {
            let default =
                if entry.default.is_empty() { "(none)".into() } else { format!("`{}`", entry.default) };
            writeln!(f, "| `{}` | {default} | {} |", entry.key, entry.doc)
        })
    }
}

/// Translates Spark's spelling to Firesteel's: another prefix, and words with underscores instead of capitals.
fn canonical(key: &str) -> String {
    // The one name of Spark's that the rule does not translate.
    if key == "spark.hadoopRDD.ignoreEmptySplits" {
        return IGNORE_EMPTY_SPLITS.key.into();
    }
    let bare = key.strip_prefix("spark.").or_else(|| key.strip_prefix("firesteel.")).unwrap_or(key);
    let mut text = String::from("firesteel.");
    for c in bare.chars() {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

fn nearest(key: &str) -> Option<&'static str> {
    const CLOSE: usize = 5;
    let distances = ALL.iter().map(|entry| (edits(key, entry.key), entry.key));
    distances.min().filter(|(distance, _)| *distance <= CLOSE).map(|(_, key)| key)
}

/// Returns Levenshtein's distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_of_its_type() {
        for entry in ALL {
            assert_eq!((entry.check)(entry.default), Ok(()), "{}", entry.key);
            assert!(entry.key.starts_with("firesteel."));
        }
    }

    #[test]
    fn a_wrong_value_is_refused_with_the_reason() {
        let error = Conf::default().set("firesteel.memory", "lots").unwrap_err().to_string();
        assert!(
            error.contains("firesteel.memory") && error.contains("lots") && error.contains("512m"),
            "{error}"
        );
    }

    #[test]
    fn the_documentation_holds_the_reference() {
        let documented = include_str!("../../../docs/configuration.md");
        let reference = Reference.to_string();
        assert!(
            documented.contains(&reference),
            "docs/configuration.md should hold this table:\n{reference}"
        );
    }

    #[test]
    fn the_documentation_holds_the_units() {
        let documented = include_str!("../../../docs/configuration.md");
        let units = Units.to_string();
        assert!(documented.contains(&units), "docs/configuration.md should hold this table:\n{units}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut conf = Conf::default();
        conf.set("spark.hadoop.fs.s3a.secret.key", "hidden").unwrap();
        conf.set("spark.hadoop.fs.s3a.endpoint", "seen").unwrap();
        let shown = format!("{conf:?}");
        assert!(shown.contains("seen") && !shown.contains("hidden"), "{shown}");
    }

    #[test]
    fn the_reference_names_every_setting() {
        let text = Reference.to_string();
        assert!(ALL.iter().all(|entry| text.contains(entry.key)));
    }
}
