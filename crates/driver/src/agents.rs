//! The driver's connections to agents: received messages become events of the application, and the
//! application's effects become messages that are sent.
//!
//! Nothing is decided here: [`Application`](firesteel_scheduler::Application) decides which agents are
//! accepted, which executors an agent has, what is lost with it and when it may end. Each connection has a
//! thread that reads, and an outbox that sends.

use crate::losses;
use crate::questions::Questions;
use firesteel_cluster::ManagedCluster;
use firesteel_net::bulk::{BlockClient, Item};
use firesteel_net::{Connection, Credentials, Outbox, receive, receive_at_most};
use firesteel_protocol::handshake::{AgentReply, RegisterAgent, StorageConfig, Welcome};
use firesteel_protocol::{
    BlockRequest, FromExecutor, LogAsk, LogBytes, MigrateOrder, SentOutputs, TaskReport, TaskSpec, ToExecutor,
};
use firesteel_scheduler::{AgentId, AgentMessage, ApplicationEvent, ReportedOutcome};
use firesteel_transfer::impatient;
use firesteel_types::{ExecutorId, TaskId, ThreadStack};
use parking_lot::{Mutex, MutexGuard, RwLock};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::Duration;

/// The largest size of an agent's registration, which holds names and addresses.
const REGISTER_AT_MOST: u64 = 64 << 10;

/// The settings that every agent receives when it is accepted.
#[derive(Clone, Debug)]
pub(crate) struct AgentSettings {
    /// The application's number, unique within this process.
    pub(crate) application: u64,
    /// The application's settings.
    pub(crate) settings: Vec<(String, String)>,
    /// The interval of agents' heartbeats, in milliseconds.
    pub(crate) heartbeat_ms: u64,
    /// The time without a message from the driver after which an agent ends, in milliseconds.
    pub(crate) timeout_ms: u64,
    /// The number of times that a host that cannot be reached is asked again for a block.
    pub(crate) retries: u32,
    /// The pause before each retry, in milliseconds.
    pub(crate) retry_wait_ms: u64,
    /// True where tasks encrypt the files that they write to disk.
    pub(crate) encrypted: bool,
    /// The shuffle storage, if there is one.
    pub(crate) storage: Option<StorageConfig>,
}

/// The driver's interface for connections to agents.
pub(crate) trait AgentEvents: Send + Sync {
    /// Sends an event to the application, with the bytes of the result that the event describes.
    fn post_result(&self, event: ApplicationEvent, bytes: Vec<u8>);
}

/// All connections to agents.
pub(crate) struct Agents {
    settings: AgentSettings,
    driver: Weak<dyn AgentEvents>,
    cluster: OnceLock<Arc<ManagedCluster>>,
    client: BlockClient,
    connections: Mutex<HashMap<AgentId, AgentConnection>>,
    /// A copy of the application's table of addresses, for threads that serve blocks and must not wait for
    /// the driver's loop.
    addresses: RwLock<HashMap<ExecutorId, String>>,
    stacks: Questions<Vec<ThreadStack>>,
    logs: Questions<Result<LogBytes, String>>,
    next: AtomicU64,
}

struct AgentConnection {
    name: String,
    outbox: Outbox,
    cores: u32,
    blocks: String,
    sent_outputs: SentOutputs,
}

impl Agents {
    /// Makes the table of connections, without any agent yet.
    pub(crate) fn new(
        settings: AgentSettings,
        credentials: Credentials,
        driver: Weak<dyn AgentEvents>,
    ) -> Arc<Self> {
        let client = BlockClient::new(credentials, impatient(settings.timeout_ms));
        Arc::new(Agents {
            settings,
            driver,
            cluster: OnceLock::new(),
            client,
            connections: Mutex::default(),
            addresses: RwLock::default(),
            stacks: Questions::default(),
            logs: Questions::default(),
            next: AtomicU64::new(0),
        })
    }

    /// Sets the cluster whose manager starts agents. Later calls have no effect.
    pub(crate) fn set_cluster(&self, cluster: Arc<ManagedCluster>) {
        let _ = self.cluster.set(cluster);
    }

