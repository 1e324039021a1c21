//! Actions on pairs by key, and actions that need an order of records.

use super::Rdd;
use super::ordering::Order;
use crate::Result;
use firesteel_closures::{Plain, assert_captures_nothing};
use firesteel_data::hash::{hash_key, partition_of};
use firesteel_data::{Data, Environment};
use firesteel_driver::site;
use firesteel_plan::Partitioner as Placed;
use firesteel_types::{CallSite, Partition};
use std::collections::HashMap;
use std::hash::Hash;
use std::panic::Location;

impl<K: Data + Hash + Eq, V: Data> Rdd<(K, V)> {
    /// Returns the number of values of each key.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn count_by_key(&self) -> Result<HashMap<K, u64>> {
        let site = site("count_by_key", Location::caller());
        let ones = self.map_values_at(site.clone(), &(), |_: &(), _| 1u64);
        let counts = ones.reduce_by_key_at(site.clone(), None, (), |_: &(), a, b| a + b);
        Ok(counts.collect_at(site, counts.all_partitions())?.into_iter().collect())
    }

    /// Returns the pairs as a map in the driver's memory. Of several values of a key the last one stays.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn collect_as_map(&self) -> Result<HashMap<K, V>> {
        Ok(self
            .collect_at(site("collect_as_map", Location::caller()), self.all_partitions())?
            .into_iter()
            .collect())
    }

    /// [`Rdd::reduce_by_key`] without a shuffle: each task sends a map to the driver, which combines them.
    /// For few keys.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn reduce_by_key_locally<F: Fn(V, V) -> V + Plain>(&self, f: F) -> Result<HashMap<K, V>> {
        const { assert_captures_nothing::<F>() };
        self.reduce_by_key_locally_at(
            site("reduce_by_key_locally", Location::caller()),
            &(),
            move |(), a, b| f(a, b),
        )
    }

    /// [`Rdd::reduce_by_key_locally`] with an environment.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn reduce_by_key_locally_with<E: Environment, F: Fn(&E, V, V) -> V + Plain>(
        &self,
        environment: E,
        f: F,
    ) -> Result<HashMap<K, V>> {
        const { assert_captures_nothing::<F>() };
        let site = site("reduce_by_key_locally_with", Location::caller());
        self.reduce_by_key_locally_at(site, &environment, f)
    }

    fn reduce_by_key_locally_at<E: Environment>(
        &self,
        site: CallSite,
        environment: &E,
        f: impl Fn(&E, V, V) -> V + Plain,
    ) -> Result<HashMap<K, V>> {
        let maps = self.each_partition(site, environment, move |env: &E, _, stream| {
            let mut map = HashMap::<K, V>::new();
            stream.for_each(|batch| {
                batch.for_each(|(k, v)| put(&mut map, k, v, |a, b| f(env, a, b)));
                Ok(())
            })?;
            Ok(map.into_iter().collect::<Vec<_>>())
        })?;
        let mut united = HashMap::new();
        maps.into_iter().flatten().for_each(|(k, v)| put(&mut united, k, v, |a, b| f(environment, a, b)));
        Ok(united)
    }

    /// Returns all values of one key. Looks into one partition only, if a known rule placed the keys.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn lookup(&self, key: &K) -> Result<Vec<V>> {
        let site = site("lookup", Location::caller());
        let wanted = self.filter_at(site.clone(), key, |key: &K, (k, _)| k == key);
        let values = wanted.map_at(site.clone(), &(), |_: &(), (_, v)| v);
        let partitions = match self.partitioner() {
            Some(Placed::Hash { partitions }) => vec![Partition(partition_of(hash_key(key), partitions))],
            _ => self.all_partitions(),
        };
        values.collect_at(site, partitions)
    }
}

/// Adds a value to a map of reduced values.
fn put<K: Hash + Eq, V>(map: &mut HashMap<K, V>, key: K, value: V, f: impl Fn(V, V) -> V) {
    match map.remove(&key) {
        Some(earlier) => map.insert(key, f(earlier, value)),
        None => map.insert(key, value),
    };
}

impl<T: Data + Ord> Rdd<T> {
    /// Returns the `n` least records, in ascending order.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn take_ordered(&self, n: usize) -> Result<Vec<T>> {
        let site = site("take_ordered", Location::caller());
        Ok(keyless(self.extremes(site, (n, ()), |(), x: &T| x.clone(), Order::Ascending)?))
    }

    /// Returns the `n` greatest records, in descending order.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn top(&self, n: usize) -> Result<Vec<T>> {
        let site = site("top", Location::caller());
        Ok(keyless(self.extremes(site, (n, ()), |(), x: &T| x.clone(), Order::Descending)?))
    }
}

