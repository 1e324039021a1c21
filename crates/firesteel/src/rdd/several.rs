//! Transformations of two or more RDDs, and those that move records between partitions independently of their
//! values.

use super::{Rdd, count};
use crate::{Context, Error, Result};
use firesteel_closures::{Plain, assert_captures_nothing};
use firesteel_data::hash::hash_key;
use firesteel_data::{Data, Environment};
use firesteel_driver::site;
use firesteel_operators::{Cartesian, PartitionIter, ShuffleRead, ShuffleWrite, Union, ZipPartitions, watch};
use firesteel_plan::Partitioner as Placed;
use firesteel_types::CallSite;
use std::hash::Hash;
use std::panic::Location;

impl Context {
    /// Returns the records of several RDDs, one after the other. Repetitions stay.
    #[track_caller]
    pub fn union<T: Data>(&self, rdds: &[Rdd<T>]) -> Rdd<T> {
        union_at(self, site("union", Location::caller()), rdds)
    }
}

fn union_at<T: Data>(context: &Context, site: CallSite, rdds: &[Rdd<T>]) -> Rdd<T> {
    let untyped: Vec<_> = rdds.iter().map(|rdd| rdd.untyped().clone()).collect();
    Rdd::of(context.driver().union(site, &untyped, Union::<T>::code))
}

impl<T: Data> Rdd<T> {
    /// Returns the records of this RDD, then those of the other. Repetitions stay.
    #[track_caller]
    pub fn union(&self, other: &Rdd<T>) -> Rdd<T> {
        union_at(self.context(), site("union", Location::caller()), &[self.clone(), other.clone()])
    }

    /// Returns the records that both have, without repetitions.
    #[track_caller]
    pub fn intersection(&self, other: &Rdd<T>) -> Rdd<T>
    where
        T: Hash + Eq,
    {
        let site = site("intersection", Location::caller());
        let (mine, theirs) = (self.as_keys(&site), other.as_keys(&site));
        let groups = mine.cogroup_at(site.clone(), None, &theirs);
        let both = groups.filter_at(site.clone(), &(), |_: &(), (_, (a, b))| !a.is_empty() && !b.is_empty());
        both.map_at(site, &(), |_: &(), (x, _)| x)
    }

    /// Returns this RDD's records that the other does not have. Repetitions stay.
    #[track_caller]
    pub fn subtract(&self, other: &Rdd<T>) -> Rdd<T>
    where
        T: Hash + Eq,
    {
        let site = site("subtract", Location::caller());
        let left = self.as_keys(&site).subtract_by_key_at(site.clone(), &other.as_keys(&site));
        left.map_at(site, &(), |_: &(), (x, ())| x)
    }

    fn as_keys(&self, site: &CallSite) -> Rdd<(T, ())> {
        self.map_at(site.clone(), &(), |_: &(), x| (x, ()))
    }

    /// Returns every pair of a record of this RDD and one of the other.
    #[track_caller]
    pub fn cartesian<U: Data>(&self, other: &Rdd<U>) -> Rdd<(T, U)> {
        let site = site("cartesian", Location::caller());
        let code = Cartesian::<T, U>::code(other.partitions());
        Rdd::of(self.untyped().cartesian(site, other.untyped(), code))
    }

    /// Pairs records at the same place: both RDDs must have the same number of partitions, and the same
    /// number of records in each.
    ///
    /// # Errors
    /// When the numbers of partitions differ. Different numbers of records fail the job.
    #[track_caller]
    pub fn zip<U: Data>(&self, other: &Rdd<U>) -> Result<Rdd<(T, U)>> {
        let site = site("zip", Location::caller());
        self.zip_partitions_at(site, other, &(), |_: &(), left, right| Zipped { left, right })
    }

