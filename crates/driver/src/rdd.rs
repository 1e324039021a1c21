//! [`UntypedRdd`]: a lazy, partitioned collection of records whose type only its caller knows.
//!
//! Typed RDDs and those of other languages are built on it. Operators, which know their records' types, come
//! ready made, as [`OperatorCode`]; a method that makes one itself is told the type of the records.

mod checkpoint;
pub(crate) mod map_stream;
pub(crate) mod persist;
mod run;
mod save;
pub(crate) mod save_sequences;
#[cfg(feature = "parquet")]
pub(crate) mod save_table;
mod saving;

use crate::context::DriverContext;
use crate::error::Result;
use crate::node::{InputBlocks, NodeCode, RddNode, ShuffleHandle, ShuffleWriteSpec, Source};
use crate::resolve;
use firesteel_data::DataError;
use firesteel_operators::OperatorRef;
use firesteel_plan::{Dependency, Mapping, Partitioner, RddInfo};
use firesteel_types::{BlockId, CallSite, Partition, RddId, ShuffleId};
use std::sync::Arc;

/// A lazy, partitioned collection of records, without their type. Cheap to clone; clones are the same RDD.
#[derive(Clone)]
pub struct UntypedRdd {
    context: DriverContext,
    node: Arc<RddNode>,
}

/// The parts that a new RDD is made of.
pub struct Parts {
    /// The line of the program that asks for it.
    pub site: CallSite,
    /// The number of partitions.
    pub partitions: u32,
    /// The rule by which records were placed, if it is known.
    pub partitioner: Option<Partitioner>,
    /// The RDDs that it reads without a shuffle, and which of their partitions each of its own reads.
    pub narrow: Vec<(UntypedRdd, Mapping)>,
    /// Its operator.
    pub code: OperatorCode,
    /// True if its tasks all run at the same time and may wait for one another.
    pub barrier: bool,
}

type MakeCode = dyn Fn(&[UntypedRdd]) -> Result<OperatorRef> + Send + Sync;

/// The code of an RDD's operator.
pub enum OperatorCode {
    /// Code that is known when the RDD is made.
    Ready(OperatorRef),
    /// Code that could not be made; each action fails with this reason.
    Broken(String),
    /// Code that needs a job of its own first (bounds of a sort, offsets of a numbering): made by the first
    /// action that needs it, from the RDD's parents.
    Deferred(Box<MakeCode>),
}

impl OperatorCode {
    /// Returns code that the first action that needs it makes, from the RDD's parents.
    pub fn deferred(make: impl Fn(&[UntypedRdd]) -> Result<OperatorRef> + Send + Sync + 'static) -> Self {
        OperatorCode::Deferred(Box::new(make))
    }

    fn into_node_code(self) -> NodeCode {
        match self {
            OperatorCode::Ready(code) => NodeCode::Ready(code),
            OperatorCode::Broken(message) => NodeCode::Broken(message),
            OperatorCode::Deferred(make) => NodeCode::deferred(move |context, parents| {
                let parents: Vec<_> = parents.iter().map(|node| UntypedRdd::of(context, node)).collect();
                make(&parents)
            }),
        }
    }
}

impl From<std::result::Result<OperatorRef, DataError>> for OperatorCode {
    fn from(code: std::result::Result<OperatorRef, DataError>) -> Self {
        match code {
            Ok(code) => OperatorCode::Ready(code),
            Err(error) => OperatorCode::Broken(error.to_string()),
        }
    }
}

impl Parts {
    /// Describes an RDD that reads no others.
    pub fn source(site: CallSite, partitions: u32, code: impl Into<OperatorCode>) -> Self {
        let code = code.into();
        Parts { site, partitions, partitioner: None, narrow: vec![], code, barrier: false }
    }

    /// Returns the same parts; or, if an input belongs to another context, only the reason why that cannot
    /// be.
    fn of_one(self, context: &DriverContext) -> Self {
        if self.narrow.iter().all(|(parent, _)| parent.node.context == context.serial()) {
            return self;
        }
        let message = "one of the RDDs belongs to another context, and its records cannot be reached from this one. Make both from \
                       one context, or `collect` the other and `parallelize` it here";
        Parts { narrow: vec![], code: OperatorCode::Broken(message.into()), ..self }
    }
}

impl DriverContext {
    /// Makes an RDD that reads others partition by partition, or none.
    pub fn rdd(&self, parts: Parts) -> UntypedRdd {
        UntypedRdd::from_parts(self, self.next_rdd(), parts, None)
    }

