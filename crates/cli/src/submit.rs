//! `firesteel submit` and `firesteel status`: programs on clusters.
//!
//! In client mode the program runs here, with its master and settings in its environment. In cluster mode its
//! file and others go to the master by their hashes, and a worker runs it.

mod kubernetes;
mod slurm;
mod yarn;

use crate::options::{SecretFile, masters, mebibytes};
use crate::secret::println_to_user;
use clap::{Args, ValueEnum};
use firesteel_cluster::AgentCommand;
use firesteel_cluster::standalone::client::Client;
use firesteel_cluster::standalone::{DriverState, DriverView, LaunchDriver, Overview, Program, Resources};
use firesteel_conf::{APP_NAME, CORES_MAX, Conf, EXECUTOR_CORES, EXECUTOR_INSTANCES, EXECUTOR_MEMORY};
use firesteel_yarn::program::{Program as YarnProgram, Start};
use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

#[derive(Clone, Copy, ValueEnum)]
enum DeployMode {
    /// The program runs here.
    Client,
    /// A worker runs the program.
    Cluster,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  firesteel submit --master 'local[4]' target/release/app input.txt
  firesteel submit --master firesteel://a:7077 --secret-file cluster.secret --total-executor-cores 8 target/release/app
  firesteel submit --master firesteel://a:7077 --deploy-mode cluster --supervise target/release/app
  firesteel submit --master firesteel://a:7077 --status driver-20261126205743-0000
  firesteel submit --master firesteel://a:7077 --kill driver-20261126205743-0000
  firesteel submit --master k8s://https://a:6443 --conf spark.kubernetes.container.image=app:1 target/release/app
  firesteel submit --master k8s://https://a:6443 --deploy-mode cluster --conf spark.kubernetes.container.image=app:1 local:///opt/app
  firesteel submit --master slurm --num-executors 8 --conf firesteel.slurm.time=1:00:00 target/release/app
  firesteel submit --master slurm --deploy-mode cluster --dry-run target/release/app
  firesteel submit --master yarn --deploy-mode cluster --num-executors 4 target/release/app

Python programs: the command `firesteel` of the Python package runs them.")]
pub(crate) struct SubmitOptions {
    /// The master: local[N], local-cluster[n,cores,MiB], firesteel://HOST:7077 (spark:// means the same), yarn,
    /// slurm, k8s://https://HOST:6443.
    #[arg(long, env = "FIRESTEEL_MASTER")]
    master: Option<String>,
    /// The place where the program itself runs.
    #[arg(long, value_enum, default_value_t = DeployMode::Client)]
    deploy_mode: DeployMode,
    /// The application's name.
    #[arg(long)]
    name: Option<String>,
    /// A setting; may be repeated.
    #[arg(long = "conf", short = 'c', value_name = "KEY=VALUE")]
    conf: Vec<String>,
    /// A file of settings, a key and a value in each line.
    #[arg(long, value_name = "FILE")]
    properties_file: Option<PathBuf>,
    /// The memory of each executor, as 2g or in MiB.
    #[arg(long, value_name = "MEMORY", value_parser = mebibytes)]
    executor_memory: Option<u64>,
    /// The cores of each executor.
    #[arg(long, value_name = "N")]
    executor_cores: Option<u32>,
    /// The most executors.
    #[arg(long, value_name = "N")]
    num_executors: Option<u32>,
    /// The cores of all executors together, at most.
    #[arg(long, value_name = "N")]
    total_executor_cores: Option<u32>,
    /// In cluster mode, the memory that the program itself takes.
    #[arg(long, value_name = "MEMORY", value_parser = mebibytes, default_value = "1g")]
    driver_memory: u64,
    /// In cluster mode, the cores that the program itself takes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    driver_cores: u32,
    /// In cluster mode, files for the program's directory, separated by commas.
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    files: Vec<PathBuf>,
    /// In cluster mode, start the program again until it ends well.
    #[arg(long)]
    supervise: bool,
    /// End a driver or an application of the cluster.
    #[arg(long, value_name = "NAME", conflicts_with = "app")]
    kill: Option<String>,
    /// Show the state of a driver of the cluster.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["app", "kill"])]
    status: Option<String>,
    /// With a cluster manager: print what it would be given, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print what is done.
    #[arg(long, short = 'v')]
    verbose: bool,
    #[command(flatten)]
    secret: SecretFile,
    /// The program, and its arguments.
    #[arg(value_name = "APP", trailing_var_arg = true, allow_hyphen_values = true)]
    app: Vec<String>,
}

#[derive(Args)]
pub(crate) struct StatusOptions {
    /// The master: firesteel://HOST:7077.
    #[arg(value_name = "MASTER", env = "FIRESTEEL_MASTER")]
    master: String,
    #[command(flatten)]
    secret: SecretFile,
}

pub(crate) fn submit(options: SubmitOptions) -> Result<ExitCode, String> {
    if options.supervise {
        check_supervise(options.master.as_deref().unwrap_or_default())?;
    }
    let on_kubernetes = options.master.as_deref().filter(|master| kubernetes::is_meant(master));
    if let Some(master) = on_kubernetes
        && let Some(code) = run_on_kubernetes(&options, master)?
    {
        return Ok(code);
    }
    let is_there = options.kill.is_some()
        || options.status.is_some()
        || matches!(options.deploy_mode, DeployMode::Cluster);
    let is_yarn = options.master.as_deref() == Some(yarn::MASTER);
    if is_there && is_yarn {
        return on_yarn(&options);
    }
    let is_slurm = options.master.as_deref() == Some(slurm::MASTER);
    if let Some(name) = options.kill.as_ref().filter(|_| is_slurm) {
        firesteel_cluster::slurm::cancel(name)?;
        return Ok(done(&format!("{name} is told to end")));
    }
    if let Some(name) = options.status.as_ref().filter(|_| is_slurm) {
        return Ok(done(&firesteel_cluster::slurm::describe(name)?));
    }
    if let Some(name) = &options.kill {
        return match client(&options)?.kill(name)? {
            true => Ok(done(&format!("{name} is told to end"))),
            false => Err(format!("the master knows no {name}")),
        };
    }
    if let Some(name) = &options.status {
        let view = client(&options)?.status(name)?.ok_or_else(|| format!("the master knows no {name}"))?;
        return Ok(done(&describe(&view)));
    }
    let Some((program, arguments)) = options.app.split_first() else {
        return Err("which program? Say its file, and its arguments behind it; --help shows examples".into());
    };
    match options.deploy_mode {
        _ if options.dry_run && is_yarn => {
            yarn::shown_here(&conf(&options)?, &in_this_directory(program)).map(|text| done(&text))
        }
        _ if options.dry_run && !is_slurm => Err(
            "--dry-run shows what a cluster manager would be given: say --master slurm, yarn or k8s://https://HOST:PORT"
                .into(),
        ),
        DeployMode::Client if options.dry_run => {
            let command = command_of(&options, program, &[])?;
            let script =
                slurm::executor_script(&conf(&options)?, &command).map_err(|error| error.to_string())?;
            Ok(done(script.trim_end()))
        }
        DeployMode::Cluster if is_slurm => run_as_job(&options, program, arguments),
        DeployMode::Client => run_here(&options, program, arguments),
        DeployMode::Cluster => run_there(&options, Path::new(program), arguments),
    }
}

/// Does what Kubernetes does in another way than other masters; none where a program is to run here, as with any.
fn run_on_kubernetes(options: &SubmitOptions, master: &str) -> Result<Option<ExitCode>, String> {
    let conf = conf(options)?;
    if let Some(name) = &options.kill {
        return kubernetes::kill(&conf, master, name).map(|said| Some(done(&said)));
    }
    if let Some(name) = &options.status {
        return kubernetes::status(&conf, master, name).map(|said| Some(done(&said)));
    }
    if matches!(options.deploy_mode, DeployMode::Client) {
        return Ok(if options.dry_run { Some(done(&kubernetes::dry_run(&conf, master)?)) } else { None });
    }
    let Some((program, arguments)) = options.app.split_first() else {
        return Err("which program? Say its path in the image: local:///opt/app".into());
    };
    if !options.files.is_empty() {
        return Err("--files is not for Kubernetes: the image has the files".into());
    }
    let size = (options.driver_cores, options.driver_memory);
    let submission = kubernetes::submission(&conf, master, program, arguments, size)?;
    if options.dry_run {
        return Ok(Some(done(&kubernetes::shown(&submission)?)));
    }
    let ended_well = kubernetes::submit(&submission, &conf, |said| eprintln!("firesteel: {said}"))?;
    Ok(Some(if ended_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}

/// Runs a program in YARN, or looks at an application there, or ends one.
fn on_yarn(options: &SubmitOptions) -> Result<ExitCode, String> {
    let conf = conf(options)?;
    if let Some(name) = &options.kill {
        return yarn::kill_named(&conf, name).map(|said| done(&said));
    }
    if let Some(name) = &options.status {
        return yarn::status(&conf, name).map(|said| done(&said));
    }
    let (file, arguments) =
        options.app.split_first().ok_or("which program? Say its file, and its arguments behind it")?;
    let program = YarnProgram {
        start: Start::Sent(in_this_directory(file)),
        arguments: arguments.to_vec(),
        environment: vec![],
        settings: as_json(&conf)?,
        files: options.files.clone(),
        cores: options.driver_cores,
        memory: options.driver_memory << 20,
        attempts: yarn::attempts(&conf)?,
    };
    if options.dry_run {
        return yarn::shown(&conf, &program).map(|text| done(&text));
    }
    yarn::run(&conf, &program, println_to_user).map(|()| ExitCode::SUCCESS)
}

/// Returns settings as the variable `FIRESTEEL_SETTINGS` holds them.
fn as_json(conf: &Conf) -> Result<String, String> {
    let all: BTreeMap<&str, &str> = conf.iter().collect();
    serde_json::to_string(&all).map_err(|error| error.to_string())
}

/// Refuses to promise that a program is started again where nobody would do so.
fn check_supervise(master: &str) -> Result<(), String> {
    let instead = match master {
        yarn::MASTER => "`spark.yarn.maxAppAttempts` has YARN run a program again",
        slurm::MASTER => {
            "Slurm runs a job again only after its node failed or it was preempted (`firesteel.slurm.options=--requeue`)"
        }
        master if kubernetes::is_meant(master) => "a Job of Kubernetes starts a program again",
        _ => return Ok(()),
    };
    Err(format!("--supervise is for standalone clusters (firesteel://HOST:7077): {instead}"))
}

fn done(text: &str) -> ExitCode {
    println_to_user(text);
    ExitCode::SUCCESS
}

fn client(options: &SubmitOptions) -> Result<Client, String> {
    let master = options.master.as_deref().ok_or("say --master firesteel://HOST:7077")?;
    Ok(Client::new(&masters(master)?, options.secret.credentials()?))
}

/// Makes the settings of the options, and checks them.
fn conf(options: &SubmitOptions) -> Result<Conf, String> {
    let mut conf = Conf::default();
    let mut set = |key: &str, value: &str| conf.set(key, value).map_err(|error| error.to_string());
    if let Some(file) = &options.properties_file {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            let (key, value) = line.split_once([' ', '\t', '=']).unwrap_or((line, ""));
            set(key.trim(), value.trim_start_matches('=').trim())?;
        }
    }
    for pair in &options.conf {
        let (key, value) =
            pair.split_once('=').ok_or_else(|| format!("--conf wants KEY=VALUE, not `{pair}`"))?;
        set(key, value)?;
    }
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let given = [
        (APP_NAME.key, options.name.clone()),
        (EXECUTOR_MEMORY.key, options.executor_memory.map(|mebibytes| format!("{mebibytes}m"))),
        (EXECUTOR_CORES.key, number(options.executor_cores)),
        (EXECUTOR_INSTANCES.key, number(options.num_executors)),
        (CORES_MAX.key, number(options.total_executor_cores)),
    ];
    for (key, value) in given {
        if let Some(value) = value {
            set(key, &value)?;
        }
    }
    Ok(conf)
}

/// Returns the command that runs a program, with the path that it has here.
fn command_of(options: &SubmitOptions, program: &str, arguments: &[String]) -> Result<AgentCommand, String> {
    let program = std::path::absolute(in_this_directory(program)).map_err(|error| error.to_string())?;
    if !program.is_file() {
        return Err(format!("there is no program {}", program.display()));
    }
    let mut environment = environment(options)?;
    environment.push(("FIRESTEEL_MASTER".into(), slurm::MASTER.into()));
    Ok(AgentCommand { program, arguments: arguments.to_vec(), environment })
}

/// Runs a program as a job of Slurm.
fn run_as_job(options: &SubmitOptions, program: &str, arguments: &[String]) -> Result<ExitCode, String> {
    let (conf, command) = (conf(options)?, command_of(options, program, arguments)?);
    if options.dry_run {
        let script = slurm::driver_script(&conf, &command).map_err(|error| error.to_string())?;
        return Ok(done(script.trim_end()));
    }
    let job = slurm::submit(&conf, &command)?;
    eprintln!("firesteel: submitted; `firesteel submit --master slurm --status {job}` says how it is");
    Ok(done(&job))
}

/// Makes the environment of a program.
fn environment(options: &SubmitOptions) -> Result<Vec<(String, String)>, String> {
    Ok(vec![("FIRESTEEL_SETTINGS".into(), as_json(&conf(options)?)?)])
}

/// Replaces this process by the program.
fn run_here(options: &SubmitOptions, program: &str, arguments: &[String]) -> Result<ExitCode, String> {
    let mut command = Command::new(in_this_directory(program));
    command.args(arguments).envs(environment(options)?);
    if let Some(master) = &options.master {
        command.env("FIRESTEEL_MASTER", master);
    }
    if let Some(file) = &options.secret.secret_file {
        let file = std::path::absolute(file).map_err(|error| error.to_string())?;
        command.env("FIRESTEEL_SECRET_FILE", file);
    }
    if options.secret.insecure {
        command.env("FIRESTEEL_INSECURE", "true");
    }
    if options.verbose {
        // Not the whole command: its variables contain settings, secrets among them.
        eprintln!("firesteel: runs {:?} with {arguments:?}", command.get_program());
    }
    Err(format!("{program} does not start: {}", command.exec()))
}

/// Returns the path of a program: a bare name is a file of this directory, if there is one.
fn in_this_directory(program: &str) -> PathBuf {
    match Path::new(program) {
        bare if !program.contains('/') && bare.is_file() => Path::new(".").join(bare),
        path => path.to_owned(),
    }
}

/// Uploads files to the master that leads; returns their names and hashes.
fn upload_all(client: &mut Client, files: &[PathBuf]) -> Result<Vec<(String, [u8; 32])>, String> {
    let mut uploaded = vec![];
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| format!("{} has no plain name", file.display()))?;
        uploaded.push((name.to_string(), client.upload(file)?));
    }
    Ok(uploaded)
}

