//! The commit of object stores, on one in memory that counts uploads which were begun and neither completed nor aborted:
//! whatever order attempts write, commit, abort and die in, the output is whole or absent and nothing is left pending.

use super::*;
use crate::scheme::Scheme;
use crate::stores::Bucket;
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{MultipartId, PutPayload, PutResult, Result as StoreResult};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Mutex;

const PARTITIONS: u32 = 3;

const ALL: [Existing; 3] = [Existing::Refuse, Existing::Append, Existing::Overwrite];

/// A store in memory that knows its pending uploads, and can be told to fail completions.
struct Counting {
    inner: Arc<InMemory>,
    pending: Mutex<BTreeSet<MultipartId>>,
    /// How many completions succeed before one fails, and whether it fails before or after it took effect.
    failing: Mutex<Option<(usize, bool)>>,
}

#[async_trait::async_trait]
impl MultipartStore for Counting {
    async fn create_multipart(&self, path: &Path) -> StoreResult<MultipartId> {
        let id = self.inner.create_multipart(path).await?;
        self.pending.lock().unwrap().insert(id.clone());
        Ok(id)
    }

    async fn put_part(
        &self,
        path: &Path,
        id: &MultipartId,
        part: usize,
        data: PutPayload,
    ) -> StoreResult<PartId> {
        self.inner.put_part(path, id, part, data).await
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> StoreResult<PutResult> {
        let lost = || object_store::Error::Generic { store: "test", source: "the cable was pulled".into() };
        let fails = {
            let mut failing = self.failing.lock().unwrap();
            match failing.take() {
                Some((0, takes_effect)) => Some(takes_effect),
                Some((left, takes_effect)) => {
                    *failing = Some((left - 1, takes_effect));
                    None
                }
                None => None,
            }
        };
        if fails == Some(false) {
            return Err(lost());
        }
        let done = self.inner.complete_multipart(path, id, parts).await?;
        self.pending.lock().unwrap().remove(id);
        if fails.is_some() { Err(lost()) } else { Ok(done) }
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> StoreResult<()> {
        self.pending.lock().unwrap().remove(id);
        self.inner.abort_multipart(path, id).await
    }
}

struct Job {
    store: Arc<Counting>,
    output: Uploads,
}

impl Job {
    fn new() -> Job {
        Job::onto(Existing::Refuse)
    }

    fn onto(existing: Existing) -> Job {
        let inner = Arc::new(InMemory::new());
        let store =
            Arc::new(Counting { inner: inner.clone(), pending: Mutex::default(), failing: Mutex::default() });
        let uploads: Arc<dyn MultipartStore> = store.clone();
        let bucket = Bucket {
            scheme: Scheme::Memory,
            root: "memory://b".into(),
            store: inner,
            uploads: Some(uploads),
        };
        let output = Uploads {
            store: Arc::new(Arc::new(bucket)),
            dir: "data/out".into(),
            token: "job-7".into(),
            existing,
            marks_success: true,
        };
        output.setup_job().unwrap();
        Job { store, output }
    }

    fn write(&self, partition: u32, attempt: u64) {
        let mut output =
            self.output.create(Partition(partition), TaskId(attempt), &part_file(partition)).unwrap();
        write!(output, "{}", contents(partition, attempt)).unwrap();
        output.finish().unwrap();
    }

    fn commit(&self, partition: u32, attempt: u64) -> Result<(), IoCause> {
        self.output.commit_task(Partition(partition), TaskId(attempt)).map_err(|error| error.cause)
    }

    fn abort(&self, partition: u32, attempt: u64) {
        self.output.abort_task(Partition(partition), TaskId(attempt)).unwrap();
    }

    /// Everything below the output, by name.
    fn files(&self) -> BTreeMap<String, String> {
        let Uploads { store, dir, .. } = &self.output;
        let paths = store.below(IoOperation::List, dir).unwrap();
        let prefix = format!("{dir}/");
        let contents = store.get(IoOperation::Read, paths.clone()).unwrap();
        let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.unwrap()).unwrap();
        let name = |path: &String| path.strip_prefix(&prefix).unwrap().to_string();
        paths.iter().map(name).zip(contents.into_iter().map(text)).collect()
    }

    fn visible(&self) -> usize {
        self.files().keys().filter(|name| !name.starts_with("_temporary/")).count()
    }

    fn pending(&self) -> usize {
        self.store.pending.lock().unwrap().len()
    }

    /// Asserts that the output holds what these attempts wrote, and nothing besides.
    fn assert_output(&self, winners: &BTreeMap<u32, u64>) {
        let mut expected: BTreeMap<String, String> =
            winners.iter().map(|(p, a)| (format!("part-{p:05}"), contents(*p, *a))).collect();
        expected.insert("_SUCCESS".into(), String::new());
        assert_eq!(self.files(), expected);
        assert_eq!(self.pending(), 0);
    }
}

fn part_file(partition: u32) -> String {
    format!("part-{partition:05}")
}

fn contents(partition: u32, attempt: u64) -> String {
    format!("partition {partition} by attempt {attempt}")
}

/// One thing that happens to an attempt.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write,
    Commit,
    Abort,
    /// Begins and dies.
    Die,
}

