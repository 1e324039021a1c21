//! Random programs: RDDs over tiny records, with real lineage, cut into stages by the real planner.
//!
//! What an RDD computes is a small pure function of its parents, so a program has an answer that can be found without any
//! scheduler: [`Program::expected`]. Some shuffles are written by careless functions, which give other records each time
//! they run: which records is told by a number, the attempt's *whim*. Data carries along the whims that went into it, so
//! that of every answer it can be told which evaluation it belongs to, and whether it belongs to one at all.
//!
//! Functions add to accumulators, too: most RDDs for some of the records that they are given, some shuffles while they are
//! written, some jobs. What they add is told by the record, so it is known what each partition adds, and how much of it when only a
//! beginning is read.

use crate::data::{Added, Block, Data, Record, Whims};
use crate::rng::{Rng, mix, mix2};
use firesteel_plan::{Dependency, Lineage, Mapping, RddInfo};
use firesteel_types::{
    AccumulatorId, CallSite, ExecutorId, JobId, Partition, RddId, ShuffleId, TaskLocation, UpdateScope,
};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

/// So many accumulators each program has.
pub(crate) const ACCUMULATORS: u64 = 2;

/// All records of a partition.
pub(crate) const ALL: usize = usize::MAX;

/// The computation of an RDD from the records of its parents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Source {
        records: u64,
    },
    Map,
    Filter,
    /// Computes as [`Op::Map`] would, in tasks that wait for one another.
    Barrier,
    /// Appends: union, coalesce and zip differ by their dependencies only.
    Append,
    /// Adds up the values of each key, of one or two shuffles.
    Reduce,
}

/// One shuffle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShuffleFacts {
    pub(crate) parent: RddId,
    pub(crate) reducers: u32,
    /// Its map tasks give other records each time.
    pub(crate) careless: bool,
}

/// How large and how careless a program is.
#[derive(Clone, Debug)]
pub(crate) struct Size {
    pub(crate) rdds: u64,
    pub(crate) source_partitions: u64,
    pub(crate) reducers: u64,
    pub(crate) careless_per_mille: u64,
    pub(crate) hosts: u64,
    /// Barrier stages have so many tasks at most.
    pub(crate) barrier_partitions: u64,
    pub(crate) preferred_per_mille: u64,
}

/// A program.
#[derive(Debug)]
pub(crate) struct Program {
    ops: BTreeMap<RddId, Op>,
    pub(crate) lineage: Lineage,
    pub(crate) shuffles: BTreeMap<ShuffleId, ShuffleFacts>,
    /// The RDDs that are computed behind a barrier, in its stage.
    behind: BTreeSet<RddId>,
    seed: u64,
}

/// The answer to a task that asks for a partition of an RDD.
pub(crate) enum Found {
    /// Like any other: it is not persisted.
    NotCached,
    /// To be computed whole and kept.
    ToCache,
    /// It was kept.
    Cached(Data),
}

/// Gives what a computation reads: what one reducer is to read of a shuffle, and partitions that are kept.
pub(crate) trait Source {
    /// Why there may be nothing to read.
    type Failure;

    fn read(&mut self, shuffle: ShuffleId, reducer: Partition) -> Result<Data, Self::Failure>;

    fn find(&mut self, _: RddId, _: Partition) -> Found {
        Found::NotCached
    }

    fn keep(&mut self, _: RddId, _: Partition, _: &Data) {}

    /// A function is called that waits for other tasks.
    fn meet_barrier(&mut self) {}
}

impl Program {
    /// Makes one up.
    pub(crate) fn new(seed: u64, size: &Size, rng: &mut Rng) -> Self {
        let mut program = Program {
            ops: BTreeMap::new(),
            lineage: Lineage::new(),
            shuffles: BTreeMap::new(),
            behind: BTreeSet::new(),
            seed,
        };
        let sources = rng.between(1, 2.min(size.rdds));
        for _ in 0..sources {
            program.add_source(size, rng);
        }
        while (program.ops.len() as u64) < size.rdds {
            program.add_derived(size, rng);
        }
        program
    }

    /// The RDDs, oldest first.
    pub(crate) fn rdds(&self) -> Vec<RddId> {
        self.ops.keys().copied().collect()
    }

    pub(crate) fn partitions(&self, rdd: RddId) -> u32 {
        self.lineage.get(rdd).partitions
    }

