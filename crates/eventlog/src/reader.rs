//! [`EventLogReader`]: the events of one log, one by one. Lines that are none are refused with their number and the
//! reason, and reading goes on behind them.

use crate::error::EventLogError;
use crate::lines::Line;
use crate::names::EventsFile;
use crate::source::{EventLines, FoundLog, open_lines};
use firesteel_events::ListenerEvent;
use firesteel_io::Stores;
use std::fmt;
use std::io;

/// The most bytes of a line. The longest that applications write are those of jobs with thousands of stages. A parsed
/// line may take some sixteen times as much memory, if someone meant it to.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// The refused lines of one file after which the rest of it is not read: it is no log.
const MAX_REFUSED: u64 = 10_000;

/// A part of a log that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The file.
    pub path: String,
    /// The line, counted from 1.
    pub line: u64,
    /// The fault.
    pub reason: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.path, self.line, self.reason)
    }
}

/// The events of a log. Those that Firesteel does not know (of SQL, for one) are passed over.
///
/// ```
/// use firesteel_eventlog::EventLogReader;
/// use firesteel_events::ListenerEvent;
/// use firesteel_io::Stores;
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("local-1").to_str().unwrap().to_string();
/// std::fs::write(&path, "{\"Event\":\"SparkListenerApplicationEnd\",\"Timestamp\":7}\n{\"Event\":\n").unwrap();
/// let mut events = EventLogReader::open(&Stores::default(), &path)?;
/// assert!(matches!(events.next(), Some(Ok(ListenerEvent::ApplicationEnd(end))) if end.timestamp == 7));
/// assert!(matches!(events.next(), Some(Err(bad)) if bad.line == 2));
/// assert_eq!(events.next(), None);
/// # Ok::<(), firesteel_eventlog::EventLogError>(())
/// ```
pub struct EventLogReader {
    stores: Stores,
    log: FoundLog,
    /// The number of files that were begun.
    begun: usize,
    current: Option<Current>,
    max_line_bytes: usize,
    unknown: u64,
    is_cut: bool,
}

/// The file that is being read.
struct Current {
    lines: EventLines,
    path: String,
    line: u64,
    refused: u64,
}

/// The outcome of reading a line.
#[expect(clippy::large_enum_variant, reason = "nearly all lines are events")]
enum Read {
    Event(ListenerEvent),
    Nothing,
    Bad(BadLine),
    /// The file is over.
    Over,
}

impl EventLogReader {
    /// Opens the log of a path: that of a file, or of a directory of files.
    ///
    /// # Errors
    /// When there is no log there, or its first file cannot be opened.
    pub fn open(stores: &Stores, path: &str) -> Result<EventLogReader, EventLogError> {
        let log = FoundLog::at(stores, path)?;
        let mut reader = EventLogReader {
            stores: stores.clone(),
            log,
            begun: 0,
            current: None,
            max_line_bytes: MAX_LINE_BYTES,
            unknown: 0,
            is_cut: false,
        };
        if let Some(first) = reader.log.files.first().cloned() {
            reader.begin(&first)?;
        }
        Ok(reader)
    }

    /// Sets the most bytes of a line, instead of [`MAX_LINE_BYTES`], and begins anew.
    ///
    /// # Errors
    /// When the first file cannot be opened again.
    pub fn with_max_line(mut self, bytes: usize) -> Result<EventLogReader, EventLogError> {
        self.max_line_bytes = bytes;
        self.begun = 0;
        if let Some(first) = self.log.files.first().cloned() {
            self.begin(&first)?;
        }
        Ok(self)
    }

    /// Returns whether the application has ended, as far as names of files tell.
    pub fn is_complete(&self) -> bool {
        self.log.is_complete
    }

    /// Returns the number of events that were passed over.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Returns whether the log of an application that has not ended broke off within a line or a compressed block.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    fn begin(&mut self, file: &EventsFile) -> Result<(), EventLogError> {
        self.begun += 1;
        let lines = open_lines(&self.stores, &self.log, file, self.max_line_bytes)?;
        self.current = Some(Current { lines, path: self.log.path_of(file), line: 0, refused: 0 });
        Ok(())
    }

    /// Reads a line of the file at hand.
    fn read(&mut self) -> Read {
        let Some(current) = &mut self.current else { return Read::Over };
        let read = current.read(self.log.is_complete, &mut self.is_cut, &mut self.unknown);
        match read {
            Read::Bad(bad) => {
                current.refused += 1;
                match current.refused {
                    MAX_REFUSED => {
                        let reason =
                            format!("it and {} others are no events: the rest is not read", MAX_REFUSED - 1);
                        self.current = None;
                        Read::Bad(BadLine { reason, ..bad })
                    }
                    _ => Read::Bad(bad),
                }
            }
            read => read,
        }
    }
}

impl Current {
    fn read(&mut self, is_complete: bool, is_cut: &mut bool, unknown: &mut u64) -> Read {
        self.line += 1;
        match self.lines.read_line() {
            Ok(Line::End) => Read::Over,
            Ok(Line::TooLong(length)) => {
                self.bad(format!("it has {length} bytes or more, too many for a line"))
            }
            Ok(Line::Whole { is_ended }) => {
                let parsed = std::str::from_utf8(self.lines.line())
                    .map_err(|error| format!("it is not UTF-8: {error}"))
                    .and_then(|line| ListenerEvent::parse(line).map_err(|error| error.to_string()));
                match parsed {
                    Ok(Some(event)) => Read::Event(event),
                    Ok(None) => {
                        *unknown += 1;
                        Read::Nothing
                    }
                    // The writer was in the middle of it, or was killed there.
                    Err(_) if !is_ended && !is_complete => {
                        *is_cut = true;
                        Read::Nothing
                    }
                    Err(reason) => self.bad(reason),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !is_complete => {
                *is_cut = true;
                Read::Over
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.bad("the file breaks off in the middle of compressed data".into())
            }
            Err(error) => self.bad(format!("the rest of the file cannot be read: {error}")),
        }
    }

    fn bad(&self, reason: String) -> Read {
        Read::Bad(BadLine { path: self.path.clone(), line: self.line, reason })
    }
}

impl Iterator for EventLogReader {
    type Item = Result<ListenerEvent, BadLine>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.read() {
                Read::Event(event) => return Some(Ok(event)),
                Read::Bad(bad) => return Some(Err(bad)),
                Read::Nothing => continue,
                Read::Over => self.current = None,
            }
            let next = self.log.files.get(self.begun).cloned()?;
            if let Err(error) = self.begin(&next) {
                return Some(Err(BadLine {
                    path: self.log.path_of(&next),
                    line: 0,
                    reason: error.to_string(),
                }));
            }
        }
    }
}

impl fmt::Debug for EventLogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLogReader")
            .field("log", &self.log)
            .field("begun", &self.begun)
            .finish_non_exhaustive()
    }
}
