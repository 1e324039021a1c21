//! A table of keys and merged values: the inner loop of `reduceByKey`.
//!
//! Keys are all `int` or all `str`, whose equality is that of their bits; entries stay in the order in which keys first
//! came, as in a dict.

use crate::column::{Column, Text};
use crate::merge::{Leaf, Merge};
use foldhash::fast::FixedState;
use std::hash::BuildHasher;
use std::ops::Range;
use std::rc::Rc;

/// Values merged by key.
pub struct Table {
    merge: Merge,
    keys: Keys,
    values: Vec<Values>,
    hashes: Vec<u64>,
    /// Positions of entries, one more than they are; 0 is a free slot. At most half are taken.
    slots: Vec<u32>,
    hasher: FixedState,
}

enum Keys {
    Undecided,
    Ints(Vec<i64>),
    Texts { data: Vec<u8>, spans: Vec<(u32, u32)> },
}

enum Values {
    Ints(Vec<i64>),
    Floats(Vec<f64>),
}

const LEAST_SLOTS: usize = 64;

impl Table {
    /// Makes an empty table.
    pub fn new(merge: Merge) -> Table {
        Table {
            merge,
            keys: Keys::Undecided,
            values: vec![],
            hashes: vec![],
            slots: vec![0; LEAST_SLOTS],
            hasher: FixedState::default(),
        }
    }

    /// Merges the pairs of some of the rows. Returns the row before which it has stopped: the end, or the first pair that it
    /// cannot take.
    pub fn add(&mut self, pairs: &Column, rows: usize, some: Range<usize>) -> usize {
        let Range { start: from, end: to } = some;
        if from == to {
            return to;
        }
        let Column::Tuple(parts) = pairs.spread(rows) else { return from };
        let [key, value] = &parts[..] else { return from };
        let Some(leaves) = self.merge.leaves(value, rows) else { return from };
        if self.values.is_empty() {
            self.values = leaves.iter().map(Values::like).collect();
        }
        if leaves.len() != self.values.len()
            || !leaves.iter().zip(&self.values).all(|(leaf, values)| values.takes(leaf))
        {
            return from;
        }
        match key {
            Column::Int(keys) => self.add_ints(keys, &leaves, from..to),
            Column::Text(keys) => self.add_texts(keys, &leaves, from..to),
            _ => from,
        }
    }

    fn add_ints(&mut self, keys: &[i64], leaves: &[Leaf], rows: Range<usize>) -> usize {
        if matches!(self.keys, Keys::Undecided) {
            self.keys = Keys::Ints(vec![]);
        }
        for row in rows.clone() {
            let key = &keys[row];
            let hash = self.hasher.hash_one(key);
            let Keys::Ints(known) = &mut self.keys else { return row };
            let taken = match find(&self.slots, &self.hashes, hash, |at| known[at] == *key) {
                Ok(at) => merge(&mut self.values, leaves, at, row),
                Err(slot) => {
                    known.push(*key);
                    self.insert(slot, hash, leaves, row)
                }
            };
            if !taken {
                return row;
            }
        }
        rows.end
    }

    fn add_texts(&mut self, keys: &Text, leaves: &[Leaf], rows: Range<usize>) -> usize {
        if matches!(self.keys, Keys::Undecided) {
            self.keys = Keys::Texts { data: vec![], spans: vec![] };
        }
        for row in rows.clone() {
            let key = keys.bytes(row);
            let hash = self.hasher.hash_one(key);
            let Keys::Texts { data, spans } = &mut self.keys else { return row };
            let is_it = |at: usize| {
                let (from, to) = spans[at];
                &data[from as usize..to as usize] == key
            };
            let taken = match find(&self.slots, &self.hashes, hash, is_it) {
                Ok(at) => merge(&mut self.values, leaves, at, row),
                Err(slot) => {
                    let end = data.len() + key.len();
                    if u32::try_from(end).is_err() {
                        return row;
                    }
                    spans.push((data.len() as u32, end as u32));
                    data.extend_from_slice(key);
                    self.insert(slot, hash, leaves, row)
                }
            };
            if !taken {
                return row;
            }
        }
        rows.end
    }

