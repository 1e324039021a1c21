//! The context of each test, and the checks of its errors.

pub(crate) use firesteel::{
    Codec, Context, Data, Error, HashPartitioner, JobFailure, Order, Partitioner, Rdd, Result, TaskFailure,
};
pub(crate) use serde::{Deserialize, Serialize};
pub(crate) use std::collections::{BTreeMap, HashMap};
pub(crate) use std::fs;
pub(crate) use std::path::{Path, PathBuf};
pub(crate) use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
pub(crate) use std::time::Duration;

/// A context with a directory of its own.
pub(crate) struct Own {
    pub(crate) sc: Context,
    pub(crate) dir: tempfile::TempDir,
}

impl Own {
    pub(crate) fn new(memory: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sc = context_at(dir.path(), memory);
        Own { sc, dir }
    }

    /// The files that the context keeps whose names begin like this.
    pub(crate) fn files(&self, name: &str) -> Vec<PathBuf> {
        files_below(self.dir.path(), name)
    }
}

impl std::ops::Deref for Own {
    type Target = Context;
    fn deref(&self) -> &Context {
        &self.sc
    }
}

pub(crate) fn context_at(dir: &Path, memory: &str) -> Context {
    let builder = Context::builder().master("local[2]").conf("firesteel.local.dir", dir.to_str().unwrap());
    builder.conf("firesteel.memory", memory).create().unwrap()
}

pub(crate) fn context() -> Own {
    Own::new("64m")
}

pub(crate) fn files_below(dir: &Path, name: &str) -> Vec<PathBuf> {
    let contexts = fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
    let files = contexts.flat_map(|context| fs::read_dir(context).into_iter().flatten().flatten());
    files
        .map(|file| file.path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(name))
        .collect()
}

/// The text of the error that there must be.
#[track_caller]
pub(crate) fn error<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("there is an answer instead of an error"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
pub(crate) fn says(text: &str, words: &[&str]) {
    let missing: Vec<_> = words.iter().filter(|word| !text.contains(**word)).collect();
    assert!(missing.is_empty(), "{missing:?} not in: {text}");
}

/// The context still computes, shuffles and all.
#[track_caller]
pub(crate) fn still_works(sc: &Context) {
    let sums = sc.range_in(0..100, 4).map(|x| (x % 3, x)).reduce_by_key(|a, b| a + b).values().sum();
    assert_eq!(sums.unwrap(), 4950);
}

pub(crate) fn sorted<T: Ord>(mut records: Vec<T>) -> Vec<T> {
    records.sort();
    records
}
