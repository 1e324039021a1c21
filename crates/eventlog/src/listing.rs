//! [`LogDirectory`]: the applications of a directory of logs.
//!
//! Of each log the first lines are read, up to the one that says which application it is, and the last ones, for the
//! time of its end. What has not changed since it was looked at is not read again. Logs are read by several threads at
//! once: most of the time goes to waiting for a disk or a store.

use crate::blocks::LZ4_MAGIC;
use crate::codec::LogCodec;
use crate::compress::Decoder;
use crate::error::EventLogError;
use crate::lines::{Line, Lines};
use crate::names::{LogName, RolledFiles};
use crate::source::{FoundLog, last_bytes, open};
use firesteel_events::{ApplicationEnd, ApplicationStart, ListenerEvent, LogStart};
use firesteel_io::{Directory, DirectoryEntry, Input, Stores};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The bytes of events in which an application must have said who it is. Before that come settings and executors.
const HEAD_BYTES: u64 = 8 << 20;

/// The most bytes of a line there.
const HEAD_LINE_BYTES: usize = 1 << 20;

/// The last bytes among which the end of an application is looked for.
const TAIL_BYTES: usize = 64 << 10;

/// The bytes of events, decompressed, that are read from the beginning to reach the end, where there is no other way.
const TAIL_READ_BYTES: u64 = 256 << 20;

/// The places in the last bytes where a frame of zstd may begin that are tried.
const MAX_FRAMES_TRIED: usize = 8;

const ZSTD_MAGIC: &[u8; 4] = b"\x28\xB5\x2F\xFD";

const THREADS: usize = 16;

/// An application, as its log's first and last lines describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationLog {
    /// The path of the log: that of a file, or of a directory of files.
    pub path: String,
    /// Its id.
    pub id: String,
    /// The attempt, where a cluster manager counts them.
    pub attempt: Option<String>,
    /// The name.
    pub name: String,
    /// The user that ran it.
    pub user: String,
    /// The version of Spark whose format the log has; nothing if it does not say.
    pub spark_version: String,
    /// The version of Firesteel that wrote it, if Firesteel did.
    pub firesteel_version: Option<String>,
    /// The time of the start, in milliseconds since 1970.
    pub start_ms: i64,
    /// The time of the end, if the application has ended and the log says when, or could be read to there.
    pub end_ms: Option<i64>,
    /// The exit code of the program, if the log says.
    pub exit_code: Option<i32>,
    /// True if the application has ended, as the names of the files tell.
    pub is_complete: bool,
    /// The time of the last change of the files, where the store tells.
    pub modified_ms: Option<u64>,
    /// The bytes of the files.
    pub bytes: u64,
}

/// A name in the directory that is not a log of an application, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLog {
    /// Its path.
    pub path: String,
    /// The reason.
    pub reason: String,
}

/// All logs of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogListing {
    /// The applications, by the names of their logs.
    pub applications: Vec<ApplicationLog>,
    /// Those of which not even the beginning can be read.
    pub refused: Vec<RefusedLog>,
}

/// A directory of logs, and what is known of them.
///
/// ```
/// use firesteel_eventlog::LogDirectory;
/// use firesteel_io::Stores;
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().to_str().unwrap().to_string();
/// let start = r#"{"Event":"SparkListenerApplicationStart","App Name":"sums","App ID":"a-1","Timestamp":5,"User":"me"}"#;
/// std::fs::write(dir.path().join("a-1.inprogress"), start).unwrap();
/// let listing = LogDirectory::at(&Stores::default(), &path)?.list()?;
/// assert_eq!((listing.applications[0].name.as_str(), listing.applications[0].is_complete), ("sums", false));
/// # Ok::<(), firesteel_eventlog::EventLogError>(())
/// ```
#[derive(Debug)]
pub struct LogDirectory {
    stores: Stores,
    path: String,
    directory: Directory,
    known: BTreeMap<String, Known>,
}

/// The knowledge of one log.
#[derive(Clone, Debug)]
struct Known {
    stamp: Stamp,
    /// The description, or the reason why there is none.
    log: Result<ApplicationLog, String>,
}

/// The figures that change when a log does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    is_complete: bool,
    files: usize,
    bytes: u64,
    modified_ms: Option<u64>,
}

