//! The plan of a migration: the executors that take over the blocks of those that are about to end.
//!
//! It is asked in rounds, until nothing is left or time is up: each round deals the blocks that would be lost
//! among the executors that stay, evenly by bytes. A block that was not moved by the next round is dealt
//! again, a few times: a block whose file is broken is better computed again.

use crate::scheduler::SoleCopies;
use firesteel_types::{BlockKey, ExecutorId, Partition, RddId, ShuffleId, TaskId};
use std::collections::BTreeMap;

/// The largest number of blocks that one executor is asked for at a time. It is small so that moved blocks
/// count soon, and a broken connection costs little.
const AT_ONCE: usize = 64;

/// The number of times that a block is dealt.
const TRIES: u32 = 3;

/// A block: a map output or a cached partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Output(ShuffleId, TaskId),
    Cached(RddId, Partition),
}

impl Item {
    /// Returns the item of a cached partition, which is the same for all its versions.
    fn of_cached(key: &BlockKey) -> Self {
        Item::Cached(key.rdd, key.partition)
    }
}

/// The plan, which remembers how often each block was dealt.
///
/// ```
/// use firesteel_scheduler::{SoleCopies, MapOutput, MigrationPlan};
/// use firesteel_types::{ExecutorId, Partition, ShuffleId, TaskId};
///
/// let output = |map: u32| MapOutput { map: Partition(map), task: TaskId(map.into()), executor: ExecutorId(0), bytes: 10 };
/// let outputs = (0..4).map(|map| (ShuffleId(0), output(map))).collect();
/// let dealt = MigrationPlan::default().deal(&SoleCopies { outputs, cached: vec![] }, &[ExecutorId(1), ExecutorId(2)]);
/// assert_eq!(dealt[&ExecutorId(1)].outputs.len(), 2);
/// assert_eq!(dealt[&ExecutorId(2)].outputs.len(), 2);
/// ```
#[derive(Debug, Default)]
pub struct MigrationPlan {
    tries: BTreeMap<Item, u32>,
}

impl MigrationPlan {
    /// Deals the blocks that each of `to` is to take over next. Returns nothing if `to` is empty, or no block
    /// is worth another try.
    pub fn deal(&mut self, copies: &SoleCopies, to: &[ExecutorId]) -> BTreeMap<ExecutorId, SoleCopies> {
        let mut dealt: BTreeMap<ExecutorId, Share> = to.iter().map(|to| (*to, Share::default())).collect();
        for &(shuffle, output) in &copies.outputs {
            let Some(share) = lightest(&mut dealt) else { break };
            if self.is_worth_it(Item::Output(shuffle, output.task)) {
                share.weight += output.bytes.max(1);
                share.copies.outputs.push((shuffle, output));
            }
        }
        // Only the executors know how large their cached partitions are, so these are dealt by number.
        dealt.values_mut().for_each(|share| share.weight = 0);
        for &key in &copies.cached {
            let Some(share) = lightest(&mut dealt) else { break };
            if self.is_worth_it(Item::of_cached(&key)) {
                share.weight += 1;
                share.copies.cached.push(key);
            }
        }
        let given = dealt.into_iter().filter(|(_, share)| share.len() > 0);
        given.map(|(executor, share)| (executor, share.copies)).collect()
    }

    /// Returns whether each of these blocks was dealt as often as it may be.
    pub fn is_hopeless(&self, copies: &SoleCopies) -> bool {
        let outputs = copies.outputs.iter().map(|(shuffle, output)| Item::Output(*shuffle, output.task));
        let cached = copies.cached.iter().map(Item::of_cached);
        outputs.chain(cached).all(|item| self.tries.get(&item).is_some_and(|tries| *tries >= TRIES))
    }

    fn is_worth_it(&mut self, item: Item) -> bool {
        let tries = self.tries.entry(item).or_insert(0);
        let is_worth_it = *tries < TRIES;
        *tries += u32::from(is_worth_it);
        is_worth_it
    }
}

#[derive(Debug, Default)]
struct Share {
    copies: SoleCopies,
    weight: u64,
}

impl Share {
    fn len(&self) -> usize {
        self.copies.outputs.len() + self.copies.cached.len()
    }
}

/// Returns the smallest of the shares that may grow in this round.
fn lightest(dealt: &mut BTreeMap<ExecutorId, Share>) -> Option<&mut Share> {
    dealt.values_mut().filter(|share| share.len() < AT_ONCE).min_by_key(|share| share.weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_types::MapOutput;

    fn key(partition: u32) -> BlockKey {
        BlockKey { rdd: RddId(4), partition: Partition(partition), version: 0 }
    }

    fn copies(sizes: &[u64], cached: u32) -> SoleCopies {
        let output = |(map, bytes): (usize, &u64)| {
            let (map, task) = (Partition(map as u32), TaskId(map as u64));
            (ShuffleId(0), MapOutput { map, task, executor: ExecutorId(9), bytes: *bytes })
        };
        SoleCopies {
            outputs: sizes.iter().enumerate().map(output).collect(),
            cached: (0..cached).map(key).collect(),
        }
    }

    #[test]
    fn those_who_stay_share_evenly_by_bytes() {
        let to = [ExecutorId(1), ExecutorId(2)];
        let dealt = MigrationPlan::default().deal(&copies(&[100, 10, 10, 80], 5), &to);
        let bytes = |id| dealt[&id].outputs.iter().map(|(_, output)| output.bytes).sum::<u64>();
        assert_eq!(to.map(bytes), [100, 100]);
        assert_eq!(to.map(|id| dealt[&id].cached.len()), [3, 2]);
    }

    #[test]
    fn a_round_asks_little_of_each_and_what_is_left_comes_next() {
        let (mut plan, all) = (MigrationPlan::default(), copies(&[1; 100], 0));
        let first = plan.deal(&all, &[ExecutorId(1)]);
        assert_eq!(first[&ExecutorId(1)].outputs.len(), AT_ONCE);
        let left = SoleCopies { outputs: all.outputs[AT_ONCE..].to_vec(), cached: vec![] };
        assert_eq!(plan.deal(&left, &[ExecutorId(1)])[&ExecutorId(1)].outputs.len(), 100 - AT_ONCE);
    }

    #[test]
    fn nobody_is_asked_for_ever_and_nothing_counts_as_tried_while_there_is_nobody() {
        let (mut plan, all) = (MigrationPlan::default(), copies(&[1], 1));
        for _ in 0..10 {
            assert!(plan.deal(&all, &[]).is_empty() && !plan.is_hopeless(&all));
        }
        for _ in 0..TRIES {
            assert!(!plan.is_hopeless(&all));
            assert_eq!(plan.deal(&all, &[ExecutorId(1)]).len(), 1);
        }
        assert!(plan.deal(&all, &[ExecutorId(1)]).is_empty() && plan.is_hopeless(&all));
        assert!(plan.is_hopeless(&SoleCopies::default()), "what is not there need not be moved");
    }
}
