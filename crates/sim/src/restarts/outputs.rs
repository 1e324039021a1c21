//! Directories of outputs, which outlive drivers: what tasks have staged under a word, and what was committed.

use crate::data::Record;
use firesteel_types::Partition;
use std::collections::BTreeMap;

/// The directory of one output.
#[derive(Clone, Debug, Default)]
struct Directory {
    token: String,
    staged: BTreeMap<Partition, Vec<Record>>,
    is_committed: bool,
}

/// All directories, by their paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directories(BTreeMap<String, Directory>);

impl Directories {
    /// Makes a directory. An error if it is there.
    pub(crate) fn set_up(&mut self, path: &str, token: &str) -> Result<(), String> {
        match self.0.contains_key(path) {
            true => Err(format!("{path} exists already")),
            false => {
                self.0.insert(path.into(), Directory { token: token.into(), ..Directory::default() });
                Ok(())
            }
        }
    }

    /// Removes what a job has made that did not commit.
    pub(crate) fn abort(&mut self, path: &str, token: &str) {
        if self.0.get(path).is_some_and(|directory| directory.token == token && !directory.is_committed) {
            self.0.remove(path);
        }
    }

    /// A task commits its part.
    pub(crate) fn stage(&mut self, path: &str, token: &str, partition: Partition, records: Vec<Record>) {
        if let Some(directory) = self.0.get_mut(path).filter(|directory| directory.token == token) {
            directory.staged.insert(partition, records);
        }
    }

    /// All parts appear. May be repeated.
    pub(crate) fn commit(&mut self, path: &str, token: &str, partitions: usize) -> Result<(), String> {
        let directory = self.0.get_mut(path).filter(|directory| directory.token == token);
        let directory = directory.ok_or_else(|| format!("{path} is to be committed, and is not there"))?;
        if directory.staged.len() != partitions {
            return Err(format!(
                "{path} is to be committed with {} of {partitions} parts",
                directory.staged.len()
            ));
        }
        directory.is_committed = true;
        Ok(())
    }

    /// The parts of a committed output.
    pub(crate) fn committed(&self, path: &str) -> Option<&BTreeMap<Partition, Vec<Record>>> {
        self.0.get(path).filter(|directory| directory.is_committed).map(|directory| &directory.staged)
    }
}
