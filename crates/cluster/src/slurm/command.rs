//! Slurm's commands, with a bound on their time.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The time that a command may take. Slurm's own wait for their controller for ten seconds by default, and try again.
const WITHIN: Duration = Duration::from_secs(60);

/// The variables by which `firesteel submit` hands settings to a program, which may be secrets. Slurm keeps the variables
/// of those who submit jobs.
const OF_SUBMIT: [&str; 2] = ["FIRESTEEL_SETTINGS", "PYSPARK_SUBMIT_ARGS"];

/// Runs a command with a text on its standard input; returns what it writes to standard output. Jobs get the variables
/// of this process, as is Slurm's custom: what `module load` has set is needed there, too.
///
/// # Errors
/// What it writes to standard error, if it fails; or that it does not start, or takes too long.
pub(super) fn run(program: &str, arguments: &[String], input: &str) -> Result<String, String> {
    const LOOK_EVERY: Duration = Duration::from_millis(5);
    let fail = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!(
                "`{program}` is not on the path: Slurm's commands must be installed where the driver runs"
            )
        }
        _ => format!("`{program}` does not start: {error}"),
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in OF_SUBMIT {
        command.env_remove(variable);
    }
    let mut child = command.spawn().map_err(fail)?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command that does not read ends, and says why.
        let _ = pipe.write_all(input.as_bytes());
    }
    let reader = |pipe: Option<Box<dyn Read + Send>>| {
        thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut pipe) = pipe {
                let _ = pipe.read_to_end(&mut text);
            }
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    let out = reader(child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let err = reader(child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let deadline = Instant::now() + WITHIN;
    let status = loop {
        match child.try_wait().map_err(fail)? {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("`{program}` did not answer within {} s", WITHIN.as_secs()));
            }
            None => thread::sleep(LOOK_EVERY),
        }
    };
    let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    match status.success() {
        true => Ok(out),
        false => {
            let said = one_line(if err.trim().is_empty() { &out } else { &err });
            let advice = advice_for(&said).map(|advice| format!(" ({advice})")).unwrap_or_default();
            Err(format!("`{program}` fails: {said}{advice}"))
        }
    }
}

/// Returns what may be wrong where Slurm's own words do not say it.
fn advice_for(said: &str) -> Option<&'static str> {
    let of_credentials =
        ["Zero Bytes were transmitted", "Protocol authentication error", "Invalid authentication credential"];
    if of_credentials.iter().any(|words| said.contains(words)) {
        return Some(
            "the controller does not take this machine's credentials: munge has to run here, with the key of the cluster",
        );
    }
    if said.contains("Requested node configuration is not available") {
        return Some("no node of the partition is large enough, of those that are not excluded");
    }
    said.contains("Unable to contact slurm controller").then_some("SLURM_CONF names its address")
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Returns the address of Slurm's controller, as its configuration has it, with a port that nobody needs.
///
/// # Errors
/// When Slurm does not answer.
pub fn controller_address() -> Result<String, String> {
    let config = run("scontrol", &["show".into(), "config".into()], "")?;
    host_of_controller(&config)
        .map(|host| format!("{host}:9"))
        .ok_or_else(|| "`scontrol show config` names no SlurmctldHost".into())
}

fn host_of_controller(config: &str) -> Option<String> {
    let line = config.lines().find(|line| line.starts_with("SlurmctldHost"))?;
    let host = line.split_once('=')?.1.trim();
    let address = host.split_once('(').map_or(host, |(_, rest)| rest.trim_end_matches(')'));
    (!address.is_empty()).then(|| address.to_string())
}

/// Returns the nodes of a list as Slurm abbreviates it: `n[1-2]`.
///
/// # Errors
/// When `scontrol` cannot be asked.
pub(super) fn nodes_of(list: &str) -> Result<Vec<String>, String> {
    let names = run("scontrol", &["show".into(), "hostnames".into(), list.into()], "")?;
    Ok(names.lines().map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controllers_address_stands_in_brackets_or_is_its_name() {
        let host = |line: &str| host_of_controller(&format!("SlurmUser = root(0)\n{line}\n"));
        assert_eq!(host("SlurmctldHost[0]        = vm(127.0.0.1)").as_deref(), Some("127.0.0.1"));
        assert_eq!(host("SlurmctldHost[0]        = login1").as_deref(), Some("login1"));
        assert_eq!(host("SlurmctldPort = 6817"), None);
    }

    #[test]
    fn a_command_that_is_missing_or_fails_is_named() {
        let missing = run("sbatch-of-nobody", &[], "").unwrap_err();
        assert!(missing.contains("sbatch-of-nobody") && missing.contains("not on the path"), "{missing}");
        let shell = |text: &str| run("sh", &["-c".into(), text.into()], "in");
        assert_eq!(shell("cat; echo out"), Ok("inout\n".into()));
        assert_eq!(shell("echo one >&2; echo two >&2; exit 1"), Err("`sh` fails: one; two".into()));
    }
}
