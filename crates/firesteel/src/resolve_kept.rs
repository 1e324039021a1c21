//! What the kept RDDs of a stage spare it, as the scheduler is told.

use crate::resolve::Nodes;
use firesteel_plan::{Dependency, Mapping, StageCut};
use firesteel_scheduler::{Kept, KeptRdd, Reads};
use firesteel_types::{RddId, ShuffleId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

/// What computing one RDD reads, within its stage.
#[derive(Clone, Default)]
struct Reading {
    /// As far as the nearest kept RDDs.
    shuffles: BTreeSet<ShuffleId>,
    kept: BTreeSet<usize>,
    /// All the way.
    behind: BTreeSet<ShuffleId>,
}

/// Describes the kept RDDs of a stage. Work linear in the stage, and none where nothing is kept.
pub(crate) fn kept_of(cut: &StageCut, nodes: &Nodes) -> Kept {
    if cut.rdds.iter().all(|rdd| nodes[rdd].persisted.is_none()) {
        return Kept::default();
    }
    let aligned = aligned(cut, nodes);
    let mut rdds: Vec<KeptRdd> = vec![];
    let mut readings: BTreeMap<RddId, Reading> = BTreeMap::new();
    for rdd in &cut.rdds {
        let node = &nodes[rdd];
        let mut reading = Reading::default();
        for dependency in &node.source.info.dependencies {
            match dependency {
                Dependency::Shuffle { shuffle, .. } => {
                    reading.shuffles.insert(*shuffle);
                    reading.behind.insert(*shuffle);
                }
                Dependency::Narrow { parent, .. } => {
                    let parent = &readings[parent];
                    reading.shuffles.extend(&parent.shuffles);
                    reading.kept.extend(&parent.kept);
                    reading.behind.extend(&parent.behind);
                }
            }
        }
        if let Some(persisted) = &node.persisted {
            rdds.push(KeptRdd {
                rdd: *rdd,
                partitions: node.source.info.partitions,
                aligned: aligned.contains(rdd),
                reads: reads(&reading),
                behind: reading.behind.iter().copied().collect(),
                is_cut_off: persisted.is_cut_off.load(Ordering::Relaxed),
            });
            reading.shuffles.clear();
            reading.kept = BTreeSet::from([rdds.len() - 1]);
        }
        readings.insert(*rdd, reading);
    }
    Kept { last: reads(&readings[&cut.rdd]), rdds }
}

fn reads(reading: &Reading) -> Reads {
    let Reading { shuffles, kept, behind: _ } = reading;
    Reads { shuffles: shuffles.iter().copied().collect(), kept: kept.iter().copied().collect() }
}

/// The RDDs of which each partition of the stage reads the one with its own index.
fn aligned(cut: &StageCut, nodes: &Nodes) -> BTreeSet<RddId> {
    let mut aligned = BTreeSet::from([cut.rdd]);
    let mut pending = vec![cut.rdd];
    while let Some(rdd) = pending.pop() {
        for dependency in &nodes[&rdd].source.info.dependencies {
            if let Dependency::Narrow { parent, mapping: Mapping::OneToOne } = dependency
                && aligned.insert(*parent)
            {
                pending.push(*parent);
            }
        }
    }
    aligned
}
