//! [`Conf`]: the values that were set, each checked when it is set.

use crate::error::ConfError;
use crate::keys::{canonical, is_secret, nearest};
use crate::setting::Setting;
use crate::settings::ALL;
use crate::spark;
use std::collections::BTreeMap;
use std::fmt;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_value_is_refused_with_the_reason() {
        let error = Conf::default().set("firesteel.memory", "lots").unwrap_err().to_string();
        assert!(
            error.contains("firesteel.memory") && error.contains("lots") && error.contains("512m"),
            "{error}"
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
}
