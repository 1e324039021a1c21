//! The decoder of an application's journal: whatever bytes the file has, a driver reads the part that is whole, asks for what it runs,
//! and is told no result that is not there.

use firesteel_recovery::{Found, JobParts, Journal, Record, frames};
use firesteel_types::{
    AccumulatorId, AccumulatorUpdate, CountedUpdate, ExecutorId, JobId, JournalEntry, Partition, RddId,
    ShuffleId, StoredObject, StoredOutput, TaskId, UpdateScope,
};

/// Reads the bytes as a journal, and asks for its first jobs, shuffles and outputs.
pub(crate) fn journal(data: &[u8]) {
    let (mut journal, read) = Journal::read(data).expect("memory can be read");
    assert!(read.whole <= data.len() as u64 && read.records <= read.whole);
    let (again, same) = Journal::read(&data[..read.whole as usize]).expect("memory can be read");
    assert_eq!((read, journal.ended()), (same, again.ended()), "what is torn off changes nothing");
    let parts = JobParts { rdds: &[RddId(0), RddId(1)], shuffles: &[ShuffleId(0)] };
    journal.shuffle(ShuffleId(0), [1; 32]);
    (0..4).for_each(|number| {
        drop((journal.output(number, "/out"), journal.checkpoint_dir(number, "/out").is_some()))
    });
    for job in 0..4 {
        let Found::Ended { results, .. } = journal.job(JobId(job), [job as u8; 32], &parts) else { continue };
        for place in results {
            let frame = &data[place.offset as usize..][..place.length as usize];
            let record = frames::decode(frame);
            assert!(matches!(record, Some(Record::Result { job: of, .. }) if of == JobId(job)), "{record:?}");
        }
    }
}

/// Good journals.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let update = |scope| {
        let (accumulator, bytes) = (AccumulatorId(0), [1u8].as_slice().into());
        let update = AccumulatorUpdate {
            accumulator,
            scope,
            partition: Partition(0),
            extent: 1,
            bytes,
            cached_by: None,
        };
        let from = match scope {
            UpdateScope::MapSide(shuffle) => Some((shuffle, Partition(0))),
            UpdateScope::Rdd(_) | UpdateScope::Job(_) => None,
        };
        CountedUpdate { update, resets: 0, from }
    };
    let job = |job: u32| {
        let (id, fingerprint) = (JobId(job), [job as u8; 32]);
        let updates = vec![update(UpdateScope::Rdd(RddId(job))), update(UpdateScope::Job(id))];
        vec![
            Record::Job { job: id, fingerprint },
            Record::Result { job: id, output: 0, bytes: vec![job as u8; 9] },
            Record::Done(JournalEntry::JobEnded { job: id, updates }),
        ]
    };
    let output = StoredOutput { map: Partition(0), task: TaskId(7), bytes: 9, checksum: 4 };
    let object = StoredObject { life: 0, by: ExecutorId(1), number: 2, index_at: 3, length: 9 };
    let updates = vec![update(UpdateScope::MapSide(ShuffleId(0)))];
    let (shuffle, inputs) = (ShuffleId(0), vec![ShuffleId(1)]);
    let written = JournalEntry::ShuffleWritten { shuffle, checksums: vec![4, 5], updates: updates.clone() };
    let stored = JournalEntry::OutputsStored { shuffle, object, outputs: vec![output], updates };
    let shuffles = vec![
        Record::StorageDir { parent: "/s".into(), own: "/s/own".into() },
        Record::Shuffle { shuffle, fingerprint: [1; 32], inputs },
        Record::Done(stored),
        Record::Done(written),
    ];
    let changed = JournalEntry::OutputChanged { shuffle: ShuffleId(1), map: Partition(0) };
    let given_up = vec![Record::Done(JournalEntry::OutputsGivenUp { shuffle }), Record::Done(changed)];
    let (path, token) = ("/out".to_string(), "word".to_string());
    let files = vec![
        Record::CheckpointDir { number: 0, parent: path.clone(), own: "/out/own".into() },
        Record::OutputBegun { number: 1, path, token },
        Record::OutputJob { number: 1, job: JobId(1) },
        Record::OutputCommitted { number: 1 },
        Record::OutputAborted { number: 2 },
    ];
    let begun = vec![Record::Began { life: 0 }];
    let diverged = vec![Record::Diverged { job: JobId(1) }];
    let all = [begun, job(0), job(1), shuffles.clone(), files, diverged, shuffles, given_up, job(1)];
    let whole: Vec<u8> = all.iter().flatten().flat_map(frames::encode).collect();
    vec![whole, job(0).iter().flat_map(frames::encode).collect()]
}
