//! The cluster managers that an application can have as its master: for each, how its settings become what the manager
//! is asked for. `docs/cluster-managers.md` says how to add another.

use crate::allocation;
use crate::borrowing::Start;
use crate::error::{Error, Result};
use crate::master::{ManagerUrl, Master, too_few_cores};
use crate::outside_manager::AgentPlan;
use firesteel_cluster::sizes::{DEFAULT_EXECUTORS, overhead_of, shape_of};
use firesteel_cluster::slurm::{self, AgentTemplate, JobOptions, SlurmJobs, SlurmSteps};
use firesteel_cluster::standalone::{LaunchExecutor, Program, StandaloneConfig, StandaloneManager};
use firesteel_cluster::{AgentCommand, LocalProcesses, People, PoolSettings, Shape};
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_net::{Credentials, Secret};
use firesteel_protocol::handshake::AgentConfig;
use firesteel_scheduler::Allocation;
use firesteel_yarn::{Agents, YarnError, YarnManager, YarnSettings};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Asks the manager of a cluster for an application's executors.
pub(crate) fn start(start: &Start<'_>) -> Result<()> {
    match start.config.master {
        Master::Local { .. } => Ok(()),
        Master::LocalCluster { executors, cores, memory } => {
            local_cluster(start, *executors, Shape { cores: *cores, memory: *memory })
        }
        Master::Standalone { addresses } => standalone(start, addresses),
        Master::Managed(ManagerUrl::Slurm) => slurm(start),
        #[cfg(feature = "kubernetes")]
        Master::Managed(ManagerUrl::Kubernetes(master)) => kubernetes(start, master),
        #[cfg(not(feature = "kubernetes"))]
        Master::Managed(ManagerUrl::Kubernetes(_)) => Err(Error::Start(
            "this program was built without Kubernetes: switch the feature `kubernetes` of the crate `firesteel` on".into(),
        )),
        Master::Managed(ManagerUrl::Yarn) => yarn(start),
        Master::Managed(ManagerUrl::Ray) => ray(start),
        // How many people start is for them to know.
        Master::Listen { .. } => {
            start.managed(left_alone(start), 0, |listener| Ok(People::new(start.address.clone(), listener)))
        }
    }
}

/// Returns an address of a cluster manager: the driver's own towards it is the one that executors reach.
pub(crate) fn towards(conf: &Conf, manager: &ManagerUrl) -> Option<String> {
    match manager {
        ManagerUrl::Slurm => slurm::controller_address().ok(),
        #[cfg(feature = "kubernetes")]
        ManagerUrl::Kubernetes(master) => crate::kubernetes::towards(master),
        #[cfg(not(feature = "kubernetes"))]
        ManagerUrl::Kubernetes(_) => None,
        ManagerUrl::Yarn => firesteel_yarn::resource_manager(conf),
        // The program's side asks Ray, and sets the driver's address.
        ManagerUrl::Ray => None,
    }
}

#[cfg(feature = "kubernetes")]
fn kubernetes(start: &Start<'_>, master: &str) -> Result<()> {
    let conf = start.config.conf;
    let (shape, executors) = (shape(conf, 1)?, executors(conf, DEFAULT_EXECUTORS)?);
    let rules = crate::kubernetes::rules(conf, settings(start, shape, executors)?)?;
    let (command, secret) = (&start.config.command, start.secret.as_ref());
    let config = crate::kubernetes::config(conf, master, command, &start.address, secret)?;
    start.managed(rules, executors, |listener| {
        firesteel_kubernetes::Kubernetes::start(config, &shape, listener).map_err(std::io::Error::other)
    })?;
    start.allocate_dynamically()
}

