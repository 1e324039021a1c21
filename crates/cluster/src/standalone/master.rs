//! The master's daemon: connections in, a lease among masters, and the pure machine in between.
//!
//! One thread owns the machine. Threads of connections put into its queue what they hear; it answers through their outboxes. Whether this
//! master leads is looked at before each event. One that does not lead tells whoever asks who does.

use super::lease_files::LeaseFiles;
use super::messages;
use super::programs::ProgramStore;
use firesteel_net::bulk::serve_blocks;
use firesteel_net::{Connection, Credentials, Limits, Listener, Outbox, Purpose, Serving};
use firesteel_protocol::standalone::{FromMaster, ToMaster};
use firesteel_standalone::{
    Effect, Event, Lease, LeaseAction, LeaseSettings, Link, Master, MasterSettings, Snapshot, Standing,
};
use firesteel_types::Millis;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How a master runs.
#[derive(Clone, Debug)]
pub struct MasterConfig {
    /// Where it listens, `host:port`.
    pub bind: String,
    /// The name by which others reach it.
    pub host: String,
    /// Where it keeps what must survive it. Masters that stand by for each other share it.
    pub state_dir: PathBuf,
    /// How it decides.
    pub settings: MasterSettings,
    /// How long leases last.
    pub lease: LeaseSettings,
}

