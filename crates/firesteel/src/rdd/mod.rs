//! [`Rdd`]: a lazy, partitioned collection, and everything that can be asked of one.
//!
//! The files here follow Spark's chapters: transformations of records, of several RDDs, of pairs, joins, sorting, sampling;
//! then actions, numbers, approximations, saving.

mod actions;
mod approx;
mod asynchronous;
mod barrier;
mod checkpoint;
mod deprecated;
mod faces;
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

pub(crate) use checkpoint::finish_mark;

pub use approx::{BoundedDouble, PartialResult};
pub use asynchronous::FutureAction;
pub use barrier::RddBarrier;
#[doc(hidden)]
pub use faces::Waiting;
pub use numbers::{Number, StatCounter};
pub use ordering::Order;
pub use persist::StorageInfo;
pub(crate) use save::io_failure;

use crate::Context;
use crate::node::{InputBlocks, NodeCode, RddNode, ShuffleHandle, ShuffleWriteSpec, Source};
use crate::resolve;
use firesteel_data::Data;
use firesteel_plan::{Dependency, Mapping, Partitioner, RddInfo};
use firesteel_types::{CallSite, RddId, ShuffleId};
use std::marker::PhantomData;
use std::sync::Arc;

/// A lazy, partitioned collection of records.
///
/// A plain value: cheap to clone, storable, assignable in a loop. It holds no records, only how to compute them; a
/// transformation makes another one and computes nothing, an action runs a job.
pub struct Rdd<T> {
    context: Context,
    node: Arc<RddNode>,
    types: PhantomData<fn() -> T>,
}

impl<T> Clone for Rdd<T> {
    fn clone(&self) -> Self {
        Rdd { context: self.context.clone(), node: self.node.clone(), types: PhantomData }
    }
}

impl<T> std::fmt::Debug for Rdd<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RDD {} ({})", self.node.info.id, self.node.info.site)
    }
}

/// What a new RDD is made of.
pub(crate) struct Parts {
    pub(crate) site: CallSite,
    pub(crate) partitions: u32,
    pub(crate) partitioner: Option<Partitioner>,
    pub(crate) narrow: Vec<(Arc<RddNode>, Mapping)>,
    pub(crate) code: NodeCode,
}

impl Parts {
    /// The same; or, where an input is another context's, nothing but the reason why that cannot be.
    fn of_one(self, context: &Context) -> Self {
        if self.narrow.iter().all(|(parent, _)| parent.context == context.serial()) {
            return self;
        }
        let message = "one of the RDDs is of another context, and its records cannot be reached from this one. Make both from \
                       one context, or `collect` the other and `parallelize` it here";
        Parts { narrow: vec![], code: NodeCode::Broken(message.into()), ..self }
    }
}

impl<T: Data> Rdd<T> {
    /// An RDD that reads others partition by partition, or none.
    pub(crate) fn from_parts(context: &Context, parts: Parts) -> Self {
        Self::from_parts_with_blocks(context, context.next_rdd(), parts, None)
    }

    pub(crate) fn from_parts_with_blocks(
        context: &Context,
        id: RddId,
        parts: Parts,
        blocks: Option<InputBlocks>,
    ) -> Self {
        Self::from_parts_of(context, id, parts, blocks, false)
    }

    fn from_parts_of(
        context: &Context,
        id: RddId,
        parts: Parts,
        blocks: Option<InputBlocks>,
        barrier: bool,
    ) -> Self {
        let Parts { site, partitions, partitioner, narrow, code } = parts.of_one(context);
        let dependencies = narrow
            .iter()
            .map(|(parent, mapping)| Dependency::Narrow { parent: parent.info.id, mapping: mapping.clone() })
            .collect();
        let info = RddInfo { id, site, partitions, partitioner, dependencies, preferred: vec![], barrier };
        let parents = narrow.into_iter().map(|(parent, _)| parent).collect();
        let source =
            Source { info: Arc::new(info), parents, code, writes: vec![], checkpoint: None, _blocks: blocks };
        let node = RddNode::new(context, source);
        Rdd { context: context.clone(), node: Arc::new(node), types: PhantomData }
    }

    /// An RDD with one parent and its partitions.
    pub(crate) fn narrow<U: Data>(
        &self,
        site: CallSite,
        partitioner: Option<Partitioner>,
        code: impl Into<NodeCode>,
    ) -> Rdd<U> {
        let parts = Parts {
            site,
            partitions: self.node.info.partitions,
            partitioner,
            narrow: vec![(self.node.clone(), Mapping::OneToOne)],
            code: code.into(),
        };
        Rdd::from_parts(&self.context, parts)
    }

    /// An RDD behind a shuffle of this one.
    pub(crate) fn shuffled<U: Data>(
        &self,
        site: CallSite,
        partitioner: Partitioner,
        write: impl FnOnce(ShuffleId) -> NodeCode,
        read: impl FnOnce(ShuffleId) -> NodeCode,
    ) -> Rdd<U> {
        let shuffle = self.context.next_shuffle();
        let info = RddInfo {
            id: self.context.next_rdd(),
            site,
            partitions: partitioner.partitions(),
            partitioner: Some(partitioner),
            dependencies: vec![Dependency::Shuffle { parent: self.node.info.id, shuffle }],
            preferred: vec![],
            barrier: false,
        };
        let handle = ShuffleHandle { id: shuffle, driver: Arc::downgrade(self.context.driver()) };
        let source = Source {
            info: Arc::new(info),
            parents: vec![self.node.clone()],
            code: read(shuffle),
            writes: vec![ShuffleWriteSpec { shuffle: handle, code: write(shuffle) }],
            checkpoint: None,
            _blocks: None,
        };
        let node = RddNode::new(&self.context, source);
        Rdd { context: self.context.clone(), node: Arc::new(node), types: PhantomData }
    }

    /// An RDD of known type from its node.
    pub(crate) fn of(context: &Context, node: &Arc<RddNode>) -> Self {
        Rdd { context: context.clone(), node: node.clone(), types: PhantomData }
    }

    /// The context that made it.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// How many partitions it has.
    pub fn num_partitions(&self) -> usize {
        self.node.info.partitions as usize
    }

    /// Its id: RDDs of one context are numbered in the order in which they were made.
    pub fn id(&self) -> u32 {
        self.node.info.id.0
    }

    /// A picture of how it is computed: one line an RDD, nearest first; `+-` marks a shuffle, where stages are cut. The number
    /// in brackets is the count of partitions.
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
        resolve::lineage(&resolve::collect(&self.node)).to_debug_string(self.node.info.id)
    }

    /// Whether records lie where a known rule placed them, so that operations by key need no shuffle.
    pub fn is_partitioned(&self) -> bool {
        self.node.info.partitioner.is_some()
    }

    pub(crate) fn partitioner(&self) -> Option<Partitioner> {
        self.node.info.partitioner
    }

    pub(crate) fn node(&self) -> &Arc<RddNode> {
        &self.node
    }
}

/// A count of partitions from a user: at least one.
pub(crate) fn count(partitions: usize) -> u32 {
    u32::try_from(partitions).unwrap_or(u32::MAX).max(1)
}
