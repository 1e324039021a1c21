//! Transformations of one RDD's records, without a shuffle.
//!
//! Each method that takes a closure has a `_with` form that takes an environment first. The plain form is the
//! `_with` form with `()` as environment.

use super::Rdd;
use firesteel_closures::{Plain, assert_captures_nothing};
use firesteel_data::{Data, Environment};
use firesteel_driver::OperatorCode;
use firesteel_driver::site;
use firesteel_operators::{Coalesce, FlatMap, MapBatches, MapPartitions, PartitionIter, Records};
use firesteel_plan::Partitioner;
use firesteel_types::{CallSite, Partition};
use std::panic::Location;

impl<T: Data> Rdd<T> {
    /// Changes each record by a function.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// assert_eq!(sc.range(0..4).map(|x| x * x).collect()?, [0, 1, 4, 9]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn map<U: Data, F: Fn(T) -> U + Plain>(&self, f: F) -> Rdd<U> {
        const { assert_captures_nothing::<F>() };
        self.map_at(site("map", Location::caller()), &(), move |_: &(), x| f(x))
    }

    /// [`Rdd::map`] with an environment.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let factor = 10;
    /// assert_eq!(sc.range(0..4).map_with(factor, |factor, x| x * factor).collect()?, [0, 10, 20, 30]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn map_with<E: Environment, U: Data, F: Fn(&E, T) -> U + Plain>(
        &self,
        environment: E,
        f: F,
    ) -> Rdd<U> {
        const { assert_captures_nothing::<F>() };
        self.map_at(site("map_with", Location::caller()), &environment, f)
    }

    pub(crate) fn map_at<E: Environment, U: Data, F: Fn(&E, T) -> U + Plain>(
        &self,
        site: CallSite,
        environment: &E,
        f: F,
    ) -> Rdd<U> {
        self.batchwise(site, None, environment, move |env: &E, batch, records: &Records| {
            records.map(batch, |x| f(env, x))
        })
    }

    pub(crate) fn batchwise<E: Environment, U: Data>(
        &self,
        site: CallSite,
        partitioner: Option<Partitioner>,
        environment: &E,
        f: impl Fn(&E, firesteel_data::Batch<T>, &Records) -> Vec<U> + Plain,
    ) -> Rdd<U> {
        self.narrow(site, partitioner, MapBatches::<T, U, E, _>::code(environment, f))
    }

    /// Returns the records for which a condition holds.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// assert_eq!(sc.range(0..10).filter(|x| x % 3 == 0).collect()?, [0, 3, 6, 9]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn filter<F: Fn(&T) -> bool + Plain>(&self, keep: F) -> Rdd<T> {
        const { assert_captures_nothing::<F>() };
        self.filter_at(site("filter", Location::caller()), &(), move |_: &(), x| keep(x))
    }

    /// [`Rdd::filter`] with an environment.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let (lo, hi) = (3, 6);
    /// assert_eq!(sc.range(0..10).filter_with((lo, hi), |(lo, hi), x| lo <= x && x < hi).collect()?, [3, 4, 5]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn filter_with<E: Environment, F: Fn(&E, &T) -> bool + Plain>(
        &self,
        environment: E,
        keep: F,
    ) -> Rdd<T> {
        const { assert_captures_nothing::<F>() };
        self.filter_at(site("filter_with", Location::caller()), &environment, keep)
    }

    pub(crate) fn filter_at<E: Environment>(
        &self,
        site: CallSite,
        environment: &E,
        keep: impl Fn(&E, &T) -> bool + Plain,
    ) -> Rdd<T> {
        self.batchwise(site, self.partitioner(), environment, move |env: &E, batch, records: &Records| {
            records.filter(batch, |x| keep(env, x))
        })
    }

    /// Replaces each record by all records that a function makes of it, one after the other.
    ///
    /// The function returns anything that can be iterated: a vector, an option, a range. The returned value
    /// must own its items: a closure that splits a line collects the parts.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// assert_eq!(sc.range(1..4).flat_map(|x| 0..x).collect()?, [0, 0, 1, 0, 1, 2]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn flat_map<I: IntoIterator<Item: Data> + 'static, F: Fn(T) -> I + Plain>(
        &self,
        f: F,
    ) -> Rdd<I::Item> {
        const { assert_captures_nothing::<F>() };
        let site = site("flat_map", Location::caller());
        self.narrow(site, None, FlatMap::<T, I, (), _>::code(&(), move |_: &(), x| f(x)))
    }

    /// [`Rdd::flat_map`] with an environment.
    #[track_caller]
    pub fn flat_map_with<E: Environment, I: IntoIterator<Item: Data> + 'static, F: Fn(&E, T) -> I + Plain>(
        &self,
        environment: E,
        f: F,
    ) -> Rdd<I::Item> {
        const { assert_captures_nothing::<F>() };
        let site = site("flat_map_with", Location::caller());
        self.narrow(site, None, FlatMap::<T, I, E, _>::code(&environment, f))
    }

    /// Replaces each record by all records that a function pushes to `out` for it. As [`Rdd::flat_map`],
    /// without a collection for each record: the faster form where records are small, since nothing is
    /// allocated between the record and the output.
    ///
    /// ```
    /// use firesteel::Str;
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let lines = sc.parallelize(["to be".to_string()], 1);
    /// let words = lines.flat_map_push(|line, out| out.extend(line.split(' ').map(Str::from)));
    /// assert_eq!(words.collect()?, ["to", "be"]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn flat_map_push<U: Data, F: Fn(T, &mut Vec<U>) + Plain>(&self, f: F) -> Rdd<U> {
        const { assert_captures_nothing::<F>() };
        self.flat_map_push_at(
            site("flat_map_push", Location::caller()),
            &(),
            move |_: &(), x, out: &mut Vec<U>| {
                f(x, out);
            },
        )
    }

    /// [`Rdd::flat_map_push`] with an environment.
    #[track_caller]
    pub fn flat_map_push_with<E: Environment, U: Data, F: Fn(&E, T, &mut Vec<U>) + Plain>(
        &self,
        environment: E,
        f: F,
    ) -> Rdd<U> {
        const { assert_captures_nothing::<F>() };
        self.flat_map_push_at(site("flat_map_push_with", Location::caller()), &environment, f)
    }

    fn flat_map_push_at<E: Environment, U: Data>(
        &self,
        site: CallSite,
        environment: &E,
        f: impl Fn(&E, T, &mut Vec<U>) + Plain,
    ) -> Rdd<U> {
        self.batchwise(site, None, environment, move |env: &E, batch, records: &Records| {
            let mut out = Vec::with_capacity(batch.len());
            records.for_each(batch, |x| f(env, x, &mut out));
            out
        })
    }

    /// Applies a function to each partition as a whole. The function gets the partition's records as an
    /// iterator and returns anything that can be iterated, lazily or not. The place for setup once per
    /// partition: a connection, a parser.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let sums = sc.range_in(0..10, 2).map_partitions(|records| [records.sum::<i64>()]);
    /// assert_eq!(sums.collect()?, [10, 35]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn map_partitions<I: IntoIterator<Item: Data> + 'static, F: Fn(PartitionIter<T>) -> I + Plain>(
        &self,
        f: F,
    ) -> Rdd<I::Item> {
        const { assert_captures_nothing::<F>() };
        let site = site("map_partitions", Location::caller());
        self.whole_partition(site, None, &(), move |_: &(), _, records| f(records))
    }

    /// [`Rdd::map_partitions`] with an environment.
    #[track_caller]
    pub fn map_partitions_with<
        E: Environment,
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(&E, PartitionIter<T>) -> I + Plain,
    >(
        &self,
        environment: E,
        f: F,
    ) -> Rdd<I::Item> {
        const { assert_captures_nothing::<F>() };
        let site = site("map_partitions_with", Location::caller());
        self.whole_partition(site, None, &environment, move |env: &E, _, records| f(env, records))
    }

    /// [`Rdd::map_partitions`] for a function that takes the partition's index too.
    #[track_caller]
    pub fn map_partitions_with_index<
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(usize, PartitionIter<T>) -> I + Plain,
    >(
        &self,
        f: F,
    ) -> Rdd<I::Item> {
        const { assert_captures_nothing::<F>() };
        let site = site("map_partitions_with_index", Location::caller());
        self.whole_partition(site, None, &(), move |_: &(), partition, records| f(partition.index(), records))
    }

    /// [`Rdd::map_partitions_with_index`] with an environment.
    #[track_caller]
    pub fn map_partitions_with_index_with<
        E: Environment,
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(&E, usize, PartitionIter<T>) -> I + Plain,
    >(
        &self,
        environment: E,
        f: F,
    ) -> Rdd<I::Item> {
        const { assert_captures_nothing::<F>() };
        let site = site("map_partitions_with_index_with", Location::caller());
        self.whole_partition(site, None, &environment, move |env: &E, partition, records| {
            f(env, partition.index(), records)
        })
    }

    pub(crate) fn whole_partition<E: Environment, I: IntoIterator<Item: Data> + 'static>(
        &self,
        site: CallSite,
        partitioner: Option<Partitioner>,
        environment: &E,
        f: impl Fn(&E, Partition, PartitionIter<T>) -> I + Plain,
    ) -> Rdd<I::Item> {
        self.narrow(site, partitioner, MapPartitions::<T, I, E, _>::code(environment, f))
    }

    /// Returns each partition as one vector.
    #[track_caller]
    pub fn glom(&self) -> Rdd<Vec<T>> {
        let site = site("glom", Location::caller());
        self.whole_partition(site, None, &(), |_: &(), _, records| [records.collect::<Vec<T>>()])
    }

    /// Pairs each record with a key that is computed from it: the key, then the record.
    #[track_caller]
    pub fn key_by<K: Data, F: Fn(&T) -> K + Plain>(&self, key: F) -> Rdd<(K, T)> {
        const { assert_captures_nothing::<F>() };
        self.map_at(site("key_by", Location::caller()), &(), move |_: &(), x| (key(&x), x))
    }

    /// [`Rdd::key_by`] with an environment.
    #[track_caller]
    pub fn key_by_with<E: Environment, K: Data, F: Fn(&E, &T) -> K + Plain>(
        &self,
        environment: E,
        key: F,
    ) -> Rdd<(K, T)> {
        const { assert_captures_nothing::<F>() };
        self.map_at(site("key_by_with", Location::caller()), &environment, move |env: &E, x| {
            (key(env, &x), x)
        })
    }

    /// Pairs each record with its index, from 0 over all partitions. The first action counts the partitions'
    /// records, if there are several.
    #[track_caller]
    pub fn zip_with_index(&self) -> Rdd<(T, u64)> {
        let site = site("zip_with_index", Location::caller());
        let count_site = site.clone();
        let code = OperatorCode::deferred(move |parents| {
            let starts = Rdd::<T>::of(parents[0].clone()).partition_starts(count_site.clone())?;
            let number = |starts: &Vec<u64>, partition: Partition, records: PartitionIter<T>| {
                let first = starts[partition.index()];
                records.enumerate().map(move |(i, x)| (x, first + i as u64))
            };
            MapPartitions::<T, _, Vec<u64>, _>::code(&starts, number)
                .map_err(|source| crate::Error::Data { site: count_site.clone(), source })
        });
        self.narrow(site, None, code)
    }

    /// Pairs each record with a number that no other record has: the `i`-th record of partition `p` of `n`
    /// gets `i * n + p`. Runs no job.
    #[track_caller]
    pub fn zip_with_unique_id(&self) -> Rdd<(T, u64)> {
        let site = site("zip_with_unique_id", Location::caller());
        let n = self.partitions();
        self.whole_partition(site, None, &n, |n: &u32, partition, records| {
            let n = u64::from(*n);
            records.enumerate().map(move |(i, x)| (x, i as u64 * n + u64::from(partition.0)))
        })
    }

    /// Returns the same records in fewer partitions, without a shuffle: neighbouring partitions become one.
    /// Never more partitions than there are.
    #[track_caller]
    pub fn coalesce(&self, partitions: usize) -> Rdd<T> {
        let site = site("coalesce", Location::caller());
        Rdd::of(self.untyped().coalesce(site, super::count(partitions), Coalesce::<T>::code))
    }
}