/// A running master. It ends when it is dropped.
pub struct MasterDaemon {
    serving: Serving,
    messages: Sender<Message>,
    address: String,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

/// What the thread that owns the machine is told.
enum Message {
    Opened(Link, Outbox),
    Heard(Link, ToMaster),
    Closed(Link),
    Stop,
}

impl MasterDaemon {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot listen, or cannot write where it keeps its state.
    pub fn start(config: MasterConfig, credentials: Credentials) -> io::Result<Self> {
        let listener = Listener::bind(&config.bind, credentials, Limits::default())?;
        let address = format!("{}:{}", config.host, listener.address().port());
        let files = LeaseFiles::open(&config.state_dir)?;
        let programs = Arc::new(ProgramStore::open(&config.state_dir.join("programs"))?);
        let (messages, heard) = channel();
        let lease = Lease::new(files.holder(), &address, config.lease);
        let desk = Desk {
            files,
            lease,
            settings: config.settings,
            master: None,
            links: HashMap::new(),
            leader: None,
            next_look: Millis(0),
            began: (Instant::now(), since_1970()),
        };
        let thread =
            thread::Builder::new().name("firesteel-master".into()).spawn(move || desk.work(&heard))?;
        let (to_desk, next_link) = (messages.clone(), std::sync::atomic::AtomicU64::new(0));
        let handle = move |connection: Connection| match connection.purpose() {
            Purpose::Master => {
                let link = Link(next_link.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
                on_message(connection, link, &to_desk);
            }
            Purpose::Blocks => serve_blocks(connection, &*programs),
            Purpose::Control => {}
        };
        let serving = listener.serve("firesteel-master", handle)?;
        Ok(MasterDaemon { serving, messages, address, thread: Mutex::new(Some(thread)) })
    }

    /// Its address, `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends it. Another may take over what it knew.
    pub fn stop(&self) {
        let _ = self.messages.send(Message::Stop);
        self.serving.stop();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    /// Waits until it ends.
    pub fn wait(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
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

/// The life of a connection.
fn on_message(connection: Connection, link: Link, desk: &Sender<Message>) {
    let closer = connection.closer();
    let (mut receiver, sender) = connection.split();
    let Ok(outbox) = Outbox::new("firesteel-from-master", sender, closer) else { return };
    let _ = desk.send(Message::Opened(link, outbox.clone()));
    while let Ok(Some(message)) = messages::receive::<ToMaster>(&mut receiver) {
        if desk.send(Message::Heard(link, message)).is_err() {
            break;
        }
    }
    let _ = desk.send(Message::Closed(link));
    outbox.close();
}

/// Milliseconds since 1970.
pub(crate) fn since_1970() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(since.as_millis() as u64)
}

/// What the machine's thread works with.
struct Desk {
    files: LeaseFiles,
    lease: Lease,
    settings: MasterSettings,
    /// While it leads.
    master: Option<Master>,
    links: HashMap<Link, Outbox>,
    /// Who leads when this one does not.
    leader: Option<String>,
    next_look: Millis,
    /// The date when it began, and a clock that only goes forward.
    began: (Instant, Millis),
}

impl Desk {
    fn work(mut self, heard: &Receiver<Message>) {
        loop {
            self.check_lease();
            match heard.recv_timeout(self.patience()) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => self.feed(Event::Tick),
            }
        }
        self.links.values().for_each(Outbox::close);
    }

    fn now(&self) -> Millis {
        self.began.1 + self.began.0.elapsed().as_millis() as u64
    }

    fn patience(&self) -> Duration {
        let due = self.master.as_ref().and_then(Master::next_deadline);
        let due = due.unwrap_or(self.next_look).min(self.next_look);
        Duration::from_millis(due.0.saturating_sub(self.now().0).max(1))
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Opened(link, outbox) => drop(self.links.insert(link, outbox)),
            Message::Closed(link) => {
                self.links.remove(&link);
                self.feed(Event::LinkClosed { link });
            }
            Message::Heard(link, message) => match self.leads() {
                true => self.feed(match message {
                    ToMaster::Worker { message } => Event::Worker { link, message },
                    ToMaster::Application { message } => Event::Application { link, message },
                    ToMaster::Client { message } => Event::Client { link, message },
                }),
                false => self.decommission(link),
            },
            Message::Stop => {}
        }
    }

    fn leads(&self) -> bool {
        self.master.is_some() && self.lease.holds(self.now())
    }

    fn decommission(&mut self, link: Link) {
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
                    if !self.persist(&snapshot) {
                        return;
                    }
                }
                Effect::ToWorker { link, order } => self.send(link, &FromMaster::Worker { order }),
                Effect::ToApplication { link, order } => self.send(link, &FromMaster::Application { order }),
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

    /// Writes down what is about to be promised. A master that cannot does not lead.
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

    fn step_down(&mut self) {
        if self.master.take().is_some() {
            tracing::warn!("does not lead any more");
        }
        self.lease.step_down();
        self.links.values().for_each(Outbox::close);
        self.links.clear();
    }

    fn check_lease(&mut self) {
        let now = self.now();
        if now < self.next_look {
            return;
        }
        let read = match self.files.lease() {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "the lease cannot be read");
                self.next_look = now + 1_000;
                return;
            }
        };
        match self.lease.decide(now, read.as_ref()) {
            LeaseAction::Wait { until } => {
                self.next_look = until;
                self.leader = read.map(|record| record.address);
            }
            LeaseAction::StepDown => self.step_down(),
            LeaseAction::Acquire(record) => {
                if let Err(error) = self.files.acquire(&record) {
                    tracing::error!(%error, "the lease cannot be taken");
                    self.next_look = now + 1_000;
                    return;
                }
                if self.is_ours(&record) {
                    self.begin_to_lead(&record);
                }
            }
            LeaseAction::Renew(record) => {
                let renewed = self.files.renew(&record).is_ok();
                if !renewed || !self.is_ours(&record) {
                    self.step_down();
                }
            }
        }
    }

    /// Whether a record that was written is the one that counts.
    fn is_ours(&mut self, written: &firesteel_standalone::LeaseRecord) -> bool {
        let read = self.files.lease().ok().flatten();
        matches!(self.lease.wrote(self.now(), written, read.as_ref()), Standing::Leads(_))
    }

    fn begin_to_lead(&mut self, record: &firesteel_standalone::LeaseRecord) {
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
        self.files.forget_before(record.epoch);
        self.act(effects);
        // Whoever came before asked in vain.
        self.links.values().for_each(Outbox::close);
        self.links.clear();
    }
}