/// A program for an interpreter that the workers' machines have, to be run in a cluster.
pub struct InterpretedDriver {
    /// The masters: `firesteel://HOST:7077`.
    pub master: String,
    /// The file with the cluster's secret; none if connections are insecure.
    pub secret_file: Option<PathBuf>,
    /// The interpreter, as the workers' machines name it.
    pub program: String,
    /// Its arguments; `{file:NAME}` stands for the path of a file that is sent along.
    pub arguments: Vec<String>,
    /// Variables to set for it.
    pub environment: Vec<(String, String)>,
    /// The files that are sent along.
    pub files: Vec<PathBuf>,
    /// The cores that it takes.
    pub cores: u32,
    /// The memory that it takes, in MiB.
    pub memory_mib: u64,
    /// True if it is started again until it ends well.
    pub supervise: bool,
    /// The program's settings.
    pub settings: Vec<(String, String)>,
    /// True to return what would be submitted, and submit nothing.
    pub dry_run: bool,
}

impl InterpretedDriver {
    /// Submits it. `tell` hears the name by which the cluster knows it, or, for a dry run, what would be submitted. With YARN and
    /// Kubernetes waits for its end, if settings say so.
    ///
    /// # Errors
    /// When nobody takes it, a file cannot be sent, or it is waited for and does not end well.
    pub fn submit(self, mut tell: impl FnMut(&str)) -> Result<(), String> {
        if self.supervise {
            check_supervise(&self.master)?;
        }
        match self.master.as_str() {
            slurm::MASTER => tell(&self.submit_as_job()?),
            yarn::MASTER => self.submit_to_yarn(tell)?,
            master if kubernetes::is_meant(master) => self.submit_as_pod(tell)?,
            _ if self.dry_run => {
                return Err("--dry-run shows what a cluster manager would be given: say --master slurm, yarn or k8s://https://HOST:PORT"
                    .into());
            }
            _ => tell(&self.submit_to_master()?),
        }
        Ok(())
    }

