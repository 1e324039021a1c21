//! The lineage graph of RDDs, without their code: which RDD depends on which partitions of which others.

use crate::partitioner::Partitioner;
use firesteel_types::{CallSite, Partition, RddId, ShuffleId, TaskLocation};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The description of one RDD for planning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RddInfo {
    /// Its id.
    pub id: RddId,
    /// The operation and line that made it.
    pub site: CallSite,
    /// The number of its partitions.
    pub partitions: u32,
    /// The partitioner of its records, if one is known.
    pub partitioner: Option<Partitioner>,
    /// The RDDs that it is computed from.
    pub dependencies: Vec<Dependency>,
    /// The locations of each partition's data; empty when there are none.
    pub preferred: Vec<Vec<TaskLocation>>,
    /// True if the tasks that compute its partitions may wait for one another, and so have to run at the same
    /// time.
    pub barrier: bool,
}

/// One edge of the lineage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// A partition needs few partitions of its parent: both belong to one stage.
    Narrow {
        /// The parent.
        parent: RddId,
        /// The parent's partitions that a partition reads.
        mapping: Mapping,
    },
    /// A partition needs records of every partition of its parent: the stage is cut here.
    Shuffle {
        /// The parent.
        parent: RddId,
        /// The shuffle that carries them over.
        shuffle: ShuffleId,
    },
}

impl Dependency {
    /// Returns the RDD at the other end of the edge.
    pub fn parent(&self) -> RddId {
        match self {
            Dependency::Narrow { parent, .. } | Dependency::Shuffle { parent, .. } => *parent,
        }
    }
}

/// The partitions of a parent that one partition of a child reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// The one with the same index.
    OneToOne,
    /// Children in `range` read the parents from 0 on, in order; others read nothing of this parent (`union`).
    Range(Range<u32>),
    /// Child `i` reads the parents in the `i`-th list (`coalesce`).
    Groups(Arc<Vec<Vec<u32>>>),
    /// Child `i` reads parent `i / divisor % modulus` (either side of `cartesian`).
    Product {
        /// The number of neighbouring children that read the same parent.
        divisor: u32,
        /// The number of the parent's partitions.
        modulus: u32,
    },
}

impl Mapping {
    /// Returns the partitions of the parent that partition `child` reads.
    ///
    /// ```
    /// # use firesteel_plan::Mapping;
    /// # use firesteel_types::Partition;
    /// assert_eq!(Mapping::Range(3..5).parents(Partition(4)), vec![Partition(1)]);
    /// assert_eq!(Mapping::Range(3..5).parents(Partition(2)), vec![]);
    /// ```
    pub fn parents(&self, child: Partition) -> Vec<Partition> {
        match self {
            Mapping::OneToOne => vec![child],
            Mapping::Range(range) if range.contains(&child.0) => vec![Partition(child.0 - range.start)],
            Mapping::Range(_) => vec![],
            Mapping::Groups(groups) => groups[child.index()].iter().map(|&p| Partition(p)).collect(),
            Mapping::Product { divisor, modulus } => vec![Partition(child.0 / divisor % modulus)],
        }
    }
}

/// All RDDs that one RDD is computed from, and itself.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    rdds: BTreeMap<RddId, Arc<RddInfo>>,
}

impl Lineage {
    /// Makes an empty lineage; fill it with [`Lineage::insert`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one RDD. Its parents may be added before or after it.
    pub fn insert(&mut self, rdd: Arc<RddInfo>) {
        self.rdds.insert(rdd.id, rdd);
    }

    /// Returns whether the RDD is part of this lineage.
    pub fn contains(&self, id: RddId) -> bool {
        self.rdds.contains_key(&id)
    }

    /// Returns the description of one RDD.
    ///
    /// # Panics
    /// When the RDD was never inserted: the code that builds a lineage inserts every parent.
    pub fn get(&self, id: RddId) -> &Arc<RddInfo> {
        self.rdds.get(&id).unwrap_or_else(|| panic!("RDD {id} is missing from its lineage"))
    }

    /// Returns the preferred locations of a partition: those of the nearest ancestor through narrow
    /// dependencies that has any.
    pub fn preferred_locations(&self, rdd: RddId, partition: Partition) -> Vec<TaskLocation> {
        let mut pending = vec![(rdd, partition)];
        // A partition of a wide union or coalesce can have many ancestors; a hint is not worth walking them all.
        const STEPS_AT_MOST: usize = 20_000;
        for _ in 0..STEPS_AT_MOST {
            let Some((rdd, partition)) = pending.pop() else { break };
            let info = self.get(rdd);
            match info.preferred.get(partition.index()) {
                Some(locations) if !locations.is_empty() => return locations.clone(),
                _ => {}
            }
            for dependency in info.dependencies.iter().rev() {
                if let Dependency::Narrow { parent, mapping } = dependency {
                    pending.extend(mapping.parents(partition).into_iter().rev().map(|p| (*parent, p)));
                }
            }
        }
        vec![]
    }
}
