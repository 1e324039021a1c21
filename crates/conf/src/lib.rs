//! Configuration: every setting once, with its key, its default, its meaning, and the parser of its value.
//!
//! Keys begin with `firesteel.`. Spark's spelling of the same setting (`spark.task.maxFailures`) is understood
//! as a synonym. [`Conf`] has the values that were set; a [`Setting`] reads its own value out of it. A key that
//! does not exist is an error that names the nearest one that does.

mod settings;
pub mod spark;
mod value;

pub use settings::*;
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
    key.ends_with(".key") || key.ends_with(".token")
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
    values: BTreeMap<&'static str, String>,
}

impl Conf {
    /// Sets a value.
    ///
    /// # Errors
    /// When there is no such setting, or the value is not of its type.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ConfError> {
        let known = canonical(key);
        let Some(entry) = ALL.iter().find(|entry| entry.key == known) else {
            return Err(ConfError::Unknown { key: key.into(), nearest: nearest(&known) });
        };
        (entry.check)(value).map_err(|why| ConfError::Invalid {
            key: entry.key,
            value: value.into(),
            why,
        })?;
        self.values.insert(entry.key, value.into());
        Ok(())
    }

    /// Returns the value of a setting, or its default.
    ///
    /// # Errors
    /// Never for values that went through [`Conf::set`].
    pub fn get<T>(&self, setting: &Setting<T>) -> Result<T, ConfError> {
        setting.parse(self.values.get(setting.key).map_or(setting.default, String::as_str))
    }

    /// Returns the keys and values that were set, secrets too.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.iter().map(|(key, value)| (*key, value.as_str()))
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
