//! Hadoop's configuration of a cluster: `core-site.xml` and `yarn-site.xml`, and what of them we need: addresses, and whether
//! users are believed.
//!
//! How files are read and written is decided by other settings of Hadoop's, whose reader is in the crate `io`.

use crate::YarnError;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The files that are read, later ones over earlier ones.
const FILES: [&str; 2] = ["core-site.xml", "yarn-site.xml"];

/// The largest file that is read, in bytes.
const FILE_AT_MOST: u64 = 16 << 20;

/// How often a value's variables are replaced: Hadoop does it as often.
const SUBSTITUTIONS: usize = 20;

/// A cluster's settings.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    values: HashMap<String, String>,
    directory: PathBuf,
}

/// Returns the directory of Hadoop's configuration: the one that is set, else that of the first variable that names one.
///
/// # Errors
/// When none does.
pub fn directory(set: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Result<PathBuf, YarnError> {
    let of = |name: &str| variable(name).filter(|value| !value.is_empty());
    let home = || of("HADOOP_HOME").map(|home| format!("{home}/etc/hadoop"));
    let named = set
        .map(str::to_string)
        .or_else(|| of("HADOOP_CONF_DIR"))
        .or_else(|| of("YARN_CONF_DIR"))
        .or_else(home);
    named.map(PathBuf::from).ok_or_else(|| YarnError::Configuration {
        what: "the master `yarn` has no address of its own, and nothing says where the cluster's configuration is".into(),
        remedy: "set HADOOP_CONF_DIR or YARN_CONF_DIR to the directory that has the cluster's yarn-site.xml".into(),
    })
}

impl Configuration {
    /// Reads the files of a directory. Variables of the environment in values (`${env.NAME}`) are asked for.
    ///
    /// # Errors
    /// When there is no `yarn-site.xml`, or a file is not XML of Hadoop's.
    pub fn load(
        directory: &Path,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Configuration, YarnError> {
        let mut raw = HashMap::new();
        for name in FILES {
            let file = directory.join(name);
            let wrong = |why: String| {
                YarnError::Configuration {
                what: format!("{} cannot be read: {why}", file.display()),
                remedy: "HADOOP_CONF_DIR or YARN_CONF_DIR must name the directory with the cluster's yarn-site.xml".into(),
            }
            };
            match fs::metadata(&file) {
                Ok(found) if found.len() > FILE_AT_MOST => {
                    return Err(wrong(format!("it has {} bytes", found.len())));
                }
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && name == "core-site.xml" => {
                    continue;
                }
                Err(error) => return Err(wrong(error.to_string())),
            }
            let text = fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
            raw.extend(properties(&text).map_err(wrong)?);
        }
        let values =
            raw.iter().map(|(key, value)| (key.clone(), substitute(value, &raw, &variable))).collect();
        Ok(Configuration { values, directory: directory.into() })
    }

    /// Returns a setting, if it is there and not empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Returns where the files lie.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Refuses a cluster whose users have to show more than a name.
    ///
    /// # Errors
    /// When it is one.
    pub fn check_authentication(&self) -> Result<(), YarnError> {
        match self.get("hadoop.security.authentication") {
            None => Ok(()),
            Some(simple) if simple.eq_ignore_ascii_case("simple") => Ok(()),
            Some(_) => Err(YarnError::kerberos()),
        }
    }

    /// Returns the addresses at which clients reach the ResourceManager and its stand-bys.
    ///
    /// # Errors
    /// When none is set.
    pub fn resource_managers(&self) -> Result<Vec<String>, YarnError> {
        self.addresses("yarn.resourcemanager.address", 8032)
    }

    /// Returns the addresses at which application masters reach the scheduler.
    ///
    /// # Errors
    /// When none is set.
    pub fn schedulers(&self) -> Result<Vec<String>, YarnError> {
        self.addresses("yarn.resourcemanager.scheduler.address", 8030)
    }

    fn addresses(&self, key: &str, port: u16) -> Result<Vec<String>, YarnError> {
        let of = |suffix: &str| {
            let address = self.get(&format!("{key}{suffix}"));
            let host = || self.get(&format!("yarn.resourcemanager.hostname{suffix}"));
            match address.or_else(host) {
                Some(address) if address.contains(':') => Some(address.to_string()),
                Some(host) => Some(format!("{host}:{port}")),
                None => None,
            }
        };
        let ids = self
            .get("yarn.resourcemanager.ha.rm-ids")
            .filter(|_| self.is_true("yarn.resourcemanager.ha.enabled"));
        let addresses: Vec<String> = match ids {
            Some(ids) => ids.split(',').filter_map(|id| of(&format!(".{}", id.trim()))).collect(),
            None => of("").into_iter().collect(),
        };
        match addresses.is_empty() {
            false => Ok(addresses),
            true => Err(YarnError::Configuration {
                what: format!("{} says neither `{key}` nor `yarn.resourcemanager.hostname`", self.directory.display()),
                remedy: "HADOOP_CONF_DIR or YARN_CONF_DIR must name the directory with the cluster's own yarn-site.xml".into(),
            }),
        }
    }

    fn is_true(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// Returns the properties of a file, in its order.
fn properties(text: &str) -> Result<Vec<(String, String)>, String> {
    let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
    let root = document.root_element();
    if root.tag_name().name() != "configuration" {
        return Err(format!("its element is `{}`, not `configuration`", root.tag_name().name()));
    }
    let text_of = |property: roxmltree::Node<'_, '_>, name: &str| {
        let child = property.children().find(|child| child.tag_name().name() == name)?;
        Some(child.text().unwrap_or_default().trim().to_string())
    };
    let properties = root.children().filter(|child| child.tag_name().name() == "property");
    Ok(properties
        .filter_map(|p| Some((text_of(p, "name")?, text_of(p, "value").unwrap_or_default())))
        .collect())
}

/// Replaces `${KEY}` by that key's value, and `${env.NAME}` by the variable's. What has none stays as it is.
fn substitute(
    value: &str,
    all: &HashMap<String, String>,
    variable: &impl Fn(&str) -> Option<String>,
) -> String {
    let mut value = value.to_string();
    for _ in 0..SUBSTITUTIONS {
        let Some((before, rest)) = value.split_once("${") else { break };
        let Some((name, after)) = rest.split_once('}') else { break };
        let found = match name.strip_prefix("env.") {
            Some(name) => variable(name),
            None => all.get(name).cloned(),
        };
        let Some(found) = found else { break };
        value = format!("{before}{found}{after}");
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(core: &str, yarn: &str) -> Result<Configuration, YarnError> {
        let directory = tempfile::tempdir().unwrap();
        let file = |body: &str| {
            let mut text = "<?xml version=\"1.0\"?>\n<configuration>".to_string();
            for (key, value) in body.lines().filter_map(|line| line.trim().split_once('=')) {
                text += &format!(
                    "<property><name>{key}</name>\n<value> {value} </value><final>true</final></property>"
                );
            }
            text + "</configuration>"
        };
        fs::write(directory.path().join("core-site.xml"), file(core)).unwrap();
        fs::write(directory.path().join("yarn-site.xml"), file(yarn)).unwrap();
        Configuration::load(directory.path(), |name| (name == "WHO").then(|| "me".into()))
    }

    #[test]
    fn addresses_as_sites_write_them() {
        let conf = load(
            "",
            "yarn.resourcemanager.hostname=rm\nyarn.resourcemanager.scheduler.address=${x}:1\nx=${env.WHO}",
        )
        .unwrap();
        assert_eq!(conf.resource_managers().unwrap(), ["rm:8032"]);
        assert_eq!(conf.schedulers().unwrap(), ["me:1"]);
        let ha = "yarn.resourcemanager.ha.enabled=true\nyarn.resourcemanager.ha.rm-ids=a, b\n\
                  yarn.resourcemanager.hostname.a=one\nyarn.resourcemanager.address.b=two:9";
        assert_eq!(load("", ha).unwrap().resource_managers().unwrap(), ["one:8032", "two:9"]);
        let none = load("", "").unwrap().resource_managers().unwrap_err().to_string();
        assert!(none.contains("yarn.resourcemanager.address") && none.contains("HADOOP_CONF_DIR"), "{none}");
    }

    #[test]
    fn a_variable_that_names_itself_ends() {
        assert_eq!(load("a=${a}", "").unwrap().get("a"), Some("${a}"));
        assert_eq!(load("a=${b", "").unwrap().get("a"), Some("${b"));
    }

    #[test]
    fn kerberos_is_refused_in_words() {
        assert!(load("hadoop.security.authentication=simple", "").unwrap().check_authentication().is_ok());
        let refusal =
            load("hadoop.security.authentication=kerberos", "").unwrap().check_authentication().unwrap_err();
        assert!(refusal.to_string().contains("listen://"), "{refusal}");
    }

    #[test]
    fn files_that_are_missing_or_something_else() {
        let directory = tempfile::tempdir().unwrap();
        let load = || Configuration::load(directory.path(), |_| None).unwrap_err().to_string();
        assert!(load().contains("yarn-site.xml"));
        for (text, why) in [("<html/>", "`html`"), ("no", "cannot be read")] {
            fs::write(directory.path().join("yarn-site.xml"), text).unwrap();
            assert!(load().contains(why), "{}", load());
        }
    }

    #[test]
    fn the_directory_is_found_as_hadoop_finds_it() {
        let find = |set, pairs: &'static [(&str, &str)]| {
            directory(set, |name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string())
            })
        };
        assert_eq!(find(Some("s"), &[("HADOOP_CONF_DIR", "h")]), Ok("s".into()));
        assert_eq!(find(None, &[("YARN_CONF_DIR", "y"), ("HADOOP_CONF_DIR", "h")]), Ok("h".into()));
        assert_eq!(find(None, &[("YARN_CONF_DIR", "y"), ("HADOOP_CONF_DIR", "")]), Ok("y".into()));
        assert_eq!(find(None, &[("HADOOP_HOME", "/o")]), Ok("/o/etc/hadoop".into()));
        assert!(find(None, &[]).unwrap_err().to_string().contains("HADOOP_CONF_DIR"));
    }
}
