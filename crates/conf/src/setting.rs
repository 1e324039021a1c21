//! One setting: its key, its default, its meaning and the parser of its value, with and without its type. The
//! settings themselves are in [`crate::settings`].

use crate::error::ConfError;

/// One setting, of type `T`.
pub struct Setting<T> {
    /// The key.
    pub key: &'static str,
    /// The value when nothing was set, as text.
    pub default: &'static str,
    /// Its meaning.
    pub doc: &'static str,
    pub(crate) parse: fn(&str) -> Result<T, String>,
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

/// A setting without its type, for listings.
pub struct Entry {
    /// The key.
    pub key: &'static str,
    /// The default, as text.
    pub default: &'static str,
    /// Its meaning.
    pub doc: &'static str,
    /// The kind of its values: the name of their parser.
    pub(crate) kind: &'static str,
    pub(crate) check: fn(&str) -> Result<(), String>,
}
