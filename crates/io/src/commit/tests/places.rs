//! Places to commit to in tests: a directory of the local disks, and a bucket in memory. Any one operation on
//! them can be told to fail, before it took effect, after it, or in the middle.

use crate::commit::Protocol;
use crate::commit::existing::Existing;
use crate::commit::renames::Renames;
use crate::commit::uploads::Uploads;
use crate::error::{IoCause, IoError, IoOperation};
use crate::location::Location;
use crate::scheme::Scheme;
use crate::store::{CommitMeans, Named, Over, PartUpload, Renaming, Uploaded, Uploading, WriteFile};
use crate::stores::{Bucket, Stores};
use object_store::memory::InMemory;
use object_store::multipart::MultipartStore;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// How much of an operation takes effect before it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    Half,
    Whole,
    /// It succeeds, but another job removes all empty directories just before.
    Swept,
}

/// The operations that succeed before one fails.
#[derive(Default)]
pub(super) struct Fault {
    next: Mutex<Option<(usize, Effect)>>,
    /// The output, where directories can be removed.
    dir: Option<PathBuf>,
}

impl Fault {
    pub(super) fn set(&self, fault: Option<(usize, Effect)>) {
        *self.next.lock().unwrap() = fault;
    }

    /// Returns whether the failure is still to come.
    pub(super) fn is_left(&self) -> bool {
        self.next.lock().unwrap().is_some()
    }

    fn run<T, E>(
        &self,
        lost: impl FnOnce() -> E,
        half: impl FnOnce(),
        whole: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let effect = {
            let mut next = self.next.lock().unwrap();
            match next.take() {
                Some((0, effect)) => Some(effect),
                Some((left, effect)) => {
                    *next = Some((left - 1, effect));
                    None
                }
                None => None,
            }
        };
        match effect {
            None => return whole(),
            Some(Effect::Swept) => {
                self.dir.iter().for_each(|dir| sweep(dir));
                return whole();
            }
            Some(Effect::None) => {}
            Some(Effect::Half) => half(),
            Some(Effect::Whole) => drop(whole()),
        }
        Err(lost())
    }
}

