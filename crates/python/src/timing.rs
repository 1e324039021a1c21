//! The time of a task in Python: in the program's functions, each by itself, and in pickling.
//!
//! Functions, pickling and the engine call each other: a function asks for records, which other functions make, or which are
//! unpickled. Each moment counts for the innermost. The clock is read once per list of records, never once per record.

use firesteel_types::{CallSite, FunctionTime, PythonMetrics};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// The work that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// The engine, or nothing.
    Engine,
    /// Pickling and unpickling.
    Pickling,
    /// A function of the program.
    Function(usize),
}

struct Timing {
    now: Work,
    since: Option<Instant>,
    pickling: Duration,
    functions: Vec<(FunctionTime, Duration)>,
}

thread_local! {
    static TIMING: RefCell<Timing> =
        const { RefCell::new(Timing::NOTHING) };
}

impl Timing {
    const NOTHING: Self =
        Timing { now: Work::Engine, since: None, pickling: Duration::ZERO, functions: vec![] };

    /// Counts the time since the last change, and goes on with other work. Returns what was at work before.
    fn change(&mut self, work: Work) -> Work {
        let now = Instant::now();
        let took = self.since.replace(now).map_or(Duration::ZERO, |since| now - since);
        match self.now {
            Work::Engine => {}
            Work::Pickling => self.pickling += took,
            Work::Function(index) => {
                if let Some((_, time)) = self.functions.get_mut(index) {
                    *time += took;
                }
            }
        }
        std::mem::replace(&mut self.now, work)
    }
}

/// A function of the program in the task that runs on this thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimedFunction(usize);

/// Work that goes on until this is dropped; then what was at work before goes on.
pub(crate) struct Working(Work);

impl Drop for Working {
    fn drop(&mut self) {
        TIMING.with_borrow_mut(|timing| timing.change(self.0));
    }
}

/// Returns the function that is at work.
pub(crate) fn at_work() -> Option<TimedFunction> {
    TIMING.with_borrow(|timing| match timing.now {
        Work::Function(index) => Some(TimedFunction(index)),
        Work::Engine | Work::Pickling => None,
    })
}

fn begin(work: Work) -> Working {
    Working(TIMING.with_borrow_mut(|timing| timing.change(work)))
}

/// Pickling is at work.
pub(crate) fn pickling() -> Working {
    begin(Work::Pickling)
}

/// The engine is at work, for a function that asked for records.
pub(crate) fn engine() -> Working {
    begin(Work::Engine)
}

impl TimedFunction {
    /// Makes the clock of a function that a task of this thread is about to call.
    pub(crate) fn new(site: CallSite) -> Self {
        TIMING.with_borrow_mut(|timing| {
            let function = FunctionTime { site, ..FunctionTime::default() };
            timing.functions.push((function, Duration::ZERO));
            TimedFunction(timing.functions.len() - 1)
        })
    }

    /// The function is at work.
    pub(crate) fn work(self) -> Working {
        begin(Work::Function(self.0))
    }

    /// Names the function, once it is loaded.
    pub(crate) fn name(self, name: String) {
        self.note(|function| function.name = name);
    }

    /// The function was given records.
    pub(crate) fn given(self, records: usize) {
        self.note(|function| function.records_in += records as u64);
    }

    /// The function has given records.
    pub(crate) fn gave(self, records: usize) {
        self.note(|function| function.records_out += records as u64);
    }

    /// Native code had records in the place of the function, and handed some back.
    pub(crate) fn natively(self, records: usize, handed_back: usize) {
        self.note(|function| {
            function.native_in += records as u64;
            function.handed_back += handed_back as u64;
        });
    }

    fn note(self, note: impl FnOnce(&mut FunctionTime)) {
        // A function that outlives its task has no clock any more.
        TIMING.with_borrow_mut(|timing| timing.functions.get_mut(self.0).map(|(function, _)| note(function)));
    }
}

/// Takes what was measured since the last call: the figures of one task. None if no Python ran.
pub(crate) fn take() -> Option<Box<PythonMetrics>> {
    let (pickling, functions) = TIMING.with_borrow_mut(|timing| {
        timing.change(Work::Engine);
        timing.since = None;
        (std::mem::take(&mut timing.pickling), std::mem::take(&mut timing.functions))
    });
    if functions.is_empty() && pickling.is_zero() {
        return None;
    }
    let functions: Vec<FunctionTime> = functions
        .into_iter()
        .map(|(function, time)| FunctionTime { time_us: time.as_micros() as u64, ..function })
        .collect();
    let function_us = functions.iter().map(|function| function.time_us).sum();
    Some(Box::new(PythonMetrics { function_us, pickle_us: pickling.as_micros() as u64, functions }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(ms: u64) {
        let end = Instant::now() + Duration::from_millis(ms);
        while Instant::now() < end {}
    }

    #[test]
    fn each_moment_counts_for_the_innermost() {
        take();
        let (outer, inner) =
            (TimedFunction::new(CallSite::default()), TimedFunction::new(CallSite::default()));
        {
            let _outer = outer.work();
            wait(2);
            {
                let _engine = engine();
                wait(40);
                let _inner = inner.work();
                wait(2);
                let _pickling = pickling();
                wait(2);
            }
            outer.given(3);
            outer.gave(1);
            wait(2);
        }
        wait(40);
        let measured = take().unwrap();
        let [outer, inner] = &measured.functions[..] else { panic!("{measured:?}") };
        assert_eq!((outer.records_in, outer.records_out), (3, 1));
        assert!(
            outer.time_us >= 4_000 && inner.time_us >= 2_000 && measured.pickle_us >= 2_000,
            "{measured:?}"
        );
        assert_eq!(measured.function_us, outer.time_us + inner.time_us);
        assert_eq!(take(), None);
    }
}
