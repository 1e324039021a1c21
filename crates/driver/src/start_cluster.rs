//! Starting a cluster's executors: what the driver sets up so that they can register, and which backend
//! launches them.

use crate::agents::{AgentEvents, AgentSettings, Agents};
use crate::allocation;
use crate::driver::Driver;
use crate::driver_blocks::DriverBlocks;
use crate::error::{Error, Result};
use crate::master::{Master, too_few_cores};
use crate::remote::Remote;
use firesteel_cluster::standalone::{LaunchExecutor, Program, StandaloneBackend, StandaloneConfig};
use firesteel_cluster::{AgentCommand, Backend, ClusterListener, LocalCluster, LocalClusterConfig};
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_data::Cipher;
use firesteel_net::bulk::serve_blocks;
use firesteel_net::{Connection, Credentials, Limits, Listener, Purpose, Secret, Serving};
use firesteel_protocol::handshake::{AgentConfig, SHARED_DIRECTORY};
use firesteel_scheduler::{Allocation, ApplicationEvent, FleetSettings};
use firesteel_storage::SharedFiles;
use firesteel_transfer::BlockServer;
use firesteel_types::ExecutorLossReason;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Weak};

/// The longest time in which a cluster may report how an agent ended, after its connection has ended, in
/// milliseconds.
const END_WITHIN_MS: u64 = 2_000;

/// The parts of a cluster's start.
pub(crate) struct ClusterStart<'a> {
    pub(crate) conf: &'a Conf,
    pub(crate) master: &'a Master,
    pub(crate) application: u64,
    pub(crate) command: AgentCommand,
    pub(crate) has_processes: bool,
}

/// Begins to listen for executors, and has the backend start them.
pub(crate) fn start(driver: &Arc<Driver>, config: &ClusterStart<'_>) -> Result<()> {
    let conf = config.conf;
    let secret = secret(conf, config.master)?;
    let credentials = secret.as_ref().map_or_else(Credentials::insecure, Credentials::of);
    let settings = AgentSettings {
        application: config.application,
        settings: conf.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        heartbeat_ms: conf.get(&conf::HEARTBEAT_INTERVAL_MS)?,
        timeout_ms: conf.get(&conf::NETWORK_TIMEOUT_MS)?,
        retries: conf.get(&conf::SHUFFLE_RETRIES)?,
        retry_wait_ms: conf.get(&conf::SHUFFLE_RETRY_WAIT_MS)?,
        encrypted: conf.get(&conf::IO_ENCRYPTION)?,
    };
    if settings.encrypted {
        encrypt_files(driver, secret.as_ref())?;
    }
    if settings.heartbeat_ms >= settings.timeout_ms {
        return Err(Error::Start(format!(
            "`firesteel.network.timeout` ({} ms) must be longer than `firesteel.executor.heartbeat_interval` ({} ms): executors would \
             be lost while they live",
            settings.timeout_ms, settings.heartbeat_ms
        )));
    }
    driver.with_application(|application| -> Result<()> {
        application.set_fleet(FleetSettings {
            program: firesteel_closures::code_hash().map_err(|e| Error::Start(e.to_string()))?.0,
            has_processes: config.has_processes,
            task_cpus: conf.get(&conf::TASK_CPUS)?,
            decommission_within_ms: conf.get(&conf::DECOMMISSION_TIMEOUT_MS)?,
            // Executors that people start belong to no cluster that could report how they end.
            end_within_ms: if matches!(config.master, Master::Listen { .. }) { 0 } else { END_WITHIN_MS },
        });
        Ok(())
    })?;
    let agents = Agents::new(settings, credentials.clone(), agent_events(driver));
    let (bind, host) = addresses(conf, config.master)?;
    let serving = serve(driver, &agents, &bind, credentials)?;
    let address = format!("{host}:{}", serving.address().port());
    let host = host_blocks(driver, config)?;
    let served = host.is_some();
    driver.set_remote(Remote { agents: agents.clone(), host, serving });
    let directory = driver.services.dirs.path().to_owned();
    let start = Start { driver, config, address, secret, directory: &directory, served };
    start.backend(&agents)
}

