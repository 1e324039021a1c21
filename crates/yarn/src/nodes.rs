//! The protocol with a NodeManager: containers are started and stopped there, with the token for this node.

use crate::YarnError;
use crate::ids::{container_name, node_address};
use crate::messages::{
    Container, ContainerExceptionMap, ContainerId, ContainerLaunchContext, NodeId, StartContainerRequest,
    StartContainersRequest, StartContainersResponse, StopContainersRequest, StopContainersResponse, Token,
};
use crate::rpc::{Connection, Identity, Protocol};

const PROTOCOL: Protocol =
    Protocol { who: "the NodeManager", name: "org.apache.hadoop.yarn.api.ContainerManagementProtocolPB" };

/// A connection to a NodeManager. Servers close idle ones: it is opened for each use.
#[derive(Debug)]
pub struct Node(Connection);

impl Node {
    /// Connects to a node.
    ///
    /// # Errors
    /// When it cannot be reached, or does not take the token.
    pub fn connect(node: &NodeId, token: &Token) -> Result<Node, YarnError> {
        Connection::open(&node_address(node), PROTOCOL, Identity::Token(token)).map(Node)
    }

    /// Starts what a container is to run. That it starts means that the node has begun to fetch its files.
    ///
    /// # Errors
    /// When the conversation fails, or the node refuses.
    pub fn start(&mut self, container: &Container, launch: ContainerLaunchContext) -> Result<(), YarnError> {
        let request = StartContainerRequest {
            container_launch_context: Some(launch),
            container_token: container.container_token.clone(),
        };
        let request = StartContainersRequest { start_container_request: vec![request] };
        let answer: StartContainersResponse = self.0.call("startContainers", &request)?;
        refusal("startContainers", answer.failed_requests)
    }

    /// Stops a container: SIGTERM, and SIGKILL a quarter of a second later.
    ///
    /// # Errors
    /// When the conversation fails, or the node does not know the container.
    pub fn stop(&mut self, container: &ContainerId) -> Result<(), YarnError> {
        let request = StopContainersRequest { container_id: vec![container.clone()] };
        let answer: StopContainersResponse = self.0.call("stopContainers", &request)?;
        refusal("stopContainers", answer.failed_requests)
    }
}

fn refusal(method: &str, failed: Vec<ContainerExceptionMap>) -> Result<(), YarnError> {
    let Some(failed) = failed.into_iter().next() else { return Ok(()) };
    let exception = failed.exception.unwrap_or_default();
    let class = exception.class_name.unwrap_or_default();
    let container = failed.container_id.as_ref().map(container_name).unwrap_or_default();
    let said = exception.message.unwrap_or_default();
    Err(YarnError::Refused {
        method: method.into(),
        class: class.rsplit(['.', '$']).next().unwrap_or_default().into(),
        message: format!("{container}: {}", said.lines().next().unwrap_or_default()),
    })
}
