//! The options of reading and writing: texts by names, whose case does not matter, as Spark's.

use firesteel_io::Codec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Options by name. Names are kept in lower case.
///
/// ```
/// use firesteel_tables::columns::Options;
/// let options = Options::from_iter([("Header", "true"), ("sep", ";")]);
/// assert!(options.flag("header", false).unwrap());
/// assert_eq!(options.get("SEP"), Some(";"));
/// assert!(options.flag("sep", false).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options(BTreeMap<String, String>);

impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for Options {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Options {
        let pairs = pairs.into_iter().map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.into()));
        Options(pairs.collect())
    }
}

impl Options {
    /// Returns an option's text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// Returns the first of several options that is set.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// Returns an option that is true or false.
    ///
    /// # Errors
    /// A sentence, when it is neither.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, String> {
        match self.get(name).map(|value| value.trim().to_ascii_lowercase()) {
            None => Ok(default),
            Some(value) if value == "true" => Ok(true),
            Some(value) if value == "false" => Ok(false),
            Some(value) => Err(format!("the option {name} is true or false, and not {value:?}")),
        }
    }

    /// Returns an option that is a number.
    ///
    /// # Errors
    /// A sentence, when it is none.
    pub fn number<N: std::str::FromStr>(&self, name: &str, default: N) -> Result<N, String> {
        match self.get(name) {
            None => Ok(default),
            Some(value) => {
                value.trim().parse().map_err(|_| format!("the option {name} is a number, and not {value:?}"))
            }
        }
    }

    /// Returns the codec of text files: the options `compression` and `codec`.
    ///
    /// # Errors
    /// A sentence, when there is no such codec.
    pub fn codec(&self) -> Result<Codec, String> {
        let Some(name) = self.first(&["compression", "codec"]) else { return Ok(Codec::Plain) };
        match name.to_ascii_lowercase().as_str() {
            "none" | "uncompressed" => Ok(Codec::Plain),
            _ => Codec::named(name).ok_or_else(|| {
                format!(
                    "there is no codec {name:?} for text files: use none, gzip, bzip2, zstd, deflate, snappy or lz4"
                )
            }),
        }
    }
}
