//! [`Journal`]: what the records of a file amount to.

use crate::frames::Frames;
use crate::record::{Fingerprint, Record};
use firesteel_types::{CountedUpdate, JobId, JournalEntry, MapOutput, RddId, ShuffleId, UpdateScope};
use std::collections::BTreeMap;
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

/// A shuffle whose map outputs were all there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedShuffle {
    /// The outputs, with the digest of the records of each.
    pub outputs: Vec<(MapOutput, u64)>,
    /// The number of updates of accumulators that were recorded by then.
    updates: usize,
}

#[derive(Clone, Debug)]
struct RecordedJob {
    fingerprint: Fingerprint,
    results: BTreeMap<u32, Place>,
    /// The number of updates that were recorded by its end, once it has ended.
    ended: Option<usize>,
}

/// The sum of a file's records.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    lives: u32,
    jobs: BTreeMap<JobId, RecordedJob>,
    shuffle_prints: BTreeMap<ShuffleId, Fingerprint>,
    shuffles: BTreeMap<ShuffleId, RecordedShuffle>,
    updates: Vec<CountedUpdate>,
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
            Record::Began { .. } => self.lives += 1,
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
            Record::Shuffle { shuffle, fingerprint } => {
                if self.shuffle_prints.insert(shuffle, fingerprint) != Some(fingerprint) {
                    self.shuffles.remove(&shuffle);
                }
            }
            Record::Done(JournalEntry::JobEnded { job, updates }) => {
                self.updates.extend(updates);
                if let Some(recorded) = self.jobs.get_mut(&job) {
                    recorded.ended = Some(self.updates.len());
                }
            }
            Record::Done(JournalEntry::ShuffleWritten { shuffle, outputs, updates }) => {
                self.updates.extend(updates);
                self.shuffles.insert(shuffle, RecordedShuffle { outputs, updates: self.updates.len() });
            }
            Record::Diverged { job } => {
                self.diverge(job);
                // What other jobs have added since is no part of any answer that is left.
                let kept = self.jobs.values().filter_map(|job| job.ended).max();
                self.updates.truncate(kept.unwrap_or(0));
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
        let Some(until) = recorded.ended else { return Found::Unknown };
        if recorded.fingerprint != fingerprint {
            self.diverge(job);
            return Found::Diverged;
        }
        let results = recorded.results.values().copied().collect();
        Found::Ended { results, updates: self.updates_of(Some(job), parts, until) }
    }

    /// Looks up the shuffles of a job that is about to run, by the fingerprints of what their outputs depend on. Returns
    /// those whose outputs were all there, and what the job's functions have added by then.
    pub fn shuffles(
        &self,
        prints: &[(ShuffleId, Fingerprint)],
        parts: &JobParts<'_>,
    ) -> (Vec<(ShuffleId, RecordedShuffle)>, Vec<CountedUpdate>) {
        let is_same =
            |(shuffle, print): &&(ShuffleId, Fingerprint)| self.shuffle_prints.get(shuffle) == Some(print);
        let found = prints
            .iter()
            .filter(is_same)
            .filter_map(|(shuffle, _)| Some((*shuffle, self.shuffles.get(shuffle)?.clone())));
        let found: Vec<(ShuffleId, RecordedShuffle)> = found.collect();
        let until = found.iter().map(|(_, shuffle)| shuffle.updates).max();
        let updates = until.map_or_else(Vec::new, |until| self.updates_of(None, parts, until));
        (found, updates)
    }

    /// Returns the updates, of the first so many, that belong to a job. Others belong to jobs that are asked for, too.
    fn updates_of(&self, own: Option<JobId>, parts: &JobParts<'_>, until: usize) -> Vec<CountedUpdate> {
        let belongs = |counted: &&CountedUpdate| match counted.update.scope {
            UpdateScope::Rdd(rdd) => parts.rdds.contains(&rdd),
            UpdateScope::MapSide(shuffle) => parts.shuffles.contains(&shuffle),
            UpdateScope::Job(job) => Some(job) == own,
        };
        self.updates[..until].iter().filter(belongs).cloned().collect()
    }

    /// Forgets the job, and those behind it. Of what they have written the words stay known, by which it is removed if it is
    /// not whole. Directories for checkpoints stay the application's, which replaces what is in them.
    fn diverge(&mut self, job: JobId) {
        self.jobs.retain(|known, _| *known < job);
        self.shuffles.clear();
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
mod tests {
    use super::*;
    use crate::frames::encode;
    use firesteel_types::{AccumulatorId, AccumulatorUpdate, Partition};

    fn update(scope: UpdateScope) -> CountedUpdate {
        let (accumulator, bytes) = (AccumulatorId(0), [1u8].as_slice().into());
        let (partition, extent, cached_by) = (Partition(0), 1, None);
        let update = AccumulatorUpdate { accumulator, scope, partition, extent, bytes, cached_by };
        CountedUpdate { update, resets: 0 }
    }

    fn written(records: &[Record]) -> Vec<u8> {
        records.iter().flat_map(encode).collect()
    }

    fn ended(job: u32, updates: Vec<CountedUpdate>) -> Record {
        Record::Done(JournalEntry::JobEnded { job: JobId(job), updates })
    }

    fn begun(job: u32, print: u8) -> Record {
        Record::Job { job: JobId(job), fingerprint: [print; 32] }
    }

    const NONE: JobParts<'static> = JobParts { rdds: &[], shuffles: &[] };

    #[test]
    fn every_prefix_of_a_journal_is_a_journal() {
        let result = Record::Result { job: JobId(0), output: 0, bytes: vec![4; 9] };
        let disk = written(&[Record::Began { life: 0 }, begun(0, 1), result, ended(0, vec![]), begun(1, 2)]);
        let whole = disk.len() - encode(&begun(1, 2)).len();
        for length in 0..=disk.len() {
            let (mut journal, read) = Journal::read(&disk[..length]).unwrap();
            assert!(read.whole <= length as u64);
            let found = journal.job(JobId(0), [1; 32], &NONE);
            assert_eq!(matches!(found, Found::Ended { .. }), length >= whole, "{length}");
        }
    }

    #[test]
    fn a_flipped_bit_ends_the_journal() {
        let disk = written(&[begun(0, 1), ended(0, vec![])]);
        for bit in 0..disk.len() * 8 {
            let mut broken = disk.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            let (mut journal, read) = Journal::read(&broken[..]).unwrap();
            assert!(read.records < 2, "bit {bit}");
            assert_eq!(journal.job(JobId(0), [1; 32], &NONE), Found::Unknown);
        }
    }

    #[test]
    fn another_fingerprint_ends_what_is_believed() {
        let records =
            [begun(0, 1), ended(0, vec![]), begun(1, 2), ended(1, vec![]), begun(2, 3), ended(2, vec![])];
        let mut disk = written(&records);
        let (mut journal, _) = Journal::read(&disk[..]).unwrap();
        assert!(matches!(journal.job(JobId(0), [1; 32], &NONE), Found::Ended { .. }));
        assert_eq!(journal.job(JobId(1), [9; 32], &NONE), Found::Diverged);
        assert_eq!(journal.job(JobId(2), [3; 32], &NONE), Found::Unknown, "what comes later is not believed");
        disk.extend(encode(&Record::Diverged { job: JobId(1) }));
        let (mut journal, _) = Journal::read(&disk[..]).unwrap();
        assert_eq!(journal.ended(), 1);
        assert_eq!(journal.job(JobId(1), [2; 32], &NONE), Found::Unknown, "nor by the next driver");
    }

    #[test]
    fn a_job_gets_the_updates_of_what_it_needs_that_were_recorded_by_its_end() {
        let (of_rdd, of_other) = (update(UpdateScope::Rdd(RddId(4))), update(UpdateScope::Rdd(RddId(5))));
        let own = update(UpdateScope::Job(JobId(1)));
        let failed = update(UpdateScope::Job(JobId(0)));
        let records = [
            begun(1, 1),
            ended(1, vec![of_rdd.clone(), of_other, failed, own.clone()]),
            begun(2, 2),
            ended(2, vec![update(UpdateScope::Rdd(RddId(4)))]),
        ];
        let (mut journal, _) = Journal::read(&written(&records)[..]).unwrap();
        let parts = JobParts { rdds: &[RddId(4)], shuffles: &[] };
        let Found::Ended { updates, .. } = journal.job(JobId(1), [1; 32], &parts) else { panic!() };
        assert_eq!(updates, [of_rdd, own]);
    }

    #[test]
    fn results_of_a_driver_that_did_not_see_the_end_do_not_count() {
        let result = |output| Record::Result { job: JobId(0), output, bytes: vec![1] };
        let records = [begun(0, 1), result(0), result(7), begun(0, 1), result(0), ended(0, vec![])];
        let (mut journal, _) = Journal::read(&written(&records)[..]).unwrap();
        let Found::Ended { results, .. } = journal.job(JobId(0), [1; 32], &NONE) else { panic!() };
        assert_eq!(results.len(), 1);
    }

    /// The records of an output that was committed, by this job.
    fn saved(number: u32, job: u32, print: u8) -> Vec<Record> {
        vec![
            Record::OutputBegun { number, path: "/out".into(), token: format!("t{number}") },
            begun(job, print),
            Record::OutputJob { number, job: JobId(job) },
            ended(job, vec![]),
            Record::OutputCommitted { number },
        ]
    }

    #[test]
    fn a_program_that_has_changed_keeps_the_outputs_before_and_the_words_of_those_behind() {
        let mut records = [saved(0, 0, 1), vec![begun(1, 1), ended(1, vec![])], saved(1, 2, 1)].concat();
        records.push(Record::CheckpointDir { number: 0, parent: "/c".into(), own: "/c/own".into() });
        let (mut journal, _) = Journal::read(&written(&records)[..]).unwrap();
        assert_eq!(journal.job(JobId(1), [9; 32], &NONE), Found::Diverged);
        let check = |journal: &Journal| {
            assert_eq!(journal.output(0, "/out"), OutputState::Committed("t0".into()));
            assert_eq!(journal.output(1, "/out"), OutputState::Begun("t1".into()));
            assert_eq!(journal.checkpoint_dir(0, "/c"), Some("/c/own"));
        };
        check(&journal);
        // The next driver has run other jobs of the same numbers, and has not come to the output.
        let changed = [Record::Diverged { job: JobId(1) }, begun(1, 9), ended(1, vec![]), begun(2, 9)];
        records.extend(changed);
        records.push(ended(2, vec![]));
        let (journal, _) = Journal::read(&written(&records)[..]).unwrap();
        check(&journal);
    }

    #[test]
    fn an_output_that_was_not_committed_is_not_written_by_another_job_of_that_number() {
        let mut records = saved(0, 0, 1);
        records.truncate(3);
        // The job of this number is another one for a driver that comes by another way.
        records.extend([begun(0, 2), ended(0, vec![])]);
        let (journal, _) = Journal::read(&written(&records)[..]).unwrap();
        assert_eq!(journal.output(0, "/out"), OutputState::Begun("t0".into()));
    }

    #[test]
    fn the_job_of_an_output_that_is_forgotten_begun_again_or_aborted_runs_again() {
        let again = Record::OutputBegun { number: 0, path: "/out".into(), token: "new".into() };
        let job_of = |journal: &mut Journal| {
            assert!(matches!(journal.job(JobId(7), [1; 32], &NONE), Found::Ended { .. }), "others are known");
            journal.job(JobId(0), [2; 32], &NONE)
        };
        for more in [None, Some(again.clone()), Some(Record::OutputAborted { number: 0 })] {
            let (committed, is_read) = (saved(0, 0, 1), more.is_none());
            let records =
                [committed, vec![begun(7, 1), ended(7, vec![])], more.into_iter().collect()].concat();
            let (mut journal, _) = Journal::read(&written(&records)[..]).unwrap();
            if is_read {
                journal.forget_output(0);
            }
            assert_eq!(
                job_of(&mut journal),
                Found::Unknown,
                "its word is another one, which changes nothing"
            );
        }
        // As a driver writes whose job of a committed output is another one.
        let mut records = [saved(0, 0, 1), vec![begun(0, 2), again]].concat();
        records.extend([Record::OutputJob { number: 0, job: JobId(0) }, ended(0, vec![])]);
        let (mut journal, _) = Journal::read(&written(&records)[..]).unwrap();
        assert_eq!(journal.output(0, "/out"), OutputState::Written("new".into()));
        assert!(matches!(journal.job(JobId(0), [2; 32], &NONE), Found::Ended { .. }));
    }

    #[test]
    fn outputs_are_known_by_their_number_and_directory() {
        let path = |number| format!("/out/{number}");
        let begin = |number, job| {
            let token = "t".to_string();
            vec![
                Record::OutputBegun { number, path: path(number), token },
                begun(job, 1),
                Record::OutputJob { number, job: JobId(job) },
            ]
        };
        let mut records = vec![];
        for number in 0..4 {
            records.extend(begin(number, number));
        }
        records.extend([ended(0, vec![]), ended(1, vec![]), ended(3, vec![])]);
        records.extend([Record::OutputCommitted { number: 0 }, Record::OutputAborted { number: 3 }]);
        let (journal, _) = Journal::read(&written(&records)[..]).unwrap();
        let state = |number| journal.output(number, &path(number));
        assert_eq!(state(0), OutputState::Committed("t".into()));
        assert_eq!(state(1), OutputState::Written("t".into()));
        assert_eq!(state(2), OutputState::Begun("t".into()));
        assert_eq!(state(3), OutputState::Unknown);
        assert_eq!(journal.output(0, "/elsewhere"), OutputState::Unknown);
    }
}
