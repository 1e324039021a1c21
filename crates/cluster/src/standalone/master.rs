//! The master's shell: it accepts connections, competes for the lease among masters, and while it leads,
//! passes the messages of its connections to the state machine and carries out the effects.
//!
//! One thread owns the state machine. The threads of connections put the messages that they receive into its
//! queue; it answers through their outboxes. Before each event it checks that this master still leads. A
//! standby answers each message with the address of the leader.

use super::lease_files::LeaseFiles;
use super::messages;
use super::programs::ProgramStore;
use firesteel_net::bulk::serve_blocks;
use firesteel_net::{Connection, Credentials, Limits, Listener, Outbox, Purpose, Serving};
use firesteel_protocol::standalone::{FromMaster, ToMaster};
use firesteel_standalone::{
    ClientAnswer, ClientMessage, Effect, Event, Lease, LeaseAction, LeaseRecord, LeaseSettings, Link, Master,
    MasterSettings, Overview, Snapshot, Standing,
};
use firesteel_types::Millis;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The pause before the lease is read or taken again after an error, in milliseconds.
const LEASE_RETRY_MS: u64 = 1_000;

/// The time that the master's thread may take to answer a question of this process.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The connection of requests that come from this process: those of others are numbered from 0.
const OWN: Link = Link(u64::MAX);

/// The configuration of a master.
#[derive(Clone, Debug)]
pub struct MasterConfig {
    /// The address on which it listens, `host:port`.
    pub bind: String,
    /// The name by which other hosts reach it.
    pub host: String,
    /// The directory for leases, snapshots and submitted files. Masters that stand by for each other share
    /// it.
    pub state_dir: PathBuf,
    /// The settings of the state machine.
    pub settings: MasterSettings,
    /// The times of leases.
    pub lease: LeaseSettings,
}

/// A running master. It stops when it is dropped.
pub struct MasterDaemon {
    serving: Serving,
    inputs: Sender<Input>,
    address: String,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    revision: Arc<AtomicU64>,
}

/// A master as it is at a moment.
#[derive(Clone, Debug)]
pub struct MasterStatus {
    /// The time, in milliseconds since 1970.
    pub now: Millis,
    /// The address of the leader, if it is another master and known, `host:port`.
    pub leader: Option<String>,
    /// The state of the cluster; none if this master does not lead.
    pub overview: Option<Overview>,
}

/// An input of the thread that owns the state machine.
enum Input {
    /// A connection was accepted.
    Opened(Link, Outbox),
    /// A connection has received a message.
    Received(Link, ToMaster),
    /// A connection has ended.
    Closed(Link),
    /// A thread of this process wants to know how it is.
    Look(Sender<MasterStatus>),
    /// A thread of this process has a request; the answer is none if this master does not lead.
    Ask(ClientMessage, Sender<Option<ClientAnswer>>),
    /// The master is to stop.
    Stop,
}

impl MasterDaemon {
    /// Starts a master.
    ///
    /// # Errors
    /// When it cannot listen, or cannot write into its directory, or the operating system refuses a thread.
    pub fn start(config: MasterConfig, credentials: Credentials) -> io::Result<Self> {
        let listener = Listener::bind(&config.bind, credentials, Limits::default())?;
        let address = format!("{}:{}", config.host, listener.address().port());
        let files = LeaseFiles::open(&config.state_dir)?;
        let programs = Arc::new(ProgramStore::open(&config.state_dir.join("programs"))?);
        let (inputs, inbox) = channel();
        let lease = Lease::new(files.holder(), &address, config.lease);
        let revision = Arc::new(AtomicU64::new(0));
        let shell = MasterShell {
            files,
            lease,
            settings: config.settings,
            master: None,
            links: HashMap::new(),
            leader: None,
            lease_check_at: Millis(0),
            started: (Instant::now(), since_1970()),
            revision: revision.clone(),
            own_answer: None,
        };
        let thread =
            thread::Builder::new().name("firesteel-master".into()).spawn(move || shell.run(&inbox))?;
        let (to_shell, next_link) = (inputs.clone(), AtomicU64::new(0));
        let handle = move |connection: Connection| match connection.purpose() {
            Purpose::Master => {
                let link = Link(next_link.fetch_add(1, Ordering::Relaxed));
                receive_messages(connection, link, &to_shell);
            }
            Purpose::Blocks => serve_blocks(connection, &*programs),
            Purpose::Control => {}
        };
        let serving = listener.serve("firesteel-master", handle)?;
        Ok(MasterDaemon { serving, inputs, address, thread: Mutex::new(Some(thread)), revision })
    }

