//! Barrier stages: stages whose tasks all run at the same time, because a function in them lets a task wait for
//! the others.
//!
//! Each task has to run such a function for its own partition, once: so within the stage, from the barrier RDD
//! to the last one, partitions are read one to one, and the action needs all of them.

use crate::lineage::{Dependency, Lineage, Mapping};
use crate::stages::StageBoundary;
use firesteel_types::{CallSite, RddId};
use std::collections::BTreeSet;
use std::fmt;

/// The reason why a stage cannot be a barrier stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BarrierError {
    /// An RDD of the stage reads the partitions of a barrier RDD other than one to one: a union, a coalesce, a product.
    Regrouped {
        /// The operation that regroups.
        by: CallSite,
        /// The barrier.
        barrier: CallSite,
    },
    /// An RDD reads several RDDs that are computed behind barriers: their calls would be mixed up.
    Several {
        /// The operation that reads them.
        by: CallSite,
    },
    /// The action reads only some of the partitions, or some twice.
    SomePartitions {
        /// The barrier.
        barrier: CallSite,
        /// The number of partitions that it reads.
        wanted: usize,
        /// The number of partitions that there are.
        partitions: u32,
    },
}

impl fmt::Display for BarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BarrierError::Regrouped { by, barrier } => write!(
                f,
                "{by} regroups the partitions of a barrier RDD ({barrier}), all of whose tasks run at the same time, one for each \
                 partition. Put a shuffle between them (`repartition`), or regroup before `barrier`"
            ),
            BarrierError::Several { by } => write!(
                f,
                "{by} reads several RDDs that are computed behind barriers, in one stage, where their tasks would wait for one \
                 another. Put a shuffle behind one of them (`repartition`)"
            ),
            BarrierError::SomePartitions { barrier, wanted, partitions } => write!(
                f,
                "the action wants {wanted} of {partitions} partitions, but those of a barrier RDD ({barrier}) are computed all \
                 together or not at all. Use `collect`, or put a shuffle behind it (`repartition`)"
            ),
        }
    }
}

impl std::error::Error for BarrierError {}

impl Lineage {
    /// Returns the RDDs of a stage that are computed behind a barrier within it: barrier RDDs, and the RDDs
    /// that read those.
    pub fn behind_barriers(&self, cut: &StageBoundary) -> BTreeSet<RddId> {
        let mut behind = BTreeSet::new();
        for rdd in &cut.rdds {
            let info = self.get(*rdd);
            let reads = |dependency: &Dependency| matches!(dependency, Dependency::Narrow { parent, .. } if behind.contains(parent));
            if info.barrier || info.dependencies.iter().any(reads) {
                behind.insert(*rdd);
            }
        }
        behind
    }

