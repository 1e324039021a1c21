//! Actions: methods that run a job and return an answer.
//!
//! Every task computes one partition's share; the shares are combined on the driver in the order of
//! partitions, so that the answer does not depend on which task was faster.

use super::Rdd;
use crate::{Error, Result};
use firesteel_closures::{Plain, assert_captures_nothing};
use firesteel_data::block::{decode_value, encode_value, take_records, write_records};
use firesteel_data::hash::hash_key;
use firesteel_data::hyperloglog::HyperLogLog;
use firesteel_data::{Data, DataError, Environment};
use firesteel_driver::site;
use firesteel_operators::{OperatorRef, Outcome, PartitionIter, Records, ResultTask, Stream, data_failure};
use firesteel_types::{CallSite, Partition};
use std::collections::HashMap;
use std::hash::Hash;
use std::panic::Location;

impl<T: Data> Rdd<T> {
    /// The code of an action's tasks: a function from a partition to bytes.
    pub(crate) fn terminal<E: Environment>(
        &self,
        site: &CallSite,
        environment: &E,
        f: impl Fn(&E, Partition, Stream<T>) -> Outcome<Vec<u8>> + Plain,
    ) -> Result<OperatorRef> {
        ResultTask::<T, E, _>::code(environment, f)
            .map_err(|source| Error::Data { site: site.clone(), source })
    }

    pub(crate) fn all_partitions(&self) -> Vec<Partition> {
        self.untyped().all_partitions()
    }

    /// Runs a job over all partitions whose tasks return one value each; returns the values, in the order of
    /// partitions.
    pub(crate) fn each_partition<E: Environment, U: Data>(
        &self,
        site: CallSite,
        environment: &E,
        f: impl Fn(&E, Partition, Stream<T>) -> Outcome<U> + Plain,
    ) -> Result<Vec<U>> {
        self.untyped().each_partition(site, environment, f)
    }

