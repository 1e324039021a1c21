//! The secret settings: their values are shown as [`HIDDEN`]. The rule is Spark's: a pattern that a key matches, or a
//! value.

use crate::config::UiError;
use regex::{Regex, RegexBuilder};

/// The text in place of a secret.
pub const HIDDEN: &str = "*********(redacted)";

/// The most memory that a compiled pattern may have, in bytes: it comes from a setting.
const PATTERN_LIMIT: usize = 1 << 20;

/// A rule that tells secret settings.
#[derive(Clone, Debug)]
pub struct Redaction {
    pattern: Regex,
}

impl Redaction {
    /// Returns the rule with this pattern.
    ///
    /// # Errors
    /// When it is no regular expression, or a giant one.
    pub fn new(pattern: &str) -> Result<Self, UiError> {
        let pattern = RegexBuilder::new(pattern).size_limit(PATTERN_LIMIT).build();
        pattern.map(|pattern| Redaction { pattern }).map_err(|error| UiError::Redaction(error.to_string()))
    }

    /// Returns the value as it may be shown.
    pub fn shown<'a>(&self, key: &str, value: &'a str) -> &'a str {
        if self.pattern.is_match(key) || self.pattern.is_match(value) { HIDDEN } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DEFAULT_PATTERN;

    #[test]
    fn secrets_are_told_by_key_and_by_value() {
        let redaction = Redaction::new(DEFAULT_PATTERN).unwrap();
        for key in
            ["spark.hadoop.fs.s3a.secret.key", "my.PASSWORD", "spark.hadoop.fs.s3a.access.key", "apiToken"]
        {
            assert_eq!(redaction.shown(key, "x"), HIDDEN, "{key}");
        }
        assert_eq!(redaction.shown("spark.app.name", "count"), "count");
        assert_eq!(redaction.shown("java.command", "run --password=x"), HIDDEN);
        assert!(Redaction::new("(").is_err());
    }
}