    /// Returns its address, `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns a number that grows when something happens that [`MasterDaemon::status`] tells.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }

    /// Returns the state of the master and its cluster; none if it is about to end, or does not answer in time.
    pub fn status(&self) -> Option<MasterStatus> {
        let (to, from) = channel();
        self.inputs.send(Input::Look(to)).ok()?;
        from.recv_timeout(ANSWER_WITHIN).ok()
    }

    /// Carries out a client's request from this process. None if this master does not lead, or does not answer in time.
    pub fn ask(&self, message: ClientMessage) -> Option<ClientAnswer> {
        let (to, from) = channel();
        self.inputs.send(Input::Ask(message, to)).ok()?;
        from.recv_timeout(ANSWER_WITHIN).ok()?
    }

    /// Stops the master. A standby takes over from its last snapshot.
    pub fn stop(&self) {
        let _ = self.inputs.send(Input::Stop);
        self.serving.stop();
        self.wait();
    }

    /// Waits until the master has stopped.
    pub fn wait(&self) {
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for MasterDaemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Passes the messages of a connection to the shell, until the connection ends.
fn receive_messages(connection: Connection, link: Link, shell: &Sender<Input>) {
    let closer = connection.closer();
    let (mut receiver, sender) = connection.split();
    let Ok(outbox) = Outbox::new("firesteel-from-master", sender, closer) else { return };
    let _ = shell.send(Input::Opened(link, outbox.clone()));
    while let Ok(Some(message)) = messages::receive::<ToMaster>(&mut receiver) {
        if shell.send(Input::Received(link, message)).is_err() {
            break;
        }
    }
    let _ = shell.send(Input::Closed(link));
    outbox.close();
}

/// Returns the present time in milliseconds since 1970.
pub(crate) fn since_1970() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(since.as_millis() as u64)
}

/// The master's thread: the state machine, while it leads, with its connections and its files.
struct MasterShell {
    files: LeaseFiles,
    lease: Lease,
    settings: MasterSettings,
    /// The state machine; `None` while this master does not lead.
    master: Option<Master>,
    links: HashMap<Link, Outbox>,
    /// The address of the leader, if it is another master.
    leader: Option<String>,
    /// The time at which the lease is read next.
    lease_check_at: Millis,
    /// The start on two clocks: one that only goes forward, and the date.
    started: (Instant, Millis),
    revision: Arc<AtomicU64>,
    /// The answer to the request of this process that is being carried out.
    own_answer: Option<ClientAnswer>,
}

impl MasterShell {
    fn run(mut self, inbox: &Receiver<Input>) {
        loop {
            self.check_lease();
            match inbox.recv_timeout(self.time_to_wait()) {
                Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(input) => self.handle(input),
                Err(RecvTimeoutError::Timeout) => self.feed(Event::Tick),
            }
        }
        self.links.values().for_each(Outbox::close);
    }

    /// Returns the date by a clock that only goes forward, so that a change of the machine's clock extends no
    /// lease.
    fn now(&self) -> Millis {
        self.started.1 + self.started.0.elapsed().as_millis() as u64
    }

    /// Returns the time until the next deadline of the state machine, or until the next reading of the lease.
    fn time_to_wait(&self) -> Duration {
        let due = self.master.as_ref().and_then(Master::next_deadline);
        let due = due.unwrap_or(self.lease_check_at).min(self.lease_check_at);
        Duration::from_millis(due.0.saturating_sub(self.now().0).max(1))
    }

    fn handle(&mut self, input: Input) {
        if !matches!(input, Input::Look(_)) {
            self.has_changed();
        }
        match input {
            Input::Opened(link, outbox) => drop(self.links.insert(link, outbox)),
            Input::Closed(link) => {
                self.links.remove(&link);
                self.feed(Event::LinkClosed { link });
            }
            Input::Received(link, message) => match self.leads() {
                true => self.feed(match message {
                    ToMaster::Worker { message } => Event::Worker { link, message },
                    ToMaster::Application { message } => Event::Application { link, message },
                    ToMaster::Client { message } => Event::Client { link, message },
                }),
                false => self.redirect(link),
            },
            Input::Look(to) => drop(to.send(self.status())),
            Input::Ask(message, to) => {
                self.feed(Event::Client { link: OWN, message });
                let _ = to.send(self.own_answer.take());
            }
            Input::Stop => {}
        }
    }

    fn has_changed(&self) {
        self.revision.fetch_add(1, Ordering::Relaxed);
    }

    fn status(&self) -> MasterStatus {
        let overview = self.master.as_ref().filter(|_| self.leads()).map(Master::overview);
        MasterStatus { now: self.now(), leader: self.leader.clone(), overview }
    }