    /// Returns all records, in the order of partitions, in the driver's memory.
    ///
    /// # Errors
    /// When the job fails, or the records take more than `firesteel.driver.max_result_size`.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// assert_eq!(sc.range_in(0..5, 3).collect()?, [0, 1, 2, 3, 4]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn collect(&self) -> Result<Vec<T>> {
        self.collect_at(site("collect", Location::caller()), self.all_partitions())
    }

    pub(crate) fn collect_at(&self, site: CallSite, partitions: Vec<Partition>) -> Result<Vec<T>> {
        let terminal = self.terminal(&site, &(), |_: &(), _, stream| write_all(stream, usize::MAX))?;
        let results = self.untyped().run_in_order(site.clone(), terminal, partitions)?;
        let mut records = vec![];
        for bytes in results {
            read_all(&bytes, &mut records).map_err(|source| Error::Data { site: site.clone(), source })?;
        }
        Ok(records)
    }

    /// Returns the number of records.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn count(&self) -> Result<u64> {
        Ok(self.counts(site("count", Location::caller()))?.into_iter().sum())
    }

    /// Returns the number of records of each partition.
    pub(crate) fn counts(&self, site: CallSite) -> Result<Vec<u64>> {
        self.each_partition(site, &(), |_: &(), _, stream| {
            let mut count = 0u64;
            stream.for_each(|batch| {
                count += batch.len() as u64;
                Ok(())
            })?;
            Ok(count)
        })
    }

    /// Returns the index of each partition's first record. Runs a job if there are several partitions.
    pub(crate) fn partition_starts(&self, site: CallSite) -> Result<Vec<u64>> {
        if self.num_partitions() <= 1 {
            return Ok(vec![0; self.num_partitions()]);
        }
        let counts = self.counts(site)?;
        Ok(counts.iter().scan(0, |next, count| Some(std::mem::replace(next, *next + count))).collect())
    }

    /// Returns the first record.
    ///
    /// # Errors
    /// When there is no record, or the job fails.
    #[track_caller]
    pub fn first(&self) -> Result<T> {
        let site = site("first", Location::caller());
        let first = self.take_at(site.clone(), 1)?.pop();
        first.ok_or(Error::Empty { site, instead: " Use `take(1)` if there may be no record" })
    }

    /// Returns the first `n` records. Computes the first partition, and further ones only as far as they are
    /// needed.
    ///
    /// # Errors
    /// When a job fails.
    #[track_caller]
    pub fn take(&self, n: usize) -> Result<Vec<T>> {
        self.take_at(site("take", Location::caller()), n)
    }

    pub(crate) fn take_at(&self, site: CallSite, n: usize) -> Result<Vec<T>> {
        /// The factor by which each further job looks at more partitions than were looked at before.
        const SCALE_UP: u32 = 4;
        let (mut taken, mut scanned, all) = (vec![], 0u32, self.partitions());
        while taken.len() < n && scanned < all {
            let next = if scanned == 0 { 1 } else { scanned.saturating_mul(SCALE_UP) };
            let upto = all.min(scanned.saturating_add(next));
            let left = n - taken.len();
            let terminal = self.terminal(&site, &left, |left: &usize, _, stream| write_all(stream, *left))?;
            let partitions = (scanned..upto).map(Partition).collect();
            for bytes in self.untyped().run_in_order(site.clone(), terminal, partitions)? {
                read_all(&bytes, &mut taken).map_err(|source| Error::Data { site: site.clone(), source })?;
            }
            scanned = upto;
        }
        taken.truncate(n);
        Ok(taken)
    }

    /// Returns whether there is no record.
    ///
    /// # Errors
    /// When a job fails.
    #[track_caller]
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.take_at(site("is_empty", Location::caller()), 1)?.is_empty())
    }

    /// Combines all records into one by a function of two. The function must be associative and commutative.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// assert_eq!(sc.range(1..101).reduce(|a, b| a + b)?, 5050);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When there is no record, or the job fails.
    #[track_caller]
    pub fn reduce<F: Fn(T, T) -> T + Plain>(&self, f: F) -> Result<T> {
        const { assert_captures_nothing::<F>() };
        self.reduce_at(site("reduce", Location::caller()), &(), move |_: &(), a, b| f(a, b))
    }

    /// [`Rdd::reduce`] with an environment.
    ///
    /// # Errors
    /// As [`Rdd::reduce`].
    #[track_caller]
    pub fn reduce_with<E: Environment, F: Fn(&E, T, T) -> T + Plain>(
        &self,
        environment: E,
        f: F,
    ) -> Result<T> {
        const { assert_captures_nothing::<F>() };
        self.reduce_at(site("reduce_with", Location::caller()), &environment, f)
    }

    pub(crate) fn reduce_at<E: Environment>(
        &self,
        site: CallSite,
        environment: &E,
        f: impl Fn(&E, T, T) -> T + Plain,
    ) -> Result<T> {
        let partial = self.each_partition(site.clone(), environment, move |env: &E, _, stream| {
            let mut state: Option<T> = None;
            stream.for_each(|batch| {
                state = match state.take() {
                    None => batch.reduce(|a, b| f(env, a, b)),
                    Some(state) => Some(batch.fold(state, |a, b| f(env, a, b))),
                };
                Ok(())
            })?;
            Ok(state)
        })?;
        let reduce = || partial.into_iter().flatten().reduce(|a, b| f(environment, a, b));
        self.context()
            .driver()
            .put_together(&site, reduce)?
            .ok_or(Error::Empty { site, instead: " Use `fold` with a first value" })
    }

    /// Adds all records to `zero` by a function of two. `zero` is used once for each partition and once for
    /// all, so it must be neutral.
    ///
    /// # Errors
    /// When the job fails. Without records, the answer is `zero`.
    #[track_caller]
    pub fn fold<F: Fn(T, T) -> T + Plain>(&self, zero: T, f: F) -> Result<T> {
        const { assert_captures_nothing::<F>() };
        let site = site("fold", Location::caller());
        self.aggregate_at(site, (zero, ()), move |_: &(), a, b| f(a, b), move |_: &(), a, b| f(a, b))
    }

    /// [`Rdd::fold`] with an environment.
    ///
    /// # Errors
    /// As [`Rdd::fold`].
    #[track_caller]
    pub fn fold_with<E: Environment, F: Fn(&E, T, T) -> T + Plain>(
        &self,
        environment: E,
        zero: T,
        f: F,
    ) -> Result<T> {
        const { assert_captures_nothing::<F>() };
        self.aggregate_at(site("fold_with", Location::caller()), (zero, environment), f, f)
    }

    /// Gathers all records into a value of another type: `add` takes in a record, `unite` combines two
    /// partitions' values.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let (sum, count) = sc.range(0..5).aggregate(
    ///     (0, 0),
    ///     |(sum, count), x| (sum + x, count + 1),
    ///     |(s1, c1), (s2, c2)| (s1 + s2, c1 + c2),
    /// )?;
    /// assert_eq!((sum, count), (10, 5));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn aggregate<U: Data, A: Fn(U, T) -> U + Plain, B: Fn(U, U) -> U + Plain>(
        &self,
        zero: U,
        add: A,
        unite: B,
    ) -> Result<U> {
        const { assert_captures_nothing::<A>() };
        const { assert_captures_nothing::<B>() };
        let site = site("aggregate", Location::caller());
        self.aggregate_at(site, (zero, ()), move |_: &(), u, x| add(u, x), move |_: &(), a, b| unite(a, b))
    }

    /// [`Rdd::aggregate`] with an environment.
    ///
    /// # Errors
    /// As [`Rdd::aggregate`].
    #[track_caller]
    pub fn aggregate_with<
        E: Environment,
        U: Data,
        A: Fn(&E, U, T) -> U + Plain,
        B: Fn(&E, U, U) -> U + Plain,
    >(
        &self,
        environment: E,
        zero: U,
        add: A,
        unite: B,
    ) -> Result<U> {
        const { assert_captures_nothing::<A>() };
        const { assert_captures_nothing::<B>() };
        self.aggregate_at(site("aggregate_with", Location::caller()), (zero, environment), add, unite)
    }

    pub(crate) fn aggregate_at<E: Environment, U: Data>(
        &self,
        site: CallSite,
        (zero, environment): (U, E),
        add: impl Fn(&E, U, T) -> U + Plain,
        unite: impl Fn(&E, U, U) -> U + Plain,
    ) -> Result<U> {
        let sent = (zero, environment);
        let partial = self.each_partition(site.clone(), &sent, move |(zero, env): &(U, E), _, stream| {
            let mut state = Some(zero.clone());
            stream.for_each(|batch| {
                state = state.take().map(|state| batch.fold(state, |u, x| add(env, u, x)));
                Ok(())
            })?;
            Ok(state)
        })?;
        let (zero, environment) = sent;
        self.context().driver().put_together(&site, || {
            partial.into_iter().flatten().fold(zero, |a, b| unite(&environment, a, b))
        })
    }

    /// Runs a function on each record, for its effects. Effects happen where tasks run, and again when a task
    /// is tried again.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn foreach<F: Fn(T) + Plain>(&self, f: F) -> Result<()> {
        const { assert_captures_nothing::<F>() };
        self.foreach_at(site("foreach", Location::caller()), &(), move |_: &(), x| f(x))
    }

    /// [`Rdd::foreach`] with an environment.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn foreach_with<E: Environment, F: Fn(&E, T) + Plain>(&self, environment: E, f: F) -> Result<()> {
        const { assert_captures_nothing::<F>() };
        self.foreach_at(site("foreach_with", Location::caller()), &environment, f)
    }

    pub(crate) fn foreach_at<E: Environment>(
        &self,
        site: CallSite,
        environment: &E,
        f: impl Fn(&E, T) + Plain,
    ) -> Result<()> {
        self.each_partition(site, environment, move |env: &E, _, stream| {
            let records = Records::of(stream.task());
            stream.for_each(|batch| {
                records.for_each(batch, |x| f(env, x));
                Ok(())
            })
        })?;
        Ok(())
    }

    /// Runs a function on each partition, for its effects.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn foreach_partition<F: Fn(PartitionIter<T>) + Plain>(&self, f: F) -> Result<()> {
        const { assert_captures_nothing::<F>() };
        let site = site("foreach_partition", Location::caller());
        self.foreach_partition_at(site, &(), move |_: &(), records| f(records))
    }

    /// [`Rdd::foreach_partition`] with an environment.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn foreach_partition_with<E: Environment, F: Fn(&E, PartitionIter<T>) + Plain>(
        &self,
        environment: E,
        f: F,
    ) -> Result<()> {
        const { assert_captures_nothing::<F>() };
        self.foreach_partition_at(site("foreach_partition_with", Location::caller()), &environment, f)
    }

    pub(crate) fn foreach_partition_at<E: Environment>(
        &self,
        site: CallSite,
        environment: &E,
        f: impl Fn(&E, PartitionIter<T>) + Plain,
    ) -> Result<()> {
        self.each_partition(site, environment, move |env: &E, _, stream| {
            f(env, PartitionIter::new(stream));
            Ok(())
        })?;
        Ok(())
    }

    /// Returns the number of occurrences of each record.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn count_by_value(&self) -> Result<HashMap<T, u64>>
    where
        T: Hash + Eq,
    {
        let site = site("count_by_value", Location::caller());
        let ones = self.map_at(site.clone(), &(), |_: &(), x| (x, 1u64));
        let counts = ones.reduce_by_key_at(site.clone(), None, (), |_: &(), a, b| a + b);
        Ok(counts.collect_at(site, counts.all_partitions())?.into_iter().collect())
    }

    /// Returns the least record.
    ///
    /// # Errors
    /// When there is no record, or the job fails.
    #[track_caller]
    pub fn min(&self) -> Result<T>
    where
        T: Ord,
    {
        self.reduce_at(site("min", Location::caller()), &(), |_: &(), a, b| a.min(b))
    }

    /// Returns the greatest record.
    ///
    /// # Errors
    /// When there is no record, or the job fails.
    #[track_caller]
    pub fn max(&self) -> Result<T>
    where
        T: Ord,
    {
        self.reduce_at(site("max", Location::caller()), &(), |_: &(), a, b| a.max(b))
    }

    /// Runs a function on each partition and returns its results, in the order of partitions: the basis of
    /// all actions.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn run_job<U: Data, F: Fn(usize, PartitionIter<T>) -> U + Plain>(&self, f: F) -> Result<Vec<U>> {
        const { assert_captures_nothing::<F>() };
        let site = site("run_job", Location::caller());
        self.each_partition(site, &(), move |_: &(), partition, stream| {
            Ok(f(partition.index(), PartitionIter::new(stream)))
        })
    }

    /// [`Rdd::run_job`] with an environment, on some partitions only, with a handler that gets each result on
    /// this thread as soon as it has come: the position among `partitions`, and the value.
    ///
    /// # Errors
    /// When a partition does not exist, or the job fails.
    #[track_caller]
    pub fn run_job_with<E: Environment, U: Data, F: Fn(&E, usize, PartitionIter<T>) -> U + Plain>(
        &self,
        environment: E,
        partitions: &[usize],
        f: F,
        mut handler: impl FnMut(usize, U),
    ) -> Result<()> {
        const { assert_captures_nothing::<F>() };
        let site = site("run_job_with", Location::caller());
        if let Some(wrong) = partitions.iter().find(|p| **p >= self.num_partitions()) {
            let message = format!("there is no partition {wrong}: the RDD has {}", self.num_partitions());
            return Err(Error::InvalidArgument { site, message });
        }
        let terminal = self.terminal(&site, &environment, move |env: &E, partition, stream| {
            encode_value(&f(env, partition.index(), PartitionIter::new(stream))).map_err(data_failure)
        })?;
        let partitions = partitions.iter().map(|p| Partition(*p as u32)).collect();
        self.untyped().submit(site.clone(), terminal, partitions)?.wait(|output, bytes| {
            handler(
                output,
                decode_value(&bytes).map_err(|source| Error::Data { site: site.clone(), source })?,
            );
            Ok(())
        })
    }

    /// Returns the records one after the other, with one partition at a time in the driver's memory. Each
    /// partition is a job of its own; after an error there are no more records.
    #[track_caller]
    pub fn to_local_iterator(&self) -> impl Iterator<Item = Result<T>> + use<T> {
        let (rdd, site) = (self.clone(), site("to_local_iterator", Location::caller()));
        let mut failed = false;
        let partitions = rdd.all_partitions().into_iter();
        partitions.flat_map(move |partition| {
            if failed {
                return vec![].into_iter();
            }
            match rdd.collect_at(site.clone(), vec![partition]) {
                Ok(records) => records.into_iter().map(Ok).collect::<Vec<_>>().into_iter(),
                Err(error) => {
                    failed = true;
                    vec![Err(error)].into_iter()
                }
            }
        })
    }

    /// Estimates the number of different records, with this relative standard deviation: 0.05 is usual;
    /// smaller takes more memory (0.01: 16 KiB a task).
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn count_approx_distinct(&self, relative_error: f64) -> Result<u64>
    where
        T: Hash,
    {
        let site = site("count_approx_distinct", Location::caller());
        let sketches = self.each_partition(site, &relative_error, |relative_error: &f64, _, stream| {
            let mut sketch = HyperLogLog::with_relative_error(*relative_error);
            stream.for_each(|batch| {
                batch.as_slice().iter().for_each(|x| sketch.add(hash_key(x)));
                Ok(())
            })?;
            Ok(sketch)
        })?;
        let united = sketches.into_iter().reduce(|mut a, b| {
            a.merge(&b);
            a
        });
        Ok(united.map_or(0, |sketch| sketch.estimate()))
    }
}

/// Encodes the first `at_most` records of a stream, as blocks.
pub(crate) fn write_all<T: Data>(mut stream: Stream<T>, at_most: usize) -> Outcome<Vec<u8>> {
    let (mut out, mut left) = (vec![], at_most);
    while left > 0
        && let Some(batch) = stream.next_batch()?
    {
        let records = &batch.as_slice()[..batch.len().min(left)];
        write_records(records, &mut out).map_err(data_failure)?;
        left -= records.len();
    }
    Ok(out)
}

/// Appends the records of blocks.
pub(crate) fn read_all<T: Data>(
    mut bytes: &[u8],
    records: &mut Vec<T>,
) -> std::result::Result<(), DataError> {
    while let Some(more) = take_records(&mut bytes)? {
        match records.is_empty() {
            true => *records = more,
            false => records.extend(more),
        }
    }
    Ok(())
}
