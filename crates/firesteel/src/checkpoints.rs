//! Where checkpoints are written, which RDDs wait for theirs, and when the files go.

use crate::Context;
use crate::error::{Error, Result, site};
use crate::node::RddNode;
use crate::rdd::finish_mark;
use crate::resolve::Nodes;
use firesteel_conf as conf;
use firesteel_io::{Stores, remove_directory};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

/// Makes the checkpoint of an RDD whose type it knows.
pub(crate) type Mark = dyn Fn(&Context, &Arc<RddNode>) -> Result<()> + Send + Sync;

/// The checkpoints of one context.
#[derive(Default)]
pub(crate) struct Checkpoints(Mutex<State>);

#[derive(Default)]
struct State {
    /// The context's own directory within the one that the user named.
    dir: Option<String>,
    waiting: Vec<Weak<RddNode>>,
}

impl Checkpoints {
    pub(crate) fn dir(&self) -> Option<String> {
        self.state().dir.clone()
    }

    /// An RDD was marked: the next action that needs it makes its checkpoint.
    pub(crate) fn await_action(&self, node: &Arc<RddNode>) {
        self.state().waiting.push(Arc::downgrade(node));
    }

    /// Takes out the marked RDDs among those that an action needs; ancestors first.
    pub(crate) fn take_among(&self, nodes: &Nodes) -> Vec<Arc<RddNode>> {
        let mut state = self.state();
        let mut taken = vec![];
        state.waiting.retain(|waiting| {
            let Some(node) = waiting.upgrade() else { return false };
            let is_needed = nodes.contains_key(&node.info.id);
            if is_needed {
                taken.push(node);
            }
            !is_needed
        });
        taken.sort_by_key(|node| node.info.id);
        taken
    }

    /// Removes everything that was written.
    pub(crate) fn remove_all(&self, stores: &Stores) {
        if let Some(dir) = self.state().dir.take() {
            // The context ends; there is nobody to be told.
            let _ = remove_directory(stores, &dir);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Context {
    /// Says where [`Rdd::checkpoint`](crate::Rdd::checkpoint) saves: in a directory of its own within this one, which is removed
    /// when the context stops, unless `firesteel.cleaner.checkpoints` is `false`.
    ///
    /// # Errors
    /// When the path is empty.
    #[track_caller]
    pub fn set_checkpoint_dir(&self, path: &str) -> Result<()> {
        let site = site("set_checkpoint_dir", Location::caller());
        if path.trim().is_empty() {
            return Err(Error::InvalidArgument { site, message: "the path is empty".into() });
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        let own = format!("{}/firesteel-{}-{since:x}", path.trim_end_matches('/'), std::process::id());
        let mut state = self.checkpoints().state();
        state.dir = Some(own);
        Ok(())
    }

    /// The directory in which this context's checkpoints are saved.
    pub fn checkpoint_dir(&self) -> Option<String> {
        self.checkpoints().dir()
    }

    /// Makes the checkpoints that an action was waited for with.
    pub(crate) fn make_checkpoints(&self, marked: &[Arc<RddNode>]) -> Result<()> {
        for (done, node) in marked.iter().enumerate() {
            if let Err(error) = finish_mark(self, node) {
                // The next action may have more luck.
                marked[done..].iter().for_each(|node| self.checkpoints().await_action(node));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether checkpoints are removed when nobody needs them any more.
    pub(crate) fn cleans_checkpoints(&self) -> bool {
        self.conf().get(&conf::CLEAN_CHECKPOINTS).unwrap_or(true)
    }
}

/// The files of one checkpoint, which go with the last who reads them.
pub(crate) struct CheckpointFiles {
    stores: Stores,
    path: String,
    clean: bool,
}

impl CheckpointFiles {
    pub(crate) fn new(context: &Context, path: &str) -> Self {
        CheckpointFiles {
            stores: context.stores().clone(),
            path: path.into(),
            clean: context.cleans_checkpoints(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl Drop for CheckpointFiles {
    fn drop(&mut self) {
        if self.clean {
            let (stores, path) = (self.stores.clone(), std::mem::take(&mut self.path));
            // Not here: this may be the driver's loop, and the files far away. What is left goes with the context.
            let remove = move || drop(remove_directory(&stores, &path));
            let _ = std::thread::Builder::new().name("firesteel-cleaner".into()).spawn(remove);
        }
    }
}
