//! Submitted settings: environment variables in which `firesteel submit` and a cluster's workers pass
//! settings to the program. Settings that the program itself makes take precedence.

use crate::error::{Error, Result};
use firesteel_conf as conf;
use firesteel_conf::Conf;
use std::collections::BTreeMap;

/// The variable in which `firesteel submit` passes settings, as a JSON object.
const SETTINGS_VARIABLE: &str = "FIRESTEEL_SETTINGS";

/// The variables that each stand for one setting.
const VARIABLES: &[(&str, &str)] = &[
    ("FIRESTEEL_MASTER", conf::MASTER.key),
    ("FIRESTEEL_SECRET_FILE", conf::SECRET_FILE.key),
    ("FIRESTEEL_INSECURE", conf::NETWORK_INSECURE.key),
];

/// Adds the settings of the environment to those that the program has made.
pub(crate) fn apply(conf: &mut Conf) -> Result<()> {
    let mut given = match std::env::var(SETTINGS_VARIABLE) {
        Err(_) => BTreeMap::new(),
        Ok(text) => serde_json::from_str::<BTreeMap<String, String>>(&text).map_err(|error| {
            Error::Start(format!("the variable {SETTINGS_VARIABLE} holds no settings: {error}"))
        })?,
    };
    for (variable, key) in VARIABLES {
        if let Ok(value) = std::env::var(variable) {
            given.entry((*key).into()).or_insert(value);
        }
    }
    let mut merged = Conf::default();
    for (key, value) in &given {
        merged.set(key, value)?;
    }
    for (key, value) in conf.iter() {
        merged.set(key, value)?;
    }
    *conf = merged;
    Ok(())
}
