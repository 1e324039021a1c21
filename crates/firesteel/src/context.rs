//! The context: the start of every program, the owner of everything that runs for it.

use crate::checkpoints::Checkpoints;
use crate::driver::{Driver, LocalCommitGate, Properties};
use crate::endings;
use crate::error::{Error, Result};
use crate::file_options::FileOptions;
use crate::log;
use crate::master::Master;
use crate::panics;
use crate::progress::Progress;
use crate::remote::{self, RemoteConfig};
use crate::submitted;
use firesteel_cluster::AgentCommand;
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_data::{Cipher, DataError};
use firesteel_executor::WorkerCommand;
use firesteel_io::{StoreSettings, Stores};
use firesteel_operators::Services;
use firesteel_protocol::handshake::{SHARED_DIRECTORY, WorkerInit};
use firesteel_scheduler::{Event, PoolSettings, SchedulerSettings, SchedulingMode, SpeculationSettings};
use firesteel_shuffle::ShuffleStore;
use firesteel_storage::{BlockStore, Broadcasts, CachedBlocks, LocalDirs, MemoryPool, SharedFiles, sweep};
use firesteel_types::{BroadcastId, ExecutorId, JobId, RddId, ShuffleId, StageId};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// An application: makes RDDs, runs jobs, owns threads, memory and files. Cheap to clone; clones are the same context.
///
/// When the last clone, and the last RDD made from it, is dropped, or [`Context::stop`] is called, jobs are cancelled,
/// threads end and files are removed. So they are when Ctrl-C, SIGTERM or SIGHUP ends the process, unless the program handles or
/// ignores that signal when it makes its first context.
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

struct Inner {
    conf: Conf,
    serial: u64,
    slots: Option<u32>,
    parallelism: Option<u32>,
    driver: Arc<Driver>,
    progress: Option<Arc<Progress>>,
    next_rdd: AtomicU32,
    next_shuffle: AtomicU32,
    next_stage: AtomicU32,
    next_job: AtomicU32,
    next_broadcast: AtomicU64,
    log: log::Level,
    checkpoints: Checkpoints,
    /// The next depth of a lineage that is worth a warning.
    warn_at_depth: AtomicU32,
    stopped: AtomicBool,
}

/// Sets up a [`Context`].
///
/// ```
/// # fn main() -> firesteel::Result<()> {
/// let sc = firesteel::Context::builder().master("local[2]").app_name("demo").conf("firesteel.memory", "256m").create()?;
/// assert_eq!(sc.default_parallelism(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Builder {
    conf: Conf,
    pools: BTreeMap<String, PoolSettings>,
    failed: Option<conf::ConfError>,
    workers: Option<WorkerCommand>,
    agents: Option<AgentCommand>,
    leaves_signals: bool,
}

static ACTIVE: Mutex<Weak<Inner>> = Mutex::new(Weak::new());

impl Builder {
    /// Where tasks run: `local`, `local[4]`, `local[*]` (the default), `local[4,2]`, `local-cluster[2,1,1024]`,
    /// `firesteel://host:7077`, `listen://host:port`.
    pub fn master(self, master: &str) -> Self {
        self.conf("firesteel.master", master)
    }

    /// The application's name.
    pub fn app_name(self, name: &str) -> Self {
        self.conf("firesteel.app.name", name)
    }

    /// A setting, by its key. A mistake is reported when the context is made.
    pub fn conf(mut self, key: &str, value: &str) -> Self {
        if let Err(error) = self.conf.set(key, value) {
            self.failed.get_or_insert(error);
        }
        self
    }

    /// A pool for the scheduler mode `FAIR`: jobs of pools with twice the weight get twice the slots; each pool gets
    /// `min_share` slots before others get more.
    pub fn pool(mut self, name: &str, weight: u32, min_share: u32) -> Self {
        self.pools.insert(name.into(), PoolSettings { weight: weight.max(1), min_share });
        self
    }