    fn submit_to_master(self) -> Result<String, String> {
        let secret = SecretFile { insecure: self.secret_file.is_none(), secret_file: self.secret_file };
        let mut client = Client::new(&masters(&self.master)?, secret.credentials()?);
        let files = upload_all(&mut client, &self.files)?;
        let program = Program::Installed { name: self.program };
        let (arguments, environment) = (self.arguments, self.environment);
        let launch = LaunchDriver { program, arguments, environment, files };
        let resources = Resources::new(self.cores, self.memory_mib);
        client.submit(&launch, resources, self.supervise).map(|driver| driver.to_string())
    }

    fn conf(&self) -> Result<Conf, String> {
        let mut conf = Conf::default();
        for (key, value) in &self.settings {
            conf.set(key, value).map_err(|error| error.to_string())?;
        }
        Ok(conf)
    }

    /// Returns the arguments with these paths in the places of files.
    fn placed(&self, path: impl Fn(&Path) -> String) -> Vec<String> {
        let place = |word: &String| {
            self.files.iter().fold(word.clone(), |word, file| in_place(&word, file, &path(file)))
        };
        self.arguments.iter().map(place).collect()
    }

    /// With Slurm, whose nodes have the files of the machine that submits.
    fn submit_as_job(self) -> Result<String, String> {
        let conf = self.conf()?;
        let mut environment = self.environment.clone();
        environment.push(("FIRESTEEL_MASTER".into(), slurm::MASTER.into()));
        let arguments = self.placed(|file| file.to_string_lossy().into_owned());
        let command = AgentCommand { program: self.program.into(), arguments, environment };
        match self.dry_run {
            true => slurm::driver_script(&conf, &command).map_err(|error| error.to_string()),
            false => slurm::submit(&conf, &command),
        }
    }

