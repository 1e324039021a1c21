//! The names of logs and of the files in them, made and understood.
//!
//! A log is a file, `<application>[_<attempt>][.<codec>]`, with `.inprogress` behind it while it grows; or a directory,
//! `eventlog_v2_<application>[_<attempt>]`, of files `events_<number>_...[.<codec>]` and an empty one whose name says
//! whether the application has ended: `appstatus_...[.inprogress]`. Spark may have replaced the first files of such a
//! directory by one with `.compact` behind its name, which holds what is needed of them.

use crate::codec::LogCodec;

/// The end of the name of what is not complete.
pub(crate) const IN_PROGRESS: &str = ".inprogress";

const COMPACT: &str = ".compact";
const DIRECTORY: &str = "eventlog_v2_";
const STATUS: &str = "appstatus_";
const EVENTS: &str = "events_";

/// The beginning of all names of one application's attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    base: String,
    codec: Option<LogCodec>,
}

impl Names {
    pub(crate) fn new(app_id: &str, attempt: Option<&str>, codec: Option<LogCodec>) -> Names {
        let mut base = in_file_name(app_id);
        if let Some(attempt) = attempt {
            base.push('_');
            base.push_str(&in_file_name(attempt));
        }
        Names { base, codec }
    }

    /// Returns the name of a log that is one file.
    pub(crate) fn single(&self) -> String {
        format!("{}{}", self.base, self.suffix())
    }

    /// Returns the name of a log that is a directory.
    pub(crate) fn directory(&self) -> String {
        format!("{DIRECTORY}{}", self.base)
    }

    /// Returns the name of the file in such a directory that says that the application has ended.
    pub(crate) fn status(&self) -> String {
        format!("{STATUS}{}", self.base)
    }

    /// Returns the name of a file of events in such a directory. They are counted from 1.
    pub(crate) fn events(&self, number: u64) -> String {
        format!("{EVENTS}{number}_{}{}", self.base, self.suffix())
    }

    fn suffix(&self) -> String {
        self.codec.map_or(String::new(), |codec| format!(".{codec}"))
    }
}

/// Makes a name that file systems take of an id, in Spark's way.
fn in_file_name(id: &str) -> String {
    let safe = id.chars().map(|c| match c {
        ' ' | ':' | '/' => '-',
        '.' | '$' | '{' | '}' | '\'' | '"' => '_',
        c => c,
    });
    safe.flat_map(char::to_lowercase).collect()
}

/// A name in a directory of logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogName {
    /// A log that is one file.
    Single(EventsFile),
    /// A log that is a directory.
    Rolled,
}

/// A file of events, as its name tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventsFile {
    pub(crate) name: String,
    /// The codec; the text behind the name's last dot if it is that of none.
    pub(crate) codec: Result<Option<LogCodec>, String>,
    pub(crate) in_progress: bool,
}

impl LogName {
    /// Understands the name of a file or directory; none if no log is called so.
    pub(crate) fn of(name: &str, is_directory: bool) -> Option<LogName> {
        match is_directory {
            true => name.starts_with(DIRECTORY).then_some(LogName::Rolled),
            // Of files with a dot before their names those that Hadoop keeps checksums in.
            false if name.starts_with('.') => None,
            false => Some(LogName::Single(events_file(name))),
        }
    }
}

fn events_file(name: &str) -> EventsFile {
    let bare = name.strip_suffix(IN_PROGRESS);
    let in_progress = bare.is_some();
    let bare = bare.unwrap_or(name);
    let bare = bare.strip_suffix(COMPACT).unwrap_or(bare);
    let codec = match bare.rsplit_once('.') {
        None => Ok(None),
        Some((_, end)) => LogCodec::named(end).map(Some).ok_or_else(|| end.to_string()),
    };
    EventsFile { name: name.into(), codec, in_progress }
}

