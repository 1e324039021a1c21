//! Borrowing executors: the facts of an application that the manager of its cluster needs, and the way between the two.

use crate::agents::Agents;
use crate::allocation;
use crate::driver::Driver;
use crate::error::{Error, Result};
use crate::master::Master;
use crate::outside_manager::MakeManager;
use firesteel_cluster::{
    AgentCommand, ClusterListener, ManagedCluster, Manager, ManagerListener, PoolSettings,
};
use firesteel_conf::Conf;
use firesteel_net::Secret;
use firesteel_scheduler::ApplicationEvent;
use firesteel_types::ExecutorLossReason;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::{Arc, Weak};

/// The parts of a cluster's start.
pub(crate) struct ClusterStart<'a> {
    pub(crate) conf: &'a Conf,
    pub(crate) master: &'a Master,
    pub(crate) application: u64,
    pub(crate) command: AgentCommand,
    /// The maker of the cluster manager, where that comes from outside; taken when it is made.
    pub(crate) manager: Mutex<Option<MakeManager>>,
    pub(crate) has_processes: bool,
    /// The address of the application's pages, for its master.
    pub(crate) pages: Option<String>,
    /// The application's id, or another name until a master gives it one.
    pub(crate) name: String,
}

/// All that a cluster's manager needs to know.
pub(crate) struct Start<'a> {
    pub(crate) driver: &'a Arc<Driver>,
    pub(crate) agents: &'a Agents,
    pub(crate) config: &'a ClusterStart<'a>,
    /// The driver's address, by which executors reach it.
    pub(crate) address: String,
    pub(crate) secret: Option<Secret>,
    pub(crate) directory: &'a Path,
    /// True if the driver serves the files of executors on its machine.
    pub(crate) served: bool,
}

impl Start<'_> {
    /// Begins dynamic allocation, if it is wanted.
    pub(crate) fn allocate_dynamically(&self) -> Result<()> {
        if let Some(settings) = allocation::settings(self.config.conf)? {
            self.driver.with_application(|application| application.allocate_dynamically(settings));
        }
        Ok(())
    }

    /// Asks a manager for executors.
    pub(crate) fn managed<M: Manager + 'static>(
        &self,
        settings: PoolSettings,
        executors: u32,
        make: impl FnOnce(Arc<dyn ManagerListener>) -> std::io::Result<Arc<M>>,
    ) -> Result<()> {
        let fail = |error: std::io::Error| Error::Start(error.to_string());
        let listener = Listens { driver: Arc::downgrade(self.driver) };
        let cluster = ManagedCluster::new(settings, Box::new(listener), make).map_err(fail)?;
        // Set before there are agents that register.
        self.agents.set_cluster(cluster.clone());
        cluster.start(executors).map_err(fail)
    }
}

/// Receives the cluster's messages about the application.
struct Listens {
    driver: Weak<Driver>,
}

impl ClusterListener for Listens {
    fn waits(&self, why: &str) {
        tracing::warn!("executors are missing: {why}");
    }

    fn ended(&self, name: &str, reason: ExecutorLossReason) {
        if let Some(driver) = self.driver.upgrade() {
            driver.post_event(ApplicationEvent::AgentEnded { name: name.into(), reason });
        }
    }

    fn decommissioned(&self, name: &str) {
        if let Some(driver) = self.driver.upgrade() {
            driver.post_event(ApplicationEvent::Decommission { name: name.into(), with_files: true });
        }
    }

    fn over(&self, reason: String) {
        if let Some(driver) = self.driver.upgrade() {
            driver.give_up(reason);
        }
    }
}