    /// Adds an entry whose key was added.
    fn insert(&mut self, slot: usize, hash: u64, leaves: &[Leaf], row: usize) -> bool {
        for (values, leaf) in self.values.iter_mut().zip(leaves) {
            match (values, leaf) {
                (Values::Ints(values), Leaf::Ints(_, new)) => values.push(new[row]),
                (Values::Floats(values), Leaf::Floats(_, new)) => values.push(new[row]),
                (Values::Ints(_), Leaf::Floats(..)) | (Values::Floats(_), Leaf::Ints(..)) => {}
            }
        }
        self.hashes.push(hash);
        self.slots[slot] = self.hashes.len() as u32;
        if self.hashes.len() * 2 > self.slots.len() {
            self.grow();
        }
        true
    }

    #[cold]
    fn grow(&mut self) {
        let mut slots = vec![0u32; self.slots.len() * 2];
        for (at, hash) in self.hashes.iter().enumerate() {
            let mut slot = *hash as usize & (slots.len() - 1);
            while slots[slot] != 0 {
                slot = (slot + 1) & (slots.len() - 1);
            }
            slots[slot] = at as u32 + 1;
        }
        self.slots = slots;
    }

    /// Returns the number of keys.
    pub fn keys(&self) -> usize {
        self.hashes.len()
    }

    /// Returns the number of bytes that the table holds.
    pub fn bytes(&self) -> usize {
        let keys = match &self.keys {
            Keys::Undecided => 0,
            Keys::Ints(keys) => keys.len() * 8,
            Keys::Texts { data, spans } => data.len() + spans.len() * 8,
        };
        keys + self.hashes.len() * 8 * (1 + self.values.len()) + self.slots.len() * 4
    }

    /// Takes all pairs out, and leaves an empty table.
    pub fn take(&mut self) -> (Column, usize) {
        let emptied = Table::new(self.merge.clone());
        let full = std::mem::replace(self, emptied);
        let rows = full.hashes.len();
        let keys = match full.keys {
            Keys::Undecided => return (Column::Tuple(vec![]), 0),
            Keys::Ints(keys) => Column::Int(Rc::new(keys)),
            Keys::Texts { data, spans } => Column::Text(Text::new(data, spans)),
        };
        let mut numbers = full.values.into_iter().map(|values| match values {
            Values::Ints(values) => Column::ints(values),
            Values::Floats(values) => Column::floats(values),
        });
        (Column::Tuple(vec![keys, full.merge.shaped(&mut numbers)]), rows)
    }
}

impl Values {
    fn like(leaf: &Leaf) -> Values {
        match leaf {
            Leaf::Ints(..) => Values::Ints(vec![]),
            Leaf::Floats(..) => Values::Floats(vec![]),
        }
    }

    fn takes(&self, leaf: &Leaf) -> bool {
        matches!((self, leaf), (Values::Ints(_), Leaf::Ints(..)) | (Values::Floats(_), Leaf::Floats(..)))
    }
}

/// Returns the entry of a key, or the free slot for it.
#[inline(always)]
fn find(slots: &[u32], hashes: &[u64], hash: u64, is_it: impl Fn(usize) -> bool) -> Result<usize, usize> {
    let mut slot = hash as usize & (slots.len() - 1);
    loop {
        let Some(at) = slots[slot].checked_sub(1) else { return Err(slot) };
        if hashes[at as usize] == hash && is_it(at as usize) {
            return Ok(at as usize);
        }
        slot = (slot + 1) & (slots.len() - 1);
    }
}

/// Merges a row into an entry, as a whole or not at all.
#[inline(always)]
fn merge(values: &mut [Values], leaves: &[Leaf], at: usize, row: usize) -> bool {
    if let ([Values::Ints(values)], [Leaf::Ints(merge, new)]) = (&mut *values, leaves) {
        let merged = merge(values[at], new[row]);
        values[at] = merged.unwrap_or(values[at]);
        return merged.is_some();
    }
    let overflows = values.iter().zip(leaves).any(|(values, leaf)| match (values, leaf) {
        (Values::Ints(values), Leaf::Ints(merge, new)) => merge(values[at], new[row]).is_none(),
        _ => false,
    });
    if overflows {
        return false;
    }
    for (values, leaf) in values.iter_mut().zip(leaves) {
        match (values, leaf) {
            (Values::Ints(values), Leaf::Ints(merge, new)) => {
                values[at] = merge(values[at], new[row]).unwrap_or(values[at]);
            }
            (Values::Floats(values), Leaf::Floats(merge, new)) => values[at] = merge(values[at], new[row]),
            (Values::Ints(_), Leaf::Floats(..)) | (Values::Floats(_), Leaf::Ints(..)) => {}
        }
    }
    true
}
