//! The step `tests`: builds all test programs, then runs them side by side. `cargo test` would run one after the other.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::{cargo, find_program, output};
use crate::side_by_side::{self, Job};
use crate::{Fallible, workspace};

/// The most time for one program; the longest takes some three minutes.
const LIMIT: Duration = Duration::from_secs(1200);

/// The programs that take longest, the longest first: they begin first, so that no core is idle while the last one runs.
const LONGEST: &[&str] =
    &["machines", "operations", "foreign_crate", "clusters", "security", "it", "compile_fail"];

/// A built test program.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    file: PathBuf,
    /// The folder of its package, in which it runs.
    package: PathBuf,
}

/// Builds and runs all tests of the workspace, but those in documentation.
pub(crate) fn run() -> Fallible {
    // Not all targets: examples have no tests, and each would be linked with the whole engine once more.
    let mut build = cargo(&["test", "--workspace", "--tests", "--no-run", "--quiet"]);
    let start = Instant::now();
    let built = output(build.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit()))?;
    let programs = in_order(built.lines().filter_map(program_of).collect());
    println!("{} test programs built in {:.1} s", programs.len(), start.elapsed().as_secs_f64());
    let libraries = library_path()?;
    // One more than there are cores: while one waits, two compute.
    let jobs = programs.into_iter().map(|program| program.job(&libraries)).collect();
    side_by_side::run(side_by_side::lanes() + 1, jobs)
}

impl Program {
    fn job(&self, libraries: &str) -> Job {
        let mut command = Command::new(&self.file);
        command.arg("--quiet").current_dir(&self.package);
        // As cargo sets them: some tests build crates, and those of procedural macros link the compiler's libraries.
        command.env("CARGO_MANIFEST_DIR", &self.package).env("LD_LIBRARY_PATH", libraries);
        Job { name: self.name(), command, limit: LIMIT }
    }

    /// Returns the name of the target; libraries have the name of their package.
    fn name(&self) -> String {
        let stem = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        stem.rsplit_once('-').map_or(stem.clone(), |(name, _)| name.to_owned())
    }
}

/// Returns the programs with the longest first, each other in the order of cargo.
fn in_order(mut programs: Vec<Program>) -> Vec<Program> {
    let rank =
        |program: &Program| LONGEST.iter().position(|name| *name == program.name()).unwrap_or(LONGEST.len());
    programs.sort_by_key(rank);
    programs
}

/// Returns the test program that a message of cargo is about, if it is about one.
fn program_of(message: &str) -> Option<Program> {
    // A target that can be tested says so, too; the profile says how it was built.
    let (_, profile) = message.split_once(r#""profile":{"#)?;
    let is_test = profile.split('}').next()?.contains(r#""test":true"#);
    let file = string(message, "executable").filter(|_| is_test)?;
    let package = Path::new(string(message, "manifest_path")?).parent()?;
    Some(Program { file: file.into(), package: package.into() })
}

/// Returns the value of a key whose value is a string without escapes, as paths are.
fn string<'a>(message: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = message.split_once(&format!(r#""{key}":""#))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// Returns the folders of shared libraries of test programs: those of the compiler, and those of this process.
fn library_path() -> Fallible<String> {
    let rustc = find_program("rustc").ok_or("there is no `rustc` on the search path")?;
    let root = output(Command::new(rustc).args(["--print", "sysroot"]))?;
    let inherited = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
    let own = workspace::target_dir().join("debug/deps");
    Ok(format!("{}:{}/lib:{inherited}", own.display(), root.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = r#"{"reason":"compiler-artifact","manifest_path":"/w/crates/cli/Cargo.toml","target":{"kind":["test"],"test":true},
        "profile":{"opt_level":"0","test":true},"executable":"/w/target/debug/deps/machines-0a1b","fresh":true}"#;

    #[test]
    fn test_programs_are_found_among_the_messages() {
        let program = program_of(MESSAGE).unwrap();
        assert_eq!(program.name(), "machines");
        assert_eq!(program.package, Path::new("/w/crates/cli"));
        assert_eq!(
            program_of(&MESSAGE.replace("\"0\",\"test\":true", "\"0\",\"test\":false")),
            None,
            "an example"
        );
        assert_eq!(program_of(&MESSAGE.replace(r#""/w/target/debug/deps/machines-0a1b""#, "null")), None);
        assert_eq!(program_of(r#"{"reason":"build-finished","success":true}"#), None);
    }

    #[test]
    fn the_longest_run_first() {
        let program = |name: &str| Program { file: name.into(), package: PathBuf::new() };
        let ordered = in_order(["codec-1", "it-2", "machines-3"].map(program).into());
        assert_eq!(ordered.iter().map(Program::name).collect::<Vec<_>>(), ["machines", "it", "codec"]);
    }
}
