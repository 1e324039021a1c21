//! The updates of accumulators that count: each counts once, whatever is tried again, copied, lost or
//! computed anew.
//!
//! The ledger has one entry for each (accumulator, scope, partition) whose function added. The scheduler
//! takes updates from the outcomes that count, and only from these. Of the computations of one entry the one
//! with the larger extent (the number of `add`s) counts, of two with the same extent the first: functions
//! return the same each time, so the longer computation contains the shorter, which read only a beginning.
//!
//! **Undoing.** The additions of a task of a result stage are final: its result was delivered. Those of a map
//! task are final as soon as its shuffle is released; until then `dag::rollback` may find that the task's
//! input differs from that of all that will be computed from now on, and forgets its output and with it its
//! [`Contribution`]s. An entry therefore keeps a contribution for each map task that vouches for it, and none
//! that a final one covers: almost always one.
//!
//! **Cached partitions.** A cached partition keeps the additions that were made while it was computed, and
//! each task that reads it reports them again: the attempt that computed the partition may have failed later,
//! and its own updates were dropped with it.
//!
//! **The end of entries.** An RDD that is gone is not computed any more, nor is a job that ended, nor a
//! shuffle that was released: their entries are settled, which means handed to the shell to be added up, and
//! forgotten.

use crate::effect::Effect;
use firesteel_types::{
    AccumulatorId, AccumulatorUpdate, CountedUpdate, JobId, Partition, RddId, ShuffleId, TaskId, UpdateScope,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All accumulators that were registered and not released.
#[derive(Debug, Default)]
pub(crate) struct Accumulators {
    table: BTreeMap<AccumulatorId, Ledger>,
    /// The entries to which map tasks of a shuffle contributed additions that are not final.
    by_shuffle: BTreeMap<ShuffleId, BTreeSet<EntryName>>,
    /// The RDDs whose entries are settled: for each stretch of ids, the first with the last. Cached
    /// partitions may still bring updates of them, where a lineage is cut off.
    released: BTreeMap<RddId, RddId>,
    /// The updates that count and are not written down yet, with their tasks; none if nothing is written down.
    unwritten: Option<Vec<(Source, AccumulatorUpdate)>>,
}

/// The updates of one accumulator that are not settled.
#[derive(Debug, Default)]
struct Ledger {
    entries: BTreeMap<(UpdateScope, Partition), Entry>,
    /// A number that grows with each change of the sum of `entries`.
    version: u64,
    /// The first attempt after the accumulator was last reset. Partitions that earlier attempts cached bring
    /// additions from before the reset.
    began: Option<TaskId>,
    /// The number of times that it was reset.
    resets: u32,
}

type EntryName = (AccumulatorId, UpdateScope, Partition);

/// The computations of one partition that vouch for its additions; in the order in which they came, never
/// empty.
#[derive(Debug, Default)]
struct Entry {
    contributions: Vec<Contribution>,
}

#[derive(Clone, Debug)]
struct Contribution {
    from: Source,
    extent: u64,
    bytes: Arc<[u8]>,
}

/// The task whose outcome brought an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A task whose additions nothing can undo.
    Final,
    /// A map task, by its output.
    Map(ShuffleId, Partition),
}

impl Source {
    /// Returns the map task, if it is one.
    fn map(self) -> Option<(ShuffleId, Partition)> {
        match self {
            Source::Final => None,
            Source::Map(shuffle, map) => Some((shuffle, map)),
        }
    }
}

impl Accumulators {
    /// Makes an empty table. Updates are kept until they are [written down](Accumulators::take_unwritten), if any are.
    pub(crate) fn new(is_written_down: bool) -> Self {
        Accumulators { unwritten: is_written_down.then(Vec::new), ..Accumulators::default() }
    }

    pub(crate) fn register(&mut self, id: AccumulatorId) {
        let before = self.table.insert(id, Ledger::default());
        assert!(before.is_none(), "accumulator {id} was registered twice");
    }

    /// Forgets an accumulator that the program will not read again. Updates that still come are ignored.
    pub(crate) fn release(&mut self, id: AccumulatorId) {
        self.forget_entries(id);
        self.table.remove(&id);
    }

