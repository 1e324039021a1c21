//! The handshake: makes a [`Connection`] of a fresh socket. TLS if there is a secret, then both sides'
//! prefaces, all within one deadline.
//!
//! In TLS 1.3 the connecting side has finished before the listener has checked its key. So it counts as
//! admitted only when the listener's preface answers its own.

use crate::connection::{Closer, Connection, Incoming};
use crate::connection_table::Ticket;
use crate::preface::{self, PROTOCOL_VERSION, Preface, Purpose, Strange, Verdict};
use crate::socket::{Deadline, Hurried, settle};
use crate::tls::{OWED_ROOM, Step, Tls, room_for};
use crate::wire::Wire;
use crate::{ConnectError, Credentials};
use rustls::{AlertDescription, CertificateError, Error};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// The memory for a handshake's messages; a peer that is not admitted yet gets no more.
const HANDSHAKE_ROOM: usize = 18 << 10;
/// The time to wait after a refusal, so that the peer can read it.
const LINGER: Duration = Duration::from_millis(500);

pub(crate) const THEIR_KEY: &str = "it holds another secret than ours: both sides must be given the same one";
pub(crate) const OUR_KEY: &str = "it does not accept our secret: both sides must be given the same one";
const NO_TLS: &str =
    "it speaks without encryption and we have a secret: one side was started with the insecure flag";
const WANTS_TLS: &str = "it wants a secret and we have none: one side was started with the insecure flag";
const NO_PREFACE: &str = "what answered does not speak Firesteel's protocol";
const FULL: &str = "it has as many connections as it may have";

/// Runs the handshake of the connecting side.
pub(crate) fn knock(
    socket: Arc<TcpStream>,
    credentials: &Credentials,
    purpose: Purpose,
    deadline: Deadline,
) -> Result<Connection, ConnectError> {
    let tls = credentials.client().map(Tls::client).transpose().map_err(io::Error::other)?;
    let mut greeting = Greeting { socket, tls, incoming: Incoming::default(), deadline };
    greeting.tls_handshake()?;
    greeting.send_preface(Preface::new(purpose, Verdict::Welcome))?;
    let answer = greeting.read_preface()?;
    match answer.verdict {
        Verdict::Full => Err(io::Error::new(ErrorKind::ConnectionRefused, FULL).into()),
        Verdict::Unknown => Err(ConnectError::NotFiresteel(NO_PREFACE.into())),
        Verdict::Welcome if answer.purpose != purpose => Err(ConnectError::NotFiresteel(NO_PREFACE.into())),
        Verdict::Welcome => Ok(greeting.done(purpose, None)?),
    }
}

/// Runs the handshake of the listening side. `reserve` returns a ticket if there is room for one more
/// connection.
pub(crate) fn answer(
    socket: Arc<TcpStream>,
    credentials: &Credentials,
    deadline: Deadline,
    reserve: impl FnOnce() -> Option<Ticket>,
) -> Result<Connection, ConnectError> {
    let tls = credentials.server().map(Tls::server).transpose().map_err(io::Error::other)?;
    let mut greeting = Greeting { socket, tls, incoming: Incoming::default(), deadline };
    let preface = match greeting.tls_handshake().and_then(|()| greeting.read_preface()) {
        Ok(preface) => preface,
        Err(error) => {
            greeting.refuse(Verdict::Unknown, &error);
            return Err(error);
        }
    };
    let Some(ticket) = reserve() else {
        let error = io::Error::new(ErrorKind::ConnectionRefused, FULL).into();
        greeting.refuse(Verdict::Full, &error);
        return Err(error);
    };
    greeting.send_preface(Preface::new(preface.purpose, Verdict::Welcome))?;
    Ok(greeting.done(preface.purpose, Some(ticket))?)
}

/// A connection during its handshake.
struct Greeting {
    socket: Arc<TcpStream>,
    tls: Option<Tls>,
    incoming: Incoming,
    deadline: Deadline,
}

