//! [`EventLogWriter`]: writes an application's events to its log while it runs.
//!
//! Events are gathered; those after which a reader would miss something (of jobs, stages, executors and the
//! application) are written out at once, with all before them. So a driver that is killed leaves a log that can be read
//! up to such an event.
//!
//! The application never fails for its log. When the file system says no, the writer says so once, with the file and the
//! reason, and counts what it drops. A log that is a directory goes on in another file after a while. A log of which
//! something is missing is never called complete: it stays `.inprogress`.
//!
//! In Hadoop's file system events are written out once a second at most. In object stores nothing grows and nothing is
//! renamed. There a log that is a directory has more and smaller files, of which the last is written anew from time to
//! time; one that is a file appears when the application ends.

use crate::compress::Encoder;
use crate::error::EventLogError;
use crate::names::{IN_PROGRESS, Names};
use crate::peaks::StagePeaks;
use crate::settings::EventLogSettings;
use crate::target::{DIRECTORY_MODE, FILE_MODE, Target};
use firesteel_events::{ListenerEvent, LogStart};
use firesteel_io::{Directory, IoError, IoOperation, Output, Stores};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// The version of Spark whose format the logs have.
pub const SPARK_VERSION: &str = "4.3.0";

/// The time after a failed write before another file is begun.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The application that a log is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggedApplication {
    /// Its id.
    pub id: String,
    /// The attempt, where a cluster manager counts them.
    pub attempt: Option<String>,
    /// The version of Firesteel that runs it.
    pub firesteel_version: Option<String>,
}

/// The fate of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// The path of the log: of the file, or of the directory.
    pub path: String,
    /// The events that were written.
    pub written: u64,
    /// The events that could not be written.
    pub dropped: u64,
    /// The first file system's error, if there was one. Such a log stays `.inprogress`.
    pub failure: Option<IoError>,
}

/// Writes an event log.
///
/// ```
/// use firesteel_conf::Conf;
/// use firesteel_events::{ApplicationStart, ListenerEvent};
/// use firesteel_eventlog::{EventLogSettings, EventLogWriter, LoggedApplication};
/// use firesteel_io::Stores;
/// # let dir = tempfile::tempdir().unwrap();
/// let mut conf = Conf::default();
/// conf.set("spark.eventLog.enabled", "true")?;
/// conf.set("spark.eventLog.dir", dir.path().to_str().unwrap())?;
/// let settings = EventLogSettings::from_conf(&conf)?.unwrap();
/// let application = LoggedApplication { id: "local-1".into(), ..LoggedApplication::default() };
/// let mut writer = EventLogWriter::open(&settings, &Stores::default(), &application)?;
/// let start = ApplicationStart { app_name: "sums".into(), app_id: Some("local-1".into()), ..Default::default() };
/// writer.write(&ListenerEvent::ApplicationStart(start));
/// let end = writer.finish();
/// assert_eq!((end.written, end.failure), (2, None));
/// assert!(dir.path().join("eventlog_v2_local-1/events_1_local-1.zstd").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EventLogWriter {
    settings: EventLogSettings,
    layout: Layout,
    file: File,
    /// Lines that the encoder has not got yet.
    gathered: Vec<u8>,
    /// The events in `gathered`.
    gathered_events: u64,
    peaks: StagePeaks,
    written: u64,
    dropped: u64,
    failure: Option<IoError>,
}

/// The shape of a log, and where it is.
#[derive(Debug)]
enum Layout {
    /// One file, `name`, in the directory of logs.
    Single { directory: Directory, name: String },
    /// A directory of files.
    Rolled { directory: Directory, names: Names, number: u64 },
}

/// The file that events go to at a time.
#[derive(Debug)]
enum File {
    Open(OpenFile),
    /// A write failed, at this time.
    Failed(Instant),
    /// The log has ended.
    Closed,
}

struct OpenFile {
    encoder: Encoder<Target>,
    path: String,
    /// The bytes of its events, before they are compressed.
    length: u64,
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} with {} bytes of events", self.path, self.length)
    }
}

