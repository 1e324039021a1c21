//! [`Builder`]: sets up an application from its settings.

use crate::context::{DriverContext, Parts, Shared};
use crate::driver::Clock;
use crate::endings;
use crate::error::{Error, Result};
use crate::file_options::FileOptions;
use crate::listener::Listener;
use crate::log;
use crate::master::Master;
use crate::outside_manager::MakeManager;
use crate::panics;
use crate::progress::Progress;
use crate::recovery::Recovery;
use crate::shuffle_storage;
use crate::sight::{Naming, Sight};
use crate::start_driver::{ClusterParts, start_driver};
use crate::submitted;
use firesteel_cluster::AgentCommand;
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_executor::{WorkerCommand, runner};
use firesteel_scheduler::{
    ExclusionSettings, JournalSettings, PoolSettings, Removal, SchedulerSettings, SchedulingMode,
    SpeculationSettings,
};
use firesteel_types::CallSite;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The time that a cluster's master may take to give the application its id. A master that does not answer keeps no program from
/// beginning.
const REGISTER_WITHIN: Duration = Duration::from_secs(5);

/// The reason why a program with both settings does not start.
const NOT_ENCRYPTED: &str = "`spark.io.encryption.enabled` and `spark.driver.recovery.dir` do not go together: the journal has answers of \
                             jobs as they are. Take one of them out, and put the directory on an encrypted file system instead";

/// Sets up a [`DriverContext`].
#[derive(Default)]
pub struct Builder {
    conf: Conf,
    pools: BTreeMap<String, PoolSettings>,
    failed: Option<conf::ConfError>,
    workers: Option<WorkerCommand>,
    agents: Option<AgentCommand>,
    manager: Option<MakeManager>,
    leaves_signals: bool,
    listeners: Vec<Box<dyn Listener>>,
}

/// The context that [`Builder::get_or_create`] returns.
static ACTIVE: Mutex<Weak<Shared>> = Mutex::new(Weak::new());

impl Builder {
    /// Sets the master, which says on which processes tasks run: `local`, `local[4]`, `local[*]` (the
    /// default), `local[4,2]`, `local-cluster[2,1,1024]`, `firesteel://host:7077`, `listen://host:port`.
    pub fn master(self, master: &str) -> Self {
        self.conf("firesteel.master", master)
    }

    /// Sets the application's name.
    pub fn app_name(self, name: &str) -> Self {
        self.conf("firesteel.app.name", name)
    }

    /// Sets a setting, by its key. A mistake is reported when the context is made.
    pub fn conf(mut self, key: &str, value: &str) -> Self {
        if let Err(error) = self.conf.set(key, value) {
            self.failed.get_or_insert(error);
        }
        self
    }

    /// Adds a pool for the scheduler mode `FAIR`: jobs of pools with twice the weight get twice the slots;
    /// each pool gets `min_share` slots before others get more.
    pub fn pool(mut self, name: &str, weight: u32, min_share: u32) -> Self {
        self.pools.insert(name.into(), PoolSettings { weight: weight.max(1), min_share });
        self
    }

    /// Runs tasks in processes of their own, one for each slot, that this command's server forks.
    ///
    /// The server reads lines of JSON from the socket that is its standard input, and forks a process for
    /// each line that comes with a socket; the process runs [`firesteel_executor::Worker`] on it. Python's
    /// module brings such a server.
    pub fn worker_processes(mut self, command: WorkerCommand) -> Self {
        self.workers = Some(command);
        self
    }

    /// Sets the command that starts agents, which are processes that run executors for this one: by default
    /// the program itself, whose `main` has the attribute `#[firesteel::main]`.
    pub fn agent_command(mut self, command: AgentCommand) -> Self {
        self.agents = Some(command);
        self
    }

    /// Sets what makes the cluster manager, for masters that this crate knows no manager of: `ray`. It is called when
    /// the application asks for its first executors, and not with other masters.
    pub fn manager(mut self, make: MakeManager) -> Self {
        self.manager = Some(make);
        self
    }