/// What should come of steps, in the simplest terms.
#[derive(Default)]
struct Model {
    writing: BTreeSet<(u32, u64)>,
    winners: BTreeMap<u32, u64>,
}

impl Model {
    fn commit(&mut self, partition: u32, attempt: u64) -> Result<(), IoCause> {
        match self.winners.get(&partition) {
            Some(winner) if *winner == attempt => Ok(()),
            Some(winner) if *winner > attempt => Err(IoCause::CommittedByAnother(TaskId(*winner))),
            _ if self.writing.remove(&(partition, attempt)) => {
                self.winners.insert(partition, attempt);
                Ok(())
            }
            _ => Err(IoCause::NoSuchAttempt { partition: Partition(partition), attempt: TaskId(attempt) }),
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<(u32, u64, Step)>> {
    let step = prop_oneof![3 => Just(Step::Write), 3 => Just(Step::Commit), 1 => Just(Step::Abort), 1 => Just(Step::Die)];
    proptest::collection::vec((0..PARTITIONS, 0..3_u64, step), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_steps_gives_one_whole_set_or_nothing(
        steps in steps(),
        commits_job in proptest::bool::weighted(0.8),
        failing in proptest::option::of((0..3_usize, any::<bool>())),
        goes_on in any::<bool>(),
    ) {
        let (job, mut model) = (Job::new(), Model::default());
        for (partition, attempt, step) in &steps {
            let (partition, attempt) = (*partition, *attempt);
            let is_over = model.winners.get(&partition) == Some(&attempt);
            match step {
                // An attempt writes once; a winner is over.
                Step::Write | Step::Die if is_over || model.writing.contains(&(partition, attempt)) => {}
                Step::Write => {
                    model.writing.insert((partition, attempt));
                    job.write(partition, attempt);
                }
                // As a killed process, which cleans nothing up.
                Step::Die => std::mem::forget(job.output.create(Partition(partition), TaskId(attempt), &part_file(partition)).unwrap()),
                Step::Commit => {
                    prop_assert_eq!(job.commit(partition, attempt), model.commit(partition, attempt));
                }
                Step::Abort => {
                    model.writing.remove(&(partition, attempt));
                    job.abort(partition, attempt);
                }
            }
            prop_assert_eq!(job.visible(), 0);
        }
        let missing = (0..PARTITIONS).find(|partition| !model.winners.contains_key(partition));
        if commits_job {
            *job.store.failing.lock().unwrap() = failing;
            let mut committed = job.output.commit_job(PARTITIONS).map_err(|error| error.cause);
            if missing.is_none() && matches!(failing, Some((_, false))) {
                let is_failure = matches!(committed, Err(IoCause::Store { .. }));
                prop_assert!(is_failure);
                prop_assert!(!job.files().contains_key("_SUCCESS"));
                if goes_on {
                    committed = job.output.commit_job(PARTITIONS).map_err(|error| error.cause);
                }
            }
            match (missing, committed) {
                (Some(partition), committed) => {
                    prop_assert_eq!(committed, Err(IoCause::Uncommitted(Partition(partition))));
                }
                (None, Ok(())) => {
                    job.assert_output(&model.winners);
                    // Nothing that comes late changes it.
                    prop_assert_eq!(job.commit(0, 0), Err(IoCause::JobEnded));
                    job.abort(0, 0);
                    job.output.commit_job(PARTITIONS).unwrap();
                    job.output.abort_job().unwrap();
                    prop_assert!(job.output.create(Partition(0), TaskId(9), &part_file(0)).is_err());
                    job.assert_output(&model.winners);
                    return Ok(());
                }
                (None, Err(_)) => prop_assert!(!goes_on),
            }
        }
        job.output.abort_job().unwrap();
        prop_assert_eq!((job.files(), job.pending()), (BTreeMap::new(), 0));
        prop_assert_eq!(job.commit(0, 0), Err(IoCause::JobEnded));
        prop_assert!(job.output.create(Partition(0), TaskId(9), &part_file(0)).is_err());
        job.output.abort_job().unwrap();
        prop_assert!(job.output.commit_job(PARTITIONS).is_err());
        prop_assert_eq!((job.files(), job.pending()), (BTreeMap::new(), 0));
    }
}

#[test]
fn of_many_attempts_that_commit_at_once_the_last_wins() {
    for _ in 0..10 {
        let job = Job::new();
        (0..8).for_each(|attempt| job.write(0, attempt));
        let committed: Vec<u64> = std::thread::scope(|scope| {
            let job = &job;
            let threads: Vec<_> =
                (0..8).map(|attempt| scope.spawn(move || job.commit(0, attempt).map(|()| attempt))).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap().ok()).collect()
        });
        assert!(committed.contains(&7), "{committed:?}");
        job.output.commit_job(1).unwrap();
        job.assert_output(&BTreeMap::from([(0, 7)]));
    }
}

#[test]
fn attempts_and_the_end_of_the_job_may_come_at_once() {
    for (commits, existing) in
        [true, false].into_iter().flat_map(|commits| ALL.map(|existing| (commits, existing)))
    {
        for _ in 0..15 {
            let job = Job::onto(existing);
            job.write(0, 9);
            job.commit(0, 9).unwrap();
            std::thread::scope(|scope| {
                let job = &job;
                for attempt in 1..4 {
                    scope.spawn(move || {
                        let Ok(mut part) = job.output.create(Partition(0), TaskId(attempt), &part_file(0))
                        else {
                            return;
                        };
                        let _ = part.write_all(b"late");
                        let _ = part.finish();
                        assert!(job.commit(0, attempt).is_err());
                        let _ = job.output.abort_task(Partition(0), TaskId(attempt));
                    });
                }
                match commits {
                    true => job.output.commit_job(1).unwrap(),
                    false => job.output.abort_job().unwrap(),
                }
            });
            match commits {
                true => job.assert_output(&BTreeMap::from([(0, 9)])),
                false => assert_eq!((job.files(), job.pending()), (BTreeMap::new(), 0)),
            }
        }
    }
}

#[test]
fn an_existing_output_is_refused_and_left_alone() {
    let job = Job::new();
    job.write(0, 1);
    let other = Uploads { token: "job-8".into(), ..job.output.clone() };
    assert_eq!(other.setup_job().unwrap_err().cause, IoCause::OutputExists);
    other.abort_job().unwrap();
    assert_eq!(other.commit_task(Partition(0), TaskId(1)).unwrap_err().cause, IoCause::JobEnded);
    assert_eq!(job.commit(0, 1), Ok(()));
    job.output.commit_job(1).unwrap();
    job.assert_output(&BTreeMap::from([(0, 1)]));
    assert_eq!(other.setup_job().unwrap_err().cause, IoCause::OutputExists);
    other.abort_job().unwrap();
    job.assert_output(&BTreeMap::from([(0, 1)]));
}

#[test]
fn a_large_part_is_sent_in_pieces_and_comes_back_whole() {
    let job = Job::new();
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut output = job.output.create(Partition(0), TaskId(1), "part-00000.bin").unwrap();
    bytes.chunks(70_001).for_each(|chunk| output.write_all(chunk).unwrap());
    assert_eq!(output.finish().unwrap(), bytes.len() as u64);
    job.commit(0, 1).unwrap();
    job.output.commit_job(1).unwrap();
    let written = job.output.store.get(IoOperation::Read, vec![job.output.child("part-00000.bin")]).unwrap();
    assert!(written[0].as_ref() == Some(&bytes));
}
