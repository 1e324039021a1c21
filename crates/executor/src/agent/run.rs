//! The life of an agent.

use super::uplink::{ExecutorUplink, Uplink};
use super::{Beginning, MakeWorkers};
use crate::link::Executors;
use crate::memory::records_share;
use crate::processes::{Names, ProcessListener, Processes};
use crate::services::{Parts, services};
use crate::slots::Executor;
use firesteel_closures::code_hash;
use firesteel_data::Cipher;
use firesteel_net::bulk::serve_blocks;
use firesteel_net::{
    ConnectError, Connection, Credentials, Limits, Listener, Outbox, Purpose, Receiver, Secret, Serving,
    connect, receive, send,
};
use firesteel_operators::Services;
use firesteel_protocol::handshake::{
    AgentConfig, AgentReply, RegisterAgent, RemoteConfig, SHARED_DIRECTORY, Welcome, WorkerInit,
};
use firesteel_protocol::{FromExecutor, MigrateOrder, SentOutputs, TaskSpec, ToExecutor};
use firesteel_shuffle::ShuffleStore;
use firesteel_storage::{CachedBlocks, LocalDirs, SharedFiles, sweep};
use firesteel_transfer::{BlockServer, MigrationTarget, RemoteFetcher, result_name};
use firesteel_types::{BroadcastId, ExecutorId, Partition, RddId, ShuffleId, TaskId};
use std::sync::mpsc::{self, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// How long connecting to the driver may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(60);

/// How long tasks may take to notice that the agent ends. Then it ends with them.
const END_WITHIN: Duration = Duration::from_secs(1);

/// Runs an agent until its driver lets go of it. Its executors are threads of this process, or worker processes, where
/// somebody says how these are started.
///
/// # Errors
/// Says why it could not begin, or why it ended though nobody told it to.
pub fn run(config: AgentConfig, workers: Option<MakeWorkers>) -> Result<(), String> {
    let credentials = credentials(&config)?;
    let connection = connect_patiently(&config.driver, &credentials)?;
    let home = Home::make(&config, &credentials)?;
    let closer = connection.closer();
    let (mut receiver, sender) = connection.split();
    let register = RegisterAgent {
        name: config.name.clone(),
        program: code_hash().map_err(|e| e.to_string())?.0,
        host: config.host.clone(),
        cores: config.cores,
        memory: records_share(config.memory),
        has_processes: workers.is_some(),
        blocks: home.blocks.clone(),
        outputs_survive: config.service.is_some(),
        process: std::process::id(),
    };
    let gone = |error: std::io::Error| format!("the driver at {} is gone: {error}", config.driver);
    send(&mut &sender, &register).map_err(gone)?;
    let welcome = match receive(&mut receiver).map_err(gone)? {
        Some(AgentReply::Accepted { welcome }) => welcome,
        Some(AgentReply::Refused { reason }) => {
            return Err(format!("the driver at {} refuses: {reason}", config.driver));
        }
        // It has ended before it let us in.
        None => return Ok(()),
    };
    if welcome.encrypted {
        home.encrypt_files(config.secret.as_deref())?;
    }
    let outbox = Outbox::new("firesteel-uplink", sender, closer).map_err(|e| e.to_string())?;
    let agent = Agent::start(&config, home, &welcome, workers, outbox)?;
    agent.beat(&welcome)?;
    agent.listen(receiver);
    agent.end();
    Ok(())
}

fn credentials(config: &AgentConfig) -> Result<Credentials, String> {
    match &config.secret {
        Some(secret) => Ok(Credentials::of(&Secret::from_text(secret).map_err(|e| e.to_string())?)),
        None => Ok(Credentials::insecure()),
    }
}

/// A driver may be slow to begin, or its network; one that refuses us need not be asked again.
fn connect_patiently(address: &str, credentials: &Credentials) -> Result<Connection, String> {
    const PAUSE: Duration = Duration::from_millis(200);
    let deadline = Instant::now() + CONNECT_WITHIN;
    loop {
        match connect(address, credentials, Purpose::Control, CONNECT_WITHIN) {
            Ok(connection) => return Ok(connection),
            Err(error) if !matches!(error, ConnectError::Unreachable { .. }) || Instant::now() > deadline => {
                return Err(error.to_string());
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// Where an agent's files are, and who serves them.
struct Home {
    dirs: Arc<LocalDirs>,
    files: Arc<SharedFiles>,
    blocks: String,
    serving: Option<Serving>,
}

impl Home {
    fn make(config: &AgentConfig, credentials: &Credentials) -> Result<Self, String> {
        let text = |error: firesteel_data::DataError| error.to_string();
        // Worker processes go elsewhere.
        let directory = std::path::absolute(&config.directory).map_err(|e| e.to_string())?;
        let dirs = match config.service {
            Some(_) => LocalDirs::within(directory.clone()),
            None => LocalDirs::create(&directory),
        };
        let dirs = Arc::new(dirs.map_err(text)?);
        if config.service.is_none() {
            sweep(&directory, |_| ()).map_err(|e| e.to_string())?;
        }
        let files = Arc::new(SharedFiles::open(dirs.path().join(SHARED_DIRECTORY)).map_err(text)?);
        let (serving, blocks) = match &config.service {
            Some(service) => (None, service.clone()),
            None => {
                let served = BlockServer::new(files.clone(), dirs.clone());
                let listener = Listener::bind(&config.bind, credentials.clone(), Limits::default());
                let listener = listener.map_err(|e| format!("nothing can listen at {}: {e}", config.bind))?;
                let port = listener.address().port();
                let handle = move |connection: Connection| {
                    if connection.purpose() == Purpose::Blocks {
                        serve_blocks(connection, &served);
                    }
                };
                let serving = listener.serve("firesteel-blocks", handle).map_err(|e| e.to_string())?;
                (Some(serving), format!("{}:{port}", config.host))
            }
        };
        Ok(Home { dirs, files, blocks, serving })
    }

    /// Whatever is written here from now on is sealed. The driver has told so before there was anything to write.
    fn encrypt_files(&self, secret: Option<&str>) -> Result<(), String> {
        let cipher =
            Cipher::of_secret(secret.ok_or("files are encrypted with a secret's key, and there is none")?);
        self.dirs.encrypt_with(&cipher);
        self.files.encrypt_with(&cipher);
        Ok(())
    }
}

impl Home {
    /// Removes the files, unless somebody else serves them.
    fn remove(&self) {
        if let Some(serving) = &self.serving {
            serving.stop();
            self.dirs.clear();
        }
    }
}

struct Agent {
    executors: Arc<dyn Executors>,
    /// Of an agent whose slots are threads.
    services: Option<Arc<Services>>,
    threads: Option<Arc<Executor>>,
    processes: Option<Arc<Processes>>,
    uplink: Arc<Uplink>,
    outbox: Outbox,
    home: Home,
    /// Removes what was written here.
    outputs: ShuffleStore,
    names: mpsc::Sender<ExecutorId>,
    on_message: Mutex<Instant>,
}

impl Agent {
    fn start(
        config: &AgentConfig,
        home: Home,
        welcome: &Welcome,
        workers: Option<MakeWorkers>,
        outbox: Outbox,
    ) -> Result<Arc<Self>, String> {
        let remote = RemoteConfig {
            secret: config.secret.clone(),
            driver: config.driver.clone(),
            here: home.blocks.clone(),
            retries: welcome.retries,
            retry_wait_ms: welcome.retry_wait_ms,
            timeout_ms: welcome.timeout_ms,
        };
        let uplink =
            Uplink::new(outbox.clone(), RemoteFetcher::open(&remote)?, &home.files, home.blocks.clone());
        let (names, given) = channel();
        for &executor in &welcome.executors {
            let _ = names.send(executor);
        }
        let outputs = ShuffleStore::sharing(home.files.clone(), home.dirs.clone());
        let mut agent = Agent {
            executors: Arc::new(Nobody),
            services: None,
            threads: None,
            processes: None,
            uplink,
            outbox,
            home,
            outputs,
            names,
            on_message: Mutex::new(Instant::now()),
        };
        match workers {
            None => agent.start_threads(config, welcome, &remote)?,
            Some(make) => agent.start_processes(config, welcome, remote, make, given)?,
        }
        Ok(Arc::new(agent))
    }

    fn start_threads(
        &mut self,
        config: &AgentConfig,
        welcome: &Welcome,
        remote: &RemoteConfig,
    ) -> Result<(), String> {
        let executor = *welcome.executors.first().ok_or("the driver gives this agent nothing to do")?;
        let link = || Arc::new(ExecutorUplink { uplink: self.uplink.clone(), executor });
        let services = services(Parts {
            executor,
            application: welcome.application,
            directory: self.home.dirs.path(),
            own: format!("executor-{}", executor.name()),
            memory: records_share(config.memory),
            remote: Some(RemoteFetcher::open(remote)?),
            cipher: self.home.files.cipher().cloned(),
            settings: &welcome.settings,
            listener: Box::new(ExecutorUplink { uplink: self.uplink.clone(), executor }),
            commit: link(),
            barrier: link(),
        });
        let services = Arc::new(services.map_err(|error| error.to_string())?);
        let threads = Executor::start(welcome.slots, services.clone(), self.uplink.clone());
        let threads = Arc::new(threads.map_err(|error| error.to_string())?);
        (self.executors, self.threads, self.services) = (threads.clone(), Some(threads), Some(services));
        self.outbox.send(&FromExecutor::Added { executor });
        Ok(())
    }

    fn start_processes(
        &mut self,
        config: &AgentConfig,
        welcome: &Welcome,
        remote: RemoteConfig,
        make: MakeWorkers,
        names: mpsc::Receiver<ExecutorId>,
    ) -> Result<(), String> {
        let command = make(&Beginning {
            settings: &welcome.settings,
            setting: welcome.setting.as_deref().unwrap_or("{}"),
            directory: self.home.dirs.path(),
            remote: RemoteFetcher::open(&remote)?,
        })?;
        let init = WorkerInit {
            executor: ExecutorId::DRIVER,
            application: welcome.application,
            directory: self.home.dirs.path().to_owned(),
            memory: records_share(config.memory) / u64::from(welcome.slots.max(1)),
            settings: welcome.settings.clone(),
            remote: Some(remote),
        };
        let names = Mutex::new(names);
        let names: Names = Box::new(move || names.lock().unwrap_or_else(PoisonError::into_inner).recv().ok());
        let listener: Arc<dyn ProcessListener> = self.uplink.clone();
        let listener: Weak<dyn ProcessListener> = Arc::downgrade(&listener);
        let processes = Processes::start(command, init, welcome.slots, listener, names);
        let processes = processes.map_err(|error| error.to_string())?;
        self.executors = processes.clone();
        self.processes = Some(processes);
        Ok(())
    }

    /// Says now and then that it lives, and ends the connection when the driver does not.
    fn beat(self: &Arc<Self>, welcome: &Welcome) -> Result<(), String> {
        let (every, silence) =
            (Duration::from_millis(welcome.heartbeat_ms), Duration::from_millis(welcome.timeout_ms));
        let agent = Arc::downgrade(self);
        let beat = move || {
            while let Some(agent) = agent.upgrade() {
                if agent.on_message().elapsed() > silence {
                    tracing::warn!("nothing was heard of the driver for {} s", silence.as_secs());
                    return agent.outbox.close();
                }
                agent.outbox.send(&FromExecutor::Alive { running: agent.executors.running() });
                drop(agent);
                thread::sleep(every);
            }
        };
        thread::Builder::new().name("firesteel-heartbeat".into()).spawn(beat).map_err(|e| e.to_string())?;
        Ok(())
    }

    fn on_message(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.on_message.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(self: &Arc<Self>, mut receiver: Receiver) {
        let mut sent_outputs = SentOutputs::default();
        while let Ok(Some(message)) = receive::<ToExecutor>(&mut receiver) {
            *self.on_message() = Instant::now();
            self.serve(message, &mut sent_outputs);
        }
    }

    fn serve(self: &Arc<Self>, message: ToExecutor, sent_outputs: &mut SentOutputs) {
        match message {
            // Plans come as blocks, and that the driver lives was noted when its message came.
            ToExecutor::Plan { .. } | ToExecutor::Alive => {}
            ToExecutor::Outputs { outputs } => sent_outputs.announced(outputs),
            ToExecutor::Launch { executor, task, announced } => {
                self.executors.launch(executor, sent_outputs.complete(task, &announced));
            }
            ToExecutor::Kill { executor, task } => self.executors.kill(executor, task),
            ToExecutor::CommitDecision { task, allowed } => self.uplink.committed(task, allowed),
            ToExecutor::BarrierAnswer { task, epoch, outcome } => self.uplink.let_on(task, epoch, outcome),
            ToExecutor::ForgetStage { stage } => {
                self.uplink.forget_stage(stage);
                self.executors.forget_stage(stage);
            }
            ToExecutor::RemoveRdd { rdd } => self.remove_rdd(rdd),
            ToExecutor::RemoveBroadcast { broadcast } => self.remove_broadcast(broadcast),
            ToExecutor::RemoveOutput { shuffle, map, task } => self.remove_output(shuffle, map, task),
            ToExecutor::RemoveResult { task } => self.home.files.remove(&result_name(task)),
            ToExecutor::NextExecutor { executor } => drop(self.names.send(executor)),
            ToExecutor::WorkerSetting { setting } => {
                if let Some(processes) = &self.processes {
                    // A server that is gone is started anew with it.
                    let _ = processes.set(&setting);
                }
            }
            ToExecutor::Migrate { order } => self.migrate(order),
            ToExecutor::Leave => self.leave(),
        }
    }

    fn remove_rdd(&self, rdd: RddId) {
        CachedBlocks::remove_shared_rdd(&self.home.files, rdd);
        self.executors.forget_rdd(rdd);
        if let Some(services) = &self.services {
            services.cached.forget_rdd(rdd);
        }
    }

    fn remove_broadcast(&self, broadcast: BroadcastId) {
        self.home.files.remove(&firesteel_storage::broadcasts::name(broadcast));
        self.executors.forget_broadcast(broadcast);
        if let Some(services) = &self.services {
            services.broadcasts.forget(broadcast);
        }
    }

    fn remove_output(&self, shuffle: ShuffleId, map: Partition, task: TaskId) {
        self.outputs.remove(shuffle, map, task);
        if let Some(services) = &self.services {
            services.shuffles.forget(shuffle, map, task);
        }
    }

    /// Takes over what another agent has, in a thread of its own. What cannot be had is left out of the answer.
    fn migrate(self: &Arc<Self>, order: MigrateOrder) {
        let agent = self.clone();
        let take = move || {
            let (files, dirs) = (&agent.home.files, &agent.home.dirs);
            let target = MigrationTarget { outputs: &agent.outputs, files, dirs };
            let report = agent.uplink.remote().migrate(&order, &target);
            agent.outbox.send(&FromExecutor::Migrated { report });
        };
        // Without a thread, whoever waits for it gives up after a while.
        let _ = thread::Builder::new().name("firesteel-migrate".into()).spawn(take);
    }

    /// Waits for what runs, in a thread of its own, and ends.
    fn leave(self: &Arc<Self>) {
        const LOOK_EVERY: Duration = Duration::from_millis(10);
        let agent = self.clone();
        let leave = move || {
            while agent.executors.running().iter().any(|(_, tasks)| !tasks.is_empty()) {
                thread::sleep(LOOK_EVERY);
            }
            agent.outbox.send(&FromExecutor::Left);
            agent.outbox.flush();
            agent.outbox.close();
        };
        if thread::Builder::new().name("firesteel-leave".into()).spawn(leave).is_err() {
            self.outbox.close();
        }
    }

    fn end(&self) {
        self.outbox.close();
        self.uplink.is_over();
        if let Some(threads) = &self.threads {
            threads.stop(END_WITHIN);
        }
        if let Some(processes) = &self.processes {
            processes.stop();
        }
        // Not left to whoever has the agent last: the process may end before.
        self.home.remove();
    }
}

/// There are no executors yet.
struct Nobody;

impl Executors for Nobody {
    fn launch(&self, _: ExecutorId, _: TaskSpec) {}
    fn kill(&self, _: ExecutorId, _: TaskId) {}
    fn forget_stage(&self, _: firesteel_types::StageId) {}
    fn forget_rdd(&self, _: RddId) {}
    fn forget_broadcast(&self, _: BroadcastId) {}
}