fn agent_events(driver: &Arc<Driver>) -> Weak<dyn AgentEvents> {
    let driver: Weak<Driver> = Arc::downgrade(driver);
    driver
}

/// Returns the application's secret; `None` when connections are not authenticated.
fn secret(conf: &Conf, master: &Master) -> Result<Option<Secret>> {
    if conf.get(&conf::NETWORK_INSECURE)? {
        tracing::warn!(
            "`firesteel.network.insecure` is set: any process that reaches this application's ports can run code in its name"
        );
        return Ok(None);
    }
    // A cluster's own secret belongs to its daemons; each application makes another one for its executors.
    match conf.get(&conf::SECRET_FILE)? {
        file if file.is_empty() && matches!(master, Master::Listen { .. }) => Err(Error::Start(
            "executors that connect have to show a secret: make one with `firesteel secret new FILE`, set \
             `firesteel.authenticate.secret.file` to it, and start executors with --secret-file"
                .into(),
        )),
        file if file.is_empty() || matches!(master, Master::Standalone { .. }) => {
            Ok(Some(Secret::generate()))
        }
        file => Secret::from_file(Path::new(&file)).map(Some).map_err(|e| Error::Start(e.to_string())),
    }
}

/// Encrypts files on disk with a key that all executors can derive.
fn encrypt_files(driver: &Driver, secret: Option<&Secret>) -> Result<()> {
    let secret = secret.ok_or_else(|| {
        Error::Start(
            "`firesteel.io.encryption.enabled` needs a secret to derive a key from, and `firesteel.network.insecure` says that there is none".into(),
        )
    })?;
    driver.services.dirs.encrypt_with(&Cipher::of_secret(&secret.to_text()));
    Ok(())
}

/// Returns the address to listen at, and the host name by which executors reach it.
fn addresses(conf: &Conf, master: &Master) -> Result<(String, String)> {
    if let Master::Listen { address } = master {
        let host = address.rsplit_once(':').map_or("", |(host, _)| host);
        return Ok((address.clone(), host.into()));
    }
    let (host, bind, port) =
        (conf.get(&conf::DRIVER_HOST)?, conf.get(&conf::DRIVER_BIND_ADDRESS)?, conf.get(&conf::DRIVER_PORT)?);
    let host = if host.is_empty() { default_host(master) } else { host };
    let bind = if bind.is_empty() { host.clone() } else { bind };
    Ok((format!("{bind}:{port}"), host))
}

/// Returns the address from which this machine reaches the cluster.
fn default_host(master: &Master) -> String {
    let towards = match master {
        Master::Standalone { addresses } => addresses.first(),
        Master::Local { .. } | Master::LocalCluster { .. } | Master::Listen { .. } => None,
    };
    let found = towards.and_then(|address| local_address_towards(address));
    found.map_or_else(|| "127.0.0.1".into(), |address| address.to_string())
}

/// Returns the address of this machine that packets to another one leave from. Nothing is sent to find it.
fn local_address_towards(address: &str) -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").or_else(|_| UdpSocket::bind("[::]:0")).ok()?;
    socket.connect(address).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn serve(
    driver: &Arc<Driver>,
    agents: &Arc<Agents>,
    bind: &str,
    credentials: Credentials,
) -> Result<Serving> {
    let listener = Listener::bind(bind, credentials, Limits::default())
        .map_err(|error| Error::Start(format!("nothing can listen at {bind}: {error}")))?;
    let (blocks, agents) = (DriverBlocks { driver: Arc::downgrade(driver) }, Arc::downgrade(agents));
    let handle = move |connection: Connection| match connection.purpose() {
        Purpose::Control => {
            if let Some(agents) = agents.upgrade() {
                agents.serve(connection);
            }
        }
        Purpose::Blocks => serve_blocks(connection, &blocks),
        Purpose::Master => {}
    };
    listener.serve("firesteel-driver", handle).map_err(|error| Error::Start(error.to_string()))
}

