//! Interop with Spark: Spark writes and Firesteel reads, then the other way round: the Rust side with one
//! session of Spark's Scala shell, then the Python side with PySpark, which is the table of `python/interop`.
//!
//! The session runs `spark.scala`, whose names and records are those of `crates/firesteel/tests/interop.rs`.
//! The two exchange files in `target/interop/spark`: a marker appears there when either has written everything.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::spark::Spark;
use crate::process::{cargo, run_within};
use crate::python::conformance;
use crate::{Fallible, workspace};

/// The most time for either side to write; Spark alone needs ten seconds to start.
const PATIENCE: Duration = Duration::from_secs(600);

/// The beginning of each line of a check.
const MARK: &str = "INTEROP ";

/// The most time for the table; with two cores to itself it takes some five minutes.
const TABLE_LIMIT: Duration = Duration::from_secs(1800);

/// Runs both sides, even if the first one fails.
pub(super) fn run() -> Fallible {
    let failed: Vec<String> = [exchange(), table()].into_iter().filter_map(Result::err).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// Runs the table of Hadoop's formats, as PySpark and Firesteel's Python API write and read them.
fn table() -> Fallible {
    let mut runner = conformance::beside_pyspark(true)?.python();
    runner.arg("python/interop");
    run_within(&mut runner, TABLE_LIMIT).map_err(|error| format!("the table of formats: {error}"))
}

fn exchange() -> Fallible {
    let root = workspace::root().join("target/interop/spark");
    if root.exists() {
        std::fs::remove_dir_all(&root).map_err(|error| format!("{}: {error}", root.display()))?;
    }
    for side in ["spark", "firesteel"] {
        let folder = root.join(side);
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let spark = Spark::install()?;
    let script = workspace::root().join("xtask/src/interop/spark.scala");
    let mut session = spark.shell(&script, 2);
    session.env("INTEROP_DIR", &root).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut session = session.spawn().map_err(|error| format!("cannot start spark-shell: {error}"))?;
    let checked = check(&root, &mut session);
    if checked.is_err() {
        // It may have ended by itself.
        let _ = session.kill();
    }
    let _ = session.wait();
    summarise(&checked?)
}

fn check(root: &Path, session: &mut Child) -> Fallible<Vec<String>> {
    println!("Spark writes ...");
    wait_for(&root.join("spark-has-written"), session)?;
    println!("Firesteel reads what Spark wrote, and writes ...");
    let mut ours = cargo(&["test", "--quiet", "--package", "firesteel", "--test", "interop", "--"]);
    ours.args(["--ignored", "--nocapture", "spark"]).env("INTEROP_DIR", root);
    let mut lines = lines_of(&mut ours)?;
    std::fs::write(root.join("firesteel-has-written"), "").map_err(|error| error.to_string())?;
    println!("Spark reads what Firesteel wrote ...");
    let output = session.stdout.take().ok_or("Spark's output is not ours")?;
    let said: Vec<String> = BufReader::new(output).lines().map_while(Result::ok).collect();
    if !said.iter().any(|line| line.ends_with("INTEROP end")) {
        return Err(format!("Spark did not come to its end; it said last: {:?}", said.last()));
    }
    lines.extend(said);
    Ok(lines)
}

/// Waits until the file is there, while the session runs.
fn wait_for(file: &Path, session: &mut Child) -> Fallible {
    let until = Instant::now() + PATIENCE;
    while !file.exists() {
        if let Ok(Some(status)) = session.try_wait() {
            return Err(format!("Spark ended with {status} before it had written everything"));
        }
        if Instant::now() > until {
            return Err(format!("waited {} s for {}", PATIENCE.as_secs(), file.display()));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Returns what Firesteel's side prints, even if its checks fail: failures are counted from the lines.
fn lines_of(command: &mut Command) -> Fallible<Vec<String>> {
    let output = command.current_dir(workspace::root()).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !said.contains(MARK) {
        return Err(format!("our side did not run: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(said.lines().map(str::to_owned).collect())
}

fn summarise(lines: &[String]) -> Fallible {
    let checks: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.split_once(MARK))
        .map(|(_, check)| check)
        .filter(|c| *c != "end")
        .collect();
    checks.iter().for_each(|check| println!("{check}"));
    let count = |word: &str| checks.iter().filter(|check| check.starts_with(word)).count();
    println!("\nspark: {} ok, {} failed, {} not run", count("ok"), count("FAILED"), count("not run"));
    if count("FAILED") == 0 && count("ok") > 0 { Ok(()) } else { Err("checks failed".into()) }
}
