//! The reasons why a setting cannot be used.

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
