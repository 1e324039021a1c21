//! Interop with Spark: Spark writes and Firesteel reads, then the other way round: the Rust side with one
//! session of Spark's Scala shell, then the Python side with PySpark, which is the table of `python/interop`.
//!
//! The session runs `spark.scala`, whose names and records are those of `crates/firesteel/tests/it/interop.rs`.
//! The two exchange files in `target/interop/spark`: a marker appears there when either has written everything.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::spark::Spark;
use crate::process::{cargo, run as run_command, run_within};
use crate::python::conformance;
use crate::python::wheel::Profile;
use crate::{Fallible, workspace};

/// The most time for either side to write; Spark alone needs ten seconds to start.
const PATIENCE: Duration = Duration::from_secs(600);

/// Reasons to leave a check out: Spark cannot write, or read, with a codec.
const CANNOT: &[&str] = &["Spark cannot write it", "this Spark has no such codec"];

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
    let mut runner = conformance::beside_pyspark(Some(Profile::Release))?.python();
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
    // The test is built before Spark starts, since a build may take longer than Spark waits for Firesteel.
    run_command(ours().arg("--no-run"))?;
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
    let mut ours = ours();
    ours.args(["--", "interop::spark", "--ignored", "--exact", "--nocapture"]).env("INTEROP_DIR", root);
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

/// Returns the command of Firesteel's side, a test to be built, or run.
fn ours() -> Command {
    cargo(&["test", "--quiet", "--workspace", "--test", "it"])
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

/// Shows the checks of both sides, and says whether they passed.
fn summarise(lines: &[String]) -> Fallible {
    let checks = checks_of(lines);
    checks.iter().for_each(|check| println!("{check}"));
    let count = |word: &str| checks.iter().filter(|check| check.starts_with(word)).count();
    println!("\nspark: {} ok, {} failed, {} not run", count("ok"), count("FAILED"), count("not run"));
    passed(&checks)
}

/// Returns the checks among the printed lines.
fn checks_of(lines: &[String]) -> Vec<&str> {
    let marked = lines.iter().filter_map(|line| line.split_once(MARK));
    marked.map(|(_, check)| check).filter(|check| *check != "end").collect()
}

/// Fails unless each side read something of the other's, and no check failed. A check may be left out only if Spark has
/// no such codec.
fn passed(checks: &[&str]) -> Fallible {
    let left_out = checks.iter().filter(|check| check.starts_with("not run"));
    let has_reason = |check: &str| check.contains("Codec") && CANNOT.iter().any(|why| check.contains(why));
    let without_reason = left_out.filter(|check| !has_reason(check));
    let mut wrong: Vec<&str> = checks.iter().filter(|check| check.starts_with("FAILED")).copied().collect();
    wrong.extend(without_reason);
    for side in ["Spark reads", "Firesteel reads"] {
        if !checks.iter().any(|check| check.starts_with("ok") && check.contains(side)) {
            return Err(format!("of `{side} ...` no check passed"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("checks failed: {}", wrong.join("; "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[&str] = &[
        "scala> INTEROP ok       Spark reads lines-GzipCodec",
        "INTEROP ok       Firesteel reads lines-GzipCodec",
        "INTEROP not run  Firesteel reads lines-ZStandardCodec: Spark cannot write it: no native zstd",
        "INTEROP not run  Spark reads sequence-int-int-BLOCK-Lz4Codec: this Spark has no such codec for SequenceFiles",
        "warning: something else",
        "INTEROP end",
    ];

    fn passes(more: &[&str]) -> Fallible {
        let lines: Vec<String> = GOOD.iter().chain(more).map(|line| (*line).to_owned()).collect();
        passed(&checks_of(&lines))
    }

    #[test]
    fn codecs_that_spark_has_not_are_left_out_and_nothing_else_is() {
        assert_eq!(passes(&[]), Ok(()));
        let silent = passes(&["INTEROP not run  Spark reads lines-BZip2Codec: Firesteel did not write it"]);
        assert!(silent.unwrap_err().contains("lines-BZip2Codec"));
        let uncompressed =
            passes(&["INTEROP not run  Firesteel reads objects-int: Spark cannot write it: full"]);
        assert!(uncompressed.unwrap_err().contains("objects-int"), "there is no codec in it");
        let failed = passes(&["INTEROP FAILED   Spark reads lines-BZip2Codec: 3 records"]);
        assert!(failed.unwrap_err().contains("3 records"));
    }

    #[test]
    fn each_side_must_have_read_something() {
        let only_ours: Vec<String> = vec![GOOD[1].to_owned()];
        assert!(passed(&checks_of(&only_ours)).unwrap_err().contains("Spark reads"));
        assert!(passed(&[]).is_err());
    }

    #[test]
    fn sparks_script_fails_what_firesteel_did_not_write() {
        let script = include_str!("spark.scala");
        let lines: Vec<&str> = script.lines().filter(|line| line.contains("INTEROP not run")).collect();
        assert!(!lines.is_empty());
        for line in lines {
            assert!(CANNOT.iter().any(|why| line.contains(why)), "{line}");
        }
        assert_eq!(script.matches("INTEROP FAILED").count(), 3, "a check, a file, and all files");
    }
}
