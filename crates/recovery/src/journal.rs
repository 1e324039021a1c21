//! [`Journal`]: what the records of a file amount to.

use crate::frames::Frames;
use crate::record::{Fingerprint, Record};
use crate::shuffles::Shuffles;
use firesteel_types::{
    CountedUpdate, JobId, JournalEntry, Partition, RddId, ShuffleId, StoredObject, StoredOutput, UpdateScope,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// The frame of a record in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of bytes before it.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// The part of a file that was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The length of the part that is whole: new records go behind it.
    pub whole: u64,
    /// The number of records.
    pub records: u64,
}

/// The names of what a job computes, by which updates of accumulators belong to it.
#[derive(Clone, Copy, Debug)]
pub struct JobParts<'a> {
    /// Its RDDs.
    pub rdds: &'a [RddId],
    /// The shuffles that it needs.
    pub shuffles: &'a [ShuffleId],
}

/// The knowledge of a job that is about to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing that can be used: it is to run.
    Unknown,
    /// Its answer.
    Ended {
        /// Where its results are, in the order of outputs.
        results: Vec<Place>,
        /// The updates of accumulators by its functions, and by those of the stages that it needed.
        updates: Vec<CountedUpdate>,
    },
    /// A job of this number, which is another one. Nothing is believed from now on, which is to be
    /// [recorded](Record::Diverged).
    Diverged,
}

#[derive(Clone, Debug)]
struct RecordedOutput {
    path: String,
    token: String,
    /// The job that writes it, if that has begun.
    job: Option<JobId>,
    is_committed: bool,
}

impl RecordedOutput {
    /// Whatever there is of it is not its job's any more.
    fn undo(&mut self) {
        (self.job, self.is_committed) = (None, false);
    }
}

/// How far an earlier driver has come with an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputState {
    /// Nothing is known of it.
    Unknown,
    /// Tasks may have written some of it. The word names their files.
    Begun(String),
    /// All tasks have committed, under this word; some of the files may be in their place.
    Written(String),
    /// All files are in their place, and were written under this word.
    Committed(String),
}

/// The knowledge of a shuffle that a job needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundShuffle {
    /// Nothing.
    Unknown,
    /// A shuffle of this number, whose outputs are others.
    Other,
    /// The part of it that earlier drivers have.
    Known(KnownShuffle),
}

/// The part of a shuffle that earlier drivers have written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownShuffle {
    /// The digests of the records that map tasks have written, wherever their outputs are.
    pub checksums: Vec<(Partition, u64)>,
    /// The outputs that the shuffle storage had.
    pub outputs: Vec<(StoredOutput, StoredObject)>,
    /// The updates of accumulators that came with the outputs of these tasks.
    pub updates: Vec<CountedUpdate>,
}

#[derive(Clone, Debug)]
struct RecordedJob {
    fingerprint: Fingerprint,
    results: BTreeMap<u32, Place>,
    /// Once it has ended.
    ended: Option<Ended>,
}

/// The amount that was recorded by the end of a job.
#[derive(Clone, Copy, Debug)]
struct Ended {
    /// The number of updates.
    updates: usize,
    /// The number of times that updates were undone.
    undos: u32,
}

/// An update that was recorded.
#[derive(Clone, Debug)]
struct RecordedUpdate {
    counted: CountedUpdate,
    /// The number of times that updates had been undone when this one was, with itself.
    undone: Option<u32>,
}

/// The sum of a file's records.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    lives: u32,
    jobs: BTreeMap<JobId, RecordedJob>,
    shuffles: Shuffles,
    /// The shuffles that the last driver has submitted or taken up.
    declared: BTreeSet<ShuffleId>,
    /// The number of updates when it began.
    updates_before: usize,
    updates: Vec<RecordedUpdate>,
    undos: u32,
    /// The directories in shuffle storages, with those that the setting named; the last is in use.
    storage_dirs: Vec<(String, String)>,
    checkpoint_dirs: BTreeMap<u32, (String, String)>,
    outputs: BTreeMap<u32, RecordedOutput>,
}