    fn add(
        &mut self,
        op: Op,
        partitions: u32,
        dependencies: Vec<Dependency>,
        preferred: Vec<Vec<TaskLocation>>,
    ) {
        let id = RddId(self.ops.len() as u32);
        let site = CallSite { operation: format!("{op:?}").to_lowercase(), ..CallSite::default() };
        let barrier = op == Op::Barrier;
        let follows = |dependency: &Dependency| matches!(dependency, Dependency::Narrow { parent, .. } if self.behind.contains(parent));
        if barrier || dependencies.iter().any(follows) {
            self.behind.insert(id);
        }
        let info = RddInfo { id, site, partitions, partitioner: None, dependencies, preferred, barrier };
        self.lineage.insert(Arc::new(info));
        self.ops.insert(id, op);
    }

    fn add_source(&mut self, size: &Size, rng: &mut Rng) {
        let partitions = rng.between(1, size.source_partitions) as u32;
        let mut preferred = vec![];
        if rng.per_mille(size.preferred_per_mille) {
            let place = |rng: &mut Rng| TaskLocation {
                host: format!("host{}", rng.below(size.hosts)),
                executor: rng.per_mille(500).then(|| ExecutorId(rng.below(2 * size.hosts) as u32)),
            };
            preferred = (0..partitions).map(|_| (0..rng.below(3)).map(|_| place(rng)).collect()).collect();
        }
        self.add(Op::Source { records: rng.between(1, 6) }, partitions, vec![], preferred);
    }

    fn add_derived(&mut self, size: &Size, rng: &mut Rng) {
        let rdds = self.rdds();
        // Young parents make deep lineages, old ones make wide lineages.
        let oldest = if rng.per_mille(600) { rdds.len().saturating_sub(2) } else { 0 };
        let parent = *rng.pick(&rdds[oldest..]);
        let partitions = self.partitions(parent);
        let one_to_one = |parent| Dependency::Narrow { parent, mapping: Mapping::OneToOne };
        let is_behind = self.behind.contains(&parent);
        match rng.below(14) {
            12 | 13 if u64::from(partitions) <= size.barrier_partitions => {
                self.add(Op::Barrier, partitions, vec![one_to_one(parent)], vec![]);
            }
            3..=5 if is_behind => self.add(Op::Filter, partitions, vec![one_to_one(parent)], vec![]),
            0 | 1 => self.add(Op::Map, partitions, vec![one_to_one(parent)], vec![]),
            2 => self.add(Op::Filter, partitions, vec![one_to_one(parent)], vec![]),
            3 => {
                let other = *rng.pick(&rdds);
                let all = partitions + self.partitions(other);
                if u64::from(all) > 2 * size.source_partitions || self.behind.contains(&other) {
                    self.add(Op::Map, partitions, vec![one_to_one(parent)], vec![]);
                    return;
                }
                let first = Dependency::Narrow { parent, mapping: Mapping::Range(0..partitions) };
                let second = Dependency::Narrow { parent: other, mapping: Mapping::Range(partitions..all) };
                self.add(Op::Append, all, vec![first, second], vec![]);
            }
            4 => {
                let alike: Vec<RddId> =
                    rdds.iter().copied().filter(|rdd| self.partitions(*rdd) == partitions).collect();
                let other = *rng.pick(&alike);
                self.add(Op::Append, partitions, vec![one_to_one(parent), one_to_one(other)], vec![]);
            }
            5 => {
                let groups = rng.between(1, u64::from(partitions)) as u32;
                let group = |group| (0..partitions).filter(|p| p % groups == group).collect();
                let mapping = Mapping::Groups(Arc::new((0..groups).map(group).collect()));
                self.add(Op::Append, groups, vec![Dependency::Narrow { parent, mapping }], vec![]);
            }
            _ => {
                let reducers = rng.between(1, size.reducers) as u32;
                let mut dependencies = vec![self.shuffle(parent, reducers, size, rng)];
                if rng.per_mille(300) {
                    let other = *rng.pick(&rdds);
                    dependencies.push(self.shuffle(other, reducers, size, rng));
                }
                self.add(Op::Reduce, reducers, dependencies, vec![]);
            }
        }
    }

    /// A shuffle of an RDD: often one that is there already, so that several RDDs read it.
    fn shuffle(&mut self, parent: RddId, reducers: u32, size: &Size, rng: &mut Rng) -> Dependency {
        let alike = |facts: &ShuffleFacts| facts.parent == parent && facts.reducers == reducers;
        let existing = self.shuffles.iter().find(|(_, facts)| alike(facts)).map(|(shuffle, _)| *shuffle);
        if let Some(shuffle) = existing {
            return Dependency::Shuffle { parent, shuffle };
        }
        let shuffle = ShuffleId(self.shuffles.len() as u32);
        let careless = rng.per_mille(size.careless_per_mille);
        self.shuffles.insert(shuffle, ShuffleFacts { parent, reducers, careless });
        Dependency::Shuffle { parent, shuffle }
    }

