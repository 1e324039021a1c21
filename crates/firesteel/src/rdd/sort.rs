//! Sorting: records are placed by comparing with bounds that a sampling job finds, then each partition is
//! sorted.

use super::{Order, Rdd, count};
use crate::Partitioner;
use crate::{Error, Result};
use firesteel_closures::{Plain, assert_captures_nothing};
use firesteel_data::{Data, Environment};
use firesteel_driver::OperatorCode;
use firesteel_driver::site;
use firesteel_operators::{OperatorRef, PartitionIter, ShuffleRead, ShuffleWrite, Sort};
use firesteel_plan::Partitioner as Placed;
use firesteel_types::CallSite;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::panic::Location;

impl<K: Data + Ord, V: Data> Rdd<(K, V)> {
    /// Sorts the pairs by key: each partition in order, and all keys of a partition before those of the next.
    /// Pairs with equal keys stay in their order. The first action runs a job that samples the keys, if there
    /// are several partitions.
    ///
    /// ```
    /// use firesteel::Order;
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let pairs = sc.parallelize([(3, 'c'), (1, 'a'), (2, 'b')], 2);
    /// assert_eq!(pairs.sort_by_key(Order::Descending).collect()?, [(3, 'c'), (2, 'b'), (1, 'a')]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn sort_by_key(&self, order: Order) -> Rdd<(K, V)> {
        self.sort_by_key_at(site("sort_by_key", Location::caller()), self.partitions().max(1), order)
    }

    /// [`Rdd::sort_by_key`] into `partitions` partitions.
    #[track_caller]
    pub fn sort_by_key_into(&self, partitions: usize, order: Order) -> Rdd<(K, V)> {
        self.sort_by_key_at(site("sort_by_key_into", Location::caller()), count(partitions), order)
    }

    pub(crate) fn sort_by_key_at(&self, site: CallSite, partitions: u32, order: Order) -> Rdd<(K, V)> {
        let write_site = site.clone();
        let write = move |shuffle| {
            OperatorCode::deferred(move |parents| {
                let parent = Rdd::<(K, V)>::of(parents[0].clone());
                let bounds = parent.sample_bounds(write_site.clone(), partitions)?;
                range_write::<K, V>(shuffle, partitions, bounds, order)
                    .map_err(|source| Error::Data { site: write_site.clone(), source })
            })
        };
        // Every sort has bounds of its own.
        let rule = Placed::Range { serial: u64::from(self.context().driver().next_rdd().0), partitions };
        let placed: Rdd<(K, V)> =
            self.shuffled(site.clone(), rule, write, |shuffle| ShuffleRead::<K, V>::code(shuffle).into());
        placed.sort_partitions(site, order)
    }

    /// Sorts each partition, without a shuffle.
    fn sort_partitions(&self, site: CallSite, order: Order) -> Rdd<(K, V)> {
        let code = match order {
            Order::Ascending => Sort::<K, V, (), _>::code(&(), |_: &(), a: &K, b: &K| a.cmp(b)),
            Order::Descending => Sort::<K, V, (), _>::code(&(), |_: &(), a: &K, b: &K| b.cmp(a)),
        };
        self.narrow(site, self.partitioner(), code)
    }

    /// Places the pairs by a rule and sorts each partition by key: cheaper than sorting after `partition_by`.
    #[track_caller]
    pub fn repartition_and_sort_within_partitions<P: Partitioner<K>>(&self, partitioner: P) -> Rdd<(K, V)> {
        let site = site("repartition_and_sort_within_partitions", Location::caller());
        self.partition_by_at(site.clone(), partitioner).sort_partitions(site, Order::Ascending)
    }

    /// Returns keys between which partitions of about equal size lie: fewer than `partitions`, ascending.
    fn sample_bounds(&self, site: CallSite, partitions: u32) -> Result<Vec<K>> {
        /// Enough samples for a partition that the largest one is seldom twice the mean.
        const PER_PARTITION: u32 = 60;
        if partitions <= 1 {
            return Ok(vec![]);
        }
        let inputs = self.partitions().max(1);
        let wanted = partitions.saturating_mul(PER_PARTITION).div_ceil(inputs).max(20) as usize;
        let samples = self.each_partition(site, &wanted, |wanted: &usize, partition, stream| {
            let mut reservoir = Reservoir::new(*wanted, u64::from(partition.0));
            PartitionIter::new(stream).for_each(|(key, _)| reservoir.offer(key));
            Ok((reservoir.cached, reservoir.seen))
        })?;
        let mut weighted: Vec<(K, f64)> = vec![];
        for (cached, seen) in samples {
            let weight = seen as f64 / cached.len().max(1) as f64;
            weighted.extend(cached.into_iter().map(|key| (key, weight)));
        }
        Ok(bounds_of(weighted, partitions))
    }
}

