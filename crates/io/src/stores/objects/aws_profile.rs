//! The profiles of Amazon's own tools: `~/.aws/credentials` and `~/.aws/config`. Reads only the values that
//! are written out: keys, a region, an endpoint. Profiles that call programs or log in are for those tools;
//! their result can be put into the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The values of one profile.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    values: BTreeMap<String, String>,
}

impl Profile {
    /// Returns the profile that `AWS_PROFILE` names, or the default one; empty when there is none.
    pub(crate) fn load() -> Profile {
        let name = env("AWS_PROFILE").unwrap_or_else(|| "default".into());
        let file = |variable: &str, usual: &str| {
            let path = env(variable)
                .map(PathBuf::from)
                .or_else(|| Some(std::env::home_dir()?.join(".aws").join(usual)));
            path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
        };
        let config = file("AWS_CONFIG_FILE", "config");
        let credentials = file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        Profile::parse(&name, &config, &credentials)
    }

    /// Merges the sections of both files. The credentials file wins over the other, as it does for Amazon's
    /// tools.
    fn parse(name: &str, config: &str, credentials: &str) -> Profile {
        let mut values = section(config, &format!("profile {name}"));
        if name == "default" {
            values.extend(section(config, name));
        }
        values.extend(section(credentials, name));
        Profile { values }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the values of one section of an INI file.
fn section(text: &str, wanted: &str) -> BTreeMap<String, String> {
    let (mut inside, mut values) = (false, BTreeMap::new());
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = name.split_whitespace().eq(wanted.split_whitespace());
        } else if let (true, false, Some((key, value))) =
            (inside, line.starts_with(['#', ';']), line.split_once('='))
        {
            values.insert(key.trim().to_ascii_lowercase(), value.trim().to_string());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_gathered_from_both_files() {
        let config =
            "[default]\nregion = eu-west-1\n[profile  work]\nregion=us-east-2\naws_access_key_id = OLD\n";
        let credentials = "# keys\n[work]\naws_access_key_id = NEW\n; and\naws_secret_access_key = a=b\n[other]\nregion = x\n";
        let work = Profile::parse("work", config, credentials);
        assert_eq!(work.get("region"), Some("us-east-2"));
        assert_eq!(work.get("aws_access_key_id"), Some("NEW"));
        assert_eq!(work.get("aws_secret_access_key"), Some("a=b"));
        assert_eq!(Profile::parse("default", config, credentials).get("region"), Some("eu-west-1"));
        assert_eq!(Profile::parse("nil", config, credentials), Profile::default());
    }
}
