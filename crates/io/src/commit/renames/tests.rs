//! The commit by renames in a file system that answers a question with an error once: no output may be lost by that.

use super::*;
use crate::location::Location;
use crate::store::{CommitMeans, Named, Renaming, WriteFile};
use crate::stores::Stores;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// The local disks, except that the first question about one path fails.
struct FailsOnce {
    inner: Arc<dyn Renaming>,
    path: Mutex<Option<PathBuf>>,
}

impl FailsOnce {
    fn ask(&self, path: &Path) -> io::Result<()> {
        match self.path.lock().unwrap().take_if(|failing| failing == path) {
            Some(_) => Err(io::Error::other("the cable was pulled")),
            None => Ok(()),
        }
    }
}

impl Renaming for FailsOnce {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.inner.make_directory(path)
    }

    fn make_directories(&self, path: &Path) -> io::Result<()> {
        self.inner.make_directories(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_file(path)
    }

    fn remove_empty_directory(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_empty_directory(path)
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_tree(path)
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        self.ask(directory)?;
        self.inner.names(directory)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Named>> {
        self.inner.list(directory)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.ask(path)?;
        self.inner.exists(path)
    }

    fn write_text(&self, path: &Path, text: &str) -> io::Result<()> {
        self.inner.write_text(path, text)
    }

    fn read_text(&self, path: &Path) -> io::Result<String> {
        self.inner.read_text(path)
    }

    fn create(&self, path: PathBuf) -> io::Result<Box<dyn WriteFile>> {
        self.inner.create(path)
    }

    fn shown(&self, path: &Path) -> String {
        self.inner.shown(path)
    }
}

/// A job whose two partitions have committed, in a directory that lives as long as the first value.
fn committed_job(failing: impl Fn(&Renames) -> PathBuf) -> (tempfile::TempDir, Renames) {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("out");
    let store = Location::of(&Stores::default(), IoOperation::SetUp, dir.to_str().unwrap()).unwrap().store;
    let CommitMeans::Renames(inner) = store.commit_means() else { panic!("local disks can rename") };
    let mut job = Renames::new(inner.clone(), dir, "job-7".into(), Existing::Refuse, true).unwrap();
    job.setup_job().unwrap();
    for partition in [Partition(0), Partition(1)] {
        let name = format!("part-0000{partition}");
        job.create(partition, TaskId(5), &name).unwrap().finish().unwrap();
        job.commit_task(partition, TaskId(5)).unwrap();
    }
    job.files = Arc::new(FailsOnce { inner, path: Mutex::new(Some(failing(&job))) });
    (parent, job)
}

fn parts(job: &Renames) -> usize {
    job.files
        .names(&job.dir)
        .unwrap()
        .iter()
        .filter(|name| name.to_str().unwrap().starts_with("part-"))
        .count()
}

#[test]
fn a_winner_that_cannot_be_listed_is_not_left_out_of_the_output() {
    for stage in [Stage::Open, Stage::Committing] {
        let (_parent, job) = committed_job(|job| committed_dir(&job.staging(stage), Partition(1)));
        let error = job.commit_job(2).unwrap_err();
        assert!(error.to_string().ends_with("the cable was pulled") && error.retryable(), "{error}");
        job.commit_job(2).unwrap();
        assert_eq!(parts(&job), 2, "{stage:?}");
    }
}

#[test]
fn an_attempt_is_not_committed_past_a_winner_that_cannot_be_listed() {
    let (_parent, job) = committed_job(|job| committed_dir(&job.staging(Stage::Open), Partition(1)));
    job.create(Partition(1), TaskId(4), "part-00001").unwrap().finish().unwrap();
    assert!(job.commit_task(Partition(1), TaskId(4)).unwrap_err().retryable());
    let cause = job.commit_task(Partition(1), TaskId(4)).unwrap_err().cause;
    assert_eq!(cause, IoCause::CommittedByAnother(TaskId(5)));
}

#[test]
fn a_job_whose_stage_cannot_be_told_has_not_ended() {
    let (_parent, job) = committed_job(|job| job.staging(Stage::Open));
    assert_ne!(job.commit_job(2).unwrap_err().cause, IoCause::JobEnded);
    job.commit_job(2).unwrap();
    assert_eq!(parts(&job), 2);
}

#[test]
fn an_output_that_may_have_succeeded_is_not_removed() {
    let (_parent, job) = committed_job(Renames::success_path);
    job.commit_job(2).unwrap();
    // The directories that a commit could not remove make the job look unfinished.
    job.files.make_directories(&job.staging(Stage::Moved)).unwrap();
    assert!(job.abort_job().is_err());
    job.abort_job().unwrap();
    assert_eq!(parts(&job), 2);
}
