//! Shared files: entries that one process of a machine publishes and all others find by name.
//!
//! If tasks run in processes of their own, map outputs, cached partitions and broadcast values lie here, so
//! that no record passes from one process to another except through a file, and that what a process wrote
//! outlives it. An *entry* is a small file that describes data, which lie in the same file or in files that it
//! names. It appears under its name by a rename, whole.
//!
//! Processes are not notified when an entry is removed; a reader that has its files open goes on reading them.

use firesteel_data::block::{decode_value, encode_value};
use firesteel_data::frames::{FrameReader, FrameWriter};
use firesteel_data::{Cipher, DataError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A lock, held until it is dropped.
#[derive(Debug)]
pub struct FileLock(#[expect(dead_code, reason = "the lock lasts as long as the file is open")] fs::File);

/// A directory of entries.
#[derive(Debug)]
pub struct SharedFiles {
    dir: PathBuf,
    cipher: OnceLock<Cipher>,
}

impl SharedFiles {
    /// Opens the entries of a directory, and makes the directory if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(dir: PathBuf) -> Result<Self, DataError> {
        let made = fs::DirBuilder::new().mode(0o700).recursive(true).create(&dir);
        made.map_err(|e| DataError::io("create", &dir, e))?;
        Ok(SharedFiles { dir, cipher: OnceLock::new() })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Encrypts all that is published from now on, and accepts only entries that are encrypted with the key.
    /// Only the first call has an effect.
    pub fn encrypt_with(&self, cipher: &Cipher) {
        let _ = self.cipher.set(cipher.clone());
    }

    /// Returns the key that encrypts the entries, if they are encrypted.
    pub fn cipher(&self) -> Option<&Cipher> {
        self.cipher.get()
    }

    /// Publishes an entry: a description, and perhaps data behind it. Replaces an entry of the same name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn publish<'a>(
        &self,
        name: &str,
        description: &impl Serialize,
        data: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), DataError> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.dir.join(format!(".{name}.{}-{serial}", std::process::id()));
        let file = crate::local_dirs::new_file(&unfinished)?;
        let mut writer = FrameWriter::new((unfinished.clone(), file)).encrypted(self.cipher().cloned());
        writer.push(&encode_value(description)?)?;
        data.into_iter().try_for_each(|segment| writer.push(segment))?;
        let written = writer.finish()?;
        let path = self.dir.join(name);
        fs::rename(&unfinished, &path).map_err(|e| DataError::io("rename", &unfinished, e))?;
        // The file has another name now, and must not be removed with the writer.
        written.leave();
        Ok(())
    }

    /// Returns an entry's description, and a reader positioned at its data; `None` if there is no such entry.
    ///
    /// # Errors
    /// When it cannot be read, or is broken.
    pub fn find<T: DeserializeOwned>(&self, name: &str) -> Result<Option<(T, FrameReader)>, DataError> {
        let path = self.dir.join(name);
        let mut reader = match FrameReader::open(path.clone(), self.cipher().cloned()) {
            Ok(reader) => reader,
            Err(DataError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let mut description = vec![];
        if !reader.next(&mut description)? {
            let message = "it is empty".into();
            return Err(DataError::Corrupt { source_name: path.display().to_string(), message });
        }
        Ok(Some((decode_value(&description)?, reader)))
    }

    /// Removes an entry, if there is one.
    pub fn remove(&self, name: &str) {
        // If the file cannot be removed now, it goes with the directory.
        let _ = fs::remove_file(self.dir.join(name));
    }

    /// Waits until no other process or thread of the machine holds the lock of this name, and takes it. The
    /// lock is free again when the returned value is dropped.
    ///
    /// # Errors
    /// When the file behind it cannot be created or locked.
    pub fn lock(&self, name: &str) -> Result<FileLock, DataError> {
        let path = self.dir.join(format!(".lock-{name}"));
        let mut options = fs::OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = file.map_err(|e| DataError::io("create", &path, e))?;
        file.lock().map_err(|e| DataError::io("lock", &path, e))?;
        Ok(FileLock(file))
    }

    /// Returns the names of all entries that begin with `prefix`.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.dir) else { return vec![] };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.starts_with(prefix)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_found_by_others_until_it_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) =
            (SharedFiles::open(dir.path().into()).unwrap(), SharedFiles::open(dir.path().into()).unwrap());
        one.publish("cached-1-2", &(7u32, "seven"), [&b"data"[..], b"more"]).unwrap();
        let (description, mut reader) = other.find::<(u32, String)>("cached-1-2").unwrap().unwrap();
        assert_eq!(description, (7, "seven".to_string()));
        let mut data = vec![];
        assert!(reader.next(&mut data).unwrap() && data == b"data");
        other.remove("cached-1-2");
        assert!(one.find::<(u32, String)>("cached-1-2").unwrap().is_none());
        assert!(reader.next(&mut data).unwrap() && data == b"more", "who reads, goes on reading");
        assert!(!reader.next(&mut data).unwrap());
        assert!(one.names("").is_empty());
    }

    #[test]
    fn a_broken_entry_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let files = SharedFiles::open(dir.path().into()).unwrap();
        files.publish("broadcast-3", &"x", []).unwrap();
        let path = dir.path().join("broadcast-3");
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let error = files.find::<String>("broadcast-3").map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("broadcast-3"), "{error}");
        }
    }

    #[test]
    fn a_sealed_entry_is_found_by_those_with_the_key_and_shows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let open = |cipher: &Cipher| {
            let files = SharedFiles::open(dir.path().into()).unwrap();
            files.encrypt_with(cipher);
            files
        };
        let cipher = Cipher::by_chance();
        open(&cipher).publish("broadcast-3", &"described", [&b"secret data"[..]]).unwrap();
        let bytes = fs::read(dir.path().join("broadcast-3")).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"secret" || window == b"descri"));
        let (description, mut reader) = open(&cipher).find::<String>("broadcast-3").unwrap().unwrap();
        let mut data = vec![];
        assert!(reader.next(&mut data).unwrap() && data == b"secret data" && description == "described");
        assert!(open(&Cipher::by_chance()).find::<String>("broadcast-3").is_err());
        SharedFiles::open(dir.path().into()).unwrap().publish("broadcast-4", &"forged", []).unwrap();
        assert!(open(&cipher).find::<String>("broadcast-4").is_err(), "what is not sealed is not believed");
    }
}
