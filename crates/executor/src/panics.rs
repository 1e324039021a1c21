//! Panics in tasks: each is caught and becomes data. The process's panic hook prints nothing for it, since
//! the job's failure will say it once, with the line and the record.

use std::cell::{Cell, RefCell};
use std::panic::PanicHookInfo;
use std::sync::Once;

thread_local! {
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `f` with panics noted instead of printed. Gives what it panicked with, and where.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, (Box<dyn std::any::Any + Send>, Option<String>)> {
    install_hook();
    IN_TASK.set(true);
    // Whatever `f` had in its hands is dropped with the attempt; nothing of it is used again.
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f));
    IN_TASK.set(false);
    result.map_err(|payload| (payload, LOCATION.take()))
}

/// The text of a panic.
pub(crate) fn message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic with a value that is not text".into())
}

fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| match IN_TASK.get() {
            true => LOCATION.set(info.location().map(ToString::to_string)),
            false => before(info),
        }));
    });
}
