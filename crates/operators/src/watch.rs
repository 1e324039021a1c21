//! Whose function is running, on which record: noted while tasks run, so that a panic can be blamed and what is added to an
//! accumulator counts for the right partition.
//!
//! Noted per thread. An operator has a [`TaskScope`] for each partition that it is opened for, and enters it before it calls the
//! user's function, once per batch; on the way back the place before is restored, but not while a panic unwinds: whoever
//! catches the panic finds the line where it began.

use firesteel_types::{CallSite, Partition, UpdateScope};
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// Where functions run: one computation of one partition. Two computations of the same partition have two places.
#[derive(Debug)]
pub struct TaskScope {
    /// The operation that was given the functions.
    pub site: Arc<CallSite>,
    /// What their additions to accumulators belong to.
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
    /// The address of the place that is noted, 0 for none: for those who ask for each record.
    static HERE: Cell<usize> = const { Cell::new(0) };
}

impl TaskScope {
    /// Tells places apart that live at the same time.
    #[inline]
    pub(crate) fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }
}

/// Restores the place that was noted before, when dropped.
pub struct Entered {
    before: Option<Arc<TaskScope>>,
}

/// Notes that the functions of a place are running.
#[inline]
pub fn enter(scope: &Arc<TaskScope>) -> Entered {
    HERE.set(scope.address());
    Entered { before: NOTED.with_borrow_mut(|noted| noted.scope.replace(scope.clone())) }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            HERE.set(self.before.as_ref().map_or(0, TaskScope::address));
            NOTED.with_borrow_mut(|noted| noted.scope = self.before.take());
        }
    }
}

/// The line that is noted.
pub fn site() -> Option<Arc<CallSite>> {
    NOTED.with_borrow(|noted| noted.scope.as_ref().map(|scope| scope.site.clone()))
}

/// The place that is noted.
pub(crate) fn scope() -> Option<Arc<TaskScope>> {
    NOTED.with_borrow(|noted| noted.scope.clone())
}

/// The address of the place that is noted.
#[inline]
pub(crate) fn here() -> usize {
    HERE.get()
}

/// What [`refuse`] unwinds with.
pub struct Refusal {
    /// What was attempted.
    pub operation: String,
    /// Why it cannot be done.
    pub message: String,
}

/// Ends the task, from within an iterator, with a failure that no other attempt can mend.
pub fn refuse(operation: impl Into<String>, message: impl Into<String>) -> ! {
    std::panic::resume_unwind(Box::new(Refusal { operation: operation.into(), message: message.into() }))
}

/// Notes the record that the user's function is about to be given.
pub fn note_record<T: Serialize + Clone + 'static>(record: &T) {
    let record = record.clone();
    NOTED.with_borrow_mut(|noted| noted.record = Some(Box::new(move || render(&record))));
}

/// Forgets the record: the function came back.
pub fn forget_record() {
    NOTED.with_borrow_mut(|noted| noted.record = None);
}

/// Takes what was noted: the line, and the record rendered.
pub fn take() -> (Option<Arc<CallSite>>, Option<String>) {
    HERE.set(0);
    let noted = NOTED.with_borrow_mut(std::mem::take);
    (noted.scope.map(|scope| scope.site.clone()), noted.record.map(|render| render()))
}

/// A record as text for a person: JSON, cut short.
fn render<T: Serialize>(record: &T) -> String {
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
}