    /// Runs tasks in processes of their own, one for each slot, that this command's server forks.
    ///
    /// The server reads lines of JSON from the socket that is its standard input, and forks a process for each that comes with a
    /// socket; the process runs [`firesteel_executor::Worker`] on it. The Python face brings such a server.
    #[doc(hidden)]
    pub fn worker_processes(mut self, command: WorkerCommand) -> Self {
        self.workers = Some(command);
        self
    }

    /// How processes are started that run executors for this one, where they are processes of their own: by default the program itself,
    /// whose `main` has the attribute `#[firesteel::main]`.
    #[doc(hidden)]
    pub fn agent_command(mut self, command: AgentCommand) -> Self {
        self.agents = Some(command);
        self
    }

    /// Leaves signals that end the process to the program: its language has a way of its own to handle them.
    #[doc(hidden)]
    pub fn leave_signals(mut self) -> Self {
        self.leaves_signals = true;
        self
    }

    /// The context that is active in this process, or a new one, which becomes active.
    ///
    /// # Errors
    /// When a setting makes no sense, or threads or directories cannot be had.
    pub fn get_or_create(self) -> Result<Context> {
        let mut active = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = active.upgrade()
            && !inner.stopped.load(Ordering::Relaxed)
        {
            return Ok(Context { inner });
        }
        let context = self.create()?;
        *active = Arc::downgrade(&context.inner);
        Ok(context)
    }

    /// A new context, beside whatever others there are.
    ///
    /// # Errors
    /// When a setting makes no sense, or threads or directories cannot be had.
    pub fn create(mut self) -> Result<Context> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        panics::warn_if_they_abort();
        submitted::apply(&mut self.conf)?;
        let master = self.conf.get(&conf::MASTER)?;
        let master = Master::parse(&master).map_err(Error::Start)?;
        let memory = match self.conf.is_set(&conf::EXECUTOR_MEMORY) {
            true => Some(self.conf.get(&conf::EXECUTOR_MEMORY)?),
            false => None,
        };
        let cores = self.conf.get(&conf::EXECUTOR_CORES)?;
        let master = master.with_executors(cores, memory).map_err(Error::Start)?;
        let settings = scheduler_settings(&self.conf, &master, self.pools)?;
        // Those of files that cannot be are told now, not by the first save.
        FileOptions::from_conf(&self.conf)?;
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let driver = start_driver(&self.conf, settings, &master, serial, self.workers, self.agents)?;
        let parallelism = self.conf.get(&conf::DEFAULT_PARALLELISM)?;
        let progress = if self.conf.get(&conf::SHOW_PROGRESS)? { Progress::watch(&driver) } else { None };
        let log = log::Level::named(&self.conf.get(&conf::LOG_LEVEL)?);
        let inner = Inner {
            conf: self.conf,
            serial,
            slots: master.slots(),
            parallelism,
            driver,
            progress,
            next_rdd: AtomicU32::new(0),
            next_shuffle: AtomicU32::new(0),
            next_stage: AtomicU32::new(0),
            next_job: AtomicU32::new(0),
            next_broadcast: AtomicU64::new(0),
            log,
            checkpoints: Checkpoints::default(),
            warn_at_depth: AtomicU32::new(0),
            stopped: AtomicBool::new(false),
        };
        let inner = Arc::new(inner);
        if !self.leaves_signals {
            let stops: Weak<dyn endings::Stops> = Arc::downgrade(&(inner.clone() as Arc<dyn endings::Stops>));
            endings::watch(stops).map_err(|error| Error::Start(error.to_string()))?;
        }
        Ok(Context { inner })
    }
}

