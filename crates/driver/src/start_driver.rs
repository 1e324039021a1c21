//! Starting the driver: its directories, memory and stores, and then its executors, in this process or
//! others.

use crate::driver::{Clock, Driver};
use crate::error::{Error, Result};
use crate::master::Master;
use crate::start_cluster::{self, ClusterStart};
use firesteel_cluster::AgentCommand;
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_data::{Cipher, DataError};
use firesteel_executor::{SlotLink, WorkerCommand, free_memory, records_share};
use firesteel_io::{StoreSettings, Stores};
use firesteel_operators::Services;
use firesteel_protocol::handshake::{SHARED_DIRECTORY, WorkerInit};
use firesteel_scheduler::SchedulerSettings;
use firesteel_shuffle::ShuffleStore;
use firesteel_storage::{BlockStore, Broadcasts, CachedBlocks, LocalDirs, MemoryPool, SharedFiles, sweep};
use firesteel_types::ExecutorId;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Starts the driver, and the executors that the master asks for.
pub(crate) fn start_driver(
    conf: &Conf,
    settings: SchedulerSettings,
    master: &Master,
    application: u64,
    workers: Option<WorkerCommand>,
    agents: Option<AgentCommand>,
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
    if conf.get(&conf::IO_ENCRYPTION)? {
        encrypt_files(&dirs, master, workers.is_some())?;
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
    if master.is_cluster() {
        let command = agents.unwrap_or_else(AgentCommand::own_program);
        let has_processes = workers.is_some();
        start_cluster::start(&driver, &ClusterStart { conf, master, application, command, has_processes })?;
        driver.start_clock().map_err(|e| start(&e))?;
        return Ok(driver);
    }
    let slots = master.slots(conf.get(&conf::TASK_CPUS)?).map_err(Error::Start)?.unwrap_or(1);
    let Some(command) = workers else {
        // Threads of this process run the tasks.
        driver.start(slots).map_err(|e| start(&e))?;
        return Ok(driver);
    };
    let settings = conf.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    let memory = budget / u64::from(slots.max(1));
    let init =
        WorkerInit { executor: ExecutorId::DRIVER, application, directory, memory, settings, remote: None };
    driver.start_processes(slots, command, init).map_err(|e| start(&e))?;
    Ok(driver)
}

/// Encrypts files on disk; on a cluster with a key that follows from the application's secret, once that is
/// known.
fn encrypt_files(dirs: &LocalDirs, master: &Master, has_processes: bool) -> Result<()> {
    if has_processes {
        return Err(Error::Start(
            "`firesteel.io.encryption.enabled` is not for Python programs: what Python spills would not be encrypted. Put \
             `firesteel.local.dir` on an encrypted file system instead"
                .into(),
        ));
    }
    if !master.is_cluster() {
        dirs.encrypt_with(&Cipher::by_chance());
    }
    Ok(())
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
        Ok((
            Arc::new(BlockStore::sharing(files.clone())),
            Arc::new(ShuffleStore::sharing(files.clone(), dirs.clone())),
            CachedBlocks::sharing(memory.clone(), dirs.clone(), files.clone()),
            Arc::new(Broadcasts::sharing(memory, dirs, files)),
        ))
    }
}
