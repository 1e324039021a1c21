//! Whatever outlives drivers: the disk with the journal, map outputs where they are durable, directories of outputs; and the record of what
//! must not be done again.

use super::Stop;
use super::outputs::Directories;
use super::report::RestartsReport;
use super::scenario::{JobPlan, Scenario};
use super::storage::Storage;
use crate::data::{Block, Record as Pair};
use crate::machine::BlockName;
use crate::program::Program;
use crate::rng::{Rng, mix2};
use firesteel_recovery::{JobParts, Journal, Place, Record, frames};
use firesteel_types::{ExecutorId, JobId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The number of lines of the story that are told when it ends badly.
const LINES_TOLD: usize = 60;

/// The records in the bytes of a result.
pub(crate) fn decoded(bytes: &[u8]) -> Vec<Pair> {
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("records are made of numbers"));
    bytes.chunks(16).map(|record| (number(&record[..8]), number(&record[8..]))).collect()
}

/// Whatever outlives drivers.
pub(crate) struct Lasting {
    pub(crate) program: Arc<Program>,
    pub(crate) scenario: Scenario,
    pub(super) disk: Vec<u8>,
    /// So many bytes of it are there after a crash, at least.
    synced: usize,
    pub(crate) blocks: BTreeMap<BlockName, (ExecutorId, Block)>,
    pub(crate) directories: Directories,
    /// The driver is killed after so many effects.
    pub(super) dies_after: Option<u64>,
    pub(crate) effects: u64,
    /// The jobs that drivers before this one have seen ended.
    pub(super) seen_before: BTreeSet<JobId>,
    pub(super) seen: BTreeSet<JobId>,
    pub(crate) storage: Storage,
    pub(crate) report: RestartsReport,
    pub(super) story: Option<VecDeque<String>>,
}

/// The directory of an output.
pub(crate) fn path(number: u32) -> String {
    format!("/out/{number}")
}

impl Lasting {
    pub(super) fn new(program: Arc<Program>, scenario: Scenario, traced: bool) -> Self {
        Lasting {
            program,
            scenario,
            disk: vec![],
            synced: 0,
            blocks: BTreeMap::new(),
            directories: Directories::default(),
            dies_after: None,
            effects: 0,
            seen_before: BTreeSet::new(),
            seen: BTreeSet::new(),
            storage: Storage::default(),
            report: RestartsReport { applications: 1, ..RestartsReport::default() },
            story: traced.then(VecDeque::new),
        }
    }

    pub(crate) fn job(&self, job: JobId) -> &JobPlan {
        &self.scenario.jobs[job.0 as usize]
    }

    /// A driver opens the journal.
    pub(crate) fn open(&mut self) -> Journal {
        let (journal, read) = Journal::read(&self.disk[..]).expect("memory can be read");
        self.report.torn += u64::from(read.whole < self.disk.len() as u64);
        self.disk.truncate(read.whole as usize);
        self.append(&Record::Began { life: journal.lives() });
        self.sync();
        journal
    }

    pub(crate) fn append(&mut self, record: &Record) {
        self.trace(|| format!("    journal: {record:?}"));
        self.disk.extend(frames::encode(record));
    }

    pub(crate) fn sync(&mut self) {
        self.synced = self.disk.len();
    }

    pub(super) fn results(&self, places: &[Place]) -> Vec<Vec<Pair>> {
        let result = |place: &Place| {
            let frame = &self.disk[place.offset as usize..][..place.length as usize];
            match frames::decode(frame) {
                Some(Record::Result { bytes, .. }) => decoded(&bytes),
                other => panic!("{other:?} is no result"),
            }
        };
        places.iter().map(result).collect()
    }

    /// The driver is killed now, if its time has come.
    pub(crate) fn may_die(&mut self) -> Result<(), Stop> {
        self.effects += 1;
        match self.dies_after.is_some_and(|after| self.effects > after) {
            true => Err(Stop::Killed),
            false => Ok(()),
        }
    }

    /// The driver is gone, alone or with its machine: then of what it did not wait for, some is on the disk. Executors follow it.
    pub(super) fn crash(&mut self, rng: &mut Rng) {
        let is_alone = rng.per_mille(500);
        if is_alone {
            self.sync();
        }
        let unsynced = (self.disk.len() - self.synced) as u64;
        self.disk.truncate(self.synced + rng.below(unsynced + 1) as usize);
        self.synced = self.disk.len();
        self.report.killed += 1;
        self.report.objects_gone += self.storage.crash(self.scenario.keeps, is_alone, rng);
        self.seen_before.extend(std::mem::take(&mut self.seen));
        self.blocks.clear();
        self.trace(|| "the driver is killed".into());
    }

    /// Returns whether no task of a job may run.
    pub(crate) fn must_be_restored(&self, job: JobId) -> bool {
        self.seen_before.contains(&job)
    }

    pub(crate) fn parts_of<R>(&self, job: JobId, ask: impl FnOnce(&JobParts<'_>) -> R) -> R {
        let rdd = self.job(job).rdd;
        let rdds: Vec<_> = self.program.ancestors(rdd).into_iter().collect();
        let shuffles: Vec<_> = self.program.used_by(rdd).into_iter().collect();
        ask(&JobParts { rdds: &rdds, shuffles: &shuffles })
    }

    pub(super) fn fingerprint(&self, job: JobId) -> [u8; 32] {
        let plan = self.job(job);
        let mut print = mix2(u64::from(plan.rdd.0), plan.limit as u64);
        plan.partitions.iter().for_each(|partition| print = mix2(print, u64::from(partition.0)));
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&print.to_le_bytes());
        bytes
    }

    pub(crate) fn trace(&mut self, line: impl FnOnce() -> String) {
        let Some(story) = &mut self.story else { return };
        story.push_back(line().chars().take(300).collect());
        if story.len() > LINES_TOLD {
            story.pop_front();
        }
    }
}
