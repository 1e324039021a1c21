//! The output of a job is whole or absent, whatever order its attempts write, commit, abort and die in.

use firesteel_io::{Codec, Existing, IoCause, OutputCommitter, Stores};
use firesteel_types::{Partition, TaskId};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;

const PARTITIONS: u32 = 3;

struct Job {
    parent: tempfile::TempDir,
    output: OutputCommitter,
}

impl Job {
    fn new() -> Job {
        Job::onto(Existing::Refuse)
    }

    fn onto(existing: Existing) -> Job {
        let parent = tempfile::tempdir().unwrap();
        let output = OutputCommitter::new(parent.path().join("out").to_str().unwrap(), "job-7").unwrap();
        let output = output.onto(existing);
        output.setup_job(&Stores::default()).unwrap();
        Job { parent, output }
    }

    fn dir(&self) -> PathBuf {
        self.parent.path().join("out")
    }

    fn write(&self, partition: u32, attempt: u64) {
        let mut output =
            self.output.create(&Stores::default(), Partition(partition), TaskId(attempt), "").unwrap();
        writeln!(output, "{}", contents(partition, attempt)).unwrap();
        output.finish().unwrap();
    }

    fn commit(&self, partition: u32, attempt: u64) -> Result<(), IoCause> {
        self.output
            .commit_task(&Stores::default(), Partition(partition), TaskId(attempt))
            .map_err(|error| error.cause)
    }

    fn abort(&self, partition: u32, attempt: u64) {
        self.output.abort_task(&Stores::default(), Partition(partition), TaskId(attempt)).unwrap();
    }

    /// Asserts that the output holds what these attempts wrote, and nothing besides.
    fn assert_output(&self, winners: &[(u32, u64)]) {
        let mut expected: BTreeMap<String, String> = winners
            .iter()
            .map(|(partition, attempt)| {
                (format!("part-{partition:05}"), contents(*partition, *attempt) + "\n")
            })
            .collect();
        expected.insert("_SUCCESS".into(), String::new());
        assert_eq!(files(&self.dir()), expected);
    }
}

fn contents(partition: u32, attempt: u64) -> String {
    format!("partition {partition} by attempt {attempt}")
}

fn files(dir: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

/// One thing that happens to an attempt.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write,
    Commit,
    Abort,
}

/// What should come of steps, in the simplest terms.
#[derive(Default)]
struct Model {
    writing: std::collections::BTreeSet<(u32, u64)>,
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
    let step = prop_oneof![3 => Just(Step::Write), 3 => Just(Step::Commit), 1 => Just(Step::Abort)];
    proptest::collection::vec((0..PARTITIONS, 0..3_u64, step), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_steps_gives_one_whole_set_or_nothing(steps in steps(), commits_job in proptest::bool::weighted(0.8)) {
        let (job, mut model) = (Job::new(), Model::default());
        for (partition, attempt, step) in &steps {
            let (partition, attempt) = (*partition, *attempt);
            match step {
                // An attempt writes once; a winner is over.
                Step::Write if model.winners.get(&partition) == Some(&attempt) => {}
                Step::Write if !model.writing.insert((partition, attempt)) => {}
                Step::Write => job.write(partition, attempt),
                Step::Commit => {
                    prop_assert_eq!(job.commit(partition, attempt), model.commit(partition, attempt));
                }
                Step::Abort => {
                    model.writing.remove(&(partition, attempt));
                    job.abort(partition, attempt);
                }
            }
            prop_assert_eq!(files_in_place(&job), 0);
        }
        let missing = (0..PARTITIONS).find(|partition| !model.winners.contains_key(partition));
        if commits_job {
            let committed = job.output.commit_job(&Stores::default(), PARTITIONS).map_err(|error| error.cause);
            match missing {
                Some(partition) => prop_assert_eq!(committed, Err(IoCause::Uncommitted(Partition(partition)))),
                None => {
                    prop_assert_eq!(committed, Ok(()));
                    let winners: Vec<(u32, u64)> = model.winners.into_iter().collect();
                    job.assert_output(&winners);
                    // Nothing that comes late changes it.
                    prop_assert_eq!(job.commit(0, 0), Err(IoCause::JobEnded));
                    job.abort(0, 0);
                    job.output.commit_job(&Stores::default(), PARTITIONS).unwrap();
                    job.output.abort_job(&Stores::default()).unwrap();
                    prop_assert!(job.output.create(&Stores::default(), Partition(0), TaskId(9), "").is_err());
                    job.assert_output(&winners);
                    return Ok(());
                }
            }
        }
        job.output.abort_job(&Stores::default()).unwrap();
        prop_assert!(!job.dir().exists());
        prop_assert_eq!(job.commit(0, 0), Err(IoCause::JobEnded));
        prop_assert!(job.output.create(&Stores::default(), Partition(0), TaskId(9), "").is_err());
        job.output.abort_job(&Stores::default()).unwrap();
        prop_assert!(!job.dir().exists());
        prop_assert!(job.output.commit_job(&Stores::default(), PARTITIONS).is_err());
    }
}

fn files_in_place(job: &Job) -> usize {
    std::fs::read_dir(job.dir())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name() != "_temporary")
        .count()
}

#[test]
fn of_many_attempts_that_commit_at_once_the_last_wins() {
    for _ in 0..20 {
        let job = Job::new();
        (0..8).for_each(|attempt| job.write(0, attempt));
        let committed: Vec<u64> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|attempt| {
                    scope.spawn({
                        let job = &job;
                        move || job.commit(0, attempt).map(|()| attempt)
                    })
                })
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap().ok()).collect()
        });
        assert!(committed.contains(&7), "{committed:?}");
        job.output.commit_job(&Stores::default(), 1).unwrap();
        job.assert_output(&[(0, 7)]);
    }
}

