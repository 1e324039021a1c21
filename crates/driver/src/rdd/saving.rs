//! [`Saving`]: the output of one job, from its directory to the commit, also where an earlier driver has come some of the way.
//!
//! What an earlier driver has begun bears a word of its own. If its job has no answer, all that bears the word is removed, and
//! the output begins anew under another, so that a task of the earlier driver that still writes cannot get into it. If the job
//! has its answer, all tasks have committed under the word: only the files' last step may be left, which can be repeated.
//!
//! An output whose directory is gone, as a program removes it right before it saves, is not known any more: it is written again. So
//! is one whose directory was emptied.

use crate::context::DriverContext;
use crate::error::{Error, Result};
use firesteel_io::{IoCause, IoError, OutputCommitter, Stores};
use firesteel_recovery::{OutputState, Record};
use firesteel_types::{CallSite, JobId};
use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

/// An output that is being written.
pub(super) struct Saving<'a> {
    context: &'a DriverContext,
    site: &'a CallSite,
    path: String,
    /// The number of outputs before it, where that is written down.
    number: u32,
    /// Nothing, from the time on that the output's job runs.
    known: Cell<Known>,
    pub(super) token: String,
    pub(super) committer: OutputCommitter,
}

/// How far an earlier driver has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Nothing,
    Written,
    Committed,
}

impl<'a> Saving<'a> {
    /// Makes the output's directory, unless an earlier driver has done so. `make` makes the committer for a word.
    ///
    /// # Errors
    /// When the directory exists already.
    pub(super) fn begin(
        context: &'a DriverContext,
        site: &'a CallSite,
        path: &str,
        make: impl Fn(&str) -> Result<OutputCommitter>,
    ) -> Result<Saving<'a>> {
        let (number, state) = match context.recovery() {
            Some(recovery) => recovery.next_output(path),
            None => (0, OutputState::Unknown),
        };
        let known = match state {
            OutputState::Committed(token) => Some((Known::Committed, token)),
            OutputState::Written(token) => Some((Known::Written, token)),
            OutputState::Begun(token) => {
                let left = make(&token)?.abort_job(context.stores());
                left.map_err(|source| Error::Io { site: site.clone(), source })?;
                None
            }
            OutputState::Unknown => None,
        };
        let saving = |known, token: String, committer| Saving {
            context,
            site,
            path: path.into(),
            number,
            known: Cell::new(known),
            token,
            committer,
        };
        if let Some((known, token)) = known {
            let committer = make(&token)?;
            let why = why_not_there(&committer, known, context.stores());
            let Some(why) = why.map_err(|source| Error::Io { site: site.clone(), source })? else {
                return Ok(saving(known, token, committer));
            };
            tracing::warn!("the output {path} of an earlier driver {why}: it is written again");
            let _ = committer.abort_job(context.stores());
            context.recovery().inspect(|recovery| recovery.forget_output(number));
        }
        let token = job_token();
        let committer = make(&token)?;
        let saving = saving(Known::Nothing, token, committer);
        // Before there is anything that another driver would have to remove.
        saving.write_begun();
        saving.set_up().inspect_err(|_| saving.write(&Record::OutputAborted { number }))?;
        Ok(saving)
    }

    fn set_up(&self) -> Result<()> {
        let made = self.committer.setup_job(self.context.stores());
        made.map_err(|source| Error::Io { site: self.site.clone(), source })
    }

    /// Writes down that the output is not whole from now on, whatever is known of it: a driver that comes later removes what is
    /// there of it, and begins it anew.
    fn write_begun(&self) {
        let (path, token) = (self.path.clone(), self.token.clone());
        self.write(&Record::OutputBegun { number: self.number, path, token });
    }

    fn write(&self, record: &Record) {
        if let Some(recovery) = self.context.recovery() {
            recovery.append(record);
            recovery.sync();
        }
    }

    /// The output's job runs, since no earlier driver has its answer.
    ///
    /// # Errors
    /// When an earlier driver has written the output, and the program has changed since.
    pub(super) fn job_begins(&self, job: JobId) -> Result<()> {
        let known = self.known.replace(Known::Nothing);
        if known != Known::Nothing {
            self.write_begun();
        }
        if known == Known::Written {
            let _ = self.committer.abort_job(self.context.stores());
        }
        if known != Known::Nothing {
            self.set_up()?;
        }
        self.write(&Record::OutputJob { number: self.number, job });
        Ok(())
    }

    /// Makes the files appear, if the job went well; or else removes them.
    ///
    /// # Errors
    /// When the job has failed, or the files cannot appear.
    pub(super) fn end(self, written: Result<()>, partitions: u32) -> Result<()> {
        let (stores, number, known) = (self.context.stores(), self.number, self.known.get());
        if known == Known::Committed {
            return written;
        }
        let committed = written.and_then(|()| match self.committer.commit_job(stores, partitions) {
            // The earlier driver was killed right after it had committed.
            Err(error) if known == Known::Written && self.is_over(&error) => Ok(()),
            done => done.map_err(|source| Error::Io { site: self.site.clone(), source }),
        });
        match &committed {
            Ok(()) => self.write(&Record::OutputCommitted { number }),
            Err(_) => {
                // A driver that is killed meanwhile leaves an output that was not committed, even if its job has an answer.
                self.write_begun();
                // The failure of the job is the one to report, not that of the clean-up, which the next driver repeats.
                if self.committer.abort_job(stores).is_ok() {
                    self.write(&Record::OutputAborted { number });
                }
            }
        }
        committed
    }

    /// Returns whether an error of the commit says that an earlier driver has made it, where nothing else can tell.
    fn is_over(&self, error: &IoError) -> bool {
        error.cause == IoCause::JobEnded && !self.committer.shows_success()
    }
}

