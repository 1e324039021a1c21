//! Blame for failures and additions: notes which function of the user's is running, and on which record, so
//! that a panic can name them and additions to accumulators count for the right partition.
//!
//! The notes are per thread. An operator has a [`TaskScope`] for each partition that it is opened for, and enters
//! it before it calls the user's function, once per batch. Afterwards the previous scope is restored, but not
//! while a panic unwinds: the code that catches the panic finds the line where it began.

use firesteel_types::{CallSite, JobId, Partition, RddId, ShuffleId, UpdateScope};
use serde::Serialize;
use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The scope in which functions run: one computation of one partition. Two computations of the same partition
/// have two scopes.
#[derive(Debug)]
pub struct TaskScope {
    /// The operation that was given the functions.
    pub site: Arc<CallSite>,
    /// The accumulator scope that additions count for.
    pub scope: UpdateScope,
    /// The partition of that scope.
    pub partition: Partition,
}

#[derive(Default)]
struct Noted {
    scope: Option<Arc<TaskScope>>,
    record: Option<Box<dyn Fn() -> String>>,
}

thread_local! {
    static NOTED: RefCell<Noted> = RefCell::default();
    /// The address of the current scope, 0 for none: a cheaper question than [`scope`], for code that asks once
    /// per record.
    static HERE: Cell<usize> = const { Cell::new(0) };
    /// The place where other threads look up which functions this one runs.
    static SHOWN: OnceCell<Arc<Shown>> = const { OnceCell::new() };
}

/// The functions that a thread runs now, for other threads to see. It is for display: nothing may depend on it.
#[derive(Debug, Default)]
pub struct Shown(AtomicU64);

/// The kinds of scopes, as they are shown beside their number.
const NOBODY: u64 = 0;
const RDD: u64 = 1;
const MAP_SIDE: u64 = 2;
const JOB: u64 = 3;

impl Shown {
    fn set(&self, scope: Option<UpdateScope>) {
        let (kind, number) = match scope {
            None => (NOBODY, 0),
            Some(UpdateScope::Rdd(rdd)) => (RDD, rdd.0),
            Some(UpdateScope::MapSide(shuffle)) => (MAP_SIDE, shuffle.0),
            Some(UpdateScope::Job(job)) => (JOB, job.0),
        };
        self.0.store(kind << 32 | u64::from(number), Ordering::Relaxed);
    }

    /// Returns whose functions run; `None` between them.
    pub fn get(&self) -> Option<UpdateScope> {
        let shown = self.0.load(Ordering::Relaxed);
        let number = shown as u32;
        match shown >> 32 {
            RDD => Some(UpdateScope::Rdd(RddId(number))),
            MAP_SIDE => Some(UpdateScope::MapSide(ShuffleId(number))),
            JOB => Some(UpdateScope::Job(JobId(number))),
            _ => None,
        }
    }
}

/// Shows from now on, to those who have `shown`, which functions this thread runs. Only a thread's first call has an effect.
pub fn show_in(shown: Arc<Shown>) {
    SHOWN.with(|here| drop(here.set(shown)));
}

#[inline]
fn show(scope: Option<&Arc<TaskScope>>) {
    SHOWN.with(|here| {
        if let Some(shown) = here.get() {
            shown.set(scope.map(|scope| scope.scope));
        }
    });
}

impl TaskScope {
    /// Returns a number that tells scopes apart that live at the same time.
    #[inline]
    pub(crate) fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }
}

/// Restores the previous scope when dropped.
pub struct Entered {
    before: Option<Arc<TaskScope>>,
}

/// Enters a scope: its functions are about to run.
#[inline]
pub fn enter(scope: &Arc<TaskScope>) -> Entered {
    HERE.set(scope.address());
    show(Some(scope));
    Entered { before: NOTED.with_borrow_mut(|noted| noted.scope.replace(scope.clone())) }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        // A panic keeps its scope, for the code that catches it.
        if !std::thread::panicking() {
            HERE.set(self.before.as_ref().map_or(0, TaskScope::address));
            show(self.before.as_ref());
            NOTED.with_borrow_mut(|noted| noted.scope = self.before.take());
        }
    }
}

/// Returns the line of the current scope.
pub fn site() -> Option<Arc<CallSite>> {
    NOTED.with_borrow(|noted| noted.scope.as_ref().map(|scope| scope.site.clone()))
}

/// Returns the current scope.
pub(crate) fn scope() -> Option<Arc<TaskScope>> {
    NOTED.with_borrow(|noted| noted.scope.clone())
}

