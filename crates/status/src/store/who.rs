//! Those that have applications to show: one that runs has itself, a history server has many, which it opens on demand.

use crate::store::fold::Store;
use crate::store::views::ApplicationInfo;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which applications are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationsAsk {
    /// Those that have ended.
    pub completed: bool,
    /// Those that run.
    pub running: bool,
    /// Those with an attempt that began at this time or later, in milliseconds since 1970.
    pub min_date: Option<i64>,
    /// Those with an attempt that began at this time or before.
    pub max_date: Option<i64>,
    /// Those with an attempt that ended at this time or later.
    pub min_end_date: Option<i64>,
    /// Those with an attempt that ended at this time or before.
    pub max_end_date: Option<i64>,
    /// The time at which it is asked: those that run end later.
    pub now: i64,
    /// The most that are returned.
    pub limit: usize,
}

impl Default for ApplicationsAsk {
    /// All.
    fn default() -> Self {
        ApplicationsAsk {
            completed: true,
            running: true,
            min_date: None,
            max_date: None,
            min_end_date: None,
            max_end_date: None,
            now: i64::MIN,
            limit: usize::MAX,
        }
    }
}

impl ApplicationsAsk {
    /// Tells if an application is among those that are asked for: its state is that of its newest attempt, and one of
    /// its attempts lies in the times.
    pub fn wants(&self, application: &ApplicationInfo) -> bool {
        let Some(newest) = application.attempts.first() else { return false };
        let state = if newest.completed { self.completed } else { self.running };
        state
            && application.attempts.iter().any(|attempt| {
                let (start, end) = (attempt.start_time.0, attempt.end_time.0);
                let begins = self.min_date.is_none_or(|min| start >= min)
                    && self.max_date.is_none_or(|max| start <= max);
                let ends = match newest.completed {
                    true => {
                        self.min_end_date.is_none_or(|min| end >= min)
                            && self.max_end_date.is_none_or(|max| end <= max)
                    }
                    false => self.max_end_date.is_none_or(|max| max > self.now),
                };
                begins && ends
            })
    }
}

/// One application that is open: questions are asked of its store while nobody changes it.
pub trait Access: Send + Sync {
    /// Calls `look` with the store as it is, and the time that it is there, in milliseconds since 1970.
    fn look(&self, look: &mut dyn FnMut(&Store, i64));

    /// Returns the revision of the store.
    fn revision(&self) -> u64 {
        let mut revision = 0;
        self.look(&mut |store, _| revision = store.revision());
        revision
    }
}

/// The reason why an application cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// There is none.
    Unknown,
    /// Its log cannot be read.
    Unreadable(String),
    /// There are too many open at a time; it may work later.
    Busy,
}

/// One file of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPart {
    /// Its name, with that of its directory where the log is one.
    pub name: String,
    /// Its path.
    pub path: String,
}

/// All applications that a server shows.
pub trait Applications: Send + Sync {
    /// Returns those that are asked for, the newest first.
    fn list(&self, ask: &ApplicationsAsk) -> Vec<ApplicationInfo>;

    /// Returns one.
    fn info(&self, id: &str) -> Option<ApplicationInfo>;

    /// Opens an attempt at an application; the newest if none is named.
    fn open(&self, id: &str, attempt: Option<&str>) -> Result<Arc<dyn Access>, OpenError>;

    /// True for a history server: what ended is shown, and its logs can be had.
    fn is_history(&self) -> bool {
        false
    }

    /// Returns the files of an attempt's log.
    fn log_parts(&self, _id: &str, _attempt: Option<&str>) -> Result<Vec<LogPart>, OpenError> {
        Err(OpenError::Unknown)
    }

    /// Reads a file of a log and hands its bytes over, piece by piece, until there are no more or `take` returns false.
    fn read_part(&self, _part: &LogPart, _take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), OpenError> {
        Err(OpenError::Unknown)
    }

    /// Returns the addresses of the pages that show what an executor writes, by the names of its streams; none where it is not kept.
    fn log_links(&self, _id: &str, _executor: &str) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Returns the stacks of an executor's threads, as JSON. `None` if they are not to be had.
    fn threads(&self, _id: &str, _executor: &str) -> Option<serde_json::Value> {
        None
    }
}
