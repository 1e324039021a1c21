//! A table of keys and merged values: the inner loop of `reduceByKey`.
//!
//! Most keys are of one type, whose equality is that of their bytes, and most values of one type, too: these are columns. What
//! is not like them stands beside them ([`crate::odd`]). Entries stay in the order in which keys first came, as in a dict.

use crate::column::{Column, Text};
use crate::keys::{self, Shape};
use crate::merge::{Leaf, Merge};
use crate::numpy::{Arrays, ArraysMade, Numpy};
use crate::odd::{Odd, OddEntry};
use crate::single::Single;
use foldhash::fast::FixedState;
use std::hash::BuildHasher;
use std::ops::Range;
use std::rc::Rc;

mod finding;
mod singles;

/// Values merged by key.
pub struct Table {
    merge: Merge,
    keys: Keys,
    /// One for each number of a value; `None` until the first ones have come.
    values: Option<Vec<Values>>,
    /// Keys and values of other types.
    odd: Odd,
    hashes: Vec<u64>,
    /// Positions of entries, one more than they are; 0 is a free slot. At most half are taken.
    slots: Vec<u32>,
    /// The entry of each row that was added, if that is wanted.
    noted: Option<Vec<u32>>,
    hasher: FixedState,
}

#[derive(Clone)]
enum Keys {
    Undecided,
    Ints(Vec<i64>),
    Texts(Strings),
    /// Of any other type, as bytes.
    Others(Shape, Strings),
}

/// Strings of bytes, one behind the other.
#[derive(Clone, Default)]
struct Strings {
    data: Vec<u8>,
    spans: Vec<(u32, u32)>,
}

impl Strings {
    fn get(&self, at: usize) -> &[u8] {
        let (from, to) = self.spans[at];
        &self.data[from as usize..to as usize]
    }

    /// Adds a string; returns `false`, and adds nothing, if there is no room.
    fn push(&mut self, string: &[u8]) -> bool {
        let (from, to) = (self.data.len(), self.data.len() + string.len());
        let fits = u32::try_from(to).is_ok();
        if fits {
            self.spans.push((from as u32, to as u32));
            self.data.extend_from_slice(string);
        }
        fits
    }
}

enum Values {
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Arrays(ArraysMade),
}

/// The numbers that a table takes of each row: the combination of a new key, and those merged into one that is there.
struct Leaves {
    first: Vec<Leaf>,
    more: Vec<Leaf>,
}

const LEAST_SLOTS: usize = 64;

impl Table {
    /// Makes an empty table.
    pub fn new(merge: Merge) -> Table {
        Table {
            merge,
            keys: Keys::Undecided,
            values: None,
            odd: Odd::default(),
            hashes: vec![],
            slots: vec![0; LEAST_SLOTS],
            noted: None,
            hasher: FixedState::default(),
        }
    }

    /// Merges the pairs of some of the rows. Returns the row before which it has stopped: the end, or the first pair that it
    /// cannot take.
    pub fn add(&mut self, pairs: &Column, rows: usize, some: Range<usize>) -> usize {
        let pairs = pairs.spread(rows);
        let Some((key, value)) = pairs.pair() else { return some.start };
        self.combine(key, value, value, rows, some)
    }

    /// Combines the values of some of the rows by their keys, as `combineByKey` does: where a key is new, its combination is
    /// that of the row in `first`; else that in `more` is merged into it. Returns the same as [`Table::add`].
    pub fn combine(
        &mut self,
        keys: &Column,
        first: &Column,
        more: &Column,
        rows: usize,
        some: Range<usize>,
    ) -> usize {
        let (keys, first, more) = (&keys.spread(rows), &first.spread(rows), &more.spread(rows));
        let Range { start: mut from, end: to } = some;
        let leaves = self.merge.leaves(first, rows).zip(self.merge.leaves(more, rows));
        let leaves = leaves.map(|(first, more)| Leaves { first, more }).filter(|leaves| self.takes(leaves));
        while from < to {
            if let Some(leaves) = &leaves {
                from = self.merge_leaves(keys, leaves, from..to);
            }
            if from == to {
                break;
            }
            // One row that is not as the others, and on.
            let singles = (Single::of(keys, from), Single::of(first, from), Single::of(more, from));
            let (Some(key), Some(first), Some(more)) = singles else { break };
            if !self.add_single(&key, first, &more) {
                break;
            }
            from += 1;
        }
        from
    }

