//! Slots: threads that take tasks from a queue and run them.

use crate::decode::decode_with_lines;
use crate::link::{DriverLink, Executors, PlanError};
use crate::measure::{CpuClock, Stopwatch};
use crate::runner;
use crate::slot_link::SlotLink;
use crate::slot_place::SlotPlace;
use crate::stage_lines::StageLines;
use crate::task_queue::{CancelFlag, TaskQueue};
use crate::threads;
use firesteel_operators::{FinalOperator, Services, Task};
use firesteel_protocol::{DeliveredOutcome, FromExecutor, TaskSpec, ToExecutor};
use firesteel_types::{
    AccumulatorUpdate, ExecutorId, ExecutorMemory, KillReason, StageId, TaskFailure, TaskId, TaskMetrics,
    ThreadStack,
};
use parking_lot::{Condvar, Mutex};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The operators of a stage. Locked while they are fetched and decoded: other tasks that need them wait, and the next one tries again if
/// that failed.
type Plan = Arc<Mutex<Option<Decoded>>>;

/// The operator that ends a stage, and the lines of all.
type Decoded = (Arc<dyn FinalOperator>, Arc<StageLines>);

struct Shared {
    services: Arc<Services>,
    driver: Arc<dyn DriverLink>,
    /// Where tasks wait for the driver's answers.
    link: Arc<SlotLink>,
    state: Mutex<State>,
    wake: Condvar,
    /// The number of tasks that wait for a slot, for slots that look without the lock.
    waiting: AtomicUsize,
    /// The place where each slot shows its task, for display.
    slots: Vec<SlotPlace>,
}

fn thread_name(slot: usize) -> String {
    format!("firesteel-task-{slot}")
}

#[derive(Default)]
struct State {
    tasks: TaskQueue,
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
    pub fn start(
        slots: u32,
        services: Arc<Services>,
        driver: Arc<dyn DriverLink>,
        link: Arc<SlotLink>,
    ) -> std::io::Result<Self> {
        let (state, wake, waiting) = (Mutex::default(), Condvar::new(), AtomicUsize::new(0));
        let running = (0..slots).map(|_| SlotPlace::new()).collect();
        let shared = Shared { services, driver, link, state, wake, waiting, slots: running };
        let shared = Arc::new(shared);
        let executor = Executor { shared, threads: Mutex::default() };
        for slot in 0..slots as usize {
            let shared = executor.shared.clone();
            let thread = thread::Builder::new().name(thread_name(slot));
            executor.threads.lock().push(thread.spawn(move || shared.work(&shared.slots[slot]))?);
        }
        Ok(executor)
    }

    /// Tells all tasks to stop, takes no more, and waits until the slots have noticed, but not for longer than this.
    pub fn stop(&self, within: Duration) {
        {
            let mut state = self.shared.state.lock();
            state.stopping = true;
            state.tasks.kill_all();
            self.shared.wake.notify_all();
        }
        let deadline = Instant::now() + within;
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // The last owner of an executor may be a task of its own: that thread cannot wait for itself.
            if thread.thread().id() != thread::current().id() {
                join_until(thread, deadline);
            }
        }
    }

    /// Accepts a task. It runs as soon as a slot is free.
    fn accept(&self, task: TaskSpec) {
        let mut state = self.shared.state.lock();
        state.tasks.accept(task);
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        self.shared.wake.notify_one();
    }
}

impl Executors for Executor {
    fn send(&self, message: ToExecutor) {
        match message {
            ToExecutor::Launch { task, .. } => self.accept(task),
            ToExecutor::Kill { task, .. } => self.shared.state.lock().tasks.kill(task),
            ToExecutor::CommitDecision { task, allowed, .. } => self.shared.link.answer_commit(task, allowed),
            ToExecutor::BarrierAnswer { task, epoch, outcome, .. } => {
                self.shared.link.answer_barrier(task, epoch, outcome);
            }
            ToExecutor::ForgetStage { stage } => {
                // Dropped outside the lock: operators own all that the user's environments own.
                let plan = self.shared.state.lock().plans.remove(&stage);
                drop(plan);
            }
            // The owner of the process removes cached partitions and broadcast values from the services that it lends. Launches bring
            // their outputs, plans are fetched, and the rest is for agents.
            ToExecutor::RemoveRdd { .. }
            | ToExecutor::RemoveBroadcast { .. }
            | ToExecutor::Outputs { .. }
            | ToExecutor::Plan { .. }
            | ToExecutor::RemoveOutput { .. }
            | ToExecutor::RemoveResult { .. }
            | ToExecutor::NextExecutor { .. }
            | ToExecutor::WorkerSetting { .. }
            | ToExecutor::Migrate { .. }
            | ToExecutor::Store { .. }
            | ToExecutor::RemoveStored { .. }
            | ToExecutor::ForgetStored { .. }
            | ToExecutor::AskStacks { .. }
            | ToExecutor::AskLog { .. }
            | ToExecutor::Alive
            | ToExecutor::Leave => {}
        }
    }

    fn running(&self) -> Vec<(ExecutorId, Vec<TaskId>)> {
        vec![(self.shared.services.executor, self.shared.state.lock().tasks.accepted())]
    }

