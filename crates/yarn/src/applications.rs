//! The client's protocol: applications are submitted, looked at and killed. Any user may, by name.

use crate::YarnError;
use crate::messages::{
    ApplicationId, ApplicationReport, ApplicationSubmissionContext, GetApplicationReportRequest,
    GetApplicationReportResponse, GetNewApplicationRequest, GetNewApplicationResponse,
    KillApplicationRequest, KillApplicationResponse, Resource, SubmitApplicationRequest,
    SubmitApplicationResponse,
};
use crate::rpc::{Connection, Identity, Protocol};
use std::thread;
use std::time::{Duration, Instant};

const PROTOCOL: Protocol =
    Protocol { who: "the ResourceManager", name: "org.apache.hadoop.yarn.api.ApplicationClientProtocolPB" };

/// The longest time that a killed application may take until YARN says that it is.
const KILL_WITHIN: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(100);

/// A connection of a client to the ResourceManager.
#[derive(Debug)]
pub struct Applications(Connection);

impl Applications {
    /// Connects to the ResourceManager, or to one of several, as a user.
    ///
    /// # Errors
    /// When none can be reached, or it wants Kerberos.
    pub fn connect(addresses: &[String], user: &str) -> Result<Applications, YarnError> {
        Connection::open_any(addresses, PROTOCOL, Identity::Name(user)).map(Applications)
    }

    /// Returns the id of a new application, which is not submitted yet, and the size of the largest container.
    ///
    /// # Errors
    /// When the conversation fails.
    pub fn new_application(&mut self) -> Result<(ApplicationId, Resource), YarnError> {
        let new: GetNewApplicationResponse =
            self.0.call("getNewApplication", &GetNewApplicationRequest {})?;
        let id =
            new.application_id.ok_or_else(|| YarnError::malformed("a new application", "it has no id"))?;
        Ok((id, new.maximum_capability.unwrap_or_default()))
    }

    /// Submits an application. A queue that does not exist is no error here: the application fails a moment later.
    ///
    /// # Errors
    /// When the conversation fails, or YARN refuses the application, as one that is larger than a container may be.
    pub fn submit(&mut self, context: ApplicationSubmissionContext) -> Result<(), YarnError> {
        let request = SubmitApplicationRequest { application_submission_context: Some(context) };
        self.0.call::<SubmitApplicationResponse>("submitApplication", &request).map(drop)
    }

    /// Returns what YARN knows of an application.
    ///
    /// # Errors
    /// When the conversation fails, or there is no such application.
    pub fn report(&mut self, id: &ApplicationId) -> Result<ApplicationReport, YarnError> {
        let request = GetApplicationReportRequest { application_id: Some(id.clone()) };
        let answer: GetApplicationReportResponse = self.0.call("getApplicationReport", &request)?;
        answer
            .application_report
            .ok_or_else(|| YarnError::malformed("the report on an application", "it is missing"))
    }

    /// Kills an application, and waits until it is. One that is over is left as it is.
    ///
    /// # Errors
    /// When the conversation fails, the user may not, or it takes longer than half a minute.
    pub fn kill(&mut self, id: &ApplicationId, why: &str) -> Result<(), YarnError> {
        let request =
            KillApplicationRequest { application_id: Some(id.clone()), diagnostics: Some(why.into()) };
        let deadline = Instant::now() + KILL_WITHIN;
        // Killing has to be asked for until it is said to be done.
        loop {
            let answer: KillApplicationResponse = self.0.call("forceKillApplication", &request)?;
            if answer.is_kill_completed.unwrap_or(false) {
                return Ok(());
            }
            if Instant::now() > deadline {
                let why = format!("the application was not killed in {} s", KILL_WITHIN.as_secs());
                let (who, address) = (PROTOCOL.who, self.0.address().into());
                return Err(YarnError::Broken { who, address, method: "forceKillApplication".into(), why });
            }
            thread::sleep(POLL);
        }
    }
}
