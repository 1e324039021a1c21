//! The way to the driver from executors whose slots are threads: tasks ask it, and wait.

use crate::link::DriverLink;
use crate::pending::Pending;
use firesteel_operators::{BarrierGate, CommitGate};
use firesteel_protocol::{BarrierOutcome, BarrierRefusal, FromExecutor};
use firesteel_storage::cached::BlockListener;
use firesteel_types::{BlockKey, BlockSize, ExecutorId, TaskId};
use parking_lot::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock, Weak};

/// Asks the driver for its tasks, and tells it which partitions the executor caches.
///
/// An executor's services own the link and are made before there is a driver, which owns them; so the driver is set
/// [later](Self::connect), and weakly. Without a driver no attempt may commit, and barriers are refused.
pub struct SlotLink {
    executor: ExecutorId,
    driver: OnceLock<Weak<dyn DriverLink>>,
    waiting: Mutex<Waiting>,
}

/// The tasks that wait for the driver's answers.
#[derive(Default)]
struct Waiting {
    commits: Pending<TaskId, SyncSender<bool>>,
    barriers: Pending<(TaskId, u32), SyncSender<BarrierOutcome>>,
}

impl SlotLink {
    /// Makes the link of an executor, which has no driver yet.
    pub fn new(executor: ExecutorId) -> Arc<Self> {
        Arc::new(SlotLink { executor, driver: OnceLock::new(), waiting: Mutex::default() })
    }

    /// Sets the driver. Later calls have no effect.
    pub fn connect(&self, driver: Weak<dyn DriverLink>) {
        let _ = self.driver.set(driver);
    }

    /// Hands the driver's decision about a commit to the task that asked.
    pub(crate) fn answer_commit(&self, task: TaskId, allowed: bool) {
        let asked = self.waiting.lock().commits.answered(&task);
        if let Some(asked) = asked {
            // A task that was left behind does not wait any more.
            let _ = asked.send(allowed);
        }
    }

    /// Hands the driver's answer to the task that called at a barrier.
    pub(crate) fn answer_barrier(&self, task: TaskId, epoch: u32, outcome: BarrierOutcome) {
        let called = self.waiting.lock().barriers.answered(&(task, epoch));
        if let Some(called) = called {
            let _ = called.send(outcome);
        }
    }

    /// Refuses all that is asked, now and later: the driver is gone.
    pub(crate) fn end(&self) {
        let (commits, barriers) = {
            let mut waiting = self.waiting.lock();
            (waiting.commits.end(), waiting.barriers.end())
        };
        // Tasks that asked see the end of their channels.
        drop((commits, barriers));
    }

    fn driver(&self) -> Option<Arc<dyn DriverLink>> {
        self.driver.get().and_then(Weak::upgrade)
    }

    /// Asks the driver and waits for the answer, which `note` makes the way for. `None` when the driver is gone.
    ///
    /// The driver answers every question in the end: a call at a barrier when all tasks have called, or when this one is told to stop.
    fn ask<A, E>(
        &self,
        note: impl FnOnce(&mut Waiting, SyncSender<A>) -> Result<(), E>,
        question: FromExecutor,
    ) -> Option<A> {
        let driver = self.driver()?;
        let (sender, answer) = sync_channel(1);
        note(&mut self.waiting.lock(), sender).ok()?;
        driver.receive(question);
        // A task that waits does not keep the driver alive.
        drop(driver);
        answer.recv().ok()
    }
}

impl CommitGate for SlotLink {
    fn may_commit(&self, task: TaskId) -> bool {
        let question = FromExecutor::AskCommit { executor: self.executor, task };
        self.ask(|waiting, sender| waiting.commits.ask(task, sender), question).unwrap_or(false)
    }
}

impl BarrierGate for SlotLink {
    fn sync(&self, task: TaskId, epoch: u32, message: Option<String>) -> BarrierOutcome {
        let question = FromExecutor::BarrierSync { executor: self.executor, task, epoch, message };
        let answer = self.ask(|waiting, sender| waiting.barriers.ask((task, epoch), sender), question);
        answer.unwrap_or_else(|| Err(BarrierRefusal::driver_is_gone()))
    }
}

/// The form in which [`CachedBlocks`](firesteel_storage::CachedBlocks) take the link.
pub struct CachedBlocksOf(pub Arc<SlotLink>);

impl CachedBlocksOf {
    fn tell(&self, message: FromExecutor) {
        if let Some(driver) = self.0.driver() {
            driver.receive(message);
        }
    }
}

impl BlockListener for CachedBlocksOf {
    fn stored(&self, key: BlockKey, size: BlockSize) {
        self.tell(FromExecutor::Stored { executor: self.0.executor, key, size });
    }

    fn dropped(&self, key: BlockKey) {
        self.tell(FromExecutor::Dropped { executor: self.0.executor, key });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::PlanError;
    use firesteel_types::StageId;

    const TASK: TaskId = TaskId(7);

    /// A driver that answers at once, or never.
    struct Driver {
        link: Arc<SlotLink>,
        answers: bool,
        heard: Mutex<Vec<String>>,
    }

    impl DriverLink for Driver {
        fn plan(&self, stage: StageId) -> Result<Arc<[u8]>, PlanError> {
            Err(PlanError::forgotten(stage))
        }

        fn receive(&self, message: FromExecutor) {
            self.heard.lock().push(format!("{message:?}"));
            match message {
                FromExecutor::AskCommit { task, .. } if self.answers => {
                    // An answer for a task that did not ask reaches no one.
                    self.link.answer_commit(TaskId(8), false);
                    self.link.answer_commit(task, true);
                }
                FromExecutor::BarrierSync { task, epoch, .. } if self.answers => {
                    self.link.answer_barrier(task, epoch, Ok(Arc::from(["both".to_owned()])));
                }
                _ => self.link.end(),
            }
        }
    }

    fn driver(answers: bool) -> Arc<Driver> {
        let link = SlotLink::new(ExecutorId(3));
        let driver = Arc::new(Driver { link: link.clone(), answers, heard: Mutex::default() });
        let weak: Weak<Driver> = Arc::downgrade(&driver);
        link.connect(weak);
        driver
    }

    #[test]
    fn answers_reach_the_tasks_that_asked() {
        let driver = driver(true);
        assert!(driver.link.may_commit(TASK));
        assert_eq!(driver.link.sync(TASK, 2, None), Ok(Arc::from(["both".to_owned()])));
        CachedBlocksOf(driver.link.clone()).dropped(BlockKey {
            rdd: firesteel_types::RddId(1),
            partition: firesteel_types::Partition(0),
            version: 0,
        });
        let heard = driver.heard.lock();
        assert_eq!(heard.len(), 3);
        assert!(heard.iter().all(|message| message.contains("executor: ExecutorId(3)")), "{heard:?}");
    }

    #[test]
    fn without_a_driver_nothing_is_committed_and_barriers_are_refused() {
        let lonely = SlotLink::new(ExecutorId(1));
        assert!(!lonely.may_commit(TASK));
        assert_eq!(lonely.sync(TASK, 0, None), Err(BarrierRefusal::driver_is_gone()));
        let ending = driver(false);
        assert!(!ending.link.may_commit(TASK), "the driver went while the task waited");
        assert_eq!(ending.link.sync(TASK, 0, None), Err(BarrierRefusal::driver_is_gone()));
        assert_eq!(ending.heard.lock().len(), 1, "a driver that is gone is not asked again");
    }
}