/// Removes the empty directories below one, except staged ones.
fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() && entry.file_name() != "_temporary" {
            sweep(&entry.path());
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// The local disks, one of whose operations fails.
struct FaultyDisk {
    inner: Arc<dyn Renaming>,
    fault: Arc<Fault>,
}

impl FaultyDisk {
    fn run<T>(&self, whole: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.fault.run(|| io::Error::other("the cable was pulled"), || {}, whole)
    }
}

impl Renaming for FaultyDisk {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.run(|| self.inner.make_directory(path))
    }

    fn make_directories(&self, path: &Path) -> io::Result<()> {
        self.run(|| self.inner.make_directories(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run(|| self.inner.rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.run(|| self.inner.remove_file(path))
    }

    fn remove_empty_directory(&self, path: &Path) -> io::Result<()> {
        self.run(|| self.inner.remove_empty_directory(path))
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        let half = || {
            let mut names = fs::read_dir(path).into_iter().flatten().flatten().collect::<Vec<_>>();
            names.sort_by_key(fs::DirEntry::file_name);
            for entry in names.iter().take(names.len().div_ceil(2)) {
                let _ = fs::remove_file(entry.path()).or_else(|_| fs::remove_dir_all(entry.path()));
            }
        };
        self.fault.run(|| io::Error::other("the cable was pulled"), half, || self.inner.remove_tree(path))
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        self.run(|| self.inner.names(directory))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Named>> {
        self.run(|| self.inner.list(directory))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.run(|| self.inner.exists(path))
    }

    fn write_text(&self, path: &Path, text: &str) -> io::Result<()> {
        let half = || drop(self.inner.write_text(path, &text[..text.len() / 2]));
        self.fault.run(
            || io::Error::other("the cable was pulled"),
            half,
            || self.inner.write_text(path, text),
        )
    }

    fn read_text(&self, path: &Path) -> io::Result<String> {
        self.run(|| self.inner.read_text(path))
    }

    fn create(&self, path: PathBuf) -> io::Result<Box<dyn WriteFile>> {
        self.inner.create(path)
    }

    fn shown(&self, path: &Path) -> String {
        self.inner.shown(path)
    }
}

/// A bucket that knows its pending uploads, and one of whose operations fails.
struct FaultyBucket {
    inner: Arc<dyn Uploading>,
    fault: Arc<Fault>,
    pending: Mutex<BTreeSet<(String, String)>>,
}

impl FaultyBucket {
    fn run<T>(&self, whole: impl FnOnce() -> Result<T, IoError>) -> Result<T, IoError> {
        self.run_or_half(|| {}, whole)
    }

    fn run_or_half<T>(
        &self,
        half: impl FnOnce(),
        whole: impl FnOnce() -> Result<T, IoError>,
    ) -> Result<T, IoError> {
        let cause = IoCause::Store { message: "the cable was pulled".into(), transient: true };
        self.fault.run(|| IoError::new(IoOperation::Commit, "here", cause), half, whole)
    }

    fn settle(&self, uploads: &[Uploaded]) {
        let mut pending = self.pending.lock().unwrap();
        for upload in uploads {
            pending.remove(&(upload.path.clone(), upload.upload.id.clone()));
        }
    }
}

impl Uploading for FaultyBucket {
    fn check_writable(&self, operation: IoOperation, path: &str) -> Result<(), IoError> {
        self.inner.check_writable(operation, path)
    }

    fn begin(&self, path: &str) -> Result<Box<dyn PartUpload>, IoError> {
        let mut upload = self.inner.begin(path)?;
        self.pending.lock().unwrap().insert((path.into(), upload.id()?));
        Ok(upload)
    }

    fn complete(&self, operation: IoOperation, uploads: Vec<Uploaded>) -> Result<(), IoError> {
        let complete = |uploads: Vec<Uploaded>| {
            self.inner.complete(operation, uploads.clone())?;
            self.settle(&uploads);
            Ok(())
        };
        let half = uploads[..uploads.len().div_ceil(2)].to_vec();
        self.run_or_half(|| drop(complete(half)), || complete(uploads))
    }

    fn forget(&self, operation: IoOperation, uploads: Vec<Uploaded>) -> Result<(), IoError> {
        let forget = |uploads: Vec<Uploaded>| {
            self.inner.forget(operation, uploads.clone())?;
            self.settle(&uploads);
            Ok(())
        };
        let half = uploads[..uploads.len().div_ceil(2)].to_vec();
        self.run_or_half(|| drop(forget(half)), || forget(uploads))
    }

    fn put(&self, operation: IoOperation, path: &str, bytes: Vec<u8>, over: Over) -> Result<(), IoError> {
        self.run(|| self.inner.put(operation, path, bytes, over))
    }

    fn get(&self, operation: IoOperation, paths: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, IoError> {
        self.run(|| self.inner.get(operation, paths))
    }

    fn exists(&self, operation: IoOperation, path: &str) -> Result<bool, IoError> {
        self.run(|| self.inner.exists(operation, path))
    }

    fn found(&self, operation: IoOperation, paths: Vec<String>) -> Result<Vec<String>, IoError> {
        self.run(|| self.inner.found(operation, paths))
    }

    fn below(&self, operation: IoOperation, path: &str) -> Result<Vec<String>, IoError> {
        self.run(|| self.inner.below(operation, path))
    }

    fn remove(&self, operation: IoOperation, paths: Vec<String>) -> Result<(), IoError> {
        let half = paths[..paths.len().div_ceil(2)].to_vec();
        self.run_or_half(|| drop(self.inner.remove(operation, half)), || self.inner.remove(operation, paths))
    }

    fn shown(&self, path: &str) -> String {
        self.inner.shown(path)
    }
}

enum Store {
    Disk(tempfile::TempDir, Arc<FaultyDisk>),
    Bucket(Arc<FaultyBucket>),
}

/// An output directory that jobs share, called `out`.
pub(super) struct Place {
    store: Store,
    pub(super) fault: Arc<Fault>,
}

const DIR: &str = "data/out";

impl Place {
    pub(super) fn on_disk() -> Place {
        let parent = tempfile::tempdir().unwrap();
        let fault = Arc::new(Fault { dir: Some(parent.path().join(DIR)), ..Fault::default() });
        let path = parent.path().to_str().unwrap();
        let store = Location::of(&Stores::default(), IoOperation::SetUp, path).unwrap().store;
        let CommitMeans::Renames(inner) = store.commit_means() else { panic!("local disks can rename") };
        let disk = Arc::new(FaultyDisk { inner, fault: fault.clone() });
        Place { store: Store::Disk(parent, disk), fault }
    }

    pub(super) fn in_a_bucket() -> Place {
        let (fault, store) = (Arc::new(Fault::default()), Arc::new(InMemory::new()));
        let uploads: Arc<dyn MultipartStore> = store.clone();
        let bucket =
            Bucket { scheme: Scheme::Memory, root: "memory://b".into(), store, uploads: Some(uploads) };
        let (inner, pending) = (Arc::new(Arc::new(bucket)), Mutex::default());
        let bucket = Arc::new(FaultyBucket { inner, fault: fault.clone(), pending });
        Place { store: Store::Bucket(bucket), fault }
    }

    pub(super) fn both() -> [fn() -> Place; 2] {
        [Place::on_disk, Place::in_a_bucket]
    }

    pub(super) fn protocol(
        &self,
        token: &str,
        existing: Existing,
        marks_success: bool,
    ) -> Result<Protocol, IoError> {
        let token = token.to_string();
        Ok(match &self.store {
            Store::Disk(parent, disk) => {
                let dir = parent.path().join(DIR);
                Protocol::Renames(Renames::new(disk.clone(), dir, token, existing, marks_success)?)
            }
            Store::Bucket(bucket) => {
                let (store, dir) = (bucket.clone(), DIR.into());
                Protocol::Uploads(Uploads { store, dir, token, existing, marks_success })
            }
        })
    }

    /// Puts a file below the output, or at its own path if it has no name.
    pub(super) fn put(&self, name: &str, contents: &str) {
        let path = format!("{DIR}/{name}");
        let path = path.trim_end_matches('/');
        match &self.store {
            Store::Disk(parent, _) => {
                let path = parent.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, contents).unwrap();
            }
            Store::Bucket(bucket) => {
                bucket.inner.put(IoOperation::Write, path, contents.into(), Over::Anything).unwrap();
            }
        }
    }

    /// Everything that is there, by its name below the output; `..` and more for what is beside it.
    pub(super) fn all_files(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        match &self.store {
            Store::Disk(parent, _) => {
                let mut left = vec![parent.path().join("data")];
                while let Some(directory) = left.pop() {
                    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                        match entry.file_type().unwrap().is_dir() {
                            true => left.push(entry.path()),
                            false => {
                                let path = entry.path().strip_prefix(parent.path()).unwrap().to_path_buf();
                                let contents = fs::read_to_string(entry.path()).unwrap();
                                found.insert(path.to_str().unwrap().to_string(), contents);
                            }
                        }
                    }
                }
            }
            Store::Bucket(bucket) => {
                let paths = bucket.inner.below(IoOperation::List, "data").unwrap();
                let contents = bucket.inner.get(IoOperation::Read, paths.clone()).unwrap();
                let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.unwrap()).unwrap();
                found.extend(paths.into_iter().zip(contents.into_iter().map(text)));
            }
        }
        let below = |path: String| match path.strip_prefix(DIR) {
            Some(name) => name.trim_start_matches('/').to_string(),
            None => format!("../{path}"),
        };
        found.into_iter().map(|(path, contents)| (below(path), contents)).collect()
    }

    /// The files below the output that are no job's own.
    pub(super) fn files(&self) -> BTreeMap<String, String> {
        let is_seen = |name: &str| !name.contains("_temporary");
        self.all_files().into_iter().filter(|(name, _)| is_seen(name)).collect()
    }

    /// Returns whether neither a staged file nor a pending upload, nor a directory for them, is left.
    pub(super) fn is_clean(&self) -> bool {
        let is_clean = match &self.store {
            Store::Disk(parent, _) => {
                let names = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten();
                let data = parent.path().join("data");
                let mut names = names(data.clone()).chain(names(data.join("out")));
                names.all(|entry| !entry.file_name().to_str().unwrap().starts_with("_temporary"))
            }
            Store::Bucket(bucket) => bucket.pending.lock().unwrap().is_empty(),
        };
        is_clean && self.files().len() == self.all_files().len()
    }

    /// Returns whether the output's path is that of a directory; buckets have none.
    pub(super) fn is_gone(&self) -> bool {
        match &self.store {
            Store::Disk(parent, _) => !parent.path().join(DIR).exists(),
            Store::Bucket(_) => self.all_files().is_empty(),
        }
    }
}