#[test]
fn late_writers_cannot_keep_an_aborted_job_alive() {
    for existing in [Existing::Refuse, Existing::Append, Existing::Overwrite].repeat(8) {
        let job = Job::onto(existing);
        thread::scope(|scope| {
            for attempt in 0..3_u64 {
                let (output, stores) = (&job.output, Stores::default());
                scope.spawn(move || {
                    for partition in (0..5_000).map(Partition) {
                        let Ok(()) = output.begin(&stores, partition, TaskId(attempt)) else { return };
                        let name = format!("a={attempt}/b={partition}/part");
                        let Ok(part) = output.create_file(&stores, partition, TaskId(attempt), &name) else {
                            return;
                        };
                        let _ = part.finish();
                    }
                });
            }
            thread::sleep(std::time::Duration::from_millis(2));
            job.output.abort_job(&Stores::default()).unwrap();
        });
        assert!(!job.dir().exists());
    }
}

#[test]
fn an_existing_output_is_refused_and_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("out");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("part-00000"), "precious").unwrap();
    let output = OutputCommitter::new(dir.to_str().unwrap(), "job-1").unwrap();
    let error = output.setup_job(&Stores::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "could not set up the output {}: it exists already; remove it, or choose another directory, so that \
             outputs do not mix",
            dir.display()
        )
    );
    output.abort_job(&Stores::default()).unwrap();
    assert!(output.commit_job(&Stores::default(), 1).is_err());
    assert_eq!(files(&dir), BTreeMap::from([("part-00000".to_string(), "precious".to_string())]));
}

#[test]
fn another_jobs_output_is_not_touched() {
    let job = Job::new();
    job.write(0, 1);
    let other = OutputCommitter::new(job.dir().to_str().unwrap(), "job-8").unwrap();
    assert_eq!(other.setup_job(&Stores::default()).unwrap_err().cause, IoCause::OutputExists);
    other.abort_job(&Stores::default()).unwrap();
    assert_eq!(
        other.commit_task(&Stores::default(), Partition(0), TaskId(1)).unwrap_err().cause,
        IoCause::JobEnded
    );
    assert_eq!(job.commit(0, 1), Ok(()));
    job.output.commit_job(&Stores::default(), 1).unwrap();
    job.assert_output(&[(0, 1)]);
}

#[test]
fn a_place_that_cannot_be_written_is_found_before_work_starts() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = OutputCommitter::new(file.join("out").to_str().unwrap(), "job-1").unwrap();
    let error = output.setup_job(&Stores::default()).unwrap_err();
    assert!(
        error.to_string().starts_with(&format!("could not set up the output {}", file.display())),
        "{error}"
    );
}

#[test]
fn a_commit_that_fails_half_way_goes_on_or_is_undone() {
    for goes_on in [true, false] {
        let job = Job::new();
        (0..3).for_each(|partition| job.write(partition, 5));
        (0..3).for_each(|partition| job.commit(partition, 5).unwrap());
        // Something stands in the way of the last part.
        let obstacle = job.dir().join("part-00002");
        std::fs::create_dir(&obstacle).unwrap();
        let error = job.output.commit_job(&Stores::default(), 3).unwrap_err();
        assert!(
            matches!(&error.cause, IoCause::Rename { to, .. } if *to == obstacle.to_str().unwrap()),
            "{error}"
        );
        assert!(error.path.ends_with("committed/2/5/part-00002") && job.dir().join("part-00001").exists());
        assert!(!job.dir().join("_SUCCESS").exists());
        std::fs::remove_dir(&obstacle).unwrap();
        if goes_on {
            job.output.commit_job(&Stores::default(), 3).unwrap();
            job.assert_output(&[(0, 5), (1, 5), (2, 5)]);
        } else {
            job.output.abort_job(&Stores::default()).unwrap();
            assert!(!job.dir().exists());
        }
    }
}

#[test]
fn what_a_committed_job_left_behind_does_not_make_it_abortable() {
    let job = Job::new();
    job.write(0, 1);
    job.commit(0, 1).unwrap();
    job.output.commit_job(&Stores::default(), 1).unwrap();
    // As if the driver had died just after the last step that matters.
    let left = job.dir().join("_temporary/job-7.moved");
    std::fs::create_dir_all(&left).unwrap();
    job.output.abort_job(&Stores::default()).unwrap();
    job.output.commit_job(&Stores::default(), 1).unwrap();
    assert!(!left.exists());
    job.assert_output(&[(0, 1)]);
}

#[test]
fn names_carry_the_partition_and_the_codec() {
    let job = Job::new();
    let name = |partition, suffix| {
        let output = job.output.create(&Stores::default(), Partition(partition), TaskId(1), suffix).unwrap();
        Path::new(output.path()).file_name().unwrap().to_str().unwrap().to_string()
    };
    assert_eq!(name(0, Codec::Gzip.suffix()), "part-00000.gz");
    assert_eq!(name(123_456, ""), "part-123456");
}

#[test]
fn an_attempt_without_a_file_commits_nothing() {
    let job = Job::new();
    // Begun and never finished, as by a task that was killed.
    let unfinished = job.output.create(&Stores::default(), Partition(0), TaskId(1), "").unwrap();
    assert!(matches!(job.commit(0, 1), Err(IoCause::NoSuchAttempt { .. })));
    drop(unfinished);
}

#[test]
fn a_committer_travels_and_its_token_is_a_word() {
    let job = Job::new();
    let bytes = postcard::to_allocvec(&job.output).unwrap();
    assert_eq!(postcard::from_bytes::<OutputCommitter>(&bytes).unwrap(), job.output);
    for token in ["", "a/b", "..", "a.aborted"] {
        assert!(OutputCommitter::new("out", token).is_err());
    }
}
