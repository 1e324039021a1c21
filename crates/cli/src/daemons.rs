//! The daemons: `firesteel master` and `firesteel worker` run until they are told to end. A decommissioned
//! worker ends by itself.

use crate::log::LogOptions;
use crate::options::{SecretFile, host_name, masters, mebibytes};
use crate::pages::{DaemonPages, MasterPages, PageOptions, PagePort, WorkerPages, page_port};
use clap::Args;
use firesteel_cluster::standalone::master::{MasterConfig, MasterDaemon};
use firesteel_cluster::standalone::worker::{WorkerConfig, WorkerDaemon};
use firesteel_cluster::standalone::{LeaseSettings, MasterSettings, Resources};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

#[derive(Args)]
pub(crate) struct MasterOptions {
    /// The name by which workers and applications reach this machine.
    #[arg(long, short = 'i', visible_alias = "ip", default_value_t = host_name(), env = "FIRESTEEL_MASTER_HOST")]
    host: String,
    /// The address to listen at; that of the host if not given.
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<String>,
    /// The port to listen at.
    #[arg(long, short = 'p', default_value_t = 7077, env = "FIRESTEEL_MASTER_PORT")]
    port: u16,
    /// The directory for the master's state that must survive it. A second master with the same directory, on
    /// shared storage, stands by and takes over.
    #[arg(long, value_name = "DIR", default_value = "firesteel-master")]
    state_dir: PathBuf,
    /// Fill one worker after the other, instead of spreading each application over many.
    #[arg(long)]
    no_spread_out: bool,
    /// The cores of an application that asks for no number; all if not given.
    #[arg(long, value_name = "N")]
    default_cores: Option<u32>,
    /// The seconds without a word after which a worker is given up.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(10..))]
    worker_timeout: u64,
    /// The port of the master's pages; 0 for any, none for no pages. If it is taken, the next 16 are tried.
    #[arg(long, value_name = "PORT", value_parser = page_port, default_value = "8080", env = "FIRESTEEL_MASTER_WEBUI_PORT")]
    webui_port: PagePort,
    #[command(flatten)]
    pages: PageOptions,
    #[command(flatten)]
    log: LogOptions,
    #[command(flatten)]
    secret: SecretFile,
}

pub(crate) fn master(options: &MasterOptions) -> Result<ExitCode, String> {
    options.log.begin();
    let bind = options.bind.clone().unwrap_or_else(|| options.host.clone());
    let secret = options.secret.read()?;
    let credentials =
        secret.as_ref().map_or_else(firesteel_net::Credentials::insecure, firesteel_net::Credentials::of);
    let site = Arc::new(MasterPages::default());
    let pages = DaemonPages::start(
        options.pages.config(options.webui_port, &bind, &options.host, secret.as_ref()),
        &options.state_dir,
        |config| firesteel_ui::serve_master(config, site.clone()),
    );
    let config = MasterConfig {
        bind: format!("{bind}:{}", options.port),
        host: options.host.clone(),
        state_dir: options.state_dir.clone(),
        settings: MasterSettings {
            spread_out: !options.no_spread_out,
            default_cores: options.default_cores,
            worker_timeout_ms: options.worker_timeout * 1_000,
            pages: pages.told(&options.host),
            ..MasterSettings::default()
        },
        lease: LeaseSettings::default(),
    };
    let listens = config.bind.clone();
    let daemon = MasterDaemon::start(config, credentials);
    let daemon = daemon.map_err(|error| format!("the master cannot start at {listens}: {error}"))?;
    let daemon = Arc::new(daemon);
    site.attach(&daemon);
    tracing::info!(
        "the master listens: workers and applications reach it as firesteel://{}",
        daemon.address()
    );
    pages.tell();
    wait_for_signal()?;
    pages.stop();
    daemon.stop();
    Ok(ExitCode::SUCCESS)
}