    /// Applies a function to partition `i` of this RDD and partition `i` of the other.
    ///
    /// # Errors
    /// When the numbers of partitions differ.
    #[track_caller]
    pub fn zip_partitions<U, I, F>(&self, other: &Rdd<U>, f: F) -> Result<Rdd<I::Item>>
    where
        U: Data,
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(PartitionIter<T>, PartitionIter<U>) -> I + Plain,
    {
        const { assert_captures_nothing::<F>() };
        let site = site("zip_partitions", Location::caller());
        self.zip_partitions_at(site, other, &(), move |_: &(), left, right| f(left, right))
    }

    /// [`Rdd::zip_partitions`] with an environment.
    ///
    /// # Errors
    /// When the numbers of partitions differ.
    #[track_caller]
    pub fn zip_partitions_with<E, U, I, F>(
        &self,
        other: &Rdd<U>,
        environment: E,
        f: F,
    ) -> Result<Rdd<I::Item>>
    where
        E: Environment,
        U: Data,
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(&E, PartitionIter<T>, PartitionIter<U>) -> I + Plain,
    {
        const { assert_captures_nothing::<F>() };
        self.zip_partitions_at(site("zip_partitions_with", Location::caller()), other, &environment, f)
    }

    fn zip_partitions_at<E: Environment, U: Data, I: IntoIterator<Item: Data> + 'static>(
        &self,
        site: CallSite,
        other: &Rdd<U>,
        environment: &E,
        f: impl Fn(&E, PartitionIter<T>, PartitionIter<U>) -> I + Plain,
    ) -> Result<Rdd<I::Item>> {
        let code = ZipPartitions::<T, U, I, E, _>::code(environment, f);
        let zipped = self.untyped().zip(site.clone(), other.untyped(), code);
        zipped.map(Rdd::of).ok_or_else(|| {
            let message = format!(
                "one RDD has {} partitions, the other {}. `repartition` one of them, or give both a key and `join`",
                self.partitions(),
                other.partitions()
            );
            Error::InvalidArgument { site, message }
        })
    }

    /// Spreads the records evenly over `partitions` partitions, by a shuffle.
    ///
    /// The partition that a record goes to depends on its place in its partition, never on when it arrives,
    /// so a task that runs again sends each record to the same partition as before.
    #[track_caller]
    pub fn repartition(&self, partitions: usize) -> Rdd<T> {
        let site = site("repartition", Location::caller());
        let reducers = count(partitions);
        let numbered = self.whole_partition(site.clone(), None, &reducers, |n: &u32, partition, records| {
            // Partitions begin at different places, so that many small ones do not all fill the first few.
            let (n, start) = (u64::from(*n), hash_key(&partition.0));
            records.enumerate().map(move |(i, x)| (((start % n + i as u64) % n) as u32, x))
        });
        let dealt: Rdd<(u32, T)> = numbered.shuffled(
            site.clone(),
            Placed::Hash { partitions: reducers },
            |shuffle| {
                ShuffleWrite::<u32, T, (), _>::code(shuffle, reducers, &(), |_: &(), to: &u32| *to).into()
            },
            |shuffle| ShuffleRead::<u32, T>::code(shuffle).into(),
        );
        dealt.map_at(site, &(), |_: &(), (_, x)| x)
    }
}

/// Two partitions, record by record.
struct Zipped<A: Data, B: Data> {
    left: PartitionIter<A>,
    right: PartitionIter<B>,
}

impl<A: Data, B: Data> Iterator for Zipped<A, B> {
    type Item = (A, B);

    fn next(&mut self) -> Option<(A, B)> {
        let refuse = |shorter: &str| -> ! {
            let advice = "zip wants the same number of records in each; `zip_with_index` both and `join` by the index instead";
            watch::refuse("zip two partitions", format!("the {shorter} one has fewer records. {advice}"))
        };
        match (self.left.next(), self.right.next()) {
            (Some(a), Some(b)) => Some((a, b)),
            (None, None) => None,
            (None, Some(_)) => refuse("left"),
            (Some(_), None) => refuse("right"),
        }
    }
}
