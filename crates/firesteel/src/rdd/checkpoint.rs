//! Cutting lineage: `checkpoint` and `local_checkpoint`.

use super::Rdd;
use crate::checkpoints::{CheckpointFiles, Mark};
use crate::error::{Error, Result, site};
use crate::node::{NodeCode, RddNode, Source};
use firesteel_data::Data;
use firesteel_io::{FileSplit, ObjectBatches, Stores, list_inputs};
use firesteel_operators::{FileSource, TruncatedLineage};
use firesteel_plan::RddInfo;
use firesteel_types::{CallSite, Partition, StorageLevel};
use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl<T: Data> Rdd<T> {
    /// Saves the records after the next action that needs them, in the directory of
    /// [`Context::set_checkpoint_dir`](crate::Context::set_checkpoint_dir), and forgets how they were computed.
    ///
    /// A program that computes each RDD from the one before needs that every so often: its lineage, and the time and memory
    /// of each step, grow otherwise. Saving runs the computation once more, unless the RDD is also persisted. The files go
    /// when the last RDD that reads them goes, and with the context.
    ///
    /// # Errors
    /// When no directory was set. An action whose answer was computed fails if what is marked cannot be saved.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// sc.set_checkpoint_dir(dir.path().to_str().unwrap())?;
    /// let mut ranks = sc.range(0..100).map(|x| x % 10);
    /// for step in 1..=30 {
    ///     ranks = ranks.map(|x| x + 1);
    ///     if step % 10 == 0 {
    ///         ranks.cache();
    ///         ranks.checkpoint()?;
    ///         ranks.count()?;
    ///     }
    /// }
    /// assert!(ranks.is_checkpointed());
    /// assert_eq!(ranks.to_debug_string().lines().count(), 1);
    /// assert_eq!(ranks.max()?, 39);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn checkpoint(&self) -> Result<()> {
        let site = site("checkpoint", Location::caller());
        let Some(dir) = self.context().checkpoints().dir() else {
            let message = "no directory for checkpoints was set: call `set_checkpoint_dir` of the context first, with a directory \
                           that all executors reach, or use `local_checkpoint`";
            return Err(Error::InvalidArgument { site, message: message.into() });
        };
        let path = format!("{dir}/rdd-{}", self.id());
        self.mark(Arc::new(move |context, node| {
            let rdd = Rdd::<T>::of(context, node);
            let files = CheckpointFiles::new(context, &path);
            rdd.save_objects_at(site.clone(), &path)?;
            let source = rdd.saved_source(&site, &path, files)?;
            node.replace_source(source);
            Ok(())
        }));
        Ok(())
    }

    /// Forgets, after the next action that needs them, how the records were computed: what executors keep of them is all
    /// that there is. Cheaper than [`Rdd::checkpoint`], and lost with an executor: then actions on it fail, and say so.
    ///
    /// Persists the RDD with [`StorageLevel::MEMORY_AND_DISK`], or adds the disk to the level it has.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let sums = sc.range(0..100).map(|x| (x % 3, x)).reduce_by_key(|a, b| a + b).local_checkpoint();
    /// assert_eq!(sums.count()?, 3);
    /// assert_eq!(sums.to_debug_string().lines().count(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn local_checkpoint(&self) -> Rdd<T> {
        let site = site("local_checkpoint", Location::caller());
        let level = match self.storage_level() {
            None => StorageLevel::MEMORY_AND_DISK,
            Some(level) => StorageLevel { use_disk: true, ..level },
        };
        self.persist_again(site.clone(), level);
        self.mark(Arc::new(move |context, node| {
            let rdd = Rdd::<T>::of(context, node);
            // What the action did not need, or was evicted, is computed now; the rest is only looked at.
            rdd.each_partition(site.clone(), &(), |_: &(), _, stream| stream.for_each(|_| Ok(())))?;
            rdd.truncate(&site)
        }));
        self.clone()
    }

    /// Whether the records were checkpointed, reliably or locally.
    pub fn is_checkpointed(&self) -> bool {
        let state = self.node().persistence.state();
        state.is_checkpointed
    }

    /// The directory that holds the checkpoint, if there is one.
    pub fn checkpoint_file(&self) -> Option<String> {
        self.node().source().checkpoint.as_ref().map(|files| files.path().into())
    }

    fn mark(&self, mark: Arc<Mark>) {
        let mut state = self.node().persistence.state();
        if !state.is_checkpointed && state.mark.is_none() {
            state.mark = Some(mark);
            self.context().checkpoints().await_action(self.node());
        }
    }

    /// The RDD as it is read from its checkpoint.
    fn saved_source(&self, site: &CallSite, path: &str, files: CheckpointFiles) -> Result<Source> {
        let io = |source| Error::Io { site: site.clone(), source };
        let listed = list_inputs(self.context().stores(), path).map_err(io)?;
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_string();
        let by_name: HashMap<String, _> = listed.iter().map(|file| (name(&file.path), file)).collect();
        let part = |p: u32| by_name.get(&format!("part-{p:05}")).map(|file| FileSplit::whole(file));
        let splits: Option<Vec<FileSplit>> = (0..self.node().info.partitions).map(part).collect();
        let splits = splits.ok_or_else(|| Error::InvalidArgument {
            site: site.clone(),
            message: format!("files of the checkpoint in {path} have gone while it was being made"),
        })?;
        let code =
            FileSource::code(&splits, |stores: &Stores, splits: &Vec<FileSplit>, partition: Partition| {
                ObjectBatches::<T>::open(stores, &splits[partition.index()])
            });
        Ok(self.without_parents(site, code.into(), Some(files)))
    }

    /// From now on the RDD is what executors keep of it.
    fn truncate(&self, site: &CallSite) -> Result<()> {
        let code =
            TruncatedLineage::<T>::code().map_err(|source| Error::Data { site: site.clone(), source })?;
        if let Some(persisted) = self.node().persistence.persisted() {
            persisted.is_truncated.store(true, Ordering::Relaxed);
            self.node().replace_source(self.without_parents(site, NodeCode::Ready(code), None));
        }
        Ok(())
    }

    fn without_parents(
        &self,
        site: &CallSite,
        code: NodeCode,
        checkpoint: Option<CheckpointFiles>,
    ) -> Source {
        let info = RddInfo {
            site: site.clone(),
            dependencies: vec![],
            preferred: vec![],
            barrier: false,
            ..(*self.node().info).clone()
        };
        let info = Arc::new(info);
        Source { info, parents: vec![], code, writes: vec![], checkpoint, _blocks: None }
    }
}

/// Saves or cuts off a node that was marked.
pub(crate) fn finish_mark(context: &crate::Context, node: &Arc<RddNode>) -> Result<()> {
    let mark = node.persistence.state().mark.clone();
    let Some(mark) = mark else { return Ok(()) };
    mark(context, node)?;
    let mut state = node.persistence.state();
    state.mark = None;
    state.is_checkpointed = true;
    Ok(())
}