    /// Returns the cluster whose manager starts agents, if it was set.
    pub(crate) fn cluster(&self) -> Option<&Arc<ManagedCluster>> {
        self.cluster.get()
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<AgentId, AgentConnection>> {
        // No user code runs under this lock, and nothing is waited for.
        self.connections.lock()
    }

    /// Serves a connection that an agent has opened, until it ends.
    pub(crate) fn serve(&self, connection: Connection) {
        let closer = connection.closer();
        let (mut receiver, sender) = connection.split();
        let Ok(Some(register)) = receive_at_most::<RegisterAgent>(&mut receiver, REGISTER_AT_MOST) else {
            return;
        };
        let Ok(outbox) = Outbox::new("firesteel-to-agent", sender, closer) else { return };
        let agent = AgentId(self.next.fetch_add(1, Ordering::Relaxed));
        let (cores, blocks) = (register.cores, register.blocks.clone());
        let sent_outputs = SentOutputs::default();
        let name = register.name.clone();
        let connection = AgentConnection { name, outbox: outbox.clone(), cores, blocks, sent_outputs };
        self.connections().insert(agent, connection);
        self.post(ApplicationEvent::AgentRegistered { agent, registration: register });
        while let Ok(Some(message)) = receive(&mut receiver) {
            let Some(driver) = self.driver.upgrade() else { break };
            self.on_message(agent, message, &*driver);
        }
        outbox.close();
        self.connections().remove(&agent);
        self.post(ApplicationEvent::AgentDisconnected { agent });
    }

    /// Returns the number of cores of all agents.
    pub(crate) fn cores(&self) -> u32 {
        self.connections().values().map(|connection| connection.cores).sum()
    }

    fn post(&self, event: ApplicationEvent) {
        if let Some(driver) = self.driver.upgrade() {
            driver.post_result(event, vec![]);
        }
    }

    fn on_message(&self, agent: AgentId, message: FromExecutor, driver: &dyn AgentEvents) {
        let message = match message {
            FromExecutor::Finished { executor, task, report, updates, metrics } => {
                let (outcome, bytes) = match report {
                    TaskReport::Delivered { outcome } => {
                        let (outcome, bytes) = outcome.split();
                        (ReportedOutcome::Complete(outcome), bytes)
                    }
                    TaskReport::ResultOnExecutor { result } => {
                        (ReportedOutcome::Waiting { bytes: result.bytes }, vec![])
                    }
                };
                let message = AgentMessage::TaskFinished { executor, task, outcome, updates, metrics };
                return driver.post_result(ApplicationEvent::Agent { agent, message }, bytes);
            }
            FromExecutor::AskCommit { executor, task } => AgentMessage::CommitRequest { executor, task },
            FromExecutor::BarrierSync { executor, task, epoch, message } => {
                AgentMessage::BarrierSync { executor, task, epoch, message }
            }
            FromExecutor::Stored { executor, key, size } => AgentMessage::BlockStored { executor, key, size },
            FromExecutor::Dropped { executor, key } => AgentMessage::BlockDropped { executor, key },
            FromExecutor::Added { executor } => AgentMessage::ExecutorReady { executor },
            FromExecutor::Lost { executor, reason } => AgentMessage::ExecutorLost { executor, reason },
            FromExecutor::Alive { running, memory } => AgentMessage::Alive { running, memory },
            FromExecutor::Migrated { report } => AgentMessage::Migrated { report },
            FromExecutor::OutputsStored { stored } => AgentMessage::OutputsStored { stored },
            FromExecutor::StoreDone { number, stored } => AgentMessage::StoreDone { number, stored },
            FromExecutor::RunsLong { executor, report } => return losses::log_long_task(executor, &report),
            FromExecutor::Stacks { question, stacks } => return self.stacks.answered(question, stacks),
            FromExecutor::Log { question, part } => return self.logs.answered(question, part),
            FromExecutor::OutOfWorkers { reason } => AgentMessage::OutOfWorkers { reason },
            FromExecutor::Left => AgentMessage::Leaving,
            FromExecutor::Notice { within_ms } => return self.noticed(agent, within_ms),
            // Agents ask for plans over the connections that serve blocks, since plans may be large.
            FromExecutor::AskPlan { .. } => return,
        };
        driver.post_result(ApplicationEvent::Agent { agent, message }, vec![]);
    }

    /// Handles that an agent is taken away soon. Its cluster decides about a replacement, and says that it is
    /// decommissioned.
    fn noticed(&self, agent: AgentId, within_ms: u64) {
        let Some(name) = self.connections().get(&agent).map(|connection| connection.name.clone()) else {
            return;
        };
        if let Some(cluster) = self.cluster() {
            cluster.noticed(&name, Duration::from_millis(within_ms));
        }
    }

    fn send(&self, agent: AgentId, message: &ToExecutor) {
        if let Some(connection) = self.connections().get(&agent) {
            connection.outbox.send(message);
        }
    }

    /// Returns where the code of the slots of all agents stands now. Agents that do not answer in time are left out.
    pub(crate) fn stacks(&self) -> Vec<ThreadStack> {
        let agents = self.connections().len();
        let asked = self
            .stacks
            .ask(agents, |question| self.send_all(&ToExecutor::AskStacks { question, is_sample: false }));
        let mut stacks: Vec<ThreadStack> = asked.into_iter().flatten().collect();
        stacks.sort_by_key(|stack| stack.executor);
        stacks
    }

    /// Returns where the code of the slots of an agent, or of all, stands now, as one of many questions in a row.
    pub(crate) fn sampled(&self, agent: Option<AgentId>) -> Vec<ThreadStack> {
        let ask = |question| ToExecutor::AskStacks { question, is_sample: true };
        let answers = match agent {
            Some(agent) => self.stacks.ask(1, |question| self.send(agent, &ask(question))),
            None => {
                let agents = self.connections().len();
                self.stacks.ask(agents, |question| self.send_all(&ask(question)))
            }
        };
        answers.into_iter().flatten().collect()
    }

    /// Returns a part of what an agent wrote to its standard output or error.
    ///
    /// # Errors
    /// Says why there is none, as a sentence.
    pub(crate) fn log(&self, agent: AgentId, ask: LogAsk) -> Result<LogBytes, String> {
        let asked = self.logs.ask(1, |question| self.send(agent, &ToExecutor::AskLog { question, ask }));
        asked.into_iter().next().unwrap_or_else(|| Err("Its process does not answer.".into()))
    }

    /// Sends a message to all agents.
    pub(crate) fn send_all(&self, message: &ToExecutor) {
        self.connections().values().for_each(|connection| connection.outbox.send(message));
    }
}

/// Effects of the application.
impl Agents {
    pub(crate) fn welcome(
        &self,
        agent: AgentId,
        executors: Vec<ExecutorId>,
        slots: u32,
        setting: Option<String>,
    ) {
        let settings = &self.settings;
        let mut connections = self.connections();
        let Some(connection) = connections.get_mut(&agent) else { return };
        self.note_addresses(&executors, &connection.blocks);
        let welcome = Welcome {
            application: settings.application,
            executors,
            slots,
            settings: settings.settings.clone(),
            heartbeat_ms: settings.heartbeat_ms,
            timeout_ms: settings.timeout_ms,
            retries: settings.retries,
            retry_wait_ms: settings.retry_wait_ms,
            setting,
            encrypted: settings.encrypted,
            storage: settings.storage.clone(),
        };
        connection.outbox.send(&AgentReply::Accepted { welcome });
    }