/// Makes the server of executors' files, if executors on this machine leave their files to the driver: then
/// the files outlive the executors.
fn host_blocks(driver: &Driver, config: &ClusterStart<'_>) -> Result<Option<BlockServer>> {
    let wanted = config.conf.get(&conf::SHUFFLE_SERVICE)?;
    if !wanted || !matches!(config.master, Master::LocalCluster { .. }) {
        return Ok(None);
    }
    let dirs = driver.services.dirs.clone();
    let files =
        SharedFiles::open(dirs.path().join(SHARED_DIRECTORY)).map_err(|e| Error::Start(e.to_string()))?;
    if let Some(cipher) = dirs.cipher() {
        files.encrypt_with(cipher);
    }
    Ok(Some(BlockServer::new(Arc::new(files), dirs)))
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

struct Start<'a> {
    driver: &'a Arc<Driver>,
    config: &'a ClusterStart<'a>,
    address: String,
    secret: Option<Secret>,
    directory: &'a Path,
    served: bool,
}

impl Start<'_> {
    fn backend(&self, agents: &Agents) -> Result<()> {
        match self.config.master {
            Master::Local { .. } | Master::Listen { .. } => Ok(()),
            Master::LocalCluster { executors, cores, memory } => {
                let cluster = self.local_cluster(*executors, *cores, *memory);
                // Set before there are processes that register.
                agents.set_backend(cluster.clone());
                cluster.start().map_err(|error| Error::Start(error.to_string()))
            }
            Master::Standalone { addresses } => {
                agents.set_backend(self.standalone(addresses)?);
                if let Some(settings) = allocation::settings(self.config.conf)? {
                    self.driver.with_application(|application| application.allocate_dynamically(settings));
                }
                Ok(())
            }
        }
    }

    fn standalone(&self, masters: &[String]) -> Result<Arc<dyn Backend>> {
        let (conf, command) = (self.config.conf, &self.config.command);
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
            driver: self.address.clone(),
            secret: self.secret.as_ref().map(Secret::to_text),
            service: conf.get(&conf::SHUFFLE_SERVICE)?,
            encrypted: conf.get(&conf::IO_ENCRYPTION)?,
        };
        let config = StandaloneConfig {
            masters: masters.to_vec(),
            name: conf.get(&conf::APP_NAME)?,
            cores_max: conf.get(&conf::CORES_MAX)?,
            cores_per_executor: cores_per_executor(conf)?,
            memory_per_executor_mib: conf.get(&conf::EXECUTOR_MEMORY)? >> 20,
            executors: match allocation::settings(conf)? {
                Some(dynamic) => Some(Allocation::new(dynamic).wanted()),
                None => conf.get(&conf::EXECUTOR_INSTANCES)?,
            },
            launch,
        };
        let listener = Listens { driver: Arc::downgrade(self.driver) };
        let backend = StandaloneBackend::start(config, cluster_credentials(conf)?, Box::new(listener));
        Ok(backend.map_err(|error| Error::Start(error.to_string()))?)
    }

    fn local_cluster(&self, executors: u32, cores: u32, memory: u64) -> Arc<LocalCluster> {
        let agent = AgentConfig {
            driver: self.address.clone(),
            secret: self.secret.as_ref().map(Secret::to_text),
            name: String::new(),
            host: "127.0.0.1".into(),
            bind: "127.0.0.1:0".into(),
            cores,
            memory,
            directory: self.directory.to_owned(),
            service: self.served.then(|| self.address.clone()),
        };
        let config = LocalClusterConfig { executors, command: self.config.command.clone(), agent };
        let listener = Listens { driver: Arc::downgrade(self.driver) };
        LocalCluster::new(config, Box::new(listener))
    }
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

/// Receives the cluster's messages about the application.
struct Listens {
    driver: Weak<Driver>,
}

impl ClusterListener for Listens {
    fn waits(&self, why: &str) {
        tracing::warn!("no executors: {why}");
    }

    fn ended(&self, name: &str, reason: ExecutorLossReason) {
        if let Some(driver) = self.driver.upgrade() {
            driver.post_event(ApplicationEvent::AgentEnded { name: name.into(), reason });
        }
    }

    fn decommissioned(&self, name: &str) {
        if let Some(driver) = self.driver.upgrade() {
            driver.post_event(ApplicationEvent::Decommission { name: name.into(), with_files: true });
        }
    }

    fn over(&self, reason: String) {
        if let Some(driver) = self.driver.upgrade() {
            driver.give_up(reason);
        }
    }
}