    /// Makes an RDD of the driver's own data: each partition reads one block. If a block could not be
    /// encoded, the first action fails with the reason.
    pub fn rdd_of_blocks(
        &self,
        site: CallSite,
        blocks: impl ExactSizeIterator<Item = std::result::Result<Arc<[u8]>, DataError>>,
        code: std::result::Result<OperatorRef, DataError>,
    ) -> UntypedRdd {
        let (id, partitions) = (self.next_rdd(), blocks.len() as u32);
        let store = &self.services().blocks;
        let mut code = code;
        let mut hash = self.recovery().map(|_| blake3::Hasher::new());
        for (i, block) in blocks.enumerate() {
            let name = BlockId::Input(id, Partition(i as u32));
            if let (Some(hash), Ok(block)) = (&mut hash, &block) {
                hash.update(&(block.len() as u64).to_le_bytes()).update(block);
            }
            code = block.and_then(|block| store.put(name, block)).and(code);
        }
        if let (Some(recovery), Some(hash)) = (self.recovery(), hash) {
            recovery.note_input(id, *hash.finalize().as_bytes());
        }
        let blocks = InputBlocks { rdd: id, partitions, blocks: store.clone() };
        UntypedRdd::from_parts(self, id, Parts::source(site, partitions, code), Some(blocks))
    }

    /// Makes the union of several RDDs: their partitions, one after the other. `code` makes the operator from
    /// their counts.
    pub fn union(
        &self,
        site: CallSite,
        rdds: &[UntypedRdd],
        code: impl FnOnce(&[u32]) -> std::result::Result<OperatorRef, DataError>,
    ) -> UntypedRdd {
        let sizes: Vec<u32> = rdds.iter().map(UntypedRdd::partitions).collect();
        let (mut narrow, mut start) = (vec![], 0);
        for (rdd, size) in rdds.iter().zip(&sizes) {
            narrow.push((rdd.clone(), Mapping::Range(start..start + size)));
            start += size;
        }
        self.rdd(Parts { narrow, ..Parts::source(site, start, code(&sizes)) })
    }
}

impl UntypedRdd {
    /// Returns the most partitions of a source of this RDD, if unions that follow each other have added partitions up
    /// on the way to it: a loop that goes on like that soon stands still.
    pub fn sources_of_growth(&self) -> Option<u32> {
        resolve::growth(&resolve::collect(&self.node)).map(|growth| growth.sources)
    }

    fn from_parts(context: &DriverContext, id: RddId, parts: Parts, blocks: Option<InputBlocks>) -> Self {
        let Parts { site, partitions, partitioner, narrow, code, barrier } = parts.of_one(context);
        let dependencies = narrow
            .iter()
            .map(|(parent, mapping)| Dependency::Narrow { parent: parent.id(), mapping: mapping.clone() })
            .collect();
        let info = RddInfo { id, site, partitions, partitioner, dependencies, preferred: vec![], barrier };
        let parents = narrow.into_iter().map(|(parent, _)| parent.node).collect();
        let (info, code) = (Arc::new(info), code.into_node_code());
        let source = Source { info, parents, code, writes: vec![], checkpoint: None, _blocks: blocks };
        UntypedRdd { context: context.clone(), node: Arc::new(RddNode::new(context, source)) }
    }

    fn of(context: &DriverContext, node: &Arc<RddNode>) -> Self {
        UntypedRdd { context: context.clone(), node: node.clone() }
    }

    /// Makes an RDD with this one as its parent, and its partitions.
    pub fn narrow(
        &self,
        site: CallSite,
        partitioner: Option<Partitioner>,
        code: impl Into<OperatorCode>,
    ) -> UntypedRdd {
        self.context.rdd(Parts { partitioner, ..self.narrow_parts(site, code) })
    }

    /// Makes an RDD as [`UntypedRdd::narrow`] does, in a barrier stage: all its tasks run at the same time,
    /// and may wait for one another.
    pub fn narrow_behind_barrier(&self, site: CallSite, code: impl Into<OperatorCode>) -> UntypedRdd {
        self.context.rdd(Parts { barrier: true, ..self.narrow_parts(site, code) })
    }

    fn narrow_parts(&self, site: CallSite, code: impl Into<OperatorCode>) -> Parts {
        let narrow = vec![(self.clone(), Mapping::OneToOne)];
        Parts { narrow, ..Parts::source(site, self.partitions(), code) }
    }

