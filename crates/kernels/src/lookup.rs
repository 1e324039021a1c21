//! Tables that a function looks things up in: what Python has as a dict, a set, or a list.
//!
//! A key that is not in a table has no value here: the row is marked, since that is Python's `KeyError` to raise.

use crate::answer::{Answer, Mask, Refused};
use crate::column::{Column, Scalar};
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::rc::Rc;

/// A table: keys, and a value for each of them. Copies share it.
#[derive(Clone)]
pub struct Lookup(Rc<Table>);

struct Table {
    keys: Keys,
    values: Option<(Column, Mask)>,
}

/// The keys of a table, each with the row of its value.
pub struct Keys(Kind);

enum Kind {
    Ints(HashMap<i64, u32, FixedState>),
    Texts(HashMap<Box<[u8]>, u32, FixedState>),
    /// Tuples: whether each item is a `str`, else an `int`; and the items' bytes.
    Tuples(Vec<bool>, HashMap<Box<[u8]>, u32, FixedState>),
}

/// An item of a key that is a tuple.
pub enum Item {
    /// An `int`.
    Int(i64),
    /// The UTF-8 of a `str`.
    Text(Box<[u8]>),
}

impl Keys {
    /// Makes keys that are `int`; nothing stands for one that no batch can have.
    pub fn of_ints(keys: Vec<Option<i64>>) -> Keys {
        Keys(Kind::Ints(numbered(keys)))
    }

    /// Makes keys that are `str`, of their UTF-8; nothing stands for one that no batch can have.
    pub fn of_texts(keys: Vec<Option<Box<[u8]>>>) -> Keys {
        Keys(Kind::Texts(numbered(keys)))
    }
}

impl Keys {
    /// Makes keys that are tuples of items of the same types; nothing stands for one that no batch can have.
    pub fn of_tuples(are_texts: Vec<bool>, keys: Vec<Option<Vec<Item>>>) -> Keys {
        let bytes = |items: Vec<Item>| -> Box<[u8]> {
            let mut bytes = vec![];
            for item in items {
                match item {
                    Item::Int(value) => write_int(&mut bytes, value),
                    Item::Text(text) => write_text(&mut bytes, &text),
                }
            }
            bytes.into()
        };
        Keys(Kind::Tuples(are_texts, numbered(keys.into_iter().map(|key| key.map(bytes)).collect())))
    }
}

fn write_int(bytes: &mut Vec<u8>, value: i64) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

/// Writes a text behind its length, so that two tuples never have the same bytes.
fn write_text(bytes: &mut Vec<u8>, text: &[u8]) {
    write_int(bytes, text.len() as i64);
    bytes.extend_from_slice(text);
}

fn numbered<K: Eq + Hash>(keys: Vec<Option<K>>) -> HashMap<K, u32, FixedState> {
    keys.into_iter().zip(0..).filter_map(|(key, row)| Some((key?, row))).collect()
}

impl Lookup {
    /// Makes a table of keys, and of their values if there are such; values that are marked are not answered for.
    pub fn new(keys: Keys, values: Option<(Column, Mask)>) -> Lookup {
        let values = values.map(|(values, marked)| (values.shared(), marked));
        Lookup(Rc::new(Table { keys, values }))
    }

    /// Returns which values are keys.
    pub(crate) fn found(&self, keys: &Column, rows: usize) -> Answer<Column> {
        let places = self.places(keys, rows)?;
        Ok(Column::of_bools(places.iter().map(Option::is_some).collect()))
    }

    /// Returns the values of keys.
    pub(crate) fn values(&self, keys: &Column, mask: &mut Mask) -> Answer<Column> {
        let (values, marked) = self.0.values.as_ref().ok_or(Refused("an item of a table without values"))?;
        let places = self.places(keys, mask.rows())?;
        let answered = |place: &u32| !marked.has(*place as usize);
        // A marked row has some other row's value. Without any there is no column.
        let Some(other) = places.iter().flatten().copied().find(answered) else {
            mask.set_all();
            return Ok(Column::Const(Scalar::None));
        };
        let places = places.into_iter().enumerate();
        let at: Vec<u32> = places.map(|(row, place)| mask.or(row, place.filter(answered), other)).collect();
        Ok(values.gather(&at))
    }

    fn places(&self, keys: &Column, rows: usize) -> Answer<Vec<Option<u32>>> {
        match (&self.0.keys.0, keys.spread(rows)) {
            (Kind::Ints(known), Column::Int(keys)) => {
                Ok(keys.iter().map(|key| known.get(key).copied()).collect())
            }
            (Kind::Ints(known), Column::Bool(keys)) => {
                Ok(keys.iter().map(|key| known.get(&i64::from(*key)).copied()).collect())
            }
            (Kind::Texts(known), Column::Text(keys)) => {
                Ok((0..rows).map(|row| known.get(keys.bytes(row)).copied()).collect())
            }
            (Kind::Tuples(are_texts, known), Column::Tuple(parts)) if are_texts.len() == parts.len() => {
                let parts: Vec<Column> = parts.iter().map(whole_numbers).collect();
                let mut key = vec![];
                let place = |row: usize| {
                    key.clear();
                    for (part, is_text) in parts.iter().zip(are_texts) {
                        match (part, is_text) {
                            (Column::Int(values), false) => write_int(&mut key, values[row]),
                            (Column::Text(values), true) => write_text(&mut key, values.bytes(row)),
                            _ => return Err(Refused("a key of another type than the table's")),
                        }
                    }
                    Ok(known.get(&key[..]).copied())
                };
                (0..rows).map(place).collect()
            }
            (Kind::Ints(_) | Kind::Texts(_) | Kind::Tuples(..), _) => {
                Err(Refused("a key of another type than the table's"))
            }
        }
    }
}

/// Returns truth values as the numbers that they are equal to, and other columns as they are.
fn whole_numbers(column: &Column) -> Column {
    match column {
        Column::Bool(values) => Column::ints(values.iter().map(|value| i64::from(*value)).collect()),
        other => other.clone(),
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (keys, kind) = match &self.0.keys.0 {
            Kind::Ints(keys) => (keys.len(), "int"),
            Kind::Texts(keys) => (keys.len(), "str"),
            Kind::Tuples(_, keys) => (keys.len(), "tuple"),
        };
        write!(formatter, "Lookup({keys} keys of type {kind})")
    }
}
