//! The listener bus: events leave the driver's loop here, and a thread hands them to the pages' store, the event log and
//! listeners.
//!
//! The loop appends to a list and goes on. The thread takes the whole list at once, a few times a second while there is
//! anything, so that the loop wakes it once in many events. The list is bounded: when listeners fall too far behind, events are
//! dropped, counted and told of, as in Spark; jobs never wait.

use crate::listener::Listener;
use crate::listener_events::Translator;
use crate::live_store::now;
use firesteel_events::{BlockManagerAdded, BlockManagerId, ListenerEvent};
use firesteel_types::{AppEvent, ExecutorId};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The time for which events gather before the thread takes them.
const GATHER: Duration = Duration::from_millis(20);

/// The time that the end of the application waits for listeners.
const DRAIN_AT_MOST: Duration = Duration::from_secs(30);

/// The interval at which executors' memory is looked at while jobs run.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Looks at what no event tells: the memory of executors.
pub(crate) type Sample = dyn Fn() -> Vec<ListenerEvent> + Send + Sync;

/// An event on its way.
enum Queued {
    /// Of the engine's loop.
    Engine(AppEvent),
    /// Of whatever knows more than the loop.
    Ready(Box<ListenerEvent>),
}

#[derive(Default)]
struct State {
    queue: Vec<Queued>,
    /// Listeners that were added since the thread last looked.
    added: Vec<Box<dyn Listener>>,
    /// True while the thread waits for a first event.
    is_asleep: bool,
    /// True while nothing is handed on, since what has to come first is not there yet.
    is_held: bool,
    is_closed: bool,
    /// True once the thread has handed on all that came before the end.
    is_done: bool,
    /// The number of times that threads waited for what had come by then, and how many of those are served.
    flushes_asked: u64,
    flushes_done: u64,
}

/// All that the thread takes at a time.
struct Taken {
    events: Vec<Queued>,
    added: Vec<Box<dyn Listener>>,
    flushes: u64,
    is_closed: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
    dropped: AtomicU64,
    /// True once there is anybody to tell.
    is_wanted: AtomicBool,
    /// True once the application ends.
    is_ending: AtomicBool,
    sample: OnceLock<Box<Sample>>,
}