impl EventLogWriter {
    /// Begins the log of an application, with the event that says which version's format it has.
    ///
    /// # Errors
    /// When the directory of logs is not there, there is a log of the application that is not to be written over, or
    /// the first file cannot be made.
    pub fn open(
        settings: &EventLogSettings,
        stores: &Stores,
        application: &LoggedApplication,
    ) -> Result<EventLogWriter, EventLogError> {
        let logs = Directory::at(stores, &settings.dir)?;
        if !logs.is_there()? {
            return Err(EventLogError::NoDirectory { dir: settings.dir.clone() });
        }
        let names = Names::new(&application.id, application.attempt.as_deref(), settings.codec);
        let (layout, file) = match settings.max_file_bytes {
            None => open_single(settings, stores, logs, &names)?,
            Some(_) => open_rolled(settings, &logs, names)?,
        };
        let mut writer = EventLogWriter {
            settings: settings.clone(),
            layout,
            file: File::Open(file),
            gathered: vec![],
            gathered_events: 0,
            peaks: StagePeaks::default(),
            written: 0,
            dropped: 0,
            failure: None,
        };
        let firesteel_version = application.firesteel_version.clone();
        writer.put(&ListenerEvent::LogStart(LogStart {
            spark_version: SPARK_VERSION.into(),
            firesteel_version,
        }));
        match writer.failure.take() {
            Some(failure) => Err(failure.into()),
            None => Ok(writer),
        }
    }

    /// Writes an event, unless the settings leave such events out. Never fails; see [`EventLogWriter::dropped`].
    pub fn write(&mut self, event: &ListenerEvent) {
        if self.settings.stage_executor_metrics {
            for peaks in self.peaks.take(event) {
                self.put(&peaks);
            }
        }
        if self.is_wanted(event) {
            self.put(event);
        }
    }

    fn is_wanted(&self, event: &ListenerEvent) -> bool {
        let by_kind = match event {
            // Each log begins with one, which its writer makes.
            ListenerEvent::LogStart(_) => false,
            // Of heartbeats Spark logs the driver's alone, with the peaks of stages, in which the others' figures are.
            ListenerEvent::ExecutorMetricsUpdate(update) => {
                self.settings.stage_executor_metrics && update.executor_id == "driver"
            }
            ListenerEvent::BlockUpdated(_) => self.settings.block_updates,
            ListenerEvent::StageExecutorMetrics(_) => self.settings.stage_executor_metrics,
            _ => true,
        };
        by_kind && !self.settings.excluded.contains(event.name())
    }

    fn put(&mut self, event: &ListenerEvent) {
        let before = self.gathered.len();
        event.write_to(&mut self.gathered);
        self.gathered.push(b'\n');
        let length = (self.gathered.len() - before) as u64;
        if !self.has_room(before, length) {
            return;
        }
        self.gathered_events += 1;
        if let File::Open(file) = &mut self.file {
            file.length += length;
        }
        let done = match event {
            // So that the end can be read without all that comes before it.
            ListenerEvent::ApplicationEnd(_) => self.cut_before(before).and_then(|()| self.show()),
            event if shows(event) => self.show(),
            _ if self.gathered.len() >= self.settings.buffer_bytes => self.encode(),
            _ => Ok(()),
        };
        self.note(done);
    }

    /// Makes room for an event that was gathered behind `before`: in another file if this one is full, or failed a
    /// while ago. If there is none, takes the event back and counts it.
    fn has_room(&mut self, before: usize, length: u64) -> bool {
        let begins_another = match &mut self.file {
            File::Open(file) => {
                let max = self.settings.max_file_bytes.unwrap_or(u64::MAX);
                let is_full = file.length + length > max || file.encoder.get_mut().is_full();
                is_full && matches!(self.layout, Layout::Rolled { .. }) && file.length > 0
            }
            File::Failed(at) => matches!(self.layout, Layout::Rolled { .. }) && at.elapsed() >= RETRY_AFTER,
            File::Closed => false,
        };
        if begins_another {
            let event = self.gathered.split_off(before);
            let begun = self.end_file().and_then(|()| self.begin_next());
            self.gathered.extend_from_slice(&event);
            self.note(begun);
        }
        let is_open = matches!(self.file, File::Open(_));
        if !is_open {
            self.gathered.clear();
            self.dropped += 1;
        }
        is_open
    }

    /// Hands what was gathered to the encoder.
    fn encode(&mut self) -> Result<(), IoError> {
        let File::Open(file) = &mut self.file else { return Ok(()) };
        let written = file.encoder.write_all(&self.gathered).map_err(|error| file.failed(error));
        // Even if not all of it was written: what was must not be written twice.
        self.gathered.clear();
        let events = std::mem::take(&mut self.gathered_events);
        match written {
            Ok(()) => self.written += events,
            Err(_) => self.dropped += events,
        }
        written
    }