    fn leads(&self) -> bool {
        self.master.is_some() && self.lease.holds(self.now())
    }

    /// Answers that this master does not lead.
    fn redirect(&mut self, link: Link) {
        if let Some(outbox) = self.links.get(&link) {
            outbox.send(&FromMaster::Standby { leader: self.leader.clone() });
        }
    }

    fn feed(&mut self, event: Event) {
        if !self.leads() {
            return;
        }
        let (now, mut effects) = (self.now(), vec![]);
        if let Some(master) = &mut self.master {
            master.handle(now, event, &mut effects);
        }
        self.act(effects);
    }

    fn act(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Persist(snapshot) => {
                    // The effects behind a snapshot are promises that a later master must find in it.
                    if !self.persist(&snapshot) {
                        return;
                    }
                }
                Effect::ToWorker { link, order } => self.send(link, &FromMaster::Worker { order }),
                Effect::ToApplication { link, order } => self.send(link, &FromMaster::Application { order }),
                Effect::ToClient { link: OWN, answer } => self.own_answer = Some(answer),
                Effect::ToClient { link, answer } => self.send(link, &FromMaster::Client { answer }),
                Effect::Note(note) if note.is_warning() => tracing::warn!("{note}"),
                Effect::Note(note) => tracing::info!("{note}"),
            }
        }
    }

    fn send(&self, link: Link, message: &FromMaster) {
        if let Some(outbox) = self.links.get(&link) {
            outbox.send(message);
        }
    }

    /// Writes a snapshot, and steps down if that fails or the lease has expired meanwhile. Returns whether
    /// this master still leads.
    fn persist(&mut self, snapshot: &Snapshot) -> bool {
        let written = self.files.persist(snapshot);
        if let Err(error) = &written {
            tracing::error!(%error, "what must survive cannot be written");
        }
        let holds = written.is_ok() && self.lease.holds(self.now());
        if !holds {
            self.step_down();
        }
        holds
    }

    /// Stops leading. The connections are closed, so that their peers look for the new leader.
    fn step_down(&mut self) {
        if self.master.take().is_some() {
            tracing::warn!("does not lead any more");
            self.has_changed();
        }
        self.lease.step_down();
        self.links.values().for_each(Outbox::close);
        self.links.clear();
    }

    /// Reads the lease if it is time to, and acquires, renews or gives it up.
    fn check_lease(&mut self) {
        let now = self.now();
        if now < self.lease_check_at {
            return;
        }
        let read = match self.files.lease() {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "the lease cannot be read");
                self.lease_check_at = now + LEASE_RETRY_MS;
                return;
            }
        };
        match self.lease.decide(now, read.as_ref()) {
            LeaseAction::Wait { until } => {
                self.lease_check_at = until;
                self.leader = read.map(|record| record.address);
            }
            LeaseAction::StepDown => self.step_down(),
            LeaseAction::Acquire(record) => {
                if let Err(error) = self.files.acquire(&record) {
                    tracing::error!(%error, "the lease cannot be taken");
                    self.lease_check_at = now + LEASE_RETRY_MS;
                    return;
                }
                if self.is_in_force(&record) {
                    self.begin_to_lead(&record);
                }
            }
            LeaseAction::Renew(record) => {
                let renewed = self.files.renew(&record).is_ok();
                if !renewed || !self.is_in_force(&record) {
                    self.step_down();
                }
            }
        }
    }

    /// Returns whether a record that this master has written is the lease: another master may have created
    /// one of the same epoch before.
    fn is_in_force(&mut self, written: &LeaseRecord) -> bool {
        let read = self.files.lease().ok().flatten();
        matches!(self.lease.wrote(self.now(), written, read.as_ref()), Standing::Leads(_))
    }

    fn begin_to_lead(&mut self, record: &LeaseRecord) {
        let (now, mut effects) = (self.now(), vec![]);
        let master = match self.files.snapshot(record.epoch) {
            Ok(snapshot) => Master::recover(now, record.epoch, self.settings.clone(), snapshot, &mut effects),
            Err(error) => {
                tracing::error!(%error, "what an earlier master wrote cannot be read");
                return self.step_down();
            }
        };
        tracing::info!("leads at {} (epoch {})", record.address, record.epoch);
        self.master = Some(master);
        self.leader = None;
        self.has_changed();
        self.files.forget_before(record.epoch);
        self.act(effects);
        // Peers that connected to the standby were redirected. They connect again, and register with the
        // leader.
        self.links.values().for_each(Outbox::close);
        self.links.clear();
    }
}
