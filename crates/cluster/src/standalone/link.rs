//! The connection to the leader among several masters. It is looked for among all of them, and again when the
//! connection has ended.

use super::messages;
use firesteel_net::{ConnectError, Connection, Credentials, Outbox, Purpose, connect};
use firesteel_protocol::standalone::{FromMaster, ToMaster};
use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

/// The time that one attempt to connect may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The pause before the next master is tried.
pub(crate) const RETRY_WAIT: Duration = Duration::from_millis(500);

/// Masters, one of which is the leader.
#[derive(Clone)]
pub(crate) struct Masters {
    /// Their addresses, the one to try first in front.
    addresses: VecDeque<String>,
    credentials: Credentials,
}

/// A connection to a master.
pub(crate) struct MasterLink {
    pub(crate) outbox: Outbox,
    pub(crate) receiver: firesteel_net::Receiver,
    pub(crate) address: String,
}

impl Masters {
    pub(crate) fn new(addresses: &[String], credentials: Credentials) -> Self {
        Masters { addresses: addresses.iter().cloned().collect(), credentials }
    }

    /// Connects to the first master. The caller sends the first message on the connection.
    ///
    /// # Errors
    /// When the master cannot be reached. The next call tries the next one.
    pub(crate) fn connect(&mut self) -> Result<MasterLink, ConnectError> {
        let address = self.addresses.front().cloned().unwrap_or_default();
        let connected = connect(&address, &self.credentials, Purpose::Master, CONNECT_WITHIN);
        let connected = connected.and_then(|connection| link(connection, address).map_err(Into::into));
        if connected.is_err() {
            self.addresses.rotate_left(1);
        }
        connected
    }

    /// Notes a standby's answer: the address of the leader, if the standby knows it.
    pub(crate) fn redirected(&mut self, leader: Option<String>) {
        match leader.filter(|leader| !leader.is_empty()) {
            Some(leader) => {
                self.addresses.retain(|known| *known != leader);
                self.addresses.push_front(leader);
            }
            None => self.addresses.rotate_left(1),
        }
    }

    /// Sends a request to one master after the other, until the leader answers.
    ///
    /// # Errors
    /// When no leader answers in time, or a master refuses this client.
    pub(crate) fn ask(
        &mut self,
        message: impl Fn() -> ToMaster,
        within: Duration,
    ) -> Result<(FromMaster, String), String> {
        let deadline = Instant::now() + within;
        loop {
            let tried = self.addresses.front().cloned().unwrap_or_default();
            let why = match self.connect() {
                Err(error @ (ConnectError::Refused(_) | ConnectError::OtherVersion { .. })) => {
                    return Err(format!("the master at {tried}: {error}"));
                }
                Err(error) => error.to_string(),
                Ok(mut link) => {
                    link.outbox.send(&message());
                    match messages::receive(&mut link.receiver) {
                        Ok(Some(FromMaster::Standby { leader })) => {
                            self.redirected(leader);
                            "it is not the leader, and knows none".into()
                        }
                        Ok(Some(answer)) => {
                            link.outbox.close();
                            return Ok((answer, link.address));
                        }
                        Ok(None) | Err(_) => "it has closed the connection".into(),
                    }
                }
            };
            if Instant::now() > deadline {
                return Err(format!("no master answers; the last one asked, {tried}: {why}"));
            }
            thread::sleep(RETRY_WAIT);
        }
    }
}

fn link(connection: Connection, address: String) -> std::io::Result<MasterLink> {
    let closer = connection.closer();
    let (receiver, sender) = connection.split();
    Ok(MasterLink { outbox: Outbox::new("firesteel-to-master", sender, closer)?, receiver, address })
}

/// The failures of attempts to connect: one that repeats itself is reported once.
#[derive(Default)]
pub(crate) struct ConnectFailures {
    last: Option<String>,
}

impl ConnectFailures {
    /// Returns the failure if it is to be reported, since the attempt before did not fail with the same one.
    pub(crate) fn failed(&mut self, error: &str) -> Option<String> {
        if self.last.as_deref() == Some(error) {
            return None;
        }
        self.last = Some(error.to_owned());
        self.last.clone()
    }

    /// Notes that an attempt has succeeded.
    pub(crate) fn connected(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leader_that_a_standby_names_is_tried_first_and_otherwise_the_next_master() {
        let mut masters = Masters::new(&["a:1".into(), "b:1".into()], Credentials::insecure());
        masters.redirected(None);
        assert_eq!(masters.addresses, ["b:1", "a:1"]);
        masters.redirected(Some("a:1".into()));
        assert_eq!(masters.addresses, ["a:1", "b:1"]);
        masters.redirected(Some("c:1".into()));
        assert_eq!(masters.addresses, ["c:1", "a:1", "b:1"]);
        masters.redirected(Some(String::new()));
        assert_eq!(masters.addresses, ["a:1", "b:1", "c:1"]);
    }

    #[test]
    fn a_failure_that_repeats_itself_is_reported_once() {
        let mut failures = ConnectFailures::default();
        assert_eq!(failures.failed("refused").as_deref(), Some("refused"));
        assert_eq!(failures.failed("refused"), None);
        assert_eq!(failures.failed("no route").as_deref(), Some("no route"));
        failures.connected();
        assert_eq!(failures.failed("no route").as_deref(), Some("no route"));
    }
}
