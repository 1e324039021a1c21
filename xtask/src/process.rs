//! Runs other programs: always from the workspace's root, always with the command shown when it fails.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::{Fallible, workspace};

/// The interval at which a program's end is checked.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Returns a command of the cargo that runs this one, so that a chosen toolchain stays chosen.
pub(crate) fn cargo(words: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(words);
    command
}

/// Runs with this process's input and output; an unsuccessful end is an error.
pub(crate) fn run(command: &mut Command) -> Fallible {
    command.current_dir(workspace::root());
    let status = command.status().map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", shown(command))) }
}

/// Runs as [`run`] does, for a bounded time; then the program is ended, by its id, and that is an error.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Fallible {
    command.current_dir(workspace::root());
    let mut child = command.spawn().map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    match wait_within(&mut child, limit) {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(format!("{} ended with {status}", shown(command))),
        Ok(None) => Err(format!("{} was ended: it ran for more than {} s", shown(command), limit.as_secs())),
        Err(error) => Err(format!("{} was lost: {error}", shown(command))),
    }
}

/// Waits for a program to end. One that takes longer is ended; then there is no status.
pub(crate) fn wait_within(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Runs and returns what the program printed on standard output; an unsuccessful end is an error with its
/// standard error.
pub(crate) fn output(command: &mut Command) -> Fallible<String> {
    command.current_dir(workspace::root()).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{} ended with {}\n{said}", shown(command), output.status))
}

/// Returns the program on the search path, if it is installed.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    let line: Vec<String> = std::iter::once(name).chain(words).collect();
    format!("`{}`", line.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_too_long_is_ended_and_named() {
        let error = run_within(Command::new("sleep").arg("600"), Duration::ZERO).unwrap_err();
        assert!(error.contains("`sleep 600` was ended"), "{error}");
        run_within(&mut Command::new("true"), Duration::from_secs(600)).unwrap();
    }
}
