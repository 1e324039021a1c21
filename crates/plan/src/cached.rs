//! Cached RDDs in a stage: the shuffles that the stage reads only while their partitions are not all cached.

use crate::lineage::{Dependency, Lineage, Mapping};
use crate::stages::StageBoundary;
use firesteel_types::{Generation, RddId, ShuffleId};
use std::collections::{BTreeMap, BTreeSet};

/// The persisted RDDs of one stage, and the inputs that are needed only while their partitions are not all
/// there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cached {
    /// The reads of the stage's last RDD. Of no meaning, and empty, when there are no `rdds`: then all inputs
    /// are needed.
    pub last: Reads,
    /// The RDDs.
    pub rdds: Vec<CachedRdd>,
}

/// The inputs of an RDD's computation, as far as the nearest cached RDDs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Shuffles, through no other cached RDD.
    pub shuffles: Vec<ShuffleId>,
    /// Cached RDDs, as positions in [`Cached::rdds`].
    pub cached: Vec<usize>,
}

/// One persisted RDD of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedRdd {
    /// The RDD's id.
    pub rdd: RddId,
    /// The number of its partitions.
    pub partitions: u32,
    /// True if each partition of the stage reads the partition of this RDD with the same index, and no other.
    pub aligned: bool,
    /// The reads of its own computation.
    pub reads: Reads,
    /// All shuffles that it is computed from within the stage, through other cached RDDs too.
    pub behind: Vec<ShuffleId>,
    /// The generation in which the job caches and reads its partitions.
    pub generation: Generation,
    /// True if its lineage was truncated: its cached partitions, of whatever version of its generation, are all that there is.
    pub is_truncated: bool,
    /// The number of hosts on which each of its partitions is wanted.
    pub copies: u8,
    /// True if it is computed behind a barrier within the stage: then all its partitions are read, or all are
    /// computed.
    pub barrier: bool,
}

/// The reads of one RDD's computation, within its stage.
#[derive(Clone, Default)]
struct Reading {
    /// As far as the nearest cached RDDs.
    shuffles: BTreeSet<ShuffleId>,
    cached: BTreeSet<usize>,
    /// All the way.
    behind: BTreeSet<ShuffleId>,
}

impl Lineage {
    /// Describes the cached RDDs of a stage. `persisted` tells of an RDD whether it is persisted, and if so,
    /// how. Takes time linear in the stage, and hardly any if nothing is cached.
    pub fn cached(&self, cut: &StageBoundary, persisted: impl Fn(RddId) -> Option<CachedAs>) -> Cached {
        if cut.rdds.iter().all(|rdd| persisted(*rdd).is_none()) {
            return Cached::default();
        }
        let (aligned, behind_barriers) = (self.aligned(cut), self.behind_barriers(cut));
        let mut rdds: Vec<CachedRdd> = vec![];
        let mut readings: BTreeMap<RddId, Reading> = BTreeMap::new();
        for rdd in &cut.rdds {
            let info = self.get(*rdd);
            let mut reading = Reading::default();
            info.dependencies.iter().for_each(|dependency| reading.extend(dependency, &readings));
            if let Some(CachedAs { generation, is_truncated, copies }) = persisted(*rdd) {
                rdds.push(CachedRdd {
                    rdd: *rdd,
                    partitions: info.partitions,
                    aligned: aligned.contains(rdd),
                    reads: reading.reads(),
                    behind: reading.behind.iter().copied().collect(),
                    generation,
                    is_truncated,
                    copies,
                    barrier: behind_barriers.contains(rdd),
                });
                reading.shuffles.clear();
                reading.cached = BTreeSet::from([rdds.len() - 1]);
            }
            readings.insert(*rdd, reading);
        }
        Cached { last: readings[&cut.rdd].reads(), rdds }
    }

    /// Returns the RDDs of which each partition of the stage reads the one with its own index, and no other.
    fn aligned(&self, cut: &StageBoundary) -> BTreeSet<RddId> {
        let mut aligned = BTreeSet::from([cut.rdd]);
        let mut pending = vec![cut.rdd];
        while let Some(rdd) = pending.pop() {
            for dependency in &self.get(rdd).dependencies {
                if let Dependency::Narrow { parent, mapping: Mapping::OneToOne } = dependency
                    && aligned.insert(*parent)
                {
                    pending.push(*parent);
                }
            }
        }
        aligned
    }
}