fn scheduler_settings(
    conf: &Conf,
    master: &Master,
    pools: BTreeMap<String, PoolSettings>,
) -> Result<SchedulerSettings> {
    let mode = match conf.get(&conf::SCHEDULER_MODE)?.to_ascii_uppercase().as_str() {
        "FIFO" => SchedulingMode::Fifo,
        "FAIR" => SchedulingMode::Fair,
        other => {
            let message = format!("`firesteel.scheduler.mode` cannot be `{other}`: write `FIFO` or `FAIR`");
            return Err(Error::Start(message));
        }
    };
    let speculation = match conf.get(&conf::SPECULATION)? {
        false => None,
        true => Some(SpeculationSettings {
            multiplier: conf.get(&conf::SPECULATION_MULTIPLIER)?,
            quantile: conf.get(&conf::SPECULATION_QUANTILE)?,
            ..SpeculationSettings::default()
        }),
    };
    let max_failures = if conf.is_set(&conf::TASK_MAX_FAILURES) { None } else { master.max_failures() };
    Ok(SchedulerSettings {
        max_task_failures: max_failures.map_or_else(|| conf.get(&conf::TASK_MAX_FAILURES), Ok)?,
        max_consecutive_stage_attempts: conf.get(&conf::STAGE_MAX_CONSECUTIVE_ATTEMPTS)?,
        mode,
        pools,
        locality_wait_ms: conf.get(&conf::LOCALITY_WAIT_MS)?,
        network_timeout_ms: conf.get(&conf::NETWORK_TIMEOUT_MS)?,
        no_executors_timeout_ms: conf.get(&conf::NO_EXECUTORS_TIMEOUT_MS)?,
        // Worker processes begin one after the other; how many there will be was looked at before.
        barrier_slots_wait_ms: conf.get(&conf::NO_EXECUTORS_TIMEOUT_MS)?,
        outputs_survive_silence: master.is_cluster() && conf.get(&conf::SHUFFLE_SERVICE)?,
        barrier_sync_timeout_ms: conf.get(&conf::BARRIER_SYNC_TIMEOUT_MS)?,
        speculation,
        ..SchedulerSettings::default()
    })
}

fn start_driver(
    conf: &Conf,
    settings: SchedulerSettings,
    master: &Master,
    application: u64,
    workers: Option<WorkerCommand>,
    agents: Option<AgentCommand>,
) -> Result<Arc<Driver>> {
    let start = |error: &dyn std::fmt::Display| Error::Start(error.to_string());
    let parent = match conf.get(&conf::LOCAL_DIR)? {
        dir if dir.is_empty() => std::env::temp_dir(),
        dir => PathBuf::from(dir),
    };
    let budget = conf.get(&conf::MEMORY)?.unwrap_or_else(default_memory);
    let gate = Arc::new(LocalCommitGate(OnceLock::new()));
    let memory = Arc::new(MemoryPool::new(budget as usize));
    let dirs = Arc::new(LocalDirs::create(&parent).map_err(|e| start(&e))?);
    let log = log::Level::named(&conf.get(&conf::LOG_LEVEL)?);
    sweep(&parent, move |text| log.info(text)).map_err(|e| start(&e))?;
    if conf.get(&conf::IO_ENCRYPTION)? {
        encrypt_files(&dirs, master, workers.is_some())?;
    }
    let cached_here = Cached { memory: memory.clone(), dirs: dirs.clone() };
    let cached = cached_here.stores(workers.is_some() && !master.is_cluster()).map_err(|e| start(&e))?;
    let (blocks, shuffles, cached, broadcasts) = cached;
    let directory = dirs.path().to_owned();
    let (commit, barrier) = (gate.clone(), gate.clone());
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
    let driver = Arc::new(Driver::new(settings, Arc::new(services), conf.get(&conf::MAX_RESULT_SIZE)?));
    let _ = gate.0.set(Arc::downgrade(&driver));
    if master.is_cluster() {
        let command = agents.unwrap_or_else(AgentCommand::own_program);
        let has_processes = workers.is_some();
        remote::start(&driver, &RemoteConfig { conf, master, application, command, has_processes, log })?;
        driver.start_clock().map_err(|e| start(&e))?;
        return Ok(driver);
    }
    let slots = master.slots().unwrap_or(1);
    let Some(command) = workers else {
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

/// What is written to disk is sealed; on a cluster with what follows from the application's secret, once that is known.
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

/// What the driver's stores are made of.
struct Cached {
    memory: Arc<MemoryPool>,
    dirs: Arc<LocalDirs>,
}

type BlockStores = (Arc<BlockStore>, Arc<ShuffleStore>, Arc<CachedBlocks>, Arc<Broadcasts>);

impl Cached {
    /// Stores of this process alone, or such that worker processes share.
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

/// 60 % of what is free, by the machine or the control group, whichever is less.
fn default_memory() -> u64 {
    const UNKNOWN: u64 = 1 << 30;
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let available = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? << 10)
    });
    let limit = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse::<u64>().ok());
    let free = available.unwrap_or(UNKNOWN).min(limit.unwrap_or(u64::MAX));
    free / 10 * 6
}