    /// Forgets the additions so far; they count again if they are computed once more. `next` is the attempt
    /// that will be launched next.
    pub(crate) fn reset(&mut self, id: AccumulatorId, next: TaskId) {
        self.forget_entries(id);
        if let Some(ledger) = self.table.get_mut(&id) {
            ledger.began = Some(next);
            ledger.resets += 1;
        }
    }

    fn forget_entries(&mut self, id: AccumulatorId) {
        let Some(ledger) = self.table.get_mut(&id) else { return };
        ledger.version += 1;
        let entries = std::mem::take(&mut ledger.entries);
        for ((scope, partition), entry) in entries {
            self.unindex((id, scope, partition), &entry.contributions);
        }
        self.forget_unwritten(|_, update| update.accumulator == id);
    }

    fn forget_unwritten(&mut self, is_gone: impl Fn(Source, &AccumulatorUpdate) -> bool) {
        if let Some(unwritten) = &mut self.unwritten {
            unwritten.retain(|(from, update)| !is_gone(*from, update));
        }
    }

    /// Returns the updates that were taken in since the last call and still count, to be written down.
    pub(crate) fn take_unwritten(&mut self) -> Vec<CountedUpdate> {
        let unwritten = self.take_unwritten_sources();
        self.counted(unwritten)
    }

