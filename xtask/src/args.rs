//! Command arguments: flags, options with a value, and words.
//!
//! A command takes the arguments that it knows out of [`Args`] and then calls [`Args::finish`], which refuses
//! the rest: a mistyped option must not be silently ignored.

use std::str::FromStr;

use crate::Fallible;

/// The words after the command's name, less those already taken.
pub(crate) struct Args {
    words: Vec<String>,
}

impl Args {
    pub(crate) fn new(words: impl Iterator<Item = String>) -> Self {
        Args { words: words.collect() }
    }

    pub(crate) fn asks_for_help(&self) -> bool {
        self.words.iter().take_while(|word| *word != "--").any(|word| word == "--help" || word == "-h")
    }

    /// Takes `--name`, and returns whether it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() != before
    }

    /// Takes every `--name VALUE` and `--name=VALUE`, in order.
    pub(crate) fn options(&mut self, name: &str) -> Fallible<Vec<String>> {
        let mut values = Vec::new();
        let mut rest = Vec::new();
        let mut words = std::mem::take(&mut self.words).into_iter();
        while let Some(word) = words.next() {
            if word == name {
                values.push(words.next().ok_or_else(|| format!("`{name}` wants a value"))?);
            } else if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                values.push(value.to_owned());
            } else {
                rest.push(word);
            }
        }
        self.words = rest;
        Ok(values)
    }

    /// Takes `--name VALUE`; the last one counts.
    pub(crate) fn option<T: FromStr>(&mut self, name: &str) -> Fallible<Option<T>> {
        let Some(value) = self.options(name)?.pop() else { return Ok(None) };
        value.parse().map(Some).map_err(|_| format!("`{name} {value}`: not a value that this option takes"))
    }

    /// Takes the words after `--`, for another program, and refuses all others that are left.
    pub(crate) fn after_dashes(mut self) -> Fallible<Vec<String>> {
        let at = self.words.iter().position(|word| word == "--").unwrap_or(self.words.len());
        let mut rest = self.words.split_off(at);
        rest.drain(..rest.len().min(1));
        self.finish()?;
        Ok(rest)
    }

    /// Refuses arguments that the command did not take.
    pub(crate) fn finish(self) -> Fallible {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(format!("did not understand `{word}`; --help tells what can be said")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        Args::new(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn options_may_be_written_both_ways_and_repeated() {
        let mut args = args("--only tidy --only=fmt --keep-going");
        assert_eq!(args.options("--only").unwrap(), ["tidy", "fmt"]);
        assert!(args.flag("--keep-going"));
        assert!(args.finish().is_ok());
    }

    #[test]
    fn what_nobody_took_is_refused() {
        let mut args = args("--seeds 5 --sedes 6");
        assert_eq!(args.option::<u64>("--seeds").unwrap(), Some(5));
        assert!(args.finish().unwrap_err().contains("--sedes"));
    }

    #[test]
    fn words_after_dashes_are_for_another_program() {
        assert_eq!(args("-- --deep 3").after_dashes().unwrap(), ["--deep", "3"]);
        assert!(args("--deep -- 3").after_dashes().is_err());
    }

    #[test]
    fn a_missing_or_odd_value_is_an_error() {
        assert!(args("--seeds").option::<u64>("--seeds").is_err());
        assert!(args("--seeds five").option::<u64>("--seeds").is_err());
    }
}