    /// With YARN, which puts the files into the container's directory.
    fn submit_to_yarn(self, mut tell: impl FnMut(&str)) -> Result<(), String> {
        let conf = self.conf()?;
        let arguments = self.placed(name_of);
        let program = YarnProgram {
            start: Start::Interpreter(self.program),
            arguments,
            environment: self.environment,
            settings: as_json(&conf)?,
            files: self.files,
            cores: self.cores,
            memory: self.memory_mib << 20,
            attempts: yarn::attempts(&conf)?,
        };
        if self.dry_run {
            tell(&yarn::shown(&conf, &program)?);
            return Ok(());
        }
        yarn::run(&conf, &program, tell)
    }

    /// With Kubernetes, whose images have the files.
    fn submit_as_pod(self, mut tell: impl FnMut(&str)) -> Result<(), String> {
        if let Some(file) = self.files.first() {
            return Err(format!(
                "in cluster mode the image has the program and its files: write their paths there, as local:///opt/{}, and not {}",
                name_of(file),
                file.display()
            ));
        }
        let conf = self.conf()?;
        // The image's search path finds the interpreter. It is told the variables by the same command.
        let variables = self.environment.into_iter().map(|(name, value)| format!("{name}={value}"));
        let words: Vec<String> =
            variables.chain(std::iter::once(self.program)).chain(self.arguments).collect();
        let size = (self.cores, self.memory_mib);
        let submission = kubernetes::submission(&conf, &self.master, "/usr/bin/env", &words, size)?;
        if self.dry_run {
            tell(&kubernetes::shown(&submission)?);
            return Ok(());
        }
        match kubernetes::submit(&submission, &conf, |said| eprintln!("firesteel: {said}"))? {
            true => Ok(()),
            false => Err(format!(
                "the driver {} did not end well; `kubectl logs` shows what it wrote",
                submission.name()
            )),
        }
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Puts a path in the place that stands for a file.
fn in_place(word: &str, file: &Path, path: &str) -> String {
    word.replace(&format!("{{file:{}}}", name_of(file)), path)
}

fn run_there(options: &SubmitOptions, program: &Path, arguments: &[String]) -> Result<ExitCode, String> {
    let (mut client, environment) = (client(options)?, environment(options)?);
    let hash = client.upload(program)?;
    let files = upload_all(&mut client, &options.files)?;
    let launch = LaunchDriver {
        program: Program::Shipped { hash },
        arguments: arguments.to_vec(),
        environment,
        files,
    };
    let resources = Resources::new(options.driver_cores, options.driver_memory);
    let driver = client.submit(&launch, resources, options.supervise)?;
    eprintln!(
        "firesteel: submitted; `firesteel submit --master {} --status {driver}` says how it is",
        options.master.as_deref().unwrap_or_default()
    );
    Ok(done(&driver.to_string()))
}

fn describe(view: &DriverView) -> String {
    let mut text = format!("{}: {}, takes {}", view.driver, view.state.name(), view.resources);
    if view.launches > 1 {
        text += &format!(", launched {} times", view.launches);
    }
    match &view.state {
        DriverState::Error { reason: why } => text += &format!("; {why}"),
        DriverState::Failed { outcome } => text += &format!("; {outcome}"),
        DriverState::Running { worker, .. } => text += &format!(", on {worker}"),
        DriverState::Queued { .. } | DriverState::Finished | DriverState::Killed => {}
    }
    if let Some(waiting) = &view.waiting {
        text += &format!("; {waiting}");
    }
    text
}

pub(crate) fn status(options: &StatusOptions) -> Result<ExitCode, String> {
    let mut client = Client::new(&masters(&options.master)?, options.secret.credentials()?);
    Ok(done(&overview(&client.overview()?)))
}

fn overview(overview: &Overview) -> String {
    let mut lines = vec![format!("{} of {} taken", overview.used, overview.total)];
    for worker in &overview.workers {
        lines.push(format!(
            "worker {} on {}: {:?}, {} of {} taken, {} executors",
            worker.worker, worker.host, worker.condition, worker.used, worker.total, worker.executors
        ));
    }
    for application in &overview.applications {
        let waiting = application.waiting.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
        lines.push(format!(
            "{} ({}): {} executors with {}{waiting}",
            application.application,
            application.name,
            application.executors.len(),
            application.used
        ));
    }
    lines.extend(overview.drivers.iter().chain(&overview.ended_drivers).map(describe));
    lines.join("\n")
}