    fn take_unwritten_sources(&mut self) -> Vec<(Source, AccumulatorUpdate)> {
        self.unwritten.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn counted(&self, updates: Vec<(Source, AccumulatorUpdate)>) -> Vec<CountedUpdate> {
        let counted = |(from, update): (Source, AccumulatorUpdate)| {
            let resets = self.table.get(&update.accumulator).map_or(0, |ledger| ledger.resets);
            CountedUpdate { update, resets, from: from.map() }
        };
        updates.into_iter().map(counted).collect()
    }

    /// Returns those of them that came with outputs of map tasks. The others are written down with the answer of their job: if
    /// it gets none, the next driver's version of the job brings its own.
    pub(crate) fn take_unwritten_of_maps(&mut self) -> Vec<CountedUpdate> {
        let (maps, others) =
            self.take_unwritten_sources().into_iter().partition(|(from, _)| from.map().is_some());
        self.unwritten = self.unwritten.take().map(|_| others);
        self.counted(maps)
    }

    /// Takes in updates that counted for an earlier driver, with the answer of a job: nothing can undo them.
    pub(crate) fn restore(&mut self, updates: Vec<CountedUpdate>) {
        self.restore_from(updates, |_| Source::Final);
    }

    /// Takes in updates that counted for an earlier driver, with outputs of map tasks, which undo them if they write others.
    pub(crate) fn restore_undoable(&mut self, updates: Vec<CountedUpdate>) {
        let source = |(shuffle, map)| Source::Map(shuffle, map);
        self.restore_from(updates, |counted| counted.from.map_or(Source::Final, source));
    }

    fn restore_from(&mut self, updates: Vec<CountedUpdate>, source: impl Fn(&CountedUpdate) -> Source) {
        // They are written down already.
        let unwritten = self.unwritten.take();
        for counted in updates {
            let ledger = self.table.get(&counted.update.accumulator);
            if ledger.is_some_and(|ledger| ledger.resets == counted.resets) {
                self.accept(source(&counted), vec![counted.update]);
            }
        }
        self.unwritten = unwritten;
    }

    /// Takes in the updates of an outcome that counts.
    pub(crate) fn accept(&mut self, from: Source, updates: Vec<AccumulatorUpdate>) {
        for update in updates {
            let AccumulatorUpdate { accumulator, scope, partition, extent, .. } = update;
            let (bytes, cached_by) = (update.bytes.clone(), update.cached_by);
            let is_gone = matches!(scope, UpdateScope::Rdd(rdd) if self.is_released(rdd));
            let Some(ledger) = self.table.get_mut(&accumulator).filter(|_| !is_gone) else { continue };
            // The partition was cached before the reset, and so were the additions that it brings along.
            if cached_by.is_some_and(|task| ledger.began.is_some_and(|began| task < began)) {
                continue;
            }
            if let Some(unwritten) = &mut self.unwritten {
                // It counts, and the ids of attempts mean nothing to another driver.
                unwritten.push((from, AccumulatorUpdate { cached_by: None, ..update }));
            }
            assert!(extent > 0, "an update of accumulator {accumulator} adds at least once");
            let entry = ledger.entries.entry((scope, partition)).or_default();
            ledger.version += 1;
            let covered = entry.add(Contribution { from, extent, bytes });
            if let Source::Map(shuffle, _) = from {
                self.by_shuffle.entry(shuffle).or_default().insert((accumulator, scope, partition));
            }
            self.unindex((accumulator, scope, partition), &covered);
        }
    }

    /// Forgets the additions of a map task whose output, or whose input, is replaced by other records.
    pub(crate) fn undo_map(&mut self, shuffle: ShuffleId, map: Partition) {
        self.undo(shuffle, |source| source == Source::Map(shuffle, map));
    }

    /// Forgets the additions of all map tasks of a shuffle.
    pub(crate) fn undo_shuffle(&mut self, shuffle: ShuffleId) {
        self.undo(shuffle, |source| matches!(source, Source::Map(of, _) if of == shuffle));
    }

    fn undo(&mut self, shuffle: ShuffleId, undone: impl Fn(Source) -> bool) {
        self.forget_unwritten(|from, _| undone(from));
        for name in self.by_shuffle.get(&shuffle).cloned().unwrap_or_default() {
            let (id, scope, partition) = name;
            let ledger = self.table.get_mut(&id).expect("what is indexed is there");
            let entry = ledger.entries.get_mut(&(scope, partition)).expect("what is indexed is there");
            let gone: Vec<_> = entry.contributions.extract_if(.., |one| undone(one.from)).collect();
            if entry.contributions.is_empty() {
                ledger.entries.remove(&(scope, partition));
            }
            ledger.version += 1;
            self.unindex(name, &gone);
        }
    }

    /// Makes the additions of a shuffle's map tasks final: its outputs are gone for good, so nothing will
    /// undo them.
    pub(crate) fn shuffle_removed(&mut self, shuffle: ShuffleId, fx: &mut Vec<Effect>) {
        for (id, scope, partition) in self.by_shuffle.remove(&shuffle).unwrap_or_default() {
            let ledger = self.table.get_mut(&id).expect("what is indexed is there");
            let entry = ledger.entries.get_mut(&(scope, partition)).expect("what is indexed is there");
            for one in &mut entry.contributions {
                if matches!(one.from, Source::Map(of, _) if of == shuffle) {
                    one.from = Source::Final;
                }
            }
            let covered = entry.prune();
            self.unindex((id, scope, partition), &covered);
        }
        self.settle(UpdateScope::MapSide(shuffle), fx);
    }

    /// Settles the entries of an RDD that will not be computed again.
    pub(crate) fn rdd_released(&mut self, rdd: RddId, fx: &mut Vec<Effect>) {
        self.settle(UpdateScope::Rdd(rdd), fx);
        if self.is_released(rdd) {
            return;
        }
        let last = self.released.remove(&RddId(rdd.0 + 1)).unwrap_or(rdd);
        let before = self.released.range(..rdd).next_back().filter(|(_, end)| end.0 + 1 == rdd.0);
        let first = before.map_or(rdd, |(first, _)| *first);
        self.released.insert(first, last);
    }

    fn is_released(&self, rdd: RddId) -> bool {
        self.released.range(..=rdd).next_back().is_some_and(|(_, last)| rdd <= *last)
    }

    /// Settles the entries of a job that ended: none of its tasks will count any more.
    pub(crate) fn job_ended(&mut self, job: JobId, fx: &mut Vec<Effect>) {
        self.settle(UpdateScope::Job(job), fx);
    }

    /// Settles all entries: nothing will be computed any more.
    pub(crate) fn settle_all(&mut self, fx: &mut Vec<Effect>) {
        let scopes: BTreeSet<UpdateScope> =
            self.table.values().flat_map(|ledger| ledger.entries.keys().map(|(scope, _)| *scope)).collect();
        scopes.into_iter().for_each(|scope| self.settle(scope, fx));
    }

    fn settle(&mut self, scope: UpdateScope, fx: &mut Vec<Effect>) {
        let all = (scope, Partition(0))..=(scope, Partition(u32::MAX));
        let mut settled = vec![];
        for (&id, ledger) in &mut self.table {
            let ended: Vec<_> = ledger.entries.extract_if(all.clone(), |_, _| true).collect();
            ledger.version += u64::from(!ended.is_empty());
            settled.extend(ended.into_iter().map(|((_, partition), entry)| (id, partition, entry)));
        }
        for (id, partition, entry) in settled {
            let bytes = entry.largest().bytes.clone();
            fx.push(Effect::UpdateSettled { accumulator: id, bytes });
            self.unindex((id, scope, partition), &entry.contributions);
        }
    }

    /// Takes an entry out of the index for those shuffles of `gone` of which it has no contribution left.
    fn unindex(&mut self, name: EntryName, gone: &[Contribution]) {
        let (id, scope, partition) = name;
        let entry = self.table.get(&id).and_then(|ledger| ledger.entries.get(&(scope, partition)));
        let left: BTreeSet<ShuffleId> = entry
            .into_iter()
            .flat_map(|entry| &entry.contributions)
            .filter_map(Contribution::shuffle)
            .collect();
        for shuffle in gone.iter().filter_map(Contribution::shuffle).filter(|one| !left.contains(one)) {
            if let Some(names) = self.by_shuffle.get_mut(&shuffle) {
                names.remove(&name);
                if names.is_empty() {
                    self.by_shuffle.remove(&shuffle);
                }
            }
        }
    }

    /// Returns a number that grows whenever the [`updates`](Accumulators::updates) of the accumulator change;
    /// 0 for one that is not known.
    pub(crate) fn version(&self, id: AccumulatorId) -> u64 {
        self.table.get(&id).map_or(0, |ledger| ledger.version)
    }

    /// Returns the updates that count and are not settled, in the order of scopes and partitions.
    pub(crate) fn updates(&self, id: AccumulatorId) -> Vec<Arc<[u8]>> {
        let entries = self.table.get(&id).into_iter().flat_map(|ledger| ledger.entries.values());
        entries.map(|entry| entry.largest().bytes.clone()).collect()
    }

    /// Returns whether all updates are settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.by_shuffle.is_empty() && self.table.values().all(|ledger| ledger.entries.is_empty())
    }
}

