//! [`StoreSettings`]: the endpoints, credentials and retries of an application's stores. A plain value, which
//! travels to every process that opens files for the application; secrets in it are never printed.

use firesteel_conf::Conf;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The beginnings of the keys of these settings.
const PREFIXES: [&str; 3] = ["firesteel.hadoop.fs.", "firesteel.hadoop.conf.dir", "firesteel.store."];

/// The settings of stores, by their keys (`firesteel.hadoop.fs.s3a.endpoint`). Values that are not set come
/// from the environment and the profiles that a store's own tools read.
///
/// ```
/// use firesteel_conf::Conf;
/// use firesteel_io::StoreSettings;
/// let mut conf = Conf::default();
/// conf.set("spark.hadoop.fs.s3a.secret.key", "wJalr")?;
/// let settings = StoreSettings::from_conf(&conf);
/// assert_eq!(settings.get("firesteel.hadoop.fs.s3a.secret.key"), Some("wJalr"));
/// assert!(!format!("{settings:?}").contains("wJalr"));
/// # Ok::<(), firesteel_conf::ConfError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StoreSettings {
    values: BTreeMap<String, String>,
}

impl StoreSettings {
    /// Takes those of a configuration's settings that are about stores.
    pub fn from_conf(conf: &Conf) -> StoreSettings {
        StoreSettings::from_pairs(conf.iter())
    }

    /// Takes those of an application's settings that are about stores, by keys as a configuration gives them.
    pub fn from_pairs<'a, 'b>(pairs: impl IntoIterator<Item = (&'a str, &'b str)>) -> StoreSettings {
        let about_stores = |key: &str| PREFIXES.iter().any(|prefix| key.starts_with(prefix));
        let set = pairs.into_iter().filter(|(key, value)| about_stores(key) && !value.is_empty());
        StoreSettings { values: set.map(|(key, value)| (key.into(), value.into())).collect() }
    }

    /// Returns the value of a setting, if it is set.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(key, value)| (key, if firesteel_conf::is_secret(key) { "(not shown)" } else { value });
        let values = self.values.iter().map(|(key, value)| shown((key.as_str(), value.as_str())));
        f.debug_map().entries(values).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_stores_is_taken_and_nothing_else() {
        let pairs = [
            ("firesteel.hadoop.fs.s3a.endpoint", "http://a"),
            ("firesteel.hadoop.conf.dir", "/etc/hadoop"),
            ("firesteel.store.max_retries", "3"),
            ("firesteel.store.retry.backoff", ""),
            ("firesteel.app.name", "a"),
        ];
        let settings = StoreSettings::from_pairs(pairs);
        let expected = pairs[..3].iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        assert_eq!(settings.values, expected);
    }
}
