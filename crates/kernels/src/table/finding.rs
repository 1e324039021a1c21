//! A table of keys alone, in which the rows of groups and joins find theirs.

use super::{Keys, Table, find, of_int};
use crate::column::Column;
use crate::keys::{self, Shape};
use crate::merge::Merge;
use std::hash::BuildHasher;

impl Table {
    /// Makes an empty table of keys without values, which notes the entry of each row.
    pub(crate) fn noting() -> Table {
        Table { noted: Some(vec![]), ..Table::new(Merge::Parts(vec![])) }
    }

    /// Returns the entry of each row that was added.
    pub(crate) fn noted(&self) -> &[u32] {
        self.noted.as_deref().unwrap_or_default()
    }

    /// Returns all keys, in the order in which they came; `None` of none.
    pub(crate) fn keys_column(&self) -> Option<Column> {
        self.keys.clone().column()
    }

    /// Returns the entry of each row's key, or `None` where there is no such key; nothing if keys of this type, or one of the
    /// keys, cannot be compared with those that are here.
    pub(crate) fn find_all(&self, keys: &Column, rows: usize) -> Option<Vec<Option<u32>>> {
        let found = |at: Result<usize, usize>| at.ok().map(|at| at as u32);
        let (slots, hashes) = (&self.slots, &self.hashes);
        match (&self.keys, keys) {
            (Keys::Undecided, _) => Some(vec![None; rows]),
            (Keys::Ints(known), Column::Int(keys)) => Some(
                keys.iter().map(|key| found(find(slots, |at| known[at] == *key, of_int(*key)))).collect(),
            ),
            (Keys::Texts(known), Column::Text(keys)) => Some(
                (0..rows)
                    .map(|row| {
                        let key = keys.bytes(row);
                        let hash = self.hasher.hash_one(key);
                        found(find(slots, |at| hashes[at] == hash && known.get(at) == key, hash))
                    })
                    .collect(),
            ),
            (Keys::Others(shape, known), keys) if Shape::of(keys).as_ref() == Some(shape) => {
                let mut key = vec![];
                (0..rows)
                    .map(|row| {
                        key.clear();
                        if !keys::put(keys, row, &mut key) {
                            return None;
                        }
                        let hash = self.hasher.hash_one(&key[..]);
                        let is_it = |at: usize| hashes[at] == hash && known.get(at) == &key[..];
                        Some(found(find(slots, is_it, hash)))
                    })
                    .collect()
            }
            (Keys::Ints(_) | Keys::Texts(_) | Keys::Others(..), _) => None,
        }
    }
}
