//! The cut of a lineage into stages: everything between two shuffles runs as one set of tasks.

use crate::lineage::{Dependency, Lineage};
use firesteel_types::{RddId, ShuffleId};
use std::collections::{BTreeMap, BTreeSet};

/// One stage before it has an id: the RDDs between its input shuffles and its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageBoundary {
    /// The last RDD of the stage: the one whose partitions are the stage's tasks.
    pub rdd: RddId,
    /// The shuffle that the stage writes, or none for the stage that answers the action.
    pub output: Option<ShuffleId>,
    /// The shuffles that the stage reads, each once, in ascending order.
    pub inputs: Vec<ShuffleId>,
    /// The RDDs that the stage computes, parents before children; the last is [`StageBoundary::rdd`].
    pub rdds: Vec<RddId>,
}

/// The stages of one action, parents before children; the last one answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageGraph {
    /// The stages.
    pub stages: Vec<StageBoundary>,
}

impl Lineage {
    /// Cuts the lineage of `action_on` at its shuffles.
    ///
    /// Each shuffle gets one stage, however many RDDs read it. Works in time linear in the lineage, without recursion.
    pub fn cut(&self, action_on: RddId) -> StageGraph {
        let mut cuts: BTreeMap<Option<ShuffleId>, StageBoundary> = BTreeMap::new();
        let mut pending = vec![(action_on, None)];
        while let Some((rdd, output)) = pending.pop() {
            if cuts.contains_key(&output) {
                continue;
            }
            let (cut, parents) = self.cut_one(rdd, output);
            pending.extend(parents.into_iter().map(|(shuffle, parent)| (parent, Some(shuffle))));
            cuts.insert(output, cut);
        }
        StageGraph { stages: parents_first(cuts) }
    }

    /// Collects the RDDs of one stage, and the shuffles at which it begins.
    fn cut_one(&self, last: RddId, output: Option<ShuffleId>) -> (StageBoundary, BTreeMap<ShuffleId, RddId>) {
        let mut inputs = BTreeMap::new();
        let mut seen = BTreeSet::from([last]);
        let mut pending = vec![last];
        while let Some(rdd) = pending.pop() {
            for dependency in &self.get(rdd).dependencies {
                match dependency {
                    Dependency::Shuffle { parent, shuffle } => {
                        inputs.insert(*shuffle, *parent);
                    }
                    Dependency::Narrow { parent, .. } => {
                        if seen.insert(*parent) {
                            pending.push(*parent);
                        }
                    }
                }
            }
        }
        // An RDD is made after its parents and ids grow, so ascending ids are an order with parents first.
        let rdds: Vec<RddId> = seen.into_iter().collect();
        assert_eq!(rdds.last(), Some(&last), "an RDD's id must be greater than its ancestors'");
        (StageBoundary { rdd: last, output, inputs: inputs.keys().copied().collect(), rdds }, inputs)
    }
}

/// Orders stages so that each comes after those it reads. A stage's last RDD is younger than those of its parents.
fn parents_first(cuts: BTreeMap<Option<ShuffleId>, StageBoundary>) -> Vec<StageBoundary> {
    let mut stages: Vec<StageBoundary> = cuts.into_values().collect();
    stages.sort_by_key(|stage| (stage.output.is_none(), stage.rdd, stage.output));
    stages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::{Mapping, RddInfo};
    use std::sync::Arc;

    fn rdd(id: u32, dependencies: Vec<Dependency>) -> Arc<RddInfo> {
        Arc::new(RddInfo {
            id: RddId(id),
            site: Default::default(),
            partitions: 2,
            partitioner: None,
            dependencies,
            preferred: vec![],
            barrier: false,
        })
    }

    fn narrow(parent: u32) -> Dependency {
        Dependency::Narrow { parent: RddId(parent), mapping: Mapping::OneToOne }
    }

    fn wide(parent: u32, shuffle: u32) -> Dependency {
        Dependency::Shuffle { parent: RddId(parent), shuffle: ShuffleId(shuffle) }
    }

    fn lineage(rdds: Vec<Arc<RddInfo>>) -> Lineage {
        let mut lineage = Lineage::new();
        rdds.into_iter().for_each(|rdd| lineage.insert(rdd));
        lineage
    }

    #[test]
    fn a_diamond_over_one_shuffle_runs_its_map_stage_once() {
        let lineage = lineage(vec![
            rdd(0, vec![]),
            rdd(1, vec![wide(0, 0)]),
            rdd(2, vec![narrow(1)]),
            rdd(3, vec![narrow(1)]),
            rdd(4, vec![narrow(2), narrow(3)]),
        ]);
        let graph = lineage.cut(RddId(4));
        let outputs: Vec<_> = graph.stages.iter().map(|s| s.output).collect();
        assert_eq!(outputs, vec![Some(ShuffleId(0)), None]);
        assert_eq!(graph.stages[1].inputs, vec![ShuffleId(0)]);
        assert_eq!(graph.stages[1].rdds, vec![RddId(1), RddId(2), RddId(3), RddId(4)]);
    }

    #[test]
    fn stages_come_after_those_that_they_read() {
        let lineage = lineage(vec![
            rdd(0, vec![]),
            rdd(1, vec![wide(0, 5)]),
            rdd(2, vec![wide(1, 3)]),
            rdd(3, vec![wide(2, 9), wide(0, 4)]),
        ]);
        let graph = lineage.cut(RddId(3));
        for (i, stage) in graph.stages.iter().enumerate() {
            for input in &stage.inputs {
                let producer = graph.stages.iter().position(|s| s.output == Some(*input)).unwrap();
                assert!(producer < i);
            }
        }
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_does_not_overflow_the_stack() {
        let deep = 100_000;
        let lineage =
            lineage((0..deep).map(|i| rdd(i, if i == 0 { vec![] } else { vec![narrow(i - 1)] })).collect());
        assert_eq!(lineage.cut(RddId(deep - 1)).stages[0].rdds.len(), deep as usize);
        assert!(lineage.to_debug_string(RddId(deep - 1)).lines().count() == deep as usize);
    }
}