/// What a thread has said about the jobs that it will run.
#[derive(Clone, Default)]
pub(crate) struct LocalProperties {
    pub(crate) group: Option<String>,
    pub(crate) pool: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) properties: Properties,
}

thread_local! {
    /// By context.
    static LOCAL: RefCell<HashMap<u64, LocalProperties>> = RefCell::default();
}

impl Context {
    /// Begins to set up a context.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The application's name.
    pub fn app_name(&self) -> String {
        self.inner.conf.get(&conf::APP_NAME).unwrap_or_default()
    }

    /// The settings that were made.
    pub fn conf(&self) -> &Conf {
        &self.inner.conf
    }

    /// The stores that files are in, as this context's settings reach them.
    pub(crate) fn stores(&self) -> &Stores {
        &self.driver().services.stores
    }

    /// Partitions of `parallelize`, and of shuffles whose inputs do not say.
    pub fn default_parallelism(&self) -> u32 {
        // A cluster whose executors are not all there yet still cuts data for more than one.
        const AT_LEAST: u32 = 2;
        let slots = || self.inner.slots.unwrap_or_else(|| self.slots().max(AT_LEAST));
        self.inner.parallelism.unwrap_or_else(slots)
    }

    /// How many tasks run at a time.
    pub fn slots(&self) -> u32 {
        let there = || self.driver().remote().map_or(0, |remote| remote.fleet.slots());
        self.inner.slots.unwrap_or_else(there)
    }

    /// The processes that run executors for this one, by the names of those who started them. For tests of Firesteel itself.
    #[doc(hidden)]
    pub fn executor_processes(&self) -> Vec<(String, u32)> {
        self.driver().remote().map_or(vec![], |remote| remote.fleet.processes())
    }

    /// How often this process has sent a broadcast value to an executor elsewhere. For tests of Firesteel itself.
    #[doc(hidden)]
    pub fn broadcasts_sent(&self) -> u64 {
        self.driver().broadcast_trees.sent.load(Ordering::Relaxed)
    }

    /// Where this process listens for executors, if it does. For tests of Firesteel itself.
    #[doc(hidden)]
    pub fn listens_at(&self) -> Option<std::net::SocketAddr> {
        self.driver().remote().map(|remote| remote.address())
    }

    /// Jobs that this thread runs from now on belong to a group, by which any thread can cancel them.
    pub fn set_job_group(&self, group: &str) {
        self.with_local(|local| local.group = Some(group.into()));
    }

    /// Jobs that this thread runs from now on belong to no group.
    pub fn clear_job_group(&self) {
        self.with_local(|local| local.group = None);
    }

    /// Jobs that this thread runs from now on compete in a pool (with the scheduler mode `FAIR`). `None` is the default pool.
    pub fn set_pool(&self, pool: Option<&str>) {
        self.with_local(|local| local.pool = pool.map(Into::into));
    }

    /// Jobs that this thread runs from now on carry a tag, by which any thread can cancel them.
    pub fn add_job_tag(&self, tag: &str) {
        self.with_local(|local| {
            if !local.tags.iter().any(|known| known == tag) {
                local.tags.push(tag.into());
            }
        });
    }

    /// Jobs that this thread runs from now on do not carry the tag any more.
    pub fn remove_job_tag(&self, tag: &str) {
        self.with_local(|local| local.tags.retain(|known| known != tag));
    }

    /// Tasks of jobs that this thread runs from now on can read these, by their names.
    pub fn set_local_properties(&self, properties: BTreeMap<String, String>) {
        self.with_local(|local| local.properties = Arc::new(properties));
    }