#[derive(Args)]
pub(crate) struct WorkerOptions {
    /// The master, or masters that stand by for each other: firesteel://HOST:7077[,HOST:7077].
    #[arg(value_name = "MASTER")]
    master: String,
    /// The name by which others reach this machine.
    #[arg(long, short = 'i', visible_alias = "ip", default_value_t = host_name(), env = "FIRESTEEL_WORKER_HOST")]
    host: String,
    /// The number of cores to offer; all if not given.
    #[arg(long, short = 'c', value_name = "N", env = "FIRESTEEL_WORKER_CORES")]
    cores: Option<u32>,
    /// The memory to offer, as 16g or in MiB; all but 1 GiB if not given.
    #[arg(long, short = 'm', value_name = "MEMORY", value_parser = mebibytes, env = "FIRESTEEL_WORKER_MEMORY")]
    memory: Option<u64>,
    /// The directory for applications' files.
    #[arg(
        long,
        short = 'd',
        value_name = "DIR",
        default_value = "firesteel-worker",
        env = "FIRESTEEL_WORKER_DIR"
    )]
    work_dir: PathBuf,
    /// The port of the worker's pages; 0 for any, none for no pages. If it is taken, the next 16 are tried.
    #[arg(long, value_name = "PORT", value_parser = page_port, default_value = "8081", env = "FIRESTEEL_WORKER_WEBUI_PORT")]
    webui_port: PagePort,
    #[command(flatten)]
    pages: PageOptions,
    #[command(flatten)]
    log: LogOptions,
    #[command(flatten)]
    secret: SecretFile,
}

pub(crate) fn worker(options: &WorkerOptions) -> Result<ExitCode, String> {
    options.log.begin();
    let secret = options.secret.read()?;
    let cores =
        options.cores.unwrap_or_else(|| thread::available_parallelism().map_or(1, |n| n.get() as u32));
    let memory = options.memory.unwrap_or_else(most_memory);
    let site = Arc::new(WorkerPages::default());
    let pages = DaemonPages::start(
        options.pages.config(options.webui_port, &options.host, &options.host, secret.as_ref()),
        &options.work_dir,
        |config| firesteel_ui::serve_worker(config, site.clone()),
    );
    let config = WorkerConfig {
        pages: pages.told(&options.host),
        masters: masters(&options.master)?,
        host: options.host.clone(),
        resources: Resources::new(cores, memory),
        work_dir: options.work_dir.clone(),
    };
    let work_dir = config.work_dir.clone();
    let daemon = WorkerDaemon::start(config, secret);
    let daemon =
        daemon.map_err(|error| format!("the worker cannot start in {}: {error}", work_dir.display()))?;
    tracing::info!("the worker lends {cores} cores and {memory} MiB");
    let daemon = Arc::new(daemon);
    site.attach(&daemon);
    pages.tell();
    obey_signals(&daemon)?;
    daemon.wait();
    pages.stop();
    Ok(ExitCode::SUCCESS)
}

/// The signal of a machine whose power will be gone soon (30 on Linux). As in Spark, the worker is then
/// decommissioned.
const SIGPWR: i32 = 30;

/// Ends or decommissions a worker when a signal arrives.
fn obey_signals(daemon: &Arc<WorkerDaemon>) -> Result<(), String> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGUSR1, SIGPWR]).map_err(|error| error.to_string())?;
    let daemon = daemon.clone();
    let obey = move || {
        for signal in signals.forever() {
            match signal {
                SIGUSR1 | SIGPWR => {
                    tracing::info!(
                        "sent away: the worker ends when its applications have moved what they have here"
                    );
                    daemon.decommission();
                }
                _ => daemon.stop(),
            }
        }
    };
    thread::Builder::new().name("firesteel-signals".into()).spawn(obey).map_err(|error| error.to_string())?;
    Ok(())
}

/// Returns all of the machine's memory but 1 GiB, in MiB.
fn most_memory() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = total.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    (kibibytes.unwrap_or(2 << 20) >> 10).saturating_sub(1024).max(512)
}

pub(crate) fn wait_for_signal() -> Result<(), String> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|error| error.to_string())?;
    signals.forever().next();
    Ok(())
}