/// A log, and its stamp.
struct Seen {
    log: FoundLog,
    stamp: Stamp,
}

impl LogDirectory {
    /// Names a directory of logs. Nothing is read yet.
    ///
    /// # Errors
    /// When the path is none, or the settings do not lead to a store.
    pub fn at(stores: &Stores, path: &str) -> Result<LogDirectory, EventLogError> {
        let directory = Directory::at(stores, path)?;
        Ok(LogDirectory { stores: stores.clone(), path: path.into(), directory, known: BTreeMap::new() })
    }

    /// Lists its applications. What has not changed since the last call is not read again.
    ///
    /// # Errors
    /// When the directory is not there, or cannot be listed.
    pub fn list(&mut self) -> Result<LogListing, EventLogError> {
        let entries = self.directory.entries()?;
        let entries = entries.ok_or_else(|| EventLogError::NoDirectory { dir: self.path.clone() })?;
        let named =
            |entry: &DirectoryEntry| Some((LogName::of(&entry.name, entry.length.is_none())?, entry.clone()));
        let logs: Vec<(LogName, DirectoryEntry)> = entries.iter().filter_map(named).collect();
        let found = Mutex::new(BTreeMap::new());
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some((name, entry)) = logs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let known = self.look_at(name, entry);
                found.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.name.clone(), known);
            }
        };
        std::thread::scope(|scope| (0..THREADS.min(logs.len())).for_each(|_| drop(scope.spawn(work))));
        self.known = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(self.listing())
    }

    fn listing(&self) -> LogListing {
        let mut listing = LogListing::default();
        for (name, known) in &self.known {
            match &known.log {
                Ok(log) => listing.applications.push(log.clone()),
                Err(reason) => {
                    let path = self.directory.shown(name);
                    listing.refused.push(RefusedLog { path, reason: reason.clone() });
                }
            }
        }
        listing
    }

    fn look_at(&self, name: &LogName, entry: &DirectoryEntry) -> Known {
        let before = self.known.get(&entry.name);
        if let Some(known) = before.filter(|known| known.stamp.is_complete && matches!(name, LogName::Rolled))
        {
            return known.clone();
        }
        match self.see(name, entry) {
            Ok(seen) => match before.filter(|known| known.stamp == seen.stamp) {
                Some(known) => known.clone(),
                None => Known { stamp: seen.stamp, log: self.describe(&seen, &entry.name) },
            },
            Err(reason) => {
                let stamp = Stamp { is_complete: false, files: 0, bytes: 0, modified_ms: None };
                Known { stamp, log: Err(reason) }
            }
        }
    }

    /// Looks at the names and lengths of a log's files.
    fn see(&self, name: &LogName, entry: &DirectoryEntry) -> Result<Seen, String> {
        if let LogName::Single(file) = name {
            let is_complete = !file.in_progress;
            let (bytes, modified_ms) = (entry.length.unwrap_or(0), entry.modified_ms);
            let stamp = Stamp { is_complete, files: 1, bytes, modified_ms };
            let log = FoundLog { directory: self.directory.clone(), files: vec![file.clone()], is_complete };
            return Ok(Seen { log, stamp });
        }
        let directory = self.directory.inside(&entry.name);
        let inner = directory.entries().map_err(|error| error.to_string())?.unwrap_or_default();
        let files = RolledFiles::of(inner.iter().map(|entry| entry.name.as_str()));
        if files.events.is_empty() {
            return Err("it has no files of events".into());
        }
        let is_complete =
            files.is_complete.ok_or("it has no file that says whether the application has ended")?;
        // The last file of events tells, not the one that says that the application has ended.
        let last_name = files.events.last().map(|file| file.name.as_str());
        let last = inner.iter().find(|entry| Some(entry.name.as_str()) == last_name);
        let stamp = Stamp {
            is_complete,
            files: files.events.len(),
            bytes: inner.iter().filter_map(|entry| entry.length).sum(),
            modified_ms: last.and_then(|entry| entry.modified_ms),
        };
        Ok(Seen { log: FoundLog { directory, files: files.events, is_complete }, stamp })
    }

    /// Reads the beginning of a log, and its end if the application has ended.
    fn describe(&self, seen: &Seen, name: &str) -> Result<ApplicationLog, String> {
        let (version, start) = self.head(&seen.log).map_err(|error| error.to_string())?;
        let start = start.ok_or("no application says there who it is")?;
        let end = if seen.log.is_complete { self.tail(&seen.log) } else { None };
        Ok(ApplicationLog {
            path: self.directory.shown(name),
            id: start.app_id.unwrap_or_else(|| name.into()),
            attempt: start.app_attempt_id,
            name: start.app_name,
            user: start.user,
            spark_version: version.spark_version,
            firesteel_version: version.firesteel_version,
            start_ms: start.timestamp,
            end_ms: end.as_ref().map(|end| end.timestamp),
            exit_code: end.and_then(|end| end.exit_code),
            is_complete: seen.log.is_complete,
            modified_ms: seen.stamp.modified_ms,
            bytes: seen.stamp.bytes,
        })
    }

    fn head(&self, log: &FoundLog) -> Result<(LogStart, Option<ApplicationStart>), EventLogError> {
        let mut version = LogStart::default();
        let Some(first) = log.files.first() else { return Ok((version, None)) };
        let mut lines = Lines::new(open(&self.stores, log, first)?.take(HEAD_BYTES), HEAD_LINE_BYTES);
        // A line that is none, or too long, is not what is looked for.
        while let Ok(Line::Whole { .. } | Line::TooLong(_)) = lines.read_line() {
            match event_called(lines.line(), &["SparkListenerLogStart", "SparkListenerApplicationStart"]) {
                Some(ListenerEvent::LogStart(found)) => version = found,
                Some(ListenerEvent::ApplicationStart(found)) => return Ok((version, Some(found))),
                Some(_) | None => {}
            }
        }
        Ok((version, None))
    }

    /// Returns the last event of an application, by the cheapest way that there is.
    fn tail(&self, log: &FoundLog) -> Option<ApplicationEnd> {
        let last = log.files.last()?;
        let codec = last.codec.clone().ok()?;
        let input = Input::open(&self.stores, &log.path_of(last)).ok()?;
        let keep = input.len().min(TAIL_BYTES as u64);
        let raw = input.read_at(input.len() - keep, keep as usize).ok()?;
        if let Some(end) = end_in_last_bytes(&raw, codec) {
            return Some(end);
        }
        // Of a plain file those have been looked through.
        codec?;
        let bytes = last_bytes(open(&self.stores, log, last).ok()?, TAIL_BYTES, TAIL_READ_BYTES)?;
        end_in(&bytes)
    }
}

