//! A task's workspace: its memory and its spill files.

use crate::{LocalDirs, MemoryPool};
use firesteel_data::{Cipher, DataError, Workspace};
use firesteel_types::TaskId;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One task's share of its executor's memory and disk. When it is dropped, all its memory is free again.
#[derive(Debug)]
pub struct TaskWorkspace {
    task: TaskId,
    pool: Arc<MemoryPool>,
    dirs: Arc<LocalDirs>,
    usage: Usage,
}

/// The share that a task has taken of its executor's memory and disk. Of one thread at a time: the task's.
#[derive(Debug, Default)]
struct Usage {
    held: AtomicU64,
    peak: AtomicU64,
    memory_spilled: AtomicU64,
    disk_spilled: AtomicU64,
}

impl Usage {
    fn grow(&self, bytes: usize) {
        let held = self.held.fetch_add(bytes as u64, Relaxed) + bytes as u64;
        self.peak.fetch_max(held, Relaxed);
    }
}

impl TaskWorkspace {
    /// Makes the workspace of a task that begins.
    pub fn new(task: TaskId, pool: Arc<MemoryPool>, dirs: Arc<LocalDirs>) -> Self {
        pool.arbiter().begin(task);
        TaskWorkspace { task, pool, dirs, usage: Usage::default() }
    }

    /// Returns the most memory that the task had at one time, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.usage.peak.load(Relaxed)
    }

    /// Returns how much the task has spilled: the bytes in memory, and those on disk.
    pub fn spilled_bytes(&self) -> (u64, u64) {
        (self.usage.memory_spilled.load(Relaxed), self.usage.disk_spilled.load(Relaxed))
    }
}

impl Drop for TaskWorkspace {
    fn drop(&mut self) {
        self.pool.arbiter().end(self.task);
    }
}

impl Workspace for TaskWorkspace {
    fn try_reserve(&self, bytes: usize) -> bool {
        let is_granted = self.pool.try_reserve(self.task, bytes);
        if is_granted {
            self.usage.grow(bytes);
        }
        is_granted
    }

    fn reserve_anyway(&self, bytes: usize) {
        self.pool.arbiter().reserve_anyway(self.task, bytes);
        self.usage.grow(bytes);
    }

    fn release(&self, bytes: usize) {
        self.pool.arbiter().release(self.task, bytes);
        self.usage.held.fetch_sub(bytes as u64, Relaxed);
    }

    fn create_file(&self) -> Result<(PathBuf, File), DataError> {
        self.dirs.create_file("spill")
    }

    fn spilled(&self, memory: u64, disk: u64) {
        self.usage.memory_spilled.fetch_add(memory, Relaxed);
        self.usage.disk_spilled.fetch_add(disk, Relaxed);
    }

    fn cipher(&self) -> Option<Cipher> {
        self.dirs.cipher().cloned()
    }
}