    pub(crate) fn refuse(&self, agent: AgentId, reason: String) {
        let Some(outbox) = self.connections().get(&agent).map(|connection| connection.outbox.clone()) else {
            return;
        };
        outbox.send(&AgentReply::Refused { reason });
        // Closes the connection from another thread, after the reason was sent: the driver's loop must not
        // wait for that. If no thread can be started, the connection closes without the reason.
        let closing = outbox.clone();
        let close = move || {
            closing.flush();
            closing.close();
        };
        if thread::Builder::new().name("firesteel-refuse".into()).spawn(close).is_err() {
            outbox.close();
        }
    }

    pub(crate) fn next_executor(&self, agent: AgentId, executor: ExecutorId) {
        if let Some(connection) = self.connections().get(&agent) {
            self.note_addresses(&[executor], &connection.blocks);
            connection.outbox.send(&ToExecutor::NextExecutor { executor });
        }
    }

    pub(crate) fn acknowledge(&self, agent: AgentId) {
        self.send(agent, &ToExecutor::Alive);
    }

    pub(crate) fn set_workers(&self, agent: AgentId, setting: String) {
        self.send(agent, &ToExecutor::WorkerSetting { setting });
    }

    pub(crate) fn migrate(&self, agent: AgentId, order: MigrateOrder) {
        self.send(agent, &ToExecutor::Migrate { order });
    }

