//! The shuffle storage, as the driver has to do with it: it is tried out before anything runs, told to executors, and
//! cleaned. Executors write to it and read from it; the scheduler knows which outputs are there.
//!
//! An application that drivers may take up again has one directory there for all of them, which goes when it has ended.

use crate::error::{Error, Result};
use crate::recovery::Recovery;
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_io::{Directory, Input, IoCause, IoError, Stores, remove_directory};
use firesteel_protocol::handshake::{StorageConfig, StorageWrite};
use firesteel_types::ShuffleId;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// The value that says that there is none.
const LOCAL: &str = "local";

/// The object by which the storage is tried out.
const PROBE: &str = "probe";

/// The shuffle storage of an application.
pub(crate) struct ShuffleStorage {
    config: StorageConfig,
    stores: Stores,
    /// True if a driver that comes later reads what is there.
    stays: AtomicBool,
    /// The thread that removes shuffles, and the way to it.
    cleaner: Mutex<Option<(Sender<ShuffleId>, JoinHandle<()>)>>,
}

impl ShuffleStorage {
    /// Opens the storage that is configured, if one is: makes the application's directory there, whose name begins with
    /// the given one, and tries it out.
    ///
    /// # Errors
    /// When it cannot be written to, and read from.
    pub(crate) fn open(
        conf: &Conf,
        stores: &Stores,
        name: &str,
        recovery: Option<&Recovery>,
    ) -> Result<Option<Self>> {
        let Some(url) = configured(conf)? else { return Ok(None) };
        let url = url.trim_end_matches('/');
        let write = match conf.get(&conf::SHUFFLE_STORAGE_WRITE)?.as_str() {
            "through" => StorageWrite::Through,
            "notice" => StorageWrite::Notice,
            _ => StorageWrite::Background,
        };
        // Two applications may have one name.
        let tag = RandomState::new().build_hasher().finish() as u32;
        let new = format!("{url}/{name}-{tag:08x}");
        let (directory, life) = match recovery {
            Some(recovery) => (recovery.storage_dir(url, new), recovery.life()),
            None => (new, 0),
        };
        let storage = ShuffleStorage {
            config: StorageConfig {
                directory,
                life,
                write,
                object_bytes: conf.get(&conf::SHUFFLE_STORAGE_OBJECT_BYTES)?.max(1),
            },
            stores: stores.clone(),
            stays: AtomicBool::new(recovery.is_some()),
            cleaner: Mutex::default(),
        };
        storage.try_out(url).map_err(|error| {
            Error::Start(format!(
                "`{}` is `{url}`, which cannot be used: {error}. Name a directory that this program may write to, and all hosts \
                 reach, with the credentials for it among the settings; or `{LOCAL}`",
                conf::SHUFFLE_STORAGE.key
            ))
        })?;
        storage.start_cleaner().map_err(|error| Error::Start(error.to_string()))?;
        tracing::info!("map outputs outlive executors in {}", storage.config.directory);
        Ok(Some(storage))
    }

    /// The part of it that executors need to know.
    pub(crate) fn config(&self) -> &StorageConfig {
        &self.config
    }

    /// Writes an object, reads it, and removes it again.
    fn try_out(&self, url: &str) -> std::result::Result<(), IoError> {
        let made = |made: std::result::Result<(), IoError>| match made {
            Err(error) if error.cause != IoCause::OutputExists => Err(error),
            _ => Ok(()),
        };
        made(Directory::at(&self.stores, url)?.make(0o700))?;
        let own = Directory::at(&self.stores, &self.config.directory)?;
        made(own.make(0o700))?;
        own.put(PROBE, PROBE.into(), 0o600)?;
        Input::open(&self.stores, &own.shown(PROBE))?.read_at(0, PROBE.len())?;
        own.remove(PROBE)
    }

    fn start_cleaner(&self) -> std::io::Result<()> {
        let (to, from): (_, Receiver<ShuffleId>) = channel();
        let (stores, directory) = (self.stores.clone(), self.config.directory.clone());
        let clean = move || {
            for shuffle in from {
                // What is left goes with the application's directory.
                if let Err(error) = remove_directory(&stores, &format!("{directory}/shuffle-{shuffle}")) {
                    tracing::warn!(
                        "a shuffle that is not needed any more stays in its storage for now: {error}"
                    );
                }
            }
        };
        let thread = thread::Builder::new().name("firesteel-cleaner".into()).spawn(clean)?;
        *self.cleaner.lock() = Some((to, thread));
        Ok(())
    }

