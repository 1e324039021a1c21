//! The values that accumulators must have, by the rules alone: every contribution of every task that counts is written down, none is
//! ever dropped because another covers it, and values are added up anew for each comparison. Slow, and simple enough to
//! be believed; the scheduler's ledger has to agree with it.

use crate::data::{Added, Once, Sum};
use crate::program::{ACCUMULATORS, Program};
use firesteel_types::{AccumulatorId, AccumulatorUpdate, Partition, RddId, ShuffleId, TaskId, UpdateScope};
use std::collections::BTreeMap;

/// A map task, by what it writes.
type MapTask = (ShuffleId, Partition);

/// All that was added and not undone.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    contributions: BTreeMap<Once, Vec<Contribution>>,
    /// The digest of each map task's last output.
    checksums: BTreeMap<MapTask, u64>,
    /// The last attempt that was launched before an accumulator began anew: what was kept until then does not count.
    began_after: BTreeMap<AccumulatorId, Option<TaskId>>,
    /// How often an accumulator began anew.
    pub(crate) resets: u64,
    /// The number of contributions that rollbacks undid.
    pub(crate) undone: u64,
}

#[derive(Clone, Copy, Debug)]
struct Contribution {
    /// The map task that a rollback may undo; none for what is final.
    by: Option<MapTask>,
    extent: u64,
    sum: u64,
}

/// The value in the bytes of an update.
pub(crate) fn sum_in(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("updates are made of eight bytes"))
}

impl Oracle {
    /// An outcome counts: of a result, or of a map task that wrote something with this digest.
    pub(crate) fn accepted(
        &mut self,
        program: &Program,
        wrote: Option<(MapTask, u64)>,
        updates: &[AccumulatorUpdate],
    ) {
        if let Some((task, checksum)) = wrote
            && self.checksums.insert(task, checksum).is_some_and(|before| before != checksum)
        {
            self.undo(|by| by == task);
            let downstream = |shuffle: ShuffleId| program.upstream(shuffle).contains(&task.0);
            self.undo(|(shuffle, _)| downstream(shuffle));
            self.checksums.retain(|(shuffle, _), _| !downstream(*shuffle));
        }
        for update in updates {
            let began_after = self.began_after.get(&update.accumulator).copied().flatten();
            if update.cached_by.is_some() && update.cached_by <= began_after {
                continue;
            }
            let (by, extent, sum) = (wrote.map(|(task, _)| task), update.extent, sum_in(&update.bytes));
            let once = (update.accumulator, update.scope, update.partition);
            self.contributions.entry(once).or_default().push(Contribution { by, extent, sum });
        }
    }

    fn undo(&mut self, undone: impl Fn(MapTask) -> bool) {
        for contributions in self.contributions.values_mut() {
            let before = contributions.len();
            contributions.retain(|one| !one.by.is_some_and(&undone));
            self.undone += (before - contributions.len()) as u64;
        }
        self.contributions.retain(|_, contributions| !contributions.is_empty());
    }

    /// A shuffle is gone, so nothing will undo what its map tasks added.
    pub(crate) fn shuffle_gone(&mut self, shuffle: ShuffleId) {
        let all = self.contributions.values_mut().flatten();
        all.filter(|one| one.by.is_some_and(|(of, _)| of == shuffle)).for_each(|one| one.by = None);
        self.checksums.retain(|(of, _), _| *of != shuffle);
    }

    /// An RDD is gone, and with it whatever could undo what it added.
    pub(crate) fn rdd_gone(&mut self, rdd: RddId) {
        let all = self.contributions.iter_mut().filter(|((_, scope, _), _)| *scope == UpdateScope::Rdd(rdd));
        all.flat_map(|(_, contributions)| contributions).for_each(|one| one.by = None);
    }

    /// An accumulator begins anew, after the launch of an attempt.
    pub(crate) fn reset(&mut self, accumulator: AccumulatorId, last: Option<TaskId>) {
        self.began_after.insert(accumulator, last);
        self.resets += 1;
        self.contributions.retain(|(of, ..), _| *of != accumulator);
    }

    /// Returns the contribution that counts for one partition: the largest, of several alike the first.
    fn counts(&self, once: &Once) -> Option<(u64, u64)> {
        let contributions = self.contributions.get(once)?;
        let most = contributions.iter().rev().max_by_key(|one| one.extent)?;
        Some((most.extent, most.sum))
    }

    /// Returns the value that each accumulator must have.
    pub(crate) fn values(&self) -> Vec<u64> {
        let mut values = vec![0u64; ACCUMULATORS as usize];
        for once in self.contributions.keys() {
            let (_, sum) = self.counts(once).expect("what is written down has a value");
            let value = &mut values[once.0.0 as usize];
            *value = value.wrapping_add(sum);
        }
        values
    }

    /// The first partition for which something else counts than what its function adds.
    pub(crate) fn differs_from(&self, truth: &Added) -> Option<String> {
        let wrong = |(once, added): (&Once, &Sum)| {
            let counts = self.counts(once);
            let (accumulator, scope, partition) = once;
            (counts != Some((added.extent, added.sum))).then(|| {
                format!("accumulator {accumulator} has {counts:?} for partition {partition} of {scope}, not {added:?}")
            })
        };
        truth.iter().find_map(wrong)
    }
}