fn local_cluster(start: &Start<'_>, executors: u32, shape: Shape) -> Result<()> {
    let agent = AgentConfig {
        host: "127.0.0.1".into(),
        bind: "127.0.0.1:0".into(),
        directory: start.directory.to_owned(),
        service: start.served.then(|| start.address.clone()),
        ..agent_config(start, &shape)
    };
    let look_at = "What they wrote to standard error says why. A program whose executors are processes of its own must \
                       begin with `#[firesteel::main]`";
    let settings = PoolSettings { shape, pause_ms: 50, look_at: look_at.into(), ..left_alone(start) };
    let settings =
        PoolSettings { failed_starts_at_most: PoolSettings::default().failed_starts_at_most, ..settings };
    let command = start.config.command.clone();
    start.managed(settings, executors, |listener| Ok(LocalProcesses::new(command, agent, listener)))
}

/// Returns the rules of a pool whose manager itself has rules for what fails.
fn left_alone(start: &Start<'_>) -> PoolSettings {
    PoolSettings {
        register_within_ms: 0,
        failed_starts_at_most: u32::MAX,
        driver: start.address.clone(),
        ..PoolSettings::default()
    }
}

fn standalone(start: &Start<'_>, masters: &[String]) -> Result<()> {
    let (conf, command) = (start.config.conf, &start.config.command);
    let is_own = command.program == AgentCommand::own_program().program;
    let hash = || firesteel_closures::executable_hash().map_err(|e| Error::Start(e.to_string()));
    let program = match is_own {
        true => Program::Shipped { hash: hash()?.0 },
        false => Program::Installed { name: command.program.to_string_lossy().into_owned() },
    };
    let launch = LaunchExecutor {
        program,
        arguments: command.arguments.clone(),
        environment: command.environment.clone(),
        driver: start.address.clone(),
        secret: start.secret.as_ref().map(Secret::to_text),
        service: conf.get(&conf::SHUFFLE_SERVICE)?,
        encrypted: conf.get(&conf::IO_ENCRYPTION)?,
    };
    let config = StandaloneConfig {
        masters: masters.to_vec(),
        name: conf.get(&conf::APP_NAME)?,
        cores_max: conf.get(&conf::CORES_MAX)?,
        cores_per_executor: cores_per_executor(conf)?,
        memory_per_executor_mib: conf.get(&conf::EXECUTOR_MEMORY)? >> 20,
        pages: start.config.pages.clone().filter(|pages| is_reachable(pages, &start.address)),
        launch,
    };
    let executors = match allocation::settings(conf)? {
        Some(dynamic) => Allocation::new(dynamic).wanted(),
        None => conf.get(&conf::EXECUTOR_INSTANCES)?.unwrap_or(u32::MAX),
    };
    let credentials = cluster_credentials(conf)?;
    start.managed(left_alone(start), executors, |listener| {
        StandaloneManager::start(config, credentials, listener)
    })?;
    start.allocate_dynamically()
}

/// Returns the number of cores of each executor of a cluster; `None` for all that its worker has. It is at
/// least the number that a task takes, which workers do not know.
fn cores_per_executor(conf: &Conf) -> Result<Option<u32>> {
    let cpus = conf.get(&conf::TASK_CPUS)?;
    let cores = conf.get(&conf::EXECUTOR_CORES)?.or((cpus > 1).then_some(cpus));
    let most = conf.get(&conf::CORES_MAX)?;
    match cores.into_iter().chain(most).find(|cores| *cores < cpus) {
        Some(cores) => Err(Error::Start(too_few_cores(cores, cpus))),
        None => Ok(cores),
    }
}