    /// Computes or finds one partition, or its first `limit` records, as a task does.
    pub(crate) fn compute<R: Source>(
        &self,
        rdd: RddId,
        partition: Partition,
        limit: usize,
        reader: &mut R,
    ) -> Result<Data, R::Failure> {
        match reader.find(rdd, partition) {
            Found::NotCached => self.compute_anew(rdd, partition, limit, reader),
            Found::Cached(data) => Ok(data.beginning(limit)),
            Found::ToCache => {
                let data = self.compute_anew(rdd, partition, ALL, reader)?;
                reader.keep(rdd, partition, &data);
                Ok(data.beginning(limit))
            }
        }
    }

    /// One partition, or its first `limit` records and little more.
    fn compute_anew<R: Source>(
        &self,
        rdd: RddId,
        partition: Partition,
        limit: usize,
        reader: &mut R,
    ) -> Result<Data, R::Failure> {
        let mut wanted = match self.ops[&rdd] {
            Op::Reduce => ALL,
            Op::Source { .. } | Op::Map | Op::Filter | Op::Barrier | Op::Append => limit,
        };
        if self.ops[&rdd] == Op::Barrier {
            reader.meet_barrier();
        }
        loop {
            let mut data = self.input(rdd, partition, wanted, reader)?;
            let is_all = data.records.len() < wanted;
            self.apply(rdd, partition, &mut data);
            // A filter may have to read more to give enough.
            if is_all || data.records.len() >= limit {
                return Ok(data.beginning(limit));
            }
            wanted = wanted.saturating_mul(2);
        }
    }

    /// The first records that an RDD's function is given.
    fn input<R: Source>(
        &self,
        rdd: RddId,
        partition: Partition,
        limit: usize,
        reader: &mut R,
    ) -> Result<Data, R::Failure> {
        let mut data = Data::default();
        if let Op::Source { records } = self.ops[&rdd] {
            let seed = mix2(mix2(self.seed, u64::from(rdd.0)), u64::from(partition.0));
            data.records.extend((0..records).map(|i| (mix2(seed, i) % 13, mix2(seed, i) >> 40)));
            data.records.truncate(limit);
            return Ok(data);
        }
        for (position, dependency) in self.lineage.get(rdd).dependencies.iter().enumerate() {
            let salt = position as u64;
            let mut take = |parent: Data| {
                data.absorb(&parent.whims, parent.mixed);
                data.absorb_added(parent.added);
                data.records.extend(parent.records.into_iter().map(|(k, v)| (k, v.wrapping_mul(1 + salt))));
                limit - data.records.len().min(limit)
            };
            match dependency {
                Dependency::Shuffle { shuffle, .. } => {
                    take(reader.read(*shuffle, partition)?);
                }
                Dependency::Narrow { parent, mapping } => {
                    let mut left = take(Data::default());
                    for p in mapping.parents(partition) {
                        if left > 0 {
                            left = take(self.compute(*parent, p, left, reader)?);
                        }
                    }
                }
            }
        }
        Ok(data)
    }

    /// Adds the sums of some functions, which `salt` names.
    fn accumulate(&self, salt: u64, scope: UpdateScope, partition: Partition, data: &mut Data) {
        let function = mix2(mix2(self.seed, salt), 0xadd);
        if function.is_multiple_of(3) {
            return;
        }
        let once = (AccumulatorId(function % ACCUMULATORS), scope, partition);
        for (k, v) in &data.records {
            let value = mix2(function, mix2(*k, *v));
            if !value.is_multiple_of(4) {
                let added = data.added.entry(once).or_default();
                added.extent += 1;
                added.sum = added.sum.wrapping_add(value);
            }
        }
    }

    /// Adds the sums of an action's function that is given `data`.
    pub(crate) fn act(&self, job: JobId, partition: Partition, data: &mut Data) {
        self.accumulate(u64::from(job.0) << 1 | 1, UpdateScope::Job(job), partition, data);
    }

    fn apply(&self, rdd: RddId, partition: Partition, data: &mut Data) {
        self.accumulate(u64::from(rdd.0) << 1, UpdateScope::Rdd(rdd), partition, data);
        match self.ops[&rdd] {
            Op::Source { .. } | Op::Append => {}
            Op::Map | Op::Barrier => data.records.iter_mut().for_each(|(k, v)| {
                *k = mix2(*k, u64::from(rdd.0)) % 17;
                *v = mix(*v) >> 40;
            }),
            Op::Filter => data.records.retain(|(k, v)| !mix2(*k, *v).is_multiple_of(3)),
            Op::Reduce => {
                let mut sums: BTreeMap<u64, u64> = BTreeMap::new();
                for (k, v) in &data.records {
                    let sum = sums.entry(*k).or_default();
                    *sum = sum.wrapping_add(*v);
                }
                data.records = sums.into_iter().collect();
            }
        }
    }

