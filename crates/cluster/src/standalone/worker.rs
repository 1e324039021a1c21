//! The worker's shell: starts and kills processes as its state machine decides, serves applications' files,
//! and stays connected with the leader among the masters.
//!
//! One thread owns the state machine. The threads of processes and of the connection report events to it.
//! The executors of an application write into a directory of the application; the worker serves it, with the
//! application's secret, until the application ends, so that the files outlive the executors.

mod config;
mod event;
mod hosted;
mod launch;
mod logs;
mod process_name;
mod processes;
mod status;

use super::link::{ConnectFailures, MasterLink, Masters, RETRY_WAIT};
use super::master::since_1970;
use super::messages;
use super::programs::ProgramStore;
use event::Event;
use firesteel_net::{Credentials, Outbox, Secret};
use firesteel_protocol::LogStream;
use firesteel_protocol::standalone::{FromMaster, ToMaster};
use firesteel_standalone::{
    FencedOrder, ProcessOutcome, Resources, WorkerAction, WorkerId, WorkerMessage, WorkerOffer, WorkerState,
};
use firesteel_storage::{LocalDirs, LogText, sweep};
use hosted::HostedApplications;
use parking_lot::Mutex;
use processes::Processes;
use status::Hosted;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

pub use config::WorkerConfig;
pub use process_name::ProcessName;
pub use status::{HostedProcess, WorkerStatus};

/// The time between two heartbeats for the master.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

/// The silence after which a master is taken for gone.
const MASTER_TIMEOUT: Duration = Duration::from_secs(30);

/// The time that the worker's thread may take to answer a question of this process.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A running worker. It stops, with all that it runs, when it is dropped.
pub struct WorkerDaemon {
    events: Sender<Event>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    revision: Arc<AtomicU64>,
    hosted: HostedApplications,
}

impl WorkerDaemon {
    /// Starts a worker with the cluster's secret; `None` when connections are not authenticated.
    ///
    /// # Errors
    /// When its directory cannot be made, or the operating system refuses a thread.
    pub fn start(config: WorkerConfig, secret: Option<Secret>) -> io::Result<Self> {
        // Processes run in directories of their own, so the paths for them must not be relative to this one.
        let work_dir = std::path::absolute(&config.work_dir)?;
        let dirs = LocalDirs::create(&work_dir).map_err(|error| io::Error::other(error.to_string()))?;
        sweep(&work_dir, |text| tracing::info!("{text}"))?;
        let credentials = secret.as_ref().map_or_else(Credentials::insecure, Credentials::of);
        let (events, inbox) = channel();
        let serial = Secret::generate().to_text();
        let worker = WorkerId::new(format!("worker-{}-{}", config.host, &serial[..8.min(serial.len())]));
        let offer = WorkerOffer {
            host: config.host.clone(),
            resources: config.resources,
            pages: config.pages.clone(),
        };
        let programs = Arc::new(ProgramStore::open(&dirs.path().join("programs"))?);
        let hosted = HostedApplications::new(&config, dirs.path().to_owned(), programs, secret);
        let revision = Arc::new(AtomicU64::new(0));
        let shell = WorkerShell {
            addresses: config.masters.clone(),
            master: None,
            hosted: Hosted::default(),
            revision: revision.clone(),
            state: WorkerState::new(worker, offer),
            processes: Processes::new(events.clone(), hosted.clone()),
            events: events.clone(),
            masters: Masters::new(&config.masters, credentials),
            link: None,
            links: 0,
            master_seen_at: Instant::now(),
            decommissioning: false,
            dirs,
        };
        let thread =
            thread::Builder::new().name("firesteel-worker".into()).spawn(move || shell.run(&inbox))?;
        Ok(WorkerDaemon { events, thread: Mutex::new(Some(thread)), revision, hosted })
    }

    /// Returns a number that grows when something happens that [`WorkerDaemon::status`] tells.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }

    /// Returns what the worker runs and ran; none if it is about to end, or does not answer in time.
    pub fn status(&self) -> Option<WorkerStatus> {
        let (to, from) = channel();
        self.events.send(Event::Look(to)).ok()?;
        from.recv_timeout(ANSWER_WITHIN).ok()
    }