/// Returns whether an address of pages leads others to the machine of a driver with this address. One on loopback leads each
/// reader to another, so it is told only where the whole cluster is on this one.
fn is_reachable(pages: &str, driver: &str) -> bool {
    let is_loopback = |place: &str| {
        let host = place.rsplit_once(':').map_or(place, |(host, _)| host).trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    let place = pages.split_once("://").map_or(pages, |(_, place)| place);
    !is_loopback(place) || is_loopback(driver)
}

/// Returns the credentials that the cluster's daemons and applications show each other.
fn cluster_credentials(conf: &Conf) -> Result<Credentials> {
    if conf.get(&conf::NETWORK_INSECURE)? {
        return Ok(Credentials::insecure());
    }
    let file = conf.get(&conf::SECRET_FILE)?;
    if file.is_empty() {
        return Err(Error::Start(
            "a cluster's master asks for the cluster's secret: set `firesteel.authenticate.secret.file` (or the variable \
             FIRESTEEL_SECRET_FILE) to the file that the master and its workers were started with"
                .into(),
        ));
    }
    let secret = Secret::from_file(Path::new(&file)).map_err(|e| Error::Start(e.to_string()))?;
    Ok(Credentials::of(&secret))
}

fn slurm(start: &Start<'_>) -> Result<()> {
    let conf = start.config.conf;
    let fail = |why: String| Error::Start(format!("with the master `slurm`: {why}"));
    let options = JobOptions::of(conf)?;
    let template = template(start)?;
    let parent = slurm::staging_parent(conf)?;
    if slurm::is_in_allocation() {
        let cores = SlurmSteps::cores_of_a_node().map_err(fail)?;
        let shape = shape(conf, cores)?;
        let fit = SlurmSteps::executors_that_fit(shape.cores).map_err(fail)?;
        let executors = executors(conf, fit)?;
        let settings = settings(start, shape, executors)?;
        start.managed(settings, executors, |listener| {
            SlurmSteps::new(options, template, &shape, &parent, listener)
        })?;
        return start.allocate_dynamically();
    }
    let shape = shape(conf, 1)?;
    let executors = executors(conf, DEFAULT_EXECUTORS)?;
    let settings = settings(start, shape, executors)?;
    let application = new_id("slurm");
    start.managed(settings, executors, |listener| {
        SlurmJobs::new(application, options, template, &shape, &parent, listener)
    })?;
    start.allocate_dynamically()
}

fn yarn(start: &Start<'_>) -> Result<()> {
    let conf = start.config.conf;
    let fail = |error: YarnError| Error::Start(error.to_string());
    let shape = shape(conf, 1)?;
    let executors = executors(conf, DEFAULT_EXECUTORS)?;
    let pool = settings(start, shape, executors)?;
    let command = start.config.command.clone();
    let is_own = command.program == AgentCommand::own_program().program;
    let agents = Agents {
        program: is_own.then(|| command.program.clone()),
        command,
        overhead: overhead_of(conf)?,
        configuration: agent_config(start, &shape),
    };
    let pages = start.config.pages.clone().filter(|pages| is_reachable(pages, &start.address));
    let settings = YarnSettings::of(conf, agents, pages.unwrap_or_default()).map_err(fail)?;
    start.managed(pool, executors, |listener| {
        YarnManager::start(settings, listener).map_err(std::io::Error::other)
    })?;
    start.allocate_dynamically()
}

fn ray(start: &Start<'_>) -> Result<()> {
    let conf = start.config.conf;
    let make = start.config.manager.lock().take().ok_or_else(|| {
        Error::Start(
            "the master `ray` is for Python programs: Ray's actors are made from Python. Write the program in Python, or run it with \
             another master"
                .into(),
        )
    })?;
    let (shape, executors) = (shape(conf, 1)?, executors(conf, DEFAULT_EXECUTORS)?);
    let config = agent_config(start, &shape);
    let reserved = shape.memory.saturating_add(overhead_of(conf)?);
    let plan = AgentPlan { command: start.config.command.clone(), config, reserved };
    let look_at = "What they wrote to standard error is in Ray's logs, and in the driver's output unless Ray was told otherwise";
    let settings = PoolSettings { look_at: look_at.into(), ..settings(start, shape, executors)? };
    start.managed(settings, executors, |listener| make(plan, listener).map(Arc::new))?;
    start.allocate_dynamically()
}

/// Returns an id for an application where the manager gives none.
fn new_id(manager: &str) -> String {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{manager}-{}-{}", since_1970.as_millis(), std::process::id())
}

/// Returns an agent's configuration, without what depends on its manager and its machine.
fn agent_config(start: &Start<'_>, shape: &Shape) -> AgentConfig {
    AgentConfig {
        driver: start.address.clone(),
        secret: start.secret.as_ref().map(Secret::to_text),
        name: String::new(),
        host: String::new(),
        bind: String::new(),
        cores: shape.cores,
        memory: shape.memory,
        directory: PathBuf::new(),
        service: None,
        logs: None,
        notice_ms: None,
    }
}

/// Returns how agents are started: by a command that all hosts have at the same path.
fn template(start: &Start<'_>) -> Result<AgentTemplate> {
    let command = start.config.command.clone();
    let program = match command.program == AgentCommand::own_program().program {
        true => {
            std::env::current_exe().map_err(|e| Error::Start(format!("this program has no path: {e}")))?
        }
        false => command.program.clone(),
    };
    Ok(AgentTemplate {
        command: AgentCommand { program, ..command },
        driver: start.address.clone(),
        secret: start.secret.as_ref().map(Secret::to_text),
    })
}

/// Returns the size of an executor, which has to have the cores that a task takes.
fn shape(conf: &Conf, cores: u32) -> Result<Shape> {
    let (shape, cpus) = (shape_of(conf, cores)?, conf.get(&conf::TASK_CPUS)?);
    match shape.cores < cpus {
        true => Err(Error::Start(too_few_cores(shape.cores, cpus))),
        false => Ok(shape),
    }
}

/// Returns the number of executors at the start.
fn executors(conf: &Conf, default: u32) -> Result<u32> {
    Ok(match allocation::settings(conf)? {
        Some(dynamic) => Allocation::new(dynamic).wanted(),
        None => conf.get(&conf::EXECUTOR_INSTANCES)?.unwrap_or(default),
    })
}

/// The time that a cluster manager may take to tell how an executor ended whose connection has ended, in milliseconds.
const END_WITHIN_MS: u64 = 15_000;

/// Returns the rules of a pool for a cluster manager. The limit to failures is Spark's.
fn settings(start: &Start<'_>, shape: Shape, executors: u32) -> Result<PoolSettings> {
    let conf = start.config.conf;
    let most = match conf.get(&conf::DYNAMIC_ALLOCATION)? {
        true => conf.get(&conf::DYNAMIC_MAX)?,
        false => executors,
    };
    if conf.get(&conf::CORES_MAX)?.is_some() {
        tracing::warn!(
            "`firesteel.cores.max` is for standalone clusters, and has no effect here: set `firesteel.executor.instances` and \
             `firesteel.executor.cores`"
        );
    }
    let failures = conf.get(&conf::EXECUTOR_MAX_FAILURES)?.unwrap_or(most.saturating_mul(2).max(3));
    Ok(PoolSettings {
        register_within_ms: conf.get(&conf::REGISTER_WITHIN_MS)?,
        failures_at_most: Some(failures),
        end_within_ms: END_WITHIN_MS,
        failures_valid_ms: conf.get(&conf::EXECUTOR_FAILURES_VALID_MS)?,
        excluded_per_machine: conf.get(&conf::EXCLUDE_APPLICATION_EXECUTORS)?,
        driver: start.address.clone(),
        shape,
        ..PoolSettings::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_on_loopback_are_told_on_one_machine_only() {
        let told = |pages, driver| is_reachable(pages, driver);
        assert!(told("http://127.0.0.1:4040", "127.0.0.1:7000") && told("http://[::1]:4040", "localhost:1"));
        assert!(!told("http://127.0.0.1:4040", "10.0.0.5:7000") && !told("http://[::1]:4040", "a:1"));
        assert!(told("https://10.0.0.5:4040", "10.0.0.5:7000") && told("http://host:4040", "host:1"));
    }
}
