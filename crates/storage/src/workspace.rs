//! A task's workspace: its memory and its spill files.

use crate::{LocalDirs, MemoryPool};
use firesteel_data::{Cipher, DataError, Workspace};
use firesteel_types::TaskId;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// One task's share of its executor's memory and disk. When it is dropped, all its memory is free again.
#[derive(Debug)]
pub struct TaskWorkspace {
    task: TaskId,
    pool: Arc<MemoryPool>,
    dirs: Arc<LocalDirs>,
}

impl TaskWorkspace {
    /// Makes the workspace of a task that begins.
    pub fn new(task: TaskId, pool: Arc<MemoryPool>, dirs: Arc<LocalDirs>) -> Self {
        pool.arbiter().begin(task);
        TaskWorkspace { task, pool, dirs }
    }
}

impl Drop for TaskWorkspace {
    fn drop(&mut self) {
        self.pool.arbiter().end(self.task);
    }
}

impl Workspace for TaskWorkspace {
    fn try_reserve(&self, bytes: usize) -> bool {
        self.pool.try_reserve(self.task, bytes)
    }

    fn reserve_anyway(&self, bytes: usize) {
        self.pool.arbiter().reserve_anyway(self.task, bytes);
    }

    fn release(&self, bytes: usize) {
        self.pool.arbiter().release(self.task, bytes);
    }

    fn create_file(&self) -> Result<(PathBuf, File), DataError> {
        self.dirs.create_file("spill")
    }

    fn cipher(&self) -> Option<Cipher> {
        self.dirs.cipher().cloned()
    }
}