    /// Returns whether a row's numbers are of the types of those that are here. The first say which types these are.
    fn takes(&mut self, leaves: &Leaves) -> bool {
        let entries = self.hashes.len();
        let fits = |leaves: &[Leaf], values: &[Values]| {
            leaves.len() == values.len()
                && are_distinct(leaves)
                && leaves.iter().zip(values).all(|(leaf, values)| values.takes(leaf))
        };
        match &self.values {
            Some(values) => fits(&leaves.first, values) && fits(&leaves.more, values),
            None => {
                let values: Vec<_> = leaves.first.iter().map(|leaf| Values::like(leaf, entries)).collect();
                let fits = fits(&leaves.first, &values) && fits(&leaves.more, &values);
                // Beside arrays there is nothing else.
                let fits = fits && (entries == 0 || !values.iter().any(Values::are_arrays));
                self.values = fits.then_some(values);
                fits
            }
        }
    }

    fn merge_leaves(&mut self, keys: &Column, leaves: &Leaves, some: Range<usize>) -> usize {
        match keys {
            Column::Int(keys) => self.add_ints(keys, leaves, some),
            Column::Text(keys) => self.add_texts(keys, leaves, some),
            others => self.add_others(others, leaves, some),
        }
    }

    fn add_ints(&mut self, keys: &[i64], leaves: &Leaves, rows: Range<usize>) -> usize {
        if matches!(self.keys, Keys::Undecided) {
            self.keys = Keys::Ints(vec![]);
        }
        let Keys::Ints(known) = &mut self.keys else { return rows.start };
        // Taken out, so that entries can be added while it is looked at.
        let mut known = std::mem::take(known);
        let end = rows.end;
        let mut takes = |row: usize| {
            let key = keys[row];
            let hash = of_int(key);
            match find(&self.slots, |at| known[at] == key, hash) {
                Ok(at) => self.merge_row(&leaves.more, at, row),
                Err(slot) => {
                    known.push(key);
                    self.insert(slot, hash, &leaves.first, row)
                }
            }
        };
        let mut rows = rows;
        let stopped = rows.find(|row| !takes(*row)).unwrap_or(end);
        self.keys = Keys::Ints(known);
        stopped
    }

    fn add_texts(&mut self, keys: &Text, leaves: &Leaves, mut rows: Range<usize>) -> usize {
        if matches!(self.keys, Keys::Undecided) {
            self.keys = Keys::Texts(Strings::default());
        }
        if !matches!(self.keys, Keys::Texts(_)) {
            return rows.start;
        }
        let end = rows.end;
        rows.find(|row| !self.add_bytes(keys.bytes(*row), leaves, *row)).unwrap_or(end)
    }

    fn add_others(&mut self, keys: &Column, leaves: &Leaves, mut rows: Range<usize>) -> usize {
        let Some(shape) = Shape::of(keys) else { return rows.start };
        if matches!(self.keys, Keys::Undecided) {
            self.keys = Keys::Others(shape.clone(), Strings::default());
        }
        if !matches!(&self.keys, Keys::Others(known, _) if *known == shape) {
            return rows.start;
        }
        let (end, mut key) = (rows.end, vec![]);
        let stops = |row: &usize| {
            key.clear();
            !keys::put(keys, *row, &mut key) || !self.add_bytes(&key, leaves, *row)
        };
        rows.find(stops).unwrap_or(end)
    }

