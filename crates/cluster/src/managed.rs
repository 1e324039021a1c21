//! The executors of an application, which a [`Manager`] lends.
//!
//! One thread owns the [`Pool`], which decides. The driver, the manager and its threads report events to it; it carries
//! out the pool's actions one after the other, so that a manager is never called twice at a time.

use crate::manager::{ClusterListener, Manager, ManagerListener};
use firesteel_lending::{Excluded, Loss, Pool, PoolAction, PoolEvent, PoolSettings};
use firesteel_types::Millis;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The pause in which nothing happens that the pool waits for.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// A number of executors by which an application says that it takes all that it can get; so is any above.
const WITHOUT_LIMIT_FROM: u32 = i32::MAX as u32;

/// An application's executors on loan.
///
/// Each agent has a name, which its manager gives. It registers with the driver under it, and all that is said of it
/// refers to it.
pub struct ManagedCluster {
    manager: Arc<dyn Manager>,
    mailbox: Mutex<Sender<Event>>,
    /// The owner of the pool, until the cluster starts.
    starting: Mutex<Option<Owner>>,
}

enum Event {
    Pool(PoolEvent),
    Waits(String),
    Over(String),
    /// Nothing more is done.
    Stop,
}

/// A way to tell a cluster's pool what happens. Handed to a manager before there is a cluster.
struct Mailbox(Mutex<Sender<Event>>);

impl ManagedCluster {
    /// Makes a cluster that asks for nothing before it is [started](Self::start). `make` gets the way to tell what
    /// happens to executors.
    ///
    /// # Errors
    /// When the manager cannot be spoken to.
    pub fn new<M: Manager + 'static>(
        settings: PoolSettings,
        listener: Box<dyn ClusterListener>,
        make: impl FnOnce(Arc<dyn ManagerListener>) -> io::Result<Arc<M>>,
    ) -> io::Result<Arc<Self>> {
        let (sender, events) = channel();
        let manager: Arc<dyn Manager> = make(Arc::new(Mailbox(Mutex::new(sender.clone()))))?;
        let owner = Owner {
            pool: Pool::new(settings),
            manager: manager.clone(),
            listener,
            events,
            began: Instant::now(),
        };
        Ok(Arc::new(ManagedCluster {
            manager,
            mailbox: Mutex::new(sender),
            starting: Mutex::new(Some(owner)),
        }))
    }

    /// Asks for the first executors. The driver has to know this cluster before, since it reports to it which agents
    /// register. A second call does nothing.
    ///
    /// # Errors
    /// When the manager refuses them; its words.
    pub fn start(&self, executors: u32) -> io::Result<()> {
        let Some(mut owner) = self.starting.lock().take() else { return Ok(()) };
        if let Err(why) = owner.begin(executors) {
            self.manager.stop();
            return Err(io::Error::other(why));
        }
        thread::Builder::new().name("firesteel-pool".into()).spawn(move || owner.run()).map(drop)
    }

    fn post(&self, event: Event) {
        // The thread is gone when the cluster has stopped, and nothing matters any more.
        let _ = self.mailbox.lock().send(event);
    }
}

/// The thread's own.
struct Owner {
    pool: Pool,
    manager: Arc<dyn Manager>,
    listener: Box<dyn ClusterListener>,
    events: Receiver<Event>,
    began: Instant,
}

impl Owner {
    fn now(&self) -> Millis {
        Millis(self.began.elapsed().as_millis() as u64)
    }

    /// Makes the first request, whose refusal is the caller's to handle.
    fn begin(&mut self, executors: u32) -> Result<(), String> {
        let mut todo = vec![];
        self.manager.want(executors);
        self.pool.handle(self.now(), PoolEvent::Want(executors), &mut todo);
        let shape = self.pool.shape();
        todo.into_iter().try_for_each(|action| match action {
            PoolAction::Request(count) => self.manager.request(count, &shape),
            _ => Ok(()),
        })
    }

    fn run(mut self) {
        loop {
            let deadline = self.pool.next_deadline();
            let wait =
                deadline.map_or(LOOK_EVERY, |at| Duration::from_millis(at.0.saturating_sub(self.now().0)));
            let event = match self.events.recv_timeout(wait) {
                Ok(Event::Pool(event)) => event,
                Ok(Event::Waits(why)) => {
                    self.tell_waits(&why);
                    continue;
                }
                Ok(Event::Over(why)) => {
                    self.listener.over(why);
                    PoolEvent::Finish
                }
                Err(RecvTimeoutError::Timeout) => PoolEvent::Tick,
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            };
            self.handle(event);
        }
    }