/// Returns the address of the current scope.
#[inline]
pub(crate) fn here() -> usize {
    HERE.get()
}

/// The payload that [`refuse`] unwinds with.
pub struct Refusal {
    /// The operation that was refused.
    pub operation: String,
    /// The reason, as a sentence.
    pub message: String,
}

/// Ends the task, from within an iterator, with a failure that no retry can mend.
pub fn refuse(operation: impl Into<String>, message: impl Into<String>) -> ! {
    std::panic::resume_unwind(Box::new(Refusal { operation: operation.into(), message: message.into() }))
}

/// Notes the record that the user's function is about to be given.
pub fn note_record<T: Serialize + Clone + 'static>(record: &T) {
    let record = record.clone();
    NOTED.with_borrow_mut(|noted| noted.record = Some(Box::new(move || render(&record))));
}

/// Forgets the record: the function has returned.
pub fn forget_record() {
    NOTED.with_borrow_mut(|noted| noted.record = None);
}

/// Takes what was noted: the line, and the record as text.
pub fn take() -> (Option<Arc<CallSite>>, Option<String>) {
    HERE.set(0);
    show(None);
    let noted = NOTED.with_borrow_mut(std::mem::take);
    (noted.scope.map(|scope| scope.site.clone()), noted.record.map(|render| render()))
}

/// A record as text for a person: JSON, cut short.
pub(crate) fn render<T: Serialize>(record: &T) -> String {
    const CHARACTERS: usize = 300;
    match serde_json::to_string(record) {
        Ok(text) if text.chars().count() <= CHARACTERS => text,
        Ok(text) => text.chars().take(CHARACTERS).chain(['…']).collect(),
        Err(_) => format!("a {} that cannot be shown as JSON", std::any::type_name::<T>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_types::RddId;

    fn scope(line: u32) -> Arc<TaskScope> {
        let site = Arc::new(CallSite { line, ..CallSite::default() });
        Arc::new(TaskScope { site, scope: UpdateScope::Rdd(RddId(0)), partition: Partition(0) })
    }

    #[test]
    fn the_line_of_the_panic_survives_the_unwinding() {
        let (outer, inner) = (scope(1), scope(2));
        let result = std::panic::catch_unwind(|| {
            let _outer = enter(&outer);
            drop(enter(&scope(3)));
            let _inner = enter(&inner);
            note_record(&("a", 5));
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(result.is_err());
        assert_eq!(take(), (Some(inner.site.clone()), Some(r#"["a",5]"#.to_string())));
        assert_eq!(take(), (None, None));
    }

    #[test]
    fn others_see_whose_functions_run() {
        let shown = Arc::new(Shown::default());
        let theirs = shown.clone();
        let thread = std::thread::spawn(move || {
            show_in(theirs.clone());
            let mut seen = vec![theirs.get()];
            let _outer = enter(&scope(1));
            let inner =
                TaskScope { scope: UpdateScope::Job(JobId(u32::MAX)), ..Arc::try_unwrap(scope(2)).unwrap() };
            {
                let _inner = enter(&Arc::new(inner));
                seen.push(theirs.get());
            }
            seen.push(theirs.get());
            take();
            seen.push(theirs.get());
            seen
        });
        let outer = Some(UpdateScope::Rdd(RddId(0)));
        assert_eq!(thread.join().unwrap(), [None, Some(UpdateScope::Job(JobId(u32::MAX))), outer, None]);
        let _here = enter(&scope(1));
        assert_eq!(shown.get(), None, "another thread's functions are not shown there");
    }

    #[test]
    fn a_scope_that_is_left_gives_way_to_the_one_around_it() {
        let (outer, inner) = (scope(1), scope(2));
        let line = || (site().map(|site| site.line), here());
        {
            let _outer = enter(&outer);
            {
                let _inner = enter(&inner);
                assert_eq!(line(), (Some(2), inner.address()));
            }
            assert_eq!(line(), (Some(1), outer.address()));
        }
        assert_eq!(line(), (None, 0));
    }

    #[test]
    fn a_forgotten_record_is_not_blamed_and_a_long_one_is_cut() {
        note_record(&1);
        forget_record();
        assert_eq!(take().1, None);
        note_record(&"ä".repeat(1000));
        let text = take().1.unwrap();
        assert_eq!((text.chars().count(), text.ends_with("ä…")), (301, true));
    }
}
