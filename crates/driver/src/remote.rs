//! [`Remote`]: the driver's side of a cluster, where executors are other processes: their fleet, and what serves them.

use firesteel_executor::Fleet;
use firesteel_executor::blocks::HostBlocks;
use firesteel_net::Serving;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The driver's side of a cluster.
pub(crate) struct Remote {
    pub(crate) fleet: Arc<Fleet>,
    /// Serves what executors on this machine have written, where they leave that to the driver.
    pub(crate) host: Option<HostBlocks>,
    /// How long moving may take what executors have that are sent away.
    pub(crate) decommission_within: Duration,
    pub(crate) serving: Serving,
}

impl Remote {
    /// Where the driver listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Lets all executors go, and nobody in any more.
    pub(crate) fn stop(&self) {
        self.fleet.stop();
        self.serving.stop();
    }
}