impl Contribution {
    /// Returns the shuffle whose rollback would undo it.
    fn shuffle(&self) -> Option<ShuffleId> {
        match self.from {
            Source::Final => None,
            Source::Map(shuffle, _) => Some(shuffle),
        }
    }
}

impl Entry {
    /// Returns the contribution that counts.
    fn largest(&self) -> &Contribution {
        let extent = self.contributions.iter().map(|one| one.extent).max();
        let first = self.contributions.iter().find(|one| Some(one.extent) == extent);
        first.expect("an entry has a contribution")
    }

    /// Adds a contribution. Returns those that need not be kept any more, among which the new one may be.
    fn add(&mut self, mut new: Contribution) -> Vec<Contribution> {
        // Repeated computations mostly add the same, so they share the bytes.
        if let Some(alike) = self.contributions.iter().find(|one| one.bytes == new.bytes) {
            new.bytes = alike.bytes.clone();
        }
        match self.contributions.iter_mut().find(|one| one.from == new.from) {
            Some(same) if same.extent < new.extent => *same = new,
            Some(_) => {}
            None => self.contributions.push(new),
        }
        self.prune()
    }

    /// Takes out the contributions that a final one covers, and returns them.
    fn prune(&mut self) -> Vec<Contribution> {
        let finals = self.contributions.iter().filter(|one| one.from == Source::Final);
        let Some(largest) = finals.map(|one| one.extent).max() else { return vec![] };
        let mut found = false;
        let covered = |one: &mut Contribution| {
            let is_it = one.from == Source::Final && one.extent == largest && !found;
            found |= is_it;
            one.extent <= largest && !is_it
        };
        self.contributions.extract_if(.., covered).collect()
    }
}
