//! Slots: threads that take tasks from a queue and run them.

use crate::decode::decode;
use crate::link::{DriverLink, Executors, PlanError};
use crate::runner;
use firesteel_operators::{FinalOperator, Services, Task};
use firesteel_protocol::{DeliveredOutcome, TaskSpec};
use firesteel_types::{
    AccumulatorUpdate, BroadcastId, ExecutorId, KillReason, RddId, StageId, TaskFailure, TaskId,
};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Locked while it is fetched and decoded: who needs it too, waits. What failed is tried again by the next.
type Plan = Arc<Mutex<Option<Arc<dyn FinalOperator>>>>;

struct Shared {
    services: Arc<Services>,
    link: Arc<dyn DriverLink>,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<TaskSpec>,
    /// Tasks that were accepted and have not ended; the flag tells them to stop.
    accepted: HashMap<TaskId, Arc<AtomicBool>>,
    plans: HashMap<StageId, Plan>,
    stopping: bool,
}

/// Runs tasks in a fixed number of slots. Stops, and waits for its tasks to notice, when dropped.
pub struct Executor {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Executor {
    /// Starts an executor.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub fn start(slots: u32, services: Arc<Services>, link: Arc<dyn DriverLink>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { services, link, state: Mutex::default(), wake: Condvar::new() });
        let executor = Executor { shared, threads: Mutex::default() };
        for slot in 0..slots {
            let shared = executor.shared.clone();
            let thread = thread::Builder::new().name(format!("firesteel-task-{slot}"));
            executor.threads().push(thread.spawn(move || shared.work())?);
        }
        Ok(executor)
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all tasks to stop, takes no more, and waits until the slots have noticed, but not for longer than this.
    pub fn stop(&self, within: Duration) {
        {
            let mut state = self.shared.state();
            state.stopping = true;
            state.accepted.values().for_each(|cancelled| cancelled.store(true, Ordering::Relaxed));
            self.shared.wake.notify_all();
        }
        let deadline = Instant::now() + within;
        let threads = std::mem::take(&mut *self.threads());
        for thread in threads {
            // The last owner of an executor may be a task of its own: that thread cannot wait for itself.
            if thread.thread().id() != thread::current().id() {
                join_until(thread, deadline);
            }
        }
    }

    /// Accepts a task. It runs as soon as a slot is free.
    fn accept(&self, task: TaskSpec) {
        let mut state = self.shared.state();
        state.accepted.insert(task.task, Arc::default());
        state.queue.push_back(task);
        self.shared.wake.notify_one();
    }
}

impl Executors for Executor {
    fn launch(&self, _: ExecutorId, task: TaskSpec) {
        self.accept(task);
    }

    fn kill(&self, _: ExecutorId, task: TaskId) {
        if let Some(cancelled) = self.shared.state().accepted.get(&task) {
            cancelled.store(true, Ordering::Relaxed);
        }
    }

    fn forget_stage(&self, stage: StageId) {
        // Dropped outside the lock: operators own whatever the user's environments own.
        let plan = self.shared.state().plans.remove(&stage);
        drop(plan);
    }

    fn forget_rdd(&self, _: RddId) {
        // The driver keeps partitions itself: they are its own executor's.
    }

    fn forget_broadcast(&self, _: BroadcastId) {
        // So are broadcast values.
    }

    fn running(&self) -> Vec<(ExecutorId, Vec<TaskId>)> {
        let running = self.shared.state().accepted.keys().copied().collect();
        vec![(self.shared.services.executor, running)]
    }
}

/// Tasks notice between two batches that they are to stop. A function of the user's that takes longer than this over one
/// batch is left behind; its thread ends with the function.
const STOP_AT_MOST: Duration = Duration::from_secs(10);

fn join_until(thread: JoinHandle<()>, deadline: Instant) {
    const LOOK_EVERY: Duration = Duration::from_micros(200);
    while !thread.is_finished() {
        if Instant::now() >= deadline {
            return;
        }
        thread::sleep(LOOK_EVERY);
    }
    let _ = thread.join();
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.stop(STOP_AT_MOST);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No user code runs under this lock, so a poisoned one is sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a slot.
    fn work(&self) {
        while let Some((spec, cancelled)) = self.next_task() {
            let (outcome, updates) = self.run(&spec, cancelled);
            self.link.finished(self.services.executor, spec.task, outcome, updates);
            self.state().accepted.remove(&spec.task);
        }
    }

    fn next_task(&self) -> Option<(TaskSpec, Arc<AtomicBool>)> {
        let mut state = self.state();
        loop {
            if state.stopping {
                return None;
            }
            if let Some(spec) = state.queue.pop_front() {
                let cancelled = state.accepted.get(&spec.task).cloned().unwrap_or_default();
                return Some((spec, cancelled));
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn run(&self, spec: &TaskSpec, cancelled: Arc<AtomicBool>) -> (DeliveredOutcome, Vec<AccumulatorUpdate>) {
        if cancelled.load(Ordering::Relaxed) {
            return (DeliveredOutcome::failed(TaskFailure::Killed(KillReason::JobEnded)), vec![]);
        }
        match self.plan(spec.stage) {
            Ok(terminal) => {
                let task = Task::new(spec.clone(), self.services.clone(), cancelled);
                runner::run(&*terminal, &task)
            }
            Err(failure) => (DeliveredOutcome::failed(failure), vec![]),
        }
    }

    /// The operators of a stage: decoded by the first task that needs them, while the others wait.
    fn plan(&self, stage: StageId) -> Result<Arc<dyn FinalOperator>, TaskFailure> {
        let plan = self.state().plans.entry(stage).or_default().clone();
        let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = &*plan {
            return Ok(plan.clone());
        }
        let decoded = self
            .link
            .plan(stage)
            .map_err(PlanError::into_failure)
            .and_then(|bytes| decode(&bytes, &self.services.broadcasts).map_err(TaskFailure::BadPlan));
        match &decoded {
            Ok(terminal) => *plan = Some(terminal.clone()),
            // A task that ends late asks for a stage that is over; nobody would forget that a second time.
            Err(_) => drop(self.state().plans.remove(&stage)),
        }
        decoded
    }
}
