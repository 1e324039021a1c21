//! The things that a server shows, and those that it can do: all of it comes from outside, by traits.

use firesteel_status::explain::{self, Finding};
use firesteel_status::store::{Applications, Store};
use std::sync::Arc;

/// All that a server serves.
#[derive(Clone)]
pub struct Site {
    /// Its applications: the one that runs here, or those of a history server.
    pub applications: Arc<dyn Applications>,
    /// The things that can be done with them.
    pub actions: Arc<dyn Actions>,
    /// The explanations of what is slow.
    pub explainer: Option<Arc<dyn Explain>>,
}

impl Site {
    /// Serves applications to look at, and nothing else.
    pub fn new(applications: Arc<dyn Applications>) -> Self {
        Site { applications, actions: Arc::new(NoActions), explainer: Some(Arc::new(Rules)) }
    }
}

/// The reason why something is not to be had here, in a sentence for the reader of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

/// One thread of an executor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadStack {
    /// Its name.
    pub name: String,
    /// Its state, as the system names it.
    pub state: String,
    /// Its stack, a frame a line, the innermost first.
    pub stack: Vec<String>,
    /// True if it runs a task.
    pub is_busy: bool,
}

/// A wish for samples of stacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleAsk {
    /// The executor; all if there is none.
    pub executor: Option<String>,
    /// The stage; all if there is none.
    pub stage: Option<i64>,
    /// For how long, in seconds.
    pub seconds: u32,
}

/// A stack that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampledStack {
    /// The stage whose task ran.
    pub stage: Option<i64>,
    /// Its frames, the outermost first.
    pub frames: Vec<String>,
    /// The number of times that it was seen.
    pub count: u64,
}

/// Samples of stacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// The stacks of slots that ran tasks.
    pub stacks: Vec<SampledStack>,
    /// The number of times that all slots were looked at.
    pub rounds: u64,
    /// The number of times that a slot was seen without a task.
    pub idle: u64,
    /// The time that it took, in milliseconds.
    pub took_ms: u64,
}

/// A part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// Its text.
    pub text: String,
    /// The number of bytes before it.
    pub offset: u64,
    /// The number of bytes up to its end. It may differ from the length of its text, in which a mark stands for what is no UTF-8.
    pub end: u64,
    /// The number of bytes of the whole log.
    pub length: u64,
}

impl LogPart {
    /// Makes it of these bytes, before which there are `offset`, of `length` in all. Bytes that are no text are marked as such.
    pub fn of(bytes: &[u8], offset: u64, length: u64) -> Self {
        let end = offset.saturating_add(bytes.len() as u64);
        LogPart { text: String::from_utf8_lossy(bytes).into_owned(), offset, end, length }
    }
}

/// The things that can be done with the application that runs here. Each may take a while: it is not called on a thread
/// that serves others.
pub trait Actions: Send + Sync {
    /// Cancels a job.
    fn kill_job(&self, _job: i64) -> Result<(), Unavailable> {
        Err(not_here())
    }

    /// Cancels a stage, and the jobs that need it.
    fn kill_stage(&self, _stage: i64) -> Result<(), Unavailable> {
        Err(not_here())
    }

    /// Returns the stacks of an executor's threads.
    fn thread_dump(&self, _executor: &str) -> Result<Vec<ThreadStack>, Unavailable> {
        Err(not_here())
    }

    /// Samples the stacks of slots that run tasks, for as long as is asked for.
    fn sample(&self, _ask: &SampleAsk) -> Result<Samples, Unavailable> {
        Err(not_here())
    }

    /// Returns a part of an executor's `stdout` or `stderr`: from `offset`, or the last part if there is none.
    fn log(
        &self,
        _executor: &str,
        _which: &str,
        _offset: Option<u64>,
        _length: usize,
    ) -> Result<LogPart, Unavailable> {
        Err(not_here())
    }

    /// Tells if anything of this can be done, so that pages offer it.
    fn is_there(&self) -> bool {
        false
    }
}

fn not_here() -> Unavailable {
    Unavailable("This is not available here.".into())
}

/// No application runs here: nothing can be done.
struct NoActions;

impl Actions for NoActions {}

/// Explains what is slow, in sentences with figures.
pub trait Explain: Send + Sync {
    /// Returns the explanations for an attempt at a stage.
    fn stage(&self, store: &Store, now: i64, stage: i64, attempt: i64) -> Vec<String>;

    /// Returns the explanations for a job.
    fn job(&self, store: &Store, now: i64, job: i64) -> Vec<String>;
}

/// Explains by the rules that `explain_last_job` goes by, too.
struct Rules;

impl Explain for Rules {
    fn stage(&self, store: &Store, _: i64, stage: i64, attempt: i64) -> Vec<String> {
        explain::stage(store, stage, attempt).iter().map(told).collect()
    }

    fn job(&self, store: &Store, _: i64, job: i64) -> Vec<String> {
        explain::job(store, job).iter().map(told).collect()
    }
}

fn told(finding: &Finding) -> String {
    format!("{} {}", finding.sentence, finding.remedy)
}
