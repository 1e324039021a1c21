//! The life of an agent.

use super::home::Home;
use super::logs::read_part;
use super::notice::{NOTICE_VARIABLE, tell_of_notices};
use super::uplink::Uplink;
use super::uploads::{Uploads, Writing};
use super::{Beginning, MakeWorkers};
use crate::link::{DriverLink, Executors};
use crate::memory::records_share;
use crate::processes::{Names, Processes};
use crate::services::{Parts, services};
use crate::slot_link::{CachedBlocksOf, SlotLink};
use crate::slots::Executor;
use crate::stored::StoredReader;
use firesteel_closures::code_hash;
use firesteel_net::{
    ConnectError, Connection, Credentials, Outbox, Purpose, Receiver, Secret, connect, receive, send,
};
use firesteel_operators::{Services, Stores};
use firesteel_protocol::handshake::{
    AgentConfig, AgentReply, FilesSecret, LogFiles, RegisterAgent, RemoteConfig, Welcome, WorkerInit,
};
use firesteel_protocol::{FromExecutor, LogAsk, MigrateOrder, SentOutputs, ToExecutor};
use firesteel_shuffle::ShuffleStore;
use firesteel_storage::CachedBlocks;
use firesteel_transfer::{MigrationTarget, RemoteFetcher, result_name};
use firesteel_types::ExecutorId;
use parking_lot::Mutex;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time that connecting to the driver may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(60);

/// The time that tasks have to notice that the agent ends. Then it ends with them.
const END_WITHIN: Duration = Duration::from_secs(1);

/// Runs an agent until its driver releases it. Its executor's slots are threads of this process; with `workers`, which says how they are
/// started, its executors are worker processes.
///
/// # Errors
/// Says why it could not begin, or why it ended though it was not told to.
pub fn run(config: AgentConfig, workers: Option<MakeWorkers>) -> Result<(), String> {
    let credentials = credentials(&config)?;
    let connection = connect_patiently(&config.driver, &credentials)?;
    let home = Home::make(&config, &credentials, workers.is_none())?;
    let closer = connection.closer();
    let (mut receiver, sender) = connection.split();
    let register = RegisterAgent {
        name: if config.name.is_empty() { own_name(&config.host) } else { config.name.clone() },
        program: code_hash().map_err(|e| e.to_string())?.0,
        host: config.host.clone(),
        cores: config.cores,
        memory: records_share(config.memory),
        has_processes: workers.is_some(),
        blocks: home.blocks.clone(),
        cached: home.cached.clone(),
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
        // It has ended before it answered.
        None => return Ok(()),
    };
    if welcome.encrypted {
        home.encrypt_files(config.secret.as_deref())?;
    }
    let outbox = Outbox::new("firesteel-uplink", sender, closer).map_err(|e| e.to_string())?;
    if let Some(within_ms) = config.notice_ms {
        tell_of_notices(within_ms, outbox.clone()).map_err(|e| e.to_string())?;
    }
    let agent = Agent::start(&config, home, &welcome, workers, outbox)?;
    agent.beat(&welcome)?;
    agent.listen(receiver);
    agent.end();
    Ok(())
}

/// Returns a name that no other agent has, for one that nobody has named.
fn own_name(host: &str) -> String {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{host}-{}-{}", std::process::id(), since_1970.as_millis())
}

fn credentials(config: &AgentConfig) -> Result<Credentials, String> {
    match &config.secret {
        Some(secret) => Ok(Credentials::of(&Secret::from_text(secret).map_err(|e| e.to_string())?)),
        None => Ok(Credentials::insecure()),
    }
}

/// Connects to the driver, again and again: it may be slow to begin, or its network. One that refuses is not asked again.
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

struct Agent {
    executors: Hosted,
    uplink: Arc<Uplink>,
    outbox: Outbox,
    home: Home,
    /// Removes map outputs that were written here.
    outputs: ShuffleStore,
    /// Writes map outputs to the shuffle storage, if there is one.
    uploads: Option<Arc<Uploads>>,
    /// The files that this process writes to, if they are kept.
    logs: Option<LogFiles>,
    /// The time of the last message of the driver.
    heard: Mutex<Instant>,
}

