//! What stores need to know beyond a path: endpoints, credentials, patience. A plain value that travels from the driver to
//! every process that opens files; secrets in it are never printed.

use firesteel_conf::Conf;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::RwLock;

/// What the keys of the settings here begin with.
const PREFIXES: [&str; 2] = ["firesteel.hadoop.fs.", "firesteel.store."];

/// The settings of stores, by their keys (`firesteel.hadoop.fs.s3a.endpoint`). What is not set comes from the environment and
/// the profiles that a store's own tools read.
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

static IN_USE: RwLock<StoreSettings> = RwLock::new(StoreSettings { values: BTreeMap::new() });

impl StoreSettings {
    /// Those of a configuration's settings that are about stores.
    pub fn from_conf(conf: &Conf) -> StoreSettings {
        let about_stores = |key: &str| PREFIXES.iter().any(|prefix| key.starts_with(prefix));
        let set = conf.iter().filter(|(key, value)| about_stores(key) && !value.is_empty());
        StoreSettings { values: set.map(|(key, value)| (key.into(), value.into())).collect() }
    }

    /// The value of a setting, if it is set.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Makes these the settings by which this process opens files from now on. Called where a process begins: by the
    /// driver with what the program set, by an executor with what the driver sent.
    pub fn put_to_use(self) {
        *IN_USE.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = self;
    }

    /// The settings by which this process opens files.
    pub fn in_use() -> StoreSettings {
        IN_USE.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(key, value)| (key, if firesteel_conf::is_secret(key) { "(not shown)" } else { value });
        let values = self.values.iter().map(|(key, value)| shown((key.as_str(), value.as_str())));
        f.debug_map().entries(values).finish()
    }
}