    pub(crate) fn leave(&self, agent: AgentId) {
        self.send(agent, &ToExecutor::Leave);
    }

    pub(crate) fn close(&self, agent: AgentId) {
        if let Some(connection) = self.connections().get(&agent) {
            connection.outbox.close();
        }
    }

    pub(crate) fn remove_result(&self, agent: AgentId, task: TaskId) {
        self.send(agent, &ToExecutor::RemoveResult { task });
    }

    pub(crate) fn address_gone(&self, address: &str) {
        self.addresses.write().retain(|_, at| at != address);
    }

    /// Launches a task on an executor of an agent. Map outputs that the agent has received before are
    /// referred to, and not sent again.
    pub(crate) fn launch(&self, agent: AgentId, executor: ExecutorId, task: TaskSpec) {
        let mut connections = self.connections();
        let Some(connection) = connections.get_mut(&agent) else { return };
        let messages = connection.sent_outputs.launch(executor, task);
        // Sent under the lock, so that announcements of map outputs precede the launches that refer to them.
        messages.iter().for_each(|message| connection.outbox.send(message));
    }

    /// Sends a message about an executor to its agent.
    pub(crate) fn tell(&self, agent: AgentId, message: &ToExecutor) {
        self.send(agent, message);
    }

    /// Fetches a large result, in a thread of its own. If no thread can be started, the attempt counts as one
    /// whose outcome was lost.
    pub(crate) fn fetch_result(
        self: &Arc<Self>,
        (agent, executor): (AgentId, ExecutorId),
        task: TaskId,
        address: String,
    ) {
        let agents = self.clone();
        let fetch = move || {
            let fetched = agents.fetch(task, &address);
            let Some(driver) = agents.driver.upgrade() else { return };
            let (result, bytes) = match fetched {
                Ok(bytes) => (Ok(bytes.len() as u64), bytes),
                Err(message) => (Err(message), vec![]),
            };
            driver.post_result(ApplicationEvent::ResultFetched { agent, executor, task, result }, bytes);
        };
        let _ = thread::Builder::new().name("firesteel-result".into()).spawn(fetch);
    }

    fn fetch(&self, task: TaskId, address: &str) -> Result<Vec<u8>, String> {
        let request = BlockRequest::Result { task }.encode().map_err(|e| e.to_string())?;
        let mut answer = self.client.request(address, &request).map_err(|e| e.to_string())?;
        let mut result = vec![];
        match answer.next_item(&mut result).map_err(|e| e.to_string())? {
            Item::Here => {
                // Reads the end of the answer, so that the connection can be used again.
                let _ = answer.next_item(&mut vec![]);
                Ok(result)
            }
            Item::Missing | Item::End => Err("its executor does not have it".into()),
        }
    }

    fn note_addresses(&self, executors: &[ExecutorId], address: &str) {
        let mut addresses = self.addresses.write();
        addresses.extend(executors.iter().map(|executor| (*executor, address.to_owned())));
    }

    /// The address at which the files of an executor are served.
    pub(crate) fn address_of(&self, executor: ExecutorId) -> Option<String> {
        self.addresses.read().get(&executor).cloned()
    }
}