/// The files of a log that is a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RolledFiles {
    /// In the order in which they were written.
    pub(crate) events: Vec<EventsFile>,
    /// True if the application has ended; none if no file tells.
    pub(crate) is_complete: Option<bool>,
}

impl RolledFiles {
    /// Sorts out the names in such a directory.
    pub(crate) fn of<'a>(names: impl Iterator<Item = &'a str>) -> RolledFiles {
        let (mut numbered, mut is_complete) = (vec![], None);
        for name in names {
            if let Some(rest) = name.strip_prefix(STATUS) {
                // Both are there for a moment in a store without renames.
                is_complete = Some(is_complete == Some(true) || !rest.ends_with(IN_PROGRESS));
            } else if let Some(number) = number_of(name) {
                numbered.push((number, name.ends_with(COMPACT), name));
            }
        }
        numbered.sort();
        // A compacted file stands for those before it, and for the one whose number it has.
        let from = numbered.iter().rposition(|(_, is_compact, _)| *is_compact).unwrap_or(0);
        let events = numbered[from..].iter().map(|(_, _, name)| events_file(name)).collect();
        RolledFiles { events, is_complete }
    }
}

fn number_of(name: &str) -> Option<u64> {
    let (number, _) = name.strip_prefix(EVENTS)?.split_once('_')?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sparks() {
        let names = Names::new("local-1795916471865", None, None);
        assert_eq!(names.single(), "local-1795916471865");
        let names = Names::new("App 1:a/B.$x", Some("2"), Some(LogCodec::Zstd));
        assert_eq!(names.single(), "app-1-a-b__x_2.zstd");
        assert_eq!(names.directory(), "eventlog_v2_app-1-a-b__x_2");
        assert_eq!(names.events(3), "events_3_app-1-a-b__x_2.zstd");
        assert_eq!(names.status(), "appstatus_app-1-a-b__x_2");
    }

    #[test]
    fn names_are_understood() {
        let single = |name: &str| match LogName::of(name, false) {
            Some(LogName::Single(file)) => (file.codec, file.in_progress),
            other => panic!("{other:?}"),
        };
        assert_eq!(single("app-1"), (Ok(None), false));
        assert_eq!(single("app-1.inprogress"), (Ok(None), true));
        assert_eq!(single("app-1.lz4.inprogress"), (Ok(Some(LogCodec::Lz4)), true));
        assert_eq!(single("app-1.gz"), (Err("gz".into()), false));
        assert_eq!(LogName::of(".app-1.crc", false), None);
        assert_eq!(LogName::of("eventlog_v2_app-1", true), Some(LogName::Rolled));
        assert_eq!(LogName::of("other", true), None);
    }

    #[test]
    fn files_come_by_number_and_a_compacted_one_replaces_those_before_it() {
        let of = |names: &[&str]| {
            let files = RolledFiles::of(names.iter().copied());
            let names: Vec<String> = files.events.into_iter().map(|file| file.name).collect();
            (names, files.is_complete)
        };
        let (names, complete) = of(&["events_10_a", "events_2_a", "appstatus_a", ".appstatus_a.crc", "x"]);
        assert_eq!((names, complete), (vec!["events_2_a".into(), "events_10_a".into()], Some(true)));
        let (names, complete) = of(&[
            "events_1_a.zstd",
            "events_2_a.zstd",
            "events_2_a.zstd.compact",
            "events_3_a.zstd",
            "appstatus_a.inprogress",
        ]);
        assert_eq!(names, ["events_2_a.zstd.compact", "events_3_a.zstd"]);
        assert_eq!(complete, Some(false));
        assert_eq!(of(&["appstatus_a", "appstatus_a.inprogress"]).1, Some(true));
        assert_eq!(of(&[]), (vec![], None));
        let compacted = RolledFiles::of(["events_2_a.lz4.compact"].into_iter());
        assert_eq!(compacted.events[0].codec, Ok(Some(LogCodec::Lz4)));
    }
}
