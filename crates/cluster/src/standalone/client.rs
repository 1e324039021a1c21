//! The client of a master: submits drivers, kills drivers and applications, and shows the state of the
//! cluster.

use super::LaunchDriver;
use super::link::Masters;
use super::programs::upload;
use firesteel_net::Credentials;
use firesteel_net::bulk::{BlockClient, BlockClientSettings};
use firesteel_protocol::standalone::{FromMaster, Payload, ToMaster};
use firesteel_standalone::{
    ApplicationId, ClientAnswer, ClientMessage, DriverId, DriverSpec, DriverView, Overview, RequestKey,
    Resources, WorkerId,
};
use std::path::Path;
use std::time::Duration;

/// The time in which the leader has to be found and to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A client of a cluster's masters.
pub struct Client {
    masters: Masters,
    blocks: BlockClient,
}

impl Client {
    /// Makes a client that sends its requests to the leader among these masters.
    pub fn new(masters: &[String], credentials: Credentials) -> Self {
        let blocks = BlockClient::new(credentials.clone(), BlockClientSettings::default());
        Client { masters: Masters::new(masters, credentials), blocks }
    }

    fn ask(&mut self, message: ClientMessage) -> Result<(ClientAnswer, String), String> {
        let asked = self.masters.ask(|| ToMaster::Client { message: message.clone() }, ANSWER_WITHIN)?;
        match asked {
            (FromMaster::Client { answer }, master) => Ok((answer, master)),
            (other, _) => Err(format!("the master answers something else: {other:?}")),
        }
    }

    /// Returns the state of the cluster: all workers, applications and drivers.
    ///
    /// # Errors
    /// When no master answers.
    pub fn overview(&mut self) -> Result<Overview, String> {
        match self.ask(ClientMessage::Overview)?.0 {
            ClientAnswer::Overview { overview } => Ok(overview),
            other => Err(format!("the master answers something else: {other:?}")),
        }
    }

    /// Uploads a file to the leader. Returns the hash that identifies it from then on.
    ///
    /// # Errors
    /// When the file cannot be read, or no master accepts it.
    pub fn upload(&mut self, path: &Path) -> Result<[u8; 32], String> {
        let (_, master) = self.ask(ClientMessage::Overview)?;
        upload(&self.blocks, &master, path)
            .map_err(|error| format!("{} cannot be sent: {error}", path.display()))
    }

    /// Submits a driver, which a worker of the cluster will run.
    ///
    /// # Errors
    /// When no master accepts it.
    pub fn submit(
        &mut self,
        launch: &LaunchDriver,
        resources: Resources,
        supervise: bool,
    ) -> Result<DriverId, String> {
        let launch = Payload::encode(launch).map_err(|error| error.to_string())?;
        let spec = DriverSpec { resources, supervise, launch };
        let key = RequestKey::new(firesteel_net::Secret::generate().to_text());
        match self.ask(ClientMessage::SubmitDriver { key, spec })?.0 {
            ClientAnswer::DriverSubmitted { driver } => Ok(driver),
            other => Err(format!("the master does not take it: {other:?}")),
        }
    }

    /// Returns the state of a driver; `None` when the master knows none of this name.
    ///
    /// # Errors
    /// When no master answers.
    pub fn status(&mut self, driver: &str) -> Result<Option<DriverView>, String> {
        self.driver(ClientMessage::DriverStatus { driver: DriverId::new(driver) })
    }

    /// Kills a driver or an application. Returns `false` when the master knows none of this name.
    ///
    /// # Errors
    /// When no master answers.
    pub fn kill(&mut self, name: &str) -> Result<bool, String> {
        if name.starts_with("app-") {
            let application = ApplicationId::new(name);
            return Ok(matches!(
                self.ask(ClientMessage::KillApplication { application })?.0,
                ClientAnswer::Done
            ));
        }
        Ok(self.driver(ClientMessage::KillDriver { driver: DriverId::new(name) })?.is_some())
    }

    /// Decommissions a worker: it gets no new executors and drivers, and those that run are replaced
    /// elsewhere. Returns `false` when the master knows none of this name.
    ///
    /// # Errors
    /// When no master answers.
    pub fn decommission(&mut self, worker: &str) -> Result<bool, String> {
        let worker = WorkerId::new(worker);
        Ok(matches!(self.ask(ClientMessage::DecommissionWorker { worker })?.0, ClientAnswer::Done))
    }

    fn driver(&mut self, message: ClientMessage) -> Result<Option<DriverView>, String> {
        match self.ask(message)?.0 {
            ClientAnswer::Driver { driver: view } => Ok(Some(view)),
            ClientAnswer::Unknown => Ok(None),
            other => Err(format!("the master answers something else: {other:?}")),
        }
    }
}
