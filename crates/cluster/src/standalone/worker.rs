//! The worker's daemon: starts and ends processes as its ledger says, serves applications' files, and keeps in touch with the master.
//!
//! One thread owns the ledger. Threads of processes and of the connection put into its queue what happens. What an application's executors write
//! lies in a directory of its own; the worker serves it, with the application's secret, until the application ends, so that it
//! outlives executors.

use super::link::{MasterLink, Masters};
use super::messages;
use super::programs::ProgramStore;
use firesteel_net::{Credentials, Outbox, Secret};
use firesteel_protocol::standalone::{FromMaster, ToMaster};
use firesteel_standalone::{
    FencedOrder, ProcessOutcome, Resources, WorkerAction, WorkerId, WorkerMessage, WorkerOffer, WorkerState,
};
use firesteel_storage::{LocalDirs, sweep};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

mod hosted;
mod processes;

use hosted::HostedApplications;
use processes::{Ended, Processes};

/// How often the master is told what runs.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

/// A master that was not heard of for so long is taken for gone.
const MASTER_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause before a master that is gone is looked for again.
const PAUSE: Duration = Duration::from_millis(500);

/// How a worker runs.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The masters' addresses.
    pub masters: Vec<String>,
    /// The name by which others reach it.
    pub host: String,
    /// What it lends.
    pub resources: Resources,
    /// Where its applications' files are.
    pub work_dir: PathBuf,
}

/// A running worker. It ends, with all that it runs, when it is dropped.
pub struct WorkerDaemon {
    messages: Sender<Message>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

/// What the thread that owns the ledger is told.
enum Message {
    /// On the connection of this number, which is the one that it listens to or an older one.
    Order(u64, FencedOrder),
    Connected(u64, Outbox, String),
    Disconnected(u64),
    Started(processes::Name),
    Ended(Ended),
    Decommission,
    /// Nothing; to see whether anybody is there.
    Idle,
    Stop,
}

impl WorkerDaemon {
    /// Starts it, with the cluster's secret; none when nothing is kept secret.
    ///
    /// # Errors
    /// When its directory cannot be made, or the operating system refuses a thread.
    pub fn start(config: WorkerConfig, secret: Option<Secret>) -> io::Result<Self> {
        // Processes run in directories of their own: what they are told must not depend on ours.
        let work_dir = std::path::absolute(&config.work_dir)?;
        let dirs = LocalDirs::create(&work_dir).map_err(|error| io::Error::other(error.to_string()))?;
        sweep(&work_dir, |text| tracing::info!("{text}"))?;
        let credentials = secret.as_ref().map_or_else(Credentials::insecure, Credentials::of);
        let (messages, heard) = channel();
        let serial = Secret::generate().to_text();
        let worker = WorkerId::new(format!("worker-{}-{}", config.host, &serial[..8.min(serial.len())]));
        let offer = WorkerOffer { host: config.host.clone(), resources: config.resources };
        let programs = Arc::new(ProgramStore::open(&dirs.path().join("programs"))?);
        let hosted = HostedApplications::new(&config, dirs.path().to_owned(), programs, secret);
        let desk = Desk {
            state: WorkerState::new(worker, offer),
            processes: Processes::new(messages.clone(), hosted),
            messages: messages.clone(),
            masters: Masters::new(&config.masters, credentials),
            link: None,
            links: 0,
            seen_at: Instant::now(),
            leaving: false,
            dirs,
        };
        let thread =
            thread::Builder::new().name("firesteel-worker".into()).spawn(move || desk.work(&heard))?;
        Ok(WorkerDaemon { messages, thread: Mutex::new(Some(thread)) })
    }

    /// Takes nothing new, lets what runs move elsewhere, and ends.
    pub fn decommission(&self) {
        let _ = self.messages.send(Message::Decommission);
    }

    /// Ends it, with all that it runs.
    pub fn stop(&self) {
        let _ = self.messages.send(Message::Stop);
        self.wait();
    }

