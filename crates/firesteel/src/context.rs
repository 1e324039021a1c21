//! [`Context`]: the start of every program, and what it is set up with.

use crate::{AgentCommand, Conf, Result};
use firesteel_data::Environment;
use firesteel_driver::{DriverContext, site};
use firesteel_operators::Broadcast;
use std::collections::BTreeMap;
use std::panic::Location;
use std::path::Path;

/// An application: makes RDDs, runs jobs, owns threads, memory and files. Cheap to clone; clones are the same context.
///
/// When the last clone, and the last RDD made from it, is dropped, or [`Context::stop`] is called, jobs are cancelled,
/// threads end and files are removed. So they are when Ctrl-C, SIGTERM or SIGHUP ends the process, unless the program handles or
/// ignores that signal when it makes its first context.
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
    /// Where tasks run: `local`, `local[4]`, `local[*]` (the default), `local[4,2]`, `local-cluster[2,1,1024]`,
    /// `firesteel://host:7077`, `listen://host:port`.
    pub fn master(self, master: &str) -> Self {
        Builder { driver: self.driver.master(master) }
    }

    /// The application's name.
    pub fn app_name(self, name: &str) -> Self {
        Builder { driver: self.driver.app_name(name) }
    }

    /// A setting, by its key. A mistake is reported when the context is made.
    pub fn conf(self, key: &str, value: &str) -> Self {
        Builder { driver: self.driver.conf(key, value) }
    }

    /// A pool for the scheduler mode `FAIR`: jobs of pools with twice the weight get twice the slots; each pool gets
    /// `min_share` slots before others get more.
    pub fn pool(self, name: &str, weight: u32, min_share: u32) -> Self {
        Builder { driver: self.driver.pool(name, weight, min_share) }
    }

    /// How processes are started that run executors for this one, where they are processes of their own: by default the program itself,
    /// whose `main` has the attribute `#[firesteel::main]`.
    pub fn agent_command(self, command: AgentCommand) -> Self {
        Builder { driver: self.driver.agent_command(command) }
    }

    /// The context that is active in this process, or a new one, which becomes active.
    ///
    /// # Errors
    /// When a setting makes no sense, or threads or directories cannot be had.
    pub fn get_or_create(self) -> Result<Context> {
        self.driver.get_or_create().map(Context::of)
    }

    /// A new context, beside whatever others there are.
    ///
    /// # Errors
    /// When a setting makes no sense, or threads or directories cannot be had.
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

    /// The settings that were made.
    pub fn conf(&self) -> &Conf {
        self.driver.conf()
    }

    /// Partitions of `parallelize`, and of shuffles whose inputs do not say.
    pub fn default_parallelism(&self) -> u32 {
        self.driver.default_parallelism()
    }

    /// How many tasks run at a time.
    pub fn slots(&self) -> u32 {
        self.driver.slots()
    }

    /// Jobs that this thread runs from now on belong to a group, by which any thread can cancel them.
    pub fn set_job_group(&self, group: &str) {
        self.driver.set_job_group(group);
    }

    /// Jobs that this thread runs from now on belong to no group.
    pub fn clear_job_group(&self) {
        self.driver.clear_job_group();
    }

    /// Jobs that this thread runs from now on compete in a pool (with the scheduler mode `FAIR`). `None` is the default pool.
    pub fn set_pool(&self, pool: Option<&str>) {
        self.driver.set_pool(pool);
    }

    /// Jobs that this thread runs from now on carry a tag, by which any thread can cancel them.
    pub fn add_job_tag(&self, tag: &str) {
        self.driver.add_job_tag(tag);
    }

    /// Jobs that this thread runs from now on do not carry the tag any more.
    pub fn remove_job_tag(&self, tag: &str) {
        self.driver.remove_job_tag(tag);
    }

    /// Tasks of jobs that this thread runs from now on can read these, by their names.
    pub fn set_local_properties(&self, properties: BTreeMap<String, String>) {
        self.driver.set_local_properties(properties);
    }

    /// The application's own directory. It goes when the context stops.
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

    /// Stops the context: running jobs fail, threads end, files go. Stopping twice does nothing.
    pub fn stop(&self) {
        self.driver.stop();
    }

    /// Whether the context was stopped.
    pub fn is_stopped(&self) -> bool {
        self.driver.is_stopped()
    }

    /// Says where [`Rdd::checkpoint`](crate::Rdd::checkpoint) saves: in a directory of its own within this one, which is removed
    /// when the context stops, unless `firesteel.cleaner.checkpoints` is `false`.
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
    /// The value is encoded, and the driver lets go of it: whoever reads it has it decoded, once. So it takes
    /// about twice its size. What a closure captures in its environment is sent with each stage instead; above 1 MiB it
    /// becomes a broadcast value by itself.
    ///
    /// # Errors
    /// When the value cannot be encoded, or kept on disk where memory has no room for it.
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

    /// What it stands on, where records have no types.
    pub(crate) fn driver(&self) -> &DriverContext {
        &self.driver
    }
}

/// # What the engine holds at this moment
///
/// For those who look for a leak, or for a process: programs have no need of these numbers.
impl Context {
    /// The processes that run executors for this one, by the names of those who started them.
    pub fn executor_processes(&self) -> Vec<(String, u32)> {
        self.driver.executor_processes()
    }

    /// How often this process has sent a broadcast value to an executor elsewhere.
    pub fn broadcasts_sent(&self) -> u64 {
        self.driver.broadcasts_sent()
    }

    /// Where this process listens for executors, if it does.
    pub fn listens_at(&self) -> Option<std::net::SocketAddr> {
        self.driver.listens_at()
    }

    /// Whether nothing runs, and nothing of a job that ended is left in memory or on disk beyond what RDDs still need.
    pub fn is_idle(&self) -> bool {
        self.driver.is_idle()
    }

    /// How many map outputs, input blocks, partitions and broadcast values are kept.
    pub fn cached_blocks(&self) -> usize {
        self.driver.cached_blocks()
    }

    /// The most memory that records ever took, in bytes, as the budget counts it.
    pub fn peak_memory(&self) -> usize {
        self.driver.peak_memory()
    }
}