/// Picks the keys at equal steps of weight.
fn bounds_of<K: Ord>(mut weighted: Vec<(K, f64)>, partitions: u32) -> Vec<K> {
    weighted.sort_by(|a, b| a.0.cmp(&b.0));
    let step = weighted.iter().map(|(_, weight)| weight).sum::<f64>() / f64::from(partitions);
    let (mut bounds, mut passed, mut target) = (vec![], 0.0, step);
    for (key, weight) in weighted {
        passed += weight;
        if passed >= target && bounds.len() + 1 < partitions as usize && bounds.last() != Some(&key) {
            bounds.push(key);
            target = (passed / step).floor().mul_add(step, step).max(target + step);
        }
    }
    bounds
}

fn range_write<K: Data + Ord, V: Data>(
    shuffle: firesteel_types::ShuffleId,
    partitions: u32,
    bounds: Vec<K>,
    order: Order,
) -> std::result::Result<OperatorRef, firesteel_data::DataError> {
    let place = |bounds: &Vec<K>, key: &K| bounds.partition_point(|bound| bound < key) as u32;
    match order {
        Order::Ascending => ShuffleWrite::<K, V, Vec<K>, _>::code(shuffle, partitions, &bounds, place),
        Order::Descending => {
            let place = move |sent: &(Vec<K>, u32), key: &K| sent.1 - 1 - place(&sent.0, key);
            ShuffleWrite::<K, V, (Vec<K>, u32), _>::code(shuffle, partitions, &(bounds, partitions), place)
        }
    }
}

/// A uniform sample of a sequence of unknown length (Vitter's algorithm R, 1985).
struct Reservoir<K> {
    cached: Vec<K>,
    seen: u64,
    size: usize,
    random: Xoshiro256PlusPlus,
}

impl<K> Reservoir<K> {
    fn new(size: usize, seed: u64) -> Self {
        Reservoir { cached: vec![], seen: 0, size, random: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    fn offer(&mut self, key: K) {
        self.seen += 1;
        if self.cached.len() < self.size {
            self.cached.push(key);
            return;
        }
        // A number below `seen`, by multiplication: the bias is below 2^-32 for what fits a partition.
        let place = ((u128::from(self.random.next_u64()) * u128::from(self.seen)) >> 64) as usize;
        if place < self.size {
            self.cached[place] = key;
        }
    }
}

impl<T: Data> Rdd<T> {
    /// Sorts the records by a key that is computed from each.
    #[track_caller]
    pub fn sort_by<K: Data + Ord, F: Fn(&T) -> K + Plain>(&self, key: F, order: Order) -> Rdd<T> {
        const { assert_captures_nothing::<F>() };
        let site = site("sort_by", Location::caller());
        self.sort_by_at(site, &(), move |_: &(), x: &T| key(x), order)
    }

    /// [`Rdd::sort_by`] with an environment.
    #[track_caller]
    pub fn sort_by_with<E: Environment, K: Data + Ord, F: Fn(&E, &T) -> K + Plain>(
        &self,
        environment: E,
        key: F,
        order: Order,
    ) -> Rdd<T> {
        const { assert_captures_nothing::<F>() };
        self.sort_by_at(site("sort_by_with", Location::caller()), &environment, key, order)
    }

    fn sort_by_at<E: Environment, K: Data + Ord>(
        &self,
        site: CallSite,
        environment: &E,
        key: impl Fn(&E, &T) -> K + Plain,
        order: Order,
    ) -> Rdd<T> {
        let keyed = self.map_at(site.clone(), environment, move |env: &E, x| (key(env, &x), x));
        let sorted = keyed.sort_by_key_at(site.clone(), self.partitions().max(1), order);
        sorted.map_at(site, &(), |_: &(), (_, x)| x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_cut_equal_shares() {
        let keys: Vec<(u32, f64)> = (0..1000).map(|k| (k, 1.0)).collect();
        let bounds = bounds_of(keys, 4);
        assert_eq!(bounds.len(), 3);
        assert!(bounds.iter().zip([250, 500, 750]).all(|(b, want)| b.abs_diff(want) <= 2), "{bounds:?}");
    }

    #[test]
    fn a_key_that_fills_everything_makes_one_bound() {
        let keys: Vec<(u32, f64)> = (0..1000).map(|_| (7, 1.0)).collect();
        assert_eq!(bounds_of(keys, 10), [7]);
    }
}
