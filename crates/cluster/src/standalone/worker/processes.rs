//! The processes that a worker runs: each is prepared, started and waited for by a thread of its own.

use super::Message;
use super::hosted::HostedApplications;
use crate::agents::{AgentCommand, kill};
use crate::standalone::{LaunchDriver, LaunchExecutor};
use firesteel_protocol::Malformed;
use firesteel_protocol::handshake::AgentConfig;
use firesteel_standalone::{ApplicationSpec, DriverRun, DriverSpec, ExecutorName, ProcessOutcome, Resources};
use std::collections::HashMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a process is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Executor(ExecutorName),
    Driver(DriverRun),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Executor(executor) => write!(f, "executor {executor}"),
            Name::Driver(run) => write!(f, "{run}"),
        }
    }
}

/// A process is gone, or could not be started.
pub(super) struct Ended {
    pub(super) name: Name,
    pub(super) outcome: ProcessOutcome,
}

/// How long processes may take to end that are told to.
const END_WITHIN: Duration = Duration::from_secs(5);

pub(super) struct Processes {
    messages: Sender<Message>,
    hosted: HostedApplications,
    running: Arc<Mutex<HashMap<Name, Run>>>,
}

/// One that is being prepared has no number yet.
#[derive(Default)]
struct Run {
    process: Option<u32>,
    stopping: bool,
}

impl Processes {
    pub(super) fn new(messages: Sender<Message>, hosted: HostedApplications) -> Self {
        Processes { messages, hosted, running: Arc::default() }
    }

    pub(super) fn hosted(&self) -> &HostedApplications {
        &self.hosted
    }

    pub(super) fn start_executor(&self, executor: ExecutorName, resources: Resources, spec: ApplicationSpec) {
        let hosted = self.hosted.clone();
        self.run(Name::Executor(executor.clone()), move || {
            start_executor(&hosted, &executor, resources, &spec)
        });
    }

    pub(super) fn start_driver(&self, run: DriverRun, spec: DriverSpec) {
        let hosted = self.hosted.clone();
        self.run(Name::Driver(run.clone()), move || start_driver(&hosted, &run, &spec));
    }

    /// Ends a process. Its thread says when it is gone.
    pub(super) fn stop(&self, name: &Name) {
        let mut running = lock(&self.running);
        if let Some(run) = running.get_mut(name) {
            run.stopping = true;
            run.process.into_iter().for_each(kill);
        }
    }

    /// The ledger knows that a process is gone.
    pub(super) fn ended(&self, name: &Name) {
        lock(&self.running).remove(name);
    }

    /// Ends all processes, and waits for it.
    pub(super) fn stop_all(&self) {
        const LOOK_EVERY: Duration = Duration::from_millis(5);
        let deadline = Instant::now() + END_WITHIN;
        for run in lock(&self.running).values_mut() {
            run.stopping = true;
            run.process.into_iter().for_each(kill);
        }
        let is_there = |run: &Run| run.process.is_some_and(|p| Path::new(&format!("/proc/{p}")).exists());
        while lock(&self.running).values().any(is_there) && Instant::now() < deadline {
            thread::sleep(LOOK_EVERY);
        }
    }

    fn run(
        &self,
        name: Name,
        start: impl FnOnce() -> Result<(Child, Option<ChildStdin>), String> + Send + 'static,
    ) {
        lock(&self.running).insert(name.clone(), Run::default());
        let (messages, running, own) = (self.messages.clone(), self.running.clone(), name.clone());
        let live = move || {
            let outcome = live(&own, start, &running, &messages);
            let _ = messages.send(Message::Ended(Ended { name: own, outcome }));
        };
        if let Err(error) = thread::Builder::new().name("firesteel-process".into()).spawn(live) {
            let outcome = ProcessOutcome::FailedToStart { reason: error.to_string() };
            let _ = self.messages.send(Message::Ended(Ended { name, outcome }));
        }
    }
}