    fn handle(&mut self, event: PoolEvent) {
        match &event {
            PoolEvent::Want(executors) => self.manager.want(*executors),
            PoolEvent::Registered(name) => self.manager.registered(name),
            _ => {}
        }
        let mut todo = vec![];
        self.pool.handle(self.now(), event, &mut todo);
        let shape = self.pool.shape();
        let mut refusal = None;
        for action in todo {
            match action {
                PoolAction::Request(count) => {
                    refusal = self.manager.request(count, &shape).err().map(|why| (count, why));
                }
                PoolAction::Avoid(machines) => {
                    tell_avoided(&machines);
                    self.manager.avoid(&machines);
                }
                PoolAction::Withdraw(count) => self.manager.withdraw(count),
                PoolAction::Release(name) => self.manager.release(&name),
                PoolAction::Ended(name, reason) => self.listener.ended(&name, reason),
                PoolAction::Decommissioned(name) => self.listener.decommissioned(&name),
                PoolAction::Waits(why) => self.tell_waits(&why),
                PoolAction::Over(why) => self.listener.over(why),
            }
        }
        if let Some((count, why)) = refusal {
            self.handle(PoolEvent::Refused { count, why });
        }
    }

    /// Says that some executors are not to be had, and how many there are.
    fn tell_waits(&self, why: &str) {
        let (ready, waiting) = (self.pool.ready(), self.pool.outstanding());
        self.listener.waits(&match waiting {
            0 | WITHOUT_LIMIT_FROM.. => format!("{ready} executors are ready: {why}"),
            waiting => format!("{ready} executors are ready, {waiting} are waited for: {why}"),
        });
    }
}

fn tell_avoided(machines: &BTreeSet<String>) {
    let names = machines.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    match machines.is_empty() {
        true => tracing::info!("executors may be started on all machines again"),
        false => {
            tracing::info!("no executor is started on {names}: the application keeps away from those there")
        }
    }
}

impl ManagerListener for Mailbox {
    fn granted(&self, name: &str, host: &str) {
        self.post(PoolEvent::Granted { name: name.into(), host: host.into() });
    }

    fn refused(&self, count: u32, why: &str) {
        self.post(PoolEvent::Refused { count, why: why.into() });
    }

    fn lost(&self, name: &str, loss: Loss) {
        self.post(PoolEvent::Lost { name: name.into(), loss });
    }

    fn preempted(&self, name: &str, within: Duration) {
        self.post(PoolEvent::Preempted { name: name.into(), within_ms: within.as_millis() as u64 });
    }

    fn waits(&self, why: &str) {
        let _ = self.0.lock().send(Event::Waits(why.into()));
    }

    fn over(&self, why: &str) {
        let _ = self.0.lock().send(Event::Over(why.into()));
    }
}

impl Mailbox {
    fn post(&self, event: PoolEvent) {
        let _ = self.0.lock().send(Event::Pool(event));
    }
}

/// The driver's side.
impl ManagedCluster {
    /// Handles that an agent is ready to run tasks.
    pub fn registered(&self, name: &str) {
        self.post(Event::Pool(PoolEvent::Registered(name.into())));
    }

    /// Handles the end of an agent's connection. A process that does not end with its connection is frozen, and is
    /// released after a while.
    pub fn disconnected(&self, name: &str) {
        self.post(Event::Pool(PoolEvent::Disconnected(name.into())));
    }

    /// Handles that an agent was told by its machine that it will be taken away.
    pub fn noticed(&self, name: &str, within: Duration) {
        let (name, within_ms) = (name.into(), within.as_millis() as u64);
        self.post(Event::Pool(PoolEvent::Preempted { name, within_ms }));
    }

    /// Sets the number of executors that the application wants from now on.
    pub fn want(&self, executors: u32) {
        self.post(Event::Pool(PoolEvent::Want(executors)));
    }

    /// Sets the executors from which the application keeps its tasks: no other is started where they are.
    pub fn exclude(&self, excluded: Excluded) {
        self.post(Event::Pool(PoolEvent::Excluded(excluded)));
    }

    /// Returns whether what agents write to standard output and error is kept in files, which can be asked for.
    pub fn keeps_logs(&self) -> bool {
        self.manager.keeps_logs()
    }

    /// Returns the id that the manager has given the application. Waits for it, but no longer than this; none if there
    /// is none by then, or the manager gives no ids.
    pub fn application(&self, within: Duration) -> Option<String> {
        self.manager.application(within)
    }

