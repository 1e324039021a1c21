//! Values put together by key: `groupByKey`, and joins of pairs with them.

use crate::answer::Mask;
use crate::column::{Column, Scalar};
use crate::joining::joined;
use crate::numpy::Numpy;
use crate::steps::mark_nan;
use crate::table::Table;
use std::ops::Range;

/// Pairs, of which those of a key will be put together.
pub struct Groups {
    table: Table,
    values: Vec<(Column, usize)>,
    bytes: usize,
}

/// The values of each key, together.
pub struct Grouped {
    table: Table,
    keys: Column,
    /// Those of a key stand behind each other, in the order in which they came.
    values: Column,
    /// Where each key's values begin, and where the last's end.
    starts: Vec<u32>,
}

/// Which side of a join has been grouped, and which pairs are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// `(key, (value, grouped))`.
    Inner,
    /// The same, and `(key, (value, None))` without a partner.
    LeftOuter,
    /// `(key, (grouped, value))`, and `(key, (None, value))` without a partner.
    RightOuter,
    /// `(key, value)` without a partner.
    Subtract,
}

/// The most results of a batch that is joined: a key with many values has many for each row.
const RESULTS_AT_MOST: usize = 1 << 18;

impl Default for Groups {
    fn default() -> Groups {
        Groups { table: Table::noting(), values: vec![], bytes: 0 }
    }
}

impl Groups {
    /// Adds the pairs of some of the rows. Returns the row before which it has stopped: the end, or the first pair that it
    /// cannot take.
    pub fn add(&mut self, pairs: &Column, rows: usize, some: Range<usize>) -> usize {
        let Column::Tuple(parts) = pairs.spread(rows) else { return some.start };
        let [key, value] = &parts[..] else { return some.start };
        let fits = self.values.last().is_none_or(|(last, _)| last.is_like(value));
        // Their texts and rows must have room in one column.
        let full = u32::try_from(self.bytes + value.bytes(rows) + some.len()).is_err();
        if !fits || full || has_nan(value, rows) {
            return some.start;
        }
        let nothing = Column::Tuple(vec![]);
        let to = self.table.combine(key, &nothing, &nothing, rows, some.clone());
        if to > some.start {
            let count = to - some.start;
            let value = if count == rows { value.clone() } else { value.slice(some.start..to) };
            self.bytes += value.bytes(count);
            self.values.push((value, count));
        }
        to
    }

    /// Returns the number of keys.
    pub fn keys(&self) -> usize {
        self.table.keys()
    }

    /// Returns the number of bytes that are held, or will be when the values are put together.
    pub fn bytes(&self) -> usize {
        self.table.bytes() + 2 * self.bytes
    }

    /// Puts the values of each key together; `None` if they are too many for a column.
    pub fn build(self) -> Option<Grouped> {
        let Groups { table, values, .. } = self;
        let all = if values.is_empty() { Column::Tuple(vec![]) } else { joined(&values)? };
        drop(values);
        let mut starts = vec![0_u32; table.keys() + 1];
        table.noted().iter().for_each(|entry| starts[*entry as usize + 1] += 1);
        for entry in 1..starts.len() {
            starts[entry] += starts[entry - 1];
        }
        let (mut next, mut at) = (starts.clone(), vec![0_u32; table.noted().len()]);
        for (row, entry) in table.noted().iter().enumerate() {
            let place = &mut next[*entry as usize];
            at[*place as usize] = row as u32;
            *place += 1;
        }
        let keys = table.keys_column().unwrap_or(Column::Tuple(vec![]));
        Some(Grouped { keys, values: all.gather(&at), starts, table })
    }
}

impl Grouped {
    /// Returns the number of keys.
    pub fn keys(&self) -> usize {
        self.table.keys()
    }

    /// Returns where the values of a key begin and end.
    pub fn span(&self, key: usize) -> Range<usize> {
        self.starts[key] as usize..self.starts[key + 1] as usize
    }

    /// Returns the key with most values, and how many these and all values are; `None` of none.
    pub fn largest(&self) -> Option<(Column, usize, usize)> {
        let key = (0..self.keys()).max_by_key(|key| self.span(*key).len())?;
        Some((self.keys.gather(&[key as u32]), self.span(key).len(), self.table.noted().len()))
    }

    /// Returns some keys, and all their values.
    pub fn some(&self, keys: Range<usize>) -> (Column, Column) {
        let of_values = self.starts[keys.start] as usize..self.starts[keys.end] as usize;
        (self.keys.slice(keys), self.values.slice(of_values))
    }

    /// Joins pairs with the values of their keys. Returns the results and their number; `None` where these cannot be in a
    /// column, or are very many.
    pub fn join(&self, pairs: &Column, rows: usize, how: Joined) -> Option<(Column, usize)> {
        let Column::Tuple(parts) = pairs.spread(rows) else { return None };
        let [key, value] = &parts[..] else { return None };
        let found = self.table.find_all(key, rows)?;
        if how == Joined::Subtract {
            let left: Vec<u32> = (0..rows as u32).filter(|row| found[*row as usize].is_none()).collect();
            return Some((pairs.spread(rows).gather(&left), left.len()));
        }
        // All results of a pair have the same list.
        if value.lists() > 0 || self.values.lists() > 0 {
            return None;
        }
        let without = found.iter().filter(|entry| entry.is_none()).count();
        if how != Joined::Inner && without > 0 {
            let none = Column::Const(Scalar::None);
            let both =
                if how == Joined::RightOuter { vec![none, value.clone()] } else { vec![value.clone(), none] };
            return (without == rows).then(|| (Column::Tuple(vec![key.clone(), Column::Tuple(both)]), rows));
        }
        let spans = found.iter().map(|entry| entry.map_or(0..0, |entry| self.span(entry as usize)));
        if spans.clone().map(|span| span.len()).sum::<usize>() > RESULTS_AT_MOST {
            return None;
        }
        let (mut mine, mut theirs) = (vec![], vec![]);
        for (row, span) in spans.enumerate() {
            mine.extend(span.clone().map(|_| row as u32));
            theirs.extend(span.map(|place| place as u32));
        }
        let (value, other) = (value.gather(&mine), self.values.gather(&theirs));
        let both = if how == Joined::RightOuter { vec![other, value] } else { vec![value, other] };
        Some((Column::Tuple(vec![key.gather(&mine), Column::Tuple(both)]), mine.len()))
    }
}

/// Returns whether a value is, or has, not-a-number: each is an object of its own, and equal to itself in containers.
pub(crate) fn has_nan(column: &Column, rows: usize) -> bool {
    match column {
        Column::Const(_) | Column::Bool(_) | Column::Int(_) | Column::Text(_) => false,
        Column::Float(values) => values.iter().any(|value| value.is_nan()),
        Column::Numpy(Numpy::Numbers(values)) => values.iter().any(|value| value.is_nan()),
        Column::Numpy(Numpy::Arrays(_) | Numpy::Truths(_)) => false,
        Column::Tuple(parts) | Column::Record(_, parts) => parts.iter().any(|part| has_nan(part, rows)),
        Column::List(_) => {
            let mut found = Mask::new(rows);
            mark_nan(column, &mut found);
            found.any()
        }
    }
}