/// Returns in which way an output is not there that an earlier driver has written; `None` if it is. An empty directory
/// is removed.
fn why_not_there(
    committer: &OutputCommitter,
    known: Known,
    stores: &Stores,
) -> std::result::Result<Option<&'static str>, IoError> {
    if !committer.is_there(stores)? {
        return Ok(Some("is not there any more"));
    }
    let is_emptied = known == Known::Committed && committer.remove_if_empty(stores)?;
    Ok(is_emptied.then_some("was emptied"))
}

/// Returns a name that no other job has, for the staging directory.
fn job_token() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("{:x}-{since:x}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::Builder;
    use firesteel_io::Existing;
    use firesteel_types::{JournalEntry, Partition, TaskId};
    use std::fs;
    use std::path::Path;

    const JOB: JobId = JobId(0);

    /// A driver of the application in a directory, and the way in which it saves.
    struct Life<'a> {
        context: DriverContext,
        dir: &'a Path,
        existing: Existing,
    }

    impl Life<'_> {
        fn begin(dir: &Path, existing: Existing) -> Life<'_> {
            let conf = |name: &str| dir.join(name).to_str().unwrap().to_string();
            let context = Builder::default().master("local[1]").conf("spark.ui.enabled", "false");
            let context = context.conf("spark.driver.recovery.dir", &conf("recovery")).leave_signals();
            let context = context.conf("spark.local.dir", &conf("local")).create().unwrap();
            Life { context, dir, existing }
        }

        fn path(&self) -> String {
            self.dir.join("out").to_str().unwrap().into()
        }

        fn saving<'a>(&'a self, site: &'a CallSite) -> Saving<'a> {
            let make =
                |token: &str| Ok(OutputCommitter::new(&self.path(), token).unwrap().onto(self.existing));
            Saving::begin(&self.context, site, &self.path(), make).unwrap()
        }

        /// Runs the job of an output, which writes a part.
        fn run(&self, saving: &Saving<'_>, text: &str) {
            let recovery = self.context.recovery().unwrap();
            recovery.append(&Record::Job { job: JOB, fingerprint: [text.len() as u8; 32] });
            saving.job_begins(JOB).unwrap();
            let (stores, partition, task) = (self.context.stores(), Partition(0), TaskId(0));
            let mut output = saving.committer.create(stores, partition, task, "").unwrap();
            std::io::Write::write_all(&mut output, text.as_bytes()).unwrap();
            output.finish().unwrap();
            saving.committer.commit_task(stores, partition, task).unwrap();
            recovery.append(&Record::Done(JournalEntry::JobEnded { job: JOB, updates: vec![] }));
        }

        fn state(&self) -> OutputState {
            self.context.recovery().unwrap().next_output(&self.path()).1
        }

        fn part(&self) -> String {
            fs::read_to_string(self.dir.join("out/part-00000")).unwrap()
        }

        fn staged(&self) -> bool {
            self.dir.join("out/_temporary").exists()
        }

        fn dies(self) {
            self.context.stop_failed();
        }
    }

    #[test]
    fn a_committed_output_whose_job_runs_all_the_same_is_committed_again() {
        let (dir, site) = (tempfile::tempdir().unwrap(), CallSite::default());
        for (text, known) in [("old", false), ("newer", true)] {
            let life = Life::begin(dir.path(), Existing::Overwrite);
            let saving = life.saving(&site);
            assert_eq!(saving.known.get() == Known::Committed, known);
            life.run(&saving, text);
            saving.end(Ok(()), 1).unwrap();
            assert_eq!(life.part(), text);
            assert!(!life.staged());
            life.dies();
        }
        let life = Life::begin(dir.path(), Existing::Overwrite);
        assert!(matches!(life.state(), OutputState::Committed(_)));
    }

    #[test]
    fn a_driver_that_is_killed_while_a_committed_output_is_written_again_leaves_it_begun() {
        let (dir, site) = (tempfile::tempdir().unwrap(), CallSite::default());
        for is_last in [false, true] {
            let life = Life::begin(dir.path(), Existing::Overwrite);
            let saving = life.saving(&site);
            if is_last {
                saving.job_begins(JOB).unwrap();
            } else {
                life.run(&saving, "old");
                saving.end(Ok(()), 1).unwrap();
            }
            life.dies();
        }
        let life = Life::begin(dir.path(), Existing::Overwrite);
        assert_eq!(life.saving(&site).known.get(), Known::Nothing);
        assert_eq!(life.part(), "old");
    }

    #[test]
    fn what_was_appended_is_not_replaced_by_another_job_and_appended_by_a_later_driver() {
        let (dir, site) = (tempfile::tempdir().unwrap(), CallSite::default());
        let life = Life::begin(dir.path(), Existing::Append);
        let saving = life.saving(&site);
        life.run(&saving, "old");
        saving.end(Ok(()), 1).unwrap();
        life.dies();
        let life = Life::begin(dir.path(), Existing::Append);
        let saving = life.saving(&site);
        life.run(&saving, "newer");
        saving.end(Ok(()), 1).unwrap_err();
        assert_eq!((life.part().as_str(), life.staged()), ("old", false));
        life.dies();
        let life = Life::begin(dir.path(), Existing::Append);
        assert_eq!(life.saving(&site).known.get(), Known::Nothing);
        assert_eq!(life.part(), "old");
    }

    #[test]
    fn an_output_that_is_gone_or_emptied_is_begun_under_another_word() {
        let (dir, site) = (tempfile::tempdir().unwrap(), CallSite::default());
        let mut tokens = vec![];
        for (commits, empties) in [(true, false), (false, false), (true, false), (true, true)] {
            let life = Life::begin(dir.path(), Existing::Refuse);
            let _ = fs::remove_dir_all(dir.path().join("out"));
            if empties {
                fs::create_dir(dir.path().join("out")).unwrap();
            }
            let saving = life.saving(&site);
            assert_eq!(saving.known.get(), Known::Nothing);
            tokens.push(saving.token.clone());
            life.run(&saving, "text");
            if commits {
                saving.end(Ok(()), 1).unwrap();
                assert_eq!(life.part(), "text");
            }
            life.dies();
        }
        tokens.dedup();
        assert_eq!(tokens.len(), 4);
    }

    /// The commit of an earlier driver has failed, and it was killed before it could write down that all was removed.
    #[test]
    fn an_output_whose_commit_has_failed_is_no_success_of_a_later_driver() {
        for existing in [Existing::Refuse, Existing::Append] {
            let (dir, site) = (tempfile::tempdir().unwrap(), CallSite::default());
            fs::create_dir(dir.path().join("recovery")).unwrap();
            let life = Life::begin(dir.path(), existing);
            let saving = life.saving(&site);
            life.run(&saving, "text");
            // There is no second part, so the commit fails.
            saving.end(Ok(()), 2).unwrap_err();
            life.dies();
            // The journal without its last record.
            let journal = dir.path().join("recovery/journal");
            let bytes = fs::read(&journal).unwrap();
            let aborted = firesteel_recovery::frames::encode(&Record::OutputAborted { number: 0 });
            assert!(bytes.ends_with(&aborted));
            fs::write(&journal, &bytes[..bytes.len() - aborted.len()]).unwrap();
            fs::create_dir_all(dir.path().join("out")).unwrap();
            if existing == Existing::Refuse {
                fs::remove_dir(dir.path().join("out")).unwrap();
            }
            let life = Life::begin(dir.path(), existing);
            assert_eq!(life.saving(&site).known.get(), Known::Nothing, "its job is to run again");
        }
    }
}
