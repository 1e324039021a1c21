//! Both commits onto what exists, with any number of files for an attempt: whatever order attempts write,
//! commit, abort and die in, and whichever operation of the store fails, the job's files appear whole or not
//! at all, and those of others stay.

mod places;
mod steps;

use super::{Existing, Protocol};
use crate::error::{IoCause, IoError};
use crate::file::Output;
use firesteel_types::{Partition, TaskId};
use places::{Effect, Place};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

type Files = BTreeMap<String, String>;

const PARTITIONS: u32 = 3;

/// Calls the same method of whichever protocol it is.
macro_rules! call {
    ($job:expr, $method:ident($($argument:expr),*)) => {
        match $job.protocol()? {
            Protocol::Renames(job) => job.$method($($argument),*),
            Protocol::Uploads(job) => job.$method($($argument),*),
        }
    };
}

/// One job at a place.
struct Job<'a> {
    place: &'a Place,
    token: String,
    existing: Existing,
    marks_success: bool,
}

impl<'a> Job<'a> {
    fn new(place: &'a Place, token: &str, existing: Existing) -> Job<'a> {
        Job { place, token: token.into(), existing, marks_success: true }
    }

    fn set_up(place: &'a Place, token: &str, existing: Existing) -> Job<'a> {
        let job = Job::new(place, token, existing);
        job.setup().unwrap();
        job
    }

    fn protocol(&self) -> Result<Protocol, IoError> {
        self.place.protocol(&self.token, self.existing, self.marks_success)
    }

    fn setup(&self) -> Result<(), IoError> {
        call!(self, setup_job())
    }

    fn begin(&self, partition: u32, attempt: u64) -> Result<(), IoError> {
        call!(self, begin(Partition(partition), TaskId(attempt)))
    }

    fn create(&self, partition: u32, attempt: u64, name: &str) -> Result<Output, IoError> {
        call!(self, create(Partition(partition), TaskId(attempt), name))
    }

    fn write(&self, partition: u32, attempt: u64, name: &str, contents: &str) {
        let mut output = self.create(partition, attempt, name).unwrap();
        output.write_all(contents.as_bytes()).unwrap();
        output.finish().unwrap();
    }

    fn commit_task(&self, partition: u32, attempt: u64) -> Result<(), IoError> {
        call!(self, commit_task(Partition(partition), TaskId(attempt)))
    }

    fn abort_task(&self, partition: u32, attempt: u64) -> Result<(), IoError> {
        call!(self, abort_task(Partition(partition), TaskId(attempt)))
    }

    fn commit(&self, partitions: u32) -> Result<(), IoError> {
        call!(self, commit_job(partitions))
    }

    fn abort(&self) -> Result<(), IoError> {
        call!(self, abort_job())
    }

    /// Asserts that nothing that comes late changes anything, but for what a commit could not clean up.
    fn assert_over(&self) {
        let (before, all_before) = (self.place.files(), self.place.all_files());
        assert_eq!(self.commit_task(0, 1).unwrap_err().cause, IoCause::JobEnded);
        assert_eq!(self.begin(0, 9).unwrap_err().cause, IoCause::JobEnded);
        assert_eq!(self.create(0, 9, "late/part").unwrap_err().cause, IoCause::JobEnded);
        self.abort_task(0, 1).unwrap();
        self.abort().unwrap();
        assert_eq!(self.place.files(), before);
        assert!(self.place.all_files().keys().all(|name| all_before.contains_key(name)));
    }
}

/// Files that were there before. One has the name and the length of a new one, where that does not stand in
/// the way.
fn old_files(existing: Existing) -> Files {
    let mut old =
        vec!["part-00000-old", "part-1", "city=Ulm/part-00000", "city=Ulm/old/a", "_SUCCESS", ".crc"];
    match existing {
        Existing::Refuse => old.clear(),
        Existing::Append => {}
        Existing::Overwrite => old.push("city=Ulm/new-2"),
    }
    let contents = |name: &str| if name == "_SUCCESS" { "" } else { "old 0" };
    old.into_iter().map(|name| (name.to_string(), contents(name).to_string())).collect()
}

/// A place with old files, and a job of three partitions that have committed: with two files, with none, and
/// with one. Returns what should be there at the end.
fn committed<'a>(place: &'a Place, token: &str, existing: Existing) -> (Job<'a>, Files) {
    old_files(existing).iter().for_each(|(name, contents)| place.put(name, contents));
    let job = Job::set_up(place, token, existing);
    job.write(0, 1, "lost", "by an attempt that lost");
    job.commit_task(0, 1).unwrap();
    job.begin(1, 2).unwrap();
    let written = [(0, "part-00000"), (0, "city=Ulm/day=1/new-0"), (2, "city=Ulm/new-2")];
    for (partition, name) in written {
        job.write(partition, 2, name, &format!("new {partition}"));
    }
    job.write(2, 7, "late", "by an attempt that never commits");
    (0..3).for_each(|partition| job.commit_task(partition, 2).unwrap());
    assert_eq!(place.files(), old_files(existing));
    let mut expected = if existing == Existing::Append { old_files(existing) } else { Files::new() };
    expected.extend(written.map(|(partition, name)| (name.to_string(), format!("new {partition}"))));
    expected.insert("_SUCCESS".into(), String::new());
    (job, expected)
}

const ALL: [Existing; 3] = [Existing::Refuse, Existing::Append, Existing::Overwrite];

/// Asserts what an abort may leave: all old files, if none of them was to go yet; some of them otherwise.
fn assert_undone(place: &Place, existing: Existing, had_begun: bool, what: &str) {
    let (found, old) = (place.files(), old_files(existing));
    if existing == Existing::Overwrite && had_begun {
        assert!(found.len() == old.len() || !found.contains_key("_SUCCESS"), "{what}: {found:?}");
        assert!(found.iter().all(|(name, contents)| old.get(name) == Some(contents)), "{what}: {found:?}");
    } else {
        assert_eq!(found, old, "{what}");
    }
    assert!(place.is_clean(), "{what}: {:?}", place.all_files());
    assert!(existing != Existing::Refuse || place.is_gone(), "{what}");
}

/// Returns whether the last step of a commit that failed took effect, so that the job is one that was
/// committed.
fn has_succeeded(job: &Job<'_>) -> bool {
    let files = job.place.all_files();
    let is_marked = job.existing == Existing::Refuse && files.contains_key("_SUCCESS");
    let is_decided = files.get("_temporary/job-1/decision").is_some_and(|decision| decision == "\"Done\"");
    is_marked || is_decided || files.keys().any(|name| name.contains("job-1.done/"))
}

#[test]
fn a_commit_whose_any_step_fails_goes_on_or_is_undone() {
    for make in Place::both() {
        for existing in ALL {
            for effect in [Effect::None, Effect::Half, Effect::Whole] {
                for goes_on in [true, false] {
                    for step in 0.. {
                        let place = make();
                        let (job, expected) = committed(&place, "job-1", existing);
                        let what = format!("{existing:?}, step {step}, {effect:?}, goes on: {goes_on}");
                        place.fault.set(Some((step, effect)));
                        let done = job.commit(PARTITIONS);
                        let is_left = place.fault.is_left();
                        place.fault.set(None);
                        match done {
                            Err(_) if goes_on => job.commit(PARTITIONS).unwrap(),
                            // What may have succeeded is not removed.
                            Err(_) if has_succeeded(&job) => job.abort().unwrap(),
                            Err(_) => {
                                job.abort().unwrap();
                                assert_undone(&place, existing, true, &what);
                                job.assert_over();
                                continue;
                            }
                            Ok(()) => {}
                        }
                        assert_eq!(place.files(), expected, "{what}");
                        job.abort_task(2, 7).unwrap();
                        if is_left {
                            assert!(place.is_clean(), "{what}: {:?}", place.all_files());
                        }
                        job.assert_over();
                        if is_left {
                            break;
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn an_abort_whose_any_step_fails_goes_on_and_takes_nothing_of_others() {
    for make in Place::both() {
        for existing in ALL {
            for effect in [Effect::Half, Effect::Whole] {
                // The commit has not begun, or has failed at one of its steps: the abort may find anything.
                for begun in [None, Some(9), Some(18), Some(27)] {
                    for step in 0.. {
                        let place = make();
                        let (job, _) = committed(&place, "job-1", existing);
                        let what = format!("{existing:?}, begun {begun:?}, step {step}, {effect:?}");
                        place.fault.set(begun.map(|begun| (begun, Effect::Whole)));
                        if begun.is_some() && job.commit(PARTITIONS).is_ok() || has_succeeded(&job) {
                            break;
                        }
                        place.fault.set(Some((step, effect)));
                        let is_undone = job.abort().is_ok();
                        let is_left = place.fault.is_left();
                        place.fault.set(None);
                        if !is_undone {
                            job.abort().unwrap();
                        }
                        // An answer that was lost may hide that only an empty directory is left.
                        if existing != Existing::Refuse || is_left {
                            assert_undone(&place, existing, begun.is_some(), &what);
                        }
                        job.assert_over();
                        assert!(job.commit(PARTITIONS).is_err(), "{what}");
                        if is_left {
                            break;
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn jobs_that_append_at_once_leave_each_other_alone() {
    for make in Place::both() {
        for round in 0..15_u32 {
            let place = make();
            // In some rounds the first of the jobs makes the directory.
            let old = if round % 3 == 0 { Files::new() } else { old_files(Existing::Append) };
            old.iter().for_each(|(name, contents)| place.put(name, contents));
            let names: BTreeSet<String> = std::thread::scope(|scope| {
                let jobs: Vec<_> = (0..6)
                    .map(|number| (number, Job::new(&place, &format!("job-{number}"), Existing::Append)))
                    .collect();
                let threads: Vec<_> = jobs
                    .into_iter()
                    .map(|(number, job)| scope.spawn(move || one_of_many(&job, number)))
                    .collect();
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
            let mut expected: BTreeSet<String> = old.keys().cloned().collect();
            expected.extend(names);
            expected.insert("_SUCCESS".into());
            assert_eq!(place.files().into_keys().collect::<BTreeSet<_>>(), expected);
            assert!(place.is_clean(), "{:?}", place.all_files());
        }
    }
}

/// Runs a job to its end, and returns the names that it leaves.
fn one_of_many(job: &Job<'_>, number: u32) -> Vec<String> {
    job.setup().unwrap();
    let name = |partition: u32| format!("city={}/part-{partition:05}-{number}", partition % 2);
    for partition in 0..4 {
        job.write(partition, 1, &name(partition), "new");
        job.commit_task(partition, 1).unwrap();
    }
    match number % 3 {
        0 => {
            job.abort().unwrap();
            vec![]
        }
        // The commit stops somewhere, and is undone. A fault would hit all jobs, so one partition is missing.
        1 => {
            assert_eq!(job.commit(5).unwrap_err().cause, IoCause::Uncommitted(Partition(4)));
            job.abort().unwrap();
            vec![]
        }
        _ => {
            job.commit(4).unwrap();
            (0..4).map(name).collect()
        }
    }
}

#[test]
fn an_abort_that_stops_half_way_takes_no_staged_file_for_a_moved_one() {
    let is_planned = |place: &Place| place.all_files().contains_key("_temporary/job-1.clearing/plan");
    for step in 0.. {
        // The commit stops once there is a plan, and before any old file is gone.
        for stop in 0.. {
            let place = Place::on_disk();
            let (job, _) = committed(&place, "job-1", Existing::Overwrite);
            place.fault.set(Some((stop, Effect::Whole)));
            job.commit(PARTITIONS).unwrap_err();
            if !is_planned(&place) {
                continue;
            }
            place.fault.set(Some((step, Effect::Half)));
            let done = job.abort();
            if place.fault.is_left() {
                return;
            }
            if done.is_err() {
                job.abort().unwrap();
            }
            assert_undone(&place, Existing::Overwrite, false, &format!("step {step}"));
            break;
        }
    }
}

#[test]
fn a_commit_goes_on_where_an_abort_of_another_removes_empty_directories() {
    for existing in [Existing::Append, Existing::Overwrite] {
        for step in 0.. {
            let place = Place::on_disk();
            let (job, expected) = committed(&place, "job-1", existing);
            place.fault.set(Some((step, Effect::Swept)));
            job.commit(PARTITIONS).unwrap();
            assert_eq!(place.files(), expected, "{existing:?}, step {step}");
            if place.fault.is_left() {
                break;
            }
        }
    }
}

#[test]
fn an_overwrite_leaves_what_another_job_has_staged() {
    for make in Place::both() {
        let place = make();
        let (replacing, mut expected) = committed(&place, "job-1", Existing::Overwrite);
        let adding = Job::set_up(&place, "job-2", Existing::Append);
        adding.write(0, 1, "city=Ulm/added", "added");
        adding.commit_task(0, 1).unwrap();
        replacing.commit(PARTITIONS).unwrap();
        assert_eq!(place.files(), expected);
        adding.commit(1).unwrap();
        expected.insert("city=Ulm/added".into(), "added".into());
        assert_eq!(place.files(), expected);
        replacing.abort_task(2, 7).unwrap();
        assert!(place.is_clean());
    }
}

#[test]
fn a_file_is_never_added_over_another() {
    for make in Place::both() {
        for undoes in [true, false] {
            let place = make();
            place.put("part-00000", "old");
            let job = Job::set_up(&place, "job-1", Existing::Append);
            job.write(0, 1, "part-00000", "new");
            job.write(0, 1, "a", "new");
            job.commit_task(0, 1).unwrap();
            let error = job.commit(1).unwrap_err();
            assert!(
                error.cause == IoCause::OutputExists && error.path.ends_with("out/part-00000"),
                "{error}"
            );
            let old = Files::from([("part-00000".to_string(), "old".to_string())]);
            assert_eq!(place.files(), old);
            if undoes {
                job.abort().unwrap();
                assert_eq!(place.files(), old);
                assert!(place.is_clean());
            }
        }
        // Nor do two tasks of one job write the same.
        let place = make();
        let job = Job::set_up(&place, "job-1", Existing::Overwrite);
        (0..2).for_each(|partition| job.write(partition, 1, "a", "new"));
        (0..2).for_each(|partition| job.commit_task(partition, 1).unwrap());
        assert_eq!(job.commit(2).unwrap_err().cause, IoCause::OutputExists);
        job.abort().unwrap();
        assert!(place.files().is_empty() && place.is_clean());
    }
}

#[test]
fn a_file_in_the_place_of_the_directory_is_replaced_or_an_error() {
    for make in Place::both() {
        for commits in [true, false] {
            for step in 0.. {
                let place = make();
                place.put("", "old");
                let old = place.files();
                let adding = Job::new(&place, "job-0", Existing::Append);
                let error = adding.setup().unwrap_err().to_string();
                assert!(error.contains("it is a file and not a directory"), "{error}");
                let job = Job::set_up(&place, "job-1", Existing::Overwrite);
                job.write(0, 1, "city=Ulm/a", "new");
                job.commit_task(0, 1).unwrap();
                assert_eq!(place.files(), old);
                place.fault.set(Some((step, Effect::Whole)));
                let act = || if commits { job.commit(1) } else { job.abort() };
                let done = act();
                let is_left = place.fault.is_left();
                place.fault.set(None);
                if done.is_err() {
                    act().unwrap();
                }
                let new = [("city=Ulm/a", "new"), ("_SUCCESS", "")];
                let new = new.map(|(name, contents)| (name.to_string(), contents.to_string()));
                assert_eq!(place.files(), if commits { Files::from(new) } else { old }, "step {step}");
                if is_left {
                    assert!(place.is_clean());
                    job.assert_over();
                    break;
                }
            }
        }
    }
}

#[test]
fn without_a_mark_of_success_an_older_one_stays_only_where_files_are_added() {
    for make in Place::both() {
        for (existing, stays) in [(Existing::Append, true), (Existing::Overwrite, false)] {
            let place = make();
            place.put("_SUCCESS", "old");
            let job = Job { marks_success: false, ..Job::new(&place, "job-1", existing) };
            job.setup().unwrap();
            job.commit(0).unwrap();
            assert_eq!(place.files().contains_key("_SUCCESS"), stays);
            assert!(place.is_clean());
        }
    }
}
