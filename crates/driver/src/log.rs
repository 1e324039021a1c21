//! The log: what Firesteel tells people although nothing failed, as events of `tracing`.
//!
//! Code emits events and does not know their readers. A program that has set a subscriber of its own gets them
//! there. In any other program [`show_log`] sets the subscriber of this file, once for the process: it writes
//! lines to standard error, `firesteel: warning: ...`. Daemons have another one, whose lines begin with the time.

use firesteel_types::civil_date;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{Interest, Subscriber, set_global_default};
use tracing::{Event, Level, Metadata, span};

/// The events that are written, by their level. As in Spark, the level is the process's: that of the context
/// that was made last.
static SHOWN: RwLock<LevelFilter> = RwLock::new(LevelFilter::WARN);

/// Where the lines of the log go, and in which form.
struct Output {
    /// None for standard error.
    file: Option<(String, File)>,
    is_json: bool,
}

/// The output of the process's log: as Spark's, that of the context that was made last.
static OUTPUT: Mutex<Output> = Mutex::new(Output { file: None, is_json: false });

/// Sets the file of the log, or standard error if its name is empty, and whether each line is JSON.
///
/// # Errors
/// When the file cannot be opened, as a sentence.
pub(crate) fn set_log_output(file: &str, is_json: bool) -> Result<(), String> {
    let mut output = OUTPUT.lock();
    output.is_json = is_json;
    if file.is_empty() {
        output.file = None;
    } else if output.file.as_ref().is_none_or(|(name, _)| name != file) {
        let opened = OpenOptions::new().create(true).append(true).open(file);
        let opened =
            opened.map_err(|error| format!("`firesteel.log.file`: {file} cannot be opened: {error}"))?;
        output.file = Some((file.into(), opened));
    }
    Ok(())
}

/// Writes an event to the log's output.
fn write_out(event: &Told<'_>) {
    let mut output = OUTPUT.lock();
    let line = match (output.is_json, &output.file) {
        (true, _) => event.json(&time()),
        (false, None) => event.line(),
        (false, Some(_)) => format!("{} {:5} {}", time(), event.level.as_str(), event.text),
    };
    match &mut output.file {
        // A disk that is full is no reason to end a program.
        Some((_, file)) => drop(writeln!(file, "{line}")),
        None => eprintln!("{line}"),
    }
}

/// Returns the time, in UTC, as Spark's structured log has it.
fn time() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, of_day) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil_date(days as i64);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let ms = since.subsec_millis();
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// An event, for people or for programs.
struct Told<'a> {
    level: Level,
    text: String,
    logger: &'a str,
}

impl Told<'_> {
    fn line(&self) -> String {
        let warning = if self.level == Level::WARN { "warning: " } else { "" };
        format!("firesteel: {warning}{}", self.text)
    }

    fn json(&self, time: &str) -> String {
        let level = self.level.as_str();
        serde_json::json!({ "ts": time, "level": level, "msg": self.text, "logger": self.logger }).to_string()
    }
}

/// Has the log written to standard error, where the program has no subscriber of its own. Later calls have no
/// effect.
pub fn show_log() {
    // An error says that there is a subscriber already: the program's, a daemon's, or this one.
    let _ = set_global_default(Lines { write: write_out });
}

/// Sets the level of the events that [`show_log`] writes, by its name here or in Spark, in any case. An unknown
/// name is the level of warnings.
pub fn set_log_level(name: &str) {
    *SHOWN.write() = match name.to_ascii_lowercase().as_str() {
        "off" | "fatal" => LevelFilter::OFF,
        "error" => LevelFilter::ERROR,
        "info" | "debug" | "trace" | "all" => LevelFilter::INFO,
        _ => LevelFilter::WARN,
    };
}

/// Emits a warning once in a process, also when several contexts give it.
pub(crate) fn warn_once(text: &str) {
    static GIVEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    // A warning that nobody reads is not given: a later context may show it.
    if tracing::enabled!(Level::WARN) && GIVEN.lock().insert(text.into()) {
        tracing::warn!("{text}");
    }
}

/// The subscriber of a program that has none: a line for each event of Firesteel's own crates.
struct Lines<W> {
    write: W,
}

impl<W: Fn(&Told<'_>) + 'static> Subscriber for Lines<W> {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Not `always`: the level changes.
        if is_ours(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= *SHOWN.read() && is_ours(metadata)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let metadata = event.metadata();
        let text = format!("{}{}", line.message, line.error);
        (self.write)(&Told { level: *metadata.level(), text, logger: metadata.target() });
    }

    // Lines tell nothing of spans, and Firesteel opens none.

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Returns whether an event is Firesteel's: a program sees those of other libraries when it asks for them.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    let of = metadata.target().split("::").next().unwrap_or_default();
    of == "firesteel" || of.starts_with("firesteel_")
}

/// An event as a line: its message, and its error behind a colon. Other fields are for programs that select by
/// them.
#[derive(Default)]
struct Line {
    message: String,
    error: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            "error" => write!(self.error, ": {value:?}"),
            _ => Ok(()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_line_has_the_message_and_the_error_and_is_written_as_the_level_says() {
        let lines = Arc::new(Mutex::new(vec![]));
        let to = lines.clone();
        let subscriber = Lines { write: move |told: &Told<'_>| to.lock().push(told.line()) };
        tracing::subscriber::with_default(subscriber, || {
            for level in ["warn", "ERROR", "info", "OFF"] {
                set_log_level(level);
                tracing::info!("a note");
                tracing::warn!(block = 7, error = %"it is gone", "a block cannot be copied");
                tracing::error!("an executor ends");
                tracing::error!(target: "another_crate", "not ours");
                warn_once(level);
            }
        });
        set_log_level("no such level");
        let warning = "firesteel: warning: a block cannot be copied: it is gone";
        let error = "firesteel: an executor ends";
        let expected =
            [warning, error, "firesteel: warning: warn", error, "firesteel: a note", warning, error];
        assert_eq!(*lines.lock(), [&expected[..], &["firesteel: warning: info"]].concat());
    }

    #[test]
    fn a_line_of_json_has_the_keys_of_sparks_structured_log() {
        let told = Told { level: Level::WARN, text: "a \"quoted\"\nline".into(), logger: "firesteel_driver" };
        let line = told.json("2026-11-29T02:40:01.123Z");
        assert_eq!(line.lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["msg"], "a \"quoted\"\nline");
        assert_eq!((&value["level"], &value["logger"]), (&"WARN".into(), &"firesteel_driver".into()));
        assert_eq!(time().len(), "2026-11-29T02:40:01.123Z".len());
    }
}