    fn memory(&self) -> Vec<(ExecutorId, ExecutorMemory)> {
        let (execution, storage) = self.shared.services.memory.arbiter().usage();
        let resident = crate::resident_bytes(std::process::id());
        let memory = ExecutorMemory {
            execution: execution as u64,
            storage: storage as u64,
            resident,
            is_python: false,
        };
        vec![(self.shared.services.executor, memory)]
    }

    fn stacks(&self) -> Vec<ThreadStack> {
        let (executor, process) = (self.shared.services.executor, std::process::id());
        let slots = self.shared.slots.iter().enumerate().map(|(slot, place)| {
            let task = place.task();
            let text = task.map_or_else(String::new, |(running, _)| {
                let lines = self.shared.lines(running.stage);
                lines.map_or_else(
                    || GETS_PLAN.to_owned(),
                    |lines| lines.stack(place.functions().get()).join("\n"),
                )
            });
            ThreadStack {
                executor,
                name: thread_name(slot),
                process,
                thread: place.thread(),
                state: threads::state_of(process, place.thread()),
                running: task.map(|(running, _)| running),
                ran_ms: task.map(|(_, ran)| ran.as_millis() as u64),
                text,
            }
        });
        slots.collect()
    }
}

/// The text in place of the stack of a slot whose task has no operators yet.
const GETS_PLAN: &str = "the stage's plan is fetched and decoded";

/// The number of times that a slot without a task looks for one before it sleeps: a few microseconds.
const LOOKS: u32 = 100;

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
    /// The life of a slot, which shows the task that it runs.
    fn work(&self, place: &SlotPlace) {
        place.thread_begins();
        let mut clock = CpuClock::default();
        while let Some((spec, arrived, cancelled)) = self.next_task() {
            let mut stopwatch = Stopwatch::begin(&mut clock, arrived);
            place.begin(&spec, stopwatch.began());
            let (outcome, updates, mut metrics) = self.run(&spec, cancelled, &mut stopwatch);
            stopwatch.end(&mut clock, &mut metrics);
            metrics.result_bytes = outcome.result_bytes();
            place.end();
            let (executor, task, report) = (self.services.executor, spec.task, outcome.into());
            let metrics = Some(Box::new(metrics));
            self.driver.receive(FromExecutor::Finished { executor, task, report, updates, metrics });
            self.state.lock().tasks.ended(spec.task);
        }
    }

    fn next_task(&self) -> Option<(TaskSpec, Instant, CancelFlag)> {
        // Another slot's thread may be about to hand over this slot's next task, if it is the driver's loop: to
        // sleep and be woken takes longer than that, and longer than a small task.
        for _ in 0..LOOKS {
            if self.waiting.load(Ordering::Relaxed) > 0 {
                break;
            }
            std::hint::spin_loop();
        }
        let mut state = self.state.lock();
        loop {
            if state.stopping {
                return None;
            }
            if let Some((spec, arrived)) = state.tasks.next() {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                let cancelled = state.tasks.flag(spec.task);
                return Some((spec, arrived, cancelled));
            }
            self.wake.wait(&mut state);
        }
    }

    fn run(
        &self,
        spec: &TaskSpec,
        cancelled: CancelFlag,
        stopwatch: &mut Stopwatch,
    ) -> (DeliveredOutcome, Vec<AccumulatorUpdate>, TaskMetrics) {
        let failed = |failure| (DeliveredOutcome::failed(failure), vec![], TaskMetrics::default());
        if cancelled.load(Ordering::Relaxed) {
            return failed(TaskFailure::Killed(KillReason::JobEnded));
        }
        match self.plan(spec.stage, stopwatch) {
            Ok(terminal) => {
                let task = Task::new(spec.clone(), self.services.clone(), cancelled);
                let (outcome, updates) = runner::run(&*terminal, &task);
                (outcome, updates, task.measured())
            }
            Err(failure) => failed(failure),
        }
    }

    /// The lines of a stage's operators, if these are there already.
    fn lines(&self, stage: StageId) -> Option<Arc<StageLines>> {
        let plan = self.state.lock().plans.get(&stage)?.clone();
        // Locked for long while it is fetched, for which nobody who only looks waits.
        let plan = plan.try_lock()?;
        plan.as_ref().map(|(_, lines)| lines.clone())
    }

    /// The operators of a stage: decoded by the first task that needs them, while the others wait. The clock is read only by these.
    fn plan(&self, stage: StageId, stopwatch: &mut Stopwatch) -> Result<Arc<dyn FinalOperator>, TaskFailure> {
        let plan = self.state.lock().plans.entry(stage).or_default().clone();
        let at_once = plan.try_lock();
        let has_waited = at_once.is_none();
        let mut plan = at_once.unwrap_or_else(|| plan.lock());
        if let Some((terminal, _)) = &*plan {
            if has_waited {
                stopwatch.ready();
            }
            return Ok(terminal.clone());
        }
        let decoded = stopwatch.decode(|| {
            let bytes = self.driver.plan(stage).map_err(PlanError::into_failure)?;
            decode_with_lines(&bytes, &self.services.broadcasts).map_err(TaskFailure::BadPlan)
        });
        match decoded {
            Ok((terminal, lines)) => {
                *plan = Some((terminal.clone(), Arc::new(lines)));
                Ok(terminal)
            }
            // A task that ends late asks for a stage that is over, which is not forgotten a second time.
            Err(failure) => {
                self.state.lock().plans.remove(&stage);
                Err(failure)
            }
        }
    }
}
