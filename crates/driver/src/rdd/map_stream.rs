//! Transformations by functions of whole streams of batches: for callers whose operators make their batches
//! themselves, such as the module for Python.

use super::{OperatorCode, UntypedRdd};
use crate::error::{Error, Result};
use firesteel_closures::Plain;
use firesteel_data::{Data, Environment};
use firesteel_operators::{Batches, MapStream, MapStreams, Outcome, ShuffleRead, ShuffleWrite, Stream};
use firesteel_plan::Partitioner;
use firesteel_types::{CallSite, Partition};

/// The pairs of partitions of two RDDs that a function is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// Partitions of the same number.
    OneToOne,
    /// Each partition of the one with each of the other.
    Cartesian,
}

impl UntypedRdd {
    /// Makes an RDD of the batches that a function makes of each partition's batches. The records here are
    /// `T`s, those of the new RDD `U`s.
    pub fn map_stream<T, U, B, E, F>(&self, site: CallSite, environment: &E, f: F) -> UntypedRdd
    where
        T: Data,
        U: Data,
        B: Batches<U> + 'static,
        E: Environment,
        F: Fn(&E, Partition, Stream<T>) -> Outcome<B> + Plain,
    {
        self.narrow(site, None, MapStream::<T, U, B, E, F>::code(environment, f))
    }

    /// Makes an RDD as [`UntypedRdd::map_stream`] does, in a barrier stage: the function's stream knows its
    /// task, which can wait for the others.
    pub fn map_stream_behind_barrier<T, U, B, E, F>(
        &self,
        site: CallSite,
        environment: &E,
        f: F,
    ) -> UntypedRdd
    where
        T: Data,
        U: Data,
        B: Batches<U> + 'static,
        E: Environment,
        F: Fn(&E, Partition, Stream<T>) -> Outcome<B> + Plain,
    {
        self.narrow_behind_barrier(site, MapStream::<T, U, B, E, F>::code(environment, f))
    }

    /// Makes an RDD of the batches that a function makes of those of two partitions, one of this RDD's and
    /// one of the other's.
    ///
    /// # Errors
    /// When partitions of the same number are paired, and the numbers of partitions differ.
    pub fn map_streams<T, V, U, B, E, F>(
        &self,
        site: CallSite,
        other: &UntypedRdd,
        pairing: Pairing,
        environment: &E,
        f: F,
    ) -> Result<UntypedRdd>
    where
        T: Data,
        V: Data,
        U: Data,
        B: Batches<U> + 'static,
        E: Environment,
        F: Fn(&E, Partition, Stream<T>, Stream<V>) -> Outcome<B> + Plain,
    {
        let (left, right) = (self.partitions(), other.partitions());
        let each_with = (pairing == Pairing::Cartesian).then_some(right);
        let code: OperatorCode = MapStreams::<T, V, U, B, E, F>::code(environment, each_with, f).into();
        match pairing {
            Pairing::Cartesian => Ok(self.cartesian(site, other, code)),
            Pairing::OneToOne => self.zip(site.clone(), other, code).ok_or_else(|| {
                let message =
                    format!("one RDD has {left} partitions, the other {right}: they must have as many");
                Error::InvalidArgument { site, message }
            }),
        }
    }

    /// Makes an RDD of pairs of a partition's number and a `T`, each moved by a shuffle to the partition that
    /// it names.
    pub fn partition_by_number<T: Data>(&self, site: CallSite, partitions: u32) -> UntypedRdd {
        self.shuffled(
            site,
            Partitioner::Hash { partitions },
            |shuffle| {
                ShuffleWrite::<u32, T, (), _>::code(shuffle, partitions, &(), |_: &(), to: &u32| *to).into()
            },
            |shuffle| ShuffleRead::<u32, T>::code(shuffle).into(),
        )
    }
}
