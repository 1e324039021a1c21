//! [`Keyed`]: tables by key, by what goes into them.

use firesteel_kernels::{Column, CombiningStep, First, Mask, Merge, OddEntry, Scalar, Single, Table};
use std::ops::Range;

/// A table, and how records go into it.
pub(super) struct Keyed {
    table: Table,
    of: Of,
}

/// The kinds of records that a table takes.
pub(super) enum Of {
    /// Pairs, whose values are merged.
    Pairs(Merge),
    /// Pairs, whose values are combined by two functions.
    Combined(Box<(First, CombiningStep)>),
    /// Keys by themselves, of which each is wanted once.
    Records,
    /// Pairs of keys and nothing, of which each is wanted once.
    Keys,
    /// Keys by themselves, which are counted.
    Counts,
}

/// Returns the number of rows before the first that is marked.
fn answered(masks: &[&Mask], rows: usize) -> usize {
    (0..rows).find(|row| masks.iter().any(|mask| mask.has(*row))).unwrap_or(rows)
}

impl Keyed {
    pub(super) fn new(of: Of) -> Keyed {
        let merge = match &of {
            Of::Pairs(merge) => merge.clone(),
            Of::Combined(functions) => functions.1.merge().clone(),
            Of::Records | Of::Keys => Merge::Parts(vec![]),
            Of::Counts => Merge::Add,
        };
        Keyed { table: Table::new(merge), of }
    }

    /// Adds some rows; returns the row before which it has stopped.
    pub(super) fn add(&mut self, column: &Column, rows: usize, some: Range<usize>) -> usize {
        if matches!(self.of, Of::Pairs(_)) {
            return self.table.add(column, rows, some);
        }
        let (column, count) = (part(column, rows, &some), some.len());
        some.start + self.add_all(&column, count).unwrap_or(0)
    }

    fn add_all(&mut self, column: &Column, rows: usize) -> Option<usize> {
        let nothing = Column::Tuple(vec![]);
        let one = Column::Const(Scalar::Int(1));
        Some(match &self.of {
            Of::Pairs(_) => self.table.add(column, rows, 0..rows),
            Of::Combined(functions) => {
                let (first, step) = &**functions;
                let (key, value) = column.pair()?;
                let (mut of_first, mut of_more) = (Mask::new(rows), Mask::new(rows));
                let (first, more) = (first.values(value, &mut of_first)?, step.values(value, &mut of_more)?);
                let good = answered(&[&of_first, &of_more], rows);
                self.table.combine(key, &first, &more, rows, 0..good)
            }
            Of::Records => self.table.combine(column, &nothing, &nothing, rows, 0..rows),
            Of::Keys => match column.pair()? {
                (key, Column::Const(Scalar::None)) => {
                    self.table.combine(key, &nothing, &nothing, rows, 0..rows)
                }
                _ => 0,
            },
            Of::Counts => self.table.combine(column, &one, &one, rows, 0..rows),
        })
    }

    /// Takes keys to be like those of this column, if none has come yet.
    pub(super) fn expect(&mut self, column: &Column, rows: usize) {
        let column = column.spread(rows);
        let keys = match self.of {
            Of::Records | Of::Counts => Some(&column),
            Of::Pairs(_) | Of::Combined(_) | Of::Keys => column.pair().map(|(key, _)| key),
        };
        if let (Some(keys), true) = (keys, rows > 0) {
            self.table.expect(keys);
        }
    }

    /// Adds a record; returns whether it was taken.
    pub(super) fn add_single(&mut self, record: &Single) -> bool {
        let nothing = || Single::Tuple(vec![]);
        let pair = match record {
            Single::Tuple(parts) => parts.first_chunk::<2>().filter(|_| parts.len() == 2),
            Single::None | Single::Bool(_) | Single::Int(_) | Single::Float(_) | Single::Text(_) => None,
        };
        match &self.of {
            Of::Combined(_) => false,
            Of::Records => self.table.add_single(record, nothing(), &nothing()),
            Of::Counts => self.table.add_single(record, Single::Int(1), &Single::Int(1)),
            Of::Keys => match pair {
                Some([key, Single::None]) => self.table.add_single(key, nothing(), &nothing()),
                Some(_) | None => false,
            },
            Of::Pairs(_) => match pair {
                Some([key, value]) => self.table.add_single(key, value.clone(), value),
                None => false,
            },
        }
    }

    /// Returns the table of combinations, for values to be combined by functions of Python; nothing of another one.
    pub(super) fn combinations(&mut self) -> Option<&mut Table> {
        match self.of {
            Of::Pairs(_) | Of::Combined(_) => Some(&mut self.table),
            Of::Records | Of::Keys | Of::Counts => None,
        }
    }

    pub(super) fn keys(&self) -> usize {
        self.table.keys()
    }

    pub(super) fn bytes(&self) -> usize {
        self.table.bytes()
    }

    /// Takes all pairs out, with what is odd about some rows, and leaves an empty table.
    pub(super) fn take(&mut self) -> (Column, usize, Vec<OddEntry>) {
        let mut odd = self.table.take_odd();
        let (mut pairs, rows) = self.table.take();
        if let (Of::Records | Of::Keys, Column::Tuple(parts)) = (&self.of, &mut pairs)
            && let Some(value) = parts.get_mut(1)
        {
            *value = Column::Const(Scalar::None);
            odd.iter_mut().for_each(|odd| odd.value = None);
            odd.retain(|odd| odd.key.is_some());
        }
        (pairs, rows, odd)
    }
}

/// Returns some of a column's rows.
pub(super) fn part(column: &Column, rows: usize, some: &Range<usize>) -> Column {
    if *some == (0..rows) {
        return column.clone();
    }
    column.slice(some.clone())
}