    /// Returns a part of what a process wrote, at most so many bytes: from `offset`, or the last part if there is none.
    ///
    /// # Errors
    /// When there is no such file (any more), or it cannot be read.
    pub fn log(
        &self,
        of: &ProcessName,
        stream: LogStream,
        offset: Option<u64>,
        most: u64,
    ) -> io::Result<LogText> {
        LogText::read(&self.hosted.log(of, stream)?, offset, most)
    }

    /// Decommissions the worker: it gets no new executors and drivers, those that run are replaced elsewhere,
    /// and then it stops.
    pub fn decommission(&self) {
        let _ = self.events.send(Event::Decommission);
    }

    /// Stops the worker with all that it runs.
    pub fn stop(&self) {
        let _ = self.events.send(Event::Stop);
        self.wait();
    }

    /// Waits until the worker has stopped.
    pub fn wait(&self) {
        let thread = self.thread.lock().take();
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

/// The worker's thread: the state machine with its connection and its processes.
struct WorkerShell {
    state: WorkerState,
    processes: Processes,
    events: Sender<Event>,
    masters: Masters,
    /// The connection to the leader, and its number.
    link: Option<(u64, Outbox)>,
    /// The number of connections so far.
    links: u64,
    master_seen_at: Instant,
    /// True if the worker stops as soon as nothing runs on it.
    decommissioning: bool,
    dirs: LocalDirs,
    /// The masters' addresses, and that of the one with which it is connected.
    addresses: Vec<String>,
    master: Option<String>,
    /// The executors and drivers that it runs and ran, for display.
    hosted: Hosted,
    revision: Arc<AtomicU64>,
}

impl WorkerShell {
    fn run(mut self, inbox: &Receiver<Event>) {
        self.find_leader();
        let mut heartbeat_at = Instant::now() + HEARTBEAT_EVERY;
        loop {
            match inbox.recv_timeout(heartbeat_at.saturating_duration_since(Instant::now())) {
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(event) => self.handle(event),
                Err(RecvTimeoutError::Timeout) => {
                    heartbeat_at = Instant::now() + HEARTBEAT_EVERY;
                    self.heartbeat();
                }
            }
            if self.decommissioning && self.state.used() == Resources::default() {
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

    fn handle(&mut self, event: Event) {
        let mut todo = vec![];
        if !matches!(event, Event::Look(_) | Event::Idle) {
            self.revision.fetch_add(1, Ordering::Relaxed);
        }
        match event {
            Event::Order(link, order) => {
                if self.is_current(link) {
                    self.state.obey(order, &mut todo);
                }
            }
            Event::Connected(number, outbox, address) => self.connected(number, outbox, &address),
            Event::Disconnected(number) => {
                if self.is_current(number) {
                    (self.link, self.master) = (None, None);
                    tracing::warn!("the master is gone; looking for one");
                    self.find_leader();
                }
            }
            Event::Started(ProcessName::Executor(executor)) => {
                if let Some(message) = self.state.executor_started(&executor) {
                    self.send(message);
                }
            }
            Event::Started(ProcessName::Driver(_)) => {}
            Event::Ended(name, outcome) => self.ended(&name, outcome, &mut todo),
            Event::Decommission => {
                self.send(WorkerMessage::Decommission);
                self.decommissioning = true;
            }
            Event::Look(to) => drop(to.send(self.status())),
            Event::Idle | Event::Stop => {}
        }
        self.act(todo);
    }

    fn status(&self) -> WorkerStatus {
        WorkerStatus {
            now: since_1970(),
            worker: self.state.worker().clone(),
            host: self.state.offer().host.clone(),
            masters: self.addresses.clone(),
            master: self.master.clone(),
            master_pages: self.state.master_pages().map(Into::into),
            total: self.state.offer().resources,
            used: self.state.used(),
            is_decommissioned: self.decommissioning || self.state.is_decommissioned(),
            running: self.hosted.running(),
            ended: self.hosted.ended(),
        }
    }

    fn is_current(&self, link: u64) -> bool {
        self.link.as_ref().is_some_and(|(current, _)| *current == link)
    }

    fn ended(&mut self, name: &ProcessName, outcome: ProcessOutcome, todo: &mut Vec<WorkerAction>) {
        self.processes.ended(name);
        match name {
            ProcessName::Executor(executor) => self.state.executor_ended(executor, outcome, todo),
            ProcessName::Driver(run) => self.state.driver_ended(run, outcome, todo),
        }
    }

    fn act(&mut self, todo: Vec<WorkerAction>) {
        for action in todo {
            match action {
                WorkerAction::StartExecutor(name, resources, spec) => {
                    self.hosted.started_executor(&name, resources, &spec);
                    self.processes.start_executor(name, resources, spec);
                }
                WorkerAction::StopExecutor(name) => self.processes.stop(&ProcessName::Executor(name)),
                WorkerAction::StartDriver(run, spec) => {
                    self.hosted.started_driver(&run, spec.resources);
                    self.processes.start_driver(run, spec);
                }
                WorkerAction::StopDriver(run) => self.processes.stop(&ProcessName::Driver(run)),
                WorkerAction::RemoveFiles(application) => self.processes.hosted().remove(&application),
                WorkerAction::Decommission => self.decommissioning = true,
                WorkerAction::Say(message) => {
                    self.hosted.said(&message);
                    self.send(message);
                }
                WorkerAction::MasterStatus => self.master_seen_at = Instant::now(),
            }
        }
    }

    fn send(&self, message: WorkerMessage) {
        if let Some((_, outbox)) = &self.link {
            outbox.send(&ToMaster::Worker { message });
        }
    }

    fn heartbeat(&mut self) {
        if self.master_seen_at.elapsed() > MASTER_TIMEOUT
            && let Some((_, outbox)) = &self.link
        {
            // The thread that receives from the connection notices its end, and reports it.
            outbox.close();
        }
        self.send(self.state.heartbeat());
    }

    fn connected(&mut self, number: u64, outbox: Outbox, address: &str) {
        tracing::info!("connected with the master at {address}");
        // The first registration on the connection was made when the search for a leader began, and may be
        // out of date.
        outbox.send(&ToMaster::Worker { message: self.state.register() });
        self.master_seen_at = Instant::now();
        self.master = Some(address.into());
        self.link = Some((number, outbox));
    }

    /// Finds the leader, in a thread of its own, which then receives its orders.
    fn find_leader(&mut self) {
        self.links += 1;
        let (masters, number, events) = (self.masters.clone(), self.links, self.events.clone());
        let register = self.state.register();
        let find = move || find_leader(masters, number, &events, &register);
        if thread::Builder::new().name("firesteel-master-link".into()).spawn(find).is_err() {
            let _ = self.events.send(Event::Stop);
        }
    }
}

/// Connects to one master after the other, until one is the leader. Then receives its orders until the
/// connection ends.
fn find_leader(mut masters: Masters, number: u64, events: &Sender<Event>, register: &WorkerMessage) {
    let mut failures = ConnectFailures::default();
    loop {
        match masters.connect() {
            Err(error) => {
                if let Some(error) = failures.failed(&error.to_string()) {
                    tracing::warn!("the master cannot be reached: {error}");
                }
            }
            Ok(mut link) => {
                link.outbox.send(&ToMaster::Worker { message: register.clone() });
                match messages::receive::<FromMaster>(&mut link.receiver) {
                    Ok(Some(FromMaster::Worker { order })) => {
                        return receive_orders(link, number, order, events);
                    }
                    Ok(Some(FromMaster::Standby { leader })) => masters.redirected(leader),
                    Ok(Some(_)) | Ok(None) | Err(_) => link.outbox.close(),
                }
            }
        }
        if events.send(Event::Idle).is_err() {
            return;
        }
        thread::sleep(RETRY_WAIT);
    }
}

/// Receives the leader's orders, of which it has sent the first, until the connection ends.
fn receive_orders(mut link: MasterLink, number: u64, first: FencedOrder, events: &Sender<Event>) {
    let _ = events.send(Event::Connected(number, link.outbox.clone(), link.address));
    let _ = events.send(Event::Order(number, first));
    while let Ok(Some(FromMaster::Worker { order })) = messages::receive::<FromMaster>(&mut link.receiver) {
        if events.send(Event::Order(number, order)).is_err() {
            break;
        }
    }
    link.outbox.close();
    let _ = events.send(Event::Disconnected(number));
}
