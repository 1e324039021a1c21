//! The protocol of an application master with the scheduler: it registers, asks for containers with each heartbeat, and says at
//! the end how the application went. It is spoken with the token of the application's attempt.

use crate::YarnError;
use crate::messages::{
    AllocateRequest, AllocateResponse, FinalStatus, FinishApplicationMasterRequest,
    FinishApplicationMasterResponse, RegisterApplicationMasterRequest, RegisterApplicationMasterResponse,
    Token,
};
use crate::rpc::{Connection, Identity, Protocol};
use std::thread;
use std::time::{Duration, Instant};

const PROTOCOL: Protocol = Protocol {
    who: "the ResourceManager's scheduler",
    name: "org.apache.hadoop.yarn.api.ApplicationMasterProtocolPB",
};

/// The longest time that YARN may take to let a master go.
const FINISH_WITHIN: Duration = Duration::from_secs(20);

const POLL: Duration = Duration::from_millis(100);

/// A connection of an application master.
#[derive(Debug)]
pub struct ApplicationMaster(Connection);

impl ApplicationMaster {
    /// Connects to the scheduler, or to one of several.
    ///
    /// # Errors
    /// When none can be reached, or the token is not taken, as after the application's end.
    pub fn connect(addresses: &[String], token: &Token) -> Result<ApplicationMaster, YarnError> {
        Connection::open_any(addresses, PROTOCOL, Identity::Token(token)).map(ApplicationMaster)
    }

    /// Registers; `pages` is the address of the application's pages, or nothing.
    ///
    /// # Errors
    /// When the conversation fails, or a master is registered already.
    pub fn register(
        &mut self,
        host: &str,
        pages: &str,
    ) -> Result<RegisterApplicationMasterResponse, YarnError> {
        let request = RegisterApplicationMasterRequest {
            host: Some(host.into()),
            rpc_port: Some(-1),
            tracking_url: Some(pages.into()),
        };
        self.0.call("registerApplicationMaster", &request)
    }

    /// Sends a heartbeat with all that it is to change, and returns what is new. The same `response_id` again is answered
    /// in the same way, so a heartbeat may be repeated after a broken connection.
    ///
    /// # Errors
    /// When the conversation fails, or an ask cannot be met at all, as one that is larger than a container may be.
    pub fn allocate(&mut self, request: &AllocateRequest) -> Result<AllocateResponse, YarnError> {
        self.0.call("allocate", request)
    }

    /// Ends the application: `why` is what people read beside its status. Waits until YARN has noted it.
    ///
    /// # Errors
    /// When the conversation fails, or it takes longer than twenty seconds.
    pub fn finish(&mut self, status: FinalStatus, why: &str, pages: &str) -> Result<(), YarnError> {
        let request = FinishApplicationMasterRequest {
            diagnostics: Some(why.into()),
            tracking_url: Some(pages.into()),
            final_application_status: Some(status as i32),
        };
        let deadline = Instant::now() + FINISH_WITHIN;
        loop {
            let answer: FinishApplicationMasterResponse = self.0.call("finishApplicationMaster", &request)?;
            if answer.is_unregistered.unwrap_or(false) {
                return Ok(());
            }
            if Instant::now() > deadline {
                let why = format!("it did not let us go in {} s", FINISH_WITHIN.as_secs());
                let (who, address) = (PROTOCOL.who, self.0.address().into());
                return Err(YarnError::Broken {
                    who,
                    address,
                    method: "finishApplicationMaster".into(),
                    why,
                });
            }
            thread::sleep(POLL);
        }
    }
}