    /// Writes out all but the last event, so that it can be read without the others.
    fn cut_before(&mut self, at: usize) -> Result<(), IoError> {
        let last = self.gathered.split_off(at);
        self.gathered_events -= 1;
        let encoded = self.encode();
        self.gathered = last;
        self.gathered_events = 1;
        encoded?;
        if let File::Open(mut file) = std::mem::replace(&mut self.file, File::Closed) {
            let path = file.path.clone();
            let fail = |error| IoError::from_io(IoOperation::Write, &path, error);
            file.encoder = file.encoder.cut().map_err(fail)?;
            self.file = File::Open(file);
        }
        Ok(())
    }

    /// Writes everything out.
    fn show(&mut self) -> Result<(), IoError> {
        self.encode()?;
        let File::Open(file) = &mut self.file else { return Ok(()) };
        file.encoder.flush().map_err(|error| file.failed(error))
    }

    /// Shows readers all events: those that would be gathered, and in stores in which that costs much, too. For moments
    /// in which nothing happens: after a second without an event, say.
    pub fn flush(&mut self) {
        let shown = self.show().and_then(|()| match &mut self.file {
            File::Open(file) => file.encoder.get_mut().show().map_err(|error| file.failed(error)),
            File::Failed(_) | File::Closed => Ok(()),
        });
        self.note(shown);
    }

    /// Remembers a failure, and says the first one.
    fn note(&mut self, done: Result<(), IoError>) {
        let Err(failure) = done else { return };
        self.dropped += std::mem::take(&mut self.gathered_events);
        self.gathered.clear();
        self.file = File::Failed(Instant::now());
        if self.failure.is_none() {
            let goes_on = match self.layout {
                Layout::Single { .. } => "no more events are written to it",
                Layout::Rolled { .. } => "events are dropped until another file can be begun",
            };
            tracing::warn!("the event log is not whole: {failure}; the application goes on, {goes_on}");
            self.failure = Some(failure);
        }
    }

    /// Ends the file, if one is open.
    fn end_file(&mut self) -> Result<(), IoError> {
        self.encode()?;
        match std::mem::replace(&mut self.file, File::Closed) {
            File::Open(file) => {
                let path = file.path;
                let ended =
                    file.encoder.finish().map_err(|error| IoError::from_io(IoOperation::Write, path, error));
                ended?.close()
            }
            File::Failed(_) | File::Closed => Ok(()),
        }
    }

    fn begin_next(&mut self) -> Result<(), IoError> {
        if let Layout::Rolled { directory, names, number } = &mut self.layout {
            *number += 1;
            self.file = File::Open(open_file(directory, &names.events(*number), &self.settings)?);
        }
        Ok(())
    }

    /// Returns the number of events that could not be written.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns the path of the log: of the file, or of the directory.
    pub fn path(&self) -> String {
        match &self.layout {
            Layout::Single { directory, name } => directory.shown(name),
            Layout::Rolled { directory, .. } => directory.shown("").trim_end_matches('/').into(),
        }
    }

    /// Ends the log, and calls it complete if it is.
    pub fn finish(mut self) -> LogEnd {
        let ended = self.end_file();
        self.note(ended);
        if self.failure.is_none() {
            let completed = self.complete();
            self.note(completed);
        }
        LogEnd { path: self.path(), written: self.written, dropped: self.dropped, failure: self.failure }
    }

    fn complete(&mut self) -> Result<(), IoError> {
        match &mut self.layout {
            Layout::Single { directory, name } => {
                let Some(complete) = name.strip_suffix(IN_PROGRESS).map(str::to_string) else {
                    return Ok(());
                };
                directory.rename(name, &complete)?;
                *name = complete;
                Ok(())
            }
            Layout::Rolled { directory, names, .. } => {
                let (status, before) = (names.status(), format!("{}{IN_PROGRESS}", names.status()));
                match directory.can_grow() {
                    true => directory.rename(&before, &status),
                    false => {
                        directory.put(&status, vec![], FILE_MODE).and_then(|()| directory.remove(&before))
                    }
                }
            }
        }
    }
}

