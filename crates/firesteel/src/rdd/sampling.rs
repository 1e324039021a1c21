//! Samples of RDDs. The same seed gives the same records on every run: each partition has a generator of its
//! own, seeded with the seed and the partition's index.

use super::Rdd;
use crate::{Error, Result};
use firesteel_data::Data;
use firesteel_driver::site;
use firesteel_operators::PartitionIter;
use firesteel_types::{CallSite, Partition};
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Poisson};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::collections::HashMap;
use std::hash::Hash;
use std::panic::Location;

/// Returns the generator of one partition.
fn generator(seed: u64, partition: u32) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed ^ (u64::from(partition) << 32 | u64::from(partition)))
}

/// Returns a number from 0 to just below 1, with 53 random bits.
fn uniform(random: &mut impl Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Returns the number of times that a record is taken into a sample.
fn copies(random: &mut impl Rng, with_replacement: bool, fraction: f64) -> usize {
    if !with_replacement {
        return usize::from(uniform(random) < fraction);
    }
    // A mean that makes no distribution (zero, above all) takes no record.
    Poisson::new(fraction).map_or(0, |poisson| poisson.sample(random) as usize)
}

impl<T: Data> Rdd<T> {
    /// Returns a random sample: each record with probability `fraction`, or, with replacement, `fraction`
    /// times on average.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let sample = sc.range(0..10_000).sample(false, 0.1, 42);
    /// assert!((800..1200).contains(&sample.count()?));
    /// assert_eq!(sample.collect()?, sample.collect()?);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn sample(&self, with_replacement: bool, fraction: f64, seed: u64) -> Rdd<T> {
        self.sample_at(site("sample", Location::caller()), with_replacement, fraction, seed)
    }

    fn sample_at(&self, site: CallSite, with_replacement: bool, fraction: f64, seed: u64) -> Rdd<T> {
        let sent = (with_replacement, fraction, seed);
        self.whole_partition(
            site,
            self.partitioner(),
            &sent,
            |sent: &(bool, f64, u64), partition, records| {
                let (with_replacement, fraction, seed) = *sent;
                let mut random = generator(seed, partition.0);
                records.flat_map(move |x| {
                    std::iter::repeat_n(x, copies(&mut random, with_replacement, fraction))
                })
            },
        )
    }

    /// Deals the records out at random to as many RDDs as there are weights, in proportion to these. Every
    /// record is in exactly one of them.
    #[track_caller]
    pub fn random_split(&self, weights: &[f64], seed: u64) -> Vec<Rdd<T>> {
        let site = site("random_split", Location::caller());
        let total: f64 = weights.iter().sum();
        let mut from = 0.0;
        let mut cut = |weight: &f64| {
            let to = from + weight / total;
            std::mem::replace(&mut from, to)..to
        };
        let last = weights.len().saturating_sub(1);
        let ranges = weights.iter().enumerate().map(|(i, weight)| {
            let range = cut(weight);
            // Rounding must not leave a gap at the end.
            if i == last { range.start..f64::INFINITY } else { range }
        });
        ranges.map(|range| self.part(site.clone(), (range.start, range.end, seed))).collect()
    }

    fn part(&self, site: CallSite, sent: (f64, f64, u64)) -> Rdd<T> {
        self.whole_partition(
            site,
            self.partitioner(),
            &sent,
            |(from, to, seed): &(f64, f64, u64), partition, records| {
                let (from, to, mut random) = (*from, *to, generator(*seed, partition.0));
                records.filter(move |_| (from..to).contains(&uniform(&mut random)))
            },
        )
    }

    /// Returns exactly `n` records at random (fewer if there are fewer, without replacement), in the driver's
    /// memory.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn take_sample(&self, with_replacement: bool, n: usize, seed: u64) -> Result<Vec<T>> {
        let site = site("take_sample", Location::caller());
        let mut random = generator(seed, u32::MAX);
        let total = self.counts(site.clone())?.iter().sum::<u64>();
        if total == 0 || n == 0 {
            return Ok(vec![]);
        }
        let mut chosen = match with_replacement {
            true => (0..n).map(|_| below(&mut random, total)).collect(),
            false => choose(&mut random, total, n),
        };
        let order = chosen.clone();
        chosen.sort_unstable();
        chosen.dedup();
        let found: HashMap<u64, T> = self.records_at(site, chosen)?.into_iter().collect();
        Ok(order.iter().filter_map(|index| found.get(index).cloned()).collect())
    }

    /// Returns the records with these indices, over all partitions.
    fn records_at(&self, site: CallSite, indices: Vec<u64>) -> Result<Vec<(u64, T)>> {
        let sent = (self.partition_starts(site.clone())?, indices);
        let found = self.each_partition(
            site,
            &sent,
            |(starts, indices): &(Vec<u64>, Vec<u64>), partition, stream| {
                let (mut index, mut found) = (starts[partition.index()], vec![]);
                let mut wanted =
                    indices[indices.partition_point(|i| *i < index)..].iter().copied().peekable();
                stream.for_each(|batch| {
                    for record in batch.into_vec() {
                        if wanted.next_if_eq(&index).is_some() {
                            found.push((index, record));
                        }
                        index += 1;
                    }
                    Ok(())
                })?;
                Ok(found)
            },
        )?;
        Ok(found.concat())
    }
}

