//! A standalone cluster's daemons as pages show them: plain data, and the traits by which it comes from outside.
//!
//! Nothing here knows the cluster's own types: the command line, which starts the pages, translates. All names may be hostile.

use crate::site::{LogPart, Unavailable};

/// A master, for its pages, its JSON and its metrics.
pub trait MasterSite: Send + Sync {
    /// Returns a number that grows when something happens that the view tells.
    fn revision(&self) -> u64;

    /// Returns the master as it is now.
    ///
    /// # Errors
    /// When it ends, or does not answer.
    fn view(&self) -> Result<MasterView, Unavailable>;

    /// Ends an application.
    ///
    /// # Errors
    /// When there is none of this name, or this master does not lead.
    fn kill_application(&self, id: &str) -> Result<(), Unavailable>;

    /// Ends a driver.
    ///
    /// # Errors
    /// When there is none of this name, or this master does not lead.
    fn kill_driver(&self, id: &str) -> Result<(), Unavailable>;
}

/// A worker, for its pages, its JSON and its metrics.
pub trait WorkerSite: Send + Sync {
    /// Returns a number that grows when something happens that the view tells.
    fn revision(&self) -> u64;

    /// Returns the worker as it is now.
    ///
    /// # Errors
    /// When it ends, or does not answer.
    fn view(&self) -> Result<WorkerPageView, Unavailable>;

    /// Returns a part of what a process of the worker wrote, at most `most` bytes: from `offset`, or the last part.
    ///
    /// # Errors
    /// When there is no such process, or its file is gone.
    fn log(
        &self,
        of: &ProcessView,
        which: &'static str,
        offset: Option<u64>,
        most: usize,
    ) -> Result<LogPart, Unavailable>;
}

/// The part that a master plays among those that stand by for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterRole {
    /// It leads.
    Leads,
    /// It leads, and waits for the workers and applications of an earlier master.
    Recovers,
    /// Another one leads, or none yet.
    StandsBy,
}

/// A master as it is at a moment. Times are in milliseconds since 1970, memory in MiB.
#[derive(Clone, Debug)]
pub struct MasterView {
    /// The address by which workers and applications reach it.
    pub url: String,
    /// Its part.
    pub role: MasterRole,
    /// The address of the leader, if that is another master and known.
    pub leader: Option<String>,
    /// The number of its reign.
    pub epoch: u64,
    /// The time.
    pub now: i64,
    /// The workers, also those that were lost.
    pub workers: Vec<ClusterWorker>,
    /// The applications that have not ended, the first one first.
    pub applications: Vec<ClusterApplication>,
    /// Some of those that ended, the last one last.
    pub ended_applications: Vec<ClusterApplication>,
    /// The drivers that have not ended, the first one first.
    pub drivers: Vec<ClusterDriver>,
    /// Some of those that ended, the last one last.
    pub ended_drivers: Vec<ClusterDriver>,
}

impl MasterView {
    /// Returns an application, of those that run and those that ended.
    pub(crate) fn application(&self, id: &str) -> Option<&ClusterApplication> {
        self.applications.iter().chain(&self.ended_applications).find(|application| application.id == id)
    }

    /// Returns the address of a worker's pages, if it is there and told one that can be a link.
    pub(crate) fn pages_of(&self, worker: &str) -> Option<String> {
        let worker = self.workers.iter().find(|one| one.id == worker && one.state != WorkerState::Dead);
        worker.and_then(|worker| link(worker.pages.as_deref()))
    }
}

/// The state of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// It is connected.
    Alive,
    /// It gets nothing more.
    Decommissioned,
    /// An earlier master knew it, and it has not come back yet.
    Awaited,
    /// Its connection is gone, and it may come back.
    Disconnected,
    /// It was given up.
    Dead,
}

/// A worker as its master sees it.
#[derive(Clone, Debug)]
pub struct ClusterWorker {
    /// Its name.
    pub id: String,
    /// Its host.
    pub host: String,
    /// Its state.
    pub state: WorkerState,
    /// The reason of its loss.
    pub why: String,
    /// Its cores.
    pub cores: u32,
    /// The part of them that is taken.
    pub cores_used: u32,
    /// Its memory.
    pub memory: u64,
    /// The part of it that is taken.
    pub memory_used: u64,
    /// The number of executors that it runs.
    pub executors: usize,
    /// The number of drivers that it runs.
    pub drivers: usize,
    /// The time of its last message.
    pub last_heartbeat: i64,
    /// The address of its pages, as it says.
    pub pages: Option<String>,
}

