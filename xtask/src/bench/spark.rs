//! Spark's installation for benchmarks: its Python package, which carries the Scala shell, in a virtual
//! environment under `target/`.
//!
//! A workload is one session of spark-shell that is fed the prelude of `benches/spark` and the workload's
//! script.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::workloads::Workload;
use crate::process::{find_program, output, run};
use crate::{Fallible, workspace};

pub(crate) const VERSION: &str = "4.3.0";
const JAVA: &str = "17";
const DRIVER_MEMORY: &str = "8g";

/// An installed Spark.
pub(crate) struct Spark {
    environment: PathBuf,
    home: PathBuf,
}

impl Spark {
    /// Installs Spark unless an earlier run did, and checks that Java has the version of the comparison.
    pub(crate) fn install() -> Fallible<Spark> {
        check_java().map_err(|missing| format!("{missing}, or --without-spark"))?;
        let environment = workspace::root().join("target/bench-venv");
        if !environment.join("bin/spark-shell").is_file() {
            println!("installing Spark {VERSION} into {}", environment.display());
            run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
            let package = format!("pyspark=={VERSION}");
            run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", &package]))?;
        }
        let words =
            ["-c", "import os, pyspark; print(pyspark.__version__, os.path.dirname(pyspark.__file__))"];
        let said = output(Command::new(environment.join("bin/python")).args(words))?;
        let (version, home) = said.trim().split_once(' ').ok_or("cannot tell where Spark is")?;
        if version != VERSION {
            return Err(format!("{} holds Spark {version}, not {VERSION}: remove it", environment.display()));
        }
        Ok(Spark { home: PathBuf::from(home), environment })
    }

    /// Returns its directory.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Returns its Python.
    pub(crate) fn python(&self) -> Command {
        Command::new(self.environment.join("bin/python"))
    }

    /// Returns Java with one of its classes as program, and these system properties.
    pub(crate) fn java(&self, class: &str, properties: &[(&str, &str)]) -> Command {
        let mut command = Command::new("java");
        command.arg("-cp").arg(self.home.join("jars/*"));
        // What Spark reaches into; its own scripts open the same.
        for package in ["lang", "lang.invoke", "net", "nio", "util", "util.concurrent"] {
            command.arg(format!("--add-opens=java.base/java.{package}=ALL-UNNAMED"));
        }
        command.arg("--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");
        command.args(properties.iter().map(|(key, value)| format!("-D{key}={value}")));
        command.arg(class);
        command
    }

    /// Returns a session that runs the workload `runs` times and ends.
    pub(super) fn session(&self, workload: &Workload, threads: usize, runs: usize) -> Fallible<Command> {
        self.session_on(workload, &format!("local[{threads}]"), runs)
    }

    /// Returns the same session with another master.
    pub(super) fn session_on(&self, workload: &Workload, master: &str, runs: usize) -> Fallible<Command> {
        let (memory, workload) = (workload.memory.unwrap_or(DRIVER_MEMORY), workload.name);
        let folder = workspace::root().join("benches/spark");
        let read = |name: &str| {
            std::fs::read_to_string(folder.join(name))
                .map_err(|error| format!("benches/spark/{name}: {error}"))
        };
        let script =
            format!("{}\n{}\nSystem.exit(0)\n", read("prelude.scala")?, read(&format!("{workload}.scala"))?);
        let path = workspace::root().join("target").join(format!("bench-{workload}.scala"));
        std::fs::write(&path, script).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut command = self.shell_on(&path, master);
        command.args(["--driver-memory", memory]).env("BENCH_RUNS", runs.to_string());
        Ok(command)
    }

    /// Returns a session of the Scala shell that runs a script.
    pub(crate) fn shell(&self, script: &Path, threads: usize) -> Command {
        self.shell_on(script, &format!("local[{threads}]"))
    }

    fn shell_on(&self, script: &Path, master: &str) -> Command {
        let mut command = Command::new(self.environment.join("bin/spark-shell"));
        command.args(["--master", master]);
        command.args(["--conf", "spark.ui.enabled=false", "--conf", "spark.ui.showConsoleProgress=false"]);
        command.arg("-i").arg(script).env("SPARK_HOME", &self.home);
        command
    }
}

/// Checks that Java has the version of the comparisons; or says what to do.
pub(crate) fn check_java() -> Fallible {
    let java = java_version().ok_or("Spark wants Java: `apt-get install openjdk-17-jre-headless`")?;
    match java.split('.').next() {
        Some(JAVA) => Ok(()),
        _ => Err(format!("Java {java} is on the path; the comparison is with Java {JAVA}")),
    }
}

/// Returns Java's version, for example `17.0.15`.
pub(super) fn java_version() -> Option<String> {
    find_program("java")?;
    let said = Command::new("java").arg("-version").output().ok()?;
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    Some(text.split('"').nth(1)?.to_owned())
}

/// Returns the settings, which stand under the results.
pub(super) fn settings(threads: usize) -> String {
    format!(
        "Spark {VERSION} (spark-shell, Scala RDDs), local[{threads}], {DRIVER_MEMORY} driver heap where no other is named, web UI off"
    )
}