/// Finds the end of an application in the last bytes of a file, as they stand there.
fn end_in_last_bytes(raw: &[u8], codec: Option<LogCodec>) -> Option<ApplicationEnd> {
    match codec {
        None => end_in(raw),
        Some(LogCodec::Lz4) => {
            let begin = memchr::memmem::find(raw, LZ4_MAGIC)?;
            end_in(&unpacked(&raw[begin..], codec))
        }
        Some(LogCodec::Zstd) => {
            let begins = memchr::memmem::rfind_iter(raw, ZSTD_MAGIC).take(MAX_FRAMES_TRIED);
            begins.into_iter().find_map(|begin| end_in(&unpacked(&raw[begin..], codec)))
        }
        // Their blocks do not tell where they begin.
        Some(LogCodec::Snappy | LogCodec::Lzf) => None,
    }
}

fn unpacked(raw: &[u8], codec: Option<LogCodec>) -> Vec<u8> {
    let decoder = Decoder::new(raw, codec).ok();
    decoder.and_then(|decoder| last_bytes(decoder, TAIL_BYTES, TAIL_READ_BYTES)).unwrap_or_default()
}

fn end_in(bytes: &[u8]) -> Option<ApplicationEnd> {
    let mut lines = bytes.rsplit(|byte| *byte == b'\n');
    lines.find_map(|line| match event_called(line, &["SparkListenerApplicationEnd"]) {
        Some(ListenerEvent::ApplicationEnd(end)) => Some(end),
        Some(_) | None => None,
    })
}

/// Parses a line if it begins as an event of one of these names does.
fn event_called(line: &[u8], names: &[&str]) -> Option<ListenerEvent> {
    let rest = line.strip_prefix(b"{\"Event\":\"")?;
    let is_called =
        |name: &&&str| rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'"'));
    names.iter().find(is_called)?;
    ListenerEvent::parse(std::str::from_utf8(line).ok()?).ok()?
}
