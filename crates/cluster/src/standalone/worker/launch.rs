//! Launching executors and drivers on a worker: the files that a process needs are fetched, and its command
//! is run in its directory.

use super::hosted::HostedApplications;
use crate::agents::AgentCommand;
use crate::standalone::{LaunchDriver, LaunchExecutor, Program};
use firesteel_protocol::Malformed;
use firesteel_protocol::handshake::{AgentConfig, LogFiles};
use firesteel_standalone::{ApplicationSpec, DriverRun, DriverSpec, ExecutorName, Resources};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Launches an executor. It ends when the pipe that comes with its process is closed.
pub(super) fn executor(
    hosted: &HostedApplications,
    executor: &ExecutorName,
    resources: Resources,
    spec: &ApplicationSpec,
) -> Result<(Child, ChildStdin), String> {
    let text = |error: io::Error| error.to_string();
    let launch: LaunchExecutor = spec.launch.decode().map_err(cannot_decode)?;
    let service = hosted.serve(&executor.application, &launch).map_err(text)?;
    let directory = hosted.directory(&executor.application).map_err(text)?;
    let command = AgentCommand {
        program: hosted.program(&launch).map_err(text)?,
        arguments: launch.arguments.clone(),
        environment: launch.environment.clone(),
    };
    let number = executor.executor.0;
    let file = |stream: &str| directory.join(format!("executor-{number}.{stream}"));
    let logs = LogFiles { stdout: file("stdout"), stderr: file("stderr") };
    let config = AgentConfig {
        driver: launch.driver,
        secret: launch.secret,
        name: executor.executor.0.to_string(),
        host: hosted.host().into(),
        bind: format!("{}:0", hosted.host()),
        cores: resources.cores,
        memory: resources.memory_mib << 20,
        directory: directory.clone(),
        service: launch.service.then_some(service),
        logs: Some(logs.clone()),
        notice_ms: None,
    };
    let (out, err) = (log(&logs.stdout), log(&logs.stderr));
    let (out, err) = (out.map_err(text)?, err.map_err(text)?);
    let started = command.start_with(&config, |command| {
        command.stdout(out).stderr(err).current_dir(&directory);
    });
    started.map_err(text)
}

fn cannot_decode(error: Malformed) -> String {
    format!("what is to be started cannot be understood: {error}")
}

/// Opens the file for a process's standard output or standard error.
fn log(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// Launches a driver.
pub(super) fn driver(
    hosted: &HostedApplications,
    run: &DriverRun,
    spec: &DriverSpec,
) -> Result<Child, String> {
    let text = |error: io::Error| error.to_string();
    let launch: LaunchDriver = spec.launch.decode().map_err(cannot_decode)?;
    let directory = hosted.driver_directory(run).map_err(text)?;
    let mut arguments = launch.arguments.clone();
    for (name, hash) in &launch.files {
        let path = place(hosted, &directory, name, hash)?;
        let mark = format!("{{file:{name}}}");
        arguments.iter_mut().for_each(|argument| *argument = argument.replace(&mark, &path));
    }
    let program = match &launch.program {
        Program::Installed { name } => name.into(),
        Program::Shipped { hash } => hosted.submitted(hash).map_err(text)?,
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(launch.environment).current_dir(&directory).process_group(0);
    command.env("FIRESTEEL_MASTER", format!("firesteel://{}", hosted.masters().join(",")));
    match hosted.write_secret(&directory).map_err(text)? {
        Some(path) => command.env("FIRESTEEL_SECRET_FILE", path),
        None => command.env("FIRESTEEL_INSECURE", "true"),
    };
    let open = |name: &str| log(&directory.join(name)).map_err(text);
    let (out, err) = (open("stdout")?, open("stderr")?);
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    command.spawn().map_err(|error| format!("the driver does not start: {error}"))
}

/// Copies a submitted file into a driver's directory, under the name that it had.
fn place(
    hosted: &HostedApplications,
    directory: &Path,
    name: &str,
    hash: &[u8; 32],
) -> Result<String, String> {
    let file_name = Path::new(name).file_name().filter(|file_name| file_name.to_str() == Some(name));
    let file_name = file_name.ok_or_else(|| format!("`{name}` is not a file name without a directory"))?;
    let (from, to) = (hosted.submitted(hash).map_err(|e| e.to_string())?, directory.join(file_name));
    std::fs::copy(from, &to).map_err(|error| format!("{} cannot be written: {error}", to.display()))?;
    Ok(to.to_string_lossy().into_owned())
}