impl Greeting {
    fn tls_handshake(&mut self) -> Result<(), ConnectError> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        let mut socket = Hurried { socket: &self.socket, deadline: self.deadline };
        let mut opening = vec![];
        loop {
            let mut early = vec![];
            let raw = self.incoming.raw();
            opening.extend_from_slice(&raw[..raw.len().min(preface::LENGTH.saturating_sub(opening.len()))]);
            let (used, step) = tls.step(raw, &mut |plain| early.extend_from_slice(plain));
            self.incoming.used(used);
            self.incoming.keep_plain(&early);
            socket.write_all(&tls.take_owed())?;
            match step.map_err(|error| explain(error, &opening))? {
                Step::Plain | Step::More if tls.is_proven() => return Ok(()),
                Step::Plain | Step::More => return Err(ConnectError::NotFiresteel(NO_PREFACE.into())),
                Step::End => return Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
                Step::Handshake => {
                    if self.incoming.read_from(&mut socket, HANDSHAKE_ROOM)? == 0 {
                        return Err(gone().into());
                    }
                }
            }
        }
    }

    fn send_preface(&mut self, preface: Preface) -> io::Result<()> {
        let mut bytes = preface.encode().to_vec();
        if let Some(tls) = &mut self.tls {
            let mut out = [0; room_for(preface::LENGTH) + OWED_ROOM];
            let length = tls.encrypt(&bytes, &mut out)?;
            bytes = out[..length].to_vec();
        }
        Hurried { socket: &self.socket, deadline: self.deadline }.write_all(&bytes)
    }

    fn read_preface(&mut self) -> Result<Preface, ConnectError> {
        let mut bytes = [0; preface::LENGTH];
        match &self.tls {
            None => self.read_plain(&mut bytes)?,
            Some(_) => self.read_encrypted(&mut bytes)?,
        }
        Preface::decode(&bytes).map_err(|strange| match strange {
            Strange::OtherVersion(theirs) => ConnectError::OtherVersion { ours: PROTOCOL_VERSION, theirs },
            Strange::NotFiresteel | Strange::Malformed => ConnectError::NotFiresteel(NO_PREFACE.into()),
        })
    }

    fn read_plain(&mut self, bytes: &mut [u8; preface::LENGTH]) -> Result<(), ConnectError> {
        let mut socket = Hurried { socket: &self.socket, deadline: self.deadline };
        let mut read = 0;
        while read < bytes.len() {
            match socket.read(&mut bytes[read..])? {
                0 => return Err(gone().into()),
                more => read += more,
            }
            // A TLS alert is shorter than a preface: each read is checked, not only the last.
            if is_tls(&bytes[..read]) {
                return Err(ConnectError::Refused(WANTS_TLS.into()));
            }
        }
        Ok(())
    }

    fn read_encrypted(&mut self, bytes: &mut [u8]) -> Result<(), ConnectError> {
        let mut socket = Hurried { socket: &self.socket, deadline: self.deadline };
        while !self.incoming.take_plain(bytes) {
            let Some(tls) = &mut self.tls else { return Ok(()) };
            let mut early = vec![];
            let (used, step) = tls.step(self.incoming.raw(), &mut |plain| early.extend_from_slice(plain));
            self.incoming.used(used);
            self.incoming.keep_plain(&early);
            let ended = match step.map_err(|error| explain(error, &[]))? {
                Step::Plain => false,
                Step::End => true,
                Step::More | Step::Handshake => self.incoming.read_from(&mut socket, HANDSHAKE_ROOM)? == 0,
            };
            if ended {
                return Err(gone().into());
            }
        }
        Ok(())
    }

    /// Sends the peer the reason, as far as possible, and waits a moment so that it is read: if a socket is
    /// closed with bytes unread, the system takes back what was sent.
    fn refuse(&mut self, verdict: Verdict, error: &ConnectError) {
        self.deadline = Deadline::after(LINGER);
        if !matches!(error, ConnectError::Unreachable(e) if e.kind() != ErrorKind::ConnectionRefused) {
            // If TLS is broken, its alert has told the peer already, and this send fails.
            let _ = self.send_preface(Preface::new(Purpose::Control, verdict));
            let _ = self.socket.shutdown(Shutdown::Write);
            let mut rest =
                Hurried { socket: &self.socket, deadline: self.deadline }.take(HANDSHAKE_ROOM as u64);
            let _ = io::copy(&mut rest, &mut io::sink());
        }
    }

    fn done(self, purpose: Purpose, ticket: Option<Ticket>) -> io::Result<Connection> {
        settle(&self.socket, purpose)?;
        let place = ticket.as_ref().map(Ticket::place);
        let wire = Arc::new(Wire::new(self.socket, self.tls, ticket)?);
        if let Some(place) = place {
            place.stands(Arc::new(Closer::of(&wire)));
        }
        Ok(Connection::new(purpose, wire, self.incoming))
    }
}

fn gone() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the other side closed the connection within the handshake")
}

/// Returns whether bytes begin as a TLS record does: an alert or a handshake message.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 3, ..])
}

/// Explains a broken handshake.
fn explain(error: Error, opening: &[u8]) -> ConnectError {
    match error {
        Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            ConnectError::Refused(THEIR_KEY.into())
        }
        Error::AlertReceived(
            AlertDescription::AccessDenied
            | AlertDescription::BadCertificate
            | AlertDescription::DecryptError,
        ) => ConnectError::Refused(OUR_KEY.into()),
        Error::InvalidCertificate(CertificateError::BadSignature) => ConnectError::Refused(THEIR_KEY.into()),
        _ if opening.starts_with(&preface::MAGIC) => ConnectError::Refused(NO_TLS.into()),
        error => ConnectError::NotFiresteel(format!("{NO_PREFACE} ({error})")),
    }
}
