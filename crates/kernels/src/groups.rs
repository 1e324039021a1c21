//! Values put together by key: `groupByKey`, `cogroup`, and joins of pairs with them.

use crate::column::{Column, List, Scalar};
use crate::joining::joined;
use crate::nans::has_nan;
use crate::table::Table;
use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

/// Pairs, of which those of a key will be put together.
pub struct Groups {
    table: Table,
    sides: Vec<Side>,
    /// Values are pairs of a side's number and the value.
    is_tagged: bool,
    bytes: usize,
}

/// The values of a side, in the order in which they came.
#[derive(Default)]
struct Side {
    values: Vec<(Column, usize)>,
    /// The entry of each value's key.
    entries: Vec<u32>,
}

/// The values of each key, together.
pub struct Grouped {
    table: Table,
    keys: Column,
    sides: Vec<Together>,
    is_tagged: bool,
    /// Keys that have had a partner in a join that wants to know.
    met: Vec<Cell<bool>>,
}

/// The values of a side, of which those of a key stand behind each other, in the order in which they came.
struct Together {
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
    /// The same as of the left outer join; which keys had a partner is remembered.
    FullOuter,
    /// `(key, value)` without a partner.
    Subtract,
    /// `key` with a partner, each once.
    Intersect,
}

/// The results of a join of some pairs.
pub enum JoinResults {
    /// All of one type.
    Alike(Column, usize),
    /// Of two types.
    Mixed {
        /// Those of pairs with a partner.
        with: (Column, usize),
        /// Those of the others.
        without: (Column, usize),
        /// Of each result in its order, which of the two has it.
        has_partner: Vec<bool>,
    },
}

/// The most results of a batch that is joined: a key with many values has many for each row.
const RESULTS_AT_MOST: usize = 1 << 18;

impl Default for Groups {
    fn default() -> Groups {
        Groups { table: Table::noting(), sides: vec![Side::default()], is_tagged: false, bytes: 0 }
    }
}

impl Groups {
    /// Makes groups of so many sides: a value is a pair of its side's number and the value itself.
    pub fn of_sides(sides: usize) -> Groups {
        let sides = (0..sides).map(|_| Side::default()).collect();
        Groups { sides, is_tagged: true, ..Groups::default() }
    }

    /// Adds the pairs of some of the rows. Returns the row before which it has stopped: the end, or the first pair that it
    /// cannot take.
    pub fn add(&mut self, pairs: &Column, rows: usize, some: Range<usize>) -> usize {
        let pairs = pairs.spread(rows);
        let Some((key, value)) = pairs.pair() else { return some.start };
        if !self.is_tagged {
            return self.add_to(0, key, value, rows, some);
        }
        let Some((Column::Int(sides), value)) = value.pair() else { return some.start };
        let mut from = some.start;
        while from < some.end {
            let Some(side) = usize::try_from(sides[from]).ok().filter(|side| *side < self.sides.len()) else {
                return from;
            };
            let to = (from..some.end).find(|row| sides[*row] != sides[from]).unwrap_or(some.end);
            let taken = self.add_to(side, key, value, rows, from..to);
            if taken < to {
                return taken;
            }
            from = to;
        }
        from
    }

    fn add_to(
        &mut self,
        side: usize,
        key: &Column,
        value: &Column,
        rows: usize,
        some: Range<usize>,
    ) -> usize {
        let fits = self.sides[side].values.last().is_none_or(|(last, _)| last.is_like(value));
        // Their texts and rows must have room in one column.
        let full = u32::try_from(self.bytes + value.bytes(rows) + some.len()).is_err();
        if !fits || full || has_nan(value, rows) {
            return some.start;
        }
        let (nothing, before) = (Column::Tuple(vec![]), self.table.noted().len());
        let to = self.table.combine(key, &nothing, &nothing, rows, some.clone());
        if to > some.start {
            let count = to - some.start;
            let value = if count == rows { value.clone() } else { value.slice(some.start..to) };
            self.bytes += value.bytes(count);
            let Side { values, entries } = &mut self.sides[side];
            values.push((value, count));
            entries.extend_from_slice(&self.table.noted()[before..before + count]);
        }
        to
    }

    /// Returns the number of keys.
    pub fn keys(&self) -> usize {
        self.table.keys()
    }

    /// Returns the number of bytes that are held, or will be when the values are put together.
    pub fn bytes(&self) -> usize {
        self.table.bytes() + 2 * self.bytes + 4 * self.table.noted().len()
    }

    /// Puts the values of each key together; `None` if they are too many for a column.
    pub fn build(self) -> Option<Grouped> {
        let Groups { table, sides, is_tagged, .. } = self;
        let sides = sides.into_iter().map(|side| side.together(table.keys())).collect::<Option<_>>()?;
        let keys = table.keys_column().unwrap_or(Column::Tuple(vec![]));
        let met = vec![Cell::new(false); table.keys()];
        Some(Grouped { table, keys, sides, is_tagged, met })
    }
}

impl Side {
    fn together(self, keys: usize) -> Option<Together> {
        let Side { values, entries } = self;
        let all = if values.is_empty() { Column::Const(Scalar::None) } else { joined(&values)? };
        drop(values);
        let mut starts = vec![0_u32; keys + 1];
        entries.iter().for_each(|entry| starts[*entry as usize + 1] += 1);
        for entry in 1..starts.len() {
            starts[entry] += starts[entry - 1];
        }
        let (mut next, mut at) = (starts.clone(), vec![0_u32; entries.len()]);
        for (row, entry) in entries.iter().enumerate() {
            let place = &mut next[*entry as usize];
            at[*place as usize] = row as u32;
            *place += 1;
        }
        Some(Together { values: all.gather(&at), starts })
    }
}

