//! What the records of a file amount to.

use super::*;
use crate::frames::encode;
use firesteel_types::{AccumulatorId, AccumulatorUpdate, ExecutorId, TaskId};

fn update(scope: UpdateScope) -> CountedUpdate {
    let (accumulator, bytes) = (AccumulatorId(0), [1u8].as_slice().into());
    let (partition, extent, cached_by) = (Partition(0), 1, None);
    let update = AccumulatorUpdate { accumulator, scope, partition, extent, bytes, cached_by };
    CountedUpdate { update, resets: 0, from: None }
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
        let records = [committed, vec![begun(7, 1), ended(7, vec![])], more.into_iter().collect()].concat();
        let (mut journal, _) = Journal::read(&written(&records)[..]).unwrap();
        if is_read {
            journal.forget_output(0);
        }
        assert_eq!(job_of(&mut journal), Found::Unknown, "its word is another one, which changes nothing");
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

const SHUFFLE: ShuffleId = ShuffleId(3);
const BEHIND: ShuffleId = ShuffleId(4);

fn shuffle(shuffle: ShuffleId, print: u8, inputs: &[ShuffleId]) -> Record {
    Record::Shuffle { shuffle, fingerprint: [print; 32], inputs: inputs.to_vec() }
}

fn stored(shuffle: ShuffleId, map: u32, task: u64, updates: Vec<CountedUpdate>) -> Record {
    let output = StoredOutput { map: Partition(map), task: TaskId(task), bytes: 1, checksum: 5 };
    let object = object(task);
    Record::Done(JournalEntry::OutputsStored { shuffle, object, outputs: vec![output], updates })
}

fn object(task: u64) -> StoredObject {
    StoredObject { life: 0, by: ExecutorId(0), number: task as u32, index_at: 0, length: 9 }
}

fn written_whole(shuffle: ShuffleId, updates: Vec<CountedUpdate>) -> Record {
    Record::Done(JournalEntry::ShuffleWritten { shuffle, checksums: vec![5, 6], updates })
}

/// An update by an RDD, which came with a map task.
fn by_map(shuffle: ShuffleId, map: u32) -> CountedUpdate {
    let mut counted = update(UpdateScope::Rdd(RddId(shuffle.0)));
    counted.update.partition = Partition(map);
    CountedUpdate { from: Some((shuffle, Partition(map))), ..counted }
}

fn known(records: &[Record], of: ShuffleId) -> KnownShuffle {
    let (journal, _) = Journal::read(&written(records)[..]).unwrap();
    match journal.shuffle(of, [1; 32]) {
        FoundShuffle::Known(known) => known,
        other => panic!("{other:?}"),
    }
}

fn maps(known: &KnownShuffle) -> Vec<(u32, u32)> {
    known.outputs.iter().map(|(output, object)| (output.map.0, object.number)).collect()
}

#[test]
fn a_shuffle_has_what_was_stored_last_and_the_digests_of_all() {
    let mut records = vec![shuffle(SHUFFLE, 1, &[]), stored(SHUFFLE, 1, 7, vec![])];
    assert_eq!(maps(&known(&records, SHUFFLE)), [(1, 7)], "before the stage is done");
    assert_eq!(known(&records, SHUFFLE).checksums, [(Partition(1), 5)]);
    records.extend([
        written_whole(SHUFFLE, vec![]),
        stored(SHUFFLE, 1, 9, vec![]),
        stored(SHUFFLE, 0, 8, vec![]),
    ]);
    // As each driver writes that needs it.
    records.push(shuffle(SHUFFLE, 1, &[]));
    let known = known(&records, SHUFFLE);
    assert_eq!(maps(&known), [(0, 8), (1, 9)]);
    assert_eq!(known.checksums.len(), 2);
}

#[test]
fn updates_come_with_the_map_tasks_whose_digests_are_known() {
    let (zero, one) = (by_map(SHUFFLE, 0), by_map(SHUFFLE, 1));
    let final_one = update(UpdateScope::Rdd(RddId(9)));
    let all = vec![zero.clone(), one.clone(), by_map(BEHIND, 0), final_one];
    let mut records = vec![shuffle(SHUFFLE, 1, &[]), stored(SHUFFLE, 1, 7, all)];
    assert_eq!(known(&records, SHUFFLE).updates, std::slice::from_ref(&one), "the other task runs again");
    records.push(written_whole(SHUFFLE, vec![]));
    assert_eq!(known(&records, SHUFFLE).updates, [zero, one]);
}

#[test]
fn another_shuffle_of_its_number_ends_what_is_known_of_it() {
    let mut records = vec![shuffle(SHUFFLE, 1, &[]), stored(SHUFFLE, 0, 7, vec![by_map(SHUFFLE, 0)])];
    let (journal, _) = Journal::read(&written(&records)[..]).unwrap();
    assert_eq!(journal.shuffle(SHUFFLE, [2; 32]), FoundShuffle::Other);
    assert_eq!(journal.shuffle(BEHIND, [2; 32]), FoundShuffle::Unknown);
    records.push(shuffle(SHUFFLE, 2, &[]));
    let (journal, _) = Journal::read(&written(&records)[..]).unwrap();
    assert_eq!(journal.shuffle(SHUFFLE, [1; 32]), FoundShuffle::Unknown, "of the new one nothing is there");
    records.extend([shuffle(SHUFFLE, 1, &[]), written_whole(SHUFFLE, vec![])]);
    assert_eq!(known(&records, SHUFFLE).updates, [], "and nothing of the first one comes back");
    let (mut journal, _) = Journal::read(&written(&[begun(0, 1), ended(0, vec![])])[..]).unwrap();
    assert_eq!(journal.job(JobId(0), [2; 32], &NONE), Found::Diverged);
    assert_eq!(
        journal.shuffle(SHUFFLE, [1; 32]),
        FoundShuffle::Unknown,
        "another job ends all that is known"
    );
}

#[test]
fn other_records_of_a_map_task_undo_what_is_behind_it_but_for_answers() {
    let (of_map, behind, other) = (by_map(SHUFFLE, 0), by_map(BEHIND, 0), by_map(SHUFFLE, 1));
    let parts = JobParts { rdds: &[RddId(3), RddId(4)], shuffles: &[] };
    let mut records = vec![
        shuffle(SHUFFLE, 1, &[]),
        shuffle(BEHIND, 1, &[SHUFFLE]),
        begun(0, 1),
        written_whole(SHUFFLE, vec![of_map.clone(), other.clone()]),
        stored(SHUFFLE, 0, 7, vec![]),
        stored(BEHIND, 0, 8, vec![behind.clone()]),
        ended(0, vec![]),
    ];
    let all = [of_map.clone(), other.clone(), behind];
    let changed = JournalEntry::OutputChanged { shuffle: SHUFFLE, map: Partition(0) };
    records.extend([Record::Done(changed), stored(SHUFFLE, 1, 9, vec![])]);
    let first = known(&records, SHUFFLE);
    assert_eq!((maps(&first), first.updates), (vec![(1, 9)], vec![other.clone()]));
    assert_eq!(first.checksums, [(Partition(1), 5)]);
    assert_eq!(known(&records, BEHIND), KnownShuffle::default());
    // A job that ended before has what counted then, and one that ends now what counts now.
    records.extend([begun(1, 1), ended(1, vec![of_map.clone()])]);
    let (mut journal, _) = Journal::read(&written(&records)[..]).unwrap();
    let mut updates_of = |job| match journal.job(JobId(job), [1; 32], &parts) {
        Found::Ended { updates, .. } => updates,
        other => panic!("{other:?}"),
    };
    assert_eq!(updates_of(0), all);
    assert_eq!(updates_of(1), [other, of_map]);
}

#[test]
fn given_up_outputs_and_those_of_another_directory_are_not_there() {
    let dir = |own: &str| Record::StorageDir { parent: "/s".into(), own: own.into() };
    let given_up = Record::Done(JournalEntry::OutputsGivenUp { shuffle: SHUFFLE });
    for gone in [given_up, dir("/s/2")] {
        let records = [
            dir("/s/1"),
            shuffle(SHUFFLE, 1, &[]),
            written_whole(SHUFFLE, vec![]),
            stored(SHUFFLE, 0, 7, vec![]),
            gone,
            stored(SHUFFLE, 1, 8, vec![]),
        ];
        let known = known(&records, SHUFFLE);
        assert_eq!(maps(&known), [(1, 8)]);
        assert_eq!(known.checksums.len(), 2);
    }
    let (journal, _) = Journal::read(&written(&[dir("/s/1"), dir("/s/2")])[..]).unwrap();
    assert_eq!((journal.storage_dir("/s"), journal.storage_dir("/t")), (Some("/s/2"), None));
    assert_eq!(journal.storage_dirs().collect::<Vec<_>>(), ["/s/1", "/s/2"]);
}

#[test]
fn a_driver_whose_program_has_changed_goes_on_to_believe_what_it_has_submitted_before() {
    let (taken_up, left) = (ShuffleId(1), ShuffleId(2));
    let mut records = vec![Record::Began { life: 0 }, begun(0, 1)];
    for of in [taken_up, left] {
        records.extend([shuffle(of, 1, &[]), stored(of, 0, u64::from(of.0), vec![by_map(of, 0)])]);
    }
    // The next driver's job 0 fails, and its job 1 is another one than before.
    records.extend([Record::Began { life: 1 }, begun(0, 1), shuffle(taken_up, 1, &[])]);
    records.push(stored(taken_up, 1, 9, vec![by_map(taken_up, 1)]));
    records.push(Record::Diverged { job: JobId(1) });
    // A later job reads both shuffles.
    let behind = ShuffleId(3);
    records.extend([begun(2, 3), shuffle(behind, 1, &[taken_up]), stored(behind, 0, 10, vec![])]);
    assert_eq!(maps(&known(&records, taken_up)).len(), 2, "what it reads goes on to be known");
    assert_eq!(known(&records, taken_up).updates, [by_map(taken_up, 0), by_map(taken_up, 1)]);
    let (journal, _) = Journal::read(&written(&records)[..]).unwrap();
    assert_eq!(journal.shuffle(left, [1; 32]), FoundShuffle::Unknown, "nothing has asked for it since");
    // Other records of the first shuffle undo what was computed from it.
    let map = Partition(0);
    records.push(Record::Done(JournalEntry::OutputChanged { shuffle: taken_up, map }));
    assert_eq!(maps(&known(&records, behind)), []);
}
