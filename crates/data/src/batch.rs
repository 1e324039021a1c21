//! Records on their way from one operator to the next: a vector that somebody owns, or part of one that several share.

use std::ops::Range;
use std::sync::Arc;

/// Some consecutive records of a partition.
#[derive(Clone, Debug)]
pub enum Batch<T> {
    /// Made by the operator before; the reader may take it apart.
    Owned(Vec<T>),
    /// Part of a kept vector (a cached partition, say); readers look, and clone what they must own.
    Shared(Arc<Vec<T>>, Range<usize>),
}

impl<T: Clone> Batch<T> {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records, to look at.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Batch::Owned(records) => records,
            Batch::Shared(records, range) => &records[range.clone()],
        }
    }

    /// The records, to own; clones only what is shared.
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

    /// Keeps the records for which `keep` holds.
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

    /// Puts the records together, two at a time, in order. `None` when there are none.
    #[inline]
    pub fn reduce(self, f: impl FnMut(T, T) -> T) -> Option<T> {
        match self {
            Batch::Owned(records) => records.into_iter().reduce(f),
            Batch::Shared(records, range) => records[range].iter().cloned().reduce(f),
        }
    }

    /// Folds the records, in order. What is shared is looked at where it lies.
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

/// How many records a batch of `T` aims at: few enough to stay in a core's own cache between two operators, enough that
/// what is paid once per batch does not show.
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
