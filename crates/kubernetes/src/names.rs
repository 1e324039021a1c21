//! Names of an application's objects, and the labels by which they are found: Spark's, so that policies, dashboards and
//! scripts for Spark's pods find these.

use std::collections::BTreeMap;

/// The label of the application's id.
pub(crate) const APPLICATION_LABEL: &str = "spark-app-selector";
/// The label of the application's name.
pub(crate) const NAME_LABEL: &str = "spark-app-name";
/// The label of a pod's role: `driver` or `executor`.
pub(crate) const ROLE_LABEL: &str = "spark-role";
/// The label of an executor's number.
pub(crate) const EXECUTOR_LABEL: &str = "spark-exec-id";
/// The label of an executor's resource profile; there is one.
pub(crate) const PROFILE_LABEL: &str = "spark-exec-resourceprofile-id";

/// The variable with the id that an application has before it begins: that of a driver's pod.
pub(crate) const APPLICATION_VARIABLE: &str = "FIRESTEEL_APPLICATION_ID";

/// All of them: programs may not set these.
pub(crate) const RESERVED_LABELS: &[&str] =
    &[APPLICATION_LABEL, NAME_LABEL, ROLE_LABEL, EXECUTOR_LABEL, PROFILE_LABEL];

/// The longest name of an object that is also a name of a host.
const LONGEST: usize = 63;

/// The most of that for an application's name: behind it come a number and what the object is.
const LONGEST_PREFIX: usize = 35;

/// The name, the id and the prefix of one application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The namespace.
    pub namespace: String,
    /// The application's id: `spark-` and 32 hexadecimal digits.
    pub application: String,
    /// The application's name as a label.
    pub label: String,
    /// The beginning of the names of its objects.
    pub prefix: String,
}

impl Names {
    /// Makes the names of an application called `name`. `unique` is drawn at random: no two applications have the same.
    pub fn new(namespace: &str, name: &str, unique: [u8; 16]) -> Self {
        let id: String = unique.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut label = dashed(name);
        let mut prefix = label.clone();
        label.truncate(LONGEST);
        prefix.truncate(LONGEST_PREFIX);
        // A name of a host begins with a letter here, as in Spark.
        let x = if prefix.starts_with(|c: char| c.is_ascii_alphabetic()) { "" } else { "x" };
        let prefix = format!("{x}{}-{}", prefix.trim_end_matches('-'), &id[..12]);
        Names {
            namespace: namespace.into(),
            application: format!("spark-{id}"),
            label: label.trim_end_matches('-').into(),
            prefix,
        }
    }

    /// Returns the name of an executor's pod.
    pub fn executor(&self, number: u64) -> String {
        format!("{}-exec-{number}", self.prefix)
    }

    /// Returns the name of the driver's pod, if settings give none.
    pub fn driver(&self) -> String {
        format!("{}-driver", self.prefix)
    }

    /// Returns the name of the Secret from which executors learn how to reach the driver.
    pub fn secret(&self) -> String {
        format!("{}-exec", self.prefix)
    }

    /// Returns the name of the Secret with the driver's settings.
    pub fn driver_settings(&self) -> String {
        format!("{}-settings", self.prefix)
    }

    /// Returns the name of the config map that owns everything of an application whose driver is in no pod.
    pub fn owner(&self) -> String {
        format!("{}-app", self.prefix)
    }

    /// Returns the labels of all objects of the application.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let labels = [(APPLICATION_LABEL, &self.application), (NAME_LABEL, &self.label)];
        labels.into_iter().map(|(key, value)| (key.into(), value.clone())).collect()
    }

    /// Returns the selector of the application's executors.
    pub fn selector(&self) -> String {
        format!("{APPLICATION_LABEL}={},{ROLE_LABEL}=executor", self.application)
    }
}

/// Returns a name with small letters, digits and single dashes alone, none of these at an end.
fn dashed(name: &str) -> String {
    let lower = name.trim().to_ascii_lowercase();
    let words = lower.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit()));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "app".into() } else { words.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        let names = Names::new("default", " Word count (2)! ", [0xab; 16]);
        assert_eq!(names.label, "word-count-2");
        assert_eq!(names.executor(3), "word-count-2-abababababab-exec-3");
        assert_eq!(names.application, format!("spark-{}", "ab".repeat(16)));
        assert_eq!(names.selector(), format!("spark-app-selector={},spark-role=executor", names.application));
        let long = Names::new("default", &"9 lives ".repeat(30), [1; 16]);
        assert!(long.executor(1_000_000).len() <= 63 && long.executor(1).starts_with("x9-lives-"));
        assert!(long.label.len() <= 63 && !long.label.ends_with('-'), "{}", long.label);
        assert_eq!(Names::new("default", "üß", [0; 16]).driver(), "app-000000000000-driver");
    }
}