    /// Waits until it ends.
    pub fn wait(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for WorkerDaemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the ledger's thread works with.
struct Desk {
    state: WorkerState,
    processes: Processes,
    messages: Sender<Message>,
    masters: Masters,
    link: Option<(u64, Outbox)>,
    links: u64,
    seen_at: Instant,
    /// It was told to go, and waits for what runs.
    leaving: bool,
    dirs: LocalDirs,
}

impl Desk {
    fn work(mut self, heard: &Receiver<Message>) {
        self.look_for_master();
        let mut beat_at = Instant::now() + HEARTBEAT_EVERY;
        loop {
            match heard.recv_timeout(beat_at.saturating_duration_since(Instant::now())) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {
                    beat_at = Instant::now() + HEARTBEAT_EVERY;
                    self.beat();
                }
            }
            if self.leaving && self.state.used() == Resources::default() {
                break;
            }
        }
        self.send(WorkerMessage::Leave);
        self.processes.stop_all();
        if let Some((_, outbox)) = &self.link {
            outbox.flush();
            outbox.close();
        }
        self.dirs.clear();
    }

    fn take(&mut self, message: Message) {
        let mut todo = vec![];
        match message {
            Message::Order(link, order) => {
                if self.link.as_ref().is_some_and(|(current, _)| *current == link) {
                    self.state.obey(order, &mut todo);
                }
            }
            Message::Connected(number, outbox, address) => self.connected(number, outbox, &address),
            Message::Disconnected(number) => {
                if self.link.as_ref().is_some_and(|(current, _)| *current == number) {
                    self.link = None;
                    tracing::warn!("the master is gone; looking for one");
                    self.look_for_master();
                }
            }
            Message::Started(processes::Name::Executor(executor)) => {
                if let Some(message) = self.state.executor_started(&executor) {
                    self.send(message);
                }
            }
            Message::Started(processes::Name::Driver(_)) => {}
            Message::Ended(Ended { name, outcome }) => self.ended(&name, outcome, &mut todo),
            Message::Decommission => {
                self.send(WorkerMessage::Decommission);
                self.leaving = true;
            }
            Message::Idle | Message::Stop => {}
        }
        self.act(todo);
    }

    fn ended(&mut self, name: &processes::Name, outcome: ProcessOutcome, todo: &mut Vec<WorkerAction>) {
        self.processes.ended(name);
        match name {
            processes::Name::Executor(executor) => self.state.executor_ended(executor, outcome, todo),
            processes::Name::Driver(run) => self.state.driver_ended(run, outcome, todo),
        }
    }

    fn act(&mut self, todo: Vec<WorkerAction>) {
        for action in todo {
            match action {
                WorkerAction::StartExecutor(name, resources, spec) => {
                    self.processes.start_executor(name, resources, spec);
                }
                WorkerAction::StopExecutor(name) => self.processes.stop(&processes::Name::Executor(name)),
                WorkerAction::StartDriver(run, spec) => self.processes.start_driver(run, spec),
                WorkerAction::StopDriver(run) => self.processes.stop(&processes::Name::Driver(run)),
                WorkerAction::RemoveFiles(application) => self.processes.hosted().remove(&application),
                WorkerAction::Decommission => self.leaving = true,
                WorkerAction::Say(message) => self.send(message),
                WorkerAction::MasterStatus => self.seen_at = Instant::now(),
            }
        }
    }

    fn send(&self, message: WorkerMessage) {
        if let Some((_, outbox)) = &self.link {
            outbox.send(&ToMaster::Worker { message });
        }
    }

    fn beat(&mut self) {
        if self.link.is_some() && self.seen_at.elapsed() > MASTER_TIMEOUT {
            // Its thread notices, and says so.
            if let Some((_, outbox)) = &self.link {
                outbox.close();
            }
        }
        self.send(self.state.heartbeat());
    }

    fn connected(&mut self, number: u64, outbox: Outbox, address: &str) {
        tracing::info!("connected with the master at {address}");
        // More may have happened since the first word was made.
        outbox.send(&ToMaster::Worker { message: self.state.register() });
        self.seen_at = Instant::now();
        self.link = Some((number, outbox));
    }

    /// Finds a master that leads, in a thread of its own, which then hears it.
    fn look_for_master(&mut self) {
        self.links += 1;
        let (masters, number, messages) = (self.masters.clone(), self.links, self.messages.clone());
        let register = self.state.register();
        let look = move || look(masters, number, &messages, &register);
        if thread::Builder::new().name("firesteel-master-link".into()).spawn(look).is_err() {
            let _ = self.messages.send(Message::Stop);
        }
    }
}

/// Connects to one master after the other, until one leads; then hears it to its end.
fn look(mut masters: Masters, number: u64, messages: &Sender<Message>, register: &WorkerMessage) {
    let mut told = None;
    loop {
        match masters.open(&ToMaster::Worker { message: register.clone() }) {
            Err(error) => {
                let error = error.to_string();
                if told.as_ref() != Some(&error) {
                    tracing::warn!("the master cannot be reached: {error}");
                    told = Some(error);
                }
            }
            Ok(mut link) => match messages::receive::<FromMaster>(&mut link.receiver) {
                Ok(Some(FromMaster::Worker { order })) => return on_message(link, number, order, messages),
                Ok(Some(FromMaster::Standby { leader })) => masters.sent_away(leader),
                Ok(Some(_)) | Ok(None) | Err(_) => link.outbox.close(),
            },
        }
        if messages.send(Message::Idle).is_err() {
            return;
        }
        thread::sleep(PAUSE);
    }
}

/// Hears a master that leads to its end.
fn on_message(mut link: MasterLink, number: u64, first: FencedOrder, messages: &Sender<Message>) {
    let _ = messages.send(Message::Connected(number, link.outbox.clone(), link.address));
    let _ = messages.send(Message::Order(number, first));
    while let Ok(Some(FromMaster::Worker { order })) = messages::receive::<FromMaster>(&mut link.receiver) {
        if messages.send(Message::Order(number, order)).is_err() {
            break;
        }
    }
    link.outbox.close();
    let _ = messages.send(Message::Disconnected(number));
}