    /// Makes an RDD that reads each partition of this one with the partition of the same number of the other;
    /// `None` when the numbers of partitions differ.
    pub fn zip(
        &self,
        site: CallSite,
        other: &UntypedRdd,
        code: impl Into<OperatorCode>,
    ) -> Option<UntypedRdd> {
        let narrow = vec![(self.clone(), Mapping::OneToOne), (other.clone(), Mapping::OneToOne)];
        let parts = Parts { narrow, ..Parts::source(site, self.partitions(), code) };
        (self.partitions() == other.partitions()).then(|| self.context.rdd(parts))
    }

    /// Makes an RDD that reads each partition of this one with each of the other.
    pub fn cartesian(&self, site: CallSite, other: &UntypedRdd, code: impl Into<OperatorCode>) -> UntypedRdd {
        let (left, right) = (self.partitions(), other.partitions());
        let narrow = vec![
            (self.clone(), Mapping::Product { divisor: right, modulus: left }),
            (other.clone(), Mapping::Product { divisor: 1, modulus: right }),
        ];
        self.context.rdd(Parts { narrow, ..Parts::source(site, left.saturating_mul(right), code) })
    }

    /// Makes an RDD of fewer partitions, each of which reads neighbouring partitions of this one. `code`
    /// makes the operator from the groups.
    pub fn coalesce(
        &self,
        site: CallSite,
        partitions: u32,
        code: impl FnOnce(&[Vec<u32>]) -> std::result::Result<OperatorRef, DataError>,
    ) -> UntypedRdd {
        let before = self.partitions();
        let after = before.min(partitions);
        let bound = |i: u32| (u64::from(i) * u64::from(before) / u64::from(after.max(1))) as u32;
        let groups: Vec<Vec<u32>> = (0..after).map(|i| (bound(i)..bound(i + 1)).collect()).collect();
        let code = code(&groups);
        let narrow = vec![(self.clone(), Mapping::Groups(Arc::new(groups)))];
        self.context.rdd(Parts { narrow, ..Parts::source(site, after, code) })
    }

    /// Makes an RDD behind a shuffle of this one. `write` makes the operator that ends the stage before,
    /// `read` that of the new RDD.
    pub fn shuffled(
        &self,
        site: CallSite,
        partitioner: Partitioner,
        write: impl FnOnce(ShuffleId) -> OperatorCode,
        read: impl FnOnce(ShuffleId) -> OperatorCode,
    ) -> UntypedRdd {
        let shuffle = self.context.next_shuffle();
        let info = RddInfo {
            id: self.context.next_rdd(),
            site,
            partitions: partitioner.partitions(),
            partitioner: Some(partitioner),
            dependencies: vec![Dependency::Shuffle { parent: self.id(), shuffle }],
            preferred: vec![],
            barrier: false,
        };
        let handle = ShuffleHandle { id: shuffle, events: self.context.events() };
        let source = Source {
            info: Arc::new(info),
            parents: vec![self.node.clone()],
            code: read(shuffle).into_node_code(),
            writes: vec![ShuffleWriteSpec { shuffle: handle, code: write(shuffle).into_node_code() }],
            checkpoint: None,
            _blocks: None,
        };
        let node = RddNode::new(&self.context, source);
        UntypedRdd { context: self.context.clone(), node: Arc::new(node) }
    }

    /// The context that made the RDD.
    pub fn context(&self) -> &DriverContext {
        &self.context
    }

    /// Names the RDD, for pages and listeners.
    pub fn set_name(&self, name: Option<String>) {
        self.node.set_name(name);
    }

    /// The RDD's id: RDDs of one context are numbered in the order in which they were made.
    pub fn id(&self) -> RddId {
        self.node.info.id
    }

    /// The line of the program that made the RDD.
    pub fn site(&self) -> &CallSite {
        &self.node.info.site
    }

    /// The number of partitions.
    pub fn partitions(&self) -> u32 {
        self.node.info.partitions
    }

    /// The rule by which the RDD's records were placed, if it is known.
    pub fn partitioner(&self) -> Option<Partitioner> {
        self.node.info.partitioner
    }

    /// Draws how the RDD is computed: one line for each RDD, nearest first; `+-` marks a shuffle, where
    /// stages are cut.
    pub fn to_debug_string(&self) -> String {
        resolve::lineage(&resolve::collect(&self.node)).to_debug_string(self.id())
    }
}