    /// Returns whether a stage is a barrier stage: one that computes a barrier RDD. `wanted` is the number of
    /// different partitions that the action reads, if it is the last stage.
    ///
    /// # Errors
    /// When it ought to be one, but its lineage does not allow it.
    pub fn check_barrier(&self, cut: &StageBoundary, wanted: Option<usize>) -> Result<bool, BarrierError> {
        let Some(barrier) = cut.rdds.iter().map(|rdd| self.get(*rdd)).find(|info| info.barrier) else {
            return Ok(false);
        };
        let behind = self.behind_barriers(cut);
        for rdd in &cut.rdds {
            let info = self.get(*rdd);
            let narrow = info.dependencies.iter().filter_map(|dependency| match dependency {
                Dependency::Narrow { parent, mapping } if behind.contains(parent) => Some(mapping),
                Dependency::Narrow { .. } | Dependency::Shuffle { .. } => None,
            });
            let mappings: Vec<&Mapping> = narrow.collect();
            if mappings.iter().any(|mapping| **mapping != Mapping::OneToOne) {
                let (by, barrier) = (info.site.clone(), barrier.site.clone());
                return Err(BarrierError::Regrouped { by, barrier });
            }
            if mappings.len() > 1 {
                return Err(BarrierError::Several { by: info.site.clone() });
            }
        }
        let partitions = self.get(cut.rdd).partitions;
        match wanted {
            Some(wanted) if wanted != 0 && wanted != partitions as usize => {
                Err(BarrierError::SomePartitions { barrier: barrier.site.clone(), wanted, partitions })
            }
            Some(_) | None => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::RddInfo;
    use firesteel_types::ShuffleId;
    use std::sync::Arc;

    /// RDDs with two partitions each, numbered from 0; those in `barriers` are barrier RDDs.
    fn check(
        dependencies: &[Vec<Dependency>],
        barriers: &[u32],
        wanted: usize,
    ) -> Result<bool, BarrierError> {
        let mut lineage = Lineage::new();
        for (id, dependencies) in dependencies.iter().enumerate() {
            let id = id as u32;
            lineage.insert(Arc::new(RddInfo {
                id: RddId(id),
                site: CallSite { operation: format!("op{id}"), ..CallSite::default() },
                partitions: 2,
                partitioner: None,
                dependencies: dependencies.clone(),
                preferred: vec![],
                barrier: barriers.contains(&id),
            }));
        }
        let graph = lineage.cut(RddId(dependencies.len() as u32 - 1));
        lineage.check_barrier(graph.stages.last().unwrap(), Some(wanted))
    }

    fn narrow(parent: u32) -> Dependency {
        Dependency::Narrow { parent: RddId(parent), mapping: Mapping::OneToOne }
    }

    fn union(parent: u32) -> Dependency {
        Dependency::Narrow { parent: RddId(parent), mapping: Mapping::Range(0..2) }
    }

    fn wide(parent: u32) -> Dependency {
        Dependency::Shuffle { parent: RddId(parent), shuffle: ShuffleId(0) }
    }

    #[test]
    fn a_chain_behind_a_barrier_is_a_barrier_stage() {
        assert_eq!(check(&[vec![], vec![narrow(0)], vec![narrow(1)]], &[1], 2), Ok(true));
        assert_eq!(
            check(&[vec![], vec![narrow(0)], vec![narrow(1)]], &[1, 2], 2),
            Ok(true),
            "one barrier after the other"
        );
        assert_eq!(check(&[vec![], vec![narrow(0)]], &[], 1), Ok(false));
    }

    #[test]
    fn behind_a_shuffle_everything_is_allowed() {
        assert_eq!(check(&[vec![], vec![narrow(0)], vec![wide(1)], vec![union(2)]], &[1], 1), Ok(false));
    }

    #[test]
    fn before_the_barrier_partitions_may_be_regrouped_and_behind_it_not() {
        assert_eq!(check(&[vec![], vec![union(0)], vec![narrow(1)]], &[2], 2), Ok(true));
        let error = check(&[vec![], vec![narrow(0)], vec![union(1)]], &[1], 2).unwrap_err();
        assert!(
            error.to_string().starts_with("op2 regroups the partitions of a barrier RDD (op1)"),
            "{error}"
        );
    }

    #[test]
    fn two_barriers_do_not_meet_in_one_stage() {
        let meet = [vec![], vec![narrow(0)], vec![narrow(0)], vec![narrow(1), narrow(2)]];
        let by = CallSite { operation: "op3".into(), ..CallSite::default() };
        assert_eq!(check(&meet, &[1, 2], 2), Err(BarrierError::Several { by }));
        assert_eq!(check(&meet, &[1], 2), Ok(true), "the other one waits for no task");
    }

    #[test]
    fn all_partitions_are_wanted_or_none() {
        assert_eq!(check(&[vec![], vec![narrow(0)]], &[1], 0), Ok(true));
        let error = check(&[vec![], vec![narrow(0)]], &[1], 1).unwrap_err();
        assert!(error.to_string().contains("wants 1 of 2 partitions"), "{error}");
    }
}
