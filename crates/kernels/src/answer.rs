//! The answers of kernels: a column, with the rows marked that are not answered for; or nothing for the whole batch.

use crate::column::{Column, Text};
use std::rc::Rc;

/// The reason why there is no kernel for a whole batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub &'static str);

pub(crate) type Answer<T> = Result<T, Refused>;

/// The rows that are not answered for.
#[derive(Clone, Debug)]
pub struct Mask {
    bad: Vec<bool>,
    any: bool,
}

impl Mask {
    /// Makes a mask under which all rows are answered for.
    pub fn new(rows: usize) -> Mask {
        Mask { bad: vec![false; rows], any: false }
    }

    /// Marks a row as one that is not answered for.
    #[inline]
    pub fn set(&mut self, row: usize) {
        self.bad[row] = true;
        self.any = true;
    }

    /// Marks some rows: those whose places in the other mask are marked.
    pub(crate) fn set_rows(&mut self, rows: &[u32], marked: &Mask) {
        for (place, row) in rows.iter().enumerate().filter(|_| marked.any) {
            if marked.has(place) {
                self.set(*row as usize);
            }
        }
    }

    /// Marks all rows.
    pub(crate) fn set_all(&mut self) {
        self.any = !self.bad.is_empty();
        self.bad.fill(true);
    }

    /// Returns whether a row is marked.
    #[inline]
    pub fn has(&self, row: usize) -> bool {
        self.bad[row]
    }

    /// Returns whether any row is marked.
    pub fn any(&self) -> bool {
        self.any
    }

    /// Returns the number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.bad.len()
    }

    /// Returns the value, or marks the row and returns another.
    #[inline]
    pub(crate) fn or<T>(&mut self, row: usize, value: Option<T>, other: T) -> T {
        match value {
            Some(value) => value,
            None => {
                self.set(row);
                other
            }
        }
    }
}

/// Returns the position of an index, which may count from the end.
pub(crate) fn placed(index: i64, length: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add(length as i64)? } else { index };
    usize::try_from(index).ok().filter(|index| *index < length)
}

/// Returns whole numbers, if the column has such; else the reason that is given.
pub(crate) fn ints(column: &Column, rows: usize, reason: &'static str) -> Answer<Rc<Vec<i64>>> {
    match column.spread(rows) {
        Column::Int(values) => Ok(values),
        Column::Const(_)
        | Column::Bool(_)
        | Column::Float(_)
        | Column::Text(_)
        | Column::List(_)
        | Column::Group(_)
        | Column::Tuple(_)
        | Column::Record(..)
        | Column::Numpy(_) => Err(Refused(reason)),
    }
}

/// Returns texts, if the column has such.
pub(crate) fn texts(column: &Column, rows: usize) -> Answer<Text> {
    match column.spread(rows) {
        Column::Text(text) => Ok(text),
        Column::Const(_)
        | Column::Bool(_)
        | Column::Int(_)
        | Column::Float(_)
        | Column::List(_)
        | Column::Group(_)
        | Column::Tuple(_)
        | Column::Record(..)
        | Column::Numpy(_) => Err(Refused("a value that is no str")),
    }
}
