//! [`Context`]: the start of every program, and its builder.

use crate::{AgentCommand, Conf, Result};
use firesteel_data::Environment;
use firesteel_driver::{DriverContext, Listener, site};
use firesteel_operators::Broadcast;
use std::collections::BTreeMap;
use std::panic::Location;
use std::path::Path;

/// An application: makes RDDs, runs jobs, owns threads, memory and files. Cheap to clone; clones are the same
/// context.
///
/// When the last clone, and the last RDD made from it, is dropped, or [`Context::stop`] is called, jobs are
/// cancelled, threads end and files are removed. The same happens when Ctrl-C, SIGTERM or SIGHUP ends the
/// process, unless the program handles or ignores that signal when it makes its first context.
#[derive(Clone)]
pub struct Context {
    driver: DriverContext,
}

/// Sets up a [`Context`].
///
/// ```
/// # fn main() -> firesteel::Result<()> {
/// let sc = firesteel::Context::builder().master("local[2]").app_name("demo").conf("firesteel.memory", "256m").create()?;
/// assert_eq!(sc.default_parallelism(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Builder {
    driver: firesteel_driver::Builder,
}

impl Builder {
    /// Sets the master, which says on which processes tasks run: `local`, `local[4]`, `local[*]` (the
    /// default), `local[4,2]`, `local-cluster[2,1,1024]`, `firesteel://host:7077`, `listen://host:port`.
    pub fn master(self, master: &str) -> Self {
        Builder { driver: self.driver.master(master) }
    }

    /// Sets the application's name.
    pub fn app_name(self, name: &str) -> Self {
        Builder { driver: self.driver.app_name(name) }
    }

    /// Sets a setting, by its key. A mistake is reported when the context is made.
    pub fn conf(self, key: &str, value: &str) -> Self {
        Builder { driver: self.driver.conf(key, value) }
    }

    /// Adds a pool for the scheduler mode `FAIR`: jobs of pools with twice the weight get twice the slots;
    /// each pool gets `min_share` slots before others get more.
    pub fn pool(self, name: &str, weight: u32, min_share: u32) -> Self {
        Builder { driver: self.driver.pool(name, weight, min_share) }
    }

    /// Adds a listener, which is told of everything that happens in the application, from its beginning on.
    ///
    /// ```
    /// use firesteel::{Context, Listener, events::JobEnd};
    ///
    /// struct Ends(std::sync::mpsc::Sender<i64>);
    ///
    /// impl Listener for Ends {
    ///     fn on_job_end(&mut self, event: &JobEnd) {
    ///         let _ = self.0.send(event.job_id);
    ///     }
    /// }
    ///
    /// # fn main() -> firesteel::Result<()> {
    /// let (to, ends) = std::sync::mpsc::channel();
    /// let sc = Context::builder().master("local[2]").listener(Ends(to)).create()?;
    /// sc.range(0..10).count()?;
    /// sc.stop();
    /// assert_eq!(ends.iter().collect::<Vec<_>>(), [0]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn listener(self, listener: impl Listener + 'static) -> Self {
        Builder { driver: self.driver.listener(listener) }
    }

    /// Sets the command that starts agents, which are processes that run executors for this one: by default
    /// the program itself, whose `main` has the attribute `#[firesteel::main]`.
    pub fn agent_command(self, command: AgentCommand) -> Self {
        Builder { driver: self.driver.agent_command(command) }
    }

    /// Returns the context that is active in this process, or makes a new one, which becomes active.
    ///
    /// # Errors
    /// When a setting is invalid, or threads or directories cannot be made.
    pub fn get_or_create(self) -> Result<Context> {
        self.driver.get_or_create().map(Context::of)
    }

    /// Makes a new context, besides those that exist already.
    ///
    /// # Errors
    /// When a setting is invalid, or threads or directories cannot be made.
    pub fn create(self) -> Result<Context> {
        self.driver.create().map(Context::of)
    }
}

impl Context {
    /// Begins to set up a context.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The application's name.
    pub fn app_name(&self) -> String {
        self.driver.app_name()
    }

    /// The application's id: `local-1795916471865`.
    pub fn application_id(&self) -> &str {
        self.driver.application_id()
    }

    /// The address of the pages that show the application; `None` if it has none.
    pub fn ui_web_url(&self) -> Option<String> {
        self.driver.ui_web_url()
    }

    /// Adds a listener, which is told of what happens from now on. [`Builder::listener`] adds one from the beginning.
    ///
    /// # Errors
    /// When the operating system refuses a thread for it.
    pub fn add_listener(&self, listener: impl Listener + 'static) -> Result<()> {
        self.driver.add_listener(listener)
    }

