//! The files into which executors wrote their standard output and error, kept for a while when their application has ended.

use firesteel_protocol::LogStream;
use std::collections::VecDeque;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The directory, below the worker's, of what executors of ended applications wrote.
pub(super) const KEPT_LOGS: &str = "ended-logs";

/// The number of ended applications whose executors' logs are kept, and the most bytes that they may have together.
const KEPT_APPLICATIONS: usize = 20;
const KEPT_BYTES: u64 = 256 << 20;

/// Makes a directory for this user alone.
fn make(directory: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// The logs of ended applications, the oldest first.
#[derive(Default)]
pub(super) struct KeptLogs(VecDeque<(PathBuf, u64)>);

impl KeptLogs {
    /// Moves the logs of an application's executors into a directory of its own below `to`, and removes the oldest beyond the
    /// bounds. What cannot be kept is not.
    pub(super) fn keep(&mut self, from: &Path, to: &Path, application: &str) {
        let to = to.join(application);
        let mut bytes = 0;
        for entry in fs::read_dir(from).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(text) = name.to_str().filter(|name| name.starts_with("executor-")) else { continue };
            let is_log = [LogStream::Stdout, LogStream::Stderr]
                .iter()
                .any(|stream| text.strip_suffix(stream.name()).is_some_and(|rest| rest.ends_with('.')));
            let Some(length) = fs::symlink_metadata(entry.path()).ok().filter(fs::Metadata::is_file) else {
                continue;
            };
            if is_log && make(&to).is_ok() && fs::rename(entry.path(), to.join(text)).is_ok() {
                bytes += length.len();
            }
        }
        if to.is_dir() {
            self.0.push_back((to, bytes));
        }
        let total = |kept: &VecDeque<(PathBuf, u64)>| kept.iter().map(|(_, bytes)| bytes).sum::<u64>();
        while (self.0.len() > KEPT_APPLICATIONS || total(&self.0) > KEPT_BYTES)
            && let Some((oldest, _)) = self.0.pop_front()
        {
            let _ = fs::remove_dir_all(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_ended_applications_are_kept_and_their_number_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let (mut kept, to) = (KeptLogs::default(), dir.path().join("kept"));
        for number in 0..=KEPT_APPLICATIONS {
            let from = dir.path().join(format!("app-{number}"));
            fs::create_dir(&from).unwrap();
            for name in ["executor-0.stdout", "executor-0.stderr", "shuffle-1", "executor-0.other"] {
                fs::write(from.join(name), "text").unwrap();
            }
            kept.keep(&from, &to, &format!("app-{number}"));
        }
        assert!(!to.join("app-0").exists());
        let mut names: Vec<_> =
            fs::read_dir(to.join("app-1")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["executor-0.stderr", "executor-0.stdout"]);
    }
}
