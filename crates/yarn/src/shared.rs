//! The state that the threads of an application on YARN share, and how containers are started.
//!
//! Three kinds of thread meet here: the caller's, which asks and gives back (`manager`); one that sends heartbeats
//! (`heartbeats`); and one for each batch of containers that are to be started. The [`Ledger`] between them decides.

use crate::YarnError;
use crate::applications::Applications;
use crate::endings::first_line;
use crate::ids::application_name;
use crate::ledger::{Ledger, name_of};
use crate::messages::{ApplicationId, Container, ContainerLaunchContext, FinalStatus, NodeId, Resource};
use crate::nodes::Node;
use crate::settings::YarnSettings;
use crate::staging::Staging;
use firesteel_cluster::{Loss, ManagerListener};
use firesteel_types::ExecutorLossReason;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::thread;

/// The state that the threads share.
pub(crate) struct Shared {
    pub(crate) settings: YarnSettings,
    pub(crate) application: ApplicationId,
    pub(crate) listener: Arc<dyn ManagerListener>,
    pub(crate) state: Mutex<State>,
    /// Signalled when there is something to tell YARN, and when a thread has ended.
    pub(crate) changed: Condvar,
    pub(crate) largest: Resource,
    /// The launch of each container.
    pub(crate) launch: ContainerLaunchContext,
    pub(crate) staging: Mutex<Option<Staging>>,
}

/// The part of it that changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) ledger: Ledger,
    pub(crate) is_stopping: bool,
    /// The status with which the application ends; none if YARN is to run its program again.
    pub(crate) status: Option<FinalStatus>,
    /// True once no heartbeat is sent any more.
    pub(crate) has_ended: bool,
    /// The batches of containers that are being started.
    pub(crate) launching: u32,
}

impl Shared {
    /// Tells of containers that are lent, and starts agents in them in a thread of their own.
    pub(crate) fn launch_all(self: &Arc<Self>, containers: Vec<Container>) {
        for container in &containers {
            let host = container.node_id.as_ref().and_then(|node| node.host.as_deref()).unwrap_or_default();
            self.listener.granted(&name_of(container), host);
        }
        self.state.lock().launching += 1;
        let shared = self.clone();
        let launch = move || {
            containers.iter().for_each(|container| shared.launch(container));
            shared.state.lock().launching -= 1;
            shared.changed.notify_all();
        };
        if let Err(error) = thread::Builder::new().name("firesteel-launch".into()).spawn(launch) {
            tracing::warn!("containers cannot be started: {error}");
            self.state.lock().launching -= 1;
        }
    }

    fn launch(&self, container: &Container) {
        let name = name_of(container);
        if let Err(error) = self.try_launch(container) {
            let words = format!("YARN lent its container, but it could not be started: {error}");
            self.listener.lost(&name, Loss::own(ExecutorLossReason::Reported { words }));
            self.state.lock().ledger.give_back(&name);
            self.changed.notify_all();
        }
    }

    fn try_launch(&self, container: &Container) -> Result<(), YarnError> {
        let node: NodeId = container.node_id.clone().unwrap_or_default();
        let token = self.state.lock().ledger.token(&node);
        let token =
            token.ok_or_else(|| YarnError::malformed("a container", "no token for its node has come"))?;
        Node::connect(&node, &token)?.start(container, self.launch.clone())
    }

    /// Returns why YARN has ended the application, as a sentence.
    pub(crate) fn verdict(&self, error: &YarnError) -> String {
        let name = application_name(&self.application);
        match self.client().and_then(|mut client| client.report(&self.application)) {
            Ok(report) if report.is_over() => {
                let said = first_line(report.diagnostics.as_deref().unwrap_or_default());
                format!("YARN has ended {name} ({}): {said}", report.state())
            }
            _ => format!("YARN does not take {name} for a running application any more: {error}"),
        }
    }

    /// Kills the application, as far as that is possible.
    pub(crate) fn kill(&self, why: &str) {
        if let Err(error) = self.client().and_then(|mut client| client.kill(&self.application, why)) {
            tracing::warn!("{} may still be in YARN's list: {error}", application_name(&self.application));
        }
    }

    fn client(&self) -> Result<Applications, YarnError> {
        Applications::connect(
            &self.settings.place.configuration.resource_managers()?,
            &self.settings.place.user,
        )
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("application", &self.application).finish_non_exhaustive()
    }
}
