//! `firesteel submit` and `firesteel status`: programs on clusters.
//!
//! In client mode the program runs here, with its master and settings in its environment. In cluster mode its
//! file and others go to the master by their hashes, and a worker runs it.

use crate::options::{SecretFile, masters, mebibytes};
use crate::secret::println_to_user;
use clap::{Args, ValueEnum};
use firesteel_cluster::standalone::client::Client;
use firesteel_cluster::standalone::{DriverState, DriverView, LaunchDriver, Overview, Program, Resources};
use firesteel_conf::{APP_NAME, CORES_MAX, Conf, EXECUTOR_CORES, EXECUTOR_INSTANCES, EXECUTOR_MEMORY};
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

Python programs: the command `firesteel` of the Python package runs them.")]
pub(crate) struct SubmitOptions {
    /// The master: local[N], local-cluster[n,cores,MiB], firesteel://HOST:7077 (spark:// means the same).
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
        DeployMode::Client => run_here(&options, program, arguments),
        DeployMode::Cluster => run_there(&options, Path::new(program), arguments),
    }
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
fn settings(options: &SubmitOptions) -> Result<BTreeMap<String, String>, String> {
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
    Ok(conf.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
}

/// Makes the environment of a program.
fn environment(options: &SubmitOptions) -> Result<Vec<(String, String)>, String> {
    let settings = serde_json::to_string(&settings(options)?).map_err(|error| error.to_string())?;
    Ok(vec![("FIRESTEEL_SETTINGS".into(), settings)])
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
}

impl InterpretedDriver {
    /// Submits it. Returns the name by which the master knows it.
    ///
    /// # Errors
    /// When no master takes it, or a file cannot be sent.
    pub fn submit(self) -> Result<String, String> {
        let secret = SecretFile { insecure: self.secret_file.is_none(), secret_file: self.secret_file };
        let mut client = Client::new(&masters(&self.master)?, secret.credentials()?);
        let files = upload_all(&mut client, &self.files)?;
        let program = Program::Installed { name: self.program };
        let (arguments, environment) = (self.arguments, self.environment);
        let launch = LaunchDriver { program, arguments, environment, files };
        let resources = Resources::new(self.cores, self.memory_mib);
        client.submit(&launch, resources, self.supervise).map(|driver| driver.to_string())
    }
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
