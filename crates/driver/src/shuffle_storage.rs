//! The shuffle storage, as the driver has to do with it: it is tried out before anything runs, told to executors, and
//! cleaned. Executors write to it and read from it; the scheduler knows which outputs are there.

use crate::error::{Error, Result};
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_io::{Directory, Input, IoCause, IoError, Stores, remove_directory};
use firesteel_protocol::handshake::{StorageConfig, StorageWrite};
use firesteel_types::ShuffleId;
use parking_lot::Mutex;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
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
    /// The thread that removes shuffles, and the way to it.
    cleaner: Mutex<Option<(Sender<ShuffleId>, JoinHandle<()>)>>,
}

impl ShuffleStorage {
    /// Opens the storage that is configured, if one is: makes the application's directory there, whose name begins with
    /// the given one, and tries it out.
    ///
    /// # Errors
    /// When it cannot be written to, and read from.
    pub(crate) fn open(conf: &Conf, stores: &Stores, name: &str) -> Result<Option<Self>> {
        let Some(url) = configured(conf)? else { return Ok(None) };
        let url = url.trim_end_matches('/');
        let write = match conf.get(&conf::SHUFFLE_STORAGE_WRITE)?.as_str() {
            "through" => StorageWrite::Through,
            "notice" => StorageWrite::Notice,
            _ => StorageWrite::Background,
        };
        // Two applications may have one name.
        let tag = RandomState::new().build_hasher().finish() as u32;
        let directory = format!("{url}/{name}-{tag:08x}");
        let storage = ShuffleStorage {
            config: StorageConfig {
                directory,
                write,
                object_bytes: conf.get(&conf::SHUFFLE_STORAGE_OBJECT_BYTES)?.max(1),
            },
            stores: stores.clone(),
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

    /// Removes all objects of a shuffle, soon.
    pub(crate) fn remove(&self, shuffle: ShuffleId) {
        if let Some((to, _)) = &*self.cleaner.lock() {
            let _ = to.send(shuffle);
        }
    }

    /// Removes all that the application has there, after its executors have ended. Later calls have no effect.
    pub(crate) fn finish(&self) {
        let Some((to, thread)) = self.cleaner.lock().take() else { return };
        drop(to);
        let _ = thread.join();
        if let Err(error) = remove_directory(&self.stores, &self.config.directory) {
            tracing::warn!("map outputs stay in {}: {error}", self.config.directory);
        }
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