impl Together {
    fn span(&self, key: usize) -> Range<usize> {
        self.starts[key] as usize..self.starts[key + 1] as usize
    }

    fn some(&self, keys: &Range<usize>) -> Column {
        self.values.slice(self.starts[keys.start] as usize..self.starts[keys.end] as usize)
    }

    fn groups(&self, keys: &Range<usize>) -> Column {
        let begin = self.starts[keys.start];
        let ends = self.starts[keys.start..=keys.end].windows(2);
        let spans = ends.map(|ends| (ends[0] - begin, ends[1] - begin)).collect();
        Column::Group(List { spans: Rc::new(spans), items: Rc::new(self.some(keys)) })
    }
}

impl Grouped {
    /// Returns the number of keys.
    pub fn keys(&self) -> usize {
        self.table.keys()
    }

    /// Returns where the values of a key begin and end, of the first side.
    pub fn span(&self, key: usize) -> Range<usize> {
        self.sides[0].span(key)
    }

    /// Returns how many values some keys have, of all sides.
    pub fn values(&self, keys: &Range<usize>) -> usize {
        self.sides.iter().map(|side| (side.starts[keys.end] - side.starts[keys.start]) as usize).sum()
    }

    /// Returns the key with most values, and how many these and all values are; `None` of none.
    pub fn largest(&self) -> Option<(Column, usize, usize)> {
        let values = |key: usize| self.values(&(key..key + 1));
        let key = (0..self.keys()).max_by_key(|key| values(*key))?;
        Some((self.keys.gather(&[key as u32]), values(key), self.table.noted().len()))
    }

    /// Returns some keys, and all their values of the first side.
    pub fn some(&self, keys: Range<usize>) -> (Column, Column) {
        (self.keys.slice(keys.clone()), self.sides[0].some(&keys))
    }

    /// Returns pairs of some keys and the groups of their values; of several sides a tuple of these.
    pub fn pairs(&self, keys: Range<usize>) -> Column {
        let mut groups: Vec<Column> = self.sides.iter().map(|side| side.groups(&keys)).collect();
        let group = if self.is_tagged { None } else { groups.pop() };
        Column::Tuple(vec![self.keys.slice(keys), group.unwrap_or(Column::Tuple(groups))])
    }

    /// Says that a key has a partner; returns whether it has had one before.
    pub fn meet(&self, key: usize) -> bool {
        self.met.get(key).is_some_and(|met| met.replace(true))
    }

    /// Joins pairs with the values of their keys. Returns the results; `None` where these cannot be in a column, or are very many.
    pub fn join(&self, pairs: &Column, rows: usize, how: Joined) -> Option<JoinResults> {
        let spread = pairs.spread(rows);
        let (key, value) = spread.pair()?;
        let held = &self.sides[0].values;
        let found = self.table.find_all(key, rows)?;
        let chosen = |column: &Column, is_wanted: &dyn Fn(usize) -> bool| {
            let at: Vec<u32> = (0..rows as u32).filter(|row| is_wanted(*row as usize)).collect();
            (column.gather(&at), at.len())
        };
        let alike = |(column, rows)| Some(JoinResults::Alike(column, rows));
        match how {
            Joined::Subtract => return alike(chosen(&spread, &|row| found[row].is_none())),
            Joined::Intersect => {
                let is_new = |row: usize| found[row].is_some_and(|at| !self.meet(at as usize));
                return alike(chosen(key, &is_new));
            }
            Joined::Inner | Joined::LeftOuter | Joined::RightOuter | Joined::FullOuter => {}
        }
        // All results of a pair have the same list.
        if value.lists() > 0 || held.lists() > 0 {
            return None;
        }
        let spans = found.iter().map(|entry| entry.map_or(0..0, |entry| self.span(entry as usize)));
        if spans.clone().map(|span| span.len()).sum::<usize>() > RESULTS_AT_MOST {
            return None;
        }
        let (mut mine, mut theirs) = (vec![], vec![]);
        for (row, span) in spans.clone().enumerate() {
            mine.extend(span.clone().map(|_| row as u32));
            theirs.extend(span.map(|place| place as u32));
        }
        let both = |one: Column, two: Column| {
            Column::Tuple(if how == Joined::RightOuter { vec![two, one] } else { vec![one, two] })
        };
        let with = Column::Tuple(vec![key.gather(&mine), both(value.gather(&mine), held.gather(&theirs))]);
        let without = || Column::Tuple(vec![key.clone(), both(value.clone(), Column::Const(Scalar::None))]);
        if with.repeats_groups() {
            return None;
        }
        if how == Joined::FullOuter {
            found.iter().flatten().for_each(|at| _ = self.meet(*at as usize));
        }
        let missing = found.iter().filter(|entry| entry.is_none()).count();
        if how == Joined::Inner || missing == 0 {
            return alike((with, mine.len()));
        }
        if missing == rows {
            return alike((without(), rows));
        }
        let without = chosen(&without(), &|row| found[row].is_none());
        let has_partner = spans.flat_map(|span| std::iter::repeat_n(!span.is_empty(), span.len().max(1)));
        Some(JoinResults::Mixed { with: (with, mine.len()), without, has_partner: has_partner.collect() })
    }
}
