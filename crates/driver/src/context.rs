//! [`DriverContext`]: the owner of everything that runs for one application, and the source of its ids.

use crate::checkpoint_files::CheckpointDir;
use crate::driver::Driver;
use crate::endings;
use crate::error::{Error, Result};
use crate::event_sender::EventSender;
use crate::listener::Listener;
use crate::local_properties::{self, LocalProperties};
use crate::progress::Progress;
use crate::recovery::Recovery;
use crate::shuffle_storage;
use crate::sight::Sight;
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_io::Stores;
use firesteel_scheduler::Event;
use firesteel_types::{BroadcastId, Generation, JobId, RddId, ShuffleId, StageId};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// An application: makes RDDs, runs jobs, owns threads, memory and files. Cheap to clone; clones are the same
/// context.
///
/// When the last clone, and the last RDD made from it, is dropped, or [`DriverContext::stop`] is called, jobs
/// are cancelled, threads end and files are removed. The same happens when Ctrl-C, SIGTERM or SIGHUP ends the
/// process, unless the program handles or ignores that signal when it makes its first context.
#[derive(Clone)]
pub struct DriverContext {
    shared: Arc<Shared>,
}

/// The state that the clones of a context share.
pub(crate) struct Shared {
    conf: Conf,
    serial: u64,
    cores: Option<u32>,
    slots: Option<u32>,
    parallelism: Option<u32>,
    driver: Arc<Driver>,
    progress: Option<Arc<Progress>>,
    sight: Sight,
    next_rdd: AtomicU32,
    next_shuffle: AtomicU32,
    next_generation: AtomicU32,
    next_stage: AtomicU32,
    next_job: AtomicU32,
    next_broadcast: AtomicU64,
    checkpoints: CheckpointDir,
    /// The next depth of a lineage that is worth a warning.
    warn_at_depth: AtomicU32,
    /// The next number of partitions that is worth a warning.
    warn_at_width: AtomicU32,
    stopped: AtomicBool,
}