    /// The application's own directory. It goes when the context stops.
    pub fn directory(&self) -> &Path {
        self.inner.driver.services.dirs.path()
    }

    /// Cancels all running jobs of a group.
    pub fn cancel_job_group(&self, group: &str) {
        let reason = format!("part of cancelled job group {group}");
        self.inner.driver.post(Event::CancelGroup { group: group.into(), reason });
    }

    /// Cancels all running jobs with a tag.
    pub fn cancel_jobs_with_tag(&self, tag: &str) {
        let reason = format!("part of cancelled job tags {tag}");
        self.inner.driver.post(Event::CancelTag { tag: tag.into(), reason });
    }

    /// Cancels all running jobs.
    pub fn cancel_all_jobs(&self) {
        self.inner.driver.post(Event::CancelAll { reason: "as part of cancellation of all jobs".into() });
    }

    /// Stops the context: running jobs fail, threads end, files go. Stopping twice does nothing.
    pub fn stop(&self) {
        self.inner.stop();
    }

    /// Whether the context was stopped.
    pub fn is_stopped(&self) -> bool {
        self.inner.stopped.load(Ordering::Relaxed)
    }

    /// Whether nothing runs, and nothing of a job that ended is left in memory or on disk beyond what RDDs still need. For
    /// tests of Firesteel itself.
    #[doc(hidden)]
    pub fn is_idle(&self) -> bool {
        self.inner.driver.is_idle()
    }

    /// How many map outputs, input blocks, partitions and broadcast values are kept. For tests of Firesteel itself.
    #[doc(hidden)]
    pub fn cached_blocks(&self) -> usize {
        let services = &self.inner.driver.services;
        services.shuffles.len() + services.blocks.len() + services.cached.len() + services.broadcasts.len()
    }

    /// The most memory that records ever took, in bytes, as the budget counts it.
    pub fn peak_memory(&self) -> usize {
        self.inner.driver.services.memory.arbiter().peak()
    }

    /// Takes the progress bar away.
    pub(crate) fn hide_progress(&self) {
        if let Some(progress) = &self.inner.progress {
            progress.hide();
        }
    }

    pub(crate) fn driver(&self) -> &Arc<Driver> {
        &self.inner.driver
    }

    /// Tells contexts of one process apart.
    pub(crate) fn serial(&self) -> u64 {
        self.inner.serial
    }

    pub(crate) fn with_local<R>(&self, f: impl FnOnce(&mut LocalProperties) -> R) -> R {
        LOCAL.with_borrow_mut(|all| f(all.entry(self.inner.serial).or_default()))
    }

    pub(crate) fn next_rdd(&self) -> RddId {
        RddId(self.inner.next_rdd.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_shuffle(&self) -> ShuffleId {
        ShuffleId(self.inner.next_shuffle.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_stage(&self) -> StageId {
        StageId(self.inner.next_stage.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_broadcast(&self) -> BroadcastId {
        BroadcastId(self.inner.next_broadcast.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn checkpoints(&self) -> &Checkpoints {
        &self.inner.checkpoints
    }

    /// Whether a lineage of this depth was not warned of yet, nor one half as deep.
    pub(crate) fn is_new_depth(&self, depth: u32) -> bool {
        let before = self.inner.warn_at_depth.fetch_max(depth * 2, Ordering::Relaxed);
        depth >= before
    }

    /// Where notes to the person at the terminal go.
    pub(crate) fn log(&self) -> log::Level {
        self.inner.log
    }

    pub(crate) fn next_job(&self) -> JobId {
        JobId(self.inner.next_job.fetch_add(1, Ordering::Relaxed))
    }
}

impl endings::Stops for Inner {
    fn stop(&self) {
        Inner::stop(self);
    }
}

impl Inner {
    fn stop(&self) {
        if !self.stopped.swap(true, Ordering::Relaxed) {
            self.driver.stop();
            if self.conf.get(&conf::CLEAN_CHECKPOINTS).unwrap_or(true) {
                self.checkpoints.remove_all(&self.driver.services.stores);
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}
