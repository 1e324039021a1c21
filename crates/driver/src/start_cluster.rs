//! Starting a cluster's executors: what the driver sets up so that they can register, and which manager
//! starts them.

use crate::agents::{AgentEvents, AgentSettings, Agents};
use crate::borrowing::{ClusterStart, Start};
use crate::driver::Driver;
use crate::driver_blocks::DriverBlocks;
use crate::error::{Error, Result};
use crate::managers;
use crate::master::Master;
use crate::remote::Remote;
use crate::shuffle_storage::ShuffleStorage;
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_data::Cipher;
use firesteel_net::bulk::serve_blocks;
use firesteel_net::{Connection, Credentials, Limits, Listener, Purpose, Secret, Serving};
use firesteel_protocol::handshake::SHARED_DIRECTORY;
use firesteel_scheduler::FleetSettings;
use firesteel_storage::SharedFiles;
use firesteel_transfer::BlockServer;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Weak};

/// The longest time in which a cluster may report how an agent ended, after its connection has ended, in
/// milliseconds.
const END_WITHIN_MS: u64 = 2_000;

/// The same for cluster managers.
const MANAGER_TELLS_WITHIN_MS: u64 = 10_000;

/// Begins to listen for executors, and has their manager start them.
pub(crate) fn start(driver: &Arc<Driver>, config: &ClusterStart<'_>) -> Result<()> {
    let conf = config.conf;
    let secret = secret(conf, config.master)?;
    let credentials = secret.as_ref().map_or_else(Credentials::insecure, Credentials::of);
    let storage = ShuffleStorage::open(
        conf,
        &driver.services.stores,
        &config.name,
        driver.recovery.get().map(|recovery| &**recovery),
    )?;
    let settings = AgentSettings {
        application: config.application,
        settings: conf.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        heartbeat_ms: conf.get(&conf::HEARTBEAT_INTERVAL_MS)?,
        timeout_ms: conf.get(&conf::NETWORK_TIMEOUT_MS)?,
        retries: conf.get(&conf::SHUFFLE_RETRIES)?,
        retry_wait_ms: conf.get(&conf::SHUFFLE_RETRY_WAIT_MS)?,
        encrypted: conf.get(&conf::IO_ENCRYPTION)?,
        storage: storage.as_ref().map(|storage| storage.config().clone()),
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
            repairs_copies: conf.get(&conf::REPAIR_COPIES)?,
            stores_outputs: storage.is_some(),
            end_within_ms: match config.master {
                // Executors that people start belong to no cluster that could report how they end.
                Master::Listen { .. } => 0,
                // Some are asked at intervals. Whose fault an end was decides whether tasks are to blame.
                Master::Managed(_) => MANAGER_TELLS_WITHIN_MS,
                Master::Local { .. } | Master::LocalCluster { .. } | Master::Standalone { .. } => {
                    END_WITHIN_MS
                }
            },
        });
        Ok(())
    })?;
    let agents = Agents::new(settings, credentials.clone(), agent_events(driver));
    let (bind, host) = addresses(conf, config.master)?;
    let serving = serve(driver, &agents, &bind, credentials)?;
    let address = format!("{host}:{}", serving.address().port());
    let host = host_blocks(driver, config)?;
    let served = host.is_some();
    driver.set_remote(Remote { agents: agents.clone(), host, serving, storage });
    let directory = driver.services.dirs.path().to_owned();
    let (agents, directory) = (&*agents, &*directory);
    managers::start(&Start { driver, agents, config, address, secret, directory, served })
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
    let host = if host.is_empty() { default_host(conf, master) } else { host };
    let bind = if bind.is_empty() { host.clone() } else { bind };
    Ok((format!("{bind}:{port}"), host))
}

/// Returns the address from which this machine reaches the cluster.
fn default_host(conf: &Conf, master: &Master) -> String {
    let towards = match master {
        Master::Standalone { addresses } => addresses.first().cloned(),
        Master::Managed(manager) => managers::towards(conf, manager),
        Master::Local { .. } | Master::LocalCluster { .. } | Master::Listen { .. } => None,
    };
    let found = towards.and_then(|address| local_address_towards(&address));
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
