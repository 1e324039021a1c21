//! A table's keys one at a time: those of other types than the columns', and those whose values are.

use super::{Keys, Strings, Table, Values, find, of_int};
use crate::column::Column;
use crate::keys::{self, Shape};
use crate::single::Single;
use std::hash::BuildHasher;

/// Where a key is, or would be.
enum Place {
    At(usize),
    /// In the slot, by a hash, as bytes of the type of the table's keys.
    Free(usize, u64, Vec<u8>),
    /// Beside the others: it is equal to no key of their type.
    Stranger(Box<[u8]>),
}

impl Table {
    /// Takes keys to be like these, if none has come yet.
    pub fn expect(&mut self, keys: &Column) {
        if matches!(self.keys, Keys::Undecided)
            && let Some(key) = Single::of(keys, 0)
        {
            self.keys = Keys::for_keys_like(&key);
        }
    }

    /// Merges a value into a key's, or adds the combination of a new key. Returns `false`, and changes nothing, if it cannot.
    pub fn add_single(&mut self, key: &Single, first: Single, more: &Single) -> bool {
        match self.place(key) {
            None => false,
            Some(Place::At(at)) => {
                let Some(mut known) = self.odd.take_value(at).or_else(|| self.value(at)) else {
                    return false;
                };
                let is_merged = known.merge(&self.merge, more);
                self.set(at, known) && is_merged
            }
            Some(place) => self.insert_single(place, key, first),
        }
    }

    /// Returns a key's value; `None` in place of it for a new key, and nothing if it cannot be a key here.
    pub fn known(&mut self, key: &Single) -> Option<Option<Single>> {
        match self.place(key)? {
            Place::At(at) => self.value(at).map(Some),
            Place::Free(..) | Place::Stranger(_) => Some(None),
        }
    }

    /// Sets a key's value. Returns `false`, and changes nothing, if it cannot.
    pub fn put(&mut self, key: &Single, value: Single) -> bool {
        match self.place(key) {
            None => false,
            Some(Place::At(at)) => self.set(at, value),
            Some(place) => self.insert_single(place, key, value),
        }
    }

    /// Returns where a key is; `None` if it cannot be one.
    fn place(&mut self, key: &Single) -> Option<Place> {
        if self.noted.is_some() || self.values.iter().flatten().any(Values::are_arrays) {
            return None;
        }
        if matches!(self.keys, Keys::Undecided) {
            self.keys = Keys::for_keys_like(key);
        }
        let mut bytes = vec![];
        let (is_here, is_int) = match (&self.keys, key) {
            (Keys::Undecided, _) => return None,
            (Keys::Ints(_), key) => (Shape::Int.put(key, &mut bytes), true),
            (Keys::Texts(_), Single::Text(text)) => {
                bytes.extend_from_slice(text.as_bytes());
                (true, false)
            }
            (Keys::Texts(_), _) => (false, false),
            (Keys::Others(shape, _), key) => (shape.put(key, &mut bytes), false),
        };
        if !is_here {
            bytes.clear();
            return key.put(&mut bytes).then(|| match self.odd.stranger(&bytes) {
                Some(at) => Place::At(at),
                None => Place::Stranger(bytes.into()),
            });
        }
        let int = bytes.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes));
        let hash = if is_int { of_int(int) } else { self.hasher.hash_one(&bytes[..]) };
        let found = match &self.keys {
            Keys::Undecided => return None,
            Keys::Ints(known) => find(&self.slots, |at| known[at] == int, hash),
            Keys::Texts(known) | Keys::Others(_, known) => {
                find(&self.slots, |at| self.hashes[at] == hash && known.get(at) == &bytes[..], hash)
            }
        };
        Some(match found {
            Ok(at) => Place::At(at),
            Err(slot) => Place::Free(slot, hash, bytes),
        })
    }

    /// Returns the value of an entry.
    fn value(&self, at: usize) -> Option<Single> {
        if let Some(value) = self.odd.value(at) {
            return Some(value.clone());
        }
        let numbers = self.values.iter().flatten().map(|values| match values {
            Values::Ints(values) => Some(Single::Int(values[at].into())),
            Values::Floats(values) => Some(Single::Float(values[at])),
            Values::Arrays(_) => None,
        });
        self.merge.shaped_single(&mut numbers.collect::<Option<Vec<_>>>()?.into_iter())
    }

    /// Sets the value of an entry, in the columns if it is of their types.
    fn set(&mut self, at: usize, value: Single) -> bool {
        let mut numbers = vec![];
        let are_columns = self.merge.numbers_of(&value, &mut numbers) && self.fit(&numbers);
        if are_columns {
            for (values, number) in self.values.iter_mut().flatten().zip(numbers) {
                match (values, number) {
                    (Values::Ints(values), Single::Int(number)) => values[at] = *number as i64,
                    (Values::Floats(values), Single::Float(number)) => values[at] = *number,
                    (Values::Ints(_) | Values::Floats(_) | Values::Arrays(_), _) => {}
                }
            }
        }
        self.odd.set_value(at, (!are_columns).then_some(value));
        true
    }

    /// Returns whether numbers are of the types of the columns.
    fn fit(&self, numbers: &[&Single]) -> bool {
        let Some(values) = &self.values else { return false };
        values.len() == numbers.len()
            && values.iter().zip(numbers).all(|(values, number)| match (values, number) {
                (Values::Ints(_), Single::Int(value)) => i64::try_from(*value).is_ok(),
                (Values::Floats(_), Single::Float(_)) => true,
                (Values::Ints(_) | Values::Floats(_) | Values::Arrays(_), _) => false,
            })
    }

    /// Adds an entry.
    fn insert_single(&mut self, place: Place, key: &Single, value: Single) -> bool {
        let at = self.hashes.len();
        let bytes = match &place {
            Place::Free(_, _, bytes) => &bytes[..],
            Place::At(_) | Place::Stranger(_) => &[],
        };
        let (fits, is_plain) = match &mut self.keys {
            Keys::Undecided => (false, false),
            Keys::Ints(known) => {
                known.push(bytes.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes)));
                (true, keys::is_plain(&Shape::Int, key))
            }
            Keys::Texts(known) => (known.push(bytes), true),
            Keys::Others(shape, known) => {
                let blank = if bytes.is_empty() { shape.blank() } else { vec![] };
                (known.push(if bytes.is_empty() { &blank } else { bytes }), keys::is_plain(shape, key))
            }
        };
        if !fits {
            return false;
        }
        for values in self.values.iter_mut().flatten() {
            match values {
                Values::Ints(values) => values.push(0),
                Values::Floats(values) => values.push(0.0),
                Values::Arrays(values) => values.push(&[]),
            }
        }
        match place {
            Place::At(_) => {}
            Place::Free(slot, hash, _) => self.take_slot(slot, hash),
            Place::Stranger(bytes) => {
                self.hashes.push(0);
                self.odd.add_stranger(bytes, at, key.clone());
            }
        }
        if !is_plain {
            self.odd.set_key(at, key.clone());
        }
        self.set(at, value)
    }
}

impl Keys {
    /// Returns keys of which none has come yet, of the type of this one.
    fn for_keys_like(key: &Single) -> Keys {
        match key.shape() {
            Some(Shape::Text) => Keys::Texts(Strings::default()),
            Some(Shape::Int) | None => Keys::Ints(vec![]),
            Some(shape) => Keys::Others(shape, Strings::default()),
        }
    }
}
