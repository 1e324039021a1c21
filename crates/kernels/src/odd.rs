//! [`Odd`]: what of a table's entries is of other types than its columns.
//!
//! An entry has a place in the columns in any case, so that its number says when its key came. What stands here is its key,
//! if that is equal to one of the columns' type but another object (`1.0` among whole numbers) or equal to none of them
//! (`None`); and its value, if that does not fit. Few entries are odd, so each takes what it takes.

use crate::single::Single;
use std::collections::BTreeMap;

/// About the bytes that the map of strangers takes for one, beside its key.
const STRANGER: usize = 48;

/// The odd entries of a table.
#[derive(Default)]
pub(crate) struct Odd {
    /// The place of each entry in `entries`, plus one; 0 of others, and of all behind the end.
    places: Vec<u32>,
    entries: Vec<OddEntry>,
    /// Keys that are equal to none of the columns' type, as bytes, and their entries.
    strangers: BTreeMap<Box<[u8]>, usize>,
    bytes: usize,
}

/// The odd part of an entry of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct OddEntry {
    /// The entry's row.
    pub row: usize,
    /// Its key, if that is not the one of its row.
    pub key: Option<Single>,
    /// Its value, if that is not the one of its row.
    pub value: Option<Single>,
    is_stranger: bool,
}

impl Odd {
    #[inline(always)]
    fn get(&self, at: usize) -> Option<&OddEntry> {
        let place = self.places.get(at)?.checked_sub(1)?;
        self.entries.get(place as usize)
    }

    /// Returns an entry's value, if it is here, to be merged with numbers.
    #[inline(always)]
    pub(crate) fn value_mut(&mut self, at: usize) -> Option<&mut Single> {
        let place = self.places.get(at)?.checked_sub(1)?;
        self.entries.get_mut(place as usize)?.value.as_mut()
    }

    /// Returns an entry's value, if it is here.
    #[inline(always)]
    pub(crate) fn value(&self, at: usize) -> Option<&Single> {
        self.get(at)?.value.as_ref()
    }

    /// Takes an entry's value out, if it is here, to set another one.
    pub(crate) fn take_value(&mut self, at: usize) -> Option<Single> {
        self.value(at)?;
        let taken = self.entry(at).value.take()?;
        self.bytes -= taken.bytes();
        Some(taken)
    }

    /// Returns whether an entry's key is equal to none of the columns' type.
    pub(crate) fn is_stranger(&self, at: usize) -> bool {
        self.get(at).is_some_and(|entry| entry.is_stranger)
    }

    /// Returns the entry of a key that is equal to none of the columns' type.
    pub(crate) fn stranger(&self, key: &[u8]) -> Option<usize> {
        self.strangers.get(key).copied()
    }

    /// Adds a key that is equal to none of the columns' type.
    pub(crate) fn add_stranger(&mut self, bytes: Box<[u8]>, at: usize, key: Single) {
        self.bytes += bytes.len() + STRANGER;
        self.strangers.insert(bytes, at);
        self.set_key(at, key);
        self.entry(at).is_stranger = true;
    }

    /// Sets the key of an entry.
    pub(crate) fn set_key(&mut self, at: usize, key: Single) {
        self.bytes += key.bytes();
        self.entry(at).key = Some(key);
    }

    /// Sets the value of an entry, or says that it is in the columns.
    pub(crate) fn set_value(&mut self, at: usize, value: Option<Single>) {
        if value.is_none() && self.value(at).is_none() {
            return;
        }
        let new = value.as_ref().map_or(0, Single::bytes);
        let entry = self.entry(at);
        let old = entry.value.as_ref().map_or(0, Single::bytes);
        entry.value = value;
        self.bytes = self.bytes + new - old;
    }

    fn entry(&mut self, at: usize) -> &mut OddEntry {
        if self.places.len() <= at {
            self.places.resize(at + 1, 0);
        }
        if self.places[at] == 0 {
            self.entries.push(OddEntry { row: at, key: None, value: None, is_stranger: false });
            self.places[at] = self.entries.len() as u32;
        }
        &mut self.entries[self.places[at] as usize - 1]
    }

    /// Returns about how many bytes all takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
            + self.places.capacity() * size_of::<u32>()
            + self.entries.capacity() * size_of::<OddEntry>()
    }

    /// Returns what is odd, by rows.
    pub(crate) fn into_entries(self) -> Vec<OddEntry> {
        let is_odd = |entry: &OddEntry| entry.key.is_some() || entry.value.is_some();
        let mut entries: Vec<OddEntry> = self.entries.into_iter().filter(is_odd).collect();
        entries.sort_by_key(|entry| entry.row);
        entries
    }
}
