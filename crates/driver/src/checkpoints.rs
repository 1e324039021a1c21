//! Checkpoints of an application: setting the directory for them, and making those that wait for the end of
//! an action.

use crate::context::DriverContext;
use crate::error::{Error, Result};
use crate::node::RddNode;
use firesteel_conf as conf;
use firesteel_types::CallSite;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

impl DriverContext {
    /// Sets where checkpoints are saved: in a directory of the application's own within this one, which is
    /// removed when the context stops, unless `firesteel.cleaner.checkpoints` is `false`.
    ///
    /// # Errors
    /// When the path is empty.
    pub fn set_checkpoint_dir(&self, site: CallSite, path: &str) -> Result<()> {
        if path.trim().is_empty() {
            return Err(Error::InvalidArgument { site, message: "the path is empty".into() });
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        let own = format!("{}/firesteel-{}-{since:x}", path.trim_end_matches('/'), std::process::id());
        let own = match self.recovery() {
            Some(recovery) => recovery.checkpoint_dir(path, own),
            None => own,
        };
        self.checkpoints().set(own);
        Ok(())
    }

    /// The directory in which this context's checkpoints are saved.
    pub fn checkpoint_dir(&self) -> Option<String> {
        self.checkpoints().get()
    }

    /// Returns whether checkpoints are removed when no RDD needs them any more. Those of an application that may be taken up
    /// again stay until its end, since the program makes their RDDs again then.
    pub(crate) fn cleans_checkpoints(&self) -> bool {
        self.recovery().is_none() && self.conf().get(&conf::CLEAN_CHECKPOINTS).unwrap_or(true)
    }
}

/// The checkpoints that an action has taken: it makes them when it has its answer. Those that it does not
/// make are left to the next action that needs their RDDs.
#[derive(Default)]
pub(crate) struct TakenCheckpoints(Vec<Arc<RddNode>>);

impl TakenCheckpoints {
    /// Takes the checkpoints of those RDDs that no other action has taken.
    pub(crate) fn among<'a>(marked: impl Iterator<Item = &'a Arc<RddNode>>) -> Self {
        TakenCheckpoints(marked.filter(|node| node.persistence.take_mark()).cloned().collect())
    }

    /// Makes the checkpoints, ancestors first.
    pub(crate) fn make(self, context: &DriverContext) -> Result<()> {
        self.0.iter().try_for_each(|node| node.persistence.make_checkpoint(context))
    }
}

impl Drop for TakenCheckpoints {
    fn drop(&mut self) {
        self.0.iter().for_each(|node| node.persistence.return_mark());
    }
}
