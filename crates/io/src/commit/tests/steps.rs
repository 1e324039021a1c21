//! Any order of what attempts do, followed by a commit or an abort that fails again and again, beside a model of it.

use super::places::{Effect, Place};
use super::{ALL, Files, Job, PARTITIONS, has_succeeded, old_files};
use crate::commit::Existing;
use crate::error::{IoCause, IoError};
use firesteel_types::{Partition, TaskId};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One thing that happens to an attempt.
#[derive(Clone, Copy, Debug)]
enum Step {
    Begin,
    /// Writes one of the names that it may write, perhaps again.
    Write(usize),
    /// Begins a file and dies.
    Die,
    Commit,
    Abort,
}

/// What an attempt has done, in the simplest terms.
#[derive(Clone, Default)]
struct Attempt {
    is_begun: bool,
    is_dead: bool,
    files: Files,
}

#[derive(Default)]
struct Model {
    writing: BTreeMap<(u32, u64), Attempt>,
    winners: BTreeMap<u32, (u64, Files)>,
}

impl Model {
    fn commit(&mut self, partition: u32, attempt: u64) -> Result<(), IoCause> {
        match self.winners.get(&partition) {
            Some((winner, _)) if *winner == attempt => return Ok(()),
            Some((winner, _)) if *winner > attempt => {
                return Err(IoCause::CommittedByAnother(TaskId(*winner)));
            }
            _ => {}
        }
        let is_output = |found: &Attempt| !found.is_dead && (found.is_begun || !found.files.is_empty());
        if !self.writing.get(&(partition, attempt)).is_some_and(is_output) {
            return Err(IoCause::NoSuchAttempt { partition: Partition(partition), attempt: TaskId(attempt) });
        }
        let files = self.writing.remove(&(partition, attempt)).unwrap_or_default().files;
        self.winners.insert(partition, (attempt, files));
        Ok(())
    }

    /// Whether nothing more is written by an attempt.
    fn is_over(&self, partition: u32, attempt: u64) -> bool {
        self.winners.get(&partition).is_some_and(|(winner, _)| *winner == attempt)
            || self.writing.get(&(partition, attempt)).is_some_and(|found| found.is_dead)
    }
}

fn name(partition: u32, file: usize) -> String {
    let names = [
        format!("part-{partition:05}"),
        format!("city=Ulm/part-{partition:05}-new"),
        format!("city=Ulm/day=1/hour=2/{partition}"),
    ];
    names[file].clone()
}

fn steps() -> impl Strategy<Value = Vec<(u32, u64, Step)>> {
    let step = prop_oneof![
        2 => Just(Step::Begin),
        5 => (0..3_usize).prop_map(Step::Write),
        5 => Just(Step::Commit),
        2 => Just(Step::Abort),
        1 => Just(Step::Die),
    ];
    proptest::collection::vec((0..PARTITIONS, 1..4_u64, step), 0..50)
}

fn faults() -> impl Strategy<Value = Vec<(usize, Effect)>> {
    let effect = prop_oneof![Just(Effect::None), Just(Effect::Half), Just(Effect::Whole)];
    proptest::collection::vec((0..40_usize, effect), 0..5)
}

/// Takes the steps, and returns what should have come of them.
fn take(job: &Job<'_>, steps: &[(u32, u64, Step)]) -> Result<Model, TestCaseError> {
    let mut model = Model::default();
    for (at, (partition, attempt, step)) in steps.iter().enumerate() {
        let (partition, attempt) = (*partition, *attempt);
        match step {
            Step::Begin | Step::Write(_) | Step::Die if model.is_over(partition, attempt) => {}
            Step::Begin => {
                job.begin(partition, attempt).unwrap();
                model.writing.entry((partition, attempt)).or_default().is_begun = true;
            }
            Step::Write(file) => {
                let (name, contents) = (name(partition, *file), format!("{attempt} at {at}"));
                job.write(partition, attempt, &name, &contents);
                model.writing.entry((partition, attempt)).or_default().files.insert(name, contents);
            }
            Step::Die => {
                std::mem::forget(job.create(partition, attempt, "city=Ulm/unfinished").unwrap());
                model.writing.entry((partition, attempt)).or_default().is_dead = true;
            }
            Step::Commit => {
                let committed = job.commit_task(partition, attempt).map_err(|error| error.cause);
                prop_assert_eq!(committed, model.commit(partition, attempt));
            }
            Step::Abort => {
                model.writing.remove(&(partition, attempt));
                job.abort_task(partition, attempt).unwrap();
            }
        }
    }
    Ok(model)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_steps_and_faults_gives_one_whole_set_or_nothing(
        steps in steps(),
        faults in faults(),
        existing in proptest::sample::select(ALL.to_vec()),
        make in proptest::sample::select(Place::both().to_vec()),
        commits in proptest::bool::weighted(0.8),
        goes_on in proptest::bool::weighted(0.7),
    ) {
        let place = make();
        let old = old_files(existing);
        old.iter().for_each(|(name, contents)| place.put(name, contents));
        let job = Job::set_up(&place, "job-1", existing);
        let model = take(&job, &steps)?;
        prop_assert_eq!(place.files(), old.clone());
        let missing = (0..PARTITIONS).find(|partition| !model.winners.contains_key(partition));
        let mut faults = faults.into_iter();
        // Every call may fail; it is made again until the store works.
        let mut until_works = |tries: usize, act: &dyn Fn() -> Result<(), IoError>| {
            let mut done = Ok(());
            for _ in 0..tries {
                place.fault.set(faults.next());
                done = act();
                place.fault.set(None);
                if done.is_ok() {
                    break;
                }
            }
            done
        };
        if commits && missing.is_none() {
            let done = until_works(if goes_on { 9 } else { 1 }, &|| job.commit(PARTITIONS));
            if done.is_ok() {
                let mut expected = if existing == Existing::Append { old } else { Files::new() };
                expected.extend(model.winners.into_values().flat_map(|(_, files)| files));
                expected.insert("_SUCCESS".into(), String::new());
                prop_assert_eq!(place.files(), expected);
                job.assert_over();
                return Ok(());
            }
            prop_assert!(!goes_on);
        } else if commits {
            let error = job.commit(PARTITIONS).unwrap_err();
            prop_assert_eq!(Some(error.cause), missing.map(|p| IoCause::Uncommitted(Partition(p))));
        }
        let had_begun = commits && missing.is_none();
        let was_committed = has_succeeded(&job);
        until_works(9, &|| job.abort()).unwrap();
        if was_committed {
            return Ok(());
        }
        let found = place.files();
        let is_old = |(name, contents): (&String, &String)| old.get(name) == Some(contents);
        prop_assert!(found.iter().all(is_old), "{:?}", found);
        let may_lack = existing == Existing::Overwrite && had_begun;
        prop_assert!(found.len() == old.len() || may_lack, "{:?}", found);
        prop_assert!(job.commit(PARTITIONS).is_err());
        job.assert_over();
    }
}