    /// Adds a row whose key is a string of bytes. Returns `false`, and changes nothing, if it cannot be taken.
    #[inline(always)]
    fn add_bytes(&mut self, key: &[u8], leaves: &Leaves, row: usize) -> bool {
        let hash = self.hasher.hash_one(key);
        let (Keys::Texts(known) | Keys::Others(_, known)) = &mut self.keys else { return false };
        match find(&self.slots, |at| self.hashes[at] == hash && known.get(at) == key, hash) {
            Ok(at) => self.merge_row(&leaves.more, at, row),
            Err(slot) => known.push(key) && self.insert(slot, hash, &leaves.first, row),
        }
    }

    /// Merges a row into an entry, as a whole or not at all.
    #[inline(always)]
    fn merge_row(&mut self, leaves: &[Leaf], at: usize, row: usize) -> bool {
        let values = self.values.as_deref_mut().unwrap_or_default();
        note(&mut self.noted, at);
        match self.odd.value_mut(at) {
            None => merge(values, leaves, at, row),
            Some(known) => merge_odd(&self.merge, known, leaves, row),
        }
    }

    /// Adds an entry whose key was added.
    fn insert(&mut self, slot: usize, hash: u64, leaves: &[Leaf], row: usize) -> bool {
        for (values, leaf) in self.values.iter_mut().flatten().zip(leaves) {
            match (values, leaf) {
                (Values::Ints(values), Leaf::Ints(_, new)) => values.push(new[row]),
                (Values::Floats(values), Leaf::Floats(_, new)) => values.push(new[row]),
                (Values::Arrays(values), Leaf::Arrays(_, new)) => values.push(new.get(row)),
                // Of other types none was taken.
                (Values::Ints(_) | Values::Floats(_) | Values::Arrays(_), _) => {}
            }
        }
        note(&mut self.noted, self.hashes.len());
        self.take_slot(slot, hash);
        true
    }