impl Journal {
    /// Reads a file up to the first frame that is not whole.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(file: impl io::Read) -> io::Result<(Journal, Read)> {
        let (mut journal, mut read) = (Journal::default(), Read::default());
        let mut frames = Frames::new(file);
        while let Some((record, length)) = frames.next()? {
            journal.apply(record, Place { offset: read.whole, length });
            read.whole += length;
            read.records += 1;
        }
        Ok((journal, read))
    }

    /// Adds the record at this place of the file.
    fn apply(&mut self, record: Record, place: Place) {
        match record {
            Record::Began { .. } => {
                self.lives += 1;
                self.declared.clear();
                self.updates_before = self.updates.len();
            }
            Record::Job { job, fingerprint } => {
                let recorded = RecordedJob { fingerprint, results: BTreeMap::new(), ended: None };
                self.jobs.insert(job, recorded);
                // What an earlier job of this number has written is not what this one writes.
                self.outputs
                    .values_mut()
                    .filter(|output| output.job == Some(job))
                    .for_each(RecordedOutput::undo);
            }
            Record::Result { job, output, .. } => {
                if let Some(recorded) = self.jobs.get_mut(&job) {
                    recorded.results.insert(output, place);
                }
            }
            Record::Shuffle { shuffle, fingerprint, inputs } => {
                self.declared.insert(shuffle);
                if self.shuffles.declare(shuffle, fingerprint, inputs) {
                    self.undo(|of, _| of == shuffle);
                }
            }
            Record::StorageDir { parent, own } => self.set_storage_dir(parent, own),
            Record::Done(entry) => self.done(entry),
            Record::Diverged { job } => {
                // What the driver itself has submitted or taken up before is believed by it, and goes on to be read.
                let mut own = std::mem::take(&mut self.shuffles);
                own.retain(&self.declared);
                self.diverge(job);
                self.shuffles = own;
                self.undo_of_earlier_drivers();
            }
            Record::CheckpointDir { number, parent, own } => {
                self.checkpoint_dirs.insert(number, (parent, own));
            }
            Record::OutputBegun { number, path, token } => {
                self.forget_output(number);
                self.outputs.insert(number, RecordedOutput { path, token, job: None, is_committed: false });
            }
            Record::OutputJob { number, job } => {
                if let Some(output) = self.outputs.get_mut(&number) {
                    output.job = Some(job);
                }
            }
            Record::OutputCommitted { number } => {
                if let Some(output) = self.outputs.get_mut(&number) {
                    output.is_committed = true;
                }
            }
            Record::OutputAborted { number } => self.forget_output(number),
        }
    }

    /// Adds what the scheduler has done.
    fn done(&mut self, entry: JournalEntry) {
        match entry {
            JournalEntry::JobEnded { job, updates } => {
                self.add_updates(updates);
                if let Some(recorded) = self.jobs.get_mut(&job) {
                    recorded.ended = Some(Ended { updates: self.updates.len(), undos: self.undos });
                }
            }
            JournalEntry::ShuffleWritten { shuffle, checksums, updates } => {
                self.add_updates(updates);
                self.shuffles.written(shuffle, checksums);
            }
            JournalEntry::OutputsStored { shuffle, object, outputs, updates } => {
                self.add_updates(updates);
                self.shuffles.stored(shuffle, object, outputs);
            }
            JournalEntry::OutputChanged { shuffle, map } => {
                let behind = self.shuffles.changed(shuffle, map);
                self.undo(|of, task| behind.contains(&of) || (of, task) == (shuffle, map));
            }
            JournalEntry::OutputsGivenUp { shuffle } => self.shuffles.given_up(shuffle),
        }
    }

    fn add_updates(&mut self, updates: Vec<CountedUpdate>) {
        let recorded = updates.into_iter().map(|counted| RecordedUpdate { counted, undone: None });
        self.updates.extend(recorded);
    }

    /// From now on no update counts that earlier drivers have added and that is no part of an answer that is left.
    fn undo_of_earlier_drivers(&mut self) {
        let kept = self.jobs.values().filter_map(|job| Some(job.ended?.updates)).max().unwrap_or(0);
        self.undos += 1;
        let (end, undone) = (self.updates_before.max(kept), Some(self.undos));
        let (declared, updates) = (&self.declared, &mut self.updates[kept..end]);
        for update in updates.iter_mut().filter(|update| update.undone.is_none()) {
            if !update.counted.from.is_some_and(|(shuffle, _)| declared.contains(&shuffle)) {
                update.undone = undone;
            }
        }
    }

    /// From now on the updates that came with the outputs of some map tasks count no more.
    fn undo(&mut self, which: impl Fn(ShuffleId, Partition) -> bool) {
        self.undos += 1;
        for update in self.updates.iter_mut().filter(|update| update.undone.is_none()) {
            if update.counted.from.is_some_and(|(shuffle, map)| which(shuffle, map)) {
                update.undone = Some(self.undos);
            }
        }
    }

    /// Returns the number of drivers that have begun.
    pub fn lives(&self) -> u32 {
        self.lives
    }

    /// Returns the number of jobs whose answers are known.
    pub fn ended(&self) -> usize {
        self.jobs.values().filter(|job| job.ended.is_some()).count()
    }

    /// Looks up a job that is about to run. Jobs are asked for once, in the order of the program.
    pub fn job(&mut self, job: JobId, fingerprint: Fingerprint, parts: &JobParts<'_>) -> Found {
        let Some(recorded) = self.jobs.get(&job) else { return Found::Unknown };
        // A job that has not ended may differ by a name that each driver makes anew.
        let Some(ended) = recorded.ended else { return Found::Unknown };
        if recorded.fingerprint != fingerprint {
            self.diverge(job);
            return Found::Diverged;
        }
        let results = recorded.results.values().copied().collect();
        Found::Ended { results, updates: self.updates_of(job, parts, ended) }
    }

    /// Looks up a shuffle that a job needs which is about to run, by the fingerprint of what its outputs depend on.
    pub fn shuffle(&self, shuffle: ShuffleId, fingerprint: Fingerprint) -> FoundShuffle {
        let Some(recorded) = self.shuffles.get(shuffle) else { return FoundShuffle::Unknown };
        if recorded.fingerprint != fingerprint {
            return if recorded.is_empty() { FoundShuffle::Unknown } else { FoundShuffle::Other };
        }
        // Other tasks run again in any case, and bring their updates.
        let is_known =
            |(of, map): (ShuffleId, Partition)| of == shuffle && recorded.checksums.contains_key(&map);
        let updates = self.updates.iter().filter(|update| update.undone.is_none());
        let updates = updates.filter(|update| update.counted.from.is_some_and(is_known));
        FoundShuffle::Known(KnownShuffle {
            checksums: recorded.checksums.iter().map(|(map, checksum)| (*map, *checksum)).collect(),
            outputs: recorded.stored.values().copied().collect(),
            updates: updates.map(|update| update.counted.clone()).collect(),
        })
    }

    /// Returns those of these shuffles of which a shuffle storage has outputs, as far as is known.
    pub fn stored(&self, shuffles: &[ShuffleId]) -> Vec<ShuffleId> {
        let has_objects =
            |id: &&ShuffleId| self.shuffles.get(**id).is_some_and(|shuffle| !shuffle.stored.is_empty());
        shuffles.iter().filter(has_objects).copied().collect()
    }

    /// Returns the updates that belong to a job and were recorded by its end. Others belong to jobs that are asked for, too.
    fn updates_of(&self, job: JobId, parts: &JobParts<'_>, ended: Ended) -> Vec<CountedUpdate> {
        let belongs = |counted: &CountedUpdate| match counted.update.scope {
            UpdateScope::Rdd(rdd) => parts.rdds.contains(&rdd),
            UpdateScope::MapSide(shuffle) => parts.shuffles.contains(&shuffle),
            UpdateScope::Job(of) => of == job,
        };
        let counted = |update: &&RecordedUpdate| update.undone.is_none_or(|undone| undone > ended.undos);
        let by_then = self.updates[..ended.updates].iter().filter(counted).map(|update| &update.counted);
        by_then.filter(|counted| belongs(counted)).cloned().collect()
    }

    /// Forgets the job, and those behind it. Of what they have written the words stay known, by which it is removed if it is
    /// not whole. Directories for checkpoints stay the application's, which replaces what is in them.
    fn diverge(&mut self, job: JobId) {
        self.jobs.retain(|known, _| *known < job);
        self.shuffles = Shuffles::default();
        let is_known = |output: &RecordedOutput| output.job.is_some_and(|known| known < job);
        self.outputs.values_mut().filter(|output| !is_known(output)).for_each(RecordedOutput::undo);
    }

    /// Forgets an output, and with it the answer of the job that wrote it: the output is to be written again.
    pub fn forget_output(&mut self, number: u32) {
        let job = self.outputs.remove(&number).and_then(|output| output.job);
        // A job that has begun meanwhile is one that writes it again.
        if let Some(job) = job.filter(|job| self.jobs.get(job).is_some_and(|job| job.ended.is_some())) {
            self.jobs.remove(&job);
        }
    }

    /// Returns the application's own directory for checkpoints, if it had one when the program named `parent` for it.
    pub fn checkpoint_dir(&self, number: u32, parent: &str) -> Option<&str> {
        let (known, own) = self.checkpoint_dirs.get(&number)?;
        (known == parent).then_some(own)
    }

    /// Returns the application's own directory in the shuffle storage, if it had one when the setting named `parent` last.
    pub fn storage_dir(&self, parent: &str) -> Option<&str> {
        let (known, own) = self.storage_dirs.last()?;
        (known == parent).then_some(own)
    }

    /// Returns all directories of the application in shuffle storages.
    pub fn storage_dirs(&self) -> impl Iterator<Item = &str> {
        self.storage_dirs.iter().map(|(_, own)| own.as_str())
    }

    /// Notes that the application has another directory in a shuffle storage. What those before have is not read any more.
    pub fn set_storage_dir(&mut self, parent: String, own: String) {
        self.shuffles.forget_stored();
        self.storage_dirs.push((parent, own));
    }

    /// Returns how far an earlier driver has come with an output to this directory.
    pub fn output(&self, number: u32, path: &str) -> OutputState {
        let Some(output) = self.outputs.get(&number).filter(|output| output.path == path) else {
            return OutputState::Unknown;
        };
        let token = output.token.clone();
        let has_ended = |job: &JobId| self.jobs.get(job).is_some_and(|job| job.ended.is_some());
        match output.job.as_ref().is_some_and(has_ended) {
            true if output.is_committed => OutputState::Committed(token),
            true => OutputState::Written(token),
            false => OutputState::Begun(token),
        }
    }
}

#[cfg(test)]
mod tests;