fn below(random: &mut impl Rng, bound: u64) -> u64 {
    ((u128::from(random.next_u64()) * u128::from(bound)) >> 64) as u64
}

/// Returns `n` different numbers below `total` (all of them if there are fewer), in random order: Floyd's
/// algorithm, then a shuffle.
fn choose(random: &mut impl Rng, total: u64, n: usize) -> Vec<u64> {
    let n = n.min(usize::try_from(total).unwrap_or(usize::MAX));
    let (mut chosen, mut set) = (Vec::with_capacity(n), std::collections::HashSet::new());
    for upto in total - n as u64..total {
        let candidate = below(random, upto + 1);
        let pick = if set.insert(candidate) { candidate } else { upto };
        set.insert(pick);
        chosen.push(pick);
    }
    for i in (1..chosen.len()).rev() {
        chosen.swap(i, below(random, i as u64 + 1) as usize);
    }
    chosen
}

impl<K: Data + Hash + Eq, V: Data> Rdd<(K, V)> {
    /// Returns a random sample with a fraction of its own for each key. A key without a fraction is left out.
    ///
    /// # Errors
    /// When a fraction is negative.
    #[track_caller]
    pub fn sample_by_key(
        &self,
        with_replacement: bool,
        fractions: HashMap<K, f64>,
        seed: u64,
    ) -> Result<Rdd<(K, V)>> {
        let site = site("sample_by_key", Location::caller());
        if let Some(wrong) = fractions.values().find(|fraction| **fraction < 0.0) {
            return Err(Error::InvalidArgument {
                site,
                message: format!("the fraction {wrong} is negative"),
            });
        }
        let sent = (with_replacement, fractions, seed);
        let sampled =
            |sent: &(bool, HashMap<K, f64>, u64), partition: Partition, records: PartitionIter<(K, V)>| {
                let (with_replacement, fractions, mut random) =
                    (sent.0, sent.1.clone(), generator(sent.2, partition.0));
                records.flat_map(move |pair| {
                    let fraction = fractions.get(&pair.0).copied().unwrap_or(0.0);
                    let copies = copies(&mut random, with_replacement, fraction);
                    std::iter::repeat_n(pair, copies)
                })
            };
        Ok(self.whole_partition(site, self.partitioner(), &sent, sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_numbers_differ_and_all_are_chosen_in_the_end() {
        for (total, n) in [(10, 3), (10, 10), (5, 9), (1, 1)] {
            let mut chosen = choose(&mut generator(7, 0), total, n);
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), n.min(total as usize));
            assert!(chosen.iter().all(|i| *i < total));
        }
    }

    #[test]
    fn each_number_is_chosen_about_equally_often() {
        let mut counts = [0u32; 10];
        for seed in 0..10_000 {
            choose(&mut generator(seed, 1), 10, 3).iter().for_each(|i| counts[*i as usize] += 1);
        }
        assert!(counts.iter().all(|n| (2_800..3_200).contains(n)), "{counts:?}");
    }
}