/// The way of events to those who want to know them. One for an application.
pub(crate) struct ListenerBus {
    shared: Arc<Shared>,
    /// The time that is 0 in the engine's events, in milliseconds since 1970.
    epoch: i64,
    /// The hosts of executors, for a thread that begins when these have long come.
    hosts: Mutex<BTreeMap<ExecutorId, String>>,
    /// None until there is anybody to tell.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl ListenerBus {
    /// Makes the bus. `capacity` is the most events that wait; times count from `epoch`, in milliseconds since 1970. A thread
    /// is started once there is anybody to tell.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub(crate) fn start(
        epoch: i64,
        capacity: usize,
        listeners: Vec<Box<dyn Listener>>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            capacity,
            dropped: AtomicU64::new(0),
            is_wanted: AtomicBool::new(false),
            is_ending: AtomicBool::new(false),
            sample: OnceLock::new(),
        });
        let bus = ListenerBus { shared, epoch, hosts: Mutex::default(), thread: Mutex::new(None) };
        listeners.into_iter().try_for_each(|listener| bus.add(listener))?;
        Ok(bus)
    }

    /// Returns whether there is anybody to tell.
    pub(crate) fn is_wanted(&self) -> bool {
        self.shared.is_wanted.load(Ordering::Relaxed)
    }

    /// Says that the application ends. Executors that end from now on are not lost, so nobody is told of them.
    pub(crate) fn ends(&self) {
        self.shared.is_ending.store(true, Ordering::Relaxed);
    }

    /// Holds all events back until [`ListenerBus::release`], also where nobody listens yet.
    pub(crate) fn hold(&self) {
        self.shared.state.lock().is_held = true;
        self.shared.is_wanted.store(true, Ordering::Relaxed);
    }

    /// Hands on these events, and after them those that were held back.
    pub(crate) fn release(&self, first: Vec<ListenerEvent>) {
        let has_listeners = self.thread.lock().is_some();
        let mut state = self.shared.state.lock();
        let queued = first.into_iter().map(|event| Queued::Ready(Box::new(event)));
        match std::mem::take(&mut state.is_held) {
            true => drop(state.queue.splice(0..0, queued)),
            false => state.queue.extend(queued),
        }
        if !has_listeners {
            state.queue.clear();
            self.shared.is_wanted.store(false, Ordering::Relaxed);
        }
        state.is_asleep = false;
        self.shared.changed.notify_all();
    }

    /// Passes an event of the engine on, if there is anybody to tell. Executors' hosts are noted in any case, for those who listen later.
    pub(crate) fn post(&self, event: AppEvent) {
        match &event {
            AppEvent::ExecutorAdded { executor, host, .. } => {
                self.hosts.lock().insert(*executor, host.clone());
            }
            AppEvent::ExecutorRemoved { executor, .. } => {
                self.hosts.lock().remove(executor);
            }
            _ => {}
        }
        if self.is_wanted() {
            self.shared.push(Queued::Engine(event));
        }
    }

    /// Passes an event on that the engine does not know.
    pub(crate) fn post_ready(&self, event: ListenerEvent) {
        self.shared.push(Queued::Ready(Box::new(event)));
    }

    /// Tells of the memory for blocks of an executor that has registered.
    pub(crate) fn post_block_manager(&self, executor: ExecutorId, host: String, memory: u64) {
        let memory = memory as i64;
        self.post_ready(ListenerEvent::BlockManagerAdded(BlockManagerAdded {
            block_manager_id: BlockManagerId {
                executor_id: executor.name(),
                host,
                port: BlockManagerId::NO_PORT,
            },
            maximum_memory: memory,
            timestamp: now(),
            maximum_on_heap_memory: Some(0),
            maximum_off_heap_memory: Some(memory),
        }));
    }

    /// Sets what is called each second while jobs run, for events that nobody posts. Only the first call has an effect.
    pub(crate) fn set_sample(&self, sample: Box<Sample>) {
        let _ = self.shared.sample.set(sample);
    }

    /// Adds a listener, which is told of what happens from now on.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub(crate) fn add(&self, listener: Box<dyn Listener>) -> std::io::Result<()> {
        let mut thread = self.thread.lock();
        // Before the hosts are copied: an executor that comes meanwhile is among them, or its event is told.
        self.shared.is_wanted.store(true, Ordering::Relaxed);
        if thread.is_none() && !self.shared.state.lock().is_closed {
            let (shared, mut translator) = (self.shared.clone(), Translator::new(self.epoch));
            for (executor, host) in &*self.hosts.lock() {
                translator.came(*executor, host);
            }
            let builder = std::thread::Builder::new().name("firesteel-listeners".into());
            let begun = builder.spawn(move || shared.run(translator));
            *thread = Some(begun.inspect_err(|_| self.shared.is_wanted.store(false, Ordering::Relaxed))?);
        }
        let mut state = self.shared.state.lock();
        state.added.push(listener);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Waits until all that came before this call is handed on. False if that takes longer than `at_most`.
    pub(crate) fn flush(&self, at_most: Duration) -> bool {
        let deadline = Instant::now() + at_most;
        let mut state = self.shared.state.lock();
        if !self.is_wanted() || state.is_done {
            return true;
        }
        state.flushes_asked += 1;
        let mine = state.flushes_asked;
        self.shared.changed.notify_all();
        while state.flushes_done < mine && !state.is_done {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                return false;
            }
        }
        true
    }

    /// Hands on what has come, ends the thread, and drops the listeners. Waits for them, but not without end.
    pub(crate) fn stop(&self) {
        let deadline = Instant::now() + DRAIN_AT_MOST;
        let thread = self.thread.lock().take();
        {
            let mut state = self.shared.state.lock();
            state.is_closed = true;
            if thread.is_none() {
                return;
            }
            self.shared.changed.notify_all();
            while !state.is_done {
                if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                    tracing::warn!("a listener has not returned for {DRAIN_AT_MOST:?}, and is left behind");
                    return;
                }
            }
        }
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn push(&self, event: Queued) {
        let mut state = self.state.lock();
        if state.is_closed {
            return;
        }
        if state.queue.len() >= self.capacity {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.queue.push(event);
        if state.is_asleep {
            state.is_asleep = false;
            self.changed.notify_all();
        }
    }

    fn run(&self, mut translator: Translator) {
        let (mut listeners, mut told) = (Vec::<Box<dyn Listener>>::new(), 0);
        let (mut jobs, mut sampled, mut is_quiet) = (0_i64, Instant::now(), true);
        loop {
            let Taken { events, added, flushes, is_closed } = self.take(jobs > 0 || !is_quiet);
            listeners.extend(added);
            if events.is_empty() && !is_quiet && !is_closed {
                listeners
                    .retain_mut(|listener| catch_unwind(AssertUnwindSafe(|| listener.on_quiet())).is_ok());
                is_quiet = true;
            }
            is_quiet &= events.is_empty();
            for event in events {
                let event = match event {
                    Queued::Engine(event) => translator.translate(event),
                    Queued::Ready(event) => *event,
                };
                jobs += match event {
                    ListenerEvent::JobStart(_) => 1,
                    ListenerEvent::JobEnd(_) => -1,
                    _ => 0,
                };
                listeners.retain_mut(|listener| tell(&mut **listener, &event));
            }
            if jobs > 0 && !is_closed && sampled.elapsed() >= SAMPLE_EVERY {
                sampled = Instant::now();
                for event in self.sample.get().map(|sample| sample()).unwrap_or_default() {
                    listeners.retain_mut(|listener| tell(&mut **listener, &event));
                }
            }
            let dropped = self.dropped.load(Ordering::Relaxed);
            if dropped > told {
                tracing::warn!(
                    "listeners are too slow: {} events were dropped, so pages and event logs miss them. \
                     `firesteel.scheduler.listenerbus.eventqueue.capacity` is the number of events that may wait",
                    dropped - told
                );
                told = dropped;
            }
            if is_closed {
                break;
            }
            self.flushed(flushes);
        }
        drop(listeners);
        self.state.lock().is_done = true;
        self.changed.notify_all();
    }

    /// Tells those who wait that all which had come when they asked is handed on.
    fn flushed(&self, flushes: u64) {
        let mut state = self.state.lock();
        if state.flushes_done < flushes {
            state.flushes_done = flushes;
            self.changed.notify_all();
        }
    }

    /// Waits until there is an event, a new listener, a thread that waits, or the end, and takes all that there is. If there is
    /// something to do without any of these, it waits a second at most.
    fn take(&self, is_due: bool) -> Taken {
        let mut state = self.state.lock();
        let is_urgent = |state: &State| {
            state.is_closed || !state.added.is_empty() || state.flushes_asked > state.flushes_done
        };
        while (state.queue.is_empty() || state.is_held) && !is_urgent(&state) {
            state.is_asleep = true;
            match is_due {
                true if self.changed.wait_for(&mut state, SAMPLE_EVERY).timed_out() => break,
                true => {}
                false => self.changed.wait(&mut state),
            }
        }
        state.is_asleep = false;
        if !is_urgent(&state) {
            // More will follow: what comes meanwhile wakes nobody.
            self.changed.wait_for(&mut state, GATHER);
        }
        Taken {
            events: match state.is_held && !state.is_closed {
                true => vec![],
                false => std::mem::take(&mut state.queue),
            },
            added: std::mem::take(&mut state.added),
            flushes: state.flushes_asked,
            is_closed: state.is_closed,
        }
    }
}

