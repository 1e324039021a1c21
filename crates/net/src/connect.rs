//! Connecting: makes a connection to a listener.

use crate::handshake::knock;
use crate::socket::{Deadline, tune};
use crate::{Connection, Credentials, Purpose};
use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// The reason why there is no connection. None of these shows the secret.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No process listens there, or nothing came in time, or the listener has too many connections.
    #[error("cannot reach it: {0}")]
    Unreachable(#[from] io::Error),
    /// The two sides do not have the same secret, or only one of them has one.
    #[error("{0}")]
    Refused(String),
    /// The other side is a Firesteel of another version.
    #[error(
        "it speaks version {theirs} of Firesteel's protocol and we speak {ours}: run the same version on all machines"
    )]
    OtherVersion {
        /// Our version of the protocol.
        ours: u32,
        /// Theirs.
        theirs: u32,
    },
    /// Another program listens there.
    #[error("{0}")]
    NotFiresteel(String),
}

/// Connects to "host:port", trying all addresses that the host has. It takes no longer than `timeout`, except
/// for the lookup of the host's addresses, which has the system's timeout.
///
/// # Errors
/// When no listener is there, or it is not one of this application or cluster.
///
/// ```
/// use firesteel_net::{ConnectError, Credentials, Purpose, connect};
/// use std::time::Duration;
/// let refused = connect("127.0.0.1:1", &Credentials::insecure(), Purpose::Blocks, Duration::from_secs(1));
/// assert!(matches!(refused, Err(ConnectError::Unreachable(_))));
/// ```
pub fn connect(
    address: &str,
    credentials: &Credentials,
    purpose: Purpose,
    timeout: Duration,
) -> Result<Connection, ConnectError> {
    let deadline = Deadline::after(timeout);
    let mut last = io::Error::new(ErrorKind::NotFound, format!("{address} has no address"));
    let all: Vec<_> = address.to_socket_addrs()?.collect();
    for (tried, one) in all.iter().enumerate() {
        // Each address gets its share of the time: one that does not answer leaves some for the others.
        let share = deadline.left()? / u32::try_from(all.len() - tried).unwrap_or(u32::MAX);
        let made = TcpStream::connect_timeout(one, share).and_then(|socket| tune(&socket).map(|()| socket));
        match made
            .map_err(ConnectError::from)
            .and_then(|socket| knock(Arc::new(socket), credentials, purpose, deadline))
        {
            Ok(connection) => return Ok(connection),
            Err(ConnectError::Unreachable(error)) => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last.into())
}