    /// Adds a listener, which is told of everything that happens in the application, from its beginning on.
    pub fn listener(mut self, listener: impl Listener + 'static) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Leaves signals that end the process to the program, for languages that handle them in a way of their
    /// own.
    pub fn leave_signals(mut self) -> Self {
        self.leaves_signals = true;
        self
    }

    /// Returns the context that is active in this process, or makes a new one, which becomes active.
    ///
    /// # Errors
    /// When a setting is invalid, or threads or directories cannot be made.
    pub fn get_or_create(self) -> Result<DriverContext> {
        let mut active = ACTIVE.lock();
        if let Some(context) = active.upgrade().map(DriverContext::of)
            && !context.is_stopped()
        {
            return Ok(context);
        }
        let context = self.create()?;
        *active = context.downgrade();
        Ok(context)
    }

    /// Makes a new context, besides those that exist already.
    ///
    /// # Errors
    /// When a setting is invalid, or threads or directories cannot be made.
    pub fn create(mut self) -> Result<DriverContext> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        if runner::is_in_task() && !self.conf.get(&conf::ALLOW_CONTEXT)? {
            return Err(Error::Start(
                "a context should only be created and accessed on the driver, not inside a task: jobs of a task's own compete with those that \
                 wait for it. Set `spark.executor.allowSparkContext` to `true` for the new context if that is what you want"
                    .into(),
            ));
        }
        submitted::apply(&mut self.conf)?;
        log::set_log_level(&self.conf.get(&conf::LOG_LEVEL)?);
        let (file, is_json) = (self.conf.get(&conf::LOG_FILE)?, self.conf.get(&conf::LOG_STRUCTURED)?);
        log::set_log_output(&file, is_json).map_err(Error::Start)?;
        log::show_log();
        panics::warn_if_they_abort();
        self.conf.check()?.iter().for_each(|warning| log::warn_once(warning));
        let master = self.conf.get(&conf::MASTER)?;
        let master = Master::parse(&master).map_err(Error::Start)?;
        let memory = match self.conf.is_set(&conf::EXECUTOR_MEMORY) {
            true => Some(self.conf.get(&conf::EXECUTOR_MEMORY)?),
            false => None,
        };
        let cores = self.conf.get(&conf::EXECUTOR_CORES)?;
        let master = master.with_executors(cores, memory).map_err(Error::Start)?;
        let slots = master.slots(self.conf.get(&conf::TASK_CPUS)?).map_err(Error::Start)?;
        let settings = scheduler_settings(&self.conf, &master, self.pools)?;
        // Checked here so that settings of files that are invalid fail the start, not the first save.
        FileOptions::from_conf(&self.conf)?;
        let recovery = match self.conf.get(&conf::RECOVERY_DIR)? {
            dir if dir.is_empty() => None,
            _ if self.conf.get(&conf::IO_ENCRYPTION)? => return Err(Error::Start(NOT_ENCRYPTED.into())),
            dir => Some(Arc::new(Recovery::open(&dir)?)),
        };
        if recovery.is_some()
            && let Some(why) = shuffle_storage::why_stages_run_again(&self.conf, master.is_cluster())?
        {
            tracing::info!(
                "`spark.driver.recovery.dir`: if this driver ends in the middle of a job, the next one runs all stages of that job again: \
                 {why}"
            );
        }
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let sight = Sight::start(&self.conf, self.listeners, naming(&master))?;
        let clock = Clock { started: sight.started, bus: sight.bus.clone() };
        let cluster = ClusterParts {
            recovery,
            agents: self.agents,
            manager: self.manager,
            pages: sight.url(),
            name: sight.name_so_far(),
        };
        let driver = start_driver(&self.conf, settings, &master, serial, self.workers, cluster, clock);
        let driver = driver.inspect_err(|_| sight.stop())?;
        sight.attach(&driver);
        if naming(&master) == Naming::ByMaster {
            let named = sight.name(&self.conf, driver.application_id(REGISTER_WITHIN));
            named.inspect_err(|_| {
                driver.stop();
                sight.stop();
            })?;
        }
        let parallelism = self.conf.get(&conf::DEFAULT_PARALLELISM)?;
        let progress = if self.conf.get(&conf::SHOW_PROGRESS)? { Progress::watch(&driver) } else { None };
        let checkpoint_dir = self.conf.get(&conf::CHECKPOINT_DIR)?;
        let shared = Arc::new(Shared::new(Parts {
            serial,
            cores: master.cores(),
            slots,
            parallelism,
            driver,
            progress,
            sight,
            conf: self.conf,
        }));
        if !self.leaves_signals {
            let stops: Weak<dyn endings::Stops> =
                Arc::downgrade(&(shared.clone() as Arc<dyn endings::Stops>));
            endings::watch(stops).map_err(|error| Error::Start(error.to_string()))?;
        }
        let context = DriverContext::of(shared);
        if !checkpoint_dir.is_empty() {
            context.set_checkpoint_dir(CallSite::default(), &checkpoint_dir)?;
        }
        Ok(context)
    }
}

