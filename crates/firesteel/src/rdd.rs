//! [`Rdd`]: a lazy, partitioned collection, and all its methods.
//!
//! The files here follow Spark's chapters: transformations of records, of several RDDs, of pairs, joins,
//! sorting, sampling; then actions, numbers, approximations, saving.

mod actions;
mod approx;
mod asynchronous;
mod barrier;
mod checkpoint;
mod deprecated;
mod join;
mod numbers;
mod ordering;
mod pair_actions;
mod pairs;
mod persist;
mod pipe;
mod sampling;
mod save;
mod save_binary;
mod save_tables;
mod several;
mod sort;
mod transform;
mod tree;

pub use approx::{BoundedDouble, PartialResult};
pub use asynchronous::FutureAction;
pub use barrier::RddBarrier;
pub use numbers::{Number, StatCounter};
pub use ordering::Order;

use crate::Context;
use firesteel_data::Data;
use firesteel_driver::{OperatorCode, UntypedRdd};
use firesteel_plan::Partitioner;
use firesteel_types::{CallSite, ShuffleId};
use std::marker::PhantomData;

/// A lazy, partitioned collection of records.
///
/// A plain value: cheap to clone, storable, assignable in a loop. It holds no records, only how to compute
/// them; a transformation makes another one and computes nothing, an action runs a job.
pub struct Rdd<T> {
    context: Context,
    untyped: UntypedRdd,
    types: PhantomData<fn() -> T>,
}

impl<T> Clone for Rdd<T> {
    fn clone(&self) -> Self {
        Rdd { context: self.context.clone(), untyped: self.untyped.clone(), types: PhantomData }
    }
}

impl<T> std::fmt::Debug for Rdd<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RDD {} ({})", self.untyped.id(), self.untyped.site())
    }
}

impl<T: Data> Rdd<T> {
    /// Gives an untyped RDD, whose records are known to be `T`s, their type.
    pub(crate) fn of(untyped: UntypedRdd) -> Self {
        Rdd { context: Context::of(untyped.context().clone()), untyped, types: PhantomData }
    }

    /// Makes an RDD with one parent and its partitions.
    pub(crate) fn narrow<U: Data>(
        &self,
        site: CallSite,
        partitioner: Option<Partitioner>,
        code: impl Into<OperatorCode>,
    ) -> Rdd<U> {
        Rdd::of(self.untyped.narrow(site, partitioner, code))
    }

    /// Makes an RDD behind a shuffle of this one.
    pub(crate) fn shuffled<U: Data>(
        &self,
        site: CallSite,
        partitioner: Partitioner,
        write: impl FnOnce(ShuffleId) -> OperatorCode,
        read: impl FnOnce(ShuffleId) -> OperatorCode,
    ) -> Rdd<U> {
        Rdd::of(self.untyped.shuffled(site, partitioner, write, read))
    }

    /// The context that made the RDD.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The number of partitions.
    pub fn num_partitions(&self) -> usize {
        self.untyped.partitions() as usize
    }

    /// The RDD's id: RDDs of one context are numbered in the order in which they were made.
    pub fn id(&self) -> u32 {
        self.untyped.id().0
    }

    /// Gives the RDD a name, which pages show, and returns it.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let links = sc.range(0..10).map(|x| (x, x + 1)).set_name("links").cache();
    /// # assert_eq!(links.count()?, 10);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_name(self, name: &str) -> Self {
        self.untyped.set_name(Some(name.into()));
        self
    }

    /// Draws how the RDD is computed: one line for each RDD, nearest first; `+-` marks a shuffle, where
    /// stages are cut. The number in brackets is the number of partitions.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let counts = sc.range(0..100).map(|x| (x % 7, 1)).reduce_by_key(|a, b| a + b);
    /// println!("{}", counts.to_debug_string());
    /// # assert_eq!(counts.to_debug_string().lines().count(), 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_debug_string(&self) -> String {
        self.untyped.to_debug_string()
    }

    /// Returns whether a known rule placed the records, so that operations by key need no shuffle.
    pub fn is_partitioned(&self) -> bool {
        self.untyped.partitioner().is_some()
    }

    pub(crate) fn partitioner(&self) -> Option<Partitioner> {
        self.untyped.partitioner()
    }

    /// The number of partitions, in the type that plans use.
    pub(crate) fn partitions(&self) -> u32 {
        self.untyped.partitions()
    }

    /// The same RDD without the type of its records.
    pub(crate) fn untyped(&self) -> &UntypedRdd {
        &self.untyped
    }
}

/// Returns a user's number of partitions in the type that plans use: at least one.
pub(crate) fn count(partitions: usize) -> u32 {
    u32::try_from(partitions).unwrap_or(u32::MAX).max(1)
}
