//! Starting the driver: its directories, memory and stores, and then its executors, in this process or
//! others.

use crate::borrowing::ClusterStart;
use crate::driver::{Clock, Driver};
use crate::error::{Error, Result};
use crate::master::Master;
use crate::outside_manager::MakeManager;
use crate::recovery::Recovery;
use crate::shuffle_storage;
use crate::start_cluster;
use firesteel_cluster::AgentCommand;
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_data::{Cipher, DataError};
use firesteel_executor::{SlotLink, WorkerCommand, free_memory, records_share};
use firesteel_io::{StoreSettings, Stores};
use firesteel_net::Secret;
use firesteel_operators::Services;
use firesteel_protocol::handshake::{FilesSecret, SHARED_DIRECTORY, WorkerInit};
use firesteel_scheduler::SchedulerSettings;
use firesteel_shuffle::ShuffleStore;
use firesteel_storage::{BlockStore, Broadcasts, CachedBlocks, LocalDirs, MemoryPool, SharedFiles, sweep};
use firesteel_types::ExecutorId;
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The parts of a driver that only clusters need, and the journal.
pub(crate) struct ClusterParts {
    /// The journal, if there is one.
    pub(crate) recovery: Option<Arc<Recovery>>,
    /// The command that starts agents; this very program if there is none.
    pub(crate) agents: Option<AgentCommand>,
    /// The maker of the cluster manager, where that comes from outside.
    pub(crate) manager: Option<MakeManager>,
    /// The address of the application's pages, for its master.
    pub(crate) pages: Option<String>,
    /// The application's id, or another name until a master gives it one.
    pub(crate) name: String,
}

/// Starts the driver, and the executors that the master asks for.
pub(crate) fn start_driver(
    conf: &Conf,
    settings: SchedulerSettings,
    master: &Master,
    application: u64,
    workers: Option<WorkerCommand>,
    cluster: ClusterParts,
    clock: Clock,
) -> Result<Arc<Driver>> {
    let start = |error: &dyn std::fmt::Display| Error::Start(error.to_string());
    let parent = match conf.get(&conf::LOCAL_DIR)? {
        dir if dir.is_empty() => std::env::temp_dir(),
        dir => PathBuf::from(dir),
    };
    let budget = conf.get(&conf::MEMORY)?.unwrap_or_else(|| records_share(free_memory(Path::new("/"))));
    let link = SlotLink::new(ExecutorId::DRIVER);
    let memory = Arc::new(MemoryPool::new(budget as usize));
    let dirs = Arc::new(LocalDirs::create(&parent).map_err(|e| start(&e))?);
    sweep(&parent, |text| tracing::info!("{text}")).map_err(|e| start(&e))?;
    // On a cluster the key follows from the application's secret, once that is known.
    let encrypts_here = conf.get(&conf::IO_ENCRYPTION)? && !master.is_cluster();
    let files_secret = encrypts_here.then(|| FilesSecret(Secret::generate().to_text()));
    if let Some(secret) = &files_secret {
        dirs.encrypt_with(&Cipher::of_secret(&secret.0));
    }
    let cached_here = Cached { memory: memory.clone(), dirs: dirs.clone() };
    let cached = cached_here.stores(workers.is_some() && !master.is_cluster()).map_err(|e| start(&e))?;
    let (blocks, shuffles, cached, broadcasts) = cached;
    let directory = dirs.path().to_owned();
    let (commit, barrier) = (link.clone(), link.clone());
    let services = Services {
        stores: Stores::new(StoreSettings::from_conf(conf)),
        executor: ExecutorId::DRIVER,
        application,
        cached,
        broadcasts,
        memory,
        dirs,
        shuffles,
        remote: None,
        blocks,
        commit,
        barrier,
    };
    let limit = conf.get(&conf::MAX_RESULT_SIZE)?;
    let driver = Arc::new(Driver::new(settings, Arc::new(services), link, limit, clock));
    if let Some(recovery) = cluster.recovery {
        // Before the first job.
        let _ = driver.recovery.set(recovery);
    }
    if master.is_cluster() {
        let command = cluster.agents.unwrap_or_else(AgentCommand::own_program);
        let (has_processes, pages, name) = (workers.is_some(), cluster.pages, cluster.name);
        let manager = Mutex::new(cluster.manager);
        let parts = ClusterStart { conf, master, application, command, manager, has_processes, pages, name };
        start_cluster::start(&driver, &parts)?;
        driver.start_clock().map_err(|e| start(&e))?;
        return Ok(driver);
    }
    shuffle_storage::warn_if_useless(conf)?;
    let slots = master.slots(conf.get(&conf::TASK_CPUS)?).map_err(Error::Start)?.unwrap_or(1);
    let Some(command) = workers else {
        // Threads of this process run the tasks.
        driver.start(slots).map_err(|e| start(&e))?;
        return Ok(driver);
    };
    let settings = conf.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    let memory = budget / u64::from(slots.max(1));
    let executor = ExecutorId::DRIVER;
    let init = WorkerInit { executor, application, directory, memory, settings, remote: None, files_secret };
    driver.start_processes(slots, command, init).map_err(|e| start(&e))?;
    Ok(driver)
}

/// The memory and directories that the driver's stores are made of.
struct Cached {
    memory: Arc<MemoryPool>,
    dirs: Arc<LocalDirs>,
}

type BlockStores = (Arc<BlockStore>, Arc<ShuffleStore>, Arc<CachedBlocks>, Arc<Broadcasts>);

impl Cached {
    /// Makes stores of this process alone, or stores that worker processes share.
    fn stores(self, shared: bool) -> std::result::Result<BlockStores, DataError> {
        let Cached { memory, dirs } = self;
        if !shared {
            let cached = CachedBlocks::new(memory.clone(), dirs.clone());
            let broadcasts = Arc::new(Broadcasts::new(memory, dirs));
            return Ok((Arc::default(), Arc::default(), cached, broadcasts));
        }
        let files = Arc::new(SharedFiles::open(dirs.path().join(SHARED_DIRECTORY))?);
        if let Some(cipher) = dirs.cipher() {
            files.encrypt_with(cipher);
        }
        Ok((
            Arc::new(BlockStore::sharing(files.clone())),
            Arc::new(ShuffleStore::sharing(files.clone(), dirs.clone())),
            CachedBlocks::sharing(memory.clone(), dirs.clone(), files.clone()),
            Arc::new(Broadcasts::sharing(memory, dirs, files)),
        ))
    }
}
