//! The part of a log that a page shows, and the way to the others.

use crate::pages::format::bytes;
use crate::site::LogPart;

/// The most bytes of a log on one page.
pub(super) const PART: usize = 100 << 10;

/// A part of a log.
pub(super) struct LogWindow {
    pub(super) range: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    /// The address of the last part, which grows.
    pub(super) newest: String,
    pub(super) is_newest: bool,
    pub(super) text: String,
}

impl LogWindow {
    /// Shows a part. `newest` is the address of the last part, to which others add their offset.
    pub(super) fn of(part: LogPart, newest: String, is_newest: bool) -> Self {
        let at = |offset: u64| format!("{newest}&offset={offset}");
        let length = bytes(i64::try_from(part.length).unwrap_or(i64::MAX));
        LogWindow {
            range: format!("Bytes {} to {} of {length}", part.offset, part.end),
            before: (part.offset > 0).then(|| at(part.offset.saturating_sub(PART as u64))),
            after: (part.end < part.length).then(|| at(part.end)),
            newest,
            is_newest,
            text: part.text,
        }
    }
}