impl DriverContext {
    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        DriverContext { shared }
    }

    pub(crate) fn downgrade(&self) -> Weak<Shared> {
        Arc::downgrade(&self.shared)
    }

    /// The application's name.
    pub fn app_name(&self) -> String {
        self.shared.conf.get(&conf::APP_NAME).unwrap_or_default()
    }

    /// The application's id: `local-1795916471865`, or `app-20261126205743-0000` as the master of a standalone cluster has named
    /// it.
    pub fn application_id(&self) -> &str {
        self.shared.sight.application_id()
    }

    /// The time at which the application began, in milliseconds since 1970.
    pub fn start_time(&self) -> i64 {
        self.shared.sight.epoch
    }

    /// The address of the application's pages; `None` if it has none.
    pub fn ui_web_url(&self) -> Option<String> {
        self.shared.sight.url()
    }

    /// Adds a listener, which is told of what happens from now on. [`Builder::listener`](crate::Builder::listener) adds one from
    /// the beginning.
    ///
    /// # Errors
    /// When the operating system refuses a thread for it.
    pub fn add_listener(&self, listener: impl Listener + 'static) -> Result<()> {
        self.driver().bus.add(Box::new(listener)).map_err(|error| Error::Start(error.to_string()))
    }

    /// Returns why the job that was submitted last was slow or failed, in sentences with figures and remedies; and says so if
    /// nothing stands out. Events of the last moments are waited for, but not without end.
    pub fn explain_last_job(&self) -> String {
        self.shared.sight.explain_last_job()
    }

    /// The application's settings.
    pub fn conf(&self) -> &Conf {
        &self.shared.conf
    }

    /// The stores that hold files, configured by this context's settings.
    pub fn stores(&self) -> &Stores {
        &self.driver().services.stores
    }

    /// The number of partitions of `parallelize`, and of shuffles whose inputs do not determine it.
    pub fn default_parallelism(&self) -> u32 {
        // Data is cut for at least two cores while the executors of a cluster are still registering.
        const AT_LEAST: u32 = 2;
        let there = || self.driver().remote().map_or(0, |remote| remote.agents.cores());
        let cores = || self.shared.cores.unwrap_or_else(|| there().max(AT_LEAST));
        self.shared.parallelism.unwrap_or_else(cores)
    }

    /// The number of tasks that run at a time.
    pub fn slots(&self) -> u32 {
        let there = || self.driver().agent_slots();
        self.shared.slots.unwrap_or_else(there)
    }

    /// The processes that run executors for this one, by the names of their agents. For tests of
    /// Firesteel itself.
    pub fn executor_processes(&self) -> Vec<(String, u32)> {
        self.driver().agent_processes()
    }

    /// The number of times that this process has sent a broadcast value to a remote executor. For tests of
    /// Firesteel itself.
    pub fn broadcasts_sent(&self) -> u64 {
        self.driver().broadcast_trees.sent.load(Ordering::Relaxed)
    }

    /// The number of map outputs that the shuffle storage does not have. For tests of Firesteel itself.
    pub fn unstored_outputs(&self) -> usize {
        self.driver().with_scheduler(|scheduler| scheduler.unstored_outputs())
    }

    /// The address at which this process listens for executors, if it does. For tests of Firesteel itself.
    pub fn listens_at(&self) -> Option<std::net::SocketAddr> {
        self.driver().remote().map(|remote| remote.address())
    }

    /// Sets the group of the jobs that this thread runs from now on; any thread can cancel them by it.
    pub fn set_job_group(&self, group: &str) {
        self.with_local(|local| local.group = Some(group.into()));
    }

    /// Clears the group of the jobs that this thread runs from now on.
    pub fn clear_job_group(&self) {
        self.with_local(|local| local.group = None);
    }

    /// Sets the pool in which the jobs that this thread runs from now on compete (with the scheduler mode
    /// `FAIR`). `None` is the default pool.
    pub fn set_pool(&self, pool: Option<&str>) {
        self.with_local(|local| local.pool = pool.map(Into::into));
    }

    /// Adds a tag to the jobs that this thread runs from now on; any thread can cancel them by it.
    pub fn add_job_tag(&self, tag: &str) {
        self.with_local(|local| {
            if !local.tags.iter().any(|known| known == tag) {
                local.tags.push(tag.into());
            }
        });
    }

    /// Removes a tag from the jobs that this thread runs from now on.
    pub fn remove_job_tag(&self, tag: &str) {
        self.with_local(|local| local.tags.retain(|known| known != tag));
    }

    /// Sets the properties that tasks of jobs that this thread runs from now on can read, by their names.
    pub fn set_local_properties(&self, properties: BTreeMap<String, String>) {
        self.with_local(|local| local.properties = Arc::new(properties));
    }

    /// The application's own directory. It is removed when the context stops.
    pub fn directory(&self) -> &Path {
        self.shared.driver.services.dirs.path()
    }

    /// Cancels all running jobs of a group.
    pub fn cancel_job_group(&self, group: &str) {
        let reason = format!("part of cancelled job group {group}");
        self.shared.driver.post(Event::CancelGroup { group: group.into(), reason });
    }

    /// Cancels all running jobs with a tag.
    pub fn cancel_jobs_with_tag(&self, tag: &str) {
        let reason = format!("part of cancelled job tags {tag}");
        self.shared.driver.post(Event::CancelTag { tag: tag.into(), reason });
    }

    /// Cancels all running jobs.
    pub fn cancel_all_jobs(&self) {
        self.shared.driver.post(Event::CancelAll { reason: "as part of cancellation of all jobs".into() });
    }

    /// Stops the context: running jobs fail, threads end, files are removed. Stopping twice does nothing.
    pub fn stop(&self) {
        self.shared.stop(if std::thread::panicking() { End::Early } else { End::Finished });
    }

    /// Stops the context of a program that has failed: as [`DriverContext::stop`] does, but what is written down for a driver
    /// that restarts (`spark.driver.recovery.dir`) stays, so that the program can be run again.
    pub fn stop_failed(&self) {
        self.shared.stop(End::Early);
    }

    /// The journal, if there is one.
    pub(crate) fn recovery(&self) -> Option<&Arc<Recovery>> {
        self.shared.driver.recovery.get()
    }

    /// Returns whether the context was stopped.
    pub fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::Relaxed)
    }

    /// Returns whether nothing runs, and nothing of a job that ended is left in memory or on disk except what
    /// RDDs still need. For tests of Firesteel itself.
    pub fn is_idle(&self) -> bool {
        self.shared.driver.is_idle()
    }

    /// The number of map outputs, input blocks, partitions and broadcast values that are stored. For tests of
    /// Firesteel itself.
    pub fn cached_blocks(&self) -> usize {
        let services = &self.shared.driver.services;
        services.shuffles.len() + services.blocks.len() + services.cached.len() + services.broadcasts.len()
    }

    /// The most memory that records ever took, in bytes, as the budget counts it.
    pub fn peak_memory(&self) -> usize {
        self.shared.driver.services.memory.arbiter().peak()
    }

    /// Cleans up after a job of this thread: final updates of accumulators are merged, and the progress bar
    /// is hidden.
    pub(crate) fn job_is_over(&self) {
        self.shared.driver.accumulators.merge_piles();
        if let Some(progress) = &self.shared.progress {
            progress.hide();
        }
    }

    pub(crate) fn driver(&self) -> &Arc<Driver> {
        &self.shared.driver
    }

    /// Makes a sender by which handles tell the driver that a resource is not needed any more.
    pub(crate) fn events(&self) -> EventSender {
        EventSender::to(&self.shared.driver)
    }

    /// The number that tells contexts of one process apart.
    pub(crate) fn serial(&self) -> u64 {
        self.shared.serial
    }

    /// Calls `f` with the properties that this thread has set for its next jobs; `f` may change them.
    pub fn with_local<R>(&self, f: impl FnOnce(&mut LocalProperties) -> R) -> R {
        local_properties::with(self.shared.serial, f)
    }

    /// Returns a new number for an RDD, or for another thing that no RDD of this context may share it with.
    pub fn next_rdd(&self) -> RddId {
        RddId(self.shared.next_rdd.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_shuffle(&self) -> ShuffleId {
        ShuffleId(self.shared.next_shuffle.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the generation of an RDD that is persisted now.
    pub(crate) fn next_generation(&self) -> Generation {
        let before = self.shared.next_generation.fetch_add(1, Ordering::Relaxed);
        assert!(
            before < u32::MAX,
            "no number is left that tells cached partitions of an RDD from older ones"
        );
        Generation(before)
    }

    pub(crate) fn next_stage(&self) -> StageId {
        StageId(self.shared.next_stage.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_broadcast(&self) -> BroadcastId {
        BroadcastId(self.shared.next_broadcast.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn checkpoints(&self) -> &CheckpointDir {
        &self.shared.checkpoints
    }

    /// Returns whether no warning was given yet for a lineage of this depth, nor for one half as deep.
    pub(crate) fn is_new_depth(&self, depth: u32) -> bool {
        let before = self.shared.warn_at_depth.fetch_max(depth * 2, Ordering::Relaxed);
        depth >= before
    }

    /// Returns whether no warning was given yet for so many partitions, nor for half as many.
    pub(crate) fn is_new_width(&self, partitions: u32) -> bool {
        let before = self.shared.warn_at_width.fetch_max(partitions.saturating_mul(2), Ordering::Relaxed);
        partitions >= before
    }

    pub(crate) fn next_job(&self) -> JobId {
        JobId(self.shared.next_job.fetch_add(1, Ordering::Relaxed))
    }
}

impl endings::Stops for Shared {
    fn stop(&self) {
        Shared::stop(self, End::Early);
    }
}

/// The parts that an application is made of.
pub(crate) struct Parts {
    pub(crate) conf: Conf,
    pub(crate) serial: u64,
    /// The number of cores, where it never changes.
    pub(crate) cores: Option<u32>,
    /// The number of tasks that run at a time, where it never changes.
    pub(crate) slots: Option<u32>,
    pub(crate) parallelism: Option<u32>,
    pub(crate) driver: Arc<Driver>,
    pub(crate) progress: Option<Arc<Progress>>,
    pub(crate) sight: Sight,
}

impl Shared {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { conf, serial, cores, slots, parallelism, driver, progress, sight } = parts;
        Shared {
            conf,
            serial,
            cores,
            slots,
            parallelism,
            driver,
            progress,
            sight,
            next_rdd: AtomicU32::new(0),
            next_shuffle: AtomicU32::new(0),
            next_generation: AtomicU32::new(0),
            next_stage: AtomicU32::new(0),
            next_job: AtomicU32::new(0),
            next_broadcast: AtomicU64::new(0),
            checkpoints: CheckpointDir::default(),
            warn_at_depth: AtomicU32::new(0),
            warn_at_width: AtomicU32::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    fn stop(&self, end: End) {
        if !self.stopped.swap(true, Ordering::Relaxed) {
            if end == End::Finished {
                self.driver.application_ends();
            }
            self.driver.stop();
            self.sight.stop();
            if let Some(recovery) = self.driver.recovery.get() {
                match end {
                    End::Finished => {
                        recovery.left_dirs().iter().for_each(|dir| {
                            shuffle_storage::remove_left(&self.driver.services.stores, dir);
                        });
                        recovery.finish();
                    }
                    // Another driver takes the application up, and reads the checkpoints.
                    End::Early => return,
                }
            }
            if self.conf.get(&conf::CLEAN_CHECKPOINTS).unwrap_or(true) {
                self.checkpoints.remove_all(&self.driver.services.stores);
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A program that ends with an error drops its context like any other; its last job tells.
        let has_failed = self.driver.recovery.get().is_some_and(|recovery| recovery.has_failed());
        self.stop(if has_failed || std::thread::panicking() { End::Early } else { End::Finished });
    }
}

/// How an application ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The program has done what it was to do.
    Finished,
    /// The program has failed, or a signal ends it: another driver may take the application up.
    Early,
}
