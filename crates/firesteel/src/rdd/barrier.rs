//! Barrier stages: functions whose tasks run at the same time and wait for one another.

use super::Rdd;
use firesteel_closures::{Plain, assert_captures_nothing};
use firesteel_data::{Data, Environment};
use firesteel_driver::site;
use firesteel_operators::{BarrierTaskContext, MapPartitions, PartitionIter};
use firesteel_types::{CallSite, Partition};
use std::panic::Location;

impl<T: Data> Rdd<T> {
    /// Returns the same records, for functions whose tasks all run at the same time and may wait for one
    /// another: to train a model that they share, for example, or to start a program of several processes.
    ///
    /// The stage with such a function is launched as a whole or not at all, when there are as many free slots
    /// as it has partitions; with fewer slots in all, the job fails at once. When one task fails, all are
    /// stopped and the whole stage runs again. Results, map outputs and cached partitions are always those of
    /// one attempt.
    ///
    /// Until the next shuffle, partitions must stay as they are: `union`, `coalesce`, `cartesian` and the
    /// like are rejected behind a barrier, as are actions that compute some partitions only (`take`, `first`,
    /// `to_local_iterator`).
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[3]").create()?;
    /// // Each task learns the largest record of all.
    /// let scaled = sc.range_in(1..7, 3).barrier().map_partitions(|task, records| {
    ///     let own: Vec<i64> = records.collect();
    ///     let largest = own.iter().max().copied().unwrap_or(0);
    ///     let all = task.all_gather(largest.to_string());
    ///     let largest = all.iter().filter_map(|text| text.parse::<i64>().ok()).max().unwrap_or(1);
    ///     own.into_iter().map(move |x| x as f64 / largest as f64)
    /// });
    /// assert_eq!(scaled.collect()?.last(), Some(&1.0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn barrier(&self) -> RddBarrier<T> {
        RddBarrier { rdd: self.clone() }
    }
}

/// An RDD whose tasks may wait for one another: see [`Rdd::barrier`].
#[derive(Clone, Debug)]
pub struct RddBarrier<T> {
    rdd: Rdd<T>,
}

impl<T: Data> RddBarrier<T> {
    /// Applies a function to each partition as a whole: as [`Rdd::map_partitions`], with a
    /// [`BarrierTaskContext`].
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let hosts = sc.range_in(0..2, 2).barrier().map_partitions(|task, _| {
    ///     task.barrier();
    ///     task.task_infos().into_iter().map(|info| info.host)
    /// });
    /// assert_eq!(hosts.collect()?, ["localhost"; 4]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn map_partitions<
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(&BarrierTaskContext, PartitionIter<T>) -> I + Plain,
    >(
        &self,
        f: F,
    ) -> Rdd<I::Item> {
        const { assert_captures_nothing::<F>() };
        let site = site("barrier.map_partitions", Location::caller());
        self.at_barrier(site, &(), move |_: &(), task, records| f(task, records))
    }

    /// [`RddBarrier::map_partitions`] with an environment.
    #[track_caller]
    pub fn map_partitions_with<
        E: Environment,
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(&E, &BarrierTaskContext, PartitionIter<T>) -> I + Plain,
    >(
        &self,
        environment: E,
        f: F,
    ) -> Rdd<I::Item> {
        const { assert_captures_nothing::<F>() };
        let site = site("barrier.map_partitions_with", Location::caller());
        self.at_barrier(site, &environment, f)
    }

    /// [`RddBarrier::map_partitions`] for a function that takes the partition's index too.
    #[track_caller]
    pub fn map_partitions_with_index<
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(usize, &BarrierTaskContext, PartitionIter<T>) -> I + Plain,
    >(
        &self,
        f: F,
    ) -> Rdd<I::Item> {
        const { assert_captures_nothing::<F>() };
        let site = site("barrier.map_partitions_with_index", Location::caller());
        self.at_barrier(site, &(), move |_: &(), task, records| f(task.partition(), task, records))
    }

    /// [`RddBarrier::map_partitions_with_index`] with an environment.
    #[track_caller]
    pub fn map_partitions_with_index_with<
        E: Environment,
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(&E, usize, &BarrierTaskContext, PartitionIter<T>) -> I + Plain,
    >(
        &self,
        environment: E,
        f: F,
    ) -> Rdd<I::Item> {
        const { assert_captures_nothing::<F>() };
        let site = site("barrier.map_partitions_with_index_with", Location::caller());
        self.at_barrier(site, &environment, move |env: &E, task, records| {
            f(env, task.partition(), task, records)
        })
    }

    fn at_barrier<E: Environment, I: IntoIterator<Item: Data> + 'static>(
        &self,
        site: CallSite,
        environment: &E,
        f: impl Fn(&E, &BarrierTaskContext, PartitionIter<T>) -> I + Plain,
    ) -> Rdd<I::Item> {
        let with_context = move |env: &E, _: Partition, records: PartitionIter<T>| {
            let task = BarrierTaskContext::new(records.task());
            f(env, &task, records)
        };
        let code = MapPartitions::<T, I, E, _>::code(environment, with_context);
        Rdd::of(self.rdd.untyped().narrow_behind_barrier(site, code))
    }
}
