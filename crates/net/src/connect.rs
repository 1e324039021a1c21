//! Connecting: makes a connection to a listener.

use crate::connect_error::ConnectError;
use crate::handshake::knock;
use crate::socket::{Deadline, tune};
use crate::{Connection, Credentials, Purpose};
use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// Connects to "host:port", trying all addresses that the host has. It takes no longer than `timeout`, apart from
/// asking for the host's addresses, where the system has its own.
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