/// Tells a listener of an event. One that panics is told of no more; the panic was reported.
fn tell(listener: &mut dyn Listener, event: &ListenerEvent) -> bool {
    catch_unwind(AssertUnwindSafe(|| listener.on_event(event))).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener_events::tests::task;
    use firesteel_types::{JobId, Millis, TaskSummary};
    use std::sync::mpsc::{Sender, channel};

    fn ended(job: u32) -> AppEvent {
        AppEvent::JobEnded { at: Millis(0), job: JobId(job), failure: None }
    }

    fn noting(to: Sender<i64>) -> Box<dyn Listener> {
        Box::new(move |event: &ListenerEvent| {
            if let ListenerEvent::JobEnd(end) = event {
                to.send(end.job_id).unwrap();
            }
        })
    }

    #[test]
    fn all_that_came_before_the_end_is_told_in_order() {
        let (to, from) = channel();
        let bus = ListenerBus::start(0, 10_000, vec![noting(to)]).unwrap();
        (0..1_000).for_each(|job| bus.post(ended(job)));
        bus.stop();
        bus.post(ended(1_000));
        assert_eq!(from.into_iter().collect::<Vec<_>>(), (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn who_waits_sees_all_that_came_before_and_does_not_wait_without_end() {
        let (to, from) = channel();
        let (held, holds) = channel::<()>();
        let slow = Box::new(move |event: &ListenerEvent| {
            if matches!(event, ListenerEvent::JobEnd(end) if end.job_id == 100) {
                let _ = holds.recv();
            }
        });
        let bus = ListenerBus::start(0, 10_000, vec![slow, noting(to)]).unwrap();
        (0..100).for_each(|job| bus.post(ended(job)));
        assert!(bus.flush(DRAIN_AT_MOST));
        assert_eq!(from.try_iter().count(), 100);
        assert!(bus.flush(DRAIN_AT_MOST), "nothing is left to wait for");
        bus.post(ended(100));
        assert!(!bus.flush(Duration::from_millis(20)));
        drop(held);
        bus.stop();
        assert!(bus.flush(Duration::ZERO));
    }

    #[test]
    fn events_that_nobody_takes_in_time_are_dropped_and_nothing_waits() {
        let (to, from) = channel();
        let (held, holds) = channel::<()>();
        let mut is_first = true;
        let slow = Box::new(move |_: &ListenerEvent| {
            if std::mem::take(&mut is_first) {
                let _ = holds.recv();
            }
        });
        let bus = ListenerBus::start(0, 10, vec![slow, noting(to)]).unwrap();
        bus.post(ended(0));
        (1..100).for_each(|job| bus.post(ended(job)));
        drop(held);
        bus.stop();
        let told = from.into_iter().collect::<Vec<_>>();
        assert!(told.len() <= 20 && told.len() >= 10, "{told:?}");
        assert_eq!(bus.shared.dropped.load(Ordering::Relaxed), 100 - told.len() as u64);
    }

    #[test]
    fn a_listener_that_panics_is_left_out_and_the_others_go_on() {
        let (to, from) = channel();
        let broken = Box::new(|_: &ListenerEvent| std::panic::resume_unwind(Box::new(())));
        let bus = ListenerBus::start(0, 10, vec![broken, noting(to)]).unwrap();
        bus.post(ended(0));
        bus.post(ended(1));
        bus.stop();
        assert_eq!(from.into_iter().collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn what_is_held_back_comes_after_what_comes_first() {
        let (to, from) = channel();
        let bus = ListenerBus::start(0, 10, vec![noting(to.clone())]).unwrap();
        bus.hold();
        bus.post(ended(1));
        bus.add(noting(to)).unwrap();
        assert!(from.recv_timeout(GATHER * 5).is_err(), "nothing is told before its time");
        let first = firesteel_events::JobEnd { job_id: 0, ..firesteel_events::JobEnd::default() };
        bus.release(vec![ListenerEvent::JobEnd(first)]);
        bus.stop();
        assert_eq!(from.into_iter().collect::<Vec<_>>(), [0, 0, 1, 1], "also to one that came meanwhile");
        let nobody = ListenerBus::start(0, 10, vec![]).unwrap();
        nobody.hold();
        assert!(nobody.is_wanted());
        nobody.release(vec![]);
        assert!(!nobody.is_wanted());
    }

    #[test]
    fn a_listener_that_comes_later_is_told_the_hosts_of_executors_that_came_before_it() {
        let (to, from) = channel();
        let hosts = Box::new(move |event: &ListenerEvent| {
            if let ListenerEvent::TaskStart(start) = event {
                to.send(start.task_info.host.to_string()).unwrap();
            }
        });
        let added = |executor, host: &str| AppEvent::ExecutorAdded {
            at: Millis(0),
            executor: ExecutorId(executor),
            host: host.into(),
            slots: 1,
        };
        let bus = ListenerBus::start(0, 10, vec![]).unwrap();
        bus.hold();
        bus.post(added(2, "b"));
        bus.release(vec![]);
        bus.post(added(3, "c"));
        bus.add(hosts).unwrap();
        for executor in [2, 3] {
            let task = TaskSummary { executor: ExecutorId(executor), ..task() };
            bus.post(AppEvent::TaskStarted { at: Millis(1), task });
        }
        bus.stop();
        assert_eq!(from.into_iter().collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn a_listener_that_comes_later_is_told_of_what_happens_then() {
        let (to, from) = channel();
        let bus = ListenerBus::start(0, 10, vec![]).unwrap();
        bus.add(noting(to)).unwrap();
        bus.post(ended(5));
        bus.stop();
        assert_eq!(from.into_iter().collect::<Vec<_>>(), [5]);
    }

    /// Counts events, and the times that there was quiet after some.
    struct Quiet {
        events: u32,
        to: Sender<u32>,
    }

    impl Listener for Quiet {
        fn on_event(&mut self, _: &ListenerEvent) {
            self.events += 1;
        }

        fn on_quiet(&mut self) {
            self.to.send(self.events).unwrap();
        }
    }

    #[test]
    fn a_listener_is_told_once_that_nothing_more_happens() {
        let (to, from) = channel();
        let bus = ListenerBus::start(0, 10, vec![Box::new(Quiet { events: 0, to })]).unwrap();
        bus.post(ended(0));
        assert_eq!(from.recv().unwrap(), 1, "quiet comes after the event");
        bus.post(ended(1));
        bus.post(ended(2));
        // A machine that is busy may make a second of the time between the two.
        while from.recv().unwrap() < 3 {}
        bus.stop();
        assert_eq!(from.iter().count(), 0);
    }
}
