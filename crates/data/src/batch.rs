//! Batches: the records that one operator hands to the next, in a vector of their own or in part of a shared
//! one.

use std::ops::Range;
use std::sync::Arc;

/// Some consecutive records of a partition.
#[derive(Clone, Debug)]
pub enum Batch<T> {
    /// Made by the operator before; the reader may take it apart.
    Owned(Vec<T>),
    /// Part of a shared vector (a cached partition, say); readers borrow, and clone what they must own.
    Shared(Arc<Vec<T>>, Range<usize>),
}

impl<T: Clone> Batch<T> {
    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the records by reference.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Batch::Owned(records) => records,
            Batch::Shared(records, range) => &records[range.clone()],
        }
    }

    /// Returns the records; clones only shared ones.
    pub fn into_vec(self) -> Vec<T> {
        match self {
            Batch::Owned(records) => records,
            Batch::Shared(records, range) => records[range].to_vec(),
        }
    }

    /// Applies `f` to each record.
    #[inline]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Vec<U> {
        match self {
            Batch::Owned(records) => records.into_iter().map(f).collect(),
            Batch::Shared(records, range) => records[range].iter().cloned().map(f).collect(),
        }
    }

    /// Returns the records for which `keep` holds.
    #[inline]
    pub fn filter(self, mut keep: impl FnMut(&T) -> bool) -> Vec<T> {
        match self {
            Batch::Owned(mut records) => {
                records.retain(keep);
                records
            }
            Batch::Shared(records, range) => records[range].iter().filter(|x| keep(x)).cloned().collect(),
        }
    }

    /// Combines the records, two at a time, in order. Returns `None` when there are none.
    #[inline]
    pub fn reduce(self, f: impl FnMut(T, T) -> T) -> Option<T> {
        match self {
            Batch::Owned(records) => records.into_iter().reduce(f),
            Batch::Shared(records, range) => records[range].iter().cloned().reduce(f),
        }
    }

    /// Folds the records, in order. Shared ones are read in place.
    #[inline]
    pub fn fold<A>(self, init: A, mut f: impl FnMut(A, T) -> A) -> A {
        match self {
            Batch::Owned(records) => records.into_iter().fold(init, f),
            Batch::Shared(records, range) => records[range].iter().fold(init, |a, x| f(a, x.clone())),
        }
    }

    /// Hands each record to `f`, in order.
    #[inline]
    pub fn for_each(self, mut f: impl FnMut(T)) {
        match self {
            Batch::Owned(records) => records.into_iter().for_each(f),
            Batch::Shared(records, range) => records[range].iter().for_each(|x| f(x.clone())),
        }
    }
}

/// The number of records that a batch of `T` aims at: few enough to stay in a core's own cache between two
/// operators, enough that the costs of a batch do not show.
pub const fn batch_len<T>() -> usize {
    const BYTES: usize = 32 << 10;
    let size = if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
    let records = BYTES / size;
    if records < 64 {
        64
    } else if records > 4096 {
        4096
    } else {
        records
    }
}
