//! Records on their way through a program, with what tells where they come from.

use firesteel_types::{AccumulatorId, AccumulatorUpdate, Partition, ShuffleId, TaskId, UpdateScope};
use std::collections::BTreeMap;

/// A key and a value.
pub(crate) type Record = (u64, u64);

/// Which whim each careless map task had, of those whose records are in some data.
pub(crate) type Whims = BTreeMap<(ShuffleId, Partition), u64>;

/// Which of the things that are counted once: one partition of an RDD, say, as one accumulator sees it.
pub(crate) type Once = (AccumulatorId, UpdateScope, Partition);

/// The sums that were added, by accumulator, scope and partition.
pub(crate) type Added = BTreeMap<Once, Sum>;

/// The sum that was added to one accumulator for one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// How many times.
    pub(crate) extent: u64,
    pub(crate) sum: u64,
    /// The task that cached the partition with which this came, if the reporting task did not compute it itself.
    pub(crate) cached_by: Option<TaskId>,
}

/// Records, and what went into them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Data {
    pub(crate) records: Vec<Record>,
    pub(crate) whims: Whims,
    /// Two different whims of one map task met here: what must never happen.
    pub(crate) mixed: bool,
    /// The sums of the functions that made the records, since these were read from shuffles.
    pub(crate) added: Added,
}

impl Data {
    /// Notes what other functions added. Of two computations of one partition, the one that added more counts; of two alike
    /// the task's own.
    pub(crate) fn absorb_added(&mut self, added: Added) {
        for (once, new) in added {
            let known = self.added.entry(once).or_insert(new);
            let is_own = known.extent == new.extent && new.cached_by.is_none();
            if known.extent < new.extent || is_own {
                *known = new;
            }
        }
    }

    /// Its size in a message.
    pub(crate) fn bytes(&self) -> u64 {
        1 + 16 * self.records.len() as u64
    }

    /// Its first records.
    pub(crate) fn beginning(mut self, limit: usize) -> Data {
        self.records.truncate(limit);
        self
    }

    /// Notes that the whims of other data went into this one.
    pub(crate) fn absorb(&mut self, whims: &Whims, mixed: bool) {
        self.mixed |= mixed;
        for (&map, &whim) in whims {
            self.mixed |= *self.whims.entry(map).or_insert(whim) != whim;
        }
    }
}

/// The updates that a task sends.
pub(crate) fn updates(added: &Added) -> Vec<AccumulatorUpdate> {
    let update = |(&(accumulator, scope, partition), &Sum { extent, sum, cached_by }): (&Once, &Sum)| {
        let bytes = sum.to_le_bytes().as_slice().into();
        AccumulatorUpdate { accumulator, scope, partition, extent, bytes, cached_by }
    };
    added.iter().map(update).collect()
}

/// The output of one map task.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// By reducer.
    pub(crate) buckets: Vec<Vec<Record>>,
    pub(crate) whims: Whims,
    pub(crate) mixed: bool,
    /// A digest of all records that does not depend on their order.
    pub(crate) checksum: u64,
    /// The sums that the functions of the map task added.
    pub(crate) added: Added,
}
