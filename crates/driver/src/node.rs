//! [`RddNode`]: one RDD on the driver, with its parents in the lineage and the code of its operator.

use crate::checkpoint_files::CheckpointFiles;
use crate::context::DriverContext;
use crate::error::{Error, Result};
use crate::event_sender::{EventSender, Released};
use crate::persistence::Persistence;
use firesteel_data::DataError;
use firesteel_operators::OperatorRef;
use firesteel_plan::RddInfo;
use firesteel_storage::BlockStore;
use firesteel_types::{BlockId, Partition, RddId, ShuffleId};
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;

/// An RDD without its type.
pub(crate) struct RddNode {
    /// The context that made it: ids are unique only within one.
    pub(crate) context: u64,
    /// The RDD as it was made. Its dependencies may have been cut since: the current ones are in its source.
    pub(crate) info: Arc<RddInfo>,
    source: RwLock<Arc<Source>>,
    pub(crate) persistence: Persistence,
    /// The name that the program gave it.
    name: Mutex<Option<String>>,
    _released: RddHandle,
}

/// The way in which an RDD is computed: from its parents, or, once it was checkpointed, from the checkpoint.
pub(crate) struct Source {
    pub(crate) info: Arc<RddInfo>,
    /// The RDDs at the other ends of `info.dependencies`, in the same order.
    pub(crate) parents: Vec<Arc<RddNode>>,
    pub(crate) code: NodeCode,
    /// The operators that end the stages before this RDD: one for each shuffle dependency, in their order.
    pub(crate) writes: Vec<ShuffleWriteSpec>,
    /// The files that it is read from, once it was checkpointed.
    pub(crate) checkpoint: Option<CheckpointFiles>,
    /// The driver's blocks that are released with the RDD.
    pub(crate) _blocks: Option<InputBlocks>,
}

impl RddNode {
    pub(crate) fn new(context: &DriverContext, source: Source) -> Self {
        let info = source.info.clone();
        let _released = RddHandle { rdd: info.id, events: context.events() };
        let (context, source) = (context.serial(), RwLock::new(Arc::new(source)));
        RddNode {
            context,
            info,
            source,
            persistence: Persistence::default(),
            name: Mutex::default(),
            _released,
        }
    }

    /// Returns the name that the program gave it.
    pub(crate) fn name(&self) -> Option<String> {
        self.name.lock().clone()
    }

    /// Names it, for listeners and pages.
    pub(crate) fn set_name(&self, name: Option<String>) {
        *self.name.lock() = name;
    }

    /// Returns how the RDD is computed now.
    pub(crate) fn source(&self) -> Arc<Source> {
        self.source.read().clone()
    }

    /// Replaces the way in which the RDD is computed; its ancestors may be dropped.
    pub(crate) fn replace_source(&self, source: Source) {
        let mut current = self.source.write();
        let before = std::mem::replace(&mut *current, Arc::new(source));
        // Dropped outside the lock: ancestors may be dropped with it.
        drop(current);
        drop(before);
    }
}

/// The map side of one shuffle.
pub(crate) struct ShuffleWriteSpec {
    pub(crate) shuffle: ShuffleHandle,
    pub(crate) code: NodeCode,
}

impl Drop for Source {
    /// Takes long lineages apart one by one: dropping them into each other would overflow the stack.
    fn drop(&mut self) {
        let mut orphans = std::mem::take(&mut self.parents);
        while let Some(orphan) = orphans.pop() {
            if let Some(node) = Arc::into_inner(orphan) {
                let source = node.source.into_inner();
                if let Some(mut source) = Arc::into_inner(source) {
                    orphans.append(&mut source.parents);
                }
            }
        }
    }
}

/// Makes code when an action first needs it, given the parents of the RDD.
pub(crate) type MakeCode = dyn Fn(&DriverContext, &[Arc<RddNode>]) -> Result<OperatorRef> + Send + Sync;

/// The code of an operator.
pub(crate) enum NodeCode {
    /// Known when the RDD was made.
    Ready(OperatorRef),
    /// Code that could not be made; each action that needs it fails with this reason.
    Broken(String),
    /// Code that needs a job of its own first (bounds of a sort, offsets of a numbering): made by the first
    /// action that needs it.
    Deferred { make: Box<MakeCode>, made: Mutex<Option<OperatorRef>> },
}

impl NodeCode {
    pub(crate) fn deferred(
        make: impl Fn(&DriverContext, &[Arc<RddNode>]) -> Result<OperatorRef> + Send + Sync + 'static,
    ) -> Self {
        NodeCode::Deferred { make: Box::new(make), made: Mutex::new(None) }
    }

    /// Returns the code. Runs the job that it needs, the first time.
    pub(crate) fn get(&self, context: &DriverContext, source: &Source) -> Result<OperatorRef> {
        match self {
            NodeCode::Ready(code) => Ok(code.clone()),
            NodeCode::Broken(message) => {
                Err(Error::InvalidArgument { site: source.info.site.clone(), message: message.clone() })
            }
            NodeCode::Deferred { make, made } => {
                // Held while the job runs: other threads that need the same code wait. Jobs below need only
                // older RDDs, so locks are taken from younger to older and cannot wait in a circle.
                let mut made = made.lock();
                if let Some(code) = &*made {
                    return Ok(code.clone());
                }
                let code = make(context, &source.parents)?;
                *made = Some(code.clone());
                Ok(code)
            }
        }
    }
}

impl From<std::result::Result<OperatorRef, DataError>> for NodeCode {
    fn from(code: std::result::Result<OperatorRef, DataError>) -> Self {
        match code {
            Ok(code) => NodeCode::Ready(code),
            Err(error) => NodeCode::Broken(error.to_string()),
        }
    }
}

/// Tells the driver, when it is dropped, that no job will compute the RDD again.
struct RddHandle {
    rdd: RddId,
    events: EventSender,
}

impl Drop for RddHandle {
    fn drop(&mut self) {
        self.events.send(Released::Rdd(self.rdd));
    }
}

/// Releases a shuffle's outputs when the last RDD that reads them is dropped.
pub(crate) struct ShuffleHandle {
    pub(crate) id: ShuffleId,
    pub(crate) events: EventSender,
}

impl Drop for ShuffleHandle {
    fn drop(&mut self) {
        self.events.send(Released::Shuffle(self.id));
    }
}

/// Releases the data of a `parallelize` when its RDD is dropped.
pub(crate) struct InputBlocks {
    pub(crate) rdd: RddId,
    pub(crate) partitions: u32,
    pub(crate) blocks: Arc<BlockStore>,
}

impl Drop for InputBlocks {
    fn drop(&mut self) {
        (0..self.partitions).for_each(|p| self.blocks.remove(BlockId::Input(self.rdd, Partition(p))));
    }
}