    /// Returns why the job that was submitted last was slow or failed, in sentences with figures and remedies; and says so if
    /// nothing stands out. `docs/explaining.md` has the rules. Needs `firesteel.ui.enabled`, as the pages do.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// let sc = firesteel::Context::builder().master("local[2]").conf("firesteel.ui.port", "0").create()?;
    /// sc.range(0..10).count()?;
    /// let told = sc.explain_last_job();
    /// assert!(told.starts_with("Job 0 (count at "), "{told}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn explain_last_job(&self) -> String {
        self.driver.explain_last_job()
    }

    /// The application's settings.
    pub fn conf(&self) -> &Conf {
        self.driver.conf()
    }

    /// The number of partitions of `parallelize`, and of shuffles whose inputs do not determine it.
    pub fn default_parallelism(&self) -> u32 {
        self.driver.default_parallelism()
    }

    /// The number of tasks that run at a time.
    pub fn slots(&self) -> u32 {
        self.driver.slots()
    }

    /// Sets the group of the jobs that this thread runs from now on; any thread can cancel them by it.
    pub fn set_job_group(&self, group: &str) {
        self.driver.set_job_group(group);
    }

    /// Clears the group of the jobs that this thread runs from now on.
    pub fn clear_job_group(&self) {
        self.driver.clear_job_group();
    }

    /// Sets the pool in which the jobs that this thread runs from now on compete (with the scheduler mode
    /// `FAIR`). `None` is the default pool.
    pub fn set_pool(&self, pool: Option<&str>) {
        self.driver.set_pool(pool);
    }

    /// Adds a tag to the jobs that this thread runs from now on; any thread can cancel them by it.
    pub fn add_job_tag(&self, tag: &str) {
        self.driver.add_job_tag(tag);
    }

    /// Removes a tag from the jobs that this thread runs from now on.
    pub fn remove_job_tag(&self, tag: &str) {
        self.driver.remove_job_tag(tag);
    }

    /// Sets the properties that tasks of jobs that this thread runs from now on can read, by their names.
    pub fn set_local_properties(&self, properties: BTreeMap<String, String>) {
        self.driver.set_local_properties(properties);
    }

    /// The application's own directory. It is removed when the context stops.
    pub fn directory(&self) -> &Path {
        self.driver.directory()
    }

    /// Cancels all running jobs of a group.
    pub fn cancel_job_group(&self, group: &str) {
        self.driver.cancel_job_group(group);
    }

    /// Cancels all running jobs with a tag.
    pub fn cancel_jobs_with_tag(&self, tag: &str) {
        self.driver.cancel_jobs_with_tag(tag);
    }

    /// Cancels all running jobs.
    pub fn cancel_all_jobs(&self) {
        self.driver.cancel_all_jobs();
    }

    /// Stops the context: running jobs fail, threads end, files are removed. Stopping twice does nothing.
    pub fn stop(&self) {
        self.driver.stop();
    }

    /// Returns whether the context was stopped.
    pub fn is_stopped(&self) -> bool {
        self.driver.is_stopped()
    }

    /// Sets where [`Rdd::checkpoint`](crate::Rdd::checkpoint) saves: in a directory of its own within this
    /// one, which is removed when the context stops, unless `firesteel.cleaner.checkpoints` is `false`.
    ///
    /// # Errors
    /// When the path is empty.
    #[track_caller]
    pub fn set_checkpoint_dir(&self, path: &str) -> Result<()> {
        self.driver.set_checkpoint_dir(site("set_checkpoint_dir", Location::caller()), path)
    }

    /// The directory in which this context's checkpoints are saved.
    pub fn checkpoint_dir(&self) -> Option<String> {
        self.driver.checkpoint_dir()
    }

    /// Sends a value once to each executor, for all tasks to read.
    ///
    /// The value is encoded, and the driver drops the decoded one: each process that reads the value decodes
    /// it, once. So such a process needs about twice the value's size. The values that a closure captures in
    /// its environment are sent with each stage instead; an environment above 1 MiB becomes a broadcast value
    /// by itself.
    ///
    /// # Errors
    /// When the value cannot be encoded, or written to disk where memory has no room for it.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let primes = sc.broadcast(vec![2i64, 3, 5, 7])?;
    /// let found = sc.range(0..10).filter_with(primes.clone(), |primes, x| primes.contains(x));
    /// assert_eq!(found.collect()?, *primes.value());
    /// primes.destroy();
    /// assert!(found.collect().unwrap_err().to_string().contains("was destroyed by destroy at"));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn broadcast<T: Environment>(&self, value: T) -> Result<Broadcast<T>> {
        self.driver.broadcast(site("broadcast", Location::caller()), value)
    }

    pub(crate) fn of(driver: DriverContext) -> Self {
        Context { driver }
    }

    /// The context of the driver, whose RDDs have no record types.
    pub(crate) fn driver(&self) -> &DriverContext {
        &self.driver
    }
}

/// # What the engine holds at this moment
///
/// Numbers for finding a leak or a process; programs do not need them.
impl Context {
    /// The processes that run executors for this one, by the names of their agents.
    pub fn executor_processes(&self) -> Vec<(String, u32)> {
        self.driver.executor_processes()
    }

    /// The number of times that this process has sent a broadcast value to a remote executor.
    pub fn broadcasts_sent(&self) -> u64 {
        self.driver.broadcasts_sent()
    }

    /// The number of map outputs that are with their executors alone, and not in the shuffle storage.
    pub fn unstored_outputs(&self) -> usize {
        self.driver.unstored_outputs()
    }

    /// The address at which this process listens for executors, if it does.
    pub fn listens_at(&self) -> Option<std::net::SocketAddr> {
        self.driver.listens_at()
    }

    /// Returns whether nothing runs, and nothing of a job that ended is left in memory or on disk except what
    /// RDDs still need.
    pub fn is_idle(&self) -> bool {
        self.driver.is_idle()
    }

    /// The number of map outputs, input blocks, partitions and broadcast values that are stored.
    pub fn cached_blocks(&self) -> usize {
        self.driver.cached_blocks()
    }

    /// The most memory that records ever took, in bytes, as the budget counts it.
    pub fn peak_memory(&self) -> usize {
        self.driver.peak_memory()
    }
}