    /// Returns the objects of a shuffle, with the numbers of their bytes.
    ///
    /// # Errors
    /// When the storage does not list them.
    pub(crate) fn objects(
        &self,
        shuffle: ShuffleId,
    ) -> std::result::Result<BTreeMap<String, Option<u64>>, IoError> {
        let all = Directory::at(&self.stores, &self.config.directory)?;
        let entries = all.inside(&format!("shuffle-{shuffle}")).entries()?.unwrap_or_default();
        Ok(entries.into_iter().map(|entry| (entry.name, entry.length)).collect())
    }

    /// The application ends, and no driver comes that would read what is there.
    pub(crate) fn goes(&self) {
        self.stays.store(false, Ordering::Relaxed);
    }

    /// Removes all objects of a shuffle, soon.
    pub(crate) fn remove(&self, shuffle: ShuffleId) {
        if let Some((to, _)) = &*self.cleaner.lock() {
            let _ = to.send(shuffle);
        }
    }

    /// Removes all that the application has there, after its executors have ended, unless another driver is to read it. Later
    /// calls have no effect.
    pub(crate) fn finish(&self) {
        let Some((to, thread)) = self.cleaner.lock().take() else { return };
        drop(to);
        let _ = thread.join();
        if !self.stays.load(Ordering::Relaxed) {
            remove_left(&self.stores, &self.config.directory);
        }
    }
}

/// Removes all that an application has in a storage.
pub(crate) fn remove_left(stores: &Stores, directory: &str) {
    if let Err(error) = remove_directory(stores, directory) {
        tracing::warn!("map outputs stay in {directory}: {error}");
    }
}

impl Drop for ShuffleStorage {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Returns the address of the storage that is configured, if one is.
fn configured(conf: &Conf) -> Result<Option<String>> {
    let url = conf.get(&conf::SHUFFLE_STORAGE)?;
    match url.trim() {
        "" | LOCAL => Ok(None),
        url if url.starts_with("file:/") || url.contains("://") => Ok(Some(url.into())),
        url => Err(Error::Start(format!(
            "`{}` is `{url}`, which names no storage: write an address such as `file:///shared/dir`, `s3a://bucket/dir` or \
             `hdfs://host/dir`; or `{LOCAL}`",
            conf::SHUFFLE_STORAGE.key
        ))),
    }
}

/// Returns what keeps completed stages of a job in the middle of which a driver ends from being spared its successor, and what
/// to do about it; `None` if nothing does.
pub(crate) fn why_stages_run_again(conf: &Conf, is_cluster: bool) -> Result<Option<String>> {
    let (key, write) = (conf::SHUFFLE_STORAGE.key, conf::SHUFFLE_STORAGE_WRITE.key);
    Ok(match configured(conf)? {
        _ if !is_cluster => {
            Some(format!("with this master map outputs end with the driver. On a cluster `{key}` keeps them"))
        }
        None => Some(format!("map outputs end with their executors. Set `{key}` to keep them")),
        Some(_) if conf.get(&conf::SHUFFLE_STORAGE_WRITE)? == "notice" => Some(format!(
            "`{write}` is `notice`, which stores map outputs only of executors that are about to go. Set it to `background` or `through`"
        )),
        Some(_) => None,
    })
}

/// Returns whether map outputs are kept in a shuffle storage.
pub(crate) fn is_configured(conf: &Conf) -> Result<bool> {
    Ok(configured(conf)?.is_some())
}

/// Tells that a program without a cluster needs no shuffle storage.
pub(crate) fn warn_if_useless(conf: &Conf) -> Result<()> {
    if configured(conf)?.is_some() {
        tracing::warn!(
            "`{}` has no effect with this master: its executors do not end before the program",
            conf::SHUFFLE_STORAGE.key
        );
    }
    Ok(())
}
