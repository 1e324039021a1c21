//! Runs programs side by side, and shows what each printed when it ends.
//!
//! Many tests wait for most of their time, for processes that end and hosts that fall silent: two programs at a time take little more
//! than half as long as one after the other.

use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::process::wait_within;
use crate::{Fallible, workspace};

/// The number of lines that are shown again of a program that failed.
const LAST_LINES: usize = 60;

/// A program to run.
pub(crate) struct Job {
    /// Its name for people.
    pub(crate) name: String,
    pub(crate) command: Command,
    /// The most time that it may take; then it is ended, and has failed.
    pub(crate) limit: Duration,
}

/// How a job ended.
pub(crate) struct Ended {
    pub(crate) name: String,
    pub(crate) took: Duration,
    /// The reason, if it failed.
    pub(crate) result: Fallible,
    /// Its output.
    pub(crate) printed: String,
}

/// Returns a lane for each core.
pub(crate) fn lanes() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs all jobs, so many at a time; the first ones begin first. One that fails does not stop the others: one run tells everything that is wrong.
pub(crate) fn run(lanes: usize, jobs: Vec<Job>) -> Fallible {
    let ended = run_all(lanes, jobs)?;
    print!("{}", last_words(&ended));
    let failed: Vec<String> = ended.into_iter().filter_map(|ended| ended.result.err()).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// Runs all jobs as [`run`] does, and returns how each ended, in the order of their ends.
pub(crate) fn run_all(lanes: usize, jobs: Vec<Job>) -> Fallible<Vec<Ended>> {
    let folder = workspace::target_dir().join("side-by-side");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let waiting: Mutex<VecDeque<(usize, Job)>> = Mutex::new(jobs.into_iter().enumerate().collect());
    let all = Mutex::new(Vec::new());
    let next = || waiting.lock().expect("no lane panics").pop_front();
    let lane = || {
        while let Some((number, job)) = next() {
            let printed = folder.join(format!("{}-{number}.txt", std::process::id()));
            let ended = job.run(&printed);
            all.lock().expect("no lane panics").push(ended);
            let _ = std::fs::remove_file(printed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(lane);
        }
    });
    Ok(all.into_inner().expect("no lane panics"))
}

/// Returns the last lines of each job that failed, behind a heading: what failed in the middle of a long output, of which often only
/// the end is looked at, or kept.
pub(crate) fn last_words(ended: &[Ended]) -> String {
    let failed = ended.iter().filter_map(|ended| Some((ended, ended.result.as_ref().err()?)));
    let said = failed.map(|(ended, error)| {
        let lines: Vec<&str> = ended.printed.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
        format!("\n=== FAILED: {error}; its last lines:{}\n", indented(&last))
    });
    said.collect()
}

impl Job {
    fn run(self, printed: &Path) -> Ended {
        let (start, name) = (Instant::now(), self.name.clone());
        let result = self.run_to_its_end(printed);
        let printed = std::fs::read(printed).unwrap_or_default();
        let printed = String::from_utf8_lossy(&printed).into_owned();
        let took = start.elapsed();
        let (end, result) = match result {
            Ok(()) => ("passed", Ok(())),
            Err(error) => ("FAILED", Err(format!("{name} {error}"))),
        };
        // One call, so that the lines of two programs do not mix.
        println!("--- {name} {end} in {:.1} s{}", took.as_secs_f64(), indented(&printed));
        Ended { name, took, result, printed }
    }

    fn run_to_its_end(mut self, printed: &Path) -> Fallible {
        let no_file = |error: std::io::Error| format!("{}: {error}", printed.display());
        // One file for both, so that lines stay in the order in which they were printed.
        let file = File::create(printed).map_err(no_file)?;
        self.command.stdin(Stdio::null()).stderr(file.try_clone().map_err(no_file)?).stdout(file);
        let mut child = self.command.spawn().map_err(|error| format!("cannot be started: {error}"))?;
        match wait_within(&mut child, self.limit).map_err(|error| format!("was lost: {error}"))? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("ended with {status}")),
            None => Err(format!("was ended: it ran for more than {} s", self.limit.as_secs())),
        }
    }
}

/// Returns the printed lines that say something, each on a line of its own below the name.
fn indented(printed: &str) -> String {
    let lines = printed.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| format!("\n    {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(program: &str, argument: &str, limit: u64) -> Job {
        let mut command = Command::new(program);
        command.arg(argument);
        Job { name: format!("the {program}"), command, limit: Duration::from_secs(limit) }
    }

    #[test]
    fn all_run_and_all_that_fail_are_named() {
        run(2, vec![job("true", "", 600), job("true", "", 600)]).unwrap();
        let jobs =
            vec![job("false", "", 600), job("sleep", "600", 0), job("true", "", 600), job("nonsense", "", 9)];
        let error = run(2, jobs).unwrap_err();
        assert!(error.contains("the false ended with exit status: 1"), "{error}");
        assert!(error.contains("the sleep was ended: it ran for more than 0 s"), "{error}");
        assert!(error.contains("the nonsense cannot be started"), "{error}");
        assert!(!error.contains("the true"), "{error}");
    }

    #[test]
    fn what_failed_is_shown_again_with_its_last_lines() {
        let ended = |name: &str, result: Fallible, printed: String| Ended {
            name: name.into(),
            took: Duration::ZERO,
            result,
            printed,
        };
        let long: String = (0..LAST_LINES + 5).map(|line| format!("line {line}.\n\n")).collect();
        let said = last_words(&[
            ended("good", Ok(()), "all is well".into()),
            ended("bad", Err("bad ended".into()), long),
        ]);
        assert!(said.starts_with("\n=== FAILED: bad ended; its last lines:\n    line 5.\n"), "{said}");
        assert!(said.ends_with(&format!("    line {}.\n", LAST_LINES + 4)), "{said}");
        assert!(!said.contains("all is well"), "{said}");
        assert_eq!(last_words(&[ended("good", Ok(()), String::new())]), "");
    }

    #[test]
    fn printed_lines_stand_below_the_name() {
        assert_eq!(indented("one\n\n  two\n"), "\n    one\n      two");
    }
}