    /// Adds the place of an entry.
    #[inline(always)]
    fn take_slot(&mut self, slot: usize, hash: u64) {
        self.hashes.push(hash);
        self.slots[slot] = self.hashes.len() as u32;
        if self.hashes.len() * 2 > self.slots.len() {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let mut slots = vec![0u32; self.slots.len() * 2];
        for (at, hash) in self.hashes.iter().enumerate().filter(|(at, _)| !self.odd.is_stranger(*at)) {
            let mut slot = first_slot(*hash, slots.len());
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

    /// Returns the number of bytes that the table holds, also those for entries that are still to come.
    pub fn bytes(&self) -> usize {
        let keys = match &self.keys {
            Keys::Undecided => 0,
            Keys::Ints(keys) => keys.capacity() * 8,
            Keys::Texts(known) | Keys::Others(_, known) => known.data.capacity() + known.spans.capacity() * 8,
        };
        let values = self.values.iter().flatten().map(|values| match values {
            Values::Ints(values) => values.capacity() * 8,
            Values::Floats(values) => values.capacity() * 8,
            Values::Arrays(values) => values.bytes(),
        });
        let noted = self.noted.as_ref().map_or(0, Vec::capacity) * 4;
        noted
            + keys
            + self.odd.bytes()
            + values.sum::<usize>()
            + self.hashes.capacity() * 8
            + self.slots.capacity() * 4
    }

    /// Takes all pairs out, and leaves an empty table. What is odd about entries is asked before ([`Table::take_odd`]): their rows mean
    /// nothing where it is.
    pub fn take(&mut self) -> (Column, usize) {
        let emptied = Table::new(self.merge.clone());
        let full = std::mem::replace(self, emptied);
        let rows = full.hashes.len();
        let Some(keys) = full.keys.column() else { return (Column::Tuple(vec![]), 0) };
        let mut numbers = full.values.into_iter().flatten().map(|values| match values {
            Values::Ints(values) => Column::ints(values),
            Values::Floats(values) => Column::floats(values),
            Values::Arrays(values) => Column::Numpy(Numpy::Arrays(values.build())),
        });
        (Column::Tuple(vec![keys, full.merge.shaped(&mut numbers)]), rows)
    }

    /// Takes what is odd about entries out, in their order.
    pub fn take_odd(&mut self) -> Vec<OddEntry> {
        std::mem::take(&mut self.odd).into_entries()
    }
}

impl Keys {
    fn column(self) -> Option<Column> {
        Some(match self {
            Keys::Undecided => return None,
            Keys::Ints(keys) => Column::Int(Rc::new(keys)),
            Keys::Texts(known) => Column::Text(Text::new(known.data, known.spans)),
            Keys::Others(shape, known) => shape.column((0..known.spans.len()).map(|at| known.get(at))),
        })
    }
}

/// Hashes a whole number by Fibonacci's method (Knuth, The Art of Computer Programming 3, 6.4): numbers that follow each other, or lie
/// equally far apart, as they do behind a shuffle by key, come to slots of their own.
#[inline(always)]
fn of_int(key: i64) -> u64 {
    (key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Returns the slot at which the search for a hash begins, by the hash's highest bits.
#[inline(always)]
fn first_slot(hash: u64, slots: usize) -> usize {
    (hash >> (u64::BITS - slots.trailing_zeros())) as usize
}

/// Notes the entry of a row.
#[inline(always)]
fn note(noted: &mut Option<Vec<u32>>, at: usize) {
    if let Some(noted) = noted {
        noted.push(at as u32);
    }
}

impl Values {
    /// Makes values such as these, for so many entries that have none of them.
    fn like(leaf: &Leaf, entries: usize) -> Values {
        match leaf {
            Leaf::Ints(..) => Values::Ints(vec![0; entries]),
            Leaf::Floats(..) => Values::Floats(vec![0.0; entries]),
            Leaf::Arrays(..) => Values::Arrays(ArraysMade::default()),
        }
    }

    fn are_arrays(&self) -> bool {
        match self {
            Values::Arrays(_) => true,
            Values::Ints(_) | Values::Floats(_) => false,
        }
    }

    fn takes(&self, leaf: &Leaf) -> bool {
        match (self, leaf) {
            (Values::Ints(_), Leaf::Ints(..)) | (Values::Floats(_), Leaf::Floats(..)) => true,
            (Values::Arrays(values), Leaf::Arrays(_, new)) => values.has_room_for(new),
            (Values::Ints(_) | Values::Floats(_) | Values::Arrays(_), _) => false,
        }
    }
}

/// Returns whether no two numbers of a row may be one array, and none is that of a table: Python would have one object.
fn are_distinct(leaves: &[Leaf]) -> bool {
    let arrays: Vec<&Arrays> = leaves
        .iter()
        .filter_map(|leaf| match leaf {
            Leaf::Arrays(_, arrays) => Some(arrays),
            Leaf::Ints(..) | Leaf::Floats(..) => None,
        })
        .collect();
    arrays.len() < 2 && arrays.iter().all(|arrays| !arrays.are_shared())
}

/// Returns the entry of a key, or the free slot for it.
#[inline(always)]
fn find(slots: &[u32], is_it: impl Fn(usize) -> bool, hash: u64) -> Result<usize, usize> {
    let mut slot = first_slot(hash, slots.len());
    loop {
        let Some(at) = slots[slot].checked_sub(1) else { return Err(slot) };
        if is_it(at as usize) {
            return Ok(at as usize);
        }
        slot = (slot + 1) & (slots.len() - 1);
    }
}

/// Merges a row into a value that is in no column.
fn merge_odd(rule: &Merge, known: &mut Single, leaves: &[Leaf], row: usize) -> bool {
    let mut numbers = leaves.iter().map_while(|leaf| match leaf {
        Leaf::Ints(_, values) => Some(Single::Int(values[row].into())),
        Leaf::Floats(_, values) => Some(Single::Float(values[row])),
        Leaf::Arrays(..) => None,
    });
    rule.shaped_single(&mut numbers).is_some_and(|value| known.merge(rule, &value))
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
        (Values::Arrays(values), Leaf::Arrays(merge, new)) => !values.can_merge(at, *merge, new.get(row)),
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
            (Values::Arrays(values), Leaf::Arrays(merge, new)) => values.merge(at, *merge, new.get(row)),
            (Values::Ints(_) | Values::Floats(_) | Values::Arrays(_), _) => {}
        }
    }
    true
}