impl OpenFile {
    fn failed(&self, error: io::Error) -> IoError {
        IoError::from_io(IoOperation::Write, &self.path, error)
    }
}

/// Returns whether an event, and all before it, are written out at once.
fn shows(event: &ListenerEvent) -> bool {
    match event {
        ListenerEvent::ApplicationStart(_)
        | ListenerEvent::ApplicationEnd(_)
        | ListenerEvent::JobStart(_)
        | ListenerEvent::JobEnd(_)
        | ListenerEvent::StageCompleted(_)
        | ListenerEvent::ExecutorAdded(_)
        | ListenerEvent::ExecutorRemoved(_)
        | ListenerEvent::ExecutorExcluded(_)
        | ListenerEvent::ExecutorUnexcluded(_)
        | ListenerEvent::ExecutorExcludedForStage(_)
        | ListenerEvent::NodeExcluded(_)
        | ListenerEvent::NodeExcludedForStage(_)
        | ListenerEvent::NodeUnexcluded(_)
        | ListenerEvent::BlockManagerAdded(_)
        | ListenerEvent::BlockManagerRemoved(_)
        | ListenerEvent::BlockUpdated(_)
        | ListenerEvent::UnpersistRdd(_) => true,
        ListenerEvent::LogStart(_)
        | ListenerEvent::EnvironmentUpdate(_)
        | ListenerEvent::ResourceProfileAdded(_)
        | ListenerEvent::StageSubmitted(_)
        | ListenerEvent::StageExecutorMetrics(_)
        | ListenerEvent::TaskStart(_)
        | ListenerEvent::TaskGettingResult(_)
        | ListenerEvent::TaskEnd(_)
        | ListenerEvent::ExecutorMetricsUpdate(_) => false,
    }
}

fn open_single(
    settings: &EventLogSettings,
    stores: &Stores,
    logs: Directory,
    names: &Names,
) -> Result<(Layout, OpenFile), EventLogError> {
    let complete = names.single();
    let growing = format!("{complete}{IN_PROGRESS}");
    for name in [&complete, &growing] {
        if logs.has(name)? {
            if !settings.overwrite {
                return Err(EventLogError::Exists { path: logs.shown(name) });
            }
            logs.remove(name)?;
        }
    }
    if logs.can_grow() {
        let file = open_file(&logs, &growing, settings)?;
        return Ok((Layout::Single { directory: logs, name: growing }, file));
    }
    let path = logs.shown(&complete);
    let target = Target::Upload(Output::create(stores, &path)?);
    let file = encoded(target, path, settings)?;
    Ok((Layout::Single { directory: logs, name: complete }, file))
}

fn open_rolled(
    settings: &EventLogSettings,
    logs: &Directory,
    names: Names,
) -> Result<(Layout, OpenFile), EventLogError> {
    let directory = logs.inside(&names.directory());
    // Object stores have a directory as soon as it holds something.
    let is_there = match directory.can_grow() {
        true => logs.has(&names.directory())?,
        false => directory.entries()?.is_some(),
    };
    if is_there && !settings.overwrite {
        return Err(EventLogError::Exists { path: logs.shown(&names.directory()) });
    }
    match is_there {
        true => clear(&directory)?,
        false => directory.make(DIRECTORY_MODE)?,
    }
    // First, so that no reader meets events of an application of which it cannot know whether it has ended.
    directory.put(&format!("{}{IN_PROGRESS}", names.status()), vec![], FILE_MODE)?;
    let file = open_file(&directory, &names.events(1), settings)?;
    Ok((Layout::Rolled { directory, names, number: 1 }, file))
}

/// Removes the files of an earlier log.
fn clear(directory: &Directory) -> Result<(), IoError> {
    let entries = directory.entries()?.unwrap_or_default();
    entries.iter().filter(|entry| entry.length.is_some()).try_for_each(|entry| directory.remove(&entry.name))
}

fn open_file(directory: &Directory, name: &str, settings: &EventLogSettings) -> Result<OpenFile, IoError> {
    encoded(Target::create(directory, name)?, directory.shown(name), settings)
}

fn encoded(target: Target, path: String, settings: &EventLogSettings) -> Result<OpenFile, IoError> {
    let encoder = Encoder::new(target, settings.codec);
    let encoder = encoder.map_err(|error| IoError::from_io(IoOperation::Create, &path, error))?;
    Ok(OpenFile { encoder, path, length: 0 })
}
