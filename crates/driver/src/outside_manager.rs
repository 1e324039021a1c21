//! A cluster manager that the program's own language brings.

use firesteel_cluster::{AgentCommand, Manager, ManagerListener};
use firesteel_protocol::handshake::AgentConfig;
use std::io;
use std::sync::Arc;

/// The facts that a manager made outside needs to start agents.
pub struct AgentPlan {
    /// The command that starts an agent.
    pub command: AgentCommand,
    /// The configuration of an agent. Its name, host and directory are empty: they differ from one to the other.
    pub config: AgentConfig,
    /// The memory to reserve for each, in bytes: an executor's, and what its processes take beside.
    pub reserved: u64,
}

/// Makes a cluster manager, with the way to tell what happens to executors.
pub type MakeManager =
    Box<dyn FnOnce(AgentPlan, Arc<dyn ManagerListener>) -> io::Result<Box<dyn Manager>> + Send>;
