//! A connection to whichever master leads: found among several, found again when it is gone.

use super::messages;
use firesteel_net::{ConnectError, Connection, Credentials, Outbox, Purpose, connect};
use firesteel_protocol::standalone::{FromMaster, ToMaster};
use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

/// How long one attempt to connect may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The pause between two rounds through all masters.
const PAUSE: Duration = Duration::from_millis(500);

/// Masters, one of which leads.
#[derive(Clone)]
pub(crate) struct Masters {
    /// Their addresses, the one to try first in front.
    addresses: VecDeque<String>,
    credentials: Credentials,
}

/// A connection to a master, and what it says.
pub(crate) struct MasterLink {
    pub(crate) outbox: Outbox,
    pub(crate) receiver: firesteel_net::Receiver,
    pub(crate) address: String,
}

impl Masters {
    pub(crate) fn new(addresses: &[String], credentials: Credentials) -> Self {
        Masters { addresses: addresses.iter().cloned().collect(), credentials }
    }

    /// Connects to the next master, and says a first word.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub(crate) fn open(&mut self, first: &ToMaster) -> Result<MasterLink, ConnectError> {
        let address = self.addresses.front().cloned().unwrap_or_default();
        let opened = connect(&address, &self.credentials, Purpose::Master, CONNECT_WITHIN);
        let opened = opened.and_then(|connection| link(connection, address).map_err(Into::into));
        match &opened {
            Ok(link) => link.outbox.send(first),
            Err(_) => self.addresses.rotate_left(1),
        }
        opened
    }

    /// A master has said that another leads, or does not know who.
    pub(crate) fn sent_away(&mut self, leader: Option<String>) {
        match leader.filter(|leader| !leader.is_empty()) {
            Some(leader) => {
                self.addresses.retain(|known| *known != leader);
                self.addresses.push_front(leader);
            }
            None => self.addresses.rotate_left(1),
        }
    }

    /// Asks until a master that leads answers.
    ///
    /// # Errors
    /// When none does in time, or one refuses us.
    pub(crate) fn ask(
        &mut self,
        message: impl Fn() -> ToMaster,
        within: Duration,
    ) -> Result<(FromMaster, String), String> {
        let deadline = Instant::now() + within;
        loop {
            let tried = self.addresses.front().cloned().unwrap_or_default();
            let why = match self.open(&message()) {
                Err(error @ (ConnectError::Refused(_) | ConnectError::OtherVersion { .. })) => {
                    return Err(format!("the master at {tried}: {error}"));
                }
                Err(error) => error.to_string(),
                Ok(mut link) => match messages::receive(&mut link.receiver) {
                    Ok(Some(FromMaster::Standby { leader })) => {
                        self.sent_away(leader);
                        "it does not lead, and knows nobody who does".into()
                    }
                    Ok(Some(answer)) => {
                        link.outbox.close();
                        return Ok((answer, link.address));
                    }
                    Ok(None) | Err(_) => "it has closed the connection".into(),
                },
            };
            if Instant::now() > deadline {
                return Err(format!("no master answers; the last one asked, {tried}: {why}"));
            }
            thread::sleep(PAUSE);
        }
    }
}

fn link(connection: Connection, address: String) -> std::io::Result<MasterLink> {
    let closer = connection.closer();
    let (receiver, sender) = connection.split();
    Ok(MasterLink { outbox: Outbox::new("firesteel-to-master", sender, closer)?, receiver, address })
}
