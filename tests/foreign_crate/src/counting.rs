//! Helpers that are generic over the records, and over the closure that they are given.

use firesteel::{Data, Plain, Rdd};
use std::hash::Hash;

/// How many records have each key.
pub fn count_by<T: Data, K: Data + Hash + Eq, F: Fn(&T) -> K + Plain>(rdd: &Rdd<T>, key: F) -> Rdd<(K, u64)> {
    rdd.map(move |record| (key(&record), 1u64)).reduce_by_key(|a, b| a + b)
}

/// The largest records, largest first.
pub fn largest<T: Data + Ord>(rdd: &Rdd<T>, n: usize) -> firesteel::Result<Vec<T>> {
    rdd.top(n)
}