/// How an RDD is persisted, as far as plans depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedAs {
    /// The generation that began when it was persisted.
    pub generation: Generation,
    /// True if its lineage was truncated.
    pub is_truncated: bool,
    /// The number of hosts on which each of its partitions is wanted.
    pub copies: u8,
}

impl Reading {
    fn extend(&mut self, dependency: &Dependency, readings: &BTreeMap<RddId, Reading>) {
        match dependency {
            Dependency::Shuffle { shuffle, .. } => {
                self.shuffles.insert(*shuffle);
                self.behind.insert(*shuffle);
            }
            Dependency::Narrow { parent, .. } => {
                let parent = &readings[parent];
                self.shuffles.extend(&parent.shuffles);
                self.cached.extend(&parent.cached);
                self.behind.extend(&parent.behind);
            }
        }
    }

    fn reads(&self) -> Reads {
        Reads {
            shuffles: self.shuffles.iter().copied().collect(),
            cached: self.cached.iter().copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RddInfo;
    use std::sync::Arc;

    fn lineage(dependencies: &[Vec<Dependency>]) -> Lineage {
        let mut lineage = Lineage::new();
        for (id, dependencies) in dependencies.iter().enumerate() {
            lineage.insert(Arc::new(RddInfo {
                id: RddId(id as u32),
                site: Default::default(),
                partitions: 2,
                partitioner: None,
                dependencies: dependencies.clone(),
                preferred: vec![],
                barrier: false,
            }));
        }
        lineage
    }

    fn narrow(parent: u32) -> Dependency {
        Dependency::Narrow { parent: RddId(parent), mapping: Mapping::OneToOne }
    }

    fn union(parent: u32) -> Dependency {
        Dependency::Narrow { parent: RddId(parent), mapping: Mapping::Range(0..2) }
    }

    fn wide(shuffle: u32) -> Dependency {
        Dependency::Shuffle { parent: RddId(0), shuffle: ShuffleId(shuffle) }
    }

    fn persisted(rdds: &[u32]) -> impl Fn(RddId) -> Option<CachedAs> {
        let persisted = CachedAs { generation: Generation(3), is_truncated: false, copies: 1 };
        move |rdd| rdds.contains(&rdd.0).then_some(persisted)
    }

    #[test]
    fn a_shuffle_is_spared_only_where_every_path_leads_through_a_kept_rdd() {
        // 0 -s1-> 1 -> 2 (cached) -> 4, 0 -s2-> 3 -> 4, and 1 -> 4 directly.
        let lineage = lineage(&[
            vec![],
            vec![wide(1)],
            vec![narrow(1)],
            vec![wide(2)],
            vec![narrow(2), narrow(3), narrow(1)],
        ]);
        let cut = lineage.cut(RddId(4)).stages.pop().unwrap();
        assert_eq!(lineage.cached(&cut, persisted(&[])), Cached::default());
        let cached = lineage.cached(&cut, persisted(&[2]));
        assert_eq!(cached.last, Reads { shuffles: vec![ShuffleId(1), ShuffleId(2)], cached: vec![0] });
        let cached = lineage.cached(&cut, persisted(&[1, 2]));
        assert_eq!(cached.last, Reads { shuffles: vec![ShuffleId(2)], cached: vec![0, 1] });
        assert_eq!(cached.rdds[1].reads, Reads { shuffles: vec![], cached: vec![0] });
        assert_eq!(cached.rdds[1].behind, vec![ShuffleId(1)]);
        assert!(cached.rdds.iter().all(|cached| cached.generation == Generation(3)));
    }

    #[test]
    fn a_kept_rdd_behind_a_union_is_not_aligned() {
        let lineage = lineage(&[vec![], vec![wide(1)], vec![union(1)], vec![narrow(1)]]);
        let of = |last| lineage.cached(&lineage.cut(RddId(last)).stages.pop().unwrap(), persisted(&[1]));
        assert!(!of(2).rdds[0].aligned);
        assert!(of(3).rdds[0].aligned);
        assert_eq!(of(3).last, Reads { shuffles: vec![], cached: vec![0] });
    }
}
