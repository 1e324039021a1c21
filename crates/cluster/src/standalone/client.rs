//! Asking a master: submitting, killing and looking at drivers and applications.

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

/// How long a master may take to answer, with looking for the one that leads.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Somebody who asks a cluster's master.
pub struct Client {
    masters: Masters,
    blocks: BlockClient,
}

impl Client {
    /// Asks these masters, the one that leads among them.
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

    /// Everything that the master knows.
    ///
    /// # Errors
    /// When no master answers.
    pub fn overview(&mut self) -> Result<Overview, String> {
        match self.ask(ClientMessage::Overview)?.0 {
            ClientAnswer::Overview { overview } => Ok(overview),
            other => Err(format!("the master answers something else: {other:?}")),
        }
    }

    /// Brings a file to the master that leads. Gives the hash by which it is known from then on.
    ///
    /// # Errors
    /// When it cannot be read, or no master takes it.
    pub fn upload(&mut self, path: &Path) -> Result<[u8; 32], String> {
        let (_, master) = self.ask(ClientMessage::Overview)?;
        upload(&self.blocks, &master, path)
            .map_err(|error| format!("{} cannot be sent: {error}", path.display()))
    }

    /// Has a driver run in the cluster.
    ///
    /// # Errors
    /// When no master takes it.
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

    /// How a driver is; `None` when the master knows none of this name.
    ///
    /// # Errors
    /// When no master answers.
    pub fn status(&mut self, driver: &str) -> Result<Option<DriverView>, String> {
        self.driver(ClientMessage::DriverStatus { driver: DriverId::new(driver) })
    }

    /// Ends a driver, or an application. `false` when the master knows none of this name.
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

    /// Sends a worker away: it gets nothing new, and what runs there is moved. `false` when the master knows none of this name.
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
