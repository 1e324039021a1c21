//! Event logs and Spark's History Server, both ways. Logs of ours, of applications that have ended, failed and run, with
//! every codec, as files and as directories, and logs that Spark writes (`history.py`) lie in one directory. Our reader
//! reads each line of them, and Spark's server shows them: what REST answers has as many jobs, stages and executors as
//! we found, and its pages are pages.
//!
//! The program is an example of the crate of event logs, whose `summary` prints a line for each application.

use super::server::{Server, free_port, get};
use super::{Checks, Trouble, folder};
use crate::bench::spark::{Spark, check_java};
use crate::process::{cargo, output, run_within};
use crate::{Fallible, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The most time for Spark to write its logs: it starts eleven applications.
const WRITE_LIMIT: Duration = Duration::from_secs(300);

/// The most jobs and stages of an application that the server keeps: of more it does not show all.
const KEPT: usize = 1000;

pub(super) fn run(checks: &Checks) -> Result<(), Trouble> {
    check_java().map_err(Trouble::Missing)?;
    let spark = Spark::install()?;
    let logs = match checks.logs() {
        Some(logs) => std::path::absolute(logs).map_err(|error| error.to_string())?,
        None => write_samples(&spark)?,
    };
    let applications = summary(&logs)?;
    if applications.is_empty() {
        return Err(Trouble::Failed(format!("there is no application in {}", logs.display())));
    }
    let port = free_port()?;
    let mut server = start(&spark, &logs, port)?;
    let count = applications.len();
    let listed = |_: &Path| {
        let all = get(port, "/api/v1/applications").ok()?;
        (all.matches("\"attempts\" :").count() >= count).then_some(all)
    };
    let all = server.wait_until(listed)?;
    let mut wrong: Vec<String> =
        applications.iter().flat_map(|application| application.check(port, &all)).collect();
    for page in ["/", "/?showIncomplete=true"] {
        wrong.extend(get(port, page).err());
    }
    // Of a line that it cannot read the server tells its log alone, and shows nothing of the whole application.
    let said = server.said();
    wrong.extend(said.lines().filter(|line| line.contains("Malformed line")).map(str::to_owned));
    println!("{count} applications, {} complaints", wrong.len());
    if wrong.is_empty() { Ok(()) } else { Err(Trouble::Failed(wrong.join("\n"))) }
}

/// Has both write their logs into one directory.
fn write_samples(spark: &Spark) -> Fallible<PathBuf> {
    let logs = folder("history-logs")?;
    let failed = |error| format!("{}: {error}", logs.display());
    std::fs::remove_dir_all(&logs).and_then(|()| std::fs::create_dir(&logs)).map_err(failed)?;
    println!("Firesteel writes ...");
    output(program().arg("write").arg(&logs))?;
    // Of applications as they are: what is made by hand has what its maker thought of.
    let mut ours = cargo(&[
        "test",
        "--quiet",
        "--package",
        "firesteel",
        "--test",
        "it",
        "--",
        "interop::logs",
        "--ignored",
        "--exact",
    ]);
    output(ours.current_dir(workspace::root()).env("INTEROP_LOGS", &logs))?;
    println!("Spark writes ...");
    let script = workspace::root().join("xtask/src/interop/history.py");
    run_within(spark.python().arg(script).arg(&logs), WRITE_LIMIT)?;
    Ok(logs)
}

fn program() -> Command {
    let mut command =
        cargo(&["run", "--quiet", "--package", "firesteel-eventlog", "--example", "sample_logs", "--"]);
    command.current_dir(workspace::root());
    command
}

fn start(spark: &Spark, logs: &Path, port: u16) -> Fallible<Server> {
    let (logs, port) = (format!("file:{}", logs.display()), port.to_string());
    let properties = [
        ("spark.history.fs.logDirectory", logs.as_str()),
        ("spark.history.ui.port", &port),
        ("spark.history.fs.update.interval", "2s"),
    ];
    let mut command = spark.java("org.apache.spark.deploy.history.HistoryServer", &properties);
    // It listens at the address of this name.
    command
        .env("SPARK_LOCAL_IP", "127.0.0.1")
        .env("SPARK_LOCAL_HOSTNAME", "127.0.0.1")
        .env("SPARK_HOME", spark.home());
    Server::start("history-server", &mut command)
}

/// An application as our reader found it.
#[derive(Debug, PartialEq, Eq)]
struct Application {
    id: String,
    attempt: Option<String>,
    is_complete: bool,
    jobs: usize,
    stages: usize,
    executors: usize,
}

fn summary(logs: &Path) -> Fallible<Vec<Application>> {
    let said = output(program().arg("summary").arg(logs))?;
    said.lines().map(|line| application(line).ok_or_else(|| format!("not understood: {line}"))).collect()
}

/// Understands `id attempt state jobs stages executors`, with tabs between.
fn application(line: &str) -> Option<Application> {
    let words: Vec<&str> = line.split('\t').collect();
    let [id, attempt, state, jobs, stages, executors] = words[..] else { return None };
    Some(Application {
        id: id.into(),
        attempt: Some(attempt).filter(|attempt| *attempt != "-").map(Into::into),
        is_complete: state == "ended",
        jobs: jobs.parse().ok()?,
        stages: stages.parse().ok()?,
        executors: executors.parse().ok()?,
    })
}

impl Application {
    /// Returns what the server says otherwise.
    fn check(&self, port: u16, all: &str) -> Vec<String> {
        let mut wrong = self.check_listed(all);
        let path = format!(
            "{}{}",
            self.id,
            self.attempt.iter().map(|attempt| format!("/{attempt}")).collect::<String>()
        );
        let counts = [
            ("jobs", "\"jobId\" :", self.jobs),
            ("stages", "\"attemptId\" :", self.stages),
            ("allexecutors", "\"hostPort\" :", self.executors),
        ];
        for (endpoint, key, expected) in counts {
            match get(port, &format!("/api/v1/applications/{path}/{endpoint}")) {
                Ok(answer) if answer.matches(key).count() == expected.min(KEPT) => {}
                Ok(answer) => {
                    let found = answer.matches(key).count();
                    wrong.push(format!("{path}: {found} in {endpoint}, and we found {expected}"));
                }
                Err(error) => wrong.push(error),
            }
        }
        let pages = [
            "jobs/",
            "stages/",
            "storage/",
            "environment/",
            "executors/",
            "jobs/job/?id=0",
            "stages/stage/?id=0&attempt=0",
        ];
        let shown = pages.iter().take(if self.jobs > 0 { pages.len() } else { 5 });
        wrong.extend(shown.filter_map(|page| match get(port, &format!("/history/{path}/{page}")) {
            Ok(text) if text.contains("<html") => None,
            Ok(_) => Some(format!("{path}/{page} is no page")),
            Err(error) => Some(error),
        }));
        wrong
    }

    /// Finds the application in the list of all, and whether it has ended there, too.
    fn check_listed(&self, all: &str) -> Vec<String> {
        let Some((_, rest)) = all.split_once(&format!("\"id\" : \"{}\"", self.id)) else {
            return vec![format!("{} is not listed", self.id)];
        };
        let ended = rest.split_once("\"completed\" : ").is_some_and(|(_, rest)| rest.starts_with("true"));
        // Of several attempts the list has the newest first: that one is not looked for among them.
        match self.attempt.is_none() && ended != self.is_complete {
            true => vec![format!("{}: completed is {ended}", self.id)],
            false => vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Application {
        let attempt = None;
        Application { id: "a-1".into(), attempt, is_complete: true, jobs: 2, stages: 3, executors: 1 }
    }

    #[test]
    fn lines_of_the_summary_are_understood() {
        assert_eq!(application("a-1\t-\tended\t2\t3\t1"), Some(sample()));
        assert_eq!(application("a-1\t2\truns\t2\t3\t1").unwrap().attempt.as_deref(), Some("2"));
        assert_eq!(application("a-1\t-\tended\t2\t3"), None);
    }

    #[test]
    fn an_application_must_be_listed_as_it_is() {
        let list = |id, completed| {
            format!("[ {{\n  \"id\" : \"{id}\",\n  \"attempts\" : [ {{\n \"completed\" : {completed},")
        };
        assert!(sample().check_listed(&list("a-1", "true")).is_empty());
        assert_eq!(sample().check_listed(&list("a-1", "false")), ["a-1: completed is false"]);
        assert_eq!(sample().check_listed(&list("a-10", "true")), ["a-1 is not listed"]);
    }
}