/// An application as its master sees it.
#[derive(Clone, Debug)]
pub struct ClusterApplication {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its user.
    pub user: String,
    /// The cores of its executors.
    pub cores: u32,
    /// The most cores that it may have.
    pub cores_max: Option<u32>,
    /// The memory of each executor.
    pub memory_per_executor: u64,
    /// The time at which it came.
    pub submitted_at: i64,
    /// The time of its end.
    pub ended_at: Option<i64>,
    /// Its state, as Spark names it: `WAITING`, `RUNNING`, `FINISHED`, `FAILED`, `KILLED`, `UNKNOWN`.
    pub state: &'static str,
    /// The reason why it waits, or of its end.
    pub why: String,
    /// The address of its own pages, as it says.
    pub pages: Option<String>,
    /// Its executors, also some that ended.
    pub executors: Vec<ClusterExecutor>,
}

/// An executor as the master sees it.
#[derive(Clone, Debug)]
pub struct ClusterExecutor {
    /// Its number.
    pub id: u32,
    /// The worker that runs it.
    pub worker: String,
    /// Its cores.
    pub cores: u32,
    /// Its memory.
    pub memory: u64,
    /// Its state, as Spark names it.
    pub state: &'static str,
    /// The reason of its end.
    pub why: String,
    /// The time of its end.
    pub ended_at: Option<i64>,
}

/// A driver that the cluster runs.
#[derive(Clone, Debug)]
pub struct ClusterDriver {
    /// Its id.
    pub id: String,
    /// The time at which it was submitted.
    pub submitted_at: i64,
    /// The worker that runs it, or ran it last.
    pub worker: Option<String>,
    /// The number of its run on that worker, from 0.
    pub attempt: u32,
    /// Its state, as Spark names it.
    pub state: &'static str,
    /// Its cores.
    pub cores: u32,
    /// Its memory.
    pub memory: u64,
    /// True if it is started again until it ends well.
    pub is_supervised: bool,
    /// The reason why it waits, or of its end.
    pub why: String,
}

/// A worker as its own pages show it. Times are in milliseconds since 1970, memory in MiB.
#[derive(Clone, Debug)]
pub struct WorkerPageView {
    /// Its name.
    pub id: String,
    /// The master's address: of the one with which it is connected, else of all that it knows.
    pub master: String,
    /// True if it is connected.
    pub is_connected: bool,
    /// The address of the master's pages, as it says.
    pub master_pages: Option<String>,
    /// True if it gets nothing more.
    pub is_decommissioned: bool,
    /// The time.
    pub now: i64,
    /// Its cores.
    pub cores: u32,
    /// The part of them that is taken.
    pub cores_used: u32,
    /// Its memory.
    pub memory: u64,
    /// The part of it that is taken.
    pub memory_used: u64,
    /// The executors and drivers that it runs.
    pub running: Vec<ProcessView>,
    /// Some of those that ended, the last one last.
    pub ended: Vec<ProcessView>,
}

/// An executor or a driver of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessView {
    /// The id of its application, or of the driver.
    pub owner: String,
    /// The number of the executor, or of the driver's run.
    pub number: u32,
    /// True for a driver.
    pub is_driver: bool,
    /// The name of its application.
    pub application_name: String,
    /// The user of its application.
    pub user: String,
    /// The most cores that its application may have.
    pub cores_max: Option<u32>,
    /// Its cores.
    pub cores: u32,
    /// Its memory.
    pub memory: u64,
    /// The time at which it was started.
    pub started_at: i64,
    /// The time of its end.
    pub ended_at: Option<i64>,
    /// Its state, as Spark names it.
    pub state: &'static str,
    /// The reason of its end.
    pub why: String,
}

/// Returns an address that others told if it can be a link: another scheme would be a script's.
pub(crate) fn link(address: Option<&str>) -> Option<String> {
    let address = address?;
    let is_web = address.starts_with("http://") || address.starts_with("https://");
    (is_web && !address.contains(char::is_whitespace)).then(|| address.to_owned())
}