    /// Returns the output of a map task that has computed `data`. A careful one has no whims.
    pub(crate) fn write(&self, shuffle: ShuffleId, map: Partition, data: Data, whim: u64) -> Block {
        let ShuffleFacts { reducers, careless, .. } = self.shuffles[&shuffle];
        let mut data = data;
        if careless && !data.records.is_empty() {
            data.whims.insert((shuffle, map), whim);
            data.records.iter_mut().for_each(|(_, v)| *v = v.wrapping_add(whim << 44));
        }
        self.accumulate(u64::from(shuffle.0) << 32, UpdateScope::MapSide(shuffle), map, &mut data);
        let Data { records, whims, mixed, added } = data;
        let mut buckets = vec![vec![]; reducers as usize];
        let mut checksum = 0u64;
        for (k, v) in records {
            checksum = checksum.wrapping_add(mix2(k, v));
            buckets[(mix(k) % u64::from(reducers)) as usize].push((k, v));
        }
        Block { buckets, whims, mixed, checksum, added }
    }

    /// The records of a partition, in the evaluation in which careless map tasks had these whims.
    pub(crate) fn expected(
        &self,
        evaluation: &mut Evaluation<'_>,
        rdd: RddId,
        partition: Partition,
    ) -> Vec<Record> {
        let Ok(data) = self.compute(rdd, partition, ALL, evaluation);
        evaluation.added.extend(data.added);
        data.records
    }

    /// Returns whether tasks wait for one another anywhere.
    pub(crate) fn has_barriers(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Returns whether the program gives the same each time.
    pub(crate) fn is_careful(&self) -> bool {
        self.shuffles.values().all(|facts| !facts.careless)
    }

    /// All RDDs that one is computed from, and itself.
    pub(crate) fn ancestors(&self, rdd: RddId) -> BTreeSet<RddId> {
        let (mut found, mut pending) = (BTreeSet::new(), vec![rdd]);
        while let Some(next) = pending.pop() {
            if found.insert(next) {
                pending.extend(self.lineage.get(next).dependencies.iter().map(Dependency::parent));
            }
        }
        found
    }

    /// The shuffles that a shuffle is computed from.
    pub(crate) fn upstream(&self, shuffle: ShuffleId) -> BTreeSet<ShuffleId> {
        self.used_by(self.shuffles[&shuffle].parent)
    }

    /// The shuffles that an RDD is computed from.
    pub(crate) fn used_by(&self, rdd: RddId) -> BTreeSet<ShuffleId> {
        let read = |dependency: &Dependency| match dependency {
            Dependency::Shuffle { shuffle, .. } => Some(*shuffle),
            Dependency::Narrow { .. } => None,
        };
        let ancestors = self.ancestors(rdd);
        ancestors.iter().flat_map(|rdd| self.lineage.get(*rdd).dependencies.iter().filter_map(read)).collect()
    }

    /// An evaluation, one task after the other.
    pub(crate) fn evaluation(&self, whims: Whims) -> Evaluation<'_> {
        Evaluation { program: self, whims, written: BTreeMap::new(), added: Added::new() }
    }
}

/// One evaluation of a program, without scheduler, stages or failures. Remembers what map tasks wrote.
pub(crate) struct Evaluation<'a> {
    program: &'a Program,
    whims: Whims,
    /// The sums of all functions, those of map tasks among them.
    pub(crate) added: Added,
    written: BTreeMap<(ShuffleId, Partition), Arc<Block>>,
}

impl Evaluation<'_> {
    fn block(&mut self, shuffle: ShuffleId, map: Partition) -> Arc<Block> {
        if let Some(block) = self.written.get(&(shuffle, map)) {
            return block.clone();
        }
        let parent = self.program.shuffles[&shuffle].parent;
        let Ok(data) = self.program.compute(parent, map, ALL, self);
        let whim = self.whims.get(&(shuffle, map)).copied().unwrap_or(0);
        let block = Arc::new(self.program.write(shuffle, map, data, whim));
        self.added.extend(block.added.clone());
        self.written.insert((shuffle, map), block.clone());
        block
    }
}

impl Source for Evaluation<'_> {
    type Failure = Infallible;

    fn read(&mut self, shuffle: ShuffleId, reducer: Partition) -> Result<Data, Infallible> {
        let maps = self.program.partitions(self.program.shuffles[&shuffle].parent);
        let mut data = Data::default();
        for map in 0..maps {
            let block = self.block(shuffle, Partition(map));
            data.absorb(&block.whims, block.mixed);
            data.records.extend(&block.buckets[reducer.index()]);
        }
        Ok(data)
    }
}