/// Returns who gives an application of this master its id.
fn naming(master: &Master) -> Naming {
    match master {
        Master::Standalone { .. } | Master::Managed(_) => Naming::ByMaster,
        Master::Local { .. } | Master::LocalCluster { .. } | Master::Listen { .. } => Naming::Here,
    }
}

/// Returns the rules by which executors and hosts are excluded; `None` if none ever is.
fn exclusion_settings(conf: &Conf) -> Result<Option<ExclusionSettings>> {
    let is_on = conf.get(&conf::EXCLUDE)?;
    let task_and_stage = conf.get(&conf::EXCLUDE_TASK_AND_STAGE)?.unwrap_or(is_on);
    let application = conf.get(&conf::EXCLUDE_APPLICATION)?.unwrap_or(is_on);
    if !task_and_stage && !application {
        return Ok(None);
    }
    let task_attempts_per_host = conf.get(&conf::EXCLUDE_TASK_PER_HOST)?;
    let max_failures = conf.get(&conf::TASK_MAX_FAILURES)?;
    if task_and_stage && task_attempts_per_host >= max_failures {
        let message = format!(
            "`{}` ({task_attempts_per_host}) is not less than `{}` ({max_failures}): a task could fail its job on one bad host. Lower \
             the one, raise the other, or set `{}` to `false`",
            conf::EXCLUDE_TASK_PER_HOST.key,
            conf::TASK_MAX_FAILURES.key,
            conf::EXCLUDE.key
        );
        return Err(Error::Start(message));
    }
    let removal = match (conf.get(&conf::EXCLUDE_KILL)?, conf.get(&conf::EXCLUDE_DECOMMISSION)?) {
        (false, _) => None,
        (true, false) => Some(Removal::Kill),
        (true, true) => Some(Removal::Decommission),
    };
    Ok(Some(ExclusionSettings {
        task_and_stage,
        application,
        timeout_ms: conf.get(&conf::EXCLUDE_TIMEOUT_MS)?,
        task_attempts_per_executor: conf.get(&conf::EXCLUDE_TASK_PER_EXECUTOR)?,
        task_attempts_per_host,
        stage_tasks_per_executor: conf.get(&conf::EXCLUDE_STAGE_TASKS)?,
        stage_executors_per_host: conf.get(&conf::EXCLUDE_STAGE_EXECUTORS)?,
        application_tasks_per_executor: conf.get(&conf::EXCLUDE_APPLICATION_TASKS)?,
        application_executors_per_host: conf.get(&conf::EXCLUDE_APPLICATION_EXECUTORS)?,
        on_fetch_failure: conf.get(&conf::EXCLUDE_FETCH_FAILURE)?,
        removal,
        unschedulable_timeout_ms: conf.get(&conf::EXCLUDE_UNSCHEDULABLE_MS)?,
        ..ExclusionSettings::default()
    }))
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
        // Worker processes begin one after the other; the number that there will be was checked before.
        barrier_slots_wait_ms: conf.get(&conf::NO_EXECUTORS_TIMEOUT_MS)?,
        outputs_survive_silence: master.is_cluster() && conf.get(&conf::SHUFFLE_SERVICE)?,
        barrier_sync_timeout_ms: conf.get(&conf::BARRIER_SYNC_TIMEOUT_MS)?,
        speculation,
        exclusion: exclusion_settings(conf)?,
        journal: match conf.get(&conf::RECOVERY_DIR)?.is_empty() {
            true => JournalSettings::Nothing,
            false if master.is_cluster() && shuffle_storage::is_configured(conf)? => {
                JournalSettings::JobsAndShuffles
            }
            false => JournalSettings::Jobs,
        },
        ..SchedulerSettings::default()
    })
}
