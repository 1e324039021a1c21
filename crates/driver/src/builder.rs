//! [`Builder`]: sets up an application from its settings.

use crate::context::{DriverContext, Parts, Shared};
use crate::driver::Clock;
use crate::endings;
use crate::error::{Error, Result};
use crate::file_options::FileOptions;
use crate::listener::Listener;
use crate::log;
use crate::master::Master;
use crate::panics;
use crate::progress::Progress;
use crate::sight::Sight;
use crate::start_driver::start_driver;
use crate::submitted;
use firesteel_cluster::AgentCommand;
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_executor::{WorkerCommand, runner};
use firesteel_scheduler::{PoolSettings, SchedulerSettings, SchedulingMode, SpeculationSettings};
use firesteel_types::CallSite;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Sets up a [`DriverContext`].
#[derive(Default)]
pub struct Builder {
    conf: Conf,
    pools: BTreeMap<String, PoolSettings>,
    failed: Option<conf::ConfError>,
    workers: Option<WorkerCommand>,
    agents: Option<AgentCommand>,
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
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let sight = Sight::start(&self.conf, self.listeners)?;
        let clock = Clock { started: sight.started, bus: sight.bus.clone() };
        let driver = start_driver(&self.conf, settings, &master, serial, self.workers, self.agents, clock);
        let driver = driver.inspect_err(|_| sight.stop())?;
        sight.attach(&driver);
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
        ..SchedulerSettings::default()
    })
}
