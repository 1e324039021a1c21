//! Checkpoints, which cut an RDD's lineage: reliable ones, which are files, and local ones, which are the
//! partitions that executors have cached.

use super::UntypedRdd;
use crate::checkpoint_files::CheckpointFiles;
use crate::error::{Error, Result};
use crate::job::Restart;
use crate::node::{NodeCode, Source};
use crate::persistence::Checkpoint;
use firesteel_data::Data;
use firesteel_io::{Existing, FileSplit, ObjectBatches, Stores, list_inputs};
use firesteel_operators::{FileSource, Stream, TruncatedLineage};
use firesteel_plan::RddInfo;
use firesteel_types::{CallSite, Partition, StorageLevel};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl UntypedRdd {
    /// Saves the records, which are `T`s, after the next action that needs them, in the context's directory
    /// for checkpoints, and forgets how they were computed.
    ///
    /// # Errors
    /// When no directory was set. An action whose answer was computed fails if what is marked cannot be
    /// saved.
    pub fn checkpoint<T: Data>(&self, site: CallSite) -> Result<()> {
        let Some(dir) = self.context.checkpoint_dir() else {
            let message = "no directory for checkpoints was set: call `set_checkpoint_dir` of the context first, with a directory \
                           that all executors reach, or use `local_checkpoint`";
            return Err(Error::InvalidArgument { site, message: message.into() });
        };
        let path = format!("{dir}/rdd-{}", self.id());
        self.mark(move |rdd| {
            let files = CheckpointFiles::new(rdd.context.stores(), &path, rdd.context.cleans_checkpoints());
            // An earlier driver's, of a program that has changed since, may be there: the directory is this application's alone.
            let existing = match rdd.context.recovery() {
                Some(_) => Existing::Overwrite,
                None => Existing::Refuse,
            };
            rdd.save_objects_onto::<T>(&site, &path, existing)?;
            let source = rdd.saved_source::<T>(&site, &path, files)?;
            rdd.node.replace_source(source);
            Ok(())
        });
        Ok(())
    }

    /// Forgets, after the next action that needs them, how the records, which are `T`s, were computed: the
    /// partitions that executors have cached are then the only copy. Persists the RDD in memory and on disk,
    /// or adds the disk to the level that it has.
    pub fn local_checkpoint<T: Data>(&self, site: CallSite) {
        let level = match self.storage_level() {
            None => StorageLevel::MEMORY_AND_DISK,
            Some(level) => StorageLevel { use_disk: true, ..level },
        };
        self.persist_again::<T>(site.clone(), level);
        self.mark(move |rdd| {
            // Partitions that the action did not need, or that were evicted, are computed now; the others are
            // only read.
            let restart = Restart { runs: true, ..Restart::default() };
            let read = |_: &(), _, stream: Stream<T>| stream.for_each(|_| Ok(()));
            rdd.each_partition_with::<T, _, _>(site.clone(), &(), read, restart)?;
            rdd.truncate::<T>(&site)
        });
    }

    /// Returns whether the records were checkpointed, reliably or locally.
    pub fn is_checkpointed(&self) -> bool {
        matches!(self.node.persistence.state().checkpoint, Checkpoint::Made)
    }

    /// The directory that holds the checkpoint, if there is one.
    pub fn checkpoint_file(&self) -> Option<String> {
        self.node.source().checkpoint.as_ref().map(|files| files.path().into())
    }

    /// Asks the next action that needs this RDD to make its checkpoint.
    fn mark(&self, make: impl Fn(&UntypedRdd) -> Result<()> + Send + Sync + 'static) {
        // Weak, since the node itself owns this function.
        let node = Arc::downgrade(&self.node);
        self.node.persistence.mark(Arc::new(move |context| match node.upgrade() {
            Some(node) => make(&UntypedRdd::of(context, &node)),
            None => Ok(()),
        }));
    }

    /// Returns the source of the RDD as read from its checkpoint.
    fn saved_source<T: Data>(&self, site: &CallSite, path: &str, files: CheckpointFiles) -> Result<Source> {
        let io = |source| Error::Io { site: site.clone(), source };
        let listed = list_inputs(self.context.stores(), path).map_err(io)?;
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_string();
        let by_name: HashMap<String, _> = listed.iter().map(|file| (name(&file.path), file)).collect();
        let part = |p: u32| by_name.get(&format!("part-{p:05}")).map(|file| FileSplit::whole(file));
        let splits: Option<Vec<FileSplit>> = (0..self.partitions()).map(part).collect();
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

    /// Cuts the RDD off from its parents: from now on it consists of the partitions that executors have
    /// cached.
    fn truncate<T: Data>(&self, site: &CallSite) -> Result<()> {
        let code =
            TruncatedLineage::<T>::code().map_err(|source| Error::Data { site: site.clone(), source })?;
        if let Some(persisted) = self.node.persistence.persisted() {
            persisted.is_truncated.store(true, Ordering::Relaxed);
            self.node.replace_source(self.without_parents(site, NodeCode::Ready(code), None));
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
            ..(*self.node.info).clone()
        };
        let info = Arc::new(info);
        Source { info, parents: vec![], code, writes: vec![], checkpoint, _blocks: None }
    }
}