fn lock(running: &Mutex<HashMap<Name, Run>>) -> MutexGuard<'_, HashMap<Name, Run>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process from its preparation to its end.
fn live(
    name: &Name,
    start: impl FnOnce() -> Result<(Child, Option<ChildStdin>), String>,
    running: &Mutex<HashMap<Name, Run>>,
    messages: &Sender<Message>,
) -> ProcessOutcome {
    let (mut child, pipe) = match start() {
        Ok(started) => started,
        Err(reason) => {
            tracing::warn!("{name} cannot be started: {reason}");
            return ProcessOutcome::FailedToStart { reason };
        }
    };
    {
        let mut running = lock(running);
        if let Some(run) = running.get_mut(name) {
            run.process = Some(child.id());
            if run.stopping {
                kill(child.id());
            }
        }
    }
    let _ = messages.send(Message::Started(name.clone()));
    let status = child.wait();
    // Until then it knows by this that the worker lives.
    drop(pipe);
    status.map_or(ProcessOutcome::Exited { code: -1 }, outcome)
}

fn outcome(status: ExitStatus) -> ProcessOutcome {
    match (status.code(), status.signal()) {
        (Some(code), _) => ProcessOutcome::Exited { code },
        (None, signal) => ProcessOutcome::Signalled { signal: signal.unwrap_or(0) },
    }
}

fn start_executor(
    hosted: &HostedApplications,
    executor: &ExecutorName,
    resources: Resources,
    spec: &ApplicationSpec,
) -> Result<(Child, Option<ChildStdin>), String> {
    let text = |error: io::Error| error.to_string();
    let launch: LaunchExecutor = spec.launch.decode().map_err(not_understood)?;
    let service = hosted.serve(&executor.application, &launch).map_err(text)?;
    let directory = hosted.directory(&executor.application).map_err(text)?;
    let command = AgentCommand {
        program: hosted.program(&launch).map_err(text)?,
        arguments: launch.arguments.clone(),
        environment: launch.environment.clone(),
    };
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
    };
    let number = executor.executor.0;
    let (out, err) = (
        log(&directory, &format!("executor-{number}.stdout")),
        log(&directory, &format!("executor-{number}.stderr")),
    );
    let (out, err) = (out.map_err(text)?, err.map_err(text)?);
    let started = command.start_with(&config, |command| {
        command.stdout(out).stderr(err).current_dir(&directory);
    });
    started.map(|(child, pipe)| (child, Some(pipe))).map_err(text)
}

fn not_understood(error: Malformed) -> String {
    format!("what is to be started cannot be understood: {error}")
}

/// A new file for what a process prints.
fn log(directory: &Path, name: &str) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(directory.join(name))
}

fn start_driver(
    hosted: &HostedApplications,
    run: &DriverRun,
    spec: &DriverSpec,
) -> Result<(Child, Option<ChildStdin>), String> {
    let text = |error: io::Error| error.to_string();
    let launch: LaunchDriver = spec.launch.decode().map_err(not_understood)?;
    let directory = hosted.driver_directory(run).map_err(text)?;
    let mut arguments = launch.arguments.clone();
    for (name, hash) in &launch.files {
        let path = place(hosted, &directory, name, hash)?;
        let mark = format!("{{file:{name}}}");
        arguments.iter_mut().for_each(|argument| *argument = argument.replace(&mark, &path));
    }
    let program = match &launch.program {
        crate::standalone::Program::Installed { name } => name.into(),
        crate::standalone::Program::Shipped { hash } => hosted.submitted(hash).map_err(text)?,
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(launch.environment).current_dir(&directory).process_group(0);
    command.env("FIRESTEEL_MASTER", format!("firesteel://{}", hosted.masters().join(",")));
    match hosted.write_secret(&directory).map_err(text)? {
        Some(path) => command.env("FIRESTEEL_SECRET_FILE", path),
        None => command.env("FIRESTEEL_INSECURE", "true"),
    };
    let (out, err) = (log(&directory, "stdout").map_err(text)?, log(&directory, "stderr").map_err(text)?);
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    let child = command.spawn().map_err(|error| format!("the driver does not start: {error}"))?;
    Ok((child, None))
}

/// Puts a shipped file into a driver's directory, under the name that it had.
fn place(
    hosted: &HostedApplications,
    directory: &Path,
    name: &str,
    hash: &[u8; 32],
) -> Result<String, String> {
    let plain = Path::new(name).file_name().filter(|plain| plain.to_str() == Some(name));
    let plain = plain.ok_or_else(|| format!("`{name}` is no plain name of a file"))?;
    let (from, to) = (hosted.submitted(hash).map_err(|e| e.to_string())?, directory.join(plain));
    std::fs::copy(from, &to).map_err(|error| format!("{} cannot be written: {error}", to.display()))?;
    Ok(to.to_string_lossy().into_owned())
}