/// The executors of an agent.
enum Hosted {
    /// One, whose slots are threads of this process.
    Threads { executor: Executor, services: Arc<Services>, link: Arc<SlotLink> },
    /// Worker processes with a slot each.
    Processes(Arc<Processes>),
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
            storage: welcome.storage.clone(),
        };
        let uploads = start_uploads(&home, welcome, &outbox)?;
        let fetcher = RemoteFetcher::open(&remote)?;
        let uplink = Uplink::new(outbox.clone(), fetcher, &home.files, home.blocks.clone(), uploads.clone());
        let executors = match workers {
            None => start_threads(config, &home, welcome, &remote, &uplink)?,
            Some(make) => start_processes(config, &home, welcome, remote, make, &uplink)?,
        };
        let outputs = ShuffleStore::sharing(home.files.clone(), home.dirs.clone());
        let heard = Mutex::new(Instant::now());
        let logs = config.logs.clone();
        Ok(Arc::new(Agent { executors, uplink, outbox, home, outputs, uploads, logs, heard }))
    }

    /// Starts the thread that tells the driver at intervals that the agent lives, and that ends the connection when the driver is silent.
    fn beat(self: &Arc<Self>, welcome: &Welcome) -> Result<(), String> {
        let (every, silence) =
            (Duration::from_millis(welcome.heartbeat_ms), Duration::from_millis(welcome.timeout_ms));
        let agent = Arc::downgrade(self);
        let beat = move || {
            while let Some(agent) = agent.upgrade() {
                if agent.heard.lock().elapsed() > silence {
                    tracing::warn!("nothing was heard of the driver for {} s", silence.as_secs());
                    return agent.outbox.close();
                }
                let executors = agent.executors.get();
                let (mut running, memory) = (executors.running(), executors.memory());
                // A task that waits for its output to be stored has not ended.
                for (executor, task) in agent.uploads.iter().flat_map(|uploads| uploads.waiting()) {
                    match running.iter_mut().find(|(of, _)| *of == executor) {
                        Some((_, tasks)) => tasks.push(task),
                        None => running.push((executor, vec![task])),
                    }
                }
                agent.outbox.send(&FromExecutor::Alive { running, memory });
                drop(agent);
                thread::sleep(every);
            }
        };
        thread::Builder::new().name("firesteel-heartbeat".into()).spawn(beat).map_err(|e| e.to_string())?;
        Ok(())
    }

    /// Handles the driver's messages until the connection ends.
    fn listen(self: &Arc<Self>, mut receiver: Receiver) {
        let mut sent_outputs = SentOutputs::default();
        while let Ok(Some(message)) = receive::<ToExecutor>(&mut receiver) {
            *self.heard.lock() = Instant::now();
            self.handle(message, &mut sent_outputs);
        }
    }

    fn handle(self: &Arc<Self>, message: ToExecutor, sent_outputs: &mut SentOutputs) {
        match message {
            // Plans come as blocks, and that the driver lives was noted when its message came.
            ToExecutor::Plan { .. } | ToExecutor::Alive => {}
            ToExecutor::Outputs { outputs } => sent_outputs.announced(outputs),
            ToExecutor::Launch { executor, task, announced } => {
                let task = sent_outputs.complete(task, &announced);
                self.executors.get().send(ToExecutor::Launch { executor, task, announced: vec![] });
            }
            ToExecutor::ForgetStage { stage } => {
                self.uplink.forget_stage(stage);
                self.executors.get().send(message);
            }
            ToExecutor::RemoveRdd { rdd, until } => {
                CachedBlocks::remove_shared_rdd(&self.home.files, rdd, until);
                self.executors.with_services(|services| services.cached.forget_rdd(rdd, until));
                self.executors.get().send(message);
            }
            ToExecutor::RemoveBroadcast { broadcast } => {
                self.home.files.remove(&firesteel_storage::broadcasts::name(broadcast));
                self.executors.with_services(|services| services.broadcasts.forget(broadcast));
                self.executors.get().send(message);
            }
            ToExecutor::RemoveOutput { shuffle, map, task } => {
                if let Some(uploads) = &self.uploads {
                    uploads.forget((shuffle, map, task));
                }
                self.outputs.remove(shuffle, map, task);
                self.executors.with_services(|services| services.shuffles.forget(shuffle, map, task));
            }
            ToExecutor::RemoveResult { task } => self.home.files.remove(&result_name(task)),
            ToExecutor::Kill { .. }
            | ToExecutor::CommitDecision { .. }
            | ToExecutor::BarrierAnswer { .. }
            | ToExecutor::NextExecutor { .. }
            | ToExecutor::WorkerSetting { .. } => self.executors.get().send(message),
            ToExecutor::Migrate { order } => self.migrate(order),
            ToExecutor::Store { order } => match &self.uploads {
                Some(uploads) => uploads.order(order),
                None => self.outbox.send(&FromExecutor::StoreDone { number: order.number, stored: 0 }),
            },
            ToExecutor::RemoveStored { shuffle } => {
                if let Some(uploads) = &self.uploads {
                    uploads.forget_shuffle(shuffle);
                }
                StoredReader::forget(&self.home.files, shuffle);
            }
            ToExecutor::ForgetStored { shuffle } => {
                if let Some(uploads) = &self.uploads {
                    uploads.forget_stored(shuffle);
                }
            }
            ToExecutor::AskStacks { question, is_sample } => self.tell_stacks(question, is_sample),
            ToExecutor::AskLog { question, ask } => self.tell_log(question, ask),
            ToExecutor::Leave => self.leave(),
        }
    }

    /// Fetches blocks of another agent, in a thread of its own. The answer leaves out those that cannot be had.
    fn migrate(self: &Arc<Self>, order: MigrateOrder) {
        let agent = self.clone();
        let fetch = move || {
            let (files, dirs) = (&agent.home.files, &agent.home.dirs);
            let target = MigrationTarget { outputs: &agent.outputs, files, dirs };
            let report = agent.uplink.remote().migrate(&order, &target);
            agent.outbox.send(&FromExecutor::Migrated { report });
        };
        // Without a thread no answer comes, and the driver gives the migration up after a while.
        let _ = thread::Builder::new().name("firesteel-migrate".into()).spawn(fetch);
    }

    /// Tells where the code of all slots stands, in a thread of its own: processes may not answer.
    fn tell_stacks(self: &Arc<Self>, question: u64, is_sample: bool) {
        let agent = self.clone();
        let tell = move || {
            let executors = agent.executors.get();
            let stacks = if is_sample { executors.sampled() } else { executors.stacks() };
            agent.outbox.send(&FromExecutor::Stacks { question, stacks });
        };
        // Without a thread no answer comes, and the driver waits no longer after a while.
        let _ = thread::Builder::new().name("firesteel-stacks".into()).spawn(tell);
    }

    /// Tells a part of what this process has written, in a thread of its own: disks may be slow.
    fn tell_log(self: &Arc<Self>, question: u64, ask: LogAsk) {
        let agent = self.clone();
        let tell = move || {
            let part = read_part(agent.logs.as_ref(), ask);
            agent.outbox.send(&FromExecutor::Log { question, part });
        };
        let _ = thread::Builder::new().name("firesteel-log".into()).spawn(tell);
    }

    /// Waits until all tasks have ended, in a thread of its own, and ends the connection.
    fn leave(self: &Arc<Self>) {
        const LOOK_EVERY: Duration = Duration::from_millis(10);
        let agent = self.clone();
        let leave = move || {
            let is_running = || agent.executors.get().running().iter().any(|(_, tasks)| !tasks.is_empty());
            let is_storing = || agent.uploads.as_ref().is_some_and(|uploads| !uploads.waiting().is_empty());
            while is_running() || is_storing() {
                thread::sleep(LOOK_EVERY);
            }
            // The files of a host's service outlive this process: what it has in memory may lie there.
            if agent.home.blocks != agent.home.cached {
                agent.executors.with_services(|services| services.cached.leave_behind(&agent.home.files));
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
        if let Some(uploads) = &self.uploads {
            uploads.end();
        }
        match &self.executors {
            Hosted::Threads { executor, link, .. } => {
                // Tasks that wait for the driver end first.
                link.end();
                executor.stop(END_WITHIN);
            }
            Hosted::Processes(processes) => processes.stop(),
        }
        // Not left to the last owner of the agent: the process may end before.
        self.home.remove();
    }
}

impl Hosted {
    fn get(&self) -> &dyn Executors {
        match self {
            Hosted::Threads { executor, .. } => executor,
            Hosted::Processes(processes) => &**processes,
        }
    }

    /// Calls `f` with the services of executors whose slots are threads. Worker processes are sent messages about theirs.
    fn with_services(&self, f: impl FnOnce(&Services)) {
        if let Hosted::Threads { services, .. } = self {
            f(services);
        }
    }
}

/// Begins to write map outputs to the shuffle storage, if there is one.
fn start_uploads(home: &Home, welcome: &Welcome, outbox: &Outbox) -> Result<Option<Arc<Uploads>>, String> {
    let Some(config) = welcome.storage.clone() else { return Ok(None) };
    let by = *welcome.executors.first().ok_or("the driver gives this agent no executor to run")?;
    let uploads = Uploads::start(Writing {
        config,
        by,
        stores: Stores::by_settings(&welcome.settings),
        outputs: ShuffleStore::sharing(home.files.clone(), home.dirs.clone()),
        cipher: home.files.cipher().cloned(),
        outbox: outbox.clone(),
    });
    uploads.map(Some).map_err(|error| error.to_string())
}

fn start_threads(
    config: &AgentConfig,
    home: &Home,
    welcome: &Welcome,
    remote: &RemoteConfig,
    uplink: &Arc<Uplink>,
) -> Result<Hosted, String> {
    let executor = *welcome.executors.first().ok_or("the driver gives this agent no executor to run")?;
    let link = SlotLink::new(executor);
    let driver: Arc<dyn DriverLink> = uplink.clone();
    link.connect(Arc::downgrade(&driver));
    let services = services(Parts {
        storage: remote.storage.as_ref(),
        executor,
        application: welcome.application,
        directory: home.dirs.path(),
        own: format!("executor-{}", executor.name()),
        publishes_cached: home.server.is_none(),
        memory: records_share(config.memory),
        remote: Some(RemoteFetcher::open(remote)?),
        cipher: home.files.cipher().cloned(),
        settings: &welcome.settings,
        listener: Box::new(CachedBlocksOf(link.clone())),
        commit: link.clone(),
        barrier: link.clone(),
    });
    let services = Arc::new(services.map_err(|error| error.to_string())?);
    if let Some(server) = &home.server {
        server.serve_own(services.cached.clone());
    }
    let threads = Executor::start(welcome.slots, services.clone(), driver.clone(), link.clone());
    let threads = threads.map_err(|error| error.to_string())?;
    driver.receive(FromExecutor::Added { executor });
    Ok(Hosted::Threads { executor: threads, services, link })
}

fn start_processes(
    config: &AgentConfig,
    home: &Home,
    welcome: &Welcome,
    remote: RemoteConfig,
    make: MakeWorkers,
    uplink: &Arc<Uplink>,
) -> Result<Hosted, String> {
    let mut command = make(&Beginning {
        settings: &welcome.settings,
        setting: welcome.setting.as_deref().unwrap_or("{}"),
        directory: home.dirs.path(),
        remote: RemoteFetcher::open(&remote)?,
    })?;
    if config.notice_ms.is_some() {
        command.environment.push((NOTICE_VARIABLE.into(), "1".into()));
    }
    let init = WorkerInit {
        executor: ExecutorId::DRIVER,
        application: welcome.application,
        directory: home.dirs.path().to_owned(),
        memory: records_share(config.memory) / u64::from(welcome.slots.max(1)),
        settings: welcome.settings.clone(),
        remote: Some(remote),
        files_secret: config.secret.clone().filter(|_| welcome.encrypted).map(FilesSecret),
    };
    let driver: Arc<dyn DriverLink> = uplink.clone();
    let names = Names::Given(welcome.executors.clone());
    let processes = Processes::start(command, init, welcome.slots, Arc::downgrade(&driver), names);
    Ok(Hosted::Processes(processes.map_err(|error| error.to_string())?))
}