impl<T: Data> Rdd<T> {
    /// Returns the `n` records with the least keys, in ascending order of the keys. Records with equal keys
    /// stay in their order.
    ///
    /// ```
    /// use std::cmp::Reverse;
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let counts = sc.parallelize([('a', 3), ('b', 5), ('c', 1)], 2);
    /// assert_eq!(counts.take_ordered_by(2, |(_, n)| Reverse(*n))?, [('b', 5), ('a', 3)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn take_ordered_by<Key: Data + Ord, F: Fn(&T) -> Key + Plain>(
        &self,
        n: usize,
        key: F,
    ) -> Result<Vec<T>> {
        const { assert_captures_nothing::<F>() };
        let site = site("take_ordered_by", Location::caller());
        Ok(keyless(self.extremes(site, (n, ()), move |(), x: &T| key(x), Order::Ascending)?))
    }

    /// [`Rdd::take_ordered_by`] with an environment.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn take_ordered_by_with<E: Environment, Key: Data + Ord, F: Fn(&E, &T) -> Key + Plain>(
        &self,
        environment: E,
        n: usize,
        key: F,
    ) -> Result<Vec<T>> {
        const { assert_captures_nothing::<F>() };
        let site = site("take_ordered_by_with", Location::caller());
        Ok(keyless(self.extremes(site, (n, environment), key, Order::Ascending)?))
    }

    /// Returns the `n` records with the greatest keys, in descending order of the keys. Records with equal
    /// keys stay in their order.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn top_by<Key: Data + Ord, F: Fn(&T) -> Key + Plain>(&self, n: usize, key: F) -> Result<Vec<T>> {
        const { assert_captures_nothing::<F>() };
        let site = site("top_by", Location::caller());
        Ok(keyless(self.extremes(site, (n, ()), move |(), x: &T| key(x), Order::Descending)?))
    }

    /// [`Rdd::top_by`] with an environment.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn top_by_with<E: Environment, Key: Data + Ord, F: Fn(&E, &T) -> Key + Plain>(
        &self,
        environment: E,
        n: usize,
        key: F,
    ) -> Result<Vec<T>> {
        const { assert_captures_nothing::<F>() };
        let site = site("top_by_with", Location::caller());
        Ok(keyless(self.extremes(site, (n, environment), key, Order::Descending)?))
    }

    fn extremes<E: Environment, Key: Data + Ord>(
        &self,
        site: CallSite,
        (n, environment): (usize, E),
        key: impl Fn(&E, &T) -> Key + Plain,
        order: Order,
    ) -> Result<Vec<(Key, T)>> {
        if n == 0 {
            return Ok(vec![]);
        }
        let sent = (n, order, environment);
        let partial =
            self.each_partition(site, &sent, move |(n, order, env): &(usize, Order, E), _, stream| {
                let mut best: Vec<(Key, T)> = vec![];
                stream.for_each(|batch| {
                    // Most records are worse than the worst of the best so far: they cost one comparison.
                    let worst = if best.len() < *n { None } else { best.last().map(|(key, _)| key.clone()) };
                    batch.for_each(|x| {
                        let key = key(env, &x);
                        if worst.as_ref().is_none_or(|worst| order.before(&key, worst)) {
                            best.push((key, x));
                        }
                    });
                    order.keep(&mut best, *n);
                    Ok(())
                })?;
                Ok(best)
            })?;
        let mut best: Vec<(Key, T)> = partial.into_iter().flatten().collect();
        order.keep(&mut best, n);
        Ok(best)
    }
}

impl Order {
    fn before<K: Ord>(self, a: &K, b: &K) -> bool {
        match self {
            Order::Ascending => a < b,
            Order::Descending => a > b,
        }
    }

    /// Sorts stably, and truncates to the first `n`.
    fn keep<K: Ord, T>(self, records: &mut Vec<(K, T)>, n: usize) {
        match self {
            Order::Ascending => records.sort_by(|a, b| a.0.cmp(&b.0)),
            Order::Descending => records.sort_by(|a, b| b.0.cmp(&a.0)),
        }
        records.truncate(n);
    }
}

fn keyless<K, T>(records: Vec<(K, T)>) -> Vec<T> {
    records.into_iter().map(|(_, record)| record).collect()
}
