//! [`Remote`]: the driver's side of a cluster, where executors are other processes: the connections to them,
//! and the server of their files.

use crate::agents::Agents;
use crate::shuffle_storage::ShuffleStorage;
use firesteel_net::Serving;
use firesteel_transfer::BlockServer;
use std::net::SocketAddr;
use std::sync::Arc;

/// The driver's side of a cluster.
pub(crate) struct Remote {
    pub(crate) agents: Arc<Agents>,
    /// Serves the files that executors on this machine have written, if they leave that to the driver.
    pub(crate) host: Option<BlockServer>,
    pub(crate) serving: Serving,
    /// Where map outputs outlive executors, if they do.
    pub(crate) storage: Option<ShuffleStorage>,
}

impl Remote {
    /// The address at which the driver listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Stops accepting connections, and ends the processes that its manager has started.
    pub(crate) fn stop(&self) {
        self.serving.stop();
        if let Some(cluster) = self.agents.cluster() {
            cluster.stop();
        }
        // After those that write to it have ended.
        if let Some(storage) = &self.storage {
            storage.finish();
        }
    }
}
