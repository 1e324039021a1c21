//! The history server: applications of which only logs are left, or that run elsewhere and are logged from there.
//!
//! A thread lists the directories of logs again and again; a listing is replaced as a whole, so that ten thousand
//! applications are shown without a file being touched. A log is read when its application is asked for, in
//! `opened`, and those that were asked for last are kept.

mod listed;
mod opened;

use crate::history::listed::Listed;
use crate::history::opened::Opened;
use firesteel_eventlog::{EventLogError, LogDirectory};
use firesteel_io::{Directory, Input, Stores};
use firesteel_status::store::{
    Access, ApplicationInfo, Applications, ApplicationsAsk, LogPart, OpenError, Retained,
};
use parking_lot::{Condvar, Mutex, RwLock};
use std::io::Read;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// The bytes of a log's file that are read at a time, for its archive.
const PIECE_BYTES: usize = 256 << 10;

/// The settings of a history server.
#[derive(Clone, Debug)]
pub struct HistoryConfig {
    /// The directories of logs.
    pub dirs: Vec<String>,
    /// Settings of the stores in which they are: of Hadoop's file system and of object stores.
    pub store_settings: Vec<(String, String)>,
    /// The time between two listings. `spark.history.fs.update.interval`.
    pub update_interval: Duration,
    /// The most applications whose logs are kept in memory, read. `spark.history.retainedApplications`.
    pub retained_applications: usize,
    /// How much is remembered of each.
    pub retained: Retained,
}

impl Default for HistoryConfig {
    /// Spark's defaults.
    fn default() -> Self {
        HistoryConfig {
            dirs: vec![],
            store_settings: vec![],
            update_interval: Duration::from_secs(10),
            retained_applications: 50,
            retained: Retained::default(),
        }
    }
}

/// The applications of directories of logs.
pub struct History {
    stores: Stores,
    listed: RwLock<Arc<Listed>>,
    opened: Opened,
    dirs: Vec<String>,
    directories: Mutex<Vec<LogDirectory>>,
    end: (Mutex<bool>, Condvar),
}

/// The thread that lists. It ends when this is dropped.
pub struct HistoryThread {
    history: Arc<History>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for HistoryThread {
    fn drop(&mut self) {
        *self.history.end.0.lock() = true;
        self.history.end.1.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that lists logs has panicked");
        }
    }
}

impl History {
    /// Lists the directories for the first time.
    ///
    /// # Errors
    /// When a directory is not there, or cannot be listed.
    pub fn new(config: &HistoryConfig) -> Result<Arc<History>, EventLogError> {
        let stores = Stores::by_settings(&config.store_settings);
        let directories = config.dirs.iter().map(|dir| LogDirectory::at(&stores, dir));
        let directories = directories.collect::<Result<_, _>>()?;
        let history = History {
            opened: Opened::new(stores.clone(), config.retained_applications, config.retained),
            stores,
            dirs: config.dirs.clone(),
            listed: RwLock::default(),
            directories: Mutex::new(directories),
            end: Default::default(),
        };
        history.refresh()?;
        Ok(Arc::new(history))
    }

    /// Begins to list the directories from time to time.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(self: Arc<History>, interval: Duration) -> std::io::Result<HistoryThread> {
        let history = Arc::clone(&self);
        let thread = std::thread::Builder::new().name("firesteel-history".into()).spawn(move || {
            while !history.waits_for_end(interval) {
                if let Err(error) = history.refresh() {
                    tracing::warn!("the logs cannot be listed, what is shown is old: {error}");
                }
            }
        })?;
        Ok(HistoryThread { history: self, thread: Some(thread) })
    }

    fn waits_for_end(&self, interval: Duration) -> bool {
        let mut end = self.end.0.lock();
        if !*end {
            self.end.1.wait_for(&mut end, interval);
        }
        *end
    }

    /// Lists the directories.
    ///
    /// # Errors
    /// When one is not there, or cannot be listed.
    pub fn refresh(&self) -> Result<(), EventLogError> {
        let mut directories = self.directories.lock();
        let listings = directories.iter_mut().map(LogDirectory::list).collect::<Result<Vec<_>, _>>()?;
        let listed = Listed::of(self.dirs.iter().zip(listings));
        *self.listed.write() = Arc::new(listed);
        Ok(())
    }

    fn listed(&self) -> Arc<Listed> {
        Arc::clone(&self.listed.read())
    }

    /// Returns the names in the directories that are no logs, with the reasons.
    pub fn refused(&self) -> Vec<(String, String)> {
        self.listed().refused.clone()
    }
}

impl Applications for History {
    fn list(&self, ask: &ApplicationsAsk) -> Vec<ApplicationInfo> {
        let listed = self.listed();
        listed.applications.iter().filter(|one| ask.wants(one)).take(ask.limit).cloned().collect()
    }

    fn info(&self, id: &str) -> Option<ApplicationInfo> {
        self.listed().info(id).cloned()
    }

    fn open(&self, id: &str, attempt: Option<&str>) -> Result<Arc<dyn Access>, OpenError> {
        let listed = self.listed();
        let log = listed.log(id, attempt).ok_or(OpenError::Unknown)?;
        self.opened.open(log).map(|opened| opened as Arc<dyn Access>)
    }

    fn is_history(&self) -> bool {
        true
    }

    fn log_parts(&self, id: &str, attempt: Option<&str>) -> Result<Vec<LogPart>, OpenError> {
        let listed = self.listed();
        let log = listed.log(id, attempt).ok_or(OpenError::Unknown)?;
        let path = log.path.trim_end_matches('/');
        let name = path.rsplit('/').next().unwrap_or(path);
        if !name.starts_with("eventlog_v2_") {
            return Ok(vec![LogPart { name: name.to_owned(), path: path.to_owned() }]);
        }
        let unreadable = |error: firesteel_io::IoError| OpenError::Unreadable(error.to_string());
        let directory = Directory::at(&self.stores, path).map_err(unreadable)?;
        let entries = directory.entries().map_err(unreadable)?.ok_or(OpenError::Unknown)?;
        // Hadoop keeps checksums beside files, under hidden names.
        let is_shown =
            |file: &firesteel_io::DirectoryEntry| file.length.is_some() && !file.name.starts_with('.');
        let files = entries.into_iter().filter(is_shown);
        let part = |file: firesteel_io::DirectoryEntry| LogPart {
            path: directory.shown(&file.name),
            name: format!("{name}/{}", file.name),
        };
        Ok(files.map(part).collect())
    }

    fn read_part(&self, part: &LogPart, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), OpenError> {
        let unreadable = |error: String| OpenError::Unreadable(error);
        let mut input =
            Input::open(&self.stores, &part.path).map_err(|error| unreadable(error.to_string()))?;
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            let read = input.read(&mut buffer).map_err(|error| unreadable(error.to_string()))?;
            if read == 0 || !take(&buffer[..read]) {
                return Ok(());
            }
        }
    }
}