    /// Handles that the application ends: its agents are about to end, and are not replaced.
    pub fn finish(&self) {
        self.post(Event::Pool(PoolEvent::Finish));
        self.manager.finish();
    }

    /// Ends all that the manager has started, and its threads and connections.
    pub fn stop(&self) {
        self.post(Event::Stop);
        self.manager.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_lending::Shape;
    use firesteel_types::ExecutorLossReason;

    /// A manager that names what it is asked for, or refuses it; it tells what it was called for.
    struct Lender {
        calls: Mutex<Sender<String>>,
        refusal: Mutex<Option<String>>,
        listener: Arc<dyn ManagerListener>,
    }

    impl Lender {
        fn told(&self, call: String) {
            let _ = self.calls.lock().send(call);
        }
    }

    impl Manager for Lender {
        fn request(&self, count: u32, _: &Shape) -> Result<(), String> {
            self.told(format!("request {count}"));
            match &*self.refusal.lock() {
                Some(why) => Err(why.clone()),
                None => {
                    (0..count).for_each(|n| self.listener.granted(&format!("{n}"), "here"));
                    Ok(())
                }
            }
        }

        fn withdraw(&self, count: u32) {
            self.told(format!("withdraw {count}"));
        }

        fn release(&self, name: &str) {
            self.told(format!("release {name}"));
        }

        fn stop(&self) {
            self.told("stop".into());
        }
    }

    /// An application that tells what it hears.
    struct Hears(Mutex<Sender<String>>);

    impl ClusterListener for Hears {
        fn waits(&self, why: &str) {
            let _ = self.0.lock().send(format!("waits: {why}"));
        }

        fn ended(&self, name: &str, reason: ExecutorLossReason) {
            let _ = self.0.lock().send(format!("ended {name}: {reason}"));
        }

        fn decommissioned(&self, name: &str) {
            let _ = self.0.lock().send(format!("decommissioned {name}"));
        }

        fn over(&self, why: String) {
            let _ = self.0.lock().send(format!("over: {why}"));
        }
    }

    struct Story {
        cluster: Arc<ManagedCluster>,
        lender: Arc<Lender>,
        heard: Receiver<String>,
    }

    fn story(settings: PoolSettings, refusal: Option<&str>) -> Story {
        let (sender, heard) = channel();
        let mut lender = None;
        let listener = Box::new(Hears(Mutex::new(sender.clone())));
        let cluster = ManagedCluster::new(settings, listener, |listener| {
            let (calls, refusal) = (Mutex::new(sender), Mutex::new(refusal.map(String::from)));
            let made = Arc::new(Lender { calls, refusal, listener });
            lender = Some(made.clone());
            Ok(made)
        });
        Story { cluster: cluster.unwrap(), lender: lender.unwrap(), heard }
    }

    impl Story {
        fn hears(&self, expected: &str) {
            let heard = self.heard.recv_timeout(Duration::from_secs(30)).unwrap();
            assert_eq!(heard, expected);
        }
    }

    #[test]
    fn a_manager_that_refuses_the_first_request_fails_the_start_and_is_stopped() {
        let story = story(PoolSettings::default(), Some("no such queue"));
        assert_eq!(story.cluster.start(2).unwrap_err().to_string(), "no such queue");
        story.hears("request 2");
        story.hears("stop");
    }

    #[test]
    fn a_later_refusal_is_told_with_what_there_is_and_asked_again() {
        let story = story(PoolSettings { pause_ms: 1, ..PoolSettings::default() }, None);
        story.cluster.start(1).unwrap();
        story.hears("request 1");
        story.cluster.registered("0");
        *story.lender.refusal.lock() = Some("quota".into());
        story.cluster.want(3);
        story.hears("request 2");
        story.hears("waits: 1 executors are ready: quota");
        story.hears("request 2");
        story.cluster.stop();
    }

    #[test]
    fn losses_notices_and_the_end_pass_through() {
        let story = story(PoolSettings::default(), None);
        story.cluster.start(2).unwrap();
        story.hears("request 2");
        story.lender.listener.preempted("0", Duration::from_secs(9));
        story.hears("decommissioned 0");
        story.hears("request 1");
        story.lender.listener.over("killed by its queue's owner");
        story.hears("over: killed by its queue's owner");
        // The second request was answered with a name that had come before, and so by nobody.
        story.hears("withdraw 1");
        story.lender.listener.lost("1", Loss::taken("its node failed"));
        story.hears("ended 1: the cluster manager has taken it away: its node failed");
        story.cluster.stop();
        story.hears("stop");
    }
}
