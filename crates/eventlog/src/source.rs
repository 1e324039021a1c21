//! One file of events, opened: found, decompressed, cut into lines.

use crate::compress::Decoder;
use crate::error::EventLogError;
use crate::lines::Lines;
use crate::names::{EventsFile, IN_PROGRESS, LogName, RolledFiles};
use firesteel_io::{Directory, Input, IoError, IoOperation, Stores};
use std::io::Read;

/// A log, found: where its files are, and what their names say.
#[derive(Clone, Debug)]
pub(crate) struct FoundLog {
    pub(crate) directory: Directory,
    /// In the order in which they were written.
    pub(crate) files: Vec<EventsFile>,
    /// True if the application has ended, as far as names tell.
    pub(crate) is_complete: bool,
}

impl FoundLog {
    /// Finds the log of a path. While it was looked for, the application may have ended: then it has another name.
    pub(crate) fn at(stores: &Stores, path: &str) -> Result<FoundLog, EventLogError> {
        let no_log = || EventLogError::NoLog { path: path.into() };
        let trimmed = path.trim_end_matches('/');
        let (parent, name) = match trimmed.rsplit_once('/') {
            Some((parent, name)) => (format!("{parent}/"), name),
            None => ("./".into(), trimmed),
        };
        let directory = Directory::at(stores, &parent)?;
        let inner = directory.inside(name);
        if let Some(LogName::Rolled) = LogName::of(name, true)
            && let Some(entries) = inner.entries()?
        {
            let files = RolledFiles::of(entries.iter().map(|entry| entry.name.as_str()));
            let is_complete = files.is_complete.unwrap_or(false);
            return match files.events.is_empty() {
                true => Err(no_log()),
                false => Ok(FoundLog { directory: inner, files: files.events, is_complete }),
            };
        }
        for name in [name, name.strip_suffix(IN_PROGRESS).unwrap_or(name)] {
            if let Some(LogName::Single(file)) = LogName::of(name, false)
                && directory.has(name)?
            {
                return Ok(FoundLog { directory, is_complete: !file.in_progress, files: vec![file] });
            }
        }
        Err(no_log())
    }

    /// Returns the whole path of one of its files.
    pub(crate) fn path_of(&self, file: &EventsFile) -> String {
        self.directory.shown(&file.name)
    }
}

/// The lines of a file of events.
pub(crate) type EventLines = Lines<Decoder<Input>>;

/// Opens the lines of a file, of at most `most` bytes each.
pub(crate) fn open_lines(
    stores: &Stores,
    log: &FoundLog,
    file: &EventsFile,
    most: usize,
) -> Result<EventLines, EventLogError> {
    Ok(Lines::new(open(stores, log, file)?, most))
}

/// Opens a file, decompressed.
pub(crate) fn open(
    stores: &Stores,
    log: &FoundLog,
    file: &EventsFile,
) -> Result<Decoder<Input>, EventLogError> {
    let path = log.path_of(file);
    let codec = file.codec.clone().map_err(|end| EventLogError::UnknownCodec { path: path.clone(), end })?;
    let input = Input::open(stores, &path)?;
    Decoder::new(input, codec).map_err(|error| IoError::from_io(IoOperation::Read, path, error).into())
}

/// Returns the last bytes that a source has, at most `keep` of them; none if it has more than `most`. Of one that
/// breaks off, those before the break.
pub(crate) fn last_bytes(source: impl Read, keep: usize, most: u64) -> Option<Vec<u8>> {
    let mut source = source.take(most);
    let (mut kept, mut buffer) = (vec![], vec![0; 64 << 10]);
    loop {
        match source.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => kept.extend_from_slice(&buffer[..count]),
        }
        if kept.len() > 2 * keep {
            kept.drain(..kept.len() - keep);
        }
    }
    (source.limit() > 0).then_some(kept)
}
